//! The hub by itself: seams, gaps, removals, slow readers, presence.

use std::task::{Context, Poll};

use prost::Message as _;
use rookery_api::v1::{Message, PresenceState, StatusKind, SubscribeResponse, SystemKind, SystemLine};

use super::*;

const ROOM: i64 = 7;

fn hub(grace: Duration) -> (Arc<Hub>, mpsc::UnboundedReceiver<Request>) {
    Hub::new(Settings {
        small_group: 50,
        heartbeat: Duration::from_secs(15),
        typing_expires: Duration::from_secs(8),
        activity_expires: Duration::from_secs(90),
        grace,
        life: Duration::from_secs(43_200),
        now: Now(Arc::new(|| 1_800_000_000_000)),
    })
}

fn all() -> Wants {
    Wants { messages: true, typing: true, presence: true, conversations: Default::default() }
}

/// A stream of a user that is in the room, ready, and not let in yet.
fn open(hub: &Hub, user_id: i64, visible_from: i64) -> Arc<Session> {
    let session = hub.register(format!("stream of {user_id}"), user_id, format!("login {user_id}"), all()).unwrap();
    hub.touch(&session, &[Place { conversation_id: ROOM, visible_from, members: 3, direct: false }]);
    session.ready(0, Kind::Heartbeat(v1::Heartbeat {}));
    session
}

fn live(hub: &Hub, user_id: i64, position: i64) -> Arc<Session> {
    let session = open(hub, user_id, 1);
    assert_eq!(hub.join(&session, ROOM, position), Join::Live);
    session
}

fn message(id: i64, changed: i64) -> Message {
    Message { conversation_id: ROOM, id, changed, author_id: 1, text: "x".into(), ..Message::default() }
}

fn line(id: i64, kind: SystemKind, user_ids: Vec<i64>) -> Message {
    let line = SystemLine { kind: kind.into(), user_ids, ..SystemLine::default() };
    Message { text: String::new(), system: Some(line), ..message(id, id) }
}

/// All that waits in a stream: (after, position, kind).
fn drain(session: &Session) -> Vec<(i64, i64, Kind)> {
    let mut events = Vec::new();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    while let Poll::Ready(Ok(mut frames)) = session.poll_next(&mut cx) {
        while !frames.is_empty() {
            let length = u32::from_be_bytes([frames[1], frames[2], frames[3], frames[4]]) as usize;
            let response = SubscribeResponse::decode(frames.split_to(5 + length).slice(5..)).unwrap();
            events.push((response.after, response.position, response.event.unwrap().kind.unwrap()));
        }
    }
    events
}

/// The ranges of what is numbered.
fn ranges(session: &Session) -> Vec<(i64, i64)> {
    drain(session).into_iter().filter(|(_, position, _)| *position > 0).map(|(after, to, _)| (after, to)).collect()
}

/// The presences that wait in a stream.
fn states(session: &Session) -> Vec<(i64, PresenceState)> {
    let presences = drain(session).into_iter().filter_map(|(_, _, kind)| match kind {
        Kind::PresenceChanged(changed) => Some(changed.presences),
        _ => None,
    });
    presences.flatten().map(|presence| (presence.user_id, presence.state())).collect()
}

/// Who types, by the lists that wait in a stream.
fn typists(session: &Session) -> Vec<Vec<i64>> {
    let kinds = drain(session).into_iter().map(|(_, _, kind)| kind);
    kinds.filter_map(|kind| if let Kind::Typing(typing) = kind { Some(typing.user_ids) } else { None }).collect()
}

fn ending(session: &Session) -> Option<Ending> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    loop {
        match session.poll_next(&mut cx) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(ending)) => return Some(ending),
            Poll::Pending => return None,
        }
    }
}

#[test]
fn changes_reach_everybody_in_order_and_once() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 0));
    for id in 1..=3 {
        hub.advance(message(id, id));
    }
    hub.advance(message(3, 3));
    assert_eq!(ranges(&one), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(ranges(&two), [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn what_is_passed_on_between_reading_and_joining_must_be_read() {
    let (hub, _requests) = hub(Duration::ZERO);
    let session = open(&hub, 1, 1);
    hub.advance(message(1, 1));
    assert_eq!(hub.join(&session, ROOM, 0), Join::ReadOn);
    assert_eq!(hub.join(&session, ROOM, 1), Join::Live);
    hub.advance(message(2, 2));
    assert_eq!(ranges(&session), [(1, 2)]);
}

#[test]
fn a_stream_that_read_more_than_the_hub_passed_on_gets_nothing_twice() {
    let (hub, mut requests) = hub(Duration::ZERO);
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 1));
    assert!(matches!(requests.try_recv(), Ok(Request::Read { conversation_id: ROOM, after: 0 })));
    hub.advance(message(1, 1));
    hub.advance(message(2, 2));
    assert_eq!(ranges(&one), [(0, 1), (1, 2)]);
    assert_eq!(ranges(&two), [(1, 2)]);
}

#[test]
fn a_gap_is_read_from_the_rows_and_passed_on_in_order() {
    let (hub, mut requests) = hub(Duration::ZERO);
    let session = live(&hub, 1, 0);
    hub.advance(message(3, 3));
    assert!(matches!(requests.try_recv(), Ok(Request::Read { after: 0, .. })));
    assert_eq!(ranges(&session), []);
    // Number 1 was taken over by change 2.
    assert_eq!(hub.repair(ROOM, vec![message(1, 2)], 2), Some(2));
    assert_eq!(hub.repair(ROOM, vec![message(3, 3)], 4), None);
    assert_eq!(ranges(&session), [(0, 2), (2, 3)]);
    hub.advance(message(5, 5));
    assert_eq!(ranges(&session), [(4, 5)]);
}

#[test]
fn who_came_later_is_told_only_that_something_older_changed() {
    let (hub, _requests) = hub(Duration::ZERO);
    let session = open(&hub, 1, 5);
    assert_eq!(hub.join(&session, ROOM, 5), Join::Live);
    hub.advance(message(2, 6));
    hub.advance(message(7, 7));
    let events = drain(&session);
    let numbered: Vec<_> = events.iter().filter(|(_, position, _)| *position > 0).collect();
    assert!(matches!(numbered[0], (5, 6, Kind::Skipped(_))));
    assert!(matches!(numbered[1], (6, 7, Kind::MessageChanged(_))));
}

#[test]
fn who_is_removed_hears_nothing_more_and_who_is_added_again_does() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (owner, member) = (live(&hub, 1, 0), live(&hub, 2, 0));
    hub.advance(message(1, 1));
    hub.advance(line(2, SystemKind::Removed, vec![2]));
    hub.advance(message(3, 3));
    assert_eq!(ranges(&owner), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(ranges(&member), [(0, 1)]);
    hub.touch(&member, &[Place { conversation_id: ROOM, visible_from: 4, members: 3, direct: false }]);
    hub.advance(line(4, SystemKind::Added, vec![2]));
    assert_eq!(hub.join(&member, ROOM, 4), Join::Live);
    hub.advance(message(5, 5));
    assert_eq!(ranges(&member), [(4, 5)]);
}

#[test]
fn a_removal_that_is_passed_on_late_does_not_put_out_who_is_in_again() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (owner, member) = (live(&hub, 1, 0), live(&hub, 2, 2));
    hub.advance(line(1, SystemKind::Removed, vec![2]));
    hub.advance(line(2, SystemKind::Added, vec![2]));
    hub.advance(message(3, 3));
    assert_eq!(ranges(&owner), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(ranges(&member), [(2, 3)]);
}

#[test]
fn ready_comes_first_and_what_it_holds_already_is_not_sent_again() {
    let (hub, _requests) = hub(Duration::ZERO);
    let session = hub.register("s".into(), 1, "l".into(), all()).unwrap();
    for number in 4..=6 {
        hub.tell(1, number, Kind::ConversationChanged(v1::ConversationChanged::default()));
    }
    assert_eq!(drain(&session).len(), 0);
    session.ready(5, Kind::Ready(v1::Ready::default()));
    let events = drain(&session);
    assert!(matches!(events[0], (0, 5, Kind::Ready(_))));
    assert!(matches!(events[1], (5, 6, Kind::ConversationChanged(_))));
    assert_eq!(events.len(), 2);
}

#[test]
fn a_reader_that_stands_still_is_ended_and_others_are_not() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (slow, quick) = (live(&hub, 1, 0), live(&hub, 2, 0));
    for id in 1..=1100 {
        hub.advance(message(id, id));
        drain(&quick);
    }
    assert_eq!(ending(&slow), Some(Ending::SlowReader));
    assert_eq!(ending(&quick), None);
}

#[test]
fn presence_follows_the_best_device_and_survives_a_reconnect() {
    let (hub, mut requests) = hub(Duration::from_secs(60));
    let one = live(&hub, 1, 0);
    hub.arrive(&one, &status(StatusKind::Online));
    let two = live(&hub, 2, 0);
    hub.arrive(&two, &status(StatusKind::Online));
    assert!(matches!(requests.try_recv(), Ok(Request::Seen { user_id: 1 })));
    use PresenceState::{Idle, Online};
    assert_eq!(states(&one), [(1, Online), (2, Online)]);
    assert!(hub.set_activity(2, "stream of 2", true));
    assert!(!hub.set_activity(1, "stream of 2", true), "a stream of somebody else");
    assert_eq!(states(&one), [(2, Idle)]);
    hub.forget(&two);
    assert_eq!(states(&one), [], "she may be back in a moment");
    let again = live(&hub, 2, 0);
    hub.arrive(&again, &status(StatusKind::Online));
    assert_eq!(states(&one), [(2, Online)]);
}

fn status(kind: StatusKind) -> v1::Status {
    v1::Status { kind: kind.into(), ..v1::Status::default() }
}

fn choose(hub: &Hub, user_id: i64, number: i64, kind: StatusKind) {
    let status = Some(v1::Status { kind: kind.into(), ..v1::Status::default() });
    hub.tell(user_id, number, Kind::StatusChanged(v1::StatusChanged { status }));
}

#[test]
fn what_a_user_chose_goes_before_what_her_devices_say() {
    use PresenceState::{DoNotDisturb, Idle, Offline, Online};
    let (hub, mut requests) = hub(Duration::ZERO);
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 0));
    hub.arrive(&one, &status(StatusKind::Online));
    hub.arrive(&two, &status(StatusKind::DoNotDisturb));
    assert_eq!(states(&one), [(1, Online), (2, DoNotDisturb)]);
    hub.set_activity(2, "stream of 2", true);
    assert_eq!(states(&one), [], "she chose, whatever the device says");
    for (number, kind, shown) in [
        (1, StatusKind::Online, Idle),
        (2, StatusKind::DoNotDisturb, DoNotDisturb),
        (3, StatusKind::Idle, Idle),
        (4, StatusKind::Invisible, Offline),
    ] {
        choose(&hub, 2, number, kind);
        assert_eq!(states(&one), [(2, shown)]);
        assert_eq!(hub.presence(2), shown);
    }
    while requests.try_recv().is_ok() {}
    // Hidden, she comes and goes, and comes into rooms, without a word.
    let phone = hub.register("phone of 2".into(), 2, "login".into(), all()).unwrap();
    hub.touch(&phone, &[Place { conversation_id: ROOM, visible_from: 1, members: 3, direct: false }]);
    hub.arrive(&phone, &status(StatusKind::Online));
    hub.introduce(&phone, ROOM);
    hub.forget(&phone);
    assert!(hub.presences(&[1, 2]).keys().eq([&1]) && hub.presences_in_view(&one).len() == 1);
    hub.forget(&two);
    assert_eq!(states(&one), []);
    assert!(requests.try_recv().is_err(), "she was last seen when she hid");
}

#[test]
fn a_kind_that_ends_is_told_to_others_and_to_ones_own_devices() {
    use PresenceState::{DoNotDisturb, Idle, Online};
    let (hub, _requests) = hub(Duration::ZERO);
    let (one, two, three) = (live(&hub, 1, 0), live(&hub, 2, 0), live(&hub, 3, 0));
    let until = |kind, seconds: i64| {
        let kind_expires_at = Some(prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 });
        v1::Status { text: "busy".into(), kind_expires_at, ..status(kind) }
    };
    hub.arrive(&one, &status(StatusKind::Online));
    hub.arrive(&two, &until(StatusKind::DoNotDisturb, 0));
    hub.arrive(&three, &until(StatusKind::Idle, 1));
    assert_eq!(states(&one), [(1, Online), (2, DoNotDisturb), (3, Idle)]);
    drain(&two);
    hub.expire_presence(&mut hub.lock());
    assert_eq!(states(&one), [(2, Online)]);
    let own = drain(&two).into_iter().find_map(|(after, position, kind)| match kind {
        Kind::StatusChanged(changed) => Some((after, position, changed.status.unwrap())),
        _ => None,
    });
    assert_eq!(own, Some((0, 0, v1::Status { kind_expires_at: None, ..until(StatusKind::Online, 0) })));
    hub.expire_presence(&mut hub.lock());
    assert_eq!((states(&one), drain(&two).len()), (vec![], 0), "it ends once");
}

#[test]
fn who_hides_is_gone_at_once_even_in_her_time_of_grace() {
    let (hub, _requests) = hub(Duration::from_secs(60));
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 0));
    hub.arrive(&one, &status(StatusKind::Online));
    hub.arrive(&two, &status(StatusKind::Online));
    hub.forget(&two);
    drain(&one);
    choose(&hub, 2, 1, StatusKind::Invisible);
    assert_eq!(states(&one), [(2, PresenceState::Offline)]);
    assert!(!hub.knows(2));
}

#[test]
fn nothing_is_shown_of_a_user_before_it_is_known_what_she_chose() {
    let (hub, _requests) = hub(Duration::ZERO);
    let one = live(&hub, 1, 0);
    hub.arrive(&one, &status(StatusKind::Online));
    drain(&one);
    // Two streams begin; one is given up, and she hides on a third device, before the other has read anything.
    let (two, brief) = (live(&hub, 2, 0), open(&hub, 2, 1));
    hub.forget(&brief);
    assert_eq!(states(&one), []);
    choose(&hub, 2, 1, StatusKind::Invisible);
    hub.arrive(&two, &status(StatusKind::Online));
    assert_eq!(states(&one), []);
    assert_eq!(hub.presence(2), PresenceState::Offline);
}

#[test]
fn who_hides_does_not_type() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 0));
    hub.arrive(&two, &status(StatusKind::Online));
    hub.typing(ROOM, 2, false);
    choose(&hub, 2, 1, StatusKind::Invisible);
    hub.typing(ROOM, 2, false);
    assert_eq!(typists(&one), [vec![2], vec![]]);
}

#[test]
fn a_user_without_a_stream_is_offline_when_her_time_of_grace_is_over() {
    let (hub, _requests) = hub(Duration::ZERO);
    let (one, two) = (live(&hub, 1, 0), live(&hub, 2, 0));
    hub.arrive(&one, &status(StatusKind::Online));
    hub.arrive(&two, &status(StatusKind::Online));
    hub.forget(&two);
    assert_eq!(hub.presence(2), PresenceState::Offline);
    let last = drain(&one).pop().unwrap().2;
    assert!(matches!(last, Kind::PresenceChanged(changed) if changed.presences[0].state() == PresenceState::Offline));
    assert_eq!(hub.lock().people.len(), 1);
    hub.forget(&one);
    assert!(hub.lock().people.is_empty() && hub.lock().rooms.is_empty() && hub.lock().streams.is_empty());
}

#[test]
fn typing_is_told_as_a_list_and_ends_with_the_message() {
    let (hub, _requests) = hub(Duration::ZERO);
    let one = live(&hub, 1, 0);
    live(&hub, 2, 0);
    drain(&one);
    hub.typing(ROOM, 2, false);
    hub.typing(ROOM, 2, false);
    hub.typing(ROOM, 1, false);
    assert_eq!(typists(&one), [vec![2], vec![1, 2]]);
    hub.advance(message(1, 1));
    hub.typing(ROOM, 2, true);
    assert_eq!(typists(&one), [Vec::<i64>::new()]);
}

/// A busy room: 300 listeners, and 100 messages so quickly that more have to wait for the beat.
fn busy(hub: &Hub) -> Vec<Arc<Session>> {
    let sessions: Vec<_> = (1..=300).map(|user_id| live(hub, user_id, 0)).collect();
    for id in 1..=100 {
        hub.advance(message(id, id));
    }
    hub.lock().beat(ROOM, Instant::now());
    for session in &sessions {
        drain(session);
    }
    hub.lock().rooms.get_mut(&ROOM).unwrap().just_beaten();
    sessions
}

#[tokio::test]
async fn in_a_busy_room_what_comes_at_once_shares_a_write_and_nothing_is_lost() {
    let (hub, _requests) = hub(Duration::ZERO);
    let pacer = tokio::spawn(hub.clone().pace());
    let sessions = busy(&hub);
    let reader = sessions[0].clone();
    let next = tokio::spawn(async move { std::future::poll_fn(|cx| reader.poll_next(cx)).await });
    tokio::task::yield_now().await;
    for id in 101..=108 {
        hub.advance(message(id, id));
    }
    tokio::task::yield_now().await;
    assert!(!next.is_finished(), "it did not wait for the beat");
    let chunk = next.await.unwrap().unwrap();
    assert!(chunk.len() > 8 * 20 && drain(&sessions[0]).is_empty(), "one chunk holds all");
    pacer.abort();
}

#[test]
fn who_joins_between_two_beats_gets_what_she_lacks_once() {
    let (hub, _requests) = hub(Duration::ZERO);
    let sessions = busy(&hub);
    hub.advance(message(101, 101));
    hub.advance(message(102, 102));
    let (reader, kept, late) = (open(&hub, 500, 1), open(&hub, 501, 1), open(&hub, 502, 104));
    assert_eq!(hub.join(&reader, ROOM, 101), Join::ReadOn);
    assert_eq!(hub.join(&reader, ROOM, 102), Join::Live);
    assert!(hub.catch_up(&kept, ROOM, 100));
    hub.advance(message(103, 103));
    assert_eq!(hub.join(&late, ROOM, 103), Join::Live);
    hub.advance(message(104, 104));
    hub.advance(message(99, 105));
    hub.lock().beat(ROOM, Instant::now());
    assert_eq!(ranges(&sessions[0]), [(100, 101), (101, 102), (102, 103), (103, 104), (104, 105)]);
    assert_eq!(ranges(&reader), [(102, 103), (103, 104), (104, 105)]);
    assert_eq!(ranges(&kept), [(100, 101), (101, 102), (102, 103), (103, 104), (104, 105)]);
    let kinds: Vec<_> = drain(&late).into_iter().filter(|(_, position, _)| *position > 0).collect();
    assert!(matches!(&kinds[..], [(103, 104, Kind::MessageChanged(_)), (104, 105, Kind::Skipped(_))]), "{kinds:?}");
}

#[test]
fn what_follows_a_message_that_waits_does_not_overtake_it() {
    let (hub, _requests) = hub(Duration::ZERO);
    let sessions = busy(&hub);
    hub.advance(message(101, 101));
    let read = v1::ReadChanged { conversation_id: ROOM, read_position: 101, ..Default::default() };
    hub.tell(1, 1, Kind::ReadChanged(read));
    let events = drain(&sessions[0]);
    assert!(matches!(&events[..], [(_, 101, Kind::MessageChanged(_)), (0, 1, Kind::ReadChanged(_))]), "{events:?}");
    assert!(drain(&sessions[1]).is_empty(), "the others wait");
    // A removal: who goes has all from before it and nothing after; then the room as it now is, for the others.
    hub.advance(message(102, 102));
    hub.advance(line(103, SystemKind::Removed, vec![2]));
    hub.advance(message(104, 104));
    hub.announce(v1::Conversation { id: ROOM, ..Default::default() });
    assert_eq!(ranges(&sessions[1]), [(100, 101), (101, 102)]);
    let events = drain(&sessions[0]);
    let positions: Vec<_> = events.iter().map(|(_, position, _)| *position).collect();
    assert_eq!(positions, [102, 103, 104, 0], "{events:?}");
    // So does a user who leaves by an event of her own, and everybody when the server stops.
    hub.advance(message(105, 105));
    hub.tell(3, 1, Kind::ConversationRemoved(v1::ConversationRemoved { conversation_id: ROOM }));
    hub.advance(message(106, 106));
    hub.stop(Duration::ZERO);
    assert_eq!(ranges(&sessions[2]), [(100, 101), (101, 102), (102, 103), (103, 104), (104, 105), (0, 1)]);
    assert_eq!(ranges(&sessions[0]), [(104, 105), (105, 106)]);
}

#[test]
fn large_texts_do_not_wait_until_they_are_too_many() {
    let (hub, _requests) = hub(Duration::ZERO);
    let sessions = busy(&hub);
    for id in 101..=120 {
        hub.advance(Message { text: "x".repeat(16 * 1024), ..message(id, id) });
        assert_eq!(ending(&sessions[0]), None);
    }
    assert!(hub.lock().rooms[&ROOM].waits() < 80 * 1024);
}

/// A room with a crowd that has passed on messages 1 to `last`, and the first of the crowd.
fn crowd(hub: &Hub, last: i64) -> Vec<Arc<Session>> {
    let sessions: Vec<_> = (1..=40).map(|user_id| live(hub, user_id, 0)).collect();
    for id in 1..=last {
        hub.advance(message(id, id));
    }
    sessions
}

#[test]
fn a_crowd_that_comes_back_gets_the_newest_frames_without_reading_rows() {
    let (hub, _requests) = hub(Duration::ZERO);
    for session in crowd(&hub, 5) {
        hub.forget(&session);
    }
    hub.advance(message(6, 6));
    hub.advance(message(7, 7));
    let back = open(&hub, 50, 1);
    assert!(hub.catch_up(&back, ROOM, 4));
    hub.advance(message(8, 8));
    assert_eq!(ranges(&back), [(4, 5), (5, 6), (6, 7), (7, 8)]);
    hub.forget(&back);
    hub.lock().rooms.get_mut(&ROOM).unwrap().empty = Instant::now().checked_sub(Duration::from_secs(60));
    assert!(hub.lock().rooms[&ROOM].is_over());
}

#[test]
fn kept_frames_serve_only_who_would_see_just_these() {
    let (hub, _requests) = hub(Duration::ZERO);
    let _crowd = crowd(&hub, 300);
    let late = open(&hub, 50, 290);
    assert!(!hub.catch_up(&late, ROOM, 280), "she came later than the first of them");
    assert!(hub.catch_up(&late, ROOM, 290));
    let long_away = open(&hub, 51, 1);
    assert!(!hub.catch_up(&long_away, ROOM, 10), "only the newest are kept");
    let reaction = v1::Reaction { emote: "x".into(), count: 1, user_ids: vec![51], mine: false };
    hub.advance(Message { reactions: vec![reaction], ..message(300, 301) });
    assert!(!hub.catch_up(&long_away, ROOM, 299), "whether a reaction is her own is not in them");
    assert!(!hub.catch_up(&open(&hub, 52, 1), ROOM, 301), "she lacks nothing: join");
    hub.repair(ROOM, Vec::new(), 305);
    hub.advance(message(306, 306));
    assert!(!hub.catch_up(&long_away, ROOM, 302), "there is a hole before the newest");
    assert!(hub.catch_up(&long_away, ROOM, 305));
    assert_eq!(ranges(&long_away), [(305, 306)]);
}

#[test]
fn what_was_deleted_or_edited_is_not_in_the_kept_frames_as_it_was() {
    let (hub, _requests) = hub(Duration::ZERO);
    let _crowd = crowd(&hub, 5);
    hub.advance(Message { text: String::new(), deleted: true, ..message(3, 6) });
    let back = open(&hub, 50, 1);
    assert!(!hub.catch_up(&back, ROOM, 2), "it holds the text of what was deleted");
    assert!(hub.catch_up(&back, ROOM, 3));
    assert_eq!(ranges(&back), [(3, 4), (4, 5), (5, 6)]);
}

fn block(hub: &Hub, user_id: i64, number: i64, other: i64, blocked: bool) {
    hub.tell(user_id, number, Kind::BlockChanged(v1::BlockChanged { user_id: other, blocked }));
}

#[test]
fn who_is_kept_apart_is_told_nothing_of_each_other_and_others_are_told_all() {
    use PresenceState::{Idle, Offline, Online};
    let (hub, _requests) = hub(Duration::ZERO);
    let sessions: Vec<_> = (1..=3).map(|user_id| live(&hub, user_id, 0)).collect();
    // As it was read when the stream began: 2 blocks 1.
    hub.keep_apart(&sessions[0], &[(2, 1)]);
    hub.keep_apart(&sessions[1], &[(2, 1)]);
    for session in &sessions {
        hub.arrive(session, &status(StatusKind::Online));
    }
    assert_eq!(states(&sessions[0]), [(1, Online), (3, Online)]);
    assert_eq!(states(&sessions[1]), [(2, Online), (3, Online)]);
    assert_eq!(states(&sessions[2]), [(1, Online), (2, Online), (3, Online)]);
    assert_eq!(hub.presences_in_view(&sessions[0]).iter().map(|p| p.user_id).collect::<Vec<_>>(), [1, 3]);
    hub.introduce(&sessions[0], ROOM);
    assert_eq!(states(&sessions[0]), [(1, Online), (3, Online), (1, Online)]);
    assert_eq!(states(&sessions[1]), []);
    drain(&sessions[2]);
    hub.typing(ROOM, 2, false);
    hub.typing(ROOM, 3, false);
    hub.typing(ROOM, 2, true);
    assert_eq!(typists(&sessions[0]), [vec![3]], "nor that something happened");
    assert_eq!(typists(&sessions[2]), [vec![2], vec![3, 2], vec![3]]);
    // A block of the other's own keeps them apart when the first one goes; without any they see each other again.
    block(&hub, 1, 1, 2, true);
    block(&hub, 2, 1, 1, false);
    hub.set_activity(2, "stream of 2", true);
    assert_eq!(states(&sessions[0]), []);
    block(&hub, 1, 2, 2, false);
    assert_eq!(states(&sessions[0]), [(2, Idle)]);
    assert_eq!(states(&sessions[1]), [(2, Idle), (1, Online)]);
    hub.typing(ROOM, 1, false);
    assert_eq!(typists(&sessions[1]), [vec![1, 3]]);
    block(&hub, 2, 2, 1, true);
    let events: Vec<_> = drain(&sessions[1]).into_iter().map(|(_, _, kind)| kind).collect();
    let [Kind::Typing(typing), Kind::PresenceChanged(changed), Kind::BlockChanged(_)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((&typing.user_ids, changed.presences[0].state()), (&vec![3], Offline));
    assert_eq!(changed.presences[0].last_seen_at, None);
}

#[test]
fn a_block_that_went_while_the_rows_were_read_does_not_come_back() {
    use PresenceState::Online;
    let (hub, _requests) = hub(Duration::ZERO);
    let one = live(&hub, 1, 0);
    hub.arrive(&one, &status(StatusKind::Online));
    drain(&one);
    let two = hub.register("stream of 2".into(), 2, "login of 2".into(), all()).unwrap();
    // She has no stream that is told of it; the other one is.
    block(&hub, 2, 1, 1, true);
    block(&hub, 2, 2, 1, false);
    hub.keep_apart(&two, &[(2, 1), (3, 2)]);
    hub.touch(&two, &[Place { conversation_id: ROOM, visible_from: 1, members: 3, direct: false }]);
    hub.arrive(&two, &status(StatusKind::Online));
    assert_eq!(states(&one), [(2, Online)]);
    let three = live(&hub, 3, 0);
    hub.keep_apart(&three, &[(3, 2)]);
    hub.arrive(&three, &status(StatusKind::Online));
    assert_eq!(states(&one), [(3, Online)]);
    // A blocker without a stream: who is blocked loses her from sight all the same when she comes.
    block(&hub, 9, 1, 1, true);
    let nine = live(&hub, 9, 0);
    hub.keep_apart(&nine, &[(9, 1)]);
    hub.arrive(&nine, &status(StatusKind::Online));
    assert_eq!(states(&one), []);
}

#[test]
fn a_large_room_tells_those_who_look_once_a_second_and_at_most_four_names() {
    use PresenceState::{Idle, Online};
    let (hub, _requests) = hub(Duration::ZERO);
    let sessions: Vec<_> = (1..=8)
        .map(|user_id| {
            let session = live(&hub, user_id, 0);
            hub.touch(&session, &[Place { conversation_id: ROOM, visible_from: 1, members: 51, direct: false }]);
            drain(&session);
            session
        })
        .collect();
    hub.keep_apart(&sessions[1], &[(2, 8)]);
    for user_id in [1, 2] {
        assert!(hub.set_view(user_id, &format!("stream of {user_id}"), &[ROOM]));
    }
    for session in &sessions {
        hub.arrive(session, &status(StatusKind::Online));
    }
    hub.set_activity(3, "stream of 3", true);
    for user_id in 3..=8 {
        hub.typing(ROOM, user_id, false);
    }
    let told = || sessions.iter().map(|session| drain(session).len()).collect::<Vec<_>>();
    assert_eq!(told(), [0; 8], "nothing before the second is over");
    let second = || {
        let mut state = hub.lock();
        hub.expire_typing(&mut state);
        hub.tell_joined(&mut state);
    };
    second();
    let events: Vec<_> = drain(&sessions[0]).into_iter().map(|(_, _, kind)| kind).collect();
    let [Kind::Typing(typing), Kind::PresenceChanged(changed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(typing.user_ids, [8, 7, 6, 5]);
    let presences: Vec<_> = changed.presences.iter().map(|p| (p.user_id, p.state())).collect();
    assert_eq!((presences.len(), presences[2], presences[7]), (8, (3, Idle), (8, Online)));
    let events: Vec<_> = drain(&sessions[1]).into_iter().map(|(_, _, kind)| kind).collect();
    let [Kind::Typing(typing), Kind::PresenceChanged(changed)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&typing.user_ids, changed.presences.len()), (&vec![7, 6, 5, 4], 7), "but of whom she blocks");
    assert_eq!(told(), [0; 8], "who does not look is told nothing");
    second();
    assert_eq!(told(), [0; 8], "and nothing twice");
    // A device may show what its stream is not in yet.
    let late = live(&hub, 9, 0);
    hub.arrive(&late, &status(StatusKind::Online));
    drain(&late);
    assert!(hub.set_view(9, "stream of 9", &[ROOM]));
    assert_eq!(drain(&late).len(), 0);
    hub.touch(&late, &[Place { conversation_id: ROOM, visible_from: 1, members: 51, direct: false }]);
    let events: Vec<_> = drain(&late).into_iter().map(|(_, _, kind)| kind).collect();
    let [Kind::PresenceChanged(changed)] = &events[..] else { panic!("{events:?}") };
    assert!(changed.presences.len() >= 8, "{changed:?}");
}

#[test]
fn a_stream_that_misses_something_of_its_users_own_ends_and_one_that_only_waits_for_it_does_not() {
    let (hub, _requests) = hub(Duration::ZERO);
    let told = |number| hub.tell(1, number, Kind::MembershipChanged(v1::MembershipChanged::default()));
    let (session, other) = (live(&hub, 1, 0), live(&hub, 2, 0));
    let while_ago = || std::thread::sleep(Duration::from_millis(1100));
    // Two commits may be handed over in either order.
    for number in [1, 3, 2, 5, 4] {
        told(number);
    }
    hub.expect(1, 5);
    while_ago();
    assert!(!session.has_hole());
    told(7);
    assert!(!session.has_hole(), "it may still come");
    while_ago();
    assert!(session.has_hole() && !other.has_hole());
    told(6);
    assert!(!session.has_hole());
    // What the rows have and nobody handed over.
    hub.expect(1, 8);
    while_ago();
    assert!(session.has_hole());
    // A stream that begins now has it by its Ready.
    let next = hub.register("next".into(), 1, "login".into(), all()).unwrap();
    told(9);
    next.ready(8, Kind::Heartbeat(v1::Heartbeat {}));
    while_ago();
    assert!(!next.has_hole());
}
