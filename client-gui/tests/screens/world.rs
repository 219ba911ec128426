//! A fixed world to draw: what a server would have said.

use std::sync::Arc;

use prost_types::Timestamp;
use rookery_client::v1::{self, ConversationKind, PresenceState, SystemKind, event::Kind};
use rookery_client::{Client, Config, Connection, Page, PageAt, Profile, Session, Update};

pub const ME: i64 = 1;
pub const ADA: i64 = 2;
pub const BO: i64 = 3;
pub const GLOBAL: i64 = 10;
pub const DIRECT: i64 = 11;
pub const GROUP: i64 = 12;

/// 2026-03-04 12:00 UTC.
pub const NOON: i64 = 1_772_625_600;

/// A handle whose engine never runs.
pub fn client(folder: &std::path::Path) -> Client {
    let session =
        Session { server: "http://127.0.0.1:1".into(), history_id: "h".into(), user_id: ME, user_name: "me".into() };
    let profile = Profile::open_in(folder, "test").unwrap();
    let (client, updates) = rookery_client::connect(Config::new(session, "token", profile)).unwrap();
    drop(updates);
    client
}

/// The first things that an engine tells: who, what, and all messages of a conversation.
pub fn updates() -> Vec<Update> {
    let ready = v1::Ready {
        user: Some(user(ME, "max", "Max Frisch")),
        session_id: "0".repeat(32),
        history_id: "h".into(),
        conversations: vec![
            conversation(GLOBAL, ConversationKind::Global, "Everybody", 0, 4),
            conversation(DIRECT, ConversationKind::Direct, "", 0, 2),
            conversation(GROUP, ConversationKind::Group, "Bird watching", ME, 1),
        ],
        users: vec![user(ADA, "ada", "Ada Lovelace"), user(BO, "bo", "Bo Diddley")],
        presences: vec![v1::Presence { user_id: ADA, state: PresenceState::Online.into(), last_seen_at: None }],
        ..v1::Ready::default()
    };
    vec![
        Update::ConnectionChanged(Connection::CatchingUp),
        event(Kind::Ready(ready)),
        Update::ConnectionChanged(Connection::Online),
    ]
}

/// A page of messages as the answer to opening a conversation.
pub fn opened(conversation_id: i64, messages: Vec<v1::Message>) -> Vec<Update> {
    let page = Page {
        conversation_id,
        at: PageAt::Newest,
        messages: messages.into_iter().map(Arc::new).collect(),
        users: Vec::new(),
        more_before: false,
        more_after: false,
        changes: Vec::new(),
    };
    vec![Update::ConversationOpened(conversation_id), Update::PageLoaded(Arc::new(page))]
}

pub fn event(kind: Kind) -> Update {
    event_of(0, kind)
}

/// One about a conversation.
pub fn event_of(conversation_id: i64, kind: Kind) -> Update {
    let event = Some(v1::Event { kind: Some(kind) });
    let response = v1::SubscribeResponse { conversation_id, event, ..v1::SubscribeResponse::default() };
    Update::EventReceived(Arc::new(response))
}

pub fn said(conversation_id: i64, id: i64, author_id: i64, minutes: i64, text: &str) -> v1::Message {
    v1::Message {
        conversation_id,
        id,
        author_id,
        text: text.into(),
        changed: id,
        created_at: Some(Timestamp { seconds: NOON + minutes * 60, nanos: 0 }),
        ..v1::Message::default()
    }
}

pub fn renamed(conversation_id: i64, id: i64, name: &str) -> v1::Message {
    let system = v1::SystemLine { kind: SystemKind::Renamed.into(), name: name.into(), ..v1::SystemLine::default() };
    v1::Message { system: Some(system), ..said(conversation_id, id, ADA, -30, "") }
}

pub fn user(id: i64, name: &str, display_name: &str) -> v1::User {
    v1::User { id, name: name.into(), display_name: display_name.into(), ..v1::User::default() }
}

fn conversation(id: i64, kind: ConversationKind, name: &str, owner_id: i64, unread: i64) -> v1::Conversation {
    let direct = if kind == ConversationKind::Direct { vec![ME, ADA] } else { Vec::new() };
    v1::Conversation {
        id,
        kind: kind.into(),
        name: name.into(),
        owner_id,
        direct_user_ids: direct,
        position: 100,
        last_message: Some(said(id, 100, ADA, -id, "See you at the lighthouse 🎉 tonight")),
        mine: Some(v1::Membership { read_position: 100 - unread, unread, visible_from: 1, ..Default::default() }),
        ..v1::Conversation::default()
    }
}
