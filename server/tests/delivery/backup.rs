//! A12: a backup that is made under load holds all that was acknowledged before it began, whole.

use std::{collections::HashSet, os::unix::fs::PermissionsExt, process::Command, sync::Arc, time::Duration};

use rookery_client::{Api, v1};

use crate::{
    exchange::{get, upload},
    harness::{Backend, Person, Process, Store, in_full},
    ledger::Ledger,
    traffic::{Writers, branch, chance, people, request_id, stored},
};

fn run(word: &str, copy: &std::path::Path, data: &std::path::Path) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    let status = program.arg(word).arg(copy).arg("--data").arg(data).status().unwrap();
    assert!(status.success(), "{word}");
}

/// A copy is as private as what it was made of, and `doctor` finds nothing wrong with it.
fn is_whole(copy: &std::path::Path) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    let said = program.arg("doctor").arg("--data").arg(copy).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    for (path, mode) in [(copy.to_owned(), 0o700), (copy.join("rookery.db"), 0o600)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_has_what_was_acknowledged_before_it_began() {
    let mut chance = chance("backup under load");
    let outer = Store::new(Backend::Sqlite).await;
    let inner = Store { dir: outer.dir.join("data"), database: String::new() };
    let server = Process::start(&inner);
    let writers = people(&server.url(), "writer", 10).await;
    let artist = Person::register(&server.url(), "artist").await;
    let ledger = Arc::new(Ledger::default());
    // 200 messages a second: each of ten writers pauses for 50 ms on average.
    let writing = Writers::start(&ledger, &writers, &[1], Duration::from_millis(100), &mut chance);
    let (address, mut dice) = (server.address, branch(&mut chance));
    let files = Arc::new(std::sync::Mutex::new(Vec::new()));
    let drawing = tokio::spawn({
        let (artist, files, ledger) = (artist.clone(), files.clone(), ledger.clone());
        async move {
            for number in 0_u32.. {
                let bytes: Vec<u8> = number.to_be_bytes().repeat(5_000);
                let media_id = upload(address, &artist.token, "a.bin", &bytes).await.text("id");
                let request = v1::SendMessageRequest {
                    conversation_id: 1,
                    media_ids: vec![media_id.clone()],
                    request_id: request_id(&mut dice),
                    ..Default::default()
                };
                let sent = ledger.begin(artist.id, 1, &request.request_id, "");
                let message = artist.api.send_message(request).await.unwrap().message.unwrap();
                ledger.ack(sent, &message);
                files.lock().unwrap().push(media_id);
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    });
    for round in 0..if in_full() { 10 } else { 2 } {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let acked = ledger.acked_ids();
        let sent_files = files.lock().unwrap().len();
        let copy = outer.dir.join(format!("copy{round}"));
        let (from, to) = (inner.dir.clone(), copy.clone());
        tokio::task::spawn_blocking(move || run("backup", &to, &from)).await.unwrap();
        is_whole(&copy);
        // Elsewhere, while the first one goes on.
        let elsewhere = Store { dir: outer.dir.join(format!("elsewhere{round}")), database: String::new() };
        std::fs::create_dir_all(&elsewhere.dir).unwrap();
        run("restore", &copy, &elsewhere.dir);
        let other = Process::start(&elsewhere);
        let api = Api::new(&other.url(), Some(&artist.token)).unwrap();
        let rows = stored(&api, &[1]).await.remove(&1).unwrap();
        let ids: Vec<i64> = rows.messages.iter().map(|message| message.id).collect();
        assert_eq!(ids, (1..=rows.position).collect::<Vec<_>>(), "a hole");
        let there: HashSet<&str> = rows.messages.iter().map(|message| message.request_id.as_str()).collect();
        let lost: Vec<_> = acked.iter().filter(|id| !there.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "{} of {} acknowledged messages are not there", lost.len(), acked.len());
        let mut looked = 0;
        for media in rows.messages.iter().flat_map(|message| &message.attachments) {
            let answer = get(other.address, &artist.token, &format!("/media/{}", media.id)).await;
            let whole = answer.body.len() == 20_000 && answer.body.chunks(4).all(|part| part == &answer.body[..4]);
            assert_eq!((answer.status, whole), (200, true), "{media:?}");
            looked += 1;
        }
        assert!(looked >= sent_files && sent_files > 0, "{looked} of {sent_files} files");
        println!("{} acks before the backup, {} messages and {looked} files in it", acked.len(), rows.messages.len());
        assert!(acked.len() > 50, "this shows nothing");
    }
    drawing.abort();
    writing.stop().await;
}
