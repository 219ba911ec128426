//! Who one is, at the foot of the chat list, and the menu there: how one wants to be seen, and one's profile.

use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced::widget::{button, column, container, row, text, tooltip};
use iced::{Center, Element, Fill, padding};
use rookery_api::v1::{PresenceState, StatusKind};
use rookery_client::Connection;

use super::{Message, View, retry};
use crate::speech;
use crate::theme::{self, Mode};
use crate::widget::icon::Icon;
use crate::widget::popover::{Side, popover};
use crate::widget::{avatar, hint_over, icon_button, line, words};

/// In the order in which they are offered.
const KINDS: [StatusKind; 4] = [StatusKind::Online, StatusKind::Idle, StatusKind::DoNotDisturb, StatusKind::Invisible];

impl<'a> View<'a> {
    pub(super) fn own(self) -> Element<'a, Message> {
        let me = self.world.me();
        let who = avatar::who(self.world, self.world.user_id());
        let name = me.map_or("…", |me| me.display_name.as_str());
        let words = column![
            container(words::look(theme::BODY).font(theme::SEMIBOLD).one_line().view(name)).clip(true),
            words::look(theme::CAPTION).style(theme::dim).one_line().view_owned(self.state()),
        ]
        .width(Fill)
        .spacing(theme::HAIR);
        let presence = speech::own_presence(self.world);
        let face = avatar::present(self.gallery, who, theme::AVATAR, presence, theme::surface::side);
        let own = button(row![face, words].spacing(theme::MEDIUM).align_y(Center))
            .width(Fill)
            .padding([theme::TINY, theme::SMALL])
            .style(theme::button::row(self.menu))
            .on_press_maybe(me.is_some().then_some(Message::MenuToggled));
        let own = popover(
            hint_over(own, "Status and profile", tooltip::Position::Top),
            self.menu.then(|| self.menu()),
            Side::Left,
        )
        .on_close(Message::MenuToggled)
        .keys(|key, _| (*key == Key::Named(Named::Escape)).then_some(Message::MenuToggled));
        let (icon, hint) = match self.mode {
            Mode::Dark => (Icon::Sun, "Light"),
            Mode::Light => (Icon::Moon, "Dark"),
        };
        row![
            own,
            row![
                icon_button(icon, hint, Message::ModeToggled),
                icon_button(Icon::Leave, "Sign out", Message::SignOutWanted),
            ],
        ]
        .spacing(theme::TINY)
        .padding(padding::vertical(theme::SMALL).left(theme::SMALL).right(theme::LARGE))
        .align_y(Center)
        .into()
    }

    /// How one is seen, or what is in the way of it.
    fn state(self) -> String {
        match self.world.connection() {
            Connection::Online => speech::status(self.world.status().kind()).0.to_owned(),
            Connection::CatchingUp => "Catching up…".to_owned(),
            Connection::Connecting => "Connecting…".to_owned(),
            Connection::Offline(offline) => retry(offline.retry_at),
            Connection::SignedOut => "Signed out".to_owned(),
        }
    }

    fn menu(self) -> Element<'a, Message> {
        let kinds = KINDS.map(|kind| self.status(kind));
        let deeds = column![
            deed(Icon::Person, "View profile", Message::PersonWanted(self.world.user_id())),
            deed(Icon::Edit, "Edit profile", Message::ProfileWanted),
        ];
        container(column![column(kinds), line(), deeds].spacing(theme::TINY))
            .width(theme::MENU)
            .padding(theme::TINY)
            .style(theme::surface::card)
            .into()
    }

    fn status(self, kind: StatusKind) -> Element<'a, Message> {
        let (name, meaning) = speech::status(kind);
        let chosen = self.world.status().kind() == kind;
        let words = column![
            text(name).size(theme::BODY).font(theme::SEMIBOLD),
            text(meaning).size(theme::CAPTION).style(theme::dim),
        ]
        .width(Fill);
        let mark = chosen.then(|| Icon::Check.view(theme::ICON_SMALL).style(theme::accent));
        let content = row![avatar::dot(seen_as(kind), theme::surface::raised), words, mark];
        button(content.spacing(theme::MEDIUM).align_y(Center))
            .width(Fill)
            .padding([theme::SMALL, theme::MEDIUM])
            .style(theme::button::row(false))
            .on_press(Message::StatusChosen(kind))
            .into()
    }
}

fn seen_as(kind: StatusKind) -> PresenceState {
    match kind {
        StatusKind::Online | StatusKind::Unspecified => PresenceState::Online,
        StatusKind::Idle => PresenceState::Idle,
        StatusKind::DoNotDisturb => PresenceState::DoNotDisturb,
        StatusKind::Invisible => PresenceState::Offline,
    }
}

fn deed<'a>(icon: Icon, label: &'a str, message: Message) -> Element<'a, Message> {
    let picture = container(icon.view(theme::ICON_SMALL)).center_x(theme::DOT);
    let content = row![picture, text(label).size(theme::BODY)].spacing(theme::MEDIUM).align_y(Center);
    button(content)
        .width(Fill)
        .padding([theme::SMALL, theme::MEDIUM])
        .style(theme::button::quiet)
        .on_press(message)
        .into()
}
