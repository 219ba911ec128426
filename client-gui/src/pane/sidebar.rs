//! The chat list, and who one is.

mod own;

use std::time::Instant;

use iced::widget::{button, column, container, row, scrollable, space, text, tooltip};
use iced::{Center, Element, Fill};
use jiff::Zoned;
use rookery_api::v1::{ConversationKind, StatusKind};
use rookery_client::{Conversation, State as World};

use crate::gallery::Gallery;
use crate::theme::{self, Mode};
use crate::widget::icon::Icon;
use crate::widget::{avatar, badge, head_button, hint_over, icon_button, line, spring, way_to, words};
use crate::{clock, speech};

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A chat was chosen.
    Chosen(i64),
    /// Start a direct chat.
    ChatWanted,
    /// Make or join a group.
    GroupWanted,
    /// Show the menu at one's own name, or hide it.
    MenuToggled,
    /// Be seen like this from now on.
    StatusChosen(StatusKind),
    /// Show who somebody is.
    PersonWanted(i64),
    /// Change one's own profile.
    ProfileWanted,
    /// Dark or light.
    ModeToggled,
    /// Sign out.
    SignOutWanted,
    /// The note about the token was read.
    NoteClosed,
}

/// What the list is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Everything that is known.
    pub world: &'a World,
    /// The pictures.
    pub gallery: &'a Gallery,
    /// Whether the menu at one's own name is open.
    pub menu: bool,
    /// The chat that is open.
    pub open: Option<i64>,
    /// The time.
    pub now: &'a Zoned,
    /// Dark or light.
    pub mode: Mode,
    /// Whether the token is in a file and that should be said.
    pub note: bool,
}

impl<'a> View<'a> {
    /// Draws it.
    pub fn show(self) -> Element<'a, Message> {
        let head = row![
            text("Chats").size(theme::TITLE).font(theme::BOLD),
            spring(),
            head_button(Icon::AddChat, "New chat (Ctrl+K)", Message::ChatWanted),
            head_button(Icon::AddGroup, "New group", Message::GroupWanted),
        ]
        .spacing(theme::TINY)
        .height(theme::HEADER)
        .padding([0.0, theme::LARGE])
        .align_y(Center);
        let chats = self.world.chats().into_iter().map(|chat| self.chat(chat));
        let list = scrollable(column(chats).spacing(theme::HAIR).padding([theme::TINY, theme::SMALL]))
            .height(Fill)
            .width(Fill)
            .direction(thin())
            .style(theme::surface::scroll);
        let note = self.note.then(note);
        container(column![head, line(), list, note, line(), self.own()])
            .width(theme::SIDEBAR)
            .height(Fill)
            .style(theme::surface::side)
            .into()
    }

    fn chat(self, chat: &'a Conversation) -> Element<'a, Message> {
        let unread = chat.unread();
        let title = words::look(theme::BODY)
            .font(if unread > 0 { theme::BOLD } else { theme::SEMIBOLD })
            .one_line()
            .view_owned(speech::cut(self.world.title(chat), theme::CHAT_NAME));
        let at = chat.last_message().and_then(|message| message.created_at);
        let at = clock::local(at.map(|at| (at.seconds, at.nanos)), self.now.time_zone());
        let at = at.map(|at| {
            words::look(theme::CAPTION).style(theme::faint).one_line().view_owned(clock::brief(&at, self.now))
        });
        let first = row![container(title).width(Fill).clip(true), at].spacing(theme::SMALL).align_y(Center);
        let most = if unread > 0 { theme::PREVIEW.1 } else { theme::PREVIEW.0 };
        let preview = speech::cut(&speech::preview(self.world, chat), most);
        let style = if unread > 0 { theme::strong } else { theme::dim };
        let preview =
            container(words::look(theme::NOTE).style(style).one_line().view_owned(preview)).width(Fill).clip(true);
        let second = row![preview, badge(unread)].spacing(theme::SMALL).height(theme::COMPOSER_LINE).align_y(Center);
        let content = row![self.picture(chat), column![first, second]].spacing(theme::MEDIUM).align_y(Center);
        button(content)
            .width(Fill)
            .padding([theme::SMALL, theme::SMALL])
            .style(theme::button::row(self.open == Some(chat.id())))
            .on_press(Message::Chosen(chat.id()))
            .into()
    }

    fn picture(self, chat: &'a Conversation) -> Element<'a, Message> {
        match chat.kind() {
            ConversationKind::Global => padded(avatar::everybody(theme::AVATAR)),
            ConversationKind::Direct => {
                let partner = chat.partner_id(self.world.user_id()).unwrap_or_default();
                let presence = self.world.presence(partner);
                let who = avatar::who(self.world, partner);
                let face = avatar::present(self.gallery, who, theme::AVATAR, presence, theme::surface::side);
                let words = format!("{}: {}", who.name, speech::presence(presence));
                let face = hint_over(face, words, tooltip::Position::Right);
                way_to(face, Message::PersonWanted(partner))
            }
            _ => padded(avatar::group(chat.id(), self.world.title(chat), theme::AVATAR)),
        }
    }
}

/// How wide a picture without a dot is beside one with a dot.
fn padded<'a>(picture: Element<'a, Message>) -> Element<'a, Message> {
    row![picture, space().width(theme::HAIR)].into()
}

/// When the next try is.
#[must_use]
pub fn retry(at: Instant) -> String {
    let seconds = at.saturating_duration_since(Instant::now()).as_secs_f32().ceil();
    if seconds < 1.0 { "Offline".to_owned() } else { format!("Offline, retry in {seconds:.0} s") }
}

fn note<'a>() -> Element<'a, Message> {
    let words = text("No keyring found. Your sign-in is kept in a file that only you can read.")
        .size(theme::CAPTION)
        .style(theme::dim)
        .width(Fill);
    let close = icon_button(Icon::Close, "Understood", Message::NoteClosed);
    let key = hint_over(
        Icon::Key.view(theme::ICON_SMALL).style(theme::dim),
        "Install a Secret Service (GNOME Keyring, KWallet) to keep it there.",
        tooltip::Position::Top,
    );
    row![key, words, close].spacing(theme::SMALL).padding([theme::SMALL, theme::LARGE]).align_y(Center).into()
}

/// A scroll bar that takes no room from the rows.
#[must_use]
pub fn thin() -> scrollable::Direction {
    let bar =
        scrollable::Scrollbar::new().width(theme::SCROLL_BAR).scroller_width(theme::SCROLL_BAR).margin(theme::HAIR);
    scrollable::Direction::Vertical(bar)
}
