//! Files between real clients: sent offline and over crashes, fetched, saved, refused, taken back.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{ImageFormat, Rgb, RgbImage};
use rookery_client::{Attachment, Code};

use super::*;

fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 77]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Bytes that are no picture, and not all the same.
fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn last(state: &State) -> Option<Arc<v1::Message>> {
    run(state, GLOBAL)?.messages().rfind(|message| message.system.is_none()).cloned()
}

fn has_files(state: &State, count: usize) -> bool {
    last(state).is_some_and(|message| message.attachments.len() == count)
}

fn why(state: &State) -> Option<String> {
    match &state.pending(GLOBAL).first()?.status {
        PendingStatus::Failed(why) => Some(why.clone()),
        PendingStatus::Sending => None,
    }
}

fn outbox(store: &Store, name: &str) -> usize {
    fs::read_dir(store.dir.join("profiles").join(name).join("outbox")).map_or(0, Iterator::count)
}

on_both! {
    async fn files_that_are_sent_offline_arrive_once_and_whole_also_after_a_crash(backend) {
        let store = Store::new(backend).await;
        let mut server = Process::start(&store);
        let url = server.url();
        let (ada, bob) = (Person::register(&url, "ada").await, Person::register(&url, "bob").await);
        let mut one = Device::start(&store.dir, &url, &ada, "one").await;
        let mut two = Device::start(&store.dir, &url, &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        server.kill();
        one.until("offline", |state| matches!(state.connection(), Connection::Offline(_))).await;
        let (picture, large) = (png(900, 600), noise(20 << 20));
        let files = [write(&store.dir, "rook.png", &picture), write(&store.dir, "grüße.bin", &large)];
        one.client.send_with(GLOBAL, "look", 0, files.iter().cloned().map(Attachment::File).collect());
        one.client.send(GLOBAL, "after it", 0);
        one.until("bubbles", |state| state.pending(GLOBAL).len() == 2).await;
        files.iter().for_each(|file| fs::remove_file(file).unwrap());
        one.end().await;

        // The crash comes again while the large one is on its way, on both sides.
        let mut one = Device::again(&store.dir, "one").await;
        server.restart();
        let half = |state: &State| {
            let request_id = state.all_pending().next().map(|pending| pending.request_id.clone());
            request_id.and_then(|id| state.upload(&id)).is_some_and(|(sent, _)| sent > picture.len() as u64)
        };
        let state = one.until("half", half).await;
        assert!(state.pending(GLOBAL)[0].attachments[0].media.is_some());
        server.restart();
        one.end().await;

        let mut one = Device::again(&store.dir, "one").await;
        one.open(GLOBAL).await;
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && ends_with(state, GLOBAL, "after it")).await;
        let state = two.until("heard", |state| ends_with(state, GLOBAL, "after it")).await;
        assert_eq!(texts(&state, GLOBAL), ["look", "after it"]);
        // The copies go after the bubble.
        while outbox(&store, "one") > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let message = run(&state, GLOBAL).unwrap().messages().find(|message| message.text == "look").unwrap().clone();
        let [shown, file] = &message.attachments[..] else { panic!("{message:?}") };
        assert_eq!((shown.kind(), shown.width, shown.height), (v1::MediaKind::Picture, 900, 600));
        assert!(!shown.thumbhash.is_empty());
        assert_eq!((file.kind(), file.name.as_str(), file.size), (v1::MediaKind::File, "grüße.bin", 20 << 20));
        let media = two.client.media().clone();
        assert!(media.fetch(file).await.unwrap() == large);
        let to = store.dir.join("saved.bin");
        media.save(file, &to).await.unwrap();
        assert!(fs::read(&to).unwrap() == large);
        let seen = image::load_from_memory(&media.fetch(shown).await.unwrap()).unwrap();
        assert_eq!((seen.width(), seen.height()), (900, 600));
        let small = image::load_from_memory(&media.thumbnail(&shown.id).await.unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (480, 320));

        // From the disk, without a server. What was not fetched cannot be had.
        server.kill();
        two.end().await;
        let mut two = Device::again(&store.dir, "two").await;
        two.open(GLOBAL).await;
        let cached = run(&two.state(), GLOBAL).unwrap().get(message.id).cloned().unwrap();
        assert_eq!(cached.attachments, message.attachments);
        assert!(two.client.media().fetch(file).await.unwrap() == large);
        let error = one.client.media().thumbnail(&shown.id).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (Code::Unavailable, "The server cannot be reached."));
    }
}

on_both! {
    async fn a_deleted_messages_files_are_gone_for_who_has_not_seen_them(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        let pasted = Attachment::Bytes { name: "paste.txt".to_owned(), bytes: b"pasted".to_vec() };
        one.client.send_with(GLOBAL, "", 0, vec![pasted]);
        let state = two.until("heard", |state| has_files(state, 1)).await;
        let message = last(&state).unwrap();
        assert_eq!((message.text.as_str(), chat(&state, GLOBAL).unread()), ("", 1));
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && has_files(state, 1)).await;
        // An edit may give it a text, and keeps the file.
        one.client.edit(GLOBAL, message.id, "this one").await.unwrap();
        two.until("edited", |state| ends_with(state, GLOBAL, "this one") && has_files(state, 1)).await;
        one.client.delete(GLOBAL, message.id).await.unwrap();
        two.until("deleted", |state| has_files(state, 0)).await;
        let error = two.client.media().fetch(&message.attachments[0]).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound);
    }
}

on_both! {
    async fn who_has_no_room_left_is_told_and_may_try_again_with_less(backend) {
        let server = Served::with(backend, |config| {
            config.limits.user_bytes = 1 << 20;
            config.limits.file_bytes = 30 << 20;
        })
        .await;
        let ada = server.user("ada").await;
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        one.online().await;
        one.open(GLOBAL).await;
        let over = write(&server.store.dir, "over.bin", &noise((30 << 20) + 1));
        let request_id = one.client.send_with(GLOBAL, "", 0, vec![Attachment::File(over)]);
        let state = one.until("refused here", |state| why(state).is_some()).await;
        assert_eq!(why(&state).unwrap(), "over.bin is too large: a file can have at most 30 MB.");
        one.client.cancel(request_id);
        one.until("taken back", |state| state.pending(GLOBAL).is_empty()).await;
        // The server knows before it has read it all; its words arrive all the same, each time.
        let (media, large) = (one.client.media().clone(), noise(20 << 20));
        for _ in 0..20 {
            assert_eq!(media.upload("large.bin", large.clone()).await.unwrap_err().code, Code::ResourceExhausted);
        }
        let file = write(&server.store.dir, "large.bin", &large);
        let request_id = one.client.send_with(GLOBAL, "", 0, vec![Attachment::File(file)]);
        let state = one.until("refused there", |state| why(state).is_some()).await;
        assert!(why(&state).unwrap().contains("bytes"), "{:?}", why(&state));
        one.client.cancel(request_id);
        one.client.send_with(GLOBAL, "less", 0, vec![Attachment::Bytes { name: "a".into(), bytes: noise(1 << 19) }]);
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && has_files(state, 1)).await;
    }
}

on_both! {
    async fn a_gif_is_sent_by_its_id(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        let gifs = one.client.api().list_trending_gifs(v1::ListTrendingGifsRequest::default()).await.unwrap().gifs;
        let preview = one.client.media().preview(&gifs[0]).await.unwrap();
        assert!(image::load_from_memory(&preview).is_ok());
        // Twice the same one is once.
        let twice = vec![Attachment::Gif(gifs[0].clone()), Attachment::Gif(gifs[0].clone())];
        one.client.send_with(GLOBAL, "", 0, twice);
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && has_files(state, 1)).await;
        let state = two.until("heard", |state| has_files(state, 1)).await;
        let gif = last(&state).unwrap().attachments[0].clone();
        assert_eq!((gif.kind(), gif.animated), (v1::MediaKind::Picture, true));
        let bytes = two.client.media().fetch(&gif).await.unwrap();
        assert_eq!(i64::try_from(bytes.len()).unwrap(), gif.size);
    }
}

on_both! {
    async fn an_avatar_is_put_there_and_seen_by_others(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        one.client.send(GLOBAL, "hello", 0);
        two.until("her name", |state| state.user(ada.id).is_some()).await;
        let media = one.client.media().upload("me.png", png(300, 200)).await.unwrap();
        let update_mask = Some(prost_types::FieldMask { paths: vec!["avatar".to_owned(), "color".to_owned()] });
        let request = v1::UpdateProfileRequest {
            avatar: media.id.clone(),
            color: "#aa3344".to_owned(),
            update_mask,
            ..Default::default()
        };
        one.client.api().update_profile(request).await.unwrap();
        let dressed = |state: &State| state.user(ada.id).is_some_and(|user| user.avatar == media.id);
        let state = two.until("dressed", dressed).await;
        assert_eq!(state.user(ada.id).unwrap().color, "#aa3344");
        let face = image::load_from_memory(&two.client.media().thumbnail(&media.id).await.unwrap()).unwrap();
        assert_eq!(face.width(), face.height());
    }
}
