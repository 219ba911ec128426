//! A05 and A06: the disk is full, or fails. What is answered is kept, what is not kept is not answered.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::Duration,
};

use rand::RngExt;
use rookery_client::{
    Code, Error,
    v1::{self, ErrorReason},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{Backend, Person, Process, Store, in_full, unique},
    ledger::Ledger,
    traffic::{Reader, Readers, Writers, branch, chance, people, request_id, send, stored, within},
};

/// A small disk; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// 64 MiB in memory. None: there cannot be one here, which only the short form puts up with.
    fn mount() -> Option<Self> {
        let dir = std::env::temp_dir().join(unique("rookery-disk-"));
        fs::create_dir_all(&dir).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "rookery"]).arg(&dir).output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(Self(dir)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let _ = fs::remove_dir(&dir);
        assert!(!in_full(), "the long form mounts a small disk: be root who may mount ({why})");
        println!("no disk can be mounted here ({why})");
        None
    }

    /// Fills it to the last byte; to be removed again.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

fn is_full(error: &Error) -> bool {
    (error.code, error.reason) == (Code::ResourceExhausted, Some(ErrorReason::StorageFull))
}

/// Sends once; notes it in the ledger.
async fn try_send(ledger: &Ledger, person: &Person, request_id: String) -> Result<(), Error> {
    let text = "x".repeat(4000);
    let number = ledger.begin(person.id, 1, &request_id, &text);
    let request = v1::SendMessageRequest { conversation_id: 1, text, request_id, ..Default::default() };
    match person.api.send_message(request).await {
        Ok(answer) => {
            ledger.ack(number, &answer.message.unwrap());
            Ok(())
        }
        Err(error) => {
            if !error.is_maybe() {
                ledger.refuse(number);
            }
            Err(error)
        }
    }
}

/// What is kept free stays free: writes are refused before the disk is full, reads and what takes something away are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_takes_nothing_new() {
    let mut chance = chance("nearly full disk");
    let Some(disk) = Disk::mount() else { return };
    let store = Store { dir: disk.0.join("data"), database: String::new() };
    let server = Process::under(&store, &["env", "ROOKERY_LIMITS_FREE_BYTES=33554432"], "127.0.0.1:0");
    let people = people(&server.url(), "person", 2).await;
    let ledger = Arc::new(Ledger::default());
    let known = request_id(&mut chance);
    let said =
        v1::SendMessageRequest { conversation_id: 1, text: "hi".into(), request_id: known, ..Default::default() };
    let first = people[0].api.send_message(said.clone()).await.unwrap().message.unwrap();
    let ballast = disk.0.join("ballast");
    for _ in 0..2 {
        // One file is on its way already.
        let mut under_way = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /media HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nx-rookery-name: a\r\ncontent-length: 200000\r\n\r\n",
            people[0].token
        );
        under_way.write_all(head.as_bytes()).await.unwrap();
        under_way.write_all(&[7; 100_000]).await.unwrap();
        fs::write(&ballast, vec![0; 40 << 20]).unwrap();
        within(Duration::from_secs(6), "it is told", async || {
            try_send(&ledger, &people[1], request_id(&mut chance)).await.is_err_and(|error| is_full(&error))
        })
        .await;
        let group = v1::CreateGroupRequest { name: "g".into(), ..Default::default() };
        assert!(people[1].api.create_group(group).await.is_err_and(|error| is_full(&error)));
        let file = v1::UploadMediaRequest { name: "a".into(), content: vec![7; 1000] };
        assert!(people[1].api.upload_media(file).await.is_err_and(|error| is_full(&error)));
        under_way.write_all(&[7; 100_000]).await.unwrap();
        let mut answer = [0; 12];
        under_way.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 507");
        assert_eq!(people[0].api.send_message(said.clone()).await.unwrap().message.unwrap().id, first.id, "a repeat");
        people[1].api.mark_read(v1::MarkReadRequest { conversation_id: 1, id: first.id }).await.unwrap();
        let newest = v1::ListMessagesRequest { conversation_id: 1, page_size: 5, at: None };
        assert!(!people[1].api.list_messages(newest).await.unwrap().messages.is_empty());
        let gone = v1::DeleteMessageRequest { conversation_id: 1, id: first.id };
        assert!(people[0].api.delete_message(gone).await.unwrap().message.unwrap().deleted);
        fs::remove_file(&ballast).unwrap();
        within(Duration::from_secs(6), "there is room again", async || {
            try_send(&ledger, &people[1], request_id(&mut chance)).await.is_ok()
        })
        .await;
    }
}

/// A05.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_until_there_is_room_and_nothing_else() {
    let mut chance = chance("full disk");
    let ledger = Arc::new(Ledger::default());
    let Some(disk) = Disk::mount() else {
        // Where nobody may mount, calls that write fail for a while as they do on a full disk.
        println!("strace says ENOSPC instead");
        return full_for_a_while().await;
    };
    let store = Store { dir: disk.0.join("data"), database: String::new() };
    // Down to the last byte: the room that is kept free would be all of this disk.
    let server = Process::under(&store, &["env", "ROOKERY_LIMITS_FREE_BYTES=0"], "127.0.0.1:0");
    let people = people(&server.url(), "person", 4).await;
    let reading = Readers::start(vec![Reader::new(&people[0].api, &ledger, "reader", BTreeMap::from([(1, 0)]))]);
    let writing = Writers::start(&ledger, &people, &[1], Duration::from_millis(5), &mut chance);
    tokio::time::sleep(Duration::from_millis(300)).await;
    for round in 0..if in_full() { 10 } else { 2 } {
        let ballast = disk.fill();
        within(Duration::from_secs(6), "a full disk is told", async || {
            try_send(&ledger, &people[1], request_id(&mut chance)).await.is_err_and(|error| is_full(&error))
        })
        .await;
        // Reads go on, and so does the program.
        let newest = v1::ListMessagesRequest { conversation_id: 1, page_size: 5, at: None };
        assert_eq!(people[2].api.list_messages(newest).await.unwrap().messages.len(), 5);
        let upload = v1::UploadMediaRequest { name: "a".into(), content: vec![7; 100_000] };
        let error = people[2].api.upload_media(upload).await.map(drop).unwrap_err();
        assert!(is_full(&error), "round {round}: an upload says {error:?}");
        fs::remove_file(ballast).unwrap();
        within(Duration::from_secs(5), "there is room again", async || {
            try_send(&ledger, &people[1], request_id(&mut chance)).await.is_ok()
        })
        .await;
    }
    writing.stop().await;
    let rows = stored(&people[0].api, &[1]).await;
    reading.finish(&rows).await;
    println!("{} acks on a disk that was full", ledger.acks());
    ledger.verify(&rows, true);
}

async fn full_for_a_while() {
    let mut chance = chance("no space for a while");
    let store = Store::new(Backend::Sqlite).await;
    let listen = format!("127.0.0.1:{}", crate::kill::port(&mut chance));
    let mut server = Process::under(&store, &[], &listen);
    let person = Person::register(&server.url(), "person").await;
    server.kill();
    let server = injected(&store, &listen, "pwrite64", "error=ENOSPC:when=50..150");
    let ledger = Ledger::default();
    let mut full = 0;
    within(Duration::from_secs(20), "it was full and is no more", async || {
        match try_send(&ledger, &person, request_id(&mut chance)).await {
            Err(error) => full += i32::from(is_full(&error)),
            Ok(()) => return full > 0,
        }
        person.messages(1).await;
        false
    })
    .await;
    let rows = stored(&person.api, &[1]).await;
    ledger.verify(&rows, true);
    drop(server);
}

/// The program, whose calls of one kind on its log fail as strace is told.
fn injected(store: &Store, listen: &str, call: &str, how: &str) -> Process {
    let log = store.dir.join("rookery.db-wal").to_string_lossy().into_owned();
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{how}"));
    let strace =
        ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-P", &log, "-e", &trace, "-e", &inject];
    Process::under(store, &strace, listen)
}

/// A06: at many places, a write of the log fails or its sync does. No answer is wrong; after a fault of the disk the program
/// takes nothing more and ends with a failure, since the next sync may say that all is well although it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_ends_the_program_and_no_answer_was_wrong() {
    let mut chance = chance("disk faults");
    let store = Store::new(Backend::Sqlite).await;
    let listen = format!("127.0.0.1:{}", crate::kill::port(&mut chance));
    let mut server = Process::under(&store, &[], &listen);
    let people = people(&server.url(), "person", 4).await;
    let ledger = Arc::new(Ledger::default());
    let reading = Readers::start(vec![Reader::new(&people[0].api, &ledger, "reader", BTreeMap::from([(1, 0)]))]);
    let writing = Writers::start(&ledger, &people, &[1], Duration::from_millis(2), &mut chance);
    for round in 0..if in_full() { 75 } else { 6 } {
        let (call, error, ends) =
            [("pwrite64", "EIO", true), ("pwrite64", "ENOSPC", false), ("fsync,fdatasync", "EIO", true)][round % 3];
        server.signal("TERM");
        assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)), "it did not end in order");
        // The first few are those of the start.
        let place = chance.random_range(5..60);
        server = injected(&store, &listen, call, &format!("error={error}:when={place}"));
        if ends {
            let code = server.ended_within(Duration::from_secs(60));
            assert_eq!(code, Some(Some(1)), "{error} in {call} number {place} did not end it");
        } else {
            // It lives, and somebody is told; then again, with a log that does not fail.
            let goes_on = async || {
                let mut chance = branch(&mut chance);
                let text = "still here".to_owned();
                let request = v1::SendMessageRequest {
                    conversation_id: 1,
                    text,
                    request_id: request_id(&mut chance),
                    ..Default::default()
                };
                send(&ledger, (&people[0].api, people[0].id), request, || false).await.is_some()
            };
            tokio::time::sleep(Duration::from_millis(300)).await;
            within(Duration::from_secs(5), "it goes on", goes_on).await;
            assert_eq!(server.ended_within(Duration::from_millis(100)), None, "it has ended");
            server.signal("TERM");
            assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)), "it did not end in order");
        }
        server = Process::under(&store, &[], &listen);
    }
    writing.stop().await;
    let rows = stored(&people[0].api, &[1]).await;
    reading.finish(&rows).await;
    println!("{} acks over faults of the disk", ledger.acks());
    ledger.verify(&rows, true);
}
