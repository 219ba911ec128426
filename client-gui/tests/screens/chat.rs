//! The main window: chats, messages, what is on its way, and the connection.

use std::sync::Arc;
use std::time::Instant;

use iced_test::selector;
use jiff::{Timestamp, tz::TimeZone};
use rookery::pane::{conversation, message, sidebar};
use rookery::screen::chat::{Action, Message, State};
use rookery::theme::Mode;
use rookery_client::v1::{self, event::Kind};
use rookery_client::{Connection, Offline, Pending, PendingStatus, Update};

use crate::world::{self, ADA, BO, DIRECT, GLOBAL, GROUP, ME, NOON, said};
use crate::{look, picture, shows};

struct Window {
    state: State,
    // Holds the profile of the handle.
    _folder: Folder,
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rookery-screens-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Window {
    /// Signed in, with the global room open.
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let now = Timestamp::from_second(NOON).unwrap().to_zoned(TimeZone::UTC);
        let state = State::new(world::client(&folder.0), now, false);
        let mut window = Self { state, _folder: folder };
        window.tell(world::updates());
        window.tell(world::opened(GLOBAL, talk()));
        window
    }

    fn tell(&mut self, updates: Vec<Update>) {
        self.state.update(Message::Updated(updates));
    }

    /// Draws, does something, and handles what comes of it.
    fn act(&mut self, deed: impl FnOnce(&mut iced_test::Simulator<'_, Message>)) -> Vec<Action> {
        let mut ui = look(self.state.view(Mode::Dark));
        deed(&mut ui);
        let messages: Vec<Message> = ui.into_messages().collect();
        messages.into_iter().map(|message| self.state.update(message)).collect()
    }

    fn click(&mut self, text: &str) {
        self.act(|ui| {
            ui.click(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        });
    }

    fn shows(&self, text: &str) {
        shows(&mut look(self.state.view(Mode::Dark)), text);
    }

    fn hides(&self, text: &str) {
        assert!(look(self.state.view(Mode::Dark)).find(text).is_err(), "the window shows {text:?}");
    }
}

fn talk() -> Vec<v1::Message> {
    let mut edited = said(GLOBAL, 92, BO, -52, "It opens at nine, I think.");
    edited.edited_at = edited.created_at;
    let mut answer = said(GLOBAL, 96, ADA, -20, "Count me in! ❤️");
    answer.reply_to = 92;
    answer.reactions = vec![
        v1::Reaction { emote: "👍".into(), count: 3, user_ids: vec![ME], mine: true },
        v1::Reaction { emote: "🎉".into(), count: 1, user_ids: vec![BO], mine: false },
    ];
    let mut gone = said(GLOBAL, 98, BO, -12, "");
    gone.deleted = true;
    vec![
        said(GLOBAL, 80, ADA, -60 * 26, "Has anybody seen the new lighthouse?"),
        said(GLOBAL, 81, ADA, -60 * 26 + 1, "They say that the stairs are open to visitors now, all the way up."),
        said(GLOBAL, 90, ME, -58, "Not yet. Shall we go on Saturday?"),
        edited,
        world::renamed(GLOBAL, 94, "Everybody"),
        answer,
        said(GLOBAL, 97, ADA, -19, "I could bring sandwiches, and the old binoculars of my grandfather."),
        gone,
        said(GLOBAL, 99, BO, -3, "😀🎉"),
        said(GLOBAL, 100, BO, -2, "See you at the lighthouse 🎉 tonight"),
    ]
}

#[test]
fn everybody_lands_in_the_global_room() {
    let window = Window::new("land");
    for text in ["Chats", "Everybody", "Ada Lovelace", "Bird watching", "Max Frisch", "Online"] {
        window.shows(text);
    }
    window.shows("Not yet. Shall we go on Saturday?");
    window.shows("Yesterday");
    window.shows("Today");
    window.shows("New messages");
    window.shows("Message deleted");
    window.shows("Ada Lovelace named the group “Everybody”.");
    for (name, mode) in [("chat-dark", Mode::Dark), ("chat-light", Mode::Light)] {
        let mut ui = look(window.state.view(mode));
        picture(&mut ui, name, mode);
    }
}

#[test]
fn a_chat_is_opened_by_a_click() {
    let mut window = Window::new("open");
    window.click("Bird watching");
    window.tell(world::opened(GROUP, vec![said(GROUP, 1, ADA, -5, "Look, a heron")]));
    window.shows("Look, a heron");
    window.shows("Private group");
    window.hides("Not yet. Shall we go on Saturday?");
}

#[test]
fn typing_is_shown_in_words_and_ends_with_a_message() {
    let mut window = Window::new("typing");
    let typing = v1::Typing { conversation_id: GLOBAL, user_ids: vec![ADA, BO, ME] };
    window.tell(vec![world::event(Kind::Typing(typing))]);
    window.shows("Ada Lovelace and Bo Diddley are typing…");
    window.tell(vec![Update::TypingExpired(GLOBAL)]);
    window.hides("Ada Lovelace and Bo Diddley are typing…");
}

#[test]
fn new_chat_and_new_group_are_dialogs_that_escape_closes() {
    let mut window = Window::new("dialogs");
    window.state.update(Message::Sidebar(sidebar::Message::ChatWanted));
    window.shows("New chat");
    window.state.update(Message::Escaped);
    window.hides("New chat");
    window.state.update(Message::Sidebar(sidebar::Message::GroupWanted));
    window.shows("Public: anybody may join");
    picture(&mut look(window.state.view(Mode::Dark)), "new-group", Mode::Dark);
    window.click("Create group");
    window.shows("Give it a name, or choose people.");
    window.click("Join");
    window.shows("With an invite code");
    picture(&mut look(window.state.view(Mode::Light)), "join-group", Mode::Light);
}

#[test]
fn signing_out_is_asked_about() {
    let mut window = Window::new("sign-out");
    window.state.update(Message::Sidebar(sidebar::Message::SignOutWanted));
    let actions = window.act(|ui| {
        // The title and the button say the same; the button is below.
        let _ = ui.click("Cancel");
    });
    assert!(!actions.iter().any(|action| matches!(action, Action::SignOut)));
    window.hides("Cancel");
}

#[test]
fn a_draft_stays_with_its_chat() {
    let mut window = Window::new("draft");
    window.act(|ui| {
        ui.click(selector::id("composer")).unwrap();
        ui.typewrite("a");
    });
    window.click("Bird watching");
    window.tell(world::opened(GROUP, Vec::new()));
    window.shows("This is where the group begins for you.");
    window.state.update(Message::Sidebar(sidebar::Message::Chosen(GLOBAL)));
    let sent = window.act(|ui| {
        ui.click(selector::id("composer")).unwrap();
        ui.tap_key(iced::keyboard::key::Named::Enter);
    });
    assert!(!sent.is_empty(), "Enter sends the draft that was kept");
}

#[test]
fn a_direct_chat_shows_whether_the_other_is_there() {
    let mut window = Window::new("direct");
    window.state.update(Message::Sidebar(sidebar::Message::Chosen(DIRECT)));
    window.tell(world::opened(DIRECT, Vec::new()));
    window.shows("This is where your conversation with Ada Lovelace begins.");
}

#[test]
fn a_message_that_was_not_sent_says_why_and_what_to_do() {
    let mut window = Window::new("failed");
    let mut pending = Pending {
        request_id: "r".into(),
        conversation_id: GLOBAL,
        text: "On its way".into(),
        reply_to: 0,
        written_at: std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOON as u64 - 60),
        status: PendingStatus::Sending,
    };
    window.tell(vec![Update::PendingChanged(Arc::new(pending.clone()))]);
    window.shows("On its way");
    window.shows("Sending…");
    pending.status = PendingStatus::Failed("the text is too long".into());
    window.tell(vec![Update::PendingChanged(Arc::new(pending))]);
    window.shows("Not sent. The text is too long.");
    window.shows("Retry");
    window.tell(vec![Update::PendingRemoved { conversation_id: GLOBAL, request_id: "r".into() }]);
    window.hides("On its way");
}

#[test]
fn a_lost_connection_is_told_over_the_messages_and_when_it_is_back() {
    let mut window = Window::new("offline");
    let retry_at = Instant::now() + std::time::Duration::from_secs(60);
    let offline = Offline { retry_at, why: "The server cannot be reached.".into() };
    window.tell(vec![Update::ConnectionChanged(Connection::Offline(offline))]);
    window.shows("Try now");
    picture(&mut look(window.state.view(Mode::Dark)), "offline", Mode::Dark);
    window.tell(vec![Update::ConnectionChanged(Connection::Online)]);
    window.shows("Connected again");
    window.hides("Try now");
}

#[test]
fn a_message_under_the_pointer_can_be_answered_and_reacted_to() {
    let mut window = Window::new("tools");
    let line = |message| Message::Conversation(conversation::Message::Line(message));
    window.state.update(line(message::Message::Entered(100)));
    window.state.update(line(message::Message::ReactWanted(100)));
    window.shows("😮");
    window.state.update(line(message::Message::ReplyWanted(100)));
    window.shows("Replying to");
    window.state.update(Message::Escaped);
    window.hides("Replying to");
}

#[test]
fn a_conversation_that_is_gone_gives_way_to_the_first_one() {
    let mut window = Window::new("removed");
    window.click("Bird watching");
    window.tell(world::opened(GROUP, vec![said(GROUP, 1, ADA, -5, "Look, a heron")]));
    let removed = v1::ConversationRemoved { conversation_id: GROUP };
    window.tell(vec![world::event(Kind::ConversationRemoved(removed))]);
    window.hides("Look, a heron");
    window.shows("Not yet. Shall we go on Saturday?");
}

#[test]
fn messages_that_come_while_one_reads_above_are_marked_as_new() {
    let mut window = Window::new("new");
    window.state.update(Message::FocusChanged(false));
    window.tell(world::opened(DIRECT, Vec::new()));
    window.state.update(Message::Sidebar(sidebar::Message::Chosen(DIRECT)));
    window.tell(world::opened(DIRECT, vec![said(DIRECT, 99, ADA, -3, "One"), said(DIRECT, 100, ADA, -2, "Two")]));
    window.shows("New messages");
}
