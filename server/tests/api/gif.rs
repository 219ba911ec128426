//! GIFs: the collection that the server brings along, favourites, and sending one.

use std::collections::HashSet;

use rookery_client::{
    Code,
    v1::{self, ErrorReason},
};
use sqlx::Connection;

use crate::{
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found, refused},
};

/// What people say in a chat.
const WORDS: [&str; 64] = [
    "party",
    "cat",
    "laugh",
    "heart",
    "thumbs",
    "cry",
    "wow",
    "dance",
    "no",
    "hello",
    "yes",
    "ok",
    "thanks",
    "please",
    "sorry",
    "love",
    "kiss",
    "hug",
    "happy",
    "sad",
    "angry",
    "birthday",
    "coffee",
    "beer",
    "sleep",
    "tired",
    "morning",
    "night",
    "bye",
    "congratulations",
    "lol",
    "omg",
    "fire",
    "money",
    "rain",
    "sun",
    "dog",
    "music",
    "sick",
    "think",
    "work",
    "rocket",
    "christmas",
    "clap",
    "pray",
    "facepalm",
    "shrug",
    "cool",
    "nerd",
    "ghost",
    "robot",
    "unicorn",
    "snow",
    "cake",
    "run",
    "win",
    "food",
    "hungry",
    "scared",
    "shy",
    "secret",
    "time",
    "good luck",
    "thank you",
];

async fn search(person: &Person, query: &str) -> Vec<v1::Gif> {
    let request = v1::SearchGifsRequest { query: query.into(), page_size: 50, ..Default::default() };
    person.api.search_gifs(request).await.unwrap().gifs
}

async fn first(person: &Person, query: &str) -> String {
    search(person, query).await.first().unwrap_or_else(|| panic!("nothing for {query}")).id.clone()
}

async fn favorites(person: &Person) -> Vec<String> {
    let request = v1::ListFavoriteGifsRequest::default();
    person.api.list_favorite_gifs(request).await.unwrap().gifs.into_iter().map(|gif| gif.id).collect()
}

async fn add(person: &Person, gif_id: &str) {
    person.api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id: gif_id.into() }).await.unwrap();
}

pub async fn save(person: &Person, gif_id: &str) -> v1::Media {
    person.api.save_gif(v1::SaveGifRequest { gif_id: gif_id.into() }).await.unwrap().media.unwrap()
}

on_both! {
    async fn everyday_words_find_something_that_fits(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for word in WORDS {
            let gifs = search(&ada, word).await;
            assert!(!gifs.is_empty(), "nothing for {word}");
            for gif in &gifs {
                assert!(!gif.title.is_empty() && gif.preview == format!("/gif/{}", gif.id), "{gif:?}");
                assert_eq!((gif.width, gif.height), (128, 128));
            }
        }
        for (query, best) in [
            ("party", "party-popper"),
            ("cats", "cat"),
            ("Laughing", "rolling-laugh"),
            ("heart", "heart"),
            ("thumbs", "thumbs-up"),
            ("cry", "crying"),
            ("dancing", "dancing-man"),
            ("no", "no-gesture"),
            ("hello", "wave"),
            ("birthday cake", "birthday-cake"),
            ("🔥", "fire"),
            ("unic", "unicorn"),
        ] {
            assert_eq!(first(&ada, query).await, format!("builtin/{best}"), "{query}");
        }
        assert!(search(&ada, "xyzzyq").await.is_empty());
        for query in ["", "   ", "a\0b", &"x".repeat(101)] {
            let request = v1::SearchGifsRequest { query: query.into(), ..Default::default() };
            bad_field(ada.api.search_gifs(request).await, "query");
        }
    }

    async fn pages_hold_everything_once(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListTrendingGifsRequest { page_size: 50, page_token: token };
            let answer = ada.api.list_trending_gifs(request).await.unwrap();
            seen.extend(answer.gifs.into_iter().map(|gif| gif.id));
            token = answer.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert!(seen.len() >= 150 && seen.iter().collect::<HashSet<_>>().len() == seen.len());
        assert_eq!(seen[0], "builtin/party-popper");
        let request = v1::ListTrendingGifsRequest::default();
        assert_eq!(ada.api.list_trending_gifs(request).await.unwrap().gifs.len(), 24);
        let all = search(&ada, "happy").await;
        let request = v1::SearchGifsRequest { query: "happy".into(), page_size: 2, page_token: String::new() };
        let page = ada.api.search_gifs(request.clone()).await.unwrap();
        let next = v1::SearchGifsRequest { page_token: page.next_page_token, ..request.clone() };
        let rest = ada.api.search_gifs(next).await.unwrap();
        assert_eq!([page.gifs, rest.gifs].concat(), all[..4]);
        for token in ["x", "-1", "1.5", "\u{1}", &"9".repeat(300)] {
            let request = v1::SearchGifsRequest { page_token: token.into(), ..request.clone() };
            bad_field(ada.api.search_gifs(request).await, "page_token");
        }
        bad_field(ada.api.search_gifs(v1::SearchGifsRequest { page_size: -1, ..request }).await, "page_size");
    }

    async fn each_category_leads_to_its_pieces(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let answer = ada.api.list_gif_categories(v1::ListGifCategoriesRequest {}).await.unwrap();
        assert!(answer.categories.len() >= 6 && !answer.placeholder.is_empty(), "{answer:?}");
        for category in answer.categories {
            let gifs = search(&ada, &category.query).await;
            assert!(gifs.len() >= 4, "{} has {}", category.name, gifs.len());
            assert!(gifs.contains(&category.gif.unwrap()), "{}", category.name);
        }
    }

    async fn previews_are_for_those_who_are_signed_in(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let gif = search(&ada, "unicorn").await.remove(0);
        let http = reqwest_of(&server);
        let url = format!("{}{}", server.url(), gif.preview);
        assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
        let answer = http.get(&url).bearer_auth(&ada.token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("content-type", "image/webp"),
            ("cache-control", "private, max-age=86400"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert!(answer.bytes().await.unwrap().starts_with(b"RIFF"));
        let again = http.get(&url).bearer_auth(&ada.token).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(again.status(), 304);
        let cookie = http.get(&url).header("cookie", format!("rookery={}", ada.token)).send().await.unwrap();
        assert_eq!(cookie.status(), 200);
        for path in ["/gif/builtin/none", "/gif/other/unicorn", "/gif/builtin/..%2findex", "/gif/builtin/index.txt"] {
            let answer = http.get(format!("{}{path}", server.url())).bearer_auth(&ada.token).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{path}");
        }
    }

    async fn favourites_are_the_users_own_and_newest_first(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        for name in ["cat", "dog", "joy", "cat"] {
            add(&ada, &format!("builtin/{name}")).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(favorites(&ada).await, ["builtin/joy", "builtin/dog", "builtin/cat"]);
        assert!(favorites(&bob).await.is_empty());
        let request = v1::ListFavoriteGifsRequest { page_size: 2, page_token: String::new() };
        let page = ada.api.list_favorite_gifs(request.clone()).await.unwrap();
        assert_eq!(page.gifs.len(), 2);
        let next = v1::ListFavoriteGifsRequest { page_token: page.next_page_token, ..request.clone() };
        let rest = ada.api.list_favorite_gifs(next).await.unwrap();
        assert_eq!((rest.gifs, rest.next_page_token.as_str()), (search(&ada, "cat").await[..1].to_vec(), ""));
        for _ in 0..2 {
            let request = v1::RemoveFavoriteGifRequest { gif_id: "builtin/dog".into() };
            ada.api.remove_favorite_gif(request).await.unwrap();
        }
        assert_eq!(favorites(&ada).await, ["builtin/joy", "builtin/cat"]);
        for id in ["", "cat", "builtin/", "builtin/none", "builtin/a/b", "klipy/1", &"x".repeat(300)] {
            not_found(ada.api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id: id.into() }).await);
            not_found(ada.api.save_gif(v1::SaveGifRequest { gif_id: id.into() }).await);
            ada.api.remove_favorite_gif(v1::RemoveFavoriteGifRequest { gif_id: id.into() }).await.unwrap();
        }
        for token in ["x", "1.", ".", "x.builtin/cat", "1.builtin/ca t"] {
            let request = v1::ListFavoriteGifsRequest { page_token: token.into(), ..request.clone() };
            bad_field(ada.api.list_favorite_gifs(request).await, "page_token");
        }
    }

    async fn at_the_limit_a_favourite_may_still_be_marked_again(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        // More than the collection has: they come from elsewhere.
        let fill = "insert into gif_favorites (user_id, gif_id, added_at, gif) \
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 999) \
            select $1, 'klipy/' || i, i, '{}' from n";
        if server.store.database.is_empty() {
            let file = server.store.dir.join("rookery.db");
            let mut conn = sqlx::SqliteConnection::connect(&file.to_string_lossy()).await.unwrap();
            sqlx::query(fill).bind(ada.id).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = sqlx::PgConnection::connect(&server.store.database).await.unwrap();
            sqlx::query(fill).bind(ada.id).execute(&mut conn).await.unwrap();
        }
        add(&ada, "builtin/cat").await;
        add(&ada, "builtin/cat").await;
        let one_more = ada.api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id: "builtin/dog".into() }).await;
        refused(one_more, Code::ResourceExhausted, ErrorReason::LimitReached);
    }

    async fn a_gif_is_sent_as_media_of_the_servers_own(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let chat = ada.direct(&bob).await;
        let mut ears = Listener::open(&bob).await;
        let gif = first(&ada, "party popper").await;
        let media = save(&ada, &gif).await;
        assert_eq!((media.kind(), media.content_type.as_str()), (v1::MediaKind::Picture, "image/webp"));
        assert!(media.animated && media.width == 128 && media.height == 128 && !media.thumbhash.is_empty(), "{media:?}");
        // Twice, and at the same time, by anybody: the same media.
        let (one, two) = tokio::join!(save(&ada, &gif), save(&cleo, &gif));
        assert_eq!((&one, &two), (&media, &media));
        let other = first(&ada, "unicorn").await;
        let (one, two) = tokio::join!(save(&ada, &other), save(&cleo, &other));
        assert!(one == two && one.id != media.id);
        let request = v1::SendMessageRequest {
            conversation_id: chat,
            media_ids: vec![media.id.clone()],
            ..Default::default()
        };
        ada.api.send_message(request).await.unwrap();
        let message = ears.message().await;
        assert_eq!(message.attachments, std::slice::from_ref(&media));
        let url = format!("{}/media/{}", server.url(), media.id);
        for person in [&bob, &cleo] {
            let answer = reqwest_of(&server).get(&url).bearer_auth(&person.token).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"image/webp".parse().unwrap()));
            assert_eq!(answer.bytes().await.unwrap().len() as i64, media.size);
        }
    }
}

/// A plain HTTP client, as a browser's.
fn reqwest_of(_: &Served) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
