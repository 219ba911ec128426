//! One line of the conversation as it is drawn.

pub mod attachment;
mod pending;

use iced::widget::{Column, Space, button, column, container, mouse_area, row, rule, space, stack, text, tooltip};
use iced::{Center, Element, Fill, padding};
use jiff::{SignedDuration, Timestamp, Zoned};
use rookery_api::v1::{self, ConversationKind};
use rookery_client::{Connection, Conversation, Pending, PendingStatus, State as World};

use super::emote_picker;
use crate::emote::Habits;
use crate::gallery::Gallery;
use crate::theme::{self, Colors};
use crate::transcript::{Line, What};
use crate::widget::icon::Icon;
use crate::widget::popover::{Side, popover};
use crate::widget::{avatar, hint_over, way_to, words};
use crate::{clock, emoji, speech};

/// What can be done to a message.
#[derive(Debug, Clone)]
pub enum Message {
    /// The pointer came over it.
    Entered(i64),
    /// The pointer left it.
    Left(i64),
    /// Answer it.
    ReplyWanted(i64),
    /// Choose a reaction.
    ReactWanted(i64),
    /// Choose it from all emotes.
    MoreWanted(i64),
    /// Among all emotes.
    Picker(emote_picker::Message),
    /// React, or take the reaction back.
    Reacted {
        /// To what.
        id: i64,
        /// How.
        emote: String,
        /// Whether the reaction is to stand.
        stands: bool,
    },
    /// Change it.
    EditWanted(i64),
    /// Take it back.
    DeleteWanted(i64),
    /// Show who somebody is.
    PersonWanted(i64),
    /// Put its text on the clipboard.
    CopyWanted(i64),
    /// It counts as unread again.
    UnreadWanted(i64),
    /// Go to a message that was answered.
    JumpWanted(i64),
    /// Send a failed one again.
    RetryWanted(String),
    /// Write a failed one anew.
    RewriteWanted(String),
    /// Give a waiting one up.
    CancelWanted(String),
    /// Look closely at one of a message's pictures.
    PictureWanted {
        /// Whose.
        id: i64,
        /// Which of its pictures.
        index: usize,
    },
    /// Keep a file on this device.
    SaveWanted(v1::Media),
    /// Keep a file on this device and open it.
    OpenWanted(v1::Media),
}

/// What lines are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Everything that is known.
    pub world: &'a World,
    /// Where the message stands.
    pub conversation: &'a Conversation,
    /// The pictures.
    pub gallery: &'a Gallery,
    /// The time.
    pub now: &'a Zoned,
    /// The message under the pointer.
    pub hovered: Option<i64>,
    /// The message whose reactions are offered.
    pub reacting: Option<i64>,
    /// The message that gets a reaction from all emotes.
    pub picking: Option<(i64, &'a emote_picker::State)>,
    /// Which emotes the user uses.
    pub habits: &'a Habits,
    /// The message that was jumped to.
    pub found: Option<i64>,
    /// For words inside text.
    pub colors: &'static Colors,
}

impl<'a> View<'a> {
    /// Draws a line.
    pub fn show(self, line: Line<'a>) -> Element<'a, Message> {
        match line.what {
            What::Beginning => self.beginning(),
            What::Day(day) => divider(clock::day(day, self.now.date()), theme::dim, theme::surface::line),
            What::New => divider("New messages".to_owned(), theme::accent, theme::surface::new_line),
            What::System(message) => self.system(message),
            What::Message { message, head, at } => self.message(message, head, at),
            What::Pending { pending, head } => self.pending(pending, head),
        }
    }

    fn beginning(self) -> Element<'a, Message> {
        let title = self.world.title(self.conversation);
        let (name, hint) = match self.conversation.kind() {
            ConversationKind::Global => {
                ("Everybody is here".to_owned(), "This room is for all who have an account on this server.".to_owned())
            }
            ConversationKind::Direct => {
                (title.to_owned(), format!("This is where your conversation with {title} begins."))
            }
            _ => (title.to_owned(), "This is where the group begins for you.".to_owned()),
        };
        column![
            words::look(theme::TITLE).font(theme::BOLD).view_owned(name),
            words::look(theme::NOTE).style(theme::dim).view_owned(hint),
        ]
        .spacing(theme::TINY)
        .padding([theme::HUGE, theme::LARGE])
        .into()
    }

    fn system(self, message: &'a v1::Message) -> Element<'a, Message> {
        let at = clock::local(message.created_at.map(|at| (at.seconds, at.nanos)), self.now.time_zone());
        let hour = at.map(|at| clock::hour(&at)).unwrap_or_default();
        // In one text: beside a sentence that fills the line there is no room for the time.
        let sentence = format!("{}\u{2002}{hour}", speech::system(self.world, message));
        let sentence = words::look(theme::NOTE).style(theme::dim).view_owned(sentence);
        container(sentence).center_x(Fill).padding([theme::SMALL, theme::LARGE]).into()
    }

    fn message(self, message: &'a v1::Message, head: bool, at: Option<Zoned>) -> Element<'a, Message> {
        let id = message.id;
        let picking = self.picking.is_some_and(|(picking, _)| picking == id);
        let hovered = self.hovered == Some(id) || picking;
        let author = speech::shown_name(self.world, message.author_id);
        let picture: Element<'a, Message> = if head {
            self.face(message.author_id)
        } else if hovered {
            gutter(at.as_ref())
        } else {
            space().width(theme::AVATAR).into()
        };
        let name = head.then(|| self.head(message.author_id, author, at.as_ref()));
        let reply = (message.reply_to != 0 && !message.deleted).then(|| self.reply(message.reply_to));
        let says = (message.deleted || !message.text.is_empty()).then(|| self.says(message));
        let attachments = attachment::show(self.gallery, message);
        let reactions = (!message.reactions.is_empty()).then(|| self.reactions(message));
        let body = measured(column![name, reply, says, attachments, reactions]);
        let line = row![picture, body].spacing(theme::MEDIUM);
        let style = if self.found == Some(id) {
            theme::surface::found
        } else if hovered {
            theme::surface::hovered
        } else {
            theme::surface::clear
        };
        let line = container(line)
            .width(Fill)
            .padding(padding::horizontal(theme::SMALL).top(theme::TINY).bottom(theme::TINY))
            .style(style);
        let tools = (hovered && !message.deleted).then(|| top_right(self.tools(message)));
        let over = mouse_area(stack![line, tools]).on_enter(Message::Entered(id)).on_exit(Message::Left(id));
        placed(over, head)
    }

    /// Somebody's picture, which leads to who she is.
    fn face(self, id: i64) -> Element<'a, Message> {
        let face = avatar::face(self.gallery, avatar::who(self.world, id), theme::AVATAR);
        way_to(face, Message::PersonWanted(id))
    }

    fn head(self, id: i64, author: &'a str, at: Option<&Zoned>) -> Element<'a, Message> {
        let time = at.map(|at| {
            let beside = words::look(theme::CAPTION).style(theme::faint).view_owned(clock::beside(at, self.now));
            hint_over(beside, clock::exact(at), tooltip::Position::Top)
        });
        let author = way_to(words::look(theme::BODY).font(theme::SEMIBOLD).view(author), Message::PersonWanted(id));
        row![author, time].spacing(theme::SMALL).align_y(Center).into()
    }

    fn says(self, message: &'a v1::Message) -> Element<'a, Message> {
        if message.deleted {
            return text("Message deleted").size(theme::BODY).font(theme::ITALIC).style(theme::faint).into();
        }
        let size = if emoji::jumbo(&message.text) { theme::JUMBO } else { theme::BODY };
        let look = words::look(size);
        let look = if message.edited_at.is_some() { look.behind("  (edited)", self.colors.faint) } else { look };
        look.view(&message.text)
    }

    fn reactions(self, message: &'a v1::Message) -> Element<'a, Message> {
        let pills = message.reactions.iter().map(|reaction| {
            let emote = words::emote(&reaction.emote, theme::BODY);
            let count = text(reaction.count).size(theme::CAPTION).font(theme::SEMIBOLD).line_height(1.0);
            let reacted = Message::Reacted { id: message.id, emote: reaction.emote.clone(), stands: !reaction.mine };
            let pill = button(row![emote, count].spacing(theme::TINY + theme::HAIR).align_y(Center))
                .padding([theme::TINY, theme::SMALL])
                .style(theme::button::reaction(reaction.mine))
                .on_press(reacted);
            hint_over(pill, speech::reaction(self.world, reaction), tooltip::Position::Top)
        });
        let more = button(Icon::React.view(theme::BODY))
            .padding([theme::TINY, theme::SMALL])
            .style(theme::button::quiet)
            .on_press(Message::MoreWanted(message.id));
        let more = hint_over(more, "Add reaction", tooltip::Position::Top);
        row(pills).push(more).spacing(theme::TINY).wrap().vertical_spacing(theme::TINY).into()
    }

    /// The message that this one answers, in one line.
    fn reply(self, id: i64) -> Element<'a, Message> {
        let original = self.conversation.message(id);
        let (author, says) = match original {
            Some(original) if original.deleted => (None, "Message deleted"),
            Some(original) => (Some(original.author_id), speech::gist(original)),
            None => (None, "…"),
        };
        let author = author.map(|author| {
            let name = speech::shown_name(self.world, author);
            row![
                avatar::face(self.gallery, avatar::who(self.world, author), theme::AVATAR_TINY),
                words::look(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim).view(name),
            ]
            .spacing(theme::TINY)
            .align_y(Center)
        });
        let says = container(words::look(theme::NOTE).style(theme::dim).one_line().view(says)).width(Fill).clip(true);
        let line = row![rule::vertical(theme::HAIR).style(theme::surface::quote), author, says]
            .spacing(theme::SMALL)
            .height(theme::COMPOSER_LINE)
            .align_y(Center);
        mouse_area(line).on_press(Message::JumpWanted(id)).interaction(iced::mouse::Interaction::Pointer).into()
    }

    fn tools(self, message: &'a v1::Message) -> Element<'a, Message> {
        let id = message.id;
        let picker = self.picking.filter(|(picking, _)| *picking == id).map(|(_, picker)| picker);
        if picker.is_some() || self.reacting == Some(id) {
            return self.offers(message, picker);
        }
        let own = message.author_id == self.world.user_id();
        let owns = self.conversation.owner_id() == self.world.user_id();
        container(row![
            tool(Icon::React, "React", Message::ReactWanted(id)),
            tool(Icon::Reply, "Reply", Message::ReplyWanted(id)),
            own.then(|| tool(Icon::Edit, "Edit", Message::EditWanted(id))),
            (!message.text.is_empty()).then(|| tool(Icon::Copy, "Copy text", Message::CopyWanted(id))),
            tool(Icon::Unread, "Mark unread from here", Message::UnreadWanted(id)),
            (own || owns).then(|| tool(Icon::Delete, "Delete", Message::DeleteWanted(id))),
        ])
        .style(theme::surface::floating)
        .into()
    }

    /// The reactions that the user gives most, and the way to all others.
    fn offers(self, message: &'a v1::Message, picker: Option<&'a emote_picker::State>) -> Element<'a, Message> {
        let id = message.id;
        let offers = self.habits.quick(&emoji::QUICK).into_iter().map(|emote| {
            let mine = message.reactions.iter().any(|other| other.emote == *emote && other.mine);
            small(
                words::emote(emote, theme::EMOTE_SMALL),
                Message::Reacted { id, emote: emote.to_owned(), stands: !mine },
            )
        });
        let more = tool(Icon::Add, "More emotes", Message::MoreWanted(id));
        let offers = container(row(offers).push(more)).style(theme::surface::floating);
        let picker = picker.map(|picker| picker.view(self.habits).map(Message::Picker));
        popover(offers, picker, Side::Right)
            .on_close(Message::Picker(emote_picker::Message::Closed))
            .keys(|key, modifiers| emote_picker::key(key, modifiers).map(Message::Picker))
            .into()
    }

    /// An answer usually comes at once: a line that shows and goes again would make the messages jump.
    fn tells(self, pending: &Pending) -> bool {
        let age = Timestamp::try_from(pending.written_at).map(|at| self.now.timestamp().duration_since(at));
        pending.status != PendingStatus::Sending
            || *self.world.connection() != Connection::Online
            || age.is_ok_and(|age| age > PATIENCE)
    }

    fn pending(self, pending: &'a Pending, head: bool) -> Element<'a, Message> {
        let me = self.world.user_id();
        let author = speech::shown_name(self.world, me);
        let picture: Element<'a, Message> = if head { self.face(me) } else { space().width(theme::AVATAR).into() };
        let name = head.then(|| words::look(theme::BODY).font(theme::SEMIBOLD).view(author));
        let reply = (pending.reply_to != 0).then(|| self.reply(pending.reply_to));
        let size = if emoji::jumbo(&pending.text) { theme::JUMBO } else { theme::BODY };
        let says = (!pending.text.is_empty()).then(|| words::look(size).style(theme::faint).view(&pending.text));
        let attachments = attachment::waiting(self.gallery, pending);
        let upload = self.world.upload(&pending.request_id);
        let state = (upload.is_some() || self.tells(pending)).then(|| pending::status(pending, upload));
        let line = row![picture, measured(column![name, reply, says, attachments, state])].spacing(theme::MEDIUM);
        let line =
            container(line).width(Fill).padding(padding::horizontal(theme::SMALL).top(theme::TINY).bottom(theme::TINY));
        placed(line, head)
    }
}

fn top_right<'a>(tools: Element<'a, Message>) -> Element<'a, Message> {
    container(tools).align_right(Fill).padding([1.0, theme::SMALL]).into()
}

/// After this long the wait for an answer is shown.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

fn tool<'a>(icon: Icon, hint: &'a str, message: Message) -> Element<'a, Message> {
    hint_over(small(icon.view(theme::ICON_SMALL + theme::HAIR), message), hint, tooltip::Position::Top)
}

fn small<'a>(content: impl Into<Element<'a, Message>>, message: Message) -> Element<'a, Message> {
    button(container(content).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON_SMALL)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(message)
        .into()
}

/// The time of a message without a head, where the picture would be.
fn gutter<'a>(at: Option<&Zoned>) -> Element<'a, Message> {
    let Some(at) = at else {
        return space().width(theme::AVATAR).into();
    };
    let hour = words::look(theme::SMALL_TIME).style(theme::faint).one_line().view_owned(clock::hour(at));
    container(hint_over(hour, clock::exact(at), tooltip::Position::Top))
        .center_x(theme::AVATAR)
        .padding(padding::top(theme::TINY))
        .into()
}

fn divider<'a>(
    label: String,
    style: fn(&iced::Theme) -> text::Style,
    line: fn(&iced::Theme) -> rule::Style,
) -> Element<'a, Message> {
    row![
        rule::horizontal(1).style(line),
        text(label).size(theme::CAPTION).font(theme::SEMIBOLD).style(style),
        rule::horizontal(1).style(line),
    ]
    .spacing(theme::MEDIUM)
    .height(theme::DIVIDER)
    .padding([0.0, theme::LARGE])
    .align_y(Center)
    .into()
}

/// No wider than one likes to read. In a container, for a column that must fill its place knows no maximum.
fn measured<'a>(body: Column<'a, Message>) -> Element<'a, Message> {
    container(body.max_width(theme::MEASURE).spacing(theme::HAIR).width(Fill)).width(Fill).into()
}

/// Between the edges of the pane; groups stand a little apart.
fn placed<'a>(content: impl Into<Element<'a, Message>>, head: bool) -> Element<'a, Message> {
    let gap = Space::new().height(if head { theme::SMALL } else { 0.0 });
    column![gap, content.into()].padding([0.0, theme::SMALL]).into()
}
