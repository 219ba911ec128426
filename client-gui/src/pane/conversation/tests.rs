use rookery_client::{Config, Page, Profile, Session, Update, v1::event::Kind};

use super::*;

const ROOM: i64 = 10;

fn event(kind: Kind) -> Update {
    let event = Some(v1::Event { kind: Some(kind) });
    Update::EventReceived(Arc::new(v1::SubscribeResponse { event, ..v1::SubscribeResponse::default() }))
}

/// A chat without its messages.
fn world() -> World {
    let room = v1::Conversation { id: ROOM, position: 100, ..v1::Conversation::default() };
    let ready = v1::Ready { conversations: vec![room], ..v1::Ready::default() };
    let mut world = World::default();
    world.apply(&event(Kind::Ready(ready)));
    world
}

fn lacks(world: &World) -> bool {
    lacks_messages(world.conversation(ROOM).unwrap())
}

/// All that is loaded: a message that answers another one.
fn answer(to: i64) -> Update {
    let answer = v1::Message { conversation_id: ROOM, id: 90, changed: 90, reply_to: to, ..v1::Message::default() };
    Update::PageLoaded(Arc::new(Page {
        conversation_id: ROOM,
        at: PageAt::Newest,
        messages: vec![Arc::new(answer)],
        users: Vec::new(),
        more_before: true,
        more_after: false,
        changes: Vec::new(),
    }))
}

#[test]
fn messages_that_are_on_their_way_or_failed_are_not_asked_for_again() {
    let mut world = world();
    assert!(lacks(&world));
    world.apply(&Update::PageRequested { conversation_id: ROOM, at: PageAt::Newest });
    assert!(!lacks(&world));
    let why = "There is no connection to the server.".to_owned();
    world.apply(&Update::PageFailed { conversation_id: ROOM, at: PageAt::Newest, why: why.clone() });
    assert!(!lacks(&world));
    world.apply(&Update::PageFailed { conversation_id: ROOM, at: PageAt::Around(5), why });
    assert!(lacks(&world), "the place that was jumped to failed, not the newest");
}

#[test]
fn quotes_are_asked_for_as_often_as_they_are_missing_anew() {
    let folder = std::env::temp_dir().join(format!("rookery-quotes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let profile = Profile::open_in(&folder, "test").unwrap();
    let session =
        Session { server: "http://127.0.0.1:1".into(), history_id: "h".into(), user_id: 1, user_name: "me".into() };
    let (client, _) = rookery_client::connect(Config::new(session, "token", profile)).unwrap();
    let mut world = world();
    let mut pane = State::new(world.conversation(ROOM).unwrap(), 1);
    let mut asked = |update: &Update| {
        world.apply(update);
        pane.refresh(&world, &client, true);
        pane.replies.iter().copied().collect::<Vec<_>>()
    };
    assert_eq!(asked(&answer(7)), [7]);
    let quoted = v1::Message { conversation_id: ROOM, id: 7, changed: 7, ..v1::Message::default() };
    assert!(asked(&Update::ReplyLoaded(Arc::new(quoted))).is_empty());
    let event = Some(v1::Event { kind: Some(Kind::ConversationReset(v1::ConversationReset { position: 100 })) });
    let reset = v1::SubscribeResponse { conversation_id: ROOM, event, ..v1::SubscribeResponse::default() };
    assert!(asked(&Update::EventReceived(Arc::new(reset))).is_empty());
    assert_eq!(asked(&answer(7)), [7], "it was thrown away, too");
    assert_eq!(asked(&answer(8)), [8]);
    assert_eq!(asked(&answer(7)), [7]);
    std::fs::remove_dir_all(&folder).unwrap();
}
