//! A04: the power goes. From all that the program wrote, what was synced before a moment is put together again, with some of
//! the rest: in pieces, in any order, torn in the middle. A server must start on it and have every message that it told anybody of,
//! by an answer or on a stream.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use rand::{RngExt, rngs::StdRng, seq::SliceRandom};
use rookery_client::v1;
use rookery_server::domain::ctx::Clock;
use sqlx::Connection;

use crate::{
    disk::{finished, traced},
    harness::{Backend, Person, Served, Store, in_full},
    ledger::Ledger,
    trace::{Call, Trace, bytes_of, calls, is_write},
    traffic::{End, Reader, branch, chance, people, request_id, send},
};

/// What a disk writes as a whole.
const SECTOR: usize = 512;
const WRITERS: usize = 6;
const FILES: [&str; 2] = ["rookery.db", "rookery.db-wal"];

/// One change of a file that a call made.
enum Change {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Length(usize),
    /// The file's name went.
    Gone,
}

/// A change, the lines of its call, and when it was on the disk: the end of the first sync that began after it.
struct Step {
    begin: usize,
    end: usize,
    synced: Option<usize>,
    change: Change,
}

/// All that happened to one file.
fn steps(calls: &[Call], folder: &str, file: &str) -> Vec<Step> {
    let path = format!("{folder}/{file}");
    let change = |call: &Call| {
        if call.name == "unlink" && call.arguments.contains(&format!("\"{path}\"")) {
            return Some(Change::Gone);
        }
        if call.file != path || call.result < 0 {
            return None;
        }
        if call.name == "ftruncate" {
            return Some(Change::Length(
                call.arguments.trim_start_matches(['>', ',', ' ']).split(')').next()?.parse().ok()?,
            ));
        }
        if !is_write(call) {
            return None;
        }
        let bytes = bytes_of(&call.arguments)?;
        assert_eq!(i64::try_from(bytes.len()), Ok(call.result), "the trace has not all of {:.200}", call.arguments);
        let place = call.arguments.rsplit_once(", ")?.1;
        let at = place.trim_end_matches([')', ' ']).parse().unwrap();
        Some(Change::Write { at, bytes })
    };
    let mut steps: Vec<Step> = calls
        .iter()
        .filter_map(|call| Some(Step { begin: call.begin, end: call.end, synced: None, change: change(call)? }))
        .collect();
    let syncs = calls.iter().filter(|call| call.name.ends_with("sync") && call.file == path && call.result == 0);
    for sync in syncs {
        for step in steps.iter_mut().filter(|step| step.synced.is_none() && step.end < sync.begin) {
            step.synced = Some(sync.end);
        }
    }
    steps
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// What the disk may have of a file when the power goes: all that was synced, and of the rest whatever chance leaves. `None`: no
/// such file.
fn left(steps: &[Step], cut: usize, chance: &mut StdRng) -> Option<Vec<u8>> {
    let mut file: Option<Vec<u8>> = None;
    let mut loose: Vec<&Step> = Vec::new();
    for step in steps.iter().filter(|step| step.begin < cut) {
        if step.synced.is_none_or(|synced| synced >= cut) {
            loose.push(step);
            continue;
        }
        let file = file.get_or_insert_default();
        match &step.change {
            Change::Write { at, bytes } => put(file, *at, bytes),
            Change::Length(length) => file.resize(*length, 0),
            Change::Gone => unreachable!("no sync follows a name that went"),
        }
    }
    loose.shuffle(chance);
    for step in loose {
        match &step.change {
            // A name goes by the folder's own sync, which the program leaves to the system.
            Change::Gone if chance.random() => file = None,
            Change::Length(length) if chance.random() => file.get_or_insert_default().resize(*length, 0),
            Change::Write { at, bytes } => {
                for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                    if chance.random() {
                        put(file.get_or_insert_default(), at + number * SECTOR, sector);
                    }
                }
            }
            _ => {}
        }
    }
    file
}

/// The request_ids of the messages in a database, which is whole.
async fn kept(file: &Path) -> BTreeSet<String> {
    let mut conn = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let said: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut conn).await.unwrap();
    assert_eq!(said, "ok");
    let ids: Vec<String> = sqlx::query_scalar("select request_id from messages").fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    ids.into_iter().collect()
}

async fn write(ledger: &Arc<Ledger>, writer: &Person, each: usize, mut chance: StdRng) {
    for number in 0..each {
        let request = v1::SendMessageRequest {
            conversation_id: 1,
            text: format!("{} {number} {}", writer.name, "x".repeat(chance.random_range(0..2000))),
            request_id: request_id(&mut chance),
            ..Default::default()
        };
        send(ledger, (&writer.api, writer.id), request, || false).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_there_after_the_power_went_at_any_moment() {
    // In full it writes enough to fold its log into the file while it runs; else that happens when it stops.
    let (each, cuts) = if in_full() { (300, 100) } else { (40, 16) };
    let mut chance = chance("power loss");
    let store = Store::new(Backend::Sqlite).await;
    let (mut server, output) = traced(&store, None);
    let writers = people(&server.url(), "writer", WRITERS).await;
    let reader = &people(&server.url(), "reader", 1).await[0];
    let ledger = Arc::new(Ledger::default());
    let mut reader = Reader::new(&reader.api, &ledger, "reader", BTreeMap::from([(1, 0)]));
    let all = i64::try_from(WRITERS * each).unwrap();
    let writing = join_all(writers.iter().map(|writer| write(&ledger, writer, each, branch(&mut chance))));
    let (end, _) = tokio::join!(reader.read(|reader| reader.cursors[&1] >= all), writing);
    assert!(matches!(end, End::Enough), "{end:?}");
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    let text = finished(&output).await;
    let trace = Trace::read(&text, "/rookery.db-wal");
    // Whichever was first, the answer or the event. One that was written in two pieces is not seen in the trace.
    let seen = |id: String| Some((trace.first_told(&id)?, id));
    let told: BTreeMap<String, usize> =
        ledger.acked_ids().into_iter().filter_map(seen).map(|(line, id)| (id, line)).collect();
    assert!(told.len() * 10 > WRITERS * each * 9, "only {} of {} answers were seen", told.len(), WRITERS * each);
    let shown = told.keys().filter(|id| trace.told(id) > 1).count();
    assert!(shown * 10 > told.len() * 9, "only {shown} of {} were seen to be shown to the reader", told.len());
    let calls: Vec<Call> = calls(&text).collect();
    let folder = store.dir.to_string_lossy().into_owned();
    let files = FILES.map(|file| steps(&calls, &folder, file));
    let lines: Vec<usize> = files.iter().flatten().map(|step| step.end).collect();
    let (first, last) = (lines.iter().copied().min().unwrap(), lines.iter().copied().max().unwrap());
    let stops =
        calls.iter().filter(|call| call.file.ends_with("/rookery.db") && is_write(call)).map(|call| call.begin).max();
    println!("{} changes of the database and its log; {} messages, {shown} of them shown", lines.len(), told.len());
    let mut lost = 0;
    for number in 0..cuts {
        // A third of the moments lie where the log is folded into the file.
        let cut = match number % 3 {
            0 => stops.unwrap().saturating_sub(chance.random_range(0..60)) + 30,
            _ => chance.random_range(first..=last + 1),
        };
        let after = Store::new(Backend::Sqlite).await;
        for (file, steps) in FILES.iter().zip(&files) {
            if let Some(bytes) = left(steps, cut, &mut chance) {
                std::fs::write(after.dir.join(file), bytes).unwrap();
            }
        }
        let config = after.config();
        let served = Served::serve(after, &config, Clock::system()).await;
        let after = served.stop().await;
        let there = kept(&after.dir.join("rookery.db")).await;
        let promised = told.iter().filter(|(_, line)| **line < cut).map(|(id, _)| id);
        let missing: Vec<_> = promised.filter(|id| !there.contains(*id)).collect();
        assert!(
            missing.is_empty(),
            "cut on line {cut} of {first} to {last}: {} messages that were told are gone, {} among them",
            missing.len(),
            missing[0]
        );
        lost += told.len() - there.iter().filter(|id| told.contains_key(*id)).count();
    }
    println!("{cuts} cuts; {lost} messages that nobody was told of yet were not there");
    assert!(lost > 0, "no cut came before the end: this shows nothing");
}

#[tokio::test]
async fn a_log_that_is_not_synced_is_found_out() {
    let header = |number: u8| {
        let text = format!("{:?}", format!("message {number}"));
        format!("10 pwrite64(9</d/rookery.db-wal>, {text}, 9, {}) = 9", usize::from(number) * 9)
    };
    let text = [header(0), "10 fdatasync(9</d/rookery.db-wal>) = 0".into(), header(1)].join("\n");
    let calls: Vec<Call> = calls(&text).collect();
    let steps = steps(&calls, "/d", "rookery.db-wal");
    let mut chance = chance("not synced");
    let ends: BTreeSet<usize> = (0..50).map(|_| left(&steps, 9, &mut chance).unwrap().len()).collect();
    assert_eq!(ends, BTreeSet::from([9, 18]), "the first is always there, the second by chance");
    assert!(left(&steps, 0, &mut chance).is_none());
}
