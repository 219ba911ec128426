//! Files on their way out and in: cut, refused, taken back, and over a restart.

use std::{fs, path::Path};

use bytes::Bytes;
use rookery_client::{Attachment, PendingStatus, Source};

use super::*;
use crate::script::{Upload, media_id};

fn file(stage: &Stage, name: &str, content: &[u8]) -> Attachment {
    let path = stage.folder.path().join(name);
    fs::write(&path, content).unwrap();
    Attachment::File(path)
}

fn send(stage: &Stage, text: &str, attachments: Vec<Attachment>) -> String {
    stage.client.send_with(ROOM, text, 0, attachments)
}

fn stored(id: i64, request_id: &str) -> Result<v1::SendMessageResponse, Status> {
    let message = v1::Message { author_id: 1, request_id: request_id.to_owned(), ..message(id) };
    Ok(v1::SendMessageResponse { message: Some(message) })
}

fn said(stage: &Stage, name: &str) -> Vec<String> {
    stage.script.calls(name).into_iter().map(|call| call.what).collect()
}

fn copies(stage: &Stage) -> usize {
    fs::read_dir(stage.folder.path().join("test/outbox")).map_or(0, Iterator::count)
}

fn why(state: &State) -> Option<&str> {
    match &state.pending(ROOM).first()?.status {
        PendingStatus::Failed(why) => Some(why),
        PendingStatus::Sending => None,
    }
}

async fn called(stage: &Stage, name: &str, times: usize) {
    let enough = async {
        while stage.script.calls(name).len() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, enough).await.expect(name);
}

#[tokio::test]
async fn files_are_put_on_the_server_in_order_and_then_named() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    let gif = v1::Gif { id: "builtin/rook".to_owned(), title: "A rook".to_owned(), ..Default::default() };
    let attachments = vec![
        file(&stage, "ä.txt", b"hello"),
        Attachment::Bytes { name: "paste.png".to_owned(), bytes: vec![b'x'; 300_000] },
        Attachment::Gif(gif),
    ];
    let request_id = send(&stage, "look", attachments);
    let later = stage.client.send(ROOM, "later", 0);
    let state = stage.until("bubbles", |state| state.pending(ROOM).len() == 2).await;
    // In the order in which they were written, although the second had nothing to copy.
    assert_eq!(state.pending(ROOM)[0].request_id, request_id);
    let waiting = &state.pending(ROOM)[0].attachments;
    assert_eq!(waiting.iter().map(|waiting| waiting.size).collect::<Vec<_>>(), [5, 300_000, 0]);
    let Source::File(copy) = &waiting[0].source else { panic!("{waiting:?}") };
    assert_eq!(fs::read(copy).unwrap(), b"hello");
    assert_eq!(copies(&stage), 2);
    stage.script.answer(|answers| {
        answers.uploads.extend([Upload::Kept(1), Upload::Kept(2)]);
        let media = Some(v1::Media { id: media_id(3), ..Default::default() });
        answers.saved_gifs.push_back(Ok(v1::SaveGifResponse { media }));
        answers.sends.extend([stored(11, &request_id), stored(12, &later)]);
    });
    stage.until("on its way", |state| state.upload(&request_id).is_some()).await;
    let state = stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    assert_eq!(state.upload(&request_id), None);
    let uploads = said(&stage, "upload");
    assert_eq!(uploads[uploads.len() - 2..], ["%C3%A4%2Etxt 5 hello", "paste%2Epng 300000 xxxxxxxxxx"]);
    assert_eq!(said(&stage, "save_gif"), ["builtin/rook"]);
    assert_eq!(said(&stage, "send_message"), [format!("{request_id} look 01 02 03"), format!("{later} later")]);
    while copies(&stage) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_the_server_has_is_named_the_same_in_every_repeat_also_after_a_restart() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| {
        answers.uploads.extend([Upload::Kept(1), Upload::Cut(2), Upload::Kept(2)]);
        answers.sends.push_back(Err(Status::internal("who knows")));
    });
    let attachments = vec![file(&stage, "a.txt", b"hello"), file(&stage, "b.txt", &[b'b'; 100_000])];
    let request_id = send(&stage, "", attachments);
    stage.until("shown", |state| !state.pending(ROOM).is_empty()).await;
    fs::remove_file(stage.folder.path().join("a.txt")).unwrap();
    called(&stage, "send_message", 1).await;
    stage.restart().await;
    drop(stream);
    stage.script.answer(|answers| answers.sends.push_back(stored(11, &request_id)));
    let _stream = stage.stream().await;
    called(&stage, "send_message", 2).await;
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    let sends = said(&stage, "send_message");
    assert!(sends.iter().all(|said| *said == format!("{request_id}  01 02")), "{sends:?}");
    let uploads = said(&stage, "upload");
    assert_eq!(uploads.iter().filter(|upload| upload.starts_with("a%2Etxt")).count(), 1, "{uploads:?}");
    assert_eq!(uploads.iter().filter(|upload| upload.starts_with("b%2Etxt")).count(), 2, "{uploads:?}");
}

#[tokio::test]
async fn an_upload_that_a_crash_cuts_begins_anew_at_the_next_start() {
    let mut stage = Stage::set().await;
    let stream = stage.stream().await;
    stage.script.answer(|answers| answers.uploads.push_back(Upload::Hangs(10)));
    let request_id = send(&stage, "", vec![file(&stage, "a.txt", &[b'a'; 200_000])]);
    called(&stage, "upload", 1).await;
    fs::remove_file(stage.folder.path().join("a.txt")).unwrap();
    stage.restart().await;
    drop(stream);
    let state = stage.until("shown", |state| !state.pending(ROOM).is_empty()).await;
    assert_eq!(state.pending(ROOM)[0].attachments[0].name, "a.txt");
    stage.script.answer(|answers| {
        answers.uploads.push_back(Upload::Kept(7));
        answers.sends.push_back(stored(11, &request_id));
    });
    let _stream = stage.stream().await;
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    assert_eq!(said(&stage, "upload")[1..], ["a%2Etxt 200000 aaaaaaaaaa"]);
    assert_eq!(said(&stage, "send_message"), [format!("{request_id}  07")]);
}

#[tokio::test]
async fn to_take_a_message_back_stops_its_upload_and_lets_the_next_one_go() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    stage.script.answer(|answers| answers.uploads.push_back(Upload::Hangs(10)));
    let request_id = send(&stage, "", vec![file(&stage, "a.txt", &[b'a'; 20_000_000])]);
    let state = stage.until("on its way", |state| state.upload(&request_id).is_some()).await;
    assert!(matches!(state.upload(&request_id), Some((1.., 20_000_000))), "{:?}", state.upload(&request_id));
    let next = stage.client.send(ROOM, "next", 0);
    stage.script.answer(|answers| answers.sends.push_back(stored(11, &next)));
    stage.client.cancel(&request_id);
    let state = stage.until("gone", |state| state.pending(ROOM).is_empty()).await;
    assert_eq!(state.upload(&request_id), None);
    assert_eq!(said(&stage, "send_message"), [format!("{next} next")]);
    while copies(&stage) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(stage.folder.path().join("a.txt").exists());
}

#[tokio::test]
async fn a_refused_file_says_why_and_is_kept_for_the_next_try() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    let full = r#"{"code":"RESOURCE_EXHAUSTED","reason":"LIMIT_REACHED","message":"Your files are too many."}"#;
    stage.script.answer(|answers| answers.uploads.push_back(Upload::Refused(413, None, full)));
    let request_id = send(&stage, "look", vec![file(&stage, "a.txt", b"hello")]);
    let next = stage.client.send(ROOM, "next", 0);
    let state = stage.until("refused", |state| why(state).is_some()).await;
    assert_eq!((why(&state), state.upload(&request_id)), (Some("Your files are too many."), None));
    stage.script.answer(|answers| answers.sends.push_back(stored(11, &next)));
    stage.until("the next one goes", |state| state.pending(ROOM).len() == 1).await;

    // A wait that the server names is kept; then the next refusal is seen.
    let slow = r#"{"code":"RESOURCE_EXHAUSTED","reason":"RATE_LIMITED","message":"Slow down."}"#;
    stage.script.answer(|answers| {
        answers.uploads.extend([Upload::Refused(429, Some(1), slow), Upload::Refused(413, None, full)]);
    });
    fs::remove_file(stage.folder.path().join("a.txt")).unwrap();
    stage.client.retry(&request_id);
    stage.client.retry(&request_id);
    stage.until("waits", |state| why(state).is_none()).await;
    stage.until("refused again", |state| why(state).is_some()).await;
    let uploads = stage.script.calls("upload");
    assert_eq!(uploads.len(), 3);
    assert!(uploads[2].at - uploads[1].at >= Duration::from_secs(1), "Retry-After is obeyed");

    // Another text has the same files.
    let edited = stage.client.edit_failed(&request_id, "look here");
    stage.script.answer(|answers| {
        answers.uploads.push_back(Upload::Kept(5));
        answers.sends.push_back(stored(12, &edited));
    });
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    assert_eq!(said(&stage, "send_message")[1..], [format!("{edited} look here 05")]);
}

#[tokio::test]
async fn too_many_or_too_large_files_fail_at_once() {
    let mut stage = Stage::set().await;
    let stream = timeout(PATIENCE, stage.streams.recv()).await.unwrap().unwrap();
    let limits = Some(v1::ServerLimits { attachments: 2, file_bytes: 2 << 20, ..Default::default() });
    stream.tell(0, 0, 0, Kind::Ready(v1::Ready { limits, ..ready(10) })).await;
    stage.until("ready", |state| state.limits().attachments == 2).await;
    let request_id = send(&stage, "", (0..3).map(|number| file(&stage, &format!("{number}"), b"x")).collect());
    let state = stage.until("failed", |state| why(state).is_some()).await;
    assert_eq!(why(&state), Some("A message can have at most 2 files."));
    stage.client.cancel(request_id);
    stage.until("gone", |state| state.pending(ROOM).is_empty()).await;
    let large = file(&stage, "large.bin", &vec![0; (2 << 20) + 1]);
    send(&stage, "", vec![large]);
    let state = stage.until("failed", |state| why(state).is_some()).await;
    assert_eq!(why(&state), Some("large.bin is too large: a file can have at most 2 MB."));
    assert_eq!((said(&stage, "upload").len(), copies(&stage)), (0, 0));
}

#[tokio::test]
async fn a_file_that_the_server_has_lost_is_put_there_once_more() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    let gone = || Err(Status::not_found("There is no such file."));
    let request_id = send(&stage, "", vec![file(&stage, "a.txt", b"hello")]);
    stage.script.answer(|answers| {
        answers.uploads.extend([Upload::Kept(1), Upload::Kept(2), Upload::Kept(3)]);
        answers.sends.extend([gone(), gone(), stored(11, &request_id)]);
    });
    let state = stage.until("twice is enough", |state| why(state).is_some()).await;
    assert_eq!(why(&state), Some("There is no such file."));
    let sends = [format!("{request_id}  01"), format!("{request_id}  02")];
    assert_eq!(said(&stage, "send_message"), sends);
    // By hand it may be tried again, and the server has it by now.
    stage.client.retry(&request_id);
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
}

#[tokio::test]
async fn a_message_that_was_taken_back_at_once_is_never_shown() {
    let mut stage = Stage::set().await;
    let _stream = stage.stream().await;
    let (first, second) =
        (send(&stage, "1", vec![file(&stage, "a", b"x")]), send(&stage, "2", vec![file(&stage, "b", b"y")]));
    stage.client.cancel(&second);
    stage.client.cancel(&first);
    let last = stage.client.send(ROOM, "last", 0);
    let state = stage.until("shown", |state| !state.pending(ROOM).is_empty()).await;
    assert_eq!(state.pending(ROOM)[0].request_id, last);
    stage.script.answer(|answers| answers.sends.push_back(stored(11, &last)));
    stage.until("sent", |state| state.pending(ROOM).is_empty()).await;
    assert_eq!((said(&stage, "upload").len(), copies(&stage)), (0, 0));
}

fn media(number: u8, size: i64) -> v1::Media {
    v1::Media { id: media_id(number), size, name: "a.png".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_file_is_fetched_once_however_many_want_it_and_stays_on_the_disk() {
    let mut stage = Stage::set().await;
    let path = format!("/media/{}", media_id(1));
    let thumbnail = format!("{path}/thumbnail");
    let gif = v1::Gif { preview: "/gif/builtin/rook".to_owned(), ..Default::default() };
    stage.script.answer(|answers| {
        answers.files.insert(path.clone(), Bytes::from_static(b"picture"));
        answers.files.insert(thumbnail.clone(), Bytes::from_static(b"small"));
        answers.files.insert(gif.preview.clone(), Bytes::from_static(b"gif"));
    });
    let picture = media(1, 7);
    let store = stage.client.media().clone();
    let all = futures::future::join_all((0..5).map(|_| store.fetch(&picture))).await;
    assert!(all.iter().all(|bytes| bytes.as_deref() == Ok(b"picture")));
    assert_eq!(store.thumbnail(&picture.id).await.unwrap(), "small");
    assert_eq!(store.preview(&gif).await.unwrap(), "gif");
    assert_eq!(said(&stage, "get"), [path.clone(), thumbnail, gif.preview.clone()]);

    stage.restart().await;
    let store = stage.client.media().clone();
    stage.script.answer(|answers| answers.files.clear());
    assert_eq!(store.fetch(&picture).await.unwrap(), "picture");
    assert_eq!(store.preview(&gif).await.unwrap(), "gif");
    let to = stage.folder.path().join("saved.png");
    fs::write(&to, "old").unwrap();
    store.save(&picture, &to).await.unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"picture");
    assert_eq!(said(&stage, "get").len(), 3);

    // A file that was broken on the disk is fetched anew; without the server it is not there.
    let cached = fs::read_dir(stage.folder.path().join("test/media")).unwrap().map(|file| file.unwrap().path());
    let cached = cached.filter(|path| path.extension().is_some_and(|size| size == "7")).collect::<Vec<_>>();
    assert_eq!(cached.len(), 1);
    fs::write(&cached[0], "pic").unwrap();
    let error = store.fetch(&picture).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    stage.script.answer(|answers| drop(answers.files.insert(path, Bytes::from_static(b"picture"))));
    assert_eq!(store.fetch(&picture).await.unwrap(), "picture");
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn what_is_not_whole_is_neither_kept_nor_saved() {
    let stage = Stage::set().await;
    let store = stage.client.media();
    let large = Bytes::from(vec![b'x'; 3_000_000]);
    stage.script.answer(|answers| {
        answers.files.insert(format!("/media/{}", media_id(1)), Bytes::from_static(b"short"));
        answers.files.insert(format!("/media/{}", media_id(2)), large.clone());
    });
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a.png");
    for wrong in [media(1, 7), media(1, 3)] {
        assert_eq!(store.fetch(&wrong).await.unwrap_err().code, Code::Internal);
        assert!(store.save(&wrong, &to).await.is_err());
    }
    assert!(names(folder.path()).is_empty());
    assert!(names(&stage.folder.path().join("test/media")).is_empty());
    store.save(&media(2, 3_000_000), &to).await.unwrap();
    assert!(fs::read(&to).unwrap() == large);
    assert_eq!(names(folder.path()), ["a.png"]);
    let nowhere = store.save(&media(2, 3_000_000), &folder.path().join("no/a.png")).await.unwrap_err();
    assert!(nowhere.message.contains("cannot be written"), "{nowhere}");
    // Ids come from outside: none leads out of the folder, or to another server.
    let before = said(&stage, "get").len();
    let bad = v1::Media { id: "../../secret".to_owned(), ..media(1, 5) };
    assert_eq!(store.fetch(&bad).await.unwrap_err().code, Code::InvalidArgument);
    assert_eq!(store.thumbnail("").await.unwrap_err().code, Code::InvalidArgument);
    let gif = v1::Gif { preview: "https://example.com/a.gif".to_owned(), ..Default::default() };
    assert_eq!(store.preview(&gif).await.unwrap_err().code, Code::InvalidArgument);
    assert_eq!(said(&stage, "get").len(), before);
}

#[tokio::test]
async fn a_small_file_is_put_on_the_server_by_hand() {
    let stage = Stage::set().await;
    stage.script.answer(|answers| answers.uploads.push_back(Upload::Kept(9)));
    let media = stage.client.media().upload("me.png", b"face".to_vec()).await.unwrap();
    assert_eq!((media.id, media.size), (media_id(9), 4));
    let error = stage.client.media().upload("me.png", b"face".to_vec()).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::Unavailable, "The server cannot be reached."));
}
