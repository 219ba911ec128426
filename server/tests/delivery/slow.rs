//! B09: a reader who does not keep up holds up nobody, and loses nothing but her stream.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rookery_client::{
    Api, Code, Error, EventStream,
    v1::{self, ErrorReason},
};

use crate::{
    harness::{Process, Served, Store, in_full, patience},
    ledger::Ledger,
    on_both,
    traffic::{End, Reader, chance, people, request_id, send, stored},
};

on_both! {
    async fn a_slow_reader_is_cut_off_and_resumes_with_nothing_lost(backend) {
        let mut chance = chance("slow reader");
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let people = people(&server.url(), "person", 3).await;
        let (writer, quick) = (&people[0], &people[1]);
        let ledger = Arc::new(Ledger::default());
        let cursors = BTreeMap::from([(1, 0)]);
        let mut slow = Reader::new(&people[2].api, &ledger, "slow", cursors.clone());
        let mut quick = Reader::new(&quick.api, &ledger, "quick", cursors.clone());
        // She opens a stream and does not read it; in full she takes an event a second, of 200.
        let request = v1::SubscribeRequest { cursors: [(1, 0)].into(), ..Default::default() };
        let mut stream = people[2].api.subscribe(request).await.unwrap();
        ledger.open(slow.number, &slow.cursors);
        let opened = Instant::now();
        let memory = resident(&server);
        // More than what a connection and the machine hold on the way, in long messages.
        let count = if in_full() { 900 } else { 700 };
        let written = Cell::new(false);
        let writing = async {
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            for number in 0..count {
                if in_full() {
                    pace.tick().await;
                }
                let request = v1::SendMessageRequest {
                    conversation_id: 1,
                    text: long(number),
                    request_id: request_id(&mut chance),
                    ..Default::default()
                };
                send(&ledger, (&writer.api, writer.id), request, || false).await.unwrap();
            }
            written.set(true);
        };
        let reading = async {
            while in_full() && !written.get() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                take(&mut stream, &mut slow).await?;
            }
            Ok::<(), Error>(())
        };
        let begun = Instant::now();
        let quickly = quick.read(|reader| reader.cursors[&1] >= count);
        let (ended, (), mut taken) = tokio::join!(quickly, writing, reading);
        assert!(matches!(ended, End::Enough), "who reads was cut off too: {ended:?}");
        println!("{backend:?}: {count} messages in {:?}", begun.elapsed());
        let grown = resident(&server).saturating_sub(memory);
        assert!(grown < 64 * 1024, "the server grew by {grown} KiB");
        // Now she reads: what was on its way, then why it ended.
        let error = loop {
            match taken {
                Ok(()) => taken = take(&mut stream, &mut slow).await,
                Err(error) => break error,
            }
        };
        let lived = opened.elapsed();
        assert_eq!((error.code, error.reason), (Code::ResourceExhausted, Some(ErrorReason::SlowReader)));
        assert!(lived <= patience(Duration::from_secs(60)), "her stream ended only after {lived:?}");
        assert!(slow.cursors[&1] < count, "she was not slow");
        println!("{backend:?}: cut off after {} of {count} and {lived:?}, {grown} KiB grown", slow.cursors[&1]);
        let rows = stored(&writer.api, &[1]).await;
        let ended = slow.read(|reader| reader.cursors[&1] >= count).await;
        assert!(matches!(ended, End::Enough), "{ended:?}");
        ledger.verify(&rows, true);
    }
}

on_both! {
    async fn readers_who_stand_still_while_they_are_caught_up_keep_nobody_from_reading(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        // Three times what a connection holds on the way.
        for number in 0..500 {
            ada.say(1, &long(number)).await;
        }
        let mut still = Vec::new();
        for _ in 0..20 {
            let api = Api::new(&server.url(), Some(&ada.token)).unwrap();
            let request = v1::SubscribeRequest { cursors: [(1, 0)].into(), ..Default::default() };
            still.push(api.subscribe(request).await.unwrap());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        for _ in 0..20 {
            let get = v1::GetConversationRequest { conversation_id: 1 };
            bob.api.get_conversation(get).await.map(drop).expect("those who stand still hold up others");
        }
        drop(still);
        server.stop().await;
    }
}

/// Takes one event off a stream, and notes it.
async fn take(stream: &mut EventStream, reader: &mut Reader) -> Result<(), Error> {
    let next = tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("the stream goes on");
    let response = next?.expect("the stream ended in order");
    reader.ledger.see(reader.number, &response);
    if response.position > 0 && response.conversation_id == 1 {
        reader.cursors.insert(1, response.position);
    }
    Ok(())
}

/// A text as long as they may be, in characters and in bytes.
fn long(number: i64) -> String {
    format!("{number} {}", "…".repeat(4_000)).chars().take(4_000).collect()
}

/// The memory that the program has, in KiB.
pub fn resident(server: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
