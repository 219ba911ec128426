//! The open conversation: its head, its messages, who types, and the composer.

mod head;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iced::widget::{bottom_center, button, column, container, row, space, stack, text};
use iced::{Center, Element, Fill, Task, clipboard, padding};
use jiff::Zoned;
use rookery_client::{Client, Conversation, Error, PageAt, State as World, v1};

use super::{composer, emote_picker, message};
use crate::emote::Habits;
use crate::gallery::Gallery;
use crate::speech;
use crate::theme::{self, Mode};
use crate::transcript::{self, Reader};
use crate::widget::icon::Icon;
use crate::widget::scroller::{Command, Key, Place, Target, scroller};
use crate::widget::{icon_button, line, spring, words};

/// How long a message that was jumped to stays marked.
const FOUND: Duration = Duration::from_secs(2);
/// The longest text while the server has not said its limit.
const USUAL_LIMIT: usize = 4_000;
/// The most files of a message, and the largest, until then.
const USUAL_FILES: (usize, u64) = (10, 50 << 20);

/// The pane.
#[derive(Debug)]
pub struct State {
    id: i64,
    // Up to where it had been read before there was something new; none while there is nothing new.
    new_above: Option<i64>,
    hovered: Option<i64>,
    reacting: Option<i64>,
    picker: Option<(i64, emote_picker::State)>,
    found: Option<(i64, Instant)>,
    place: Place,
    command: Option<Command>,
    // Messages that others answer, asked for and not there yet.
    replies: HashSet<i64>,
    error: Option<String>,
    held_unread: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// Something about a message.
    Line(message::Message),
    /// Something in the composer.
    Composer(composer::Message),
    /// The view moved.
    Moved(Place),
    /// To the newest message.
    PresentWanted,
    /// Show or hide the members.
    MembersToggled,
    /// Show who the other one of a direct chat is.
    PersonWanted(i64),
    /// A call ended.
    Done(Result<(), Error>),
    /// The error was read.
    ErrorClosed,
    /// A mark has been shown long enough.
    MarkExpired,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window or the server.
    Run(Task<Message>),
    /// Ask whether a message is to be deleted.
    ConfirmDelete(i64),
    /// Show or hide the members.
    ToggleMembers,
    /// Show who somebody is.
    ShowPerson(i64),
    /// Look closely at one of some pictures.
    ShowPictures(Vec<v1::Media>, usize),
    /// Keep a file on this device.
    Save(v1::Media),
    /// Keep a file on this device and open it.
    Open(v1::Media),
}

impl State {
    /// Opens a conversation.
    #[must_use]
    pub fn new(conversation: &Conversation, turn: u64) -> Self {
        Self {
            id: conversation.id(),
            new_above: (conversation.unread() > 0).then(|| conversation.read_position()),
            hovered: None,
            reacting: None,
            picker: None,
            found: None,
            place: Place { at_end: true, near_start: false, near_end: true },
            command: Some(Command { turn, target: Target::End }),
            replies: HashSet::new(),
            error: None,
            held_unread: false,
        }
    }

    /// Which conversation.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The turn of the last command, to go on counting from.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.command.map_or(0, |command| command.turn)
    }

    /// Something is known that was not: fetch what is needed, and say what has been seen.
    pub fn refresh(&mut self, world: &World, client: &Client, focused: bool) {
        let Some(conversation) = world.conversation(self.id) else {
            return;
        };
        let Some(run) = conversation.run() else {
            // A reset threw the messages away, and what they answered: open it again.
            self.replies.clear();
            if lacks_messages(conversation) {
                client.open(self.id);
            }
            return;
        };
        let answers = run.messages().filter(|message| message.reply_to != 0 && !message.deleted);
        let missing =
            answers.map(|message| message.reply_to).filter(|id| conversation.message(*id).is_none()).collect();
        // One that was there, or not wanted meanwhile, is asked for anew.
        let asked = std::mem::replace(&mut self.replies, missing);
        self.replies.difference(&asked).for_each(|id| client.load_reply(self.id, *id));
        let seen = focused && self.place.at_end && !run.more_after() && !self.held_unread;
        if !seen && conversation.unread() > 0 {
            self.new_above.get_or_insert(conversation.read_position());
        }
        if let Some(last) = run.last_id().filter(|last| seen && *last > conversation.read_position()) {
            client.mark_read(self.id, last);
        }
    }

    /// Handles a message.
    pub fn update(
        &mut self,
        message: Message,
        composer: &mut composer::State,
        habits: &mut Habits,
        world: &World,
        client: &Client,
        focused: bool,
    ) -> Action {
        match message {
            Message::Line(message::Message::Picker(message)) => self.pick(message, habits, client),
            Message::Line(message::Message::MoreWanted(id)) => {
                let (picker, task) = emote_picker::State::new(habits);
                self.picker = Some((id, picker));
                Action::Run(task.map(|message| Message::Line(message::Message::Picker(message))))
            }
            Message::Line(message) => self.line(message, composer, habits, world, client),
            Message::Composer(message) => self.compose(message, composer, habits, world, client),
            Message::Moved(place) => {
                self.moved(place, world, client);
                self.refresh(world, client, focused);
                Action::None
            }
            Message::PresentWanted => {
                self.present(client);
                Action::None
            }
            Message::MembersToggled => Action::ToggleMembers,
            Message::PersonWanted(id) => Action::ShowPerson(id),
            Message::Done(result) => {
                self.error = result.err().map(|error| speech::sentence(&error.message));
                Action::None
            }
            Message::ErrorClosed => {
                self.error = None;
                Action::None
            }
            Message::MarkExpired => {
                self.found = self.found.filter(|(_, since)| since.elapsed() < FOUND);
                Action::None
            }
        }
    }

    fn moved(&mut self, place: Place, world: &World, client: &Client) {
        let run = world.conversation(self.id).and_then(Conversation::run);
        let more_after = run.is_some_and(rookery_client::Run::more_after);
        client.follow(self.id, place.at_end && !more_after);
        if place.near_start {
            client.load_older(self.id);
        }
        if place.near_end && more_after {
            client.load_newer(self.id);
        }
        self.place = place;
    }

    fn present(&mut self, client: &Client) {
        client.jump_to_present(self.id);
        self.held_unread = false;
        self.go(Target::End);
    }

    fn go(&mut self, target: Target) {
        let turn = self.turn() + 1;
        self.command = Some(Command { turn, target });
    }

    fn line(
        &mut self,
        message: message::Message,
        composer: &mut composer::State,
        habits: &mut Habits,
        world: &World,
        client: &Client,
    ) -> Action {
        use message::Message as Line;
        let known = |id| world.conversation(self.id).and_then(|conversation| conversation.message(id));
        match message {
            Line::Entered(id) => self.hovered = Some(id),
            Line::Left(id) => {
                self.hovered = self.hovered.filter(|hovered| *hovered != id);
                self.reacting = None;
            }
            Line::ReactWanted(id) => self.reacting = Some(id),
            Line::ReplyWanted(id) => {
                composer.reply(id);
                return Action::Run(composer.focus());
            }
            Line::EditWanted(id) => {
                if let Some(message) = known(id) {
                    composer.edit(id, &message.text);
                    return Action::Run(composer.focus());
                }
            }
            Line::CopyWanted(id) => {
                if let Some(message) = known(id) {
                    return Action::Run(clipboard::write(message.text.clone()));
                }
            }
            Line::DeleteWanted(id) => return Action::ConfirmDelete(id),
            Line::UnreadWanted(id) => return self.mark_unread(id, client),
            Line::Reacted { id, emote, stands } => {
                if stands {
                    habits.note(&emote);
                }
                return self.react(id, emote, stands, client);
            }
            // Handled where all else about the picker is.
            Line::MoreWanted(_) | Line::Picker(_) => {}
            Line::PersonWanted(id) => return Action::ShowPerson(id),
            Line::JumpWanted(id) => return self.jump(id, client),
            Line::RetryWanted(request_id) => client.retry(request_id),
            Line::RewriteWanted(request_id) => {
                let failed = world.pending(self.id).iter().find(|pending| pending.request_id == request_id);
                if let Some(failed) = failed {
                    composer.take_back(&failed.text, failed.reply_to);
                    client.cancel(request_id);
                    return Action::Run(composer.focus());
                }
            }
            Line::CancelWanted(request_id) => client.cancel(request_id),
            Line::PictureWanted { id, index } => {
                if let Some(message) = known(id) {
                    return Action::ShowPictures(message::attachment::pictures(message), index);
                }
            }
            Line::SaveWanted(media) => return Action::Save(media),
            Line::OpenWanted(media) => return Action::Open(media),
        }
        Action::None
    }

    fn react(&mut self, id: i64, emote: String, stands: bool, client: &Client) -> Action {
        self.reacting = None;
        let (client, conversation) = (client.clone(), self.id);
        let call = async move { client.react(conversation, id, emote, stands).await };
        Action::Run(Task::perform(call, Message::Done))
    }

    /// A reaction from all emotes.
    fn pick(&mut self, message: emote_picker::Message, habits: &mut Habits, client: &Client) -> Action {
        let Some((id, picker)) = &mut self.picker else {
            return Action::None;
        };
        let id = *id;
        match picker.update(message, habits) {
            emote_picker::Action::None => return Action::None,
            emote_picker::Action::Run(task) => {
                return Action::Run(task.map(|message| Message::Line(message::Message::Picker(message))));
            }
            emote_picker::Action::Choose(emote) => {
                self.picker = None;
                return self.react(id, emote.to_owned(), true, client);
            }
            emote_picker::Action::Close => {}
        }
        self.picker = None;
        self.reacting = None;
        Action::None
    }

    fn mark_unread(&mut self, id: i64, client: &Client) -> Action {
        // Until the user comes back to it: it is in view, and would be read again at once.
        self.held_unread = true;
        self.new_above = Some(id - 1);
        let (client, conversation) = (client.clone(), self.id);
        let call = async move { client.mark_unread(conversation, id).await };
        Action::Run(Task::perform(call, Message::Done))
    }

    fn jump(&mut self, id: i64, client: &Client) -> Action {
        client.load_around(self.id, id);
        self.found = Some((id, Instant::now()));
        self.go(Target::Row(transcript::key(id)));
        Action::Run(Task::perform(tokio::time::sleep(FOUND), |()| Message::MarkExpired))
    }

    fn compose(
        &mut self,
        message: composer::Message,
        composer: &mut composer::State,
        habits: &mut Habits,
        world: &World,
        client: &Client,
    ) -> Action {
        match composer.update(message, limits(world), habits) {
            composer::Action::None => {}
            composer::Action::Run(task) => return Action::Run(task.map(Message::Composer)),
            composer::Action::Type { stopped } => client.typing(self.id, stopped),
            composer::Action::Send { text, reply_to, attachments } => {
                client.send_with(self.id, text, reply_to, attachments);
                client.typing(self.id, true);
                self.new_above = None;
                self.present(client);
                return Action::Run(composer.focus());
            }
            composer::Action::ShowGifs => {
                return Action::Run(composer.show_gifs(client.api(), habits).map(Message::Composer));
            }
            composer::Action::Save { id, text } => {
                let (client, conversation) = (client.clone(), self.id);
                let call = async move { client.edit(conversation, id, text).await };
                return Action::Run(Task::batch([Task::perform(call, Message::Done), composer.focus()]));
            }
            composer::Action::EditLast => {
                let run = world.conversation(self.id).and_then(Conversation::run);
                let own = |message: &&Arc<v1::Message>| is_own(message, world.user_id());
                if let Some(message) = run.and_then(|run| run.messages().rev().find(own)) {
                    composer.edit(message.id, &message.text);
                }
                return Action::Run(composer.focus());
            }
            composer::Action::Scroll(pages) => self.go(Target::Pages(pages)),
            composer::Action::Stay => return Action::Run(composer.focus()),
            composer::Action::Leave => self.present(client),
        }
        Action::None
    }

    /// Draws it.
    pub fn view<'a>(
        &'a self,
        composer: &'a composer::State,
        habits: &'a Habits,
        world: &'a World,
        gallery: &'a Gallery,
        now: &'a Zoned,
        mode: Mode,
    ) -> Element<'a, Message> {
        let Some(conversation) = world.conversation(self.id) else {
            return space().into();
        };
        let head = head::show(conversation, world, gallery, now);
        let messages = self.messages(conversation, habits, world, gallery, now, mode);
        let jump = self.jump_button(conversation).map(|button| bottom_center(button).padding(theme::SMALL));
        // In a container, for a column leaves out what is not there: the composer would move up a place and lose its focus.
        let error = container(self.error.as_deref().map(alarm));
        let typing = container(typing(conversation, world))
            .height(theme::TYPING_LINE)
            .width(Fill)
            .center_y(theme::TYPING_LINE)
            .clip(true)
            .padding([0.0, theme::LARGE + theme::MEDIUM]);
        let placeholder = format!("Message {}", world.title(conversation));
        let subject = composer.subject().map(|id| subject(id, conversation, world));
        let composer = composer.view(placeholder, subject, limits(world), habits, gallery).map(Message::Composer);
        let composer = container(composer).padding(padding::horizontal(theme::LARGE));
        column![head, line(), stack![messages, jump].height(Fill), error, composer, typing].height(Fill).into()
    }

    fn messages<'a>(
        &'a self,
        conversation: &'a Conversation,
        habits: &'a Habits,
        world: &'a World,
        gallery: &'a Gallery,
        now: &'a Zoned,
        mode: Mode,
    ) -> Element<'a, Message> {
        let Some(run) = conversation.run() else {
            return self.waiting(conversation);
        };
        let reader = Reader { user_id: world.user_id(), new_above: self.new_above, zone: now.time_zone().clone() };
        let pending = world.pending(self.id);
        let lines = transcript::lines(run.messages(), pending, !run.more_before(), &reader);
        let view = message::View {
            world,
            conversation,
            gallery,
            now,
            hovered: self.hovered,
            reacting: self.reacting,
            picking: self.picker.as_ref().map(|(id, picker)| (*id, picker)),
            habits,
            found: self.found.map(|(id, _)| id),
            colors: mode.colors(),
        };
        let rows = lines.into_iter().map(|line| (line.key, view.show(line).map(Message::Line)));
        // Room below the last one, as there is between them.
        let foot = (Key(i64::MAX, u32::MAX), space().height(theme::MEDIUM).into());
        scroller(self.id, rows.chain([foot]).collect(), !run.more_after(), self.command, Message::Moved).into()
    }

    fn waiting<'a>(&'a self, conversation: &'a Conversation) -> Element<'a, Message> {
        let sentence = match conversation.failed() {
            Some((PageAt::Newest | PageAt::Around(_), why)) => why,
            _ => "Loading…",
        };
        container(text(sentence).size(theme::NOTE).style(theme::faint)).center(Fill).into()
    }

    fn jump_button<'a>(&'a self, conversation: &'a Conversation) -> Option<Element<'a, Message>> {
        let more_after = conversation.run().is_some_and(rookery_client::Run::more_after);
        if self.place.at_end && !more_after {
            return None;
        }
        let label = match conversation.unread() {
            unread if unread > 0 && !self.held_unread => speech::count(unread, "new message", "new messages"),
            _ => "Jump to present".to_owned(),
        };
        let content = row![Icon::Down.view(theme::ICON_SMALL), text(label).size(theme::NOTE).font(theme::SEMIBOLD),]
            .spacing(theme::SMALL)
            .align_y(Center);
        let button = button(content)
            .padding([theme::SMALL, theme::LARGE])
            .style(theme::button::floating)
            .on_press(Message::PresentWanted);
        Some(button.into())
    }
}

/// Whether nobody fetches the messages: what failed is fetched again by the next connection, or when the chat is chosen
/// once more. Asking at each news of it would ask without end.
fn lacks_messages(conversation: &Conversation) -> bool {
    let failed = conversation.failed().is_some_and(|(at, _)| at == PageAt::Newest);
    !failed && !conversation.loading().contains(&PageAt::Newest)
}

fn is_own(message: &v1::Message, user_id: i64) -> bool {
    message.author_id == user_id && !message.deleted && message.system.is_none()
}

fn limits(world: &World) -> composer::Limits {
    fn said<T: TryFrom<i64> + PartialOrd + Default>(limit: i64, usual: T) -> T {
        T::try_from(limit).ok().filter(|limit| *limit > T::default()).unwrap_or(usual)
    }
    let limits = world.limits();
    composer::Limits {
        text: said(limits.text_characters.into(), USUAL_LIMIT),
        files: said(limits.attachments.into(), USUAL_FILES.0),
        file_bytes: said(limits.file_bytes, USUAL_FILES.1),
    }
}

fn subject<'a>(id: i64, conversation: &'a Conversation, world: &'a World) -> (&'a str, &'a str) {
    conversation
        .message(id)
        .map_or(("…", ""), |message| (speech::shown_name(world, message.author_id), speech::gist(message)))
}

fn typing<'a>(conversation: &'a Conversation, world: &'a World) -> Option<Element<'a, Message>> {
    let others = conversation.typing().iter().filter(|id| **id != world.user_id());
    let names: Vec<&str> = others.map(|id| speech::shown_name(world, *id)).collect();
    speech::typing(&names).map(|sentence| words::look(theme::CAPTION).style(theme::dim).one_line().view_owned(sentence))
}

fn alarm(error: &str) -> Element<'_, Message> {
    let content = row![
        Icon::Alert.view(theme::ICON_SMALL),
        text(error).size(theme::NOTE),
        spring(),
        icon_button(Icon::Close, "Close", Message::ErrorClosed),
    ]
    .spacing(theme::SMALL)
    .align_y(Center);
    let alarm = container(content).padding(padding::left(theme::MEDIUM)).style(theme::surface::alarm);
    container(alarm).padding(padding::horizontal(theme::LARGE).bottom(theme::SMALL)).into()
}

#[cfg(test)]
mod tests;
