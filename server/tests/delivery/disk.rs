//! A03: the disk has a message before anybody is told of it. kill -9 cannot show this, because the page cache outlives the
//! program; the order of its system calls can.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use rookery_client::v1;

use crate::{
    harness::{Backend, Process, Store, in_full},
    ledger::Ledger,
    trace::Trace,
    traffic::{Reader, Readers, branch, chance, people, request_id, send, stored},
};

const WRITERS: usize = 8;

/// The program, with all that it does to files and sockets written down; with failpoints, the one that fails there.
pub fn traced(store: &Store, failpoints: Option<&str>) -> (Process, PathBuf) {
    let output = store.dir.join("trace");
    let calls = "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync,ftruncate,rename,mkdir,unlink";
    // -D: the program is our child, strace its own; it ends with the program.
    let before = [
        "strace",
        "-D",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "70000",
        "-e",
        "signal=none",
        "-e",
        calls,
        "-o",
        output.to_str().unwrap(),
    ];
    let server = match failpoints {
        Some(failpoints) => Process::failing(store, failpoints, &before, "127.0.0.1:0"),
        None => Process::under(store, &before, "127.0.0.1:0"),
    };
    (server, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_has_every_message_before_its_answer_or_event_leaves() {
    synced_before_told(None).await;
}

pub async fn synced_before_told(failpoints: Option<&str>) {
    let each = if in_full() { 125 } else { 25 };
    let mut chance = chance("sync before ack");
    let store = Store::new(Backend::Sqlite).await;
    let (mut server, output) = traced(&store, failpoints);
    let writers = people(&server.url(), "writer", WRITERS).await;
    let reader = &people(&server.url(), "reader", 1).await[0];
    let ledger = Arc::new(Ledger::default());
    let reading = Readers::start(vec![Reader::new(&reader.api, &ledger, "reader", BTreeMap::from([(1, 0)]))]);
    // First one alone, then all at once: a message by itself and a group are stored in different ways.
    let mut send_some = async |writers: &[crate::harness::Person]| {
        join_all(writers.iter().map(|writer| {
            let (ledger, mut chance) = (ledger.clone(), branch(&mut chance));
            async move {
                for number in 0..each {
                    let request = v1::SendMessageRequest {
                        conversation_id: 1,
                        text: format!("{} {number}", writer.name),
                        request_id: request_id(&mut chance),
                        ..Default::default()
                    };
                    send(&ledger, (&writer.api, writer.id), request, || false).await.unwrap();
                }
            }
        }))
        .await;
    };
    send_some(&writers[..1]).await;
    send_some(&writers[1..]).await;
    let rows = stored(&reader.api, &[1]).await;
    reading.finish(&rows).await;
    ledger.verify(&rows, true);
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    let text = finished(&output).await;
    let trace = Trace::read(&text, "/rookery.db-wal");
    let acked = ledger.acked_ids();
    assert_eq!(acked.len(), WRITERS * each);
    let told: usize = acked.iter().map(|id| trace.told(id)).sum();
    println!("{} acks, {told} times told, {} bytes of trace", acked.len(), text.len());
    assert!(told >= acked.len() * 2, "answers and events were not all seen");
    let faults: Vec<_> = acked.iter().filter_map(|id| trace.fault(id)).collect();
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(10)]);
}

/// The trace, once strace has written its last line.
pub async fn finished(output: &Path) -> String {
    for _ in 0..1000 {
        let text = String::from_utf8_lossy(&std::fs::read(output).unwrap()).into_owned();
        if text.lines().last().is_some_and(|line| line.contains("+++ exited")) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("strace did not come to an end");
}
