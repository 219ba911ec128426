//! The engine against a server that follows a script: what a healthy server does too rarely to wait for.

#![allow(clippy::unwrap_used)]

mod cross;
mod file;
mod script;

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use rookery_client::{
    Client, Config, Connection, Conversation, Profile, Run, Session, State,
    v1::{self, event::Kind},
};
use script::{Script, Stream};
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: i64 = 1;

/// A client, its server, and the state that a window would draw.
struct Stage {
    script: Script,
    url: String,
    streams: mpsc::UnboundedReceiver<Stream>,
    client: Client,
    states: watch::Receiver<Arc<State>>,
    window: JoinHandle<()>,
    folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let (script, url, streams, _server) = Script::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (client, states, window) = start(&folder, &url).await;
        Self { script, url, streams, client, states, window, folder }
    }

    /// Ends the client as a crash would, and starts it again from what is on the disk.
    async fn restart(&mut self) {
        self.window.abort();
        let _ = (&mut self.window).await;
        (self.client, self.states, self.window) = start(&self.folder, &self.url).await;
    }

    /// The next stream, with a world of one room in which ten messages are read.
    async fn stream(&mut self) -> Stream {
        self.stream_at(10).await
    }

    async fn stream_at(&mut self, position: i64) -> Stream {
        let stream = timeout(PATIENCE, self.streams.recv()).await.expect("a stream is opened").unwrap();
        stream.tell(0, 0, 0, Kind::Ready(ready(position))).await;
        stream.tell(0, 0, 0, Kind::CaughtUp(v1::CaughtUp {})).await;
        self.until("online", |state| *state.connection() == Connection::Online).await;
        stream
    }

    async fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) -> Arc<State> {
        if let Ok(Ok(state)) = timeout(PATIENCE, self.states.wait_for(|state| so(state))).await {
            return state.clone();
        }
        panic!("it never came to this: {what}; {:?}", self.states.borrow());
    }
}

async fn start(folder: &TempDir, url: &str) -> (Client, watch::Receiver<Arc<State>>, JoinHandle<()>) {
    let session =
        Session { server: url.to_owned(), history_id: "h".to_owned(), user_id: 1, user_name: "ada".to_owned() };
    // A client that was just dropped still finishes writing.
    let profile = loop {
        match Profile::open_in(folder.path(), "test") {
            Ok(profile) => break profile,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let mut config = Config::new(session, "token", profile);
    config.backoff = (Duration::from_millis(50), Duration::from_millis(200));
    let (client, mut updates) = rookery_client::connect(config).unwrap();
    let (out, states) = watch::channel(Arc::new(State::default()));
    let window = tokio::spawn(async move {
        let mut state = State::default();
        while let Some(update) = updates.next().await {
            state.apply(&update);
            out.send_replace(Arc::new(state.clone()));
        }
    });
    (client, states, window)
}

fn ready(position: i64) -> v1::Ready {
    let mine = Some(v1::Membership { read_position: 10, visible_from: 1, ..Default::default() });
    let mut room = room(position);
    room.mine = mine;
    v1::Ready {
        user: Some(v1::User { id: 1, name: "ada".to_owned(), ..Default::default() }),
        session_id: "s".to_owned(),
        history_id: "h".to_owned(),
        conversations: vec![room],
        ..Default::default()
    }
}

fn room(position: i64) -> v1::Conversation {
    let kind = v1::ConversationKind::Global.into();
    v1::Conversation { id: ROOM, kind, name: "Everyone".to_owned(), position, ..Default::default() }
}

fn message(id: i64) -> v1::Message {
    v1::Message { conversation_id: ROOM, id, changed: id, author_id: 2, text: id.to_string(), ..Default::default() }
}

fn page(ids: impl IntoIterator<Item = i64>) -> v1::ListMessagesResponse {
    let messages: Vec<_> = ids.into_iter().map(message).collect();
    let position = messages.last().map_or(0, |message| message.changed);
    v1::ListMessagesResponse { messages, position, ..Default::default() }
}

fn ids(state: &State) -> Vec<i64> {
    let run = state.conversation(ROOM).and_then(Conversation::run).into_iter().flat_map(Run::messages);
    run.map(|message| message.id).collect()
}

fn cursor(state: &State) -> Option<i64> {
    state.conversation(ROOM).and_then(Conversation::cursor)
}

#[tokio::test]
async fn a_hole_is_filled_before_what_came_behind_it() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.pages.push_back(page(8..=10));
        let changes = |ids: &[i64], more| v1::ListChangesResponse {
            messages: ids.iter().copied().map(message).collect(),
            position: ids[ids.len() - 1],
            more,
            ..Default::default()
        };
        answers.changes.extend([changes(&[11, 12], true), changes(&[13], false)]);
    });
    stage.client.open(ROOM);
    stage.until("opened", |state| ids(state).len() == 3).await;
    stream.message(13, message(14)).await;
    stream.message(14, message(15)).await;
    let state = stage.until("whole", |state| cursor(state) == Some(15)).await;
    assert_eq!(ids(&state), (8..=15).collect::<Vec<_>>());
    assert_eq!(state.unread(), 5);
    let asked: Vec<_> = stage.script.calls("list_changes").into_iter().map(|call| call.what).collect();
    assert_eq!(asked, ["10", "12"]);
}

#[tokio::test]
async fn a_hole_that_cannot_be_filled_yet_is_asked_for_again() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stream.message(11, message(12)).await;
    while stage.script.calls("list_changes").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.script.answer(|answers| {
        let messages = vec![message(11)];
        answers.changes.push_back(v1::ListChangesResponse { messages, position: 11, ..Default::default() });
    });
    let state = stage.until("whole", |state| cursor(state) == Some(12)).await;
    assert_eq!(state.unread(), 2);
}

#[tokio::test]
async fn a_conversation_that_is_not_listed_is_fetched_once_and_shown() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    let kind = v1::ConversationKind::Direct.into();
    let conversation = v1::Conversation {
        id: 7,
        kind,
        direct_user_ids: vec![1, 2],
        position: 2,
        last_message: Some(v1::Message { conversation_id: 7, ..message(2) }),
        mine: Some(v1::Membership { unread: 2, visible_from: 1, ..Default::default() }),
        ..Default::default()
    };
    stage.script.answer(|answers| {
        answers.conversations.push_back(v1::GetConversationResponse {
            conversation: Some(conversation),
            users: vec![v1::User { id: 2, display_name: "Bob".to_owned(), ..Default::default() }],
        });
    });
    for id in 1..=3 {
        stream.message(id - 1, v1::Message { conversation_id: 7, ..message(id) }).await;
    }
    let known = |state: &State| state.conversation(7).is_some_and(|chat| chat.cursor() == Some(3));
    let state = stage.until("known", known).await;
    let chat = state.conversation(7).unwrap();
    assert_eq!((chat.unread(), state.title(chat)), (3, "Bob"));
    assert_eq!(stage.script.calls("get_conversation").len(), 1);
}

#[tokio::test]
async fn changes_that_come_while_a_page_is_on_its_way_are_in_it() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("list_messages", Duration::from_millis(300));
        answers.pages.push_back(page(8..=10));
    });
    stage.client.open(ROOM);
    while stage.script.calls("list_messages").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stream.message(10, v1::Message { changed: 11, text: "edited".to_owned(), ..message(9) }).await;
    stream.message(11, message(12)).await;
    let state = stage.until("loaded", |state| !ids(state).is_empty()).await;
    assert_eq!(ids(&state), [8, 9, 10, 12]);
    assert_eq!(state.conversation(ROOM).unwrap().message(9).unwrap().text, "edited");
}

#[tokio::test]
async fn a_page_from_before_a_reset_is_thrown_away() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("list_messages", Duration::from_millis(300));
        answers.pages.extend([page(8..=10), page(90..=95)]);
    });
    stage.client.open(ROOM);
    while stage.script.calls("list_messages").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reset = v1::ConversationReset { position: 95 };
    stream.tell(ROOM, 10, 95, Kind::ConversationReset(reset)).await;
    let state = stage.until("loaded anew", |state| !ids(state).is_empty()).await;
    assert_eq!((ids(&state), cursor(&state)), ((90..=95).collect(), Some(95)));
}

#[tokio::test]
async fn a_cut_stream_goes_on_from_its_cursor() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    assert!(stream.request.cursors.is_empty());
    stream.message(10, message(11)).await;
    stage.until("heard", |state| cursor(state) == Some(11)).await;
    drop(stream);
    let stream = stage.stream_at(11).await;
    assert_eq!((stream.request.cursors[&ROOM], stream.request.history_id.as_str()), (11, "h"));
    stream.message(11, message(12)).await;
    stage.until("heard", |state| cursor(state) == Some(12)).await;
}

#[tokio::test]
async fn a_stream_without_a_heartbeat_is_given_up() {
    let mut stage = Stage::set().await;
    let stream = timeout(PATIENCE, stage.streams.recv()).await.unwrap().unwrap();
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 });
    let timings = Some(v1::ServerTimings { timeout, ..Default::default() });
    stream.tell(0, 0, 0, Kind::Ready(v1::Ready { timings, ..ready(10) })).await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.tell(0, 0, 0, Kind::Heartbeat(v1::Heartbeat {})).await;
    }
    assert_eq!(*stage.states.borrow().connection(), Connection::CatchingUp);
    stage.until("given up", |state| matches!(state.connection(), Connection::Offline(_))).await;
    stage.stream().await;
}

#[tokio::test]
async fn a_deletion_that_may_have_been_unread_is_counted_by_the_server_once() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        let mine = Some(v1::Membership { read_position: 10, unread: 1, visible_from: 1, ..Default::default() });
        let conversation = Some(v1::Conversation { mine, ..room(13) });
        answers.conversations.push_back(v1::GetConversationResponse { conversation, users: Vec::new() });
    });
    stream.message(10, message(11)).await;
    stream.message(11, message(12)).await;
    stream.message(12, v1::Message { changed: 13, deleted: true, ..message(11) }).await;
    stream.message(13, message(14)).await;
    let state = stage.until("counted", |state| cursor(state) == Some(14)).await;
    assert_eq!(state.unread(), 2);
    assert_eq!(stage.script.calls("get_conversation").len(), 1);
}

#[tokio::test]
async fn an_edit_that_may_have_put_a_name_in_is_counted_by_the_server_once() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        let mine =
            v1::Membership { read_position: 10, unread: 2, unread_mentions: 1, visible_from: 1, ..Default::default() };
        let conversation = Some(v1::Conversation { mine: Some(mine), ..room(13) });
        answers.conversations.push_back(v1::GetConversationResponse { conversation, users: Vec::new() });
    });
    let edited_at = Some(prost_types::Timestamp::default());
    let mentions = vec![v1::Mention { user_id: 1, start: 0, length: 3 }];
    // New to this client, whatever became of it before.
    stream.message(10, v1::Message { edited_at, ..message(11) }).await;
    stream.message(11, message(12)).await;
    stream.message(12, v1::Message { changed: 13, edited_at, mentions: mentions.clone(), ..message(12) }).await;
    // A reaction, say, on what nobody edited.
    stream.message(13, v1::Message { changed: 14, ..message(11) }).await;
    stream.message(14, v1::Message { mentions, ..message(15) }).await;
    let state = stage.until("counted", |state| cursor(state) == Some(15)).await;
    let room = state.conversation(ROOM).unwrap();
    assert_eq!((room.unread(), room.unread_mentions()), (3, 2));
    assert_eq!(stage.script.calls("get_conversation").len(), 1);
}

#[tokio::test]
async fn a_send_whose_outcome_is_unknown_is_repeated_by_the_same_name_and_before_the_next_one() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    let slow = ErrorDetails::with_retry_info(Some(Duration::from_millis(700)));
    let slow = Status::with_error_details(Code::ResourceExhausted, "slow down", slow);
    let (first, second) = (stage.client.send(ROOM, "first", 0), stage.client.send(ROOM, "second", 0));
    let stored = |id, request_id: &str| {
        let message = v1::Message { author_id: 1, request_id: request_id.to_owned(), ..message(id) };
        Ok(v1::SendMessageResponse { message: Some(message) })
    };
    stage.script.answer(|answers| {
        let answer = [Err(Status::internal("who knows")), Err(slow), stored(11, &first), stored(12, &second)];
        answers.sends.extend(answer);
    });
    stage.until("bubbles", |state| state.pending(ROOM).len() == 2).await;
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    let sends = stage.script.calls("send_message");
    let said: Vec<_> = sends.iter().map(|call| call.what.clone()).collect();
    let (first, second) = (format!("{first} first"), format!("{second} second"));
    let tries = said.len() - 1;
    assert!(tries >= 3);
    assert_eq!(said[..tries], vec![first; tries]);
    assert_eq!(said[tries], second);
    assert!(sends[tries - 1].at - sends[tries - 2].at >= Duration::from_millis(700), "RetryInfo is obeyed");
}

#[tokio::test]
async fn reading_is_told_at_once_and_then_merged() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    for id in 11..=15 {
        stream.message(id - 1, message(id)).await;
        stage.until("heard", |state| cursor(state) == Some(id)).await;
        stage.client.mark_read(ROOM, id);
    }
    stage.until("read", |state| state.unread() == 0).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let told: Vec<_> = stage.script.calls("mark_read").into_iter().map(|call| call.what).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("id: 15"), "{told:?}");
}

#[tokio::test]
async fn people_who_are_not_known_are_asked_for_together() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    let typing = v1::Typing { conversation_id: ROOM, user_ids: vec![2, 3, 4] };
    stream.tell(ROOM, 0, 0, Kind::Typing(typing)).await;
    while stage.script.calls("get_users").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stream.message(10, message(11)).await;
    stage.until("heard", |state| cursor(state) == Some(11)).await;
    // Nobody is asked for twice while the stream lasts: who was not given does not exist.
    let asked = stage.script.calls("get_users");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].what.contains("[2, 3, 4]"), "{asked:?}");
}

#[tokio::test]
async fn another_history_begins_anew() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| answers.pages.extend([page(8..=10), page(2..=3)]));
    stage.client.open(ROOM);
    stage.until("opened", |state| ids(state).len() == 3).await;
    drop(stream);
    let stream = timeout(PATIENCE, stage.streams.recv()).await.unwrap().unwrap();
    stream.tell(0, 0, 0, Kind::Ready(v1::Ready { history_id: "other".to_owned(), ..ready(3) })).await;
    let state = stage.until("anew", |state| state.history_id() == "other").await;
    assert_eq!((ids(&state), cursor(&state)), (Vec::new(), Some(3)));
    stage.client.open(ROOM);
    stage.until("opened", |state| ids(state) == [2, 3]).await;
}

#[tokio::test]
async fn an_answer_from_before_another_history_moves_nothing() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.delays.insert("list_changes", Duration::from_millis(300));
        answers.changes.push_back(v1::ListChangesResponse {
            messages: vec![message(11)],
            position: 11,
            ..Default::default()
        });
    });
    stream.message(11, message(12)).await;
    while stage.script.calls("list_changes").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    // The same number is the cursor there, and names another message.
    let stream = timeout(PATIENCE, stage.streams.recv()).await.unwrap().unwrap();
    stream.tell(0, 0, 0, Kind::Ready(v1::Ready { history_id: "other".to_owned(), ..ready(10) })).await;
    stage.until("anew", |state| state.history_id() == "other").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let state = stage.states.borrow().clone();
    assert_eq!((cursor(&state), state.unread()), (Some(10), 0));
}

#[tokio::test]
async fn the_chosen_status_is_known_at_once() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.client.set_status(v1::StatusKind::Invisible, None).await.unwrap();
    // The script answers with nothing: what the server says counts.
    assert_eq!(stage.script.calls("set_status").len(), 1);
    let status = Some(v1::Status { kind: v1::StatusKind::DoNotDisturb.into(), ..Default::default() });
    stream.tell(0, 0, 0, Kind::StatusChanged(v1::StatusChanged { status })).await;
    stage.until("chosen elsewhere", |state| state.status().kind() == v1::StatusKind::DoNotDisturb).await;
}
