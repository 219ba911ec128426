//! A13: no message ever shows a file that is not there. The program is killed while files are brought and sent; the order
//! of its system calls shows what a kill cannot; and a copy that is restored has its files.

use std::{
    collections::HashMap,
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use rand::{RngExt, rngs::StdRng};
use rookery_client::v1;
use sha2::{Digest, Sha256};

use crate::{
    disk::{finished, traced},
    exchange::{Answer, get, try_ask},
    harness::{Backend, Person, Process, Store, in_full},
    on_both,
    trace::Trace,
    traffic::{branch, chance, people, request_id},
};

/// Brings a file; `None` if the server went away meanwhile.
async fn bring(address: SocketAddr, person: &Person, name: &str, bytes: &[u8]) -> Option<Answer> {
    let token = format!("Bearer {}", person.token);
    try_ask(address, "POST", "/media", &[("authorization", &token), ("x-rookery-name", name)], bytes).await
}

/// A picture that no other is like.
fn picture(chance: &mut StdRng) -> Vec<u8> {
    let image = image::RgbImage::from_fn(40, 30, |_, _| image::Rgb(chance.random()));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message with this file, sent until there is an answer or the test is over.
async fn send(person: &Person, media_id: &str, request_id: String, over: &AtomicBool) -> Option<i64> {
    let request = v1::SendMessageRequest {
        conversation_id: 1,
        media_ids: vec![media_id.into()],
        request_id,
        ..Default::default()
    };
    loop {
        match person.api.send_message(request.clone()).await {
            Ok(answer) => return Some(answer.message.unwrap().id),
            Err(error) => assert!(error.is_maybe(), "a file that was kept cannot be sent: {error:?}"),
        }
        if over.load(Ordering::Relaxed) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_both! {
    async fn no_message_shows_a_file_that_a_kill_has_taken(backend) {
        let cycles = if in_full() { 60 } else { 8 };
        let mut chance = chance("killed uploads");
        let store = Store::new(backend).await;
        let mut server = Process::under(&store, &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
        let address = server.address;
        let writers = people(&server.url(), "writer", 4).await;
        let over = Arc::new(AtomicBool::new(false));
        let acked = Arc::new(Mutex::new(Vec::new()));
        let work = writers.iter().map(|writer| {
            let (writer, over, acked, mut chance) = (writer.clone(), over.clone(), acked.clone(), branch(&mut chance));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let bytes = if chance.random_bool(0.3) {
                        picture(&mut chance)
                    } else {
                        let mut bytes = vec![0; chance.random_range(1..300_000)];
                        chance.fill(&mut bytes[..]);
                        bytes
                    };
                    // Its name says what it must be.
                    let Some(answer) = bring(address, &writer, &hash(&bytes), &bytes).await else {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    };
                    if answer.status != 200 {
                        // It was going down.
                        assert_eq!(answer.status, 503, "{answer:?}");
                        continue;
                    }
                    if let Some(id) = send(&writer, &answer.text("id"), request_id(&mut chance), &over).await {
                        acked.lock().unwrap().push(id);
                    }
                }
            })
        });
        let work: Vec<_> = work.collect();
        for _ in 0..cycles {
            tokio::time::sleep(Duration::from_millis(chance.random_range(100..700))).await;
            server.kill();
            server.restart();
        }
        over.store(true, Ordering::Relaxed);
        join_all(work).await.into_iter().for_each(|work| work.unwrap());
        let (mut shown, mut after) = (HashMap::new(), 0);
        loop {
            let request = v1::ListChangesRequest { conversation_id: 1, after, ..Default::default() };
            let page = writers[0].api.list_changes(request).await.unwrap();
            shown.extend(page.messages.into_iter().map(|message| (message.id, message.attachments)));
            after = page.position;
            if !page.more {
                break;
            }
        }
        for media in shown.values().flatten() {
            let answer = get(address, &writers[0].token, &format!("/media/{}", media.id)).await;
            assert_eq!((answer.status, answer.body.len() as i64), (200, media.size), "{media:?}");
            match media.kind() {
                v1::MediaKind::File => assert_eq!(hash(&answer.body), media.name),
                _ => assert!(image::load_from_memory(&answer.body).is_ok(), "{media:?}"),
            }
        }
        let acked = acked.lock().unwrap();
        assert!(acked.iter().all(|id| shown.get(id).is_some_and(|files| files.len() == 1)), "a message is gone");
        println!("{backend:?}: {cycles} kills, {} messages with files", acked.len());
        assert!(acked.len() >= cycles, "only {} messages: this shows nothing", acked.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_has_every_file_before_anything_is_known_of_it() {
    let mut chance = chance("sync before row");
    let store = Store::new(Backend::Sqlite).await;
    let (mut server, output) = traced(&store, None);
    let ada = &people(&server.url(), "ada", 1).await[0];
    let mut ids = Vec::new();
    for number in 0..24 {
        let bytes = if number % 3 == 0 { picture(&mut chance) } else { format!("words {number}").into_bytes() };
        let id = if number % 2 == 0 {
            bring(server.address, ada, "a", &bytes).await.unwrap().text("id")
        } else {
            let request = v1::UploadMediaRequest { name: "a".into(), content: bytes };
            ada.api.upload_media(request).await.unwrap().media.unwrap().id
        };
        ids.push(id);
    }
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    let trace = Trace::read(&finished(&output).await, "/rookery.db-wal");
    let faults: Vec<_> = ids.iter().filter_map(|id| trace.fault(id).or_else(|| trace.fault_of_file(id))).collect();
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_restored_has_its_files() {
    let mut chance = chance("restored files");
    let outer = Store::new(Backend::Sqlite).await;
    let inner = Store { dir: outer.dir.join("data"), database: String::new() };
    let copy = outer.dir.join("copy");
    let run = |word: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
        program.arg(word).arg(&copy).arg("--data").arg(&inner.dir);
        assert!(program.status().unwrap().success(), "{word}");
    };
    let mut server = Process::under(&inner, &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
    let address = server.address;
    let ada = Person::register(&server.url(), "ada").await;
    let file = bring(address, &ada, "a.bin", &vec![7; 100_000]).await.unwrap().text("id");
    let face = bring(address, &ada, "b.png", &picture(&mut chance)).await.unwrap().text("id");
    let over = AtomicBool::new(false);
    let id = send(&ada, &file, request_id(&mut chance), &over).await.unwrap();
    let wear = v1::UpdateProfileRequest { avatar: face.clone(), ..Default::default() };
    ada.api.update_profile(wear).await.unwrap();
    let look = async || {
        let paths = [format!("/media/{file}"), format!("/media/{face}"), format!("/media/{face}/thumbnail")];
        join_all(paths.iter().map(|path| get(address, &ada.token, path))).await
    };
    let before = look().await;
    assert!(before.iter().all(|answer| answer.status == 200));
    run("backup");
    // What is lost after the copy was made comes back with it.
    ada.api.delete_message(v1::DeleteMessageRequest { conversation_id: 1, id }).await.unwrap();
    let bare = v1::UpdateProfileRequest {
        update_mask: Some(prost_types::FieldMask { paths: vec!["avatar".into()] }),
        ..Default::default()
    };
    ada.api.update_profile(bare).await.unwrap();
    assert!(look().await.iter().all(|answer| answer.status == 404));
    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    run("restore");
    server.restart();
    for (before, after) in before.iter().zip(look().await) {
        assert_eq!((after.status, after.body == before.body), (200, true));
    }
}
