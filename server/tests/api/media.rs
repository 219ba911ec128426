//! Files: brought by call or over HTTP, and given back to those who may see them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::{Api, Code, Error, v1};
use rookery_server::{Server, domain::ctx::Clock};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use v1::ErrorReason;

use crate::{
    attachment::{left, show},
    corpus,
    exchange::{ask, get, upload},
    gif::save,
    harness::{Person, Served, Store},
    on_both,
    refusal::{bad_field, refused},
};

/// Brings a file by call.
pub async fn keep(person: &Person, name: &str, content: Vec<u8>) -> Result<v1::Media, Error> {
    Ok(person.api.upload_media(v1::UploadMediaRequest { name: name.into(), content }).await?.media.unwrap())
}

async fn get_media(person: &Person, id: &str) -> Result<v1::Media, Error> {
    Ok(person.api.get_media(v1::GetMediaRequest { id: id.into() }).await?.media.unwrap())
}

on_both! {
    async fn a_file_comes_back_as_it_went(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let kept = upload(server.address, &ada.token, "Notes%20%E2%9C%93.bin", &bytes).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        let id = kept.text("id");
        assert_eq!(kept.json(), serde_json::json!({
            "id": id, "kind": "MEDIA_KIND_FILE", "name": "Notes ✓.bin", "contentType": "application/octet-stream",
            "size": "300000", "width": 0, "height": 0, "thumbhash": "", "animated": false,
        }));
        let answer = get(server.address, &ada.token, &format!("/media/{id}")).await;
        assert_eq!((answer.status, answer.body == bytes), (200, true));
        let known = get_media(&ada, &id).await.unwrap();
        assert_eq!((known.kind(), known.size, known.name.as_str()), (v1::MediaKind::File, 300_000, "Notes ✓.bin"));
        let small = keep(&ada, "a.txt", b"hello".to_vec()).await.unwrap();
        assert_eq!(get(server.address, &ada.token, &format!("/media/{}", small.id)).await.body, b"hello");
        assert_eq!(get(server.address, &ada.token, &format!("/media/{}/thumbnail", small.id)).await.status, 404);
    }

    async fn a_picture_has_a_size_a_thumbnail_and_a_blur(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let media = keep(&ada, "View.JPG", corpus::jpeg(1000, 500)).await.unwrap();
        assert_eq!((media.kind(), media.width, media.height), (v1::MediaKind::Picture, 1000, 500));
        assert_eq!((media.name.as_str(), media.content_type.as_str(), media.animated), ("View.JPG", "image/jpeg", false));
        assert!((10..40).contains(&media.thumbhash.len()), "{:?}", media.thumbhash);
        let answer = get(server.address, &ada.token, &format!("/media/{}/thumbnail", media.id)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"));
        let small = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((small.width(), small.height()), (480, 240));
    }

    async fn bytes_travel_with_all_that_keeps_browsers_from_guessing(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let picture = keep(&ada, "a.png", corpus::png(30, 30)).await.unwrap();
        let page = keep(&ada, "a.html", b"<script>alert(1)</script>".to_vec()).await.unwrap();
        let token = format!("Bearer {}", ada.token);
        for (path, content_type, how) in [
            (format!("/media/{}", picture.id), "image/png", "inline; filename=\"a.png\"; filename*=UTF-8''a.png"),
            (format!("/media/{}/thumbnail", picture.id), "image/jpeg", ""),
            (format!("/media/{}", page.id), "application/octet-stream",
             "attachment; filename=\"a.html\"; filename*=UTF-8''a.html"),
        ] {
            let answer = get(server.address, &ada.token, &path).await;
            for (name, value) in [
                ("content-type", content_type),
                ("content-disposition", how),
                ("content-length", &answer.body.len().to_string()),
                ("x-content-type-options", "nosniff"),
                ("content-security-policy", "sandbox; default-src 'none'"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cache-control", "private, no-cache"),
            ] {
                assert_eq!(answer.header(name), value, "{name} of {path}");
            }
            // HEAD says the same, without the bytes.
            let head = ask(server.address, "HEAD", &path, &[("authorization", &token)], &[]).await;
            assert_eq!((head.status, head.body.len()), (200, 0));
            for name in ["content-type", "content-length", "etag", "content-security-policy"] {
                assert_eq!(head.header(name), answer.header(name), "{name} of {path}");
            }
            // Who has it need not take it again; who may not see it is not told that it is unchanged.
            let tag = answer.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 8, "{tag}");
            for (known, status) in
                [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("*".into(), 304), ("\"x\"".into(), 200)]
            {
                let headers = [("authorization", token.as_str()), ("if-none-match", &known)];
                let again = ask(server.address, "GET", &path, &headers, &[]).await;
                assert_eq!(again.status, status, "{known}");
                assert_eq!((again.header("etag"), again.body.is_empty()), (tag.as_str(), status == 304));
                let anonymous = ask(server.address, "GET", &path, &[("if-none-match", &known)], &[]).await;
                assert_eq!(anonymous.status, 401);
            }
        }
    }

    async fn a_part_of_a_file_can_be_asked_for(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let media = keep(&ada, "a.bin", bytes.clone()).await.unwrap();
        let path = format!("/media/{}", media.id);
        let token = format!("Bearer {}", ada.token);
        let ask_for = async |more: &[(&str, &str)]| {
            let headers = [&[("authorization", token.as_str())], more].concat();
            ask(server.address, "GET", &path, &headers, &[]).await
        };
        assert_eq!(ask_for(&[]).await.header("accept-ranges"), "bytes");
        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 20),
            ("bytes=199990-", 199_990, 200_000),
            ("bytes=-5", 199_995, 200_000),
            ("bytes=70000-999999999", 70_000, 200_000),
        ] {
            let answer = ask_for(&[("range", range)]).await;
            assert_eq!((answer.status, answer.body == bytes[from..to]), (206, true), "{range}");
            assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/200000", to - 1));
            assert_eq!(answer.header("content-length"), (to - from).to_string());
        }
        for range in ["bytes=200000-", "bytes=999999-9999999"] {
            let answer = ask_for(&[("range", range)]).await;
            assert_eq!((answer.status, answer.header("content-range")), (416, "bytes */200000"), "{range}");
        }
        // What is not understood, several parts, and a part of what has changed: the whole.
        let tag = ask_for(&[]).await.header("etag").to_owned();
        for more in [
            &[("range", "lines=1-2")][..],
            &[("range", "bytes=5-1,x")],
            &[("range", "bytes=0-1,5-9")],
            &[("range", "bytes=0-1"), ("if-range", "\"other\"")],
        ] {
            let answer = ask_for(more).await;
            assert_eq!((answer.status, answer.body.len()), (200, bytes.len()), "{more:?}");
        }
        assert_eq!(ask_for(&[("range", "bytes=0-1"), ("if-range", &tag)]).await.status, 206);
    }

    async fn a_name_says_nothing_but_a_name(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let long = "\u{e9}".repeat(150);
        for (given, kept) in [
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/", "file"),
            ("", "file"),
            ("...", "file"),
            ("a\0b.txt", "a_b.txt"),
            ("a\r\nset-cookie: x=1.txt", "a__set-cookie_ x=1.txt"),
            (".bashrc", "bashrc"),
            ("  x .txt  ", "x .txt"),
            ("gpj.\u{202e}exe", "gpj._exe"),
            ("CON", "_CON"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("console.log", "console.log"),
            ("a<b>:\"c|d?*.txt", "a_b___c_d__.txt"),
            ("\u{65e5}\u{672c}.txt", "\u{65e5}\u{672c}.txt"),
            (&format!("{long}.tar"), &format!("{}.tar", "\u{e9}".repeat(97))),
            (&"x".repeat(300), &"x".repeat(199)),
        ] {
            let media = keep(&ada, given, b"words".to_vec()).await.unwrap();
            assert_eq!(media.name, kept, "{given:?}");
            let answer = get(server.address, &ada.token, &format!("/media/{}", media.id)).await;
            assert_eq!(answer.header("set-cookie"), "");
            let how = answer.header("content-disposition");
            let (plain, encoded) = how.strip_prefix("attachment; filename=\"").unwrap().split_once("\"; filename*=UTF-8''").unwrap();
            assert!(plain.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\%".contains(&byte) || byte == b' '), "{how}");
            assert_eq!(percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(), kept);
            assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}'*".contains(&byte)), "{how}");
        }
        // A name that a picture's true ending would make too long.
        let media = keep(&ada, &"y".repeat(199), corpus::png(2, 2)).await.unwrap();
        assert_eq!(media.name, format!("{}.png", "y".repeat(196)));
    }

    async fn an_upload_that_cannot_be_is_refused_in_words_for_programs(backend) {
        let server = Served::with(backend, |config| {
            config.limits.file_bytes = 100_000;
            config.limits.user_bytes = 150_000;
        }).await;
        let ada = server.user("ada").await;
        let token = format!("Bearer {}", ada.token);
        let (auth, name) = (("authorization", token.as_str()), ("x-rookery-name", "a.bin"));
        let no = async |headers: &[(&str, &str)], body: &[u8]| {
            let answer = ask(server.address, "POST", "/media", headers, body).await;
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(!answer.text("message").is_empty());
            (answer.status, answer.text("code"), answer.text("reason"))
        };
        let invalid = (400, "INVALID_ARGUMENT".into(), "INVALID_FIELD".into());
        let limit = (413, "RESOURCE_EXHAUSTED".into(), "LIMIT_REACHED".into());
        let nobody = (401, "UNAUTHENTICATED".into(), "UNAUTHENTICATED".into());
        assert_eq!(no(&[auth], b"x").await, invalid, "no name");
        assert_eq!(no(&[auth, ("x-rookery-name", "%ff")], b"x").await, invalid, "no UTF-8");
        assert_eq!(no(&[auth, name], b"").await, invalid, "nothing");
        assert_eq!(no(&[name], b"x").await, nobody);
        assert_eq!(no(&[("authorization", "Bearer rk_wrong"), name], b"x").await, nobody);
        // Before a byte of it has come: this body never comes.
        assert_eq!(no(&[auth, name, ("content-length", "100001")], b"").await, limit);
        // And where no length was told.
        let chunk = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
        let chunks = format!("{chunk}{chunk}0\r\n\r\n");
        let chunked = ("transfer-encoding", "chunked");
        assert_eq!(no(&[auth, name], &vec![0; 100_001]).await, limit);
        assert_eq!(no(&[auth, name, chunked], chunks.as_bytes()).await, limit);
        let too_large = keep(&ada, "a.bin", vec![0; 100_001]).await;
        refused(too_large, Code::ResourceExhausted, ErrorReason::LimitReached);
        bad_field(keep(&ada, "a.bin", Vec::new()).await, "content");
        left(&server, |files| files.is_empty()).await;
        // All of one person's files together.
        keep(&ada, "a.bin", vec![0; 100_000]).await.unwrap();
        assert_eq!(no(&[auth, name], &vec![0; 50_001]).await, limit);
        keep(&ada, "b.bin", vec![0; 50_000]).await.unwrap();
        let too_much = keep(&ada, "c.bin", vec![0]).await;
        refused(too_much, Code::ResourceExhausted, ErrorReason::LimitReached);
        server.user("bob").await.api.upload_media(v1::UploadMediaRequest { name: String::new(), content: vec![0] }).await.unwrap();
    }

    async fn uploads_side_by_side_do_not_pass_the_limit(backend) {
        let server = Served::with(backend, |config| config.limits.user_bytes = 500_000).await;
        let ada = server.user("ada").await;
        let uploads = (0..20).map(|n| {
            let (address, token) = (server.address, ada.token.clone());
            async move { upload(address, &token, &format!("{n}.bin"), &vec![n; 100_000]).await.status }
        });
        let statuses = futures::future::join_all(uploads).await;
        let kept = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!((kept, statuses.iter().filter(|status| **status == 413).count()), (5, 15), "{statuses:?}");
        left(&server, |files| files.len() == 5).await;
    }

    async fn what_is_on_its_way_counts_before_it_is_there(backend) {
        let server = Served::with(backend, |config| config.limits.user_bytes = 500_000).await;
        let ada = server.user("ada").await;
        let mut under_way = Vec::new();
        for _ in 0..10 {
            let mut socket = TcpStream::connect(server.address).await.unwrap();
            let head = format!(
                "POST /media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nx-rookery-name: a\r\ncontent-length: 400000\r\n\r\n",
                ada.token
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.write_all(&vec![7; 200_000]).await.unwrap();
            socket.flush().await.unwrap();
            under_way.push(socket);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let entries = |folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let folders = entries(server.store.dir.join("media")).filter(|path| path.is_dir());
        let bytes: u64 = folders.flat_map(entries).map(|path| path.metadata().unwrap().len()).sum();
        assert!((1..=500_000).contains(&bytes), "{bytes} bytes lie there");
        drop(under_way);
        left(&server, |files| files.is_empty()).await;
        let answer = upload(server.address, &ada.token, "whole.bin", &vec![7; 400_000]).await;
        assert_eq!(answer.status, 200);
    }

    async fn an_upload_that_breaks_off_leaves_nothing(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for sent in [0, 1, 70_000, 500_000] {
            let mut socket = TcpStream::connect(server.address).await.unwrap();
            let head = format!(
                "POST /media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nx-rookery-name: a\r\ncontent-length: 1000000\r\n\r\n",
                ada.token
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            socket.write_all(&vec![7; sent]).await.unwrap();
            socket.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        left(&server, |files| files.is_empty()).await;
        let answer = upload(server.address, &ada.token, "whole.bin", &vec![7; 1_000_000]).await;
        assert_eq!(answer.status, 200);
    }

    async fn a_page_of_the_servers_own_looks_and_uploads_by_its_cookie(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let media = keep(&ada, "a.png", corpus::png(8, 8)).await.unwrap();
        let path = format!("/media/{}", media.id);
        let cookie = format!("rookery={}", ada.token);
        let own = format!("http://{}", server.address);
        let status = async |method: &str, path: &str, headers: &[(&str, &str)]| {
            ask(server.address, method, path, headers, b"words").await.status
        };
        let cookie = ("cookie", cookie.as_str());
        let (own, name) = (("origin", own.as_str()), ("x-rookery-name", "a.txt"));
        let foreign = ("origin", "https://evil.example");
        for method in ["GET", "HEAD"] {
            assert_eq!(status(method, &path, &[cookie]).await, 200);
            assert_eq!(status(method, &path, &[cookie, own]).await, 200);
            assert_eq!(status(method, &path, &[cookie, foreign]).await, 401);
        }
        assert_eq!(status("POST", "/media", &[cookie, own, name]).await, 200);
        // Without an origin no page calls; without a name nobody had to ask whether it may.
        for headers in [&[cookie, name][..], &[cookie, foreign, name], &[cookie, own], &[cookie, ("origin", "null"), name]] {
            assert_eq!(status("POST", "/media", headers).await, 401, "{headers:?}");
        }
        // Nothing else is done by a cookie alone.
        assert_eq!(status("PUT", &path, &[cookie, own, name]).await, 405);
        assert_eq!(status("DELETE", &path, &[cookie, own, name]).await, 405);
    }

    async fn a_gif_that_nobody_sends_is_kept_for_a_day_after_it_was_asked_for(backend) {
        let hours = Arc::new(AtomicI64::new(0));
        let clock = Clock::new({
            let hours = hours.clone();
            move || Clock::system().now() + hours.load(Ordering::SeqCst) * 60 * 60 * 1000
        });
        let mut store = Store::new(backend).await;
        let config = store.config();
        let server = Served::serve(store, &config, clock.clone()).await;
        let ada = server.user("ada").await;
        let (sent, idle) = (save(&ada, "builtin/cat").await, save(&ada, "builtin/dog").await);
        show(&ada, 1, "", &[&sent]).await;
        store = server.stop().await;
        for (hour, there) in [(20, 200), (25, 200), (45, 404)] {
            hours.store(hour, Ordering::SeqCst);
            Server::open(&config, clock.clone()).await.unwrap().sweep().await.unwrap();
            let server = Served::serve(store, &config, clock.clone()).await;
            let ada = Person { api: Api::new(&server.url(), Some(&ada.token)).unwrap(), ..ada.clone() };
            let status = async |media: &v1::Media| {
                get(server.address, &ada.token, &format!("/media/{}", media.id)).await.status
            };
            assert_eq!((status(&sent).await, status(&idle).await), (200, there), "after {hour} hours");
            if hour != 25 {
                // Asked for again: from now on it stays for a day.
                assert_eq!(save(&ada, "builtin/dog").await, idle);
                assert_eq!(status(&idle).await, 200);
            }
            store = server.stop().await;
        }
    }

    async fn what_nobody_refers_to_for_a_day_is_cleared_away(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let alone = keep(&ada, "a.png", corpus::png(8, 8)).await.unwrap();
        let shown = keep(&ada, "b.png", corpus::png(8, 8)).await.unwrap();
        let worn = keep(&ada, "c.png", corpus::png(8, 8)).await.unwrap();
        show(&ada, 1, "", &[&shown]).await;
        let wear = v1::UpdateProfileRequest { avatar: worn.id.clone(), ..Default::default() };
        ada.api.update_profile(wear).await.unwrap();
        // Bytes without a word of what they are: of an upload that was killed before its end.
        let folder = server.store.dir.join("media");
        let stray = ["0".repeat(32), format!("{}.thumbnail", "0".repeat(32))];
        std::fs::create_dir_all(folder.join("00")).unwrap();
        for name in &stray {
            std::fs::write(folder.join("00").join(name), b"stray").unwrap();
        }
        let store = server.stop().await;
        for (hours, rest) in [(23, 8), (25, 4)] {
            let clock = Clock::new(move || Clock::system().now() + hours * 60 * 60 * 1000);
            let server = Server::open(&store.config(), clock).await.unwrap();
            server.sweep().await.unwrap();
            let entries = |folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let count = || entries(folder.clone()).flat_map(entries).count();
            for _ in 0..100 {
                if count() == rest {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(count(), rest, "after {hours} hours");
        }
        let config = store.config();
        let server = Served::serve(store, &config, Clock::system()).await;
        let status = async |media: &v1::Media| {
            get(server.address, &ada.token, &format!("/media/{}", media.id)).await.status
        };
        assert_eq!((status(&alone).await, status(&shown).await, status(&worn).await), (404, 200, 200));
    }
}
