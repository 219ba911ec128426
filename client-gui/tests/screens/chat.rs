//! The main window: chats, messages, what is on its way, and the connection.

use std::sync::Arc;
use std::time::Instant;

use iced_test::selector;
use rookery::pane::{conversation, message, sidebar};
use rookery::screen::chat::{Action, Message};
use rookery::theme::Mode;
use rookery_client::v1::{self, event::Kind};
use rookery_client::{Connection, Offline, Pending, PendingStatus, Update};

use crate::window::Window;
use crate::world::{self, ADA, BO, DIRECT, GLOBAL, GROUP, ME, NOON, said};
use crate::{look, picture};

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
    window.shows("Ada Lovelace named the group “Everybody”.\u{2002}11:30");
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
        attachments: Vec::new(),
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
