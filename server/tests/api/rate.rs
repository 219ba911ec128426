//! Rates: who calls too often is told when to come again, and gets through when she does.

use std::time::{Duration, Instant};

use prost::Message;
use rookery_client::{
    Api, Code, Error,
    v1::{self, ErrorReason},
};

use crate::{
    corpus,
    exchange::upload,
    harness::{Backend, Person, Served, unique},
    on_both,
    raw::{Raw, methods, name_of, reason},
    refusal::refused,
};

/// With rates that a test can reach.
async fn served(backend: Backend) -> Served {
    Served::with(backend, |config| {
        let limits = &mut config.limits;
        limits.enabled = true;
        for rate in [&mut limits.send_rate, &mut limits.change_rate, &mut limits.history_rate, &mut limits.upload_rate]
        {
            *rate = "5 + 1/s".parse().unwrap();
        }
        limits.profile_rate = "3 + 1/s".parse().unwrap();
        limits.creation_rate = "2 + 1/min".parse().unwrap();
    })
    .await
}

fn message(text: &str) -> v1::SendMessageRequest {
    let request_id = uuid::Uuid::from_u128(rand::random()).to_string();
    v1::SendMessageRequest { conversation_id: 1, text: text.into(), request_id, ..Default::default() }
}

/// How long the server says to wait.
#[track_caller]
fn wait<T: std::fmt::Debug>(answer: Result<T, Error>) -> Duration {
    refused(answer, Code::ResourceExhausted, ErrorReason::RateLimited).retry_after.expect("it is told how long to wait")
}

/// Calls `call` until it is refused; how often it was not, and the wait.
async fn exhaust<T: std::fmt::Debug, F: Future<Output = Result<T, Error>>>(call: impl Fn() -> F) -> (usize, Duration) {
    for n in 0..50 {
        let answer = call().await;
        if answer.is_err() {
            return (n, wait(answer));
        }
    }
    panic!("nobody is ever refused")
}

on_both! {
    async fn who_obeys_gets_through(backend) {
        let server = served(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (sent, first) = exhaust(|| ada.api.send_message(message("hi"))).await;
        assert!((5..=8).contains(&sent), "{sent}");
        assert!(first <= Duration::from_secs(1), "{first:?}");
        bob.say(1, "another one waits for nothing").await;
        assert_eq!(ada.messages(1).await.len(), sent + 1, "what is refused is not stored");
        // Each wait is as long as it is said to be: after it the call gets through at its first try.
        let mut next = first;
        for _ in 0..3 {
            tokio::time::sleep(next).await;
            ada.say(1, "again").await;
            next = wait(ada.api.send_message(message("too soon")).await);
        }
    }

    async fn twice_as_often_is_half_of_it(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        exhaust(|| ada.api.send_message(message("hi"))).await;
        let start = Instant::now();
        let (mut sent, mut tried) = (0, 0);
        while start.elapsed() < Duration::from_secs(5) {
            sent += usize::from(ada.api.send_message(message("hi")).await.is_ok());
            tried += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let most = start.elapsed().as_secs() as usize + 2;
        assert!((2..=most).contains(&sent) && sent < tried, "{sent} of {tried}");
        tokio::time::sleep(Duration::from_secs(5)).await;
        for _ in 0..5 {
            ada.say(1, "after a pause the bucket is full again").await;
        }
    }

    async fn a_repeat_is_answered_whatever_the_rate(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        let known = message("once");
        let first = ada.api.send_message(known.clone()).await.unwrap().message.unwrap();
        exhaust(|| ada.api.send_message(message("hi"))).await;
        for _ in 0..20 {
            assert_eq!(ada.api.send_message(known.clone()).await.unwrap().message.unwrap(), first);
        }
        let other = v1::SendMessageRequest { text: "other".into(), ..known };
        refused(ada.api.send_message(other).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        let group = |name: &str| v1::CreateGroupRequest {
            name: name.into(),
            request_id: uuid::Uuid::from_u128(rand::random()).to_string(),
            ..Default::default()
        };
        let made = group("made");
        let id = ada.api.create_group(made.clone()).await.unwrap().conversation.unwrap().id;
        let (more, pause) = exhaust(|| ada.api.create_group(group("more"))).await;
        assert!(more == 1 && pause > Duration::from_secs(30), "{more}, {pause:?}");
        assert_eq!(ada.api.create_group(made).await.unwrap().conversation.unwrap().id, id);
    }

    async fn each_class_is_counted_apart(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        let said = ada.say(1, "hello").await;
        let at = (said.conversation_id, said.id);
        let emote = |n: usize| v1::AddReactionRequest { conversation_id: at.0, id: at.1, emote: ["a", "b"][n % 2].into() };
        let (changes, _) = exhaust(|| ada.api.add_reaction(emote(0))).await;
        let edit = v1::EditMessageRequest { conversation_id: at.0, id: at.1, text: "other".into() };
        wait(ada.api.edit_message(edit).await);
        let history = || v1::ListMessagesRequest { conversation_id: 1, ..Default::default() };
        let (pages, _) = exhaust(|| ada.api.list_messages(history())).await;
        let name = || v1::UpdateProfileRequest { display_name: unique("n"), ..Default::default() };
        let (profiles, _) = exhaust(|| ada.api.update_profile(name())).await;
        for (count, least) in [(changes, 5), (pages, 5), (profiles, 3)] {
            assert!((least..least + 4).contains(&count), "{count} of {least}");
        }
        let file = || v1::UploadMediaRequest { name: "f".into(), content: b"words".to_vec() };
        exhaust(|| ada.api.upload_media(file())).await;
        let mut waited = false;
        for _ in 0..10 {
            let answer = upload(server.address, &ada.token, "f", b"words").await;
            if answer.status == 429 {
                assert_eq!((answer.text("reason").as_str(), answer.header("retry-after")), ("RATE_LIMITED", "1"));
                waited = true;
            }
        }
        assert!(waited, "the same bucket counts files over HTTP");
        ada.say(1, "and sending is another matter").await;
    }
}

/// Per address: IPv4, or a /64 of IPv6. The machine itself is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_not_try_passwords_or_make_accounts_without_end() {
    let server = Served::with(Backend::Sqlite, |config| {
        config.limits.enabled = true;
        config.limits.sign_in_rate = "3 + 1/h".parse().unwrap();
        config.limits.bad_token_rate = "5 + 1/h".parse().unwrap();
    })
    .await;
    let ada = server.user("ada").await;
    let raw = Raw::new(server.address);
    let outcome =
        |answer: Result<Vec<u8>, tonic::Status>| answer.map_or_else(|status| reason(&status), |_| "OK".into());
    let sign_in = async |address: &str| {
        let request = v1::SignInRequest { name: unique("x"), password: "wrong password".into(), ..Default::default() };
        outcome(raw.call_from(address, None, "AccountService/SignIn", request.encode_to_vec()).await)
    };
    let register = async |address: &str| {
        let request = v1::RegisterRequest { name: unique("x"), password: "long enough".into(), ..Default::default() };
        outcome(raw.call_from(address, None, "AccountService/Register", request.encode_to_vec()).await)
    };
    let bad_token = async |address: &str| {
        outcome(raw.call_from(address, Some("rk_wrong"), "UserService/GetUser", Vec::new()).await)
    };
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push((sign_in("203.0.113.1").await, register("203.0.113.1").await));
    }
    let expected = [("WRONG_CREDENTIALS", "OK"); 3].into_iter().chain([("RATE_LIMITED", "RATE_LIMITED")]);
    assert_eq!(said, expected.map(|(one, other)| (one.to_owned(), other.to_owned())).collect::<Vec<_>>());
    assert_eq!(sign_in("203.0.113.2").await, "WRONG_CREDENTIALS", "another address");
    for n in 0..3 {
        assert_eq!(sign_in(&format!("2001:db8:1:2::{n}")).await, "WRONG_CREDENTIALS");
    }
    assert_eq!(sign_in("2001:db8:1:2:3:4:5:6").await, "RATE_LIMITED", "the same subscriber");
    assert_eq!(sign_in("2001:db8:1:3::1").await, "WRONG_CREDENTIALS", "her neighbour");
    for _ in 0..5 {
        assert_eq!(bad_token("203.0.113.1").await, "UNAUTHENTICATED");
    }
    assert_eq!(bad_token("203.0.113.1").await, "RATE_LIMITED");
    // Who shares the address and has a token is let in.
    let own = raw.call_from("203.0.113.1", Some(&ada.token), "UserService/GetUser", Vec::new()).await;
    assert_eq!(outcome(own), "OK");
    for _ in 0..10 {
        assert_eq!(sign_in("127.0.0.1").await, "WRONG_CREDENTIALS");
        assert_eq!(bad_token("127.0.0.1").await, "UNAUTHENTICATED");
    }
}

/// Every method that needs a token, called far too often, says so in the end: none is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn every_method_has_a_rate() {
    let server = Served::with(Backend::Sqlite, |config| {
        config.limits.enabled = true;
        let limits = &mut config.limits;
        for rate in [
            &mut limits.send_rate,
            &mut limits.change_rate,
            &mut limits.profile_rate,
            &mut limits.creation_rate,
            &mut limits.history_rate,
            &mut limits.search_rate,
            &mut limits.upload_rate,
            &mut limits.gif_rate,
            &mut limits.stream_rate,
            &mut limits.export_rate,
            &mut limits.call_rate,
        ] {
            *rate = "3 + 1/h".parse().unwrap();
        }
    })
    .await;
    let raw = Raw::new(server.address);
    for method in methods() {
        let name = name_of(&method);
        let open = ["AccountService/Register", "AccountService/SignIn", "ServerService/GetServerInfo"];
        // The first try ends the session.
        if open.contains(&name.as_str()) || name == "AccountService/SignOut" {
            continue;
        }
        let Person { token, .. } = server.user(&unique("p")).await;
        let body = match name.as_str() {
            "MessageService/SendMessage" => {
                v1::SendMessageRequest { request_id: String::new(), ..message("hi") }.encode_to_vec()
            }
            _ => Vec::new(),
        };
        let mut last = None;
        for _ in 0..6 {
            last = raw.call(Some(&token), &name, body.clone()).await.err();
        }
        let status = last.unwrap_or_else(|| panic!("{name} may be called without end"));
        assert!(["RATE_LIMITED", "UNIMPLEMENTED"].contains(&reason(&status).as_str()), "{name}: {status:?}");
    }
}

/// Without the switch nobody waits.
#[tokio::test(flavor = "multi_thread")]
async fn rates_can_be_switched_off() {
    let server = Served::start(Backend::Sqlite).await;
    let ada = server.user("ada").await;
    let api: Api = ada.api.clone();
    let calls = (0..500).map(|_| api.get_user(v1::GetUserRequest::default()));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
}

/// H14: so many pictures may wait; who brings more is told to come again, and leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_wait_are_few() {
    let server = Served::with(Backend::Sqlite, |config| config.limits.pictures_waiting = 2).await;
    let ada = server.user("ada").await;
    let content = corpus::noise(900, 900);
    let bring = || v1::UploadMediaRequest { name: "p.png".into(), content: content.clone() };
    let answers = futures::future::join_all((0..20).map(|_| ada.api.upload_media(bring()))).await;
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((2..20).contains(&kept), "{kept} of 20");
    for answer in answers.into_iter().filter(Result::is_err) {
        assert!(wait(answer) >= Duration::from_secs(1));
    }
    let media = server.store.dir.join("media");
    let folders =
        std::fs::read_dir(media).unwrap().flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    assert_eq!(folders.count(), kept * 2, "a picture and its thumbnail for each that was kept");
    ada.api.upload_media(bring()).await.unwrap();
}
