//! Accounts: registering, signing in and out, and what of it is kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::{
    Code,
    v1::{self, ErrorReason},
};
use rookery_server::domain::ctx::Clock;

use crate::{
    harness::{Backend, PASSWORD, Served, Store},
    listener::Listener,
    on_both,
    raw::{Raw, seen},
    refusal::{bad_field, refused},
};

fn account(name: &str) -> v1::RegisterRequest {
    v1::RegisterRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() }
}

on_both! {
    async fn an_account_is_what_was_asked_for(backend) {
        let server = Served::start(backend).await;
        let request =
            v1::RegisterRequest { display_name: "  Ada Lovelace ".into(), device: "desk".into(), ..account("Ada") };
        let answer = server.anonymous().register(request).await.unwrap();
        let user = answer.user.unwrap();
        assert_eq!((user.name.as_str(), user.display_name.as_str(), user.about.as_str()), ("Ada", "Ada Lovelace", ""));
        assert!(user.id > 0 && user.created_at.is_some());
        let ada = server.anonymous().with_token(Some(&answer.token)).unwrap();
        assert_eq!(ada.get_user(v1::GetUserRequest::default()).await.unwrap().user.unwrap(), user);
        let plain = server.anonymous().register(account("bob")).await.unwrap().user.unwrap();
        assert_eq!(plain.display_name, "bob", "without a name to show, the login name is shown");
        assert!(plain.id > user.id);
    }

    async fn a_name_is_taken_in_any_case(backend) {
        let server = Served::start(backend).await;
        let api = server.anonymous();
        for (first, again) in [("Ada", "aDA"), ("Émile", "éMILE"), ("Ωμέγα", "ωΜΈΓΑ")] {
            api.register(account(first)).await.unwrap();
            let error = refused(api.register(account(again)).await, Code::AlreadyExists, ErrorReason::NameTaken);
            assert_eq!(error.fields[0].0, "name");
        }
        let tries = (0..20).map(|n| {
            let api = api.clone();
            tokio::spawn(async move { api.register(account(if n % 2 == 0 { "race" } else { "RACE" })).await })
        });
        let mut won = 0;
        for attempt in tries.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => assert!(
                    matches!(error.reason, Some(ErrorReason::NameTaken | ErrorReason::RateLimited)),
                    "{error:?}"
                ),
            }
        }
        assert_eq!(won, 1);
    }

    async fn bad_fields_are_named(backend) {
        let server = Served::start(backend).await;
        let api = server.anonymous();
        for name in ["", "a", "a b", "..", "-_", "a\u{202e}b", "a\0b", "a/b", &"x".repeat(33), "  ada"] {
            bad_field(api.register(account(name)).await, "name");
        }
        for password in ["", "seven77", &"x".repeat(129), &"é".repeat(300)] {
            bad_field(
                api.register(v1::RegisterRequest { password: password.into(), ..account("ada") }).await,
                "password",
            );
        }
        for display_name in ["a\nb", "a\u{0}b", "a\u{2066}b", &"x".repeat(33)] {
            let request = v1::RegisterRequest { display_name: display_name.into(), ..account("ada") };
            bad_field(api.register(request).await, "display_name");
        }
        for device in ["a\tb", &"x".repeat(65)] {
            bad_field(api.register(v1::RegisterRequest { device: device.into(), ..account("ada") }).await, "device");
        }
        for (name, password) in [
            ("ab", "8 chars!"),
            (&"y".repeat(32), &"é".repeat(128)),
            ("Ünï.co-d_e1", "\u{1f512}\u{1f512}\u{1f512}\u{1f512}1234"),
        ] {
            let request = v1::RegisterRequest { password: password.into(), ..account(name) };
            api.register(request).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let request =
                v1::SignInRequest { name: name.to_uppercase(), password: password.into(), ..Default::default() };
            api.sign_in(request).await.unwrap();
        }
    }

    async fn a_wrong_name_and_a_wrong_password_look_the_same(backend) {
        let server = Served::start(backend).await;
        server.user("ada").await;
        let raw = Raw::new(server.address);
        let mut answers = Vec::new();
        for (name, password) in [
            ("nobody", PASSWORD),
            ("ada", "wrong horse battery"),
            ("ada", ""),
            ("", ""),
            ("no such name", PASSWORD),
            ("ada", &"x".repeat(5000)),
            ("a\0a", PASSWORD),
        ] {
            let request = v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() };
            let status = raw.send(None, "AccountService/SignIn", &request).await.unwrap_err();
            assert_eq!(crate::raw::reason(&status), "WRONG_CREDENTIALS");
            answers.push(seen(&status));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }

    async fn a_name_of_any_length_is_wrong_like_any_and_is_not_remembered(backend) {
        let server = Served::start(backend).await;
        for length in [513, 200_000] {
            // Of a name that is remembered, the sixth try would be told to wait.
            for _ in 0..8 {
                let request = v1::SignInRequest { name: "a".repeat(length), password: PASSWORD.into(), ..Default::default() };
                let answer = server.anonymous().sign_in(request).await;
                refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
            }
        }
    }

    async fn who_guesses_waits_longer_each_time(backend) {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let store = Store::new(backend).await;
        let config = store.config();
        let clock = Clock::new({
            let now = now.clone();
            move || now.load(Ordering::SeqCst)
        });
        let server = Served::serve(store, &config, clock).await;
        server.user("ada").await;
        server.user("bob").await;
        let sign_in = async |name: &str, password: &str| {
            let request = v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() };
            server.anonymous().sign_in(request).await
        };
        // A name that nobody has is treated like one that somebody has.
        for name in ["ada", "nobody"] {
            for _ in 0..5 {
                let answer = sign_in(name, "not the password").await;
                refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
            }
            let error = refused(sign_in(name, PASSWORD).await, Code::ResourceExhausted, ErrorReason::RateLimited);
            assert_eq!(error.retry_after, Some(Duration::from_secs(6)));
        }
        sign_in("bob", PASSWORD).await.unwrap();
        now.fetch_add(6_000, Ordering::SeqCst);
        refused(sign_in("Ada", "not it either").await, Code::Unauthenticated, ErrorReason::WrongCredentials);
        let error = refused(sign_in("ada", PASSWORD).await, Code::ResourceExhausted, ErrorReason::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(12)));
        now.fetch_add(12_000, Ordering::SeqCst);
        sign_in("ada", PASSWORD).await.unwrap();
        refused(sign_in("ada", "not the password").await, Code::Unauthenticated, ErrorReason::WrongCredentials);
        sign_in("ada", PASSWORD).await.unwrap();
    }

    async fn a_flood_of_guesses_is_told_to_wait_and_passes(backend) {
        // Here it is the hashing that is short of room.
        let server = Served::with(backend, |config| config.limits.sign_in_tries = 0).await;
        server.user("ada").await;
        let guesses = (0..120).map(|n| {
            let api = server.anonymous();
            let request =
                v1::SignInRequest { name: "ada".into(), password: format!("guess {n:05}"), ..Default::default() };
            tokio::spawn(async move { api.sign_in(request).await.unwrap_err() })
        });
        let mut told_to_wait = 0;
        for guess in guesses.collect::<Vec<_>>() {
            let error = guess.await.unwrap();
            match error.reason {
                Some(ErrorReason::RateLimited) => {
                    assert_eq!(error.code, Code::ResourceExhausted);
                    assert!(error.retry_after.is_some_and(|after| !after.is_zero()), "{error:?}");
                    told_to_wait += 1;
                }
                reason => assert_eq!(reason, Some(ErrorReason::WrongCredentials)),
            }
        }
        assert!(told_to_wait > 0);
        let right = v1::SignInRequest { name: "ada".into(), password: PASSWORD.into(), ..Default::default() };
        server.anonymous().sign_in(right).await.unwrap();
    }

    async fn signing_out_ends_the_session_and_its_streams_alone(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let request = v1::SignInRequest { name: "ADA".into(), password: PASSWORD.into(), device: "phone".into(), browser: false };
        let phone = server.anonymous().sign_in(request).await.unwrap();
        assert_eq!(phone.user.as_ref().unwrap().id, ada.id);
        assert_ne!(phone.token, ada.token);
        let phone = crate::harness::Person {
            api: ada.api.with_token(Some(&phone.token)).unwrap(),
            token: phone.token,
            ..ada.clone()
        };
        let mut at_desk = Listener::open(&ada).await;
        let mut on_phone = Listener::open(&phone).await;
        ada.api.sign_out(v1::SignOutRequest {}).await.unwrap();
        let ended = at_desk.end().await;
        assert_eq!((ended.code, ended.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
        for _ in 0..2 {
            let answer = ada.api.get_user(v1::GetUserRequest::default()).await;
            refused(answer, Code::Unauthenticated, ErrorReason::Unauthenticated);
        }
        refused(ada.api.sign_out(v1::SignOutRequest {}).await, Code::Unauthenticated, ErrorReason::Unauthenticated);
        let sent = phone.say(1, "still here").await;
        assert_eq!(on_phone.message().await, sent);
    }

    async fn a_closed_server_says_so(backend) {
        let server =
            Served::with(backend, |config| config.registration = rookery_server::config::Registration::Closed).await;
        refused(
            server.anonymous().register(account("ada")).await,
            Code::PermissionDenied,
            ErrorReason::RegistrationClosed,
        );
        let info = server.anonymous().get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
        assert!(!info.registration_open);
    }

    async fn the_server_tells_who_it_is(backend) {
        let server = Served::with(backend, |config| {
            config.name = "Nest".into();
            config.limits.text_characters = 100;
            config.timings.heartbeat = 7;
        })
        .await;
        let info = server.anonymous().get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
        assert_eq!((info.name.as_str(), info.version.as_str()), ("Nest", env!("CARGO_PKG_VERSION")));
        assert!(info.registration_open && info.history_id.len() == 32);
        let limits = info.limits.unwrap();
        assert_eq!((limits.text_characters, limits.text_bytes, limits.group_members), (100, 16384, 500));
        assert_eq!((limits.small_group, limits.replay, limits.reaction_kinds), (50, 1000, 20));
        let timings = info.timings.unwrap();
        assert_eq!(timings.heartbeat.unwrap().seconds, 7);
        assert_eq!(timings.timeout.unwrap().seconds, 45);
        let ada = server.user("ada").await;
        let ready = Listener::open(&ada).await.ready;
        assert_eq!((ready.history_id, ready.limits, ready.timings), (info.history_id, Some(limits), Some(timings)));
    }

    async fn secrets_are_kept_as_hashes_alone(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let store = server.stop().await;
        let hashes = store.texts("select password_hash from users").await;
        assert!(hashes[0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashes:?}");
        let tokens = store.texts("select token_hash from sessions").await;
        let secret = ada.token.strip_prefix("rk_").unwrap();
        assert!(tokens.iter().all(|hash| hash.len() == 64 && hash != secret));
        if backend == Backend::Sqlite {
            let entries = std::fs::read_dir(&store.dir).unwrap().map(|entry| entry.unwrap().path());
            for file in entries.filter(|path| path.is_file()) {
                let bytes = std::fs::read(file).unwrap();
                for secret in [PASSWORD, secret] {
                    assert!(
                        !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                        "a secret is on the disk"
                    );
                }
            }
        }
    }
}
