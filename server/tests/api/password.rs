//! Passwords: which there may be, how they are kept and changed, and guessing them.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rookery_client::{
    Code,
    v1::{self, ErrorReason, TokenScope},
};

use crate::{
    harness::{Backend, PASSWORD, Person, Served, Store, fault, in_full, patience},
    listener::Listener,
    on_both,
    refusal::{bad_field, refused},
    session::{alive, by_hand, device, ends_at_once, script},
};

const NEW: &str = "another horse entirely";

fn sign_in(name: &str, password: &str) -> v1::SignInRequest {
    v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() }
}

fn account(name: &str, password: &str) -> v1::RegisterRequest {
    v1::RegisterRequest { name: name.into(), password: password.into(), ..Default::default() }
}

fn change(password: &str, new_password: &str) -> v1::ChangePasswordRequest {
    v1::ChangePasswordRequest { password: password.into(), new_password: new_password.into(), keep_tokens: false }
}

on_both! {
    async fn changing_the_password_ends_all_other_sessions_and_their_streams(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let phone = device(&server, &ada, "phone").await;
        let (reader, other) = (script(&ada, &[TokenScope::Read]).await, script(&bob, &[TokenScope::Read]).await);
        let (on_phone, of_script) = (Listener::open(&phone).await, Listener::open(&reader).await);
        let mut at_desk = Listener::open(&ada).await;
        let keep = v1::ChangePasswordRequest { keep_tokens: true, ..change(PASSWORD, NEW) };
        ada.api.change_password(keep).await.unwrap();
        assert_eq!((alive(&phone).await, alive(&reader).await, alive(&ada).await), (false, true, true));
        bob.say(1, "afterwards").await;
        ends_at_once(on_phone).await;
        refused(
            server.anonymous().sign_in(sign_in("ada", PASSWORD)).await,
            Code::Unauthenticated,
            ErrorReason::WrongCredentials,
        );
        server.anonymous().sign_in(sign_in("ada", NEW)).await.unwrap();
        ada.api.change_password(change(NEW, PASSWORD)).await.unwrap();
        assert!(!alive(&reader).await && alive(&ada).await && alive(&other).await);
        ends_at_once(of_script).await;
        assert_eq!(at_desk.message().await.text, "afterwards");
    }

    async fn the_old_password_is_asked_for_and_the_new_one_has_rules(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        for new in ["seven77", &"x".repeat(129), "password1", "PassWord1", "12345678"] {
            bad_field(ada.api.change_password(change(PASSWORD, new)).await, "new_password");
        }
        bad_field(server.anonymous().register(account("bob", "iloveyou")).await, "password");
        // So many tries, then a wait; it is this session's alone.
        let phone = device(&server, &ada, "phone").await;
        for password in ["", "not the password", &"x".repeat(3000), "a\0aaaaaaaa", NEW] {
            let answer = phone.api.change_password(change(password, NEW)).await;
            refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
        }
        let answer = phone.api.change_password(change(PASSWORD, NEW)).await;
        let error = refused(answer, Code::ResourceExhausted, ErrorReason::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(6)));
        assert!(alive(&phone).await);
        ada.api.change_password(change(PASSWORD, NEW)).await.unwrap();
        now.fetch_add(6_000, Ordering::SeqCst);
        refused(
            phone.api.change_password(change(NEW, PASSWORD)).await,
            Code::Unauthenticated,
            ErrorReason::Unauthenticated,
        );
    }

    async fn a_password_counts_exactly_as_it_came(backend) {
        let server = Served::with(backend, |config| config.limits.sign_in_tries = 0).await;
        let api = server.anonymous();
        let long = "é".repeat(99) + "A" + &"z".repeat(28);
        let other = "é".repeat(99) + "B" + &"z".repeat(28);
        assert_eq!(long.chars().count(), 128);
        api.register(account("ada", &long)).await.unwrap();
        api.sign_in(sign_in("ada", &long)).await.unwrap();
        let composed = "caf\u{e9} au lait";
        let decomposed = "cafe\u{301} au lait";
        api.register(account("bob", composed)).await.unwrap();
        api.sign_in(sign_in("bob", composed)).await.unwrap();
        api.register(account("cleo", " blanks count ")).await.unwrap();
        for (name, wrong) in [
            ("ada", other.as_str()),
            ("ada", &long[..long.len() - 1]),
            ("ada", &format!("{long}z")),
            ("bob", decomposed),
            ("bob", "CAF\u{c9} AU LAIT"),
            ("cleo", "blanks count"),
        ] {
            refused(api.sign_in(sign_in(name, wrong)).await, Code::Unauthenticated, ErrorReason::WrongCredentials);
        }
        // What is too long is refused before it is hashed: a hash takes tens of milliseconds.
        for length in [129, 200_000, 1 << 20] {
            let long = "x".repeat(length);
            let mut shortest = Duration::MAX;
            for _ in 0..10 {
                let start = Instant::now();
                let answer = api.register(account("dan", &long)).await;
                shortest = shortest.min(start.elapsed());
                // The largest is no request at all.
                if length < 1 << 20 {
                    bad_field(answer, "password");
                } else {
                    refused(answer, Code::ResourceExhausted, ErrorReason::LimitReached);
                }
            }
            println!("{backend:?}: a password of {length} characters is refused in {shortest:?}");
            assert!(shortest < patience(Duration::from_millis(5)), "{length}: {shortest:?}");
        }
    }

    async fn a_hash_made_with_other_costs_is_made_anew_at_the_next_sign_in(backend) {
        let server = Served::start(backend).await;
        server.user("ada").await;
        // argon2id with 8 MiB, one pass, of "correct horse battery" and a fixed salt.
        let cheap = {
            use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
            argon.hash_password(PASSWORD.as_bytes()).unwrap().to_string()
        };
        server.store.change(&format!("update users set password_hash = '{cheap}'")).await;
        let wrong = server.anonymous().sign_in(sign_in("ada", NEW)).await;
        refused(wrong, Code::Unauthenticated, ErrorReason::WrongCredentials);
        assert_eq!(server.store.texts("select password_hash from users").await, [cheap]);
        for _ in 0..2 {
            server.anonymous().sign_in(sign_in("ada", PASSWORD)).await.unwrap();
            let stored = server.store.texts("select password_hash from users").await.remove(0);
            let (form, rest) = stored.split_at("$argon2id$v=19$m=19456,t=2,p=1$".len());
            assert_eq!(form, "$argon2id$v=19$m=19456,t=2,p=1$");
            // 16 bytes of salt in base64 without padding.
            assert_eq!(rest.split('$').next().unwrap().len(), 22, "{stored}");
        }
    }

    async fn guesses_from_elsewhere_do_not_keep_a_known_device_out(backend) {
        let (server, now) = by_hand(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let phone = device(&server, &ada, "phone").await;
        let reader = script(&ada, &[TokenScope::Read]).await;
        phone.api.sign_out(v1::SignOutRequest {}).await.unwrap();
        let guess = async |by: &rookery_client::Api| by.sign_in(sign_in("ada", "not the password")).await.unwrap_err();
        let mut waits = 0;
        for _ in 0..1000 {
            match guess(&server.anonymous()).await.reason {
                Some(ErrorReason::RateLimited) => waits += 1,
                reason => assert_eq!(reason, Some(ErrorReason::WrongCredentials)),
            }
        }
        assert_eq!(waits, 995);
        // Not from elsewhere, not with a token of somebody else's, of a script's, or an invented one.
        let invented = ada.api.with_token(Some(&format!("rk_{}", "7".repeat(64)))).unwrap();
        for api in [&server.anonymous(), &bob.api, &reader.api, &invented] {
            let error = refused(
                api.sign_in(sign_in("ada", PASSWORD)).await,
                Code::ResourceExhausted,
                ErrorReason::RateLimited,
            );
            assert!(error.retry_after.is_some_and(|after| after <= Duration::from_secs(6)));
        }
        // A device that was signed out is still known; its own wrong tries count for themselves.
        for api in [&phone.api, &ada.api] {
            for _ in 0..5 {
                assert_eq!(guess(api).await.reason, Some(ErrorReason::WrongCredentials));
            }
            assert_eq!(guess(api).await.reason, Some(ErrorReason::RateLimited));
        }
        now.fetch_add(5_999, Ordering::SeqCst);
        assert_eq!(guess(&phone.api).await.reason, Some(ErrorReason::RateLimited));
        now.fetch_add(1, Ordering::SeqCst);
        phone.api.sign_in(sign_in("Ada", PASSWORD)).await.unwrap();
        ada.api.sign_in(sign_in("ada", PASSWORD)).await.unwrap();
        server.anonymous().sign_in(sign_in("bob", PASSWORD)).await.unwrap();
    }

    async fn the_newest_twenty_devices_that_ended_are_known(backend) {
        let (server, now) = by_hand(backend).await;
        let ada = server.user("ada").await;
        let mut ended = Vec::new();
        for number in 0..21 {
            let phone = device(&server, &ada, &format!("{number}")).await;
            phone.api.sign_out(v1::SignOutRequest {}).await.unwrap();
            now.fetch_add(1000, Ordering::SeqCst);
            ended.push(phone);
        }
        for _ in 0..6 {
            server.anonymous().sign_in(sign_in("ada", "not the password")).await.unwrap_err();
        }
        let answer = ended[0].api.sign_in(sign_in("ada", PASSWORD)).await;
        refused(answer, Code::ResourceExhausted, ErrorReason::RateLimited);
        ended[1].api.sign_in(sign_in("ada", PASSWORD)).await.unwrap();
        ended[20].api.sign_in(sign_in("ada", PASSWORD)).await.unwrap();
    }

    async fn an_account_that_is_shut_out_looks_like_a_wrong_password(backend) {
        let server = Served::with(backend, |config| config.limits.sign_in_tries = 0).await;
        for name in ["ada", "bob"] {
            server.user(name).await;
        }
        server.store.change("update users set disabled = true where name = 'bob'").await;
        let raw = crate::raw::Raw::new(server.address);
        let tries = [("nobody", PASSWORD), ("ada", NEW), ("bob", PASSWORD)];
        let rounds = if in_full() { 1000 } else { 12 };
        let mut answers = Vec::new();
        let (mut shortest, mut all) = ([Duration::MAX; 3], [Duration::ZERO; 3]);
        // By turns: whatever else the machine does meanwhile makes them all slower.
        for _ in 0..rounds {
            for (number, (name, password)) in tries.into_iter().enumerate() {
                let start = Instant::now();
                let answer = raw.send(None, "AccountService/SignIn", &sign_in(name, password)).await;
                let taken = start.elapsed();
                shortest[number] = shortest[number].min(taken);
                all[number] += taken;
                answers.push(crate::raw::seen(&answer.expect_err("it let her in")));
            }
        }
        let different = answers.iter().find(|answer| **answer != answers[0]);
        assert!(different.is_none(), "{different:?} is not {:?}", answers[0]);
        let (least, most) = (shortest.iter().min().unwrap(), shortest.iter().max().unwrap());
        assert!(*most < *least * 10, "each computes a hash: {shortest:?}");
        let means = all.map(|all| all / rounds);
        let gap = *means.iter().max().unwrap() - *means.iter().min().unwrap();
        println!("{backend:?}: nobody, a wrong password and who is shut out take {means:?}: {gap:?} apart");
        assert!(!in_full() || gap < Duration::from_millis(5), "{means:?}");
    }
}

/// The secrets that a server was given are nowhere on its disk, in its copies or in what it says.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_no_file_no_copy_and_no_line_of_the_log() {
    let store = Store::new(Backend::Sqlite).await;
    let log = store.dir.join("log.txt");
    let program = format!("ROOKERY_LOG_LEVEL=trace exec \"$0\" \"$@\" 2> {}", log.display());
    let mut process = crate::harness::Process::under(&store, &["sh", "-c", &program], "127.0.0.1:0");
    let ada = Person::register(&process.url(), "ada").await;
    let mut tokens = std::collections::HashSet::from([ada.token.clone()]);
    for name in ["one", "two"] {
        let token = script(&ada, &[TokenScope::Read, TokenScope::Write]).await.token;
        let reader = ada.api.with_token(Some(&token)).unwrap();
        let text = name.into();
        reader.send_message(v1::SendMessageRequest { conversation_id: 1, text, ..Default::default() }).await.unwrap();
        tokens.insert(token);
    }
    ada.api.sign_in(sign_in("ada", NEW)).await.unwrap_err();
    ada.api.with_token(Some("rk_nonsense")).unwrap().list_sessions(v1::ListSessionsRequest {}).await.unwrap_err();
    let copy = store.dir.join("copy");
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_rookery-server"))
        .args(["--data".as_ref(), store.dir.as_os_str(), "backup".as_ref(), copy.as_os_str()])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let wal = store.dir.join("rookery.db-wal");
    assert!(wal.metadata().unwrap().len() > 0, "what was written last stands in the log of the database");
    process.kill();
    fault::none_in(&log);
    let (mut files, mut folders) = (Vec::new(), vec![store.dir.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    assert!(files.contains(&wal) && files.contains(&log) && files.iter().any(|file| file.starts_with(&copy)));
    let secrets = tokens.iter().map(|token| token.trim_start_matches("rk_")).chain([PASSWORD, NEW]);
    for secret in secrets {
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", file.display());
        }
    }
}

/// The memory that a process holds, in MiB.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Five hundred at once: two are hashed at a time, few wait, all others are told to come again; nobody else waits for them.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_takes_little_memory_and_keeps_nobody_else() {
    let store = Store::new(Backend::Sqlite).await;
    let process = crate::harness::Process::start(&store);
    let ada = Person::register(&process.url(), "ada").await;
    let before = resident(process.id());
    // Names that nobody has, each another: no name's own tries are counted against it.
    let tries: Vec<_> = (0..500)
        .map(|number| {
            let api = rookery_client::Api::new(&process.url(), None).unwrap();
            tokio::spawn(async move {
                let start = Instant::now();
                let error = api.sign_in(sign_in(&format!("nobody{number}"), PASSWORD)).await.unwrap_err();
                (error, start.elapsed())
            })
        })
        .collect();
    let mut waits = Vec::new();
    while tries.iter().any(|attempt| !attempt.is_finished()) {
        let start = Instant::now();
        ada.api.get_user(v1::GetUserRequest::default()).await.unwrap();
        waits.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let more = resident(process.id()).saturating_sub(before);
    let (mut surplus, mut longest) = (0, Duration::ZERO);
    for attempt in tries {
        let (error, taken) = attempt.await.unwrap();
        match error.reason {
            Some(ErrorReason::RateLimited) => {
                assert!(error.retry_after.is_some(), "{error:?}");
                (surplus, longest) = (surplus + 1, longest.max(taken));
            }
            reason => assert_eq!(reason, Some(ErrorReason::WrongCredentials)),
        }
    }
    waits.sort();
    // There are some forty of them, so one is more than a hundredth.
    let most = waits[waits.len() * 95 / 100];
    println!(
        "{surplus} of 500 were told to wait, within {longest:?}; {more} MiB more; {} other calls took {most:?} (95 %)",
        waits.len()
    );
    assert!(surplus > 100 && more <= 100, "{surplus} were told to wait; {more} MiB more");
    assert!(longest < patience(Duration::from_secs(2)), "{longest:?}");
    assert!(most < patience(Duration::from_millis(100)), "{waits:?}");
}
