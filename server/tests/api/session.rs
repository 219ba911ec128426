//! Sessions and tokens: listed, ended, expired; and that what has ended is dead at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::{
    Code,
    v1::{self, ErrorReason, TokenScope},
};
use rookery_server::domain::ctx::Clock;

use crate::{
    exchange::try_ask,
    harness::{Backend, PASSWORD, Person, Served, Store},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found, refused},
};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A server whose clock goes by hand.
pub async fn by_hand(backend: Backend) -> (Served, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(1_800_000_000_000));
    let store = Store::new(backend).await;
    let clock = Clock::new({
        let now = now.clone();
        move || now.load(Ordering::SeqCst)
    });
    let config = store.config();
    (Served::serve(store, &config, clock).await, now)
}

/// One more device of somebody's.
pub async fn device(server: &Served, of: &Person, name: &str) -> Person {
    let request = v1::SignInRequest {
        name: of.name.clone(),
        password: PASSWORD.into(),
        device: name.into(),
        ..Default::default()
    };
    let token = server.anonymous().sign_in(request).await.unwrap().token;
    Person { api: of.api.with_token(Some(&token)).unwrap(), token, ..of.clone() }
}

/// A script's token of somebody's.
pub async fn script(of: &Person, scopes: &[TokenScope]) -> Person {
    let request = v1::CreateTokenRequest {
        name: "script".into(),
        scopes: scopes.iter().map(|scope| i32::from(*scope)).collect(),
        ..Default::default()
    };
    let token = of.api.create_token(request).await.unwrap().token;
    Person { api: of.api.with_token(Some(&token)).unwrap(), token, ..of.clone() }
}

pub async fn alive(person: &Person) -> bool {
    match person.api.get_user(v1::GetUserRequest::default()).await {
        Ok(_) => true,
        answer => {
            refused(answer, Code::Unauthenticated, ErrorReason::Unauthenticated);
            false
        }
    }
}

async fn list(person: &Person) -> Vec<v1::Session> {
    person.api.list_sessions(v1::ListSessionsRequest {}).await.unwrap().sessions
}

fn one(session_id: &str) -> v1::RevokeSessionRequest {
    v1::RevokeSessionRequest { session_id: session_id.into(), all_others: false }
}

/// The stream ends within two seconds, without anything that was said meanwhile.
pub async fn ends_at_once(mut listener: Listener) {
    let ended = tokio::time::timeout(Duration::from_secs(2), listener.end()).await.expect("the stream lives on");
    assert_eq!((ended.code, ended.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
}

on_both! {
    async fn sessions_are_listed_newest_first(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        now.fetch_add(1000, Ordering::SeqCst);
        let phone = device(&server, &ada, "phone").await;
        now.fetch_add(1000, Ordering::SeqCst);
        let request = v1::CreateTokenRequest {
            name: " nightly ".into(),
            scopes: vec![TokenScope::Write.into(), TokenScope::Read.into(), TokenScope::Read.into()],
            expires_in: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        };
        let made = ada.api.create_token(request).await.unwrap();
        assert!(made.token.starts_with("rk_") && made.token.len() == 67);
        now.fetch_add(60_000, Ordering::SeqCst);
        let sessions = list(&phone).await;
        let told: Vec<_> = sessions.iter().map(|s| (s.device.as_str(), s.current, s.scopes.clone())).collect();
        assert_eq!(told, [("nightly", false, vec![1, 2]), ("phone", true, vec![]), ("", false, vec![])]);
        assert_eq!(sessions[0], made.session.unwrap());
        let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds - 1_800_000_000);
        assert_eq!((seconds(&sessions[0].expires_at), seconds(&sessions[0].used_at)), (Some(3602), None));
        assert_eq!((seconds(&sessions[1].created_at), seconds(&sessions[1].used_at)), (Some(1), Some(62)));
        assert_eq!(seconds(&sessions[1].expires_at), Some(62 + 30 * 86_400));
        assert_eq!(seconds(&sessions[2].used_at), Some(2), "it made the token");
    }

    async fn a_session_that_is_revoked_is_dead_at_once_and_so_are_its_streams(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let bob = server.user("bob").await;
        let (phone, tablet) = (device(&server, &ada, "phone").await, device(&server, &ada, "tablet").await);
        let reader = script(&ada, &[TokenScope::Read]).await;
        assert!(alive(&phone).await && alive(&tablet).await && alive(&reader).await);
        let (on_phone, on_tablet, of_script) =
            (Listener::open(&phone).await, Listener::open(&tablet).await, Listener::open(&reader).await);
        let mut at_desk = Listener::open(&ada).await;
        let sessions = list(&ada).await;
        let id_of = |name: &str| sessions.iter().find(|session| session.device == name).unwrap().id.clone();
        // What somebody else may not know of is not there.
        not_found(bob.api.revoke_session(one(&id_of("phone"))).await);
        not_found(ada.api.revoke_session(one("0123456789abcdef")).await);
        not_found(ada.api.revoke_session(one("a\0b")).await);
        bad_field(ada.api.revoke_session(v1::RevokeSessionRequest::default()).await, "session_id");
        let both = v1::RevokeSessionRequest { all_others: true, ..one(&id_of("phone")) };
        bad_field(ada.api.revoke_session(both).await, "session_id");
        assert!(alive(&phone).await);

        let ended = ada.api.revoke_session(one(&id_of("phone"))).await.unwrap().ended;
        assert_eq!((ended, alive(&phone).await), (1, false));
        bob.say(1, "after the phone").await;
        ends_at_once(on_phone).await;
        not_found(ada.api.revoke_session(one(&id_of("phone"))).await);
        assert!(list(&ada).await.iter().all(|session| session.device != "phone"));

        let all = v1::RevokeSessionRequest { all_others: true, ..Default::default() };
        assert_eq!(ada.api.revoke_session(all.clone()).await.unwrap().ended, 2);
        assert_eq!((alive(&tablet).await, alive(&reader).await, alive(&ada).await), (false, false, true));
        ends_at_once(on_tablet).await;
        ends_at_once(of_script).await;
        assert_eq!(ada.api.revoke_session(all).await.unwrap().ended, 0);
        assert_eq!(list(&ada).await.len(), 1);
        assert_eq!(at_desk.message().await.text, "after the phone");
        assert!(alive(&bob).await);
    }

    async fn ending_and_using_a_session_at_once_never_lets_the_ended_one_in(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for round in 0..15 {
            let phone = device(&server, &ada, &format!("phone {round}")).await;
            let uses: Vec<_> = (0..4)
                .map(|_| {
                    let phone = phone.clone();
                    tokio::spawn(async move { while phone.api.get_user(v1::GetUserRequest::default()).await.is_ok() {} })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(round * 2)).await;
            let all = v1::RevokeSessionRequest { all_others: true, ..Default::default() };
            assert_eq!(ada.api.revoke_session(all).await.unwrap().ended, 1);
            for _ in 0..5 {
                assert!(!alive(&phone).await, "round {round}");
            }
            for task in uses {
                task.await.unwrap();
            }
        }
    }

    async fn a_device_ends_when_it_is_idle_or_old_and_its_streams_with_it(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        let phone = device(&server, &ada, "phone").await;
        let forever = script(&ada, &[TokenScope::Read]).await;
        let request = v1::CreateTokenRequest {
            name: "a day".into(),
            scopes: vec![TokenScope::Read.into()],
            expires_in: Some(prost_types::Duration { seconds: 86_400, nanos: 0 }),
        };
        let token = ada.api.create_token(request).await.unwrap().token;
        let a_day = Person { api: ada.api.with_token(Some(&token)).unwrap(), token, ..ada.clone() };
        let (on_phone, of_a_day) = (Listener::open(&phone).await, Listener::open(&a_day).await);
        let on = |days: i64| now.fetch_add(days * DAY, Ordering::SeqCst);
        on(1);
        assert!(!alive(&a_day).await);
        // Which streams have outlived their sessions is looked at once a second here, since the clock goes so fast.
        let mut of_a_day = of_a_day;
        of_a_day.end().await;
        assert!(alive(&ada).await && alive(&phone).await);
        on(29);
        assert!(alive(&ada).await);
        drop(on_phone);
        let mut at_desk = Listener::open(&ada).await;
        // The phone was last used on the first day, the desk just now.
        on(2);
        assert!(!alive(&phone).await && alive(&ada).await);
        assert_eq!(list(&ada).await.len(), 2, "the desk and the token that never ends");
        for _ in 0..2 {
            on(28);
            assert!(alive(&ada).await);
        }
        on(2);
        assert!(!alive(&ada).await, "whatever its use, a device ends after 90 days");
        at_desk.end().await;
        assert!(alive(&forever).await);
    }

    async fn an_idle_session_ends_its_stream(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        let at_desk = Listener::open(&ada).await;
        now.fetch_add(31 * DAY, Ordering::SeqCst);
        ends_soon(at_desk).await;
        assert!(!alive(&ada).await);
    }

    async fn the_least_used_device_makes_room_for_the_twenty_first(backend) {
        let (server, now) = by_hand(backend).await;
        let first = server.user("ada").await;
        let mut devices = vec![first.clone()];
        for number in 1..20 {
            now.fetch_add(1000, Ordering::SeqCst);
            devices.push(device(&server, &first, &format!("device {number}")).await);
        }
        now.fetch_add(1000, Ordering::SeqCst);
        assert!(alive(&devices[0]).await && alive(&devices[2]).await);
        let listening = Listener::open(&devices[1]).await;
        for number in [0, 2, 3, 4, 5] {
            now.fetch_add(1000, Ordering::SeqCst);
            assert!(alive(&devices[number]).await);
        }
        script(&first, &[TokenScope::Read]).await;
        now.fetch_add(1000, Ordering::SeqCst);
        // Of those that were never used, the one that began first; the stream was a use.
        let twenty_first = device(&server, &first, "device 20").await;
        assert_eq!(list(&twenty_first).await.len(), 21, "20 devices and a token");
        assert!(!alive(&devices[6]).await);
        now.fetch_add(1000, Ordering::SeqCst);
        for number in (0..20).filter(|number| ![1, 6].contains(number)) {
            assert!(alive(&devices[number]).await, "{number}");
        }
        device(&server, &first, "device 21").await;
        assert!(!alive(&devices[1]).await);
        ends_at_once(listening).await;
    }

    async fn tokens_are_bounded_and_their_fields_are_checked(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        let read = v1::CreateTokenRequest {
            name: "t".into(),
            scopes: vec![TokenScope::Read.into()],
            expires_in: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        };
        for name in ["", "  ", "a\nb", &"x".repeat(65)] {
            bad_field(ada.api.create_token(v1::CreateTokenRequest { name: name.into(), ..read.clone() }).await, "name");
        }
        for scopes in [vec![], vec![0], vec![1, 0], vec![5], vec![-1], vec![1, 99]] {
            bad_field(ada.api.create_token(v1::CreateTokenRequest { scopes, ..read.clone() }).await, "scopes");
        }
        for (seconds, nanos) in [(0, 0), (-1, 0), (3653 * 86_400 + 1, 0), (i64::MAX, 0), (1, -1), (1, 1_000_000_000)] {
            let expires_in = Some(prost_types::Duration { seconds, nanos });
            bad_field(ada.api.create_token(v1::CreateTokenRequest { expires_in, ..read.clone() }).await, "expires_in");
        }
        let mut tokens = std::collections::HashSet::new();
        for _ in 0..100 {
            tokens.insert(ada.api.create_token(read.clone()).await.unwrap().token);
        }
        assert_eq!(tokens.len(), 100);
        refused(ada.api.create_token(read.clone()).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        now.fetch_add(60_000, Ordering::SeqCst);
        ada.api.create_token(read).await.unwrap();
    }

    async fn signing_in_again_ends_the_session_that_the_device_carries(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let reader = script(&ada, &[TokenScope::Read]).await;
        let phone = device(&server, &ada, "phone").await;
        let sign_in = |name: &str| v1::SignInRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() };
        let at_desk = Listener::open(&ada).await;
        // An invented token is none, and does not become one.
        let invented = format!("rk_{}", "7".repeat(64));
        let attacker = Person { api: ada.api.with_token(Some(&invented)).unwrap(), token: invented.clone(), ..ada.clone() };
        assert!(!alive(&attacker).await);
        let answer = attacker.api.sign_in(sign_in("ada")).await.unwrap();
        assert_ne!(answer.token, invented);
        assert!(!alive(&attacker).await && alive(&ada).await);
        // Her own ends; those of others, and scripts', are nothing to signing in.
        let answer = ada.api.sign_in(sign_in("ada")).await.unwrap();
        assert_ne!(answer.token, ada.token);
        assert!(!alive(&ada).await);
        ends_at_once(at_desk).await;
        bob.api.sign_in(sign_in("ada")).await.unwrap();
        reader.api.sign_in(sign_in("ada")).await.unwrap();
        assert!(alive(&bob).await && alive(&reader).await && alive(&phone).await);
        let again = Person { api: ada.api.with_token(Some(&answer.token)).unwrap(), token: answer.token, ..ada };
        assert!(alive(&again).await);
    }

    async fn odd_headers_are_no_way_in(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let token = ada.token.as_str();
        let status = async |path: &str, headers: &[(&str, &str)]| {
            try_ask(server.address, "GET", path, headers, b"").await.unwrap().status
        };
        let file = format!("/media/{}", "0".repeat(32));
        for good in ["Bearer ", "bearer ", "BEARER ", "Bearer  "] {
            // She is known, and there is no such file.
            assert_eq!(status(&file, &[("authorization", &format!("{good}{token}"))]).await, 404, "{good}");
        }
        let long = format!("Bearer {}", "x".repeat(6000));
        let other_script = format!("Bearer {}é", &token[..token.len() - 2]);
        for bad in [
            token,
            "",
            "Bearer",
            "Bearer ",
            &format!("Basic {token}"),
            &format!("Bearer\t{token}"),
            &format!("Béarer {token}"),
            &format!("Bearer {token} {token}"),
            &other_script,
            &long,
        ] {
            assert_eq!(status(&file, &[("authorization", bad)]).await, 401, "{bad}");
        }
        let twice = format!("Bearer {token}");
        assert_eq!(status(&file, &[("authorization", &twice), ("authorization", &twice)]).await, 401);
        for path in [format!("{file}?token={token}"), format!("{file}?authorization=Bearer%20{token}"), format!("/media/{token}")] {
            assert_eq!(status(&path, &[]).await, 401, "{path}");
        }
    }
}

async fn ends_soon(mut listener: Listener) {
    let ended = listener.end().await;
    assert_eq!((ended.code, ended.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
}
