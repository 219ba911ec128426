//! A01: the program is killed under load, again and again.

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng};

use crate::{
    harness::{Backend, Person, Process, Store, in_full, patience},
    ledger::Ledger,
    on_both,
    traffic::{Reader, Readers, Writers, chance, people, stored},
};

const WRITERS: usize = 16;
const CONVERSATIONS: usize = 8;
const READERS: usize = 3;

on_both! {
    async fn a_message_acknowledged_before_a_kill_is_there_once_after_it(backend) {
        kill_loop(backend).await;
    }
}

async fn kill_loop(backend: Backend) {
    // In short the program lives shorter, too, so that it dies as often while it starts and while it is busy.
    let (cycles, longest) = if in_full() { (200, 1500) } else { (20, 600) };
    let mut chance = chance("kill loop");
    let store = Store::new(backend).await;
    let mut server = Process::under(&store, &[], &format!("127.0.0.1:{}", port(&mut chance)));
    let writers = people(&server.url(), "writer", WRITERS).await;
    let readers = people(&server.url(), "reader", READERS).await;
    let everybody: Vec<&Person> = writers.iter().chain(&readers).collect();
    let mut conversations = vec![1];
    for number in 1..CONVERSATIONS {
        conversations.push(readers[0].group(&format!("group {number}"), &everybody, false).await);
    }
    let ledger = Arc::new(Ledger::default());
    let start = conversations.iter().map(|id| (*id, 0)).collect::<std::collections::BTreeMap<_, _>>();
    let reading = readers.iter().map(|reader| Reader::new(&reader.api, &ledger, &reader.name, start.clone())).collect();
    let reading = Readers::start(reading);
    let writing = Writers::start(&ledger, &writers, &conversations, Duration::ZERO, &mut chance);
    let mut slowest = Duration::ZERO;
    for _ in 0..cycles {
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..longest))).await;
        server.kill();
        let begun = Instant::now();
        server.restart();
        slowest = slowest.max(begun.elapsed());
    }
    writing.stop().await;
    let rows = stored(&readers[0].api, &conversations).await;
    let reading = reading.finish(&rows).await;
    let resets: usize = reading.iter().map(|reader| reader.resets).sum();
    println!("{backend:?}: {cycles} kills, {} acks, slowest start {slowest:?}, {resets} resets", ledger.acks());
    ledger.verify(&rows, true);
    assert!(ledger.acks() > cycles * 20, "only {} acks: this shows nothing", ledger.acks());
    if in_full() && backend == Backend::Sqlite {
        assert!(ledger.acks() >= 100_000, "only {} acks", ledger.acks());
    }
    assert!(slowest <= patience(Duration::from_secs(2)), "a start took {slowest:?}");
}

/// A port below those that outgoing connections take: while the server is dead, its clients' own connections must not
/// sit down on its place.
pub fn port(chance: &mut StdRng) -> u16 {
    loop {
        let port = chance.random_range(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
