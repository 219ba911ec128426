//! GIFs from a provider outside, played by a server on loopback: what it says is taken over, and what it does wrong harms
//! nobody.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rookery_client::v1;
use rookery_server::gif::{Choice, Key, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    harness::{Backend, Person, Served},
    refusal::{bad_field, not_found},
};

const PIECE: &[u8] = include_bytes!("../../src/gif/builtin/cat.webp");
const KEY: &str = "the-operators-own-key";

/// The provider.
struct Provider {
    address: SocketAddr,
    /// A place inside that nobody may ask, and how often it was.
    canary: SocketAddr,
    asked_inside: AtomicUsize,
    questions: Mutex<Vec<String>>,
}

impl Provider {
    async fn start() -> Arc<Self> {
        let (listener, canary) = (bind().await, bind().await);
        let provider = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            canary: canary.local_addr().unwrap(),
            asked_inside: AtomicUsize::new(0),
            questions: Mutex::default(),
        });
        let counted = provider.clone();
        tokio::spawn(async move {
            while canary.accept().await.is_ok() {
                counted.asked_inside.fetch_add(1, Ordering::Relaxed);
            }
        });
        let app = Router::new().route("/pictures/{name}", get(picture)).fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    async fn serve(&self, provider: Choice) -> Served {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base_url = format!("http://{}", self.address);
        Served::with(Backend::Sqlite, |config| {
            config.gif = Settings { provider, key: Key::from(KEY), base_url };
            assert!(!format!("{config:?}").contains(KEY));
        })
        .await
    }

    fn at(&self, name: &str) -> String {
        format!("http://{}/pictures/{name}", self.address)
    }

    fn asked(&self, about: &str) -> usize {
        self.questions.lock().unwrap().iter().filter(|question| question.contains(about)).count()
    }

    /// A GIF as Tenor's second version tells of it.
    fn klipy(&self, id: &str, url: &str) -> Value {
        let format = json!({"url": url, "dims": [220, 165], "size": PIECE.len()});
        json!({"id": id, "content_description": format!("About {id}\n"), "media_formats": {"tinygif": format, "gif": format}})
    }

    fn giphy(&self, id: &str, url: &str) -> Value {
        let image = json!({"url": url, "webp": url, "width": "220", "height": "165"});
        json!({"id": id, "title": format!("About {id}"), "images": {"original": image, "fixed_width": image}})
    }

    /// What a list holds: one that is right, and those that are not.
    fn list(&self, one: impl Fn(&str, &str) -> Value) -> Vec<Value> {
        vec![
            one("12345", &self.at("cat.webp")),
            one("inside", "https://169.254.169.254/latest/meta-data"),
            one("canary", &format!("http://{}/x.gif", self.canary)),
            one("file", "file:///etc/passwd"),
            one("plain", "http://media.example/x.gif"),
            one("../etc", &self.at("cat.webp")),
            json!({"id": 7}),
            one("67890", &self.at("cat.webp")),
        ]
    }
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn picture(State(provider): State<Arc<Provider>>, Path(name): Path<String>) -> Response {
    provider.questions.lock().unwrap().push(format!("/pictures/{name}"));
    match name.as_str() {
        "cat.webp" => PIECE.into_response(),
        "page.html" => "<script>alert(1)</script>".into_response(),
        "huge.gif" => endless(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn written(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn endless() -> Response {
    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
    Body::from_stream(pieces).into_response()
}

async fn answer(State(provider): State<Arc<Provider>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    assert!(query.contains(KEY), "the key goes to the provider: {uri}");
    provider.questions.lock().unwrap().push(uri.to_string());
    let asks = |word: &str| query.contains(&format!("q={word}"));
    let one = |url: &str| match uri.path().starts_with("/v2") {
        true => written(&json!({"results": [provider.klipy("odd", url)]})),
        false => written(&json!({"data": [provider.giphy("odd", url)]})),
    };
    if asks("redirect") {
        return (StatusCode::FOUND, [(header::LOCATION, format!("http://{}/", provider.canary))]).into_response();
    } else if asks("endless") {
        return endless();
    } else if asks("silent") {
        tokio::time::sleep(Duration::from_secs(60)).await;
    } else if asks("words") {
        return "no JSON".into_response();
    } else if asks("broken") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    } else if asks("page") {
        return one(&provider.at("page.html"));
    } else if asks("huge") {
        return one(&provider.at("huge.gif"));
    }
    let klipy = |id: &str, url: &str| provider.klipy(id, url);
    let giphy = |id: &str, url: &str| provider.giphy(id, url);
    let pages = json!({"total_count": 100, "count": 8, "offset": 0});
    let body = match uri.path() {
        "/v2/search" | "/v2/featured" => json!({"results": provider.list(klipy), "next": "CAgQ"}),
        "/v2/posts" if query.contains("ids=12345") => json!({"results": [klipy("12345", &provider.at("cat.webp"))]}),
        "/v2/posts" => json!({"results": []}),
        "/v2/categories" => json!({"tags": [
            {"searchterm": "thumbs up", "image": provider.at("cat.webp"), "path": "x"},
            {"searchterm": "inside", "image": "http://169.254.169.254/"},
        ]}),
        "/v1/gifs/search" | "/v1/gifs/trending" => json!({"data": provider.list(giphy), "pagination": pages}),
        "/v1/gifs/12345" => json!({"data": giphy("12345", &provider.at("cat.webp"))}),
        "/v1/gifs/categories" => {
            json!({"data": [{"name": "thumbs up", "gif": giphy("12345", &provider.at("cat.webp"))}]})
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    written(&body)
}

fn ask(query: &str, page_token: &str) -> v1::SearchGifsRequest {
    v1::SearchGifsRequest { query: query.into(), page_size: 10, page_token: page_token.into() }
}

async fn fetch(server: &Served, person: &Person, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", server.url());
    reqwest::Client::new().get(url).bearer_auth(&person.token).send().await.unwrap()
}

/// What holds for either.
async fn is_taken_over(choice: Choice, name: &str, attribution: &str, next: &str) {
    let provider = Provider::start().await;
    let server = provider.serve(choice).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let answer = ada.api.search_gifs(ask("two words & more", "")).await.unwrap();
    let ids: Vec<_> = answer.gifs.iter().map(|gif| gif.id.clone()).collect();
    assert_eq!(ids, [format!("{name}/12345"), format!("{name}/67890")], "what is wrong is dropped");
    let gif = answer.gifs[0].clone();
    assert_eq!((gif.title.as_str(), gif.width, gif.height), ("About 12345", 220, 165));
    assert_eq!((gif.preview.clone(), answer.next_page_token.as_str()), (format!("/gif/{name}/12345"), next));
    // The same question, by somebody else, is answered from here.
    assert_eq!(bob.api.search_gifs(ask("two words & more", "")).await.unwrap(), answer);
    assert_eq!(provider.asked("/search"), 1);
    assert_eq!(provider.asked("q=two+words+%26+more"), 1, "{:?}", provider.questions.lock().unwrap());
    ada.api.search_gifs(ask("two words & more", next)).await.unwrap();
    assert_eq!(provider.asked(next), 1);
    let trending = v1::ListTrendingGifsRequest { page_size: 10, page_token: String::new() };
    assert_eq!(ada.api.list_trending_gifs(trending).await.unwrap().gifs.len(), 2);
    let shelf = ada.api.list_gif_categories(v1::ListGifCategoriesRequest {}).await.unwrap();
    assert_eq!(shelf.attribution, attribution);
    let [category] = &shelf.categories[..] else { panic!("{shelf:?}") };
    assert_eq!(category.query, "thumbs up");
    let cover = category.gif.clone().unwrap().preview;
    // Previews come by way of this server, and are asked for once.
    for path in [&gif.preview, &gif.preview, &cover] {
        let answer = fetch(&server, &bob, path).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"image/webp".parse().unwrap())
        );
        assert_eq!(answer.bytes().await.unwrap(), PIECE);
    }
    assert!(provider.asked("/pictures/") <= 2);
    let save = v1::SaveGifRequest { gif_id: gif.id.clone() };
    let media = ada.api.save_gif(save.clone()).await.unwrap().media.unwrap();
    assert!(media.animated && media.kind() == v1::MediaKind::Picture);
    let asked = provider.asked("");
    assert_eq!(bob.api.save_gif(save).await.unwrap().media.unwrap(), media);
    assert_eq!(provider.asked(""), asked, "what is kept is not asked for again");
    ada.api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id: gif.id.clone() }).await.unwrap();
    // A GIF of the server's own can be shown whoever is asked; one of another provider cannot.
    assert_eq!(fetch(&server, &ada, "/gif/builtin/cat").await.status(), 200);
    for id in [format!("{name}/999"), "other/12345".into(), format!("{name}/canary")] {
        not_found(ada.api.save_gif(v1::SaveGifRequest { gif_id: id.clone() }).await);
        assert_eq!(fetch(&server, &ada, &format!("/gif/{id}")).await.status(), 404);
    }
    // After a restart it is asked where the GIF is; with the provider away, favourites are listed all the same.
    let store = server.stop().await;
    let mut config = store.config();
    config.gif = Settings { provider: choice, key: Key::from(KEY), base_url: format!("http://{}", provider.address) };
    let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
    assert_eq!(fetch(&server, &ada, &gif.preview).await.status(), 200);
    let store = server.stop().await;
    config.gif.base_url = format!("http://{}", bind().await.local_addr().unwrap());
    let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
    let ada = Person { api: rookery_client::Api::new(&server.url(), Some(&ada.token)).unwrap(), ..ada };
    unavailable(ada.api.search_gifs(ask("cat", "")).await);
    let favorites = ada.api.list_favorite_gifs(v1::ListFavoriteGifsRequest::default()).await.unwrap().gifs;
    assert_eq!(favorites, [gif]);
    assert_eq!(provider.asked_inside.load(Ordering::Relaxed), 0);
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: Result<T, rookery_client::Error>) {
    let error = answer.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.reason, Some(v1::ErrorReason::Unavailable), "{shown}");
    assert!(!shown.contains(KEY) && !shown.contains("127.0.0.1"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_uses_up_the_operators_questions() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Provider::start().await;
    let base_url = format!("http://{}", provider.address);
    let server = Served::with(Backend::Sqlite, |config| {
        config.gif = Settings { provider: Choice::Klipy, key: Key::from(KEY), base_url };
        config.limits.enabled = true;
        config.limits.gif_rate = "3 + 1/h".parse().unwrap();
    })
    .await;
    let ada = server.user("ada").await;
    let listed = ada.api.list_trending_gifs(v1::ListTrendingGifsRequest { page_size: 10, ..Default::default() }).await;
    let gif = listed.unwrap().gifs.remove(0);
    let mut statuses = Vec::new();
    for n in 0..5 {
        statuses.push(fetch(&server, &ada, &format!("/gif/klipy/unknown{n}")).await.status().as_u16());
    }
    assert_eq!(statuses, [404, 404, 429, 429, 429]);
    // What she was just told of is no question.
    assert_eq!(fetch(&server, &ada, &gif.preview).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn klipy_is_taken_over() {
    is_taken_over(Choice::Klipy, "klipy", "Powered by KLIPY", "CAgQ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn giphy_is_taken_over() {
    is_taken_over(Choice::Giphy, "giphy", "Powered by GIPHY", "8").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_turns_bad_harms_nobody() {
    let provider = Provider::start().await;
    for (choice, name) in [(Choice::Klipy, "klipy"), (Choice::Giphy, "giphy")] {
        let server = provider.serve(choice).await;
        let ada = server.user("ada").await;
        for query in ["redirect", "endless", "silent", "words", "broken"] {
            let begun = Instant::now();
            unavailable(ada.api.search_gifs(ask(query, "")).await);
            assert!(begun.elapsed() < Duration::from_millis(6500), "{query} took {:?}", begun.elapsed());
        }
        // What is no picture, or a very large one, is not handed on.
        for query in ["page", "huge"] {
            assert_eq!(ada.api.search_gifs(ask(query, "")).await.unwrap().gifs.len(), 1);
            assert_eq!(fetch(&server, &ada, &format!("/gif/{name}/odd")).await.status(), 404);
            not_found(ada.api.save_gif(v1::SaveGifRequest { gif_id: format!("{name}/odd") }).await);
        }
        if choice == Choice::Giphy {
            bad_field(ada.api.search_gifs(ask("cat", "9999")).await, "page_token");
        }
    }
    assert_eq!(provider.asked_inside.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn settings_that_cannot_be_are_told_at_the_start() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (key, base_url, says) in [
        ("", "", "gif.key is missing"),
        (KEY, "http://media.example", "must begin with https://"),
        (KEY, "nowhere", "is no address"),
    ] {
        let store = crate::harness::Store::new(Backend::Sqlite).await;
        let mut config = store.config();
        config.gif = Settings { provider: Choice::Klipy, key: Key::from(key), base_url: base_url.into() };
        let error =
            rookery_server::Server::open(&config, rookery_server::domain::ctx::Clock::system()).await.err().unwrap();
        assert!(error.contains(says) && !error.contains(KEY), "{error}");
    }
}
