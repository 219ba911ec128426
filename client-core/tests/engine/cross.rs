//! Where an answer crosses an event, or two calls cross each other.

use std::time::Duration;

use rookery_client::{
    PageAt, State,
    v1::{self, event::Kind},
};
use tokio::time::timeout;

use super::{PATIENCE, ROOM, Stage, cursor, ids, message, page, ready, room, script::Script};

const CHAT: i64 = 7;
const SLOW: Duration = Duration::from_millis(300);

fn in_chat(id: i64) -> v1::Message {
    v1::Message { conversation_id: CHAT, ..message(id) }
}

fn chat(position: i64) -> v1::Conversation {
    let mine = Some(v1::Membership { visible_from: 1, ..Default::default() });
    let kind = v1::ConversationKind::Direct.into();
    v1::Conversation { id: CHAT, kind, direct_user_ids: vec![1, 2], position, mine, ..Default::default() }
}

async fn called(script: &Script, name: &str, times: usize) {
    let called = async {
        while script.calls(name).len() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, called).await.unwrap_or_else(|_| panic!("{name} was not called"));
}

fn what(script: &Script, name: &str) -> Vec<String> {
    script.calls(name).into_iter().map(|call| call.what).collect()
}

#[tokio::test]
async fn what_was_read_before_it_was_marked_as_unread_is_not_told_afterwards() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("mark_read", SLOW);
    });
    stream.message(10, message(11)).await;
    stage.until("heard", |state| cursor(state) == Some(11)).await;
    stage.client.mark_read(ROOM, 11);
    called(&stage.script, "mark_read", 1).await;
    stream.message(11, message(12)).await;
    stage.until("heard", |state| cursor(state) == Some(12)).await;
    stage.client.mark_read(ROOM, 12);
    stage.client.mark_unread(ROOM, 10).await.unwrap();
    let (read, unread) = (stage.script.calls("mark_read"), stage.script.calls("mark_unread"));
    assert!(unread[0].at - read[0].at >= SLOW, "one after the other");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(stage.script.calls("mark_read").len(), 1);
}

#[tokio::test]
async fn marking_as_unread_waits_for_no_stream() {
    let stage = Stage::set().await;
    timeout(PATIENCE, stage.client.mark_unread(ROOM, 10)).await.unwrap().unwrap();
    assert_eq!(stage.script.calls("mark_unread").len(), 1);
}

#[tokio::test]
async fn the_echo_of_an_older_reading_leaves_the_newer_one_to_be_told() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    for id in 11..=12 {
        stream.message(id - 1, message(id)).await;
        stage.until("heard", |state| cursor(state) == Some(id)).await;
        stage.client.mark_read(ROOM, id);
    }
    stage.until("read", |state| state.conversation(ROOM).unwrap().read_position() == 12).await;
    let echo = v1::ReadChanged { conversation_id: ROOM, read_position: 11, as_of: 12, unread: 1, ..Default::default() };
    stream.tell(0, 0, 0, Kind::ReadChanged(echo)).await;
    called(&stage.script, "mark_read", 2).await;
    assert!(what(&stage.script, "mark_read")[1].contains("id: 12"));
    assert_eq!(stage.states.borrow().conversation(ROOM).unwrap().read_position(), 12);
}

#[tokio::test]
async fn a_quote_that_changes_while_it_is_on_its_way_is_shown_as_it_is_now() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("get_message", SLOW);
        answers.quotes.push_back(v1::GetMessageResponse { message: Some(message(3)), users: Vec::new() });
    });
    stage.client.load_reply(ROOM, 3);
    called(&stage.script, "get_message", 1).await;
    stream.message(10, v1::Message { changed: 11, deleted: true, ..message(3) }).await;
    let known = |state: &State| state.conversation(ROOM).is_some_and(|room| room.message(3).is_some());
    let state = stage.until("quoted", known).await;
    assert!(state.conversation(ROOM).unwrap().message(3).unwrap().deleted);
}

#[tokio::test]
async fn a_quote_is_asked_for_again_by_the_next_connection() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    // Nothing is written for this call yet.
    stage.client.load_reply(ROOM, 3);
    called(&stage.script, "get_message", 1).await;
    stage.client.load_reply(ROOM, 3);
    stage.script.answer(|answers| {
        answers.quotes.push_back(v1::GetMessageResponse { message: Some(message(3)), users: Vec::new() });
    });
    drop(stream);
    let _stream = stage.stream().await;
    let known = |state: &State| state.conversation(ROOM).is_some_and(|room| room.message(3).is_some());
    stage.until("quoted", known).await;
    assert_eq!(stage.script.calls("get_message").len(), 2);
}

#[tokio::test]
async fn people_of_a_page_from_the_disk_are_asked_for_once_more() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| answers.pages.push_back(page(8..=10)));
    stage.client.open(ROOM);
    stage.until("opened", |state| ids(state).len() == 3).await;
    let bob = v1::User { id: 2, display_name: "Bob".to_owned(), ..Default::default() };
    stream.tell(0, 0, 0, Kind::UserChanged(v1::UserChanged { user: Some(bob) })).await;
    stage.until("known", |state| state.user(2).is_some()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.restart().await;
    let _stream = stage.stream().await;
    stage.until("restored", |state| state.user(2).is_some()).await;
    let before = stage.script.calls("get_users").len();
    stage.client.open(ROOM);
    stage.until("painted", |state| ids(state).len() == 3).await;
    called(&stage.script, "get_users", before + 1).await;
    assert!(what(&stage.script, "get_users")[before].contains("[2]"));
}

#[tokio::test]
async fn an_own_reaction_stays_on_the_disk_when_others_react_to_a_page_on_its_way() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    let reacted = |count: i32, mine: bool| {
        let reaction = v1::Reaction { emote: "+1".to_owned(), count, mine, user_ids: (2..=11).collect() };
        v1::Message { reactions: vec![reaction], ..message(10) }
    };
    stage.script.answer(|answers| {
        answers.delays.insert("list_messages", SLOW);
        let messages = vec![message(8), message(9), reacted(11, true)];
        answers.pages.push_back(v1::ListMessagesResponse { messages, position: 10, ..Default::default() });
    });
    stage.client.open(ROOM);
    called(&stage.script, "list_messages", 1).await;
    stream.message(10, v1::Message { changed: 11, ..reacted(12, false) }).await;
    let mine = |state: &State| {
        let message = state.conversation(ROOM).and_then(|room| room.message(10).cloned());
        message.is_some_and(|message| message.changed == 11 && message.reactions[0].mine)
    };
    stage.until("mine", mine).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.restart().await;
    stage.client.open(ROOM);
    let state = stage.until("painted", |state| ids(state).len() == 3).await;
    assert!(mine(&state));
}

#[tokio::test]
async fn an_own_reaction_of_which_only_an_answer_tells_is_in_a_page_on_its_way() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    let reacted = |changed, mine| {
        let reaction = v1::Reaction { emote: "+1".to_owned(), count: 12, mine, user_ids: (2..=11).collect() };
        v1::Message { changed, reactions: vec![reaction], ..message(10) }
    };
    stage.script.answer(|answers| {
        answers.delays.insert("list_messages", SLOW);
        let messages = vec![message(8), message(9), reacted(10, false)];
        answers.pages.push_back(v1::ListMessagesResponse { messages, position: 10, ..Default::default() });
        let messages = vec![reacted(11, true)];
        answers.changes.push_back(v1::ListChangesResponse { messages, position: 11, ..Default::default() });
    });
    stage.client.open(ROOM);
    called(&stage.script, "list_messages", 1).await;
    stream.message(11, message(12)).await;
    let state = stage.until("opened", |state| !ids(state).is_empty()).await;
    assert!(state.conversation(ROOM).unwrap().message(10).unwrap().reactions[0].mine);
}

#[tokio::test]
async fn an_answer_does_not_bring_back_what_was_left_meanwhile() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("get_conversation", SLOW);
        let conversation = Some(room(12));
        answers.conversations.push_back(v1::GetConversationResponse { conversation, users: Vec::new() });
    });
    // A deletion that only the server can count.
    stream.message(10, message(11)).await;
    stream.message(11, v1::Message { changed: 12, deleted: true, ..message(11) }).await;
    called(&stage.script, "get_conversation", 1).await;
    stage.client.leave_group(ROOM, false).await.unwrap();
    tokio::time::sleep(SLOW * 2).await;
    assert!(stage.states.borrow().conversation(ROOM).is_none());
}

#[tokio::test]
async fn a_chat_of_which_only_the_name_was_kept_shows_its_first_message() {
    let mut stage = Stage::set().await;
    let stream = timeout(PATIENCE, stage.streams.recv()).await.unwrap().unwrap();
    let mut listed = ready(10);
    listed.conversations.push(chat(0));
    stream.tell(0, 0, 0, Kind::Ready(listed)).await;
    stage.until("listed", |state| state.conversation(CHAT).is_some()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.restart().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        let pages = [page([]), v1::ListMessagesResponse { messages: vec![in_chat(1)], position: 1, ..page([]) }];
        answers.pages.extend(pages);
        let conversation = Some(chat(1));
        answers.conversations.push_back(v1::GetConversationResponse { conversation, users: Vec::new() });
    });
    stage.client.open(CHAT);
    let run = |state: &State| state.conversation(CHAT)?.run().map(|run| run.len());
    stage.until("empty", |state| run(state) == Some(0)).await;
    stream.message(0, in_chat(1)).await;
    stage.until("written", |state| run(state) == Some(1)).await;
}

#[tokio::test]
async fn opening_what_is_open_already_says_nothing() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("list_messages", SLOW);
        answers.pages.push_back(page(8..=10));
    });
    stage.client.open(ROOM);
    stage.until("loading", |state| state.is_loading(ROOM, PageAt::Newest)).await;
    for _ in 0..3 {
        stage.client.open(ROOM);
    }
    tokio::time::sleep(SLOW / 3).await;
    assert!(!stage.states.has_changed().unwrap());
    stage.until("opened", |state| ids(state).len() == 3).await;
}

#[tokio::test]
async fn people_of_a_programs_own_call_are_known_unless_the_stream_knows_better() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    let as_of = stage.states.borrow().told();
    let seen = |state: v1::PresenceState| v1::Presence { user_id: 2, state: state.into(), ..Default::default() };
    let presences = vec![seen(v1::PresenceState::Offline)];
    stream.tell(0, 0, 0, Kind::PresenceChanged(v1::PresenceChanged { presences })).await;
    stage.until("told", |state| state.told() > as_of).await;
    let users = vec![v1::User { id: 2, display_name: "Bob".to_owned(), ..Default::default() }];
    let presences = vec![seen(v1::PresenceState::Online)];
    stage.client.learn_people(as_of, v1::GetUsersResponse { users: users.clone(), presences: presences.clone() });
    let state = stage.until("known", |state| state.user(2).is_some()).await;
    assert_eq!(state.presence(2), v1::PresenceState::Offline, "that was asked before");
    stage.client.learn_people(state.told(), v1::GetUsersResponse { users, presences });
    stage.until("seen", |state| state.presence(2) == v1::PresenceState::Online).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.restart().await;
    stage.until("kept", |state| state.user(2).is_some()).await;
}
