//! B06, B14 and what a stream does with its cursors: the seam between replay and live has no hole and no repeat.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use rand::RngExt;
use rookery_client::{
    Api, EventStream,
    v1::{self, event::Kind},
};
use sqlx::{Connection, PgConnection};

use crate::{
    harness::{Backend, Person, Served, in_full},
    ledger::Ledger,
    on_both,
    traffic::{End, Reader, Writers, branch, chance, people, stored},
};

/// How many subscribe at a time.
const SUBSCRIBERS: usize = 8;

on_both! {
    async fn a_stream_subscribed_while_writers_run_has_no_hole_and_no_repeat(backend) {
        let server = Served::start(backend).await;
        let count = if in_full() { 2_000 } else { 200 };
        subscribe_race(&server.url(), count).await;
        server.stop().await;
    }
}

/// The same while the rows take long to read: before Ready, and between the last page and the moment when the stream is let
/// in. A lock of ours on tables that a send does not touch does it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_subscribed_while_reads_are_slow_has_no_hole_and_no_repeat() {
    let server = Served::start(Backend::Postgres).await;
    let database = server.store.database.clone();
    let slow = tokio::spawn(async move {
        let mut conn = PgConnection::connect(&database).await.unwrap();
        for table in ["lock table users", "lock table reactions"].into_iter().cycle() {
            // One at a time: whoever holds the other one must not wait for us in a circle.
            let mut tx = conn.begin().await.unwrap();
            sqlx::query(table).execute(&mut *tx).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            tx.commit().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    subscribe_race(&server.url(), if in_full() { 2_000 } else { 60 }).await;
    assert!(!slow.is_finished(), "reads were not slow");
    slow.abort();
    server.stop().await;
}

pub async fn subscribe_race(url: &str, count: usize) {
    let mut chance = chance("subscribe race");
    let writers = people(url, "writer", 8).await;
    let readers = people(url, "reader", SUBSCRIBERS).await;
    let everybody: Vec<&Person> = writers.iter().chain(&readers).collect();
    let group = writers[0].group("group", &everybody, false).await;
    let ledger = Arc::new(Ledger::default());
    let writing = Writers::start(&ledger, &writers, &[1, group], Duration::from_millis(4), &mut chance);
    let newest = [(1, AtomicI64::new(0)), (group, AtomicI64::new(0))].map(|(id, at)| (id, Arc::new(at)));
    let left = Arc::new(AtomicUsize::new(count));
    let reactions = react(&writers[0], group);
    let subscribe = readers.iter().map(|person| {
        let (ledger, left, newest) = (ledger.clone(), left.clone(), newest.clone());
        let mut chance = branch(&mut chance);
        async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                // From the present, from a little or from far behind.
                let back = [0, 30, 300][chance.random_range(0..3_usize)];
                let cursors = match chance.random_bool(0.3) {
                    true => BTreeMap::new(),
                    false => newest
                        .iter()
                        .map(|(id, at)| (*id, (at.load(Ordering::Relaxed) - chance.random_range(0..=back)).max(0)))
                        .collect(),
                };
                let mut reader = Reader::new(&person.api, &ledger, "a subscriber", cursors);
                let beyond = chance.random_range(0..20);
                let mut at_the_seam = None;
                let end = reader
                    .read(|reader| {
                        let seen = ledger.seen(reader.number);
                        reader.caught_up && seen >= *at_the_seam.get_or_insert(seen) + beyond
                    })
                    .await;
                assert!(matches!(end, End::Enough | End::Closed(None)), "{end:?}");
                for (id, at) in &newest {
                    at.fetch_max(reader.cursors.get(id).copied().unwrap_or(0), Ordering::Relaxed);
                }
            }
        }
    });
    tokio::join!(join_all(subscribe), reactions);
    writing.stop().await;
    let rows = stored(&writers[0].api, &[1, group]).await;
    println!("{count} subscribes, {} acks", ledger.acks());
    ledger.verify(&rows, false);
}

/// Now and then a reaction, so that pages of the replay have some to look up.
async fn react(person: &Person, conversation_id: i64) {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if let Some(message) = person.messages(conversation_id).await.last() {
            let (id, emote) = (message.id, "👍".to_owned());
            let _ = person.api.add_reaction(v1::AddReactionRequest { conversation_id, id, emote }).await;
        }
    }
}

async fn subscribe(api: &Api, cursors: &[(i64, i64)]) -> EventStream {
    let cursors = cursors.iter().copied().collect();
    api.subscribe(v1::SubscribeRequest { cursors, ..Default::default() }).await.unwrap()
}

/// The next event that is neither presence nor a heartbeat.
async fn next(stream: &mut EventStream) -> v1::SubscribeResponse {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
        let response = next.expect("no event came").unwrap().expect("the stream ended");
        match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
            Some(Kind::PresenceChanged(_) | Kind::Heartbeat(_) | Kind::Typing(_)) => {}
            _ => return response,
        }
    }
}

fn kind(response: &v1::SubscribeResponse) -> &Kind {
    response.event.as_ref().unwrap().kind.as_ref().unwrap()
}

/// All up to CaughtUp, without it.
async fn replay(stream: &mut EventStream) -> Vec<v1::SubscribeResponse> {
    let mut events = Vec::new();
    loop {
        let response = next(stream).await;
        if matches!(kind(&response), Kind::CaughtUp(_)) {
            return events;
        }
        events.push(response);
    }
}

/// What the last number of a conversation was told with.
fn last_kind(events: &[v1::SubscribeResponse], conversation_id: i64) -> &Kind {
    let numbered = |event: &&v1::SubscribeResponse| event.conversation_id == conversation_id && event.position > 0;
    kind(events.iter().rev().find(numbered).unwrap())
}

fn ranges(events: &[v1::SubscribeResponse], conversation_id: i64) -> Vec<(i64, i64)> {
    let of_it = events.iter().filter(|event| event.conversation_id == conversation_id && event.position > 0);
    of_it.map(|event| (event.after, event.position)).collect()
}

on_both! {
    async fn a_subscribed_cursor_within_the_limit_is_replayed_and_one_beyond_it_reset(backend) {
        let server = Served::with(backend, |config| config.limits.replay = 20).await;
        let ada = server.user("ada").await;
        for number in 0..30 {
            ada.say(1, &format!("{number}")).await;
        }
        let events = replay(&mut subscribe(&ada.api, &[(1, 10)]).await).await;
        assert_eq!(ranges(&events, 1), (10..30).map(|at| (at, at + 1)).collect::<Vec<_>>());
        let mut stream = subscribe(&ada.api, &[(1, 9)]).await;
        let events = replay(&mut stream).await;
        assert_eq!(kind(events.last().unwrap()), &Kind::ConversationReset(v1::ConversationReset { position: 30 }));
        assert_eq!(ranges(&events, 1), [(0, 30)]);
        // From there it is live.
        let sent = ada.say(1, "next").await;
        let live = next(&mut stream).await;
        assert_eq!((live.after, live.position), (30, 31));
        assert_eq!(kind(&live), &Kind::MessageChanged(v1::MessageChanged { message: Some(sent) }));
        drop(stream);
        server.stop().await;
    }

    async fn a_subscribed_cursor_above_the_position_is_reset(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        ada.say(1, "one").await;
        for cursor in [2, i64::MAX, -1, i64::MIN] {
            let events = replay(&mut subscribe(&ada.api, &[(1, cursor)]).await).await;
            let last = events.last().unwrap();
            assert_eq!(kind(last), &Kind::ConversationReset(v1::ConversationReset { position: 1 }), "{cursor}");
        }
        server.stop().await;
    }

    async fn subscribed_cursors_of_another_history_do_not_count(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for text in ["one", "two"] {
            ada.say(1, text).await;
        }
        for (history_id, replayed) in [("another".to_owned(), 0), (String::new(), 2)] {
            let cursors = HashMap::from([(1, 0)]);
            let request = v1::SubscribeRequest { cursors, history_id, ..Default::default() };
            let events = replay(&mut ada.api.subscribe(request).await.unwrap()).await;
            assert_eq!(ranges(&events, 1).len(), replayed);
        }
        server.stop().await;
    }

    async fn a_subscribed_cursor_of_what_one_may_not_read_is_told_as_removed_and_the_stream_goes_on(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let closed = ada.group("closed", &[], false).await;
        let open = ada.group("open", &[&bob], false).await;
        ada.say(closed, "secret").await;
        let before = ada.say(open, "before").await;
        let nothing = 999_999;
        let cursors = [(closed, 1), (nothing, 5), (open, before.id - 1), (1, 0)];
        let mut stream = subscribe(&bob.api, &cursors).await;
        let events = replay(&mut stream).await;
        let mut removed: Vec<i64> = events
            .iter()
            .filter_map(|event| match kind(event) {
                Kind::ConversationRemoved(removed) => Some(removed.conversation_id),
                _ => None,
            })
            .collect();
        removed.sort_unstable();
        assert_eq!(removed, [closed, nothing]);
        assert_eq!(ranges(&events, open), [(before.id - 1, before.id)]);
        ada.say(closed, "secret too").await;
        let after = ada.say(open, "after").await;
        let live = next(&mut stream).await;
        assert_eq!(kind(&live), &Kind::MessageChanged(v1::MessageChanged { message: Some(after) }));
        drop(stream);
        server.stop().await;
    }

    async fn what_a_subscriber_may_not_see_moves_her_cursor_and_is_no_hole(backend) {
        let hidden = if in_full() { 1_000 } else { 250 };
        let server = Served::with(backend, |config| config.limits.replay = 10_000).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[], false).await;
        let old = ada.say(group, "from before").await;
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        let line = ada.api.add_members(add).await.unwrap().conversation.unwrap().position;
        let mut live = subscribe(&bob.api, &[(group, line)]).await;
        replay(&mut live).await;
        for number in 0..hidden {
            let text = format!("edited {number}");
            let edit = v1::EditMessageRequest { conversation_id: group, id: old.id, text };
            ada.api.edit_message(edit).await.map(drop).unwrap();
        }
        // What comes live is told number by number.
        for number in 1..=hidden {
            let event = next(&mut live).await;
            assert_eq!(kind(&event), &Kind::Skipped(v1::Skipped {}));
            assert_eq!((event.after, event.position), (line + number - 1, line + number));
        }
        // What is replayed is told at once, whether or not anything follows that she may see.
        let end = line + hidden;
        for cursor in [0, line - 1, line, line + 7] {
            let events = replay(&mut subscribe(&bob.api, &[(group, cursor)]).await).await;
            let ranges = ranges(&events, group);
            let whole = if cursor < line { vec![(cursor, line), (line, end)] } else { vec![(cursor, end)] };
            assert_eq!(ranges, whole, "from {cursor}");
            assert_eq!(last_kind(&events, group), &Kind::Skipped(v1::Skipped {}));
        }
        let seen = ada.say(group, "for all").await;
        let changed = Kind::MessageChanged(v1::MessageChanged { message: Some(seen.clone()) });
        let event = next(&mut live).await;
        assert_eq!((event.after, event.position, kind(&event)), (end, end + 1, &changed));
        let events = replay(&mut subscribe(&bob.api, &[(group, line)]).await).await;
        assert_eq!(ranges(&events, group), [(line, end + 1)]);
        assert_eq!(last_kind(&events, group), &changed);
        let after = v1::ListChangesRequest { conversation_id: group, after: line, page_size: 10 };
        let page = bob.api.list_changes(after).await.unwrap();
        assert_eq!((page.messages, page.position, page.more), (vec![seen], end + 1, false));
        drop(live);
        server.stop().await;
    }

    async fn a_group_one_is_put_into_while_subscribing_arrives_whole_and_once(backend) {
        let rounds = if in_full() { 300 } else { 40 };
        let mut chance = chance("join race");
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        for round in 0..rounds {
            let group = ada.group(&format!("group {round}"), &[], false).await;
            let wait = Duration::from_micros(chance.random_range(0..6_000));
            let join = async {
                let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
                let line = ada.api.add_members(add).await.unwrap().conversation.unwrap().position;
                for number in 0..10 {
                    ada.say(group, &format!("{number}")).await;
                }
                line
            };
            let open = async {
                tokio::time::sleep(wait).await;
                subscribe(&bob.api, &[]).await
            };
            let (line, mut stream) = tokio::join!(join, open);
            let end = line + 10;
            // Her client knows the group from Ready, as of a position, or from its joining line on.
            let mut cursor = line - 1;
            while cursor < end {
                let event = next(&mut stream).await;
                if let Kind::Ready(ready) = kind(&event) {
                    let listed = ready.conversations.iter().find(|conversation| conversation.id == group);
                    cursor = listed.map_or(cursor, |conversation| conversation.position);
                }
                if event.conversation_id == group && event.position > 0 {
                    assert!(event.after <= cursor, "round {round}: a hole from {cursor} to {}", event.after);
                    assert!(event.position > cursor, "round {round}: {} a second time", event.position);
                    cursor = event.position;
                }
            }
            let last = ada.say(group, "last").await;
            loop {
                let event = next(&mut stream).await;
                if event.conversation_id == group && event.position > 0 {
                    assert_eq!((event.after, event.position), (end, last.id), "round {round}");
                    break;
                }
            }
        }
        server.stop().await;
    }
}

on_both! {
    // Enough of them that their room keeps its newest frames, which those who come back are given instead of rows.
    async fn a_crowd_that_subscribes_again_and_again_has_no_hole_and_no_repeat(backend) {
        let server = Served::start(backend).await;
        let mut chance = chance("crowd");
        let writers = people(&server.url(), "writer", 4).await;
        let ledger = Arc::new(Ledger::default());
        let writing = Writers::start(&ledger, &writers, &[1], Duration::from_millis(3), &mut chance);
        let reacting = writers[0].clone();
        let reactions = tokio::spawn(async move { react(&reacting, 1).await });
        let mut crowd: Vec<Reader> = (0..40)
            .map(|n| Reader::new(&writers[n % 4].api, &ledger, &format!("of the crowd {n}"), BTreeMap::from([(1, 0)])))
            .collect();
        for _ in 0..if in_full() { 100 } else { 8 } {
            join_all(crowd.iter_mut().map(async |reader| {
                let goal = ledger.seen(reader.number) + 25;
                reader.read(|reader| reader.ledger.seen(reader.number) >= goal).await;
            }))
            .await;
        }
        reactions.abort();
        let _ = reactions.await;
        writing.stop().await;
        let stored = stored(&writers[0].api, &[1]).await;
        let goal = stored.iter().map(|(id, stored)| (*id, stored.position)).collect();
        join_all(crowd.iter_mut().map(async |reader| {
            while !reader.has(&goal) {
                reader.read(|reader| reader.has(&goal)).await;
            }
        }))
        .await;
        ledger.verify(&stored, true);
        server.stop().await;
    }
}
