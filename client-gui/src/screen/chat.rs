//! The main window: chats on the left, the open conversation in the middle, its members on the right.

mod deed;
mod view;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use iced::Task;
use jiff::Zoned;
use rookery_api::v1::{SubscribeResponse, event::Kind};
use rookery_client::{Client, Connection, Error, State as World, Update};

use crate::dialog::confirm::Deed;
use crate::dialog::{self, add_chat, add_group, add_members, card, confirm, invite, profile, rename};
use crate::download;
use crate::emote::Habits;
use crate::gallery::{self, Gallery, Orders};
use crate::pane::{composer, conversation, members, sidebar, viewer};
use crate::theme::Mode;

/// How long "connected again" is shown.
const RESUMED: Duration = Duration::from_secs(3);
/// How long it is told where a file is.
const TOLD: Duration = Duration::from_secs(8);

/// The screen.
#[derive(Debug)]
pub struct State {
    client: Client,
    world: World,
    open: Option<conversation::State>,
    composers: HashMap<i64, composer::State>,
    members: Option<members::State>,
    // A direct chat has none to show; the next group has.
    members_wanted: bool,
    dialog: Option<dialog::State>,
    viewer: Option<viewer::State>,
    // Files are held over the window.
    dropping: bool,
    // What has become of a file, until that was read.
    note_of_file: Option<(String, Instant)>,
    // Who somebody is, above everything else.
    card: Option<card::State>,
    // The menu at one's own name.
    menu: bool,
    now: Zoned,
    focused: bool,
    note: bool,
    habits: Habits,
    // Until the first connection there is nothing that could have been lost.
    was_online: bool,
    resumed_at: Option<Instant>,
    turn: u64,
    gallery: Gallery,
    // Until somebody fetches what is asked for.
    orders: Option<Orders>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The engine told something.
    Updated(Vec<Update>),
    /// In the chat list.
    Sidebar(sidebar::Message),
    /// In the conversation.
    Conversation(conversation::Message),
    /// In the members.
    Members(members::Message),
    /// In the dialog.
    Dialog(dialog::Message),
    /// Among the pictures that are looked at.
    Viewer(viewer::Message),
    /// A file is on this device, or not.
    Kept(Result<download::Outcome, Error>),
    /// That was told long enough.
    KeptToldLong,
    /// On somebody's card.
    Card(card::Message),
    /// A direct chat with a member is there.
    Opened(Result<i64, Error>),
    /// What was agreed to is done, or not.
    Done(Result<(), Error>),
    /// Pictures are there that were not.
    PicturesCame,
    /// Time passes.
    Ticked(Zoned),
    /// Try to connect now.
    RetryWanted,
    /// The window was given the focus, or lost it.
    FocusChanged(bool),
    /// Files are held over the window, or no more.
    FilesHovered(bool),
    /// A file was dropped onto the window.
    FileDropped(PathBuf),
    /// The user is back.
    Returned,
    /// Escape, and nothing in the window wanted it.
    Escaped,
    /// Escape, and a field gave up its focus for it.
    FieldEscaped,
    /// A letter that no field wanted.
    Typed(String),
    /// Find somebody to write to.
    SwitcherWanted,
    /// To the chat above or below.
    ChatStepped(isize),
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window or the server.
    Run(Task<Message>),
    /// Dark or light.
    ToggleMode,
    /// The note about the token was read.
    CloseNote,
    /// The user wants to sign out.
    SignOut,
    /// The server has ended the session.
    SignedOut,
}

impl State {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(client: Client, now: Zoned, note: bool) -> Self {
        // The server counts a device that never said anything as there for good.
        client.set_activity(false);
        let (gallery, orders) = Gallery::new();
        Self {
            client,
            world: World::default(),
            open: None,
            composers: HashMap::new(),
            members: None,
            members_wanted: false,
            dialog: None,
            viewer: None,
            dropping: false,
            note_of_file: None,
            card: None,
            menu: false,
            now,
            focused: true,
            note,
            habits: Habits::default(),
            was_online: false,
            resumed_at: None,
            turn: 0,
            gallery,
            orders: Some(orders),
        }
    }

    /// Fetches the pictures that are drawn, for as long as there is this screen.
    pub fn fetch_pictures(&mut self) -> Task<Message> {
        let Some(orders) = self.orders.take() else {
            return Task::none();
        };
        let fetch = gallery::from(self.client.media().clone());
        Task::stream(orders.run(fetch)).map(|()| Message::PicturesCame)
    }

    /// The pictures.
    #[must_use]
    pub fn gallery(&self) -> &Gallery {
        &self.gallery
    }

    /// With what is remembered of the emotes that the user uses.
    #[must_use]
    pub fn with_habits(self, habits: Habits) -> Self {
        Self { habits, ..self }
    }

    /// The same as it now is, to be remembered.
    #[must_use]
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// Everything that is known.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The handle to the engine.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether somebody's card is above everything else.
    #[must_use]
    pub fn shows_card(&self) -> bool {
        self.card.is_some()
    }

    /// Whether something would be lost by closing the window.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.dialog.as_ref().is_some_and(dialog::State::has_changes)
    }

    /// Whether the seconds matter now.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        let waits = self.open.as_ref().is_some_and(|open| !self.world.pending(open.id()).is_empty());
        matches!(self.world.connection(), Connection::Offline(_)) || self.resumed_at.is_some() || waits
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Updated(updates) => return self.learn(&updates),
            Message::Sidebar(message) => return self.sidebar(message),
            Message::Conversation(message) => return self.conversation(message),
            Message::Members(message) => return self.members(message),
            Message::Dialog(message) => return self.dialog(message),
            Message::Viewer(message) => return self.view_pictures(message),
            Message::Kept(result) => return self.kept(result),
            Message::KeptToldLong => {
                self.note_of_file = self.note_of_file.take().filter(|(_, since)| since.elapsed() < TOLD)
            }
            Message::Card(message) => return self.card(message),
            Message::Opened(Ok(id)) => return Action::Run(self.show(id)),
            Message::Opened(Err(error)) | Message::Done(Err(error)) => self.complain(error),
            Message::Done(Ok(())) | Message::PicturesCame => {}
            Message::Ticked(now) => self.tick(now),
            Message::RetryWanted => self.client.reconnect(),
            Message::FocusChanged(focused) => {
                self.focused = focused;
                self.gallery.play(focused);
                self.refresh();
            }
            Message::FilesHovered(held) => {
                self.dropping = held && self.dialog.is_none() && self.viewer.is_none() && self.card.is_none();
            }
            Message::FileDropped(path) => return self.drop_file(path),
            Message::Returned => self.client.set_activity(false),
            Message::Escaped => return self.escape(),
            // Whoever fills in a dialog means the dialog.
            Message::FieldEscaped if self.card.is_some() => return self.card(card::Message::Closed),
            Message::FieldEscaped => return self.dialog(dialog::Message::Closed),
            Message::Typed(letters) => return self.write(letters),
            Message::SwitcherWanted => return self.sidebar(sidebar::Message::ChatWanted),
            Message::ChatStepped(step) => return self.step(step),
        }
        Action::None
    }

    fn learn(&mut self, updates: &[Update]) -> Action {
        let before = self.world.connection().clone();
        let (mut begun, mut members_changed) = (false, false);
        for update in updates {
            self.world.apply(update);
            begun |= begins(update);
            members_changed |= self.changes_members(update);
        }
        self.note_connection(&before);
        if *self.world.connection() == Connection::SignedOut {
            return Action::SignedOut;
        }
        let mut tasks = Vec::new();
        if self.open.as_ref().is_none_or(|open| self.world.conversation(open.id()).is_none()) {
            self.open = None;
            // Everybody lands in the first chat, which is the global room.
            if let Some(first) = self.world.chats().first().map(|chat| chat.id()) {
                tasks.push(self.show(first));
            }
        }
        if let Some(members) = self.members.as_mut().filter(|_| begun || members_changed) {
            tasks.push(members.reload(&self.world, &self.client).map(Message::Members));
        }
        if begun {
            tasks.push(self.ask_for_strangers());
        }
        self.refresh();
        Action::Run(Task::batch(tasks))
    }

    /// A stream that begins tells nothing of them, and what was known of who is there is over.
    fn ask_for_strangers(&mut self) -> Task<Message> {
        let card = self.card.as_ref().map(|card| card.load(&self.world, &self.client).map(Message::Card));
        match self.dialog(dialog::Message::Begun) {
            Action::Run(listed) => Task::batch(card.into_iter().chain([listed])),
            _ => card.unwrap_or_else(Task::none),
        }
    }

    /// Whether somebody came to the open conversation or left it.
    fn changes_members(&self, update: &Update) -> bool {
        let (id, changes) = match update {
            Update::ChangesLoaded(changes) => {
                (changes.conversation_id, changes.messages.iter().any(|message| message.system.is_some()))
            }
            Update::EventReceived(response) => {
                let changes = match kind(response) {
                    Some(Kind::MessageChanged(changed)) => {
                        changed.message.as_ref().is_some_and(|message| message.system.is_some())
                    }
                    // Whoever came or went meanwhile came or went unheard.
                    Some(Kind::ConversationReset(_)) => true,
                    _ => false,
                };
                (response.conversation_id, changes)
            }
            _ => return false,
        };
        changes && self.open.as_ref().is_some_and(|open| open.id() == id)
    }

    fn note_connection(&mut self, before: &Connection) {
        let online = *self.world.connection() == Connection::Online;
        if online && *before != Connection::Online {
            self.resumed_at = self.was_online.then(Instant::now);
            self.was_online = true;
        }
    }

    fn refresh(&mut self) {
        if let Some(open) = &mut self.open {
            open.refresh(&self.world, &self.client, self.focused);
        }
    }

    fn complain(&mut self, error: Error) {
        if let Some(open) = &mut self.open {
            let composer = self.composers.entry(open.id()).or_default();
            let message = conversation::Message::Done(Err(error));
            open.update(message, composer, &mut self.habits, &self.world, &self.client, self.focused);
        }
    }

    fn tick(&mut self, now: Zoned) {
        self.now = now;
        self.resumed_at = self.resumed_at.filter(|at| at.elapsed() < RESUMED);
        let idle_after = self.world.timings().idle_after;
        let idle_after = idle_after.and_then(|time| Duration::try_from(time).ok());
        if crate::activity::has_left(idle_after) {
            self.client.set_activity(true);
        }
    }

    fn escape(&mut self) -> Action {
        if self.viewer.is_some() {
            return self.view_pictures(viewer::Message::Closed);
        }
        if self.card.is_some() {
            return self.card(card::Message::Closed);
        }
        if self.dialog.is_some() {
            return self.dialog(dialog::Message::Closed);
        }
        self.conversation(conversation::Message::Composer(composer::Message::Cancelled))
    }

    /// Whoever begins to write means the composer.
    fn write(&mut self, letters: String) -> Action {
        let above = self.dialog.is_some() || self.viewer.is_some() || self.card.is_some();
        let open = self.open.as_ref().filter(|_| !above);
        let Some(composer) = open.and_then(|open| self.composers.get(&open.id())) else {
            return Action::None;
        };
        let focus = composer.focus();
        for letter in letters.chars() {
            self.conversation(conversation::Message::Composer(composer::Message::insert(letter)));
        }
        Action::Run(focus)
    }

    fn step(&mut self, step: isize) -> Action {
        let chats: Vec<i64> = self.world.chats().iter().map(|chat| chat.id()).collect();
        let at = self.open.as_ref().and_then(|open| chats.iter().position(|id| *id == open.id()));
        let next = at.and_then(|at| at.checked_add_signed(step)).and_then(|at| chats.get(at));
        match next.copied() {
            Some(id) => Action::Run(self.show(id)),
            None => Action::None,
        }
    }

    /// Opens a conversation that is known.
    fn show(&mut self, id: i64) -> Task<Message> {
        let composer = self.composers.entry(id).or_default();
        let focus = composer.focus();
        // Also the one that is open: its messages may have failed to come.
        self.client.open(id);
        if self.open.as_ref().is_some_and(|open| open.id() == id) {
            return focus;
        }
        self.client.set_view(vec![id]);
        let Some(conversation) = self.world.conversation(id) else {
            return Task::none();
        };
        self.turn += 1;
        let before = self.open.replace(conversation::State::new(conversation, self.turn));
        if let Some(before) = before {
            self.turn = self.turn.max(before.turn());
            self.client.typing(before.id(), true);
        }
        let members = self.members_wanted.then(|| self.show_members());
        Task::batch([focus, members.unwrap_or_else(Task::none)])
    }

    fn toggle_members(&mut self) -> Action {
        self.members_wanted = self.members.is_none();
        if self.members_wanted {
            return Action::Run(self.show_members());
        }
        self.members = None;
        Action::None
    }

    fn show_members(&mut self) -> Task<Message> {
        use rookery_api::v1::ConversationKind::Direct;
        self.members = None;
        let shown = self.open.as_ref().and_then(|open| self.world.conversation(open.id()));
        let Some(shown) = shown.filter(|conversation| conversation.kind() != Direct) else {
            return Task::none();
        };
        let (members, task) = members::State::new(shown.id(), &self.world, &self.client);
        self.members = Some(members);
        task.map(Message::Members)
    }

    fn sidebar(&mut self, message: sidebar::Message) -> Action {
        match message {
            sidebar::Message::Chosen(id) => Action::Run(self.show(id)),
            sidebar::Message::ChatWanted => {
                let (state, task) = add_chat::State::new(&self.world, &self.client);
                self.ask(dialog::State::AddChat(state), task.map(dialog::Message::AddChat))
            }
            sidebar::Message::GroupWanted => {
                let (state, task) = add_group::State::new(&self.world, &self.client);
                self.ask(dialog::State::AddGroup(state), task.map(dialog::Message::AddGroup))
            }
            sidebar::Message::MenuToggled => {
                self.menu = !self.menu;
                Action::None
            }
            sidebar::Message::StatusChosen(kind) => {
                self.menu = false;
                let client = self.client.clone();
                Action::Run(Task::perform(async move { client.set_status(kind, None).await }, Message::Done))
            }
            sidebar::Message::PersonWanted(id) => self.show_card(id),
            sidebar::Message::ProfileWanted => {
                self.menu = false;
                let Some(me) = self.world.me() else {
                    return Action::None;
                };
                let (state, task) = profile::State::new(me.as_ref().clone());
                self.ask(dialog::State::Profile(Box::new(state)), task.map(dialog::Message::Profile))
            }
            sidebar::Message::ModeToggled => Action::ToggleMode,
            sidebar::Message::SignOutWanted => self.confirm(Deed::SignOut),
            sidebar::Message::NoteClosed => {
                self.note = false;
                Action::CloseNote
            }
        }
    }

    fn conversation(&mut self, message: conversation::Message) -> Action {
        let Some(open) = &mut self.open else {
            return Action::None;
        };
        let id = open.id();
        let composer = self.composers.entry(id).or_default();
        match open.update(message, composer, &mut self.habits, &self.world, &self.client, self.focused) {
            conversation::Action::None => Action::None,
            conversation::Action::Run(task) => Action::Run(task.map(Message::Conversation)),
            conversation::Action::ConfirmDelete(message) => {
                self.confirm(Deed::Delete { conversation_id: id, id: message })
            }
            conversation::Action::ShowPerson(id) => self.show_card(id),
            conversation::Action::ToggleMembers => self.toggle_members(),
            conversation::Action::ShowPictures(pictures, at) => {
                self.viewer = viewer::State::new(pictures, at);
                Action::Run(unfocus())
            }
            conversation::Action::Save(media) => {
                Action::Run(Task::perform(download::save(self.client.media().clone(), media), Message::Kept))
            }
            conversation::Action::Open(media) => {
                Action::Run(Task::perform(download::open(self.client.media().clone(), media), Message::Kept))
            }
        }
    }

    fn view_pictures(&mut self, message: viewer::Message) -> Action {
        let Some(viewer) = &mut self.viewer else {
            return Action::None;
        };
        match viewer.update(message, &self.client) {
            viewer::Action::None => Action::None,
            viewer::Action::Run(task) => Action::Run(task.map(Message::Viewer)),
            viewer::Action::Close => {
                self.viewer = None;
                let composer = self.open.as_ref().and_then(|open| self.composers.get(&open.id()));
                Action::Run(composer.map_or_else(Task::none, composer::State::focus))
            }
        }
    }

    /// A file for the next message, as long as that is what one sees.
    fn drop_file(&mut self, path: PathBuf) -> Action {
        self.dropping = false;
        // The editor of one's profile takes a picture; other dialogs take nothing.
        if self.dialog.is_some() {
            return self.dialog(dialog::Message::FileDropped(path));
        }
        if self.viewer.is_some() || self.card.is_some() {
            return Action::None;
        }
        let dropped = composer::Message::Tray(composer::tray::Message::Dropped(path));
        self.conversation(conversation::Message::Composer(dropped))
    }

    fn kept(&mut self, result: Result<download::Outcome, Error>) -> Action {
        self.note_of_file = download::note(result).map(|note| (note, Instant::now()));
        Action::Run(Task::perform(async { tokio::time::sleep(TOLD).await }, |()| Message::KeptToldLong))
    }

    fn members(&mut self, message: members::Message) -> Action {
        let (Some(members), Some(open)) = (&mut self.members, &self.open) else {
            return Action::None;
        };
        let (me, conversation_id) = (self.world.user_id(), open.id());
        match members.update(message, &self.world, &self.client) {
            members::Action::None => Action::None,
            members::Action::Run(task) => Action::Run(task.map(Message::Members)),
            members::Action::Show(id) => self.show_card(id),
            members::Action::Add => {
                let inside = members.ids();
                let (state, task) = add_members::State::new(conversation_id, inside, &self.world, &self.client);
                self.ask(dialog::State::AddMembers(state), task.map(dialog::Message::AddMembers))
            }
            members::Action::Invite => {
                let (state, task) = invite::State::new(conversation_id, &self.client);
                self.ask(dialog::State::Invite(state), task.map(dialog::Message::Invite))
            }
            members::Action::Rename => {
                let Some(conversation) = self.world.conversation(conversation_id) else {
                    return Action::None;
                };
                let (state, task) = rename::State::new(conversation, me);
                self.ask(dialog::State::Rename(state), task.map(dialog::Message::Rename))
            }
            members::Action::ConfirmRemove(user_id, name) => {
                self.confirm(Deed::Remove { conversation_id, user_id, name })
            }
            members::Action::ConfirmLeave => self.confirm(Deed::Leave { conversation_id }),
            members::Action::Close => self.toggle_members(),
        }
    }

    fn show_card(&mut self, id: i64) -> Action {
        self.menu = false;
        let (card, task) = card::State::new(id, &self.world, &self.client);
        self.card = Some(card);
        Action::Run(Task::batch([unfocus(), task.map(Message::Card)]))
    }

    fn card(&mut self, message: card::Message) -> Action {
        let Some(card) = &mut self.card else {
            return Action::None;
        };
        match card.update(message, &self.client) {
            card::Action::None => return Action::None,
            card::Action::Run(task) => return Action::Run(task.map(Message::Card)),
            card::Action::Close => {}
            card::Action::Open(id) => {
                self.card = None;
                // A dialog below it is in the way now; one that has something to lose asks first.
                self.dialog(dialog::Message::Closed);
                return Action::Run(self.show(id));
            }
            card::Action::Edit => {
                self.card = None;
                return self.sidebar(sidebar::Message::ProfileWanted);
            }
        }
        self.card = None;
        Action::None
    }

    fn ask(&mut self, dialog: dialog::State, task: Task<dialog::Message>) -> Action {
        // One that has something to lose asks first.
        if self.dialog.as_ref().is_some_and(dialog::State::has_changes) {
            return self.dialog(dialog::Message::Closed);
        }
        self.dialog = Some(dialog);
        Action::Run(task.map(Message::Dialog))
    }

    fn confirm(&mut self, deed: Deed) -> Action {
        self.ask(dialog::State::Confirm(confirm::State(deed)), unfocus())
    }

    fn dialog(&mut self, message: dialog::Message) -> Action {
        let Some(dialog) = &mut self.dialog else {
            return Action::None;
        };
        match dialog.update(message, &self.world, &self.client) {
            dialog::Action::None => return Action::None,
            dialog::Action::Run(task) => return Action::Run(task.map(Message::Dialog)),
            dialog::Action::Close => {}
            dialog::Action::Open(id) => {
                self.dialog = None;
                return Action::Run(self.show(id));
            }
            dialog::Action::Show(id) => return self.show_card(id),
            dialog::Action::Do(deed) => {
                self.dialog = None;
                return deed::run(deed, &self.client);
            }
        }
        self.dialog = None;
        Action::None
    }

    /// Draws it.
    pub fn view(&self, mode: Mode) -> iced::Element<'_, Message> {
        view::show(self, mode)
    }
}

/// Whether a stream begins, or begins anew.
fn begins(update: &Update) -> bool {
    matches!(update, Update::EventReceived(response) if matches!(kind(response), Some(Kind::Ready(_))))
}

fn kind(response: &SubscribeResponse) -> Option<&Kind> {
    response.event.as_ref().and_then(|event| event.kind.as_ref())
}

/// Else Enter would still send what stands in the composer.
fn unfocus<M: Send + 'static>() -> Task<M> {
    iced::advanced::widget::operate(iced::advanced::widget::operation::focusable::unfocus())
}
