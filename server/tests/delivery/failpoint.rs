//! A02 and B06: the program dies, or waits, at the very places where it matters most.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rand::RngExt;
use rookery_client::v1;

use crate::{
    harness::{Backend, Person, Process, Store, in_full},
    ledger::Ledger,
    on_both,
    subscribe::subscribe_race,
    traffic::{Reader, Readers, Writers, chance, people, request_id, stored, within},
};

/// A02: the places in the writer's way, in their order, and how often one is passed before it ends there: the index is
/// written many times less often.
const PLACES: [(&str, u32); 7] = [
    ("begun", 30),
    ("inserted", 30),
    ("committing", 30),
    ("committed", 30),
    ("answered", 30),
    ("indexing", 4),
    ("indexed", 4),
];

on_both! {
    async fn a_program_that_dies_anywhere_in_a_write_has_lost_and_doubled_nothing(backend) {
        let rounds = if in_full() { 20 } else { 3 };
        let mut chance = chance("failpoints");
        let store = Store::new(backend).await;
        let mut server = Process::failing(&store, "", &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
        let writers = people(&server.url(), "writer", 6).await;
        let readers = people(&server.url(), "reader", 2).await;
        let everybody: Vec<&Person> = writers.iter().chain(&readers).collect();
        let group = readers[0].group("group", &everybody, false).await;
        let ledger = Arc::new(Ledger::default());
        let start = BTreeMap::from([(1, 0), (group, 0)]);
        let reading = readers.iter().map(|person| Reader::new(&person.api, &ledger, &person.name, start.clone()));
        let reading = Readers::start(reading.collect());
        let writing = Writers::start(&ledger, &writers, &[1, group], Duration::from_millis(2), &mut chance);
        for (place, most) in PLACES.repeat(rounds) {
            server.restart_to_fail(&format!("{place}={}*off->return", chance.random_range(0..most)));
            assert_eq!(server.ended_within(Duration::from_secs(60)), Some(None), "it did not die where it was {place}");
        }
        server.restart_to_fail("");
        writing.stop().await;
        let rows = stored(&readers[0].api, &[1, group]).await;
        reading.finish(&rows).await;
        println!("{backend:?}: {} deaths, {} acks", PLACES.len() * rounds, ledger.acks());
        ledger.verify(&rows, true);
        assert!(ledger.acks() > rounds * PLACES.len(), "this shows nothing");
        let all: BTreeSet<(i64, i64)> = rows
            .values()
            .flat_map(|stored| &stored.messages)
            .filter(|message| message.system.is_none())
            .map(|message| (message.conversation_id, message.id))
            .collect();
        within(Duration::from_secs(20), "all that is stored is found", async || found(&readers[0], "says").await == all).await;
    }

    // A02: what was stored and not answered is answered when it is sent again.
    async fn a_send_whose_answer_a_crash_has_eaten_is_answered_with_its_first_id(backend) {
        let mut chance = chance("eaten answers");
        let store = Store::new(backend).await;
        let mut server = Process::failing(&store, "", &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
        let ada = Person::register(&server.url(), "ada").await;
        let before = ada.say(1, "before").await;
        for round in 0..if in_full() { 20 } else { 3 } {
            server.restart_to_fail("committed=return");
            let request = v1::SendMessageRequest {
                conversation_id: 1,
                text: format!("round {round}"),
                request_id: request_id(&mut chance),
                ..Default::default()
            };
            let error = ada.api.send_message(request.clone()).await.unwrap_err();
            assert!(error.is_maybe(), "{error:?}");
            server.restart_to_fail("");
            let kept = ada.messages(1).await.pop().unwrap();
            assert_eq!((kept.id, &kept.request_id), (before.id + round + 1, &request.request_id));
            assert_eq!(ada.api.send_message(request).await.unwrap().message.unwrap(), kept);
        }
    }

    // B06: a moment of 50 ms wherever a stream has been registered and not yet read, or put into rooms and not yet let in.
    async fn a_stream_that_is_slow_to_read_has_no_hole_and_no_repeat(backend) {
        let store = Store::new(backend).await;
        let server = Process::failing(&store, "registered=return(50);settled=return(50)", &[], "127.0.0.1:0");
        subscribe_race(&server.url(), if in_full() { 2_000 } else { 100 }).await;
    }
}

/// All that a search finds.
async fn found(person: &Person, words: &str) -> BTreeSet<(i64, i64)> {
    let mut request = v1::SearchMessagesRequest { query: words.into(), page_size: 100, ..Default::default() };
    let mut found = BTreeSet::new();
    loop {
        let page = person.api.search_messages(request.clone()).await.unwrap();
        found.extend(page.messages.iter().map(|message| (message.conversation_id, message.id)));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

/// A02: in the middle of a checkpoint, where the log is copied into the file. Only the system can say when that is.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_in_a_checkpoint_has_lost_and_doubled_nothing() {
    let rounds = if in_full() { 20 } else { 3 };
    let mut chance = chance("checkpoints");
    let store = Store::new(Backend::Sqlite).await;
    let listen = format!("127.0.0.1:{}", crate::kill::port(&mut chance));
    let mut server = Process::failing(&store, "", &[], &listen);
    let people = people(&server.url(), "person", 4).await;
    let ledger = Arc::new(Ledger::default());
    let reading = Readers::start(vec![Reader::new(&people[0].api, &ledger, "reader", BTreeMap::from([(1, 0)]))]);
    let writing = Writers::start(&ledger, &people, &[1], Duration::ZERO, &mut chance);
    let file = store.dir.join("rookery.db").to_string_lossy().into_owned();
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_millis(chance.random_range(100..400))).await;
        // In order, so that the log is empty and the start has none to copy.
        server.signal("TERM");
        assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
        let inject = format!("inject=pwrite64:signal=KILL:when={}", chance.random_range(30..200));
        let before =
            ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", &file, "-e", "trace=pwrite64", "-e", &inject];
        server = Process::failing(&store, "small-log=return", &before, &listen);
        assert_eq!(server.ended_within(Duration::from_secs(60)), Some(None), "it did not die in a checkpoint");
        server = Process::failing(&store, "", &[], &listen);
    }
    writing.stop().await;
    let rows = stored(&people[0].api, &[1]).await;
    reading.finish(&rows).await;
    println!("{rounds} deaths in checkpoints, {} acks", ledger.acks());
    ledger.verify(&rows, true);
}
