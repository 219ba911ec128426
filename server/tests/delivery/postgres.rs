//! C09: all of PostgreSQL dies at once, again and again; the server lives on and comes back to it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::join_all};
use rand::RngExt;
use rookery_client::v1;

use crate::{
    cluster::Cluster,
    harness::{Backend, Person, Process, Store, in_full},
    ledger::Ledger,
    traffic::{Reader, Readers, Writers, chance, people, stored},
};

/// Writers that hold some users' rows and want others' would wait for each other until PostgreSQL ends one of them, a second later.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_writers_wait_for_each_other() {
    let store = Store::new(Backend::Postgres).await;
    let server = Process::start(&store);
    let people = people(&server.url(), "person", 8).await;
    let everybody: Vec<&Person> = people.iter().collect();
    let mut conversations = Vec::new();
    for number in 0..8 {
        conversations.push(people[0].group(&format!("group {number}"), &everybody, false).await);
    }
    for conversation_id in &conversations {
        people[0].say(*conversation_id, "one").await;
    }
    let end = Instant::now() + Duration::from_secs(if in_full() { 20 } else { 2 });
    let conversations = &conversations;
    let busy = people.iter().enumerate().flat_map(|(place, person)| {
        let own = async move {
            let mut calls = 0;
            while Instant::now() < end {
                let text = Some(format!("doing {calls}"));
                let request = v1::SetStatusRequest { text, ..Default::default() };
                person.api.set_status(request).await.unwrap();
                calls += 1;
            }
            calls
        };
        let marking = async move {
            let mut calls = 0;
            while Instant::now() < end {
                let conversation_id = conversations[(place + calls) % conversations.len()];
                let request = v1::MarkUnreadRequest { conversation_id, id: 1 };
                person.api.mark_unread(request).await.unwrap();
                person.api.mark_read(v1::MarkReadRequest { conversation_id, id: 9 }).await.unwrap();
                calls += 2;
            }
            calls
        };
        [own.boxed(), marking.boxed()]
    });
    let calls: usize = join_all(busy).await.into_iter().sum();
    // A connection tells what it has counted when it is idle.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let deadlocks =
        store.texts("select deadlocks::text from pg_stat_database where datname = current_database()").await;
    println!("{calls} calls");
    assert_eq!(deadlocks, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let cycles = if in_full() { 20 } else { 3 };
    let mut chance = chance("killed PostgreSQL");
    let mut cluster = Cluster::new();
    cluster.start(&[]).await;
    let folder = Store::new(Backend::Sqlite).await;
    let store = Store { dir: folder.dir.join("data"), database: cluster.database() };
    let mut server = Process::start(&store);
    let writers = people(&server.url(), "writer", 8).await;
    let readers = people(&server.url(), "reader", 2).await;
    let everybody: Vec<&Person> = writers.iter().chain(&readers).collect();
    let mut conversations = vec![1];
    for number in 1..4 {
        conversations.push(readers[0].group(&format!("group {number}"), &everybody, false).await);
    }
    let ledger = Arc::new(Ledger::default());
    let start: BTreeMap<i64, i64> = conversations.iter().map(|id| (*id, 0)).collect();
    let reading = readers.iter().map(|person| Reader::new(&person.api, &ledger, &person.name, start.clone()));
    let reading = Readers::start(reading.collect());
    let writing = Writers::start(&ledger, &writers, &conversations, Duration::from_millis(2), &mut chance);
    for _ in 0..cycles {
        tokio::time::sleep(Duration::from_millis(chance.random_range(300..1500))).await;
        cluster.kill();
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..500))).await;
        cluster.start(&[]).await;
        let before = ledger.acks();
        crate::traffic::within(Duration::from_secs(6), "messages are stored again", async || {
            ledger.acks() > before + 50
        })
        .await;
    }
    writing.stop().await;
    let rows = stored(&readers[0].api, &conversations).await;
    reading.finish(&rows).await;
    println!("{cycles} kills of PostgreSQL, {} acks", ledger.acks());
    ledger.verify(&rows, true);
    assert_eq!(server.ended_within(Duration::from_millis(100)), None, "the server has ended");
}
