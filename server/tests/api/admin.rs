//! AdminService: who may call it, and what it does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::{
    Code, Error,
    v1::{self, AuditAction, ErrorReason, RegistrationMode, TokenScope},
};
use rookery_server::{config::Registration, domain::ctx::Clock};
use v1::event::Kind;

use crate::{
    harness::{PASSWORD, Person, Served, Store, patience},
    listener::{Listener, message_of},
    on_both,
    raw::{Raw, methods, name_of, reason, seen},
    refusal::{bad_field, denied, not_found, refused},
};

/// Tries to make an account with a code.
pub async fn register(server: &Served, name: &str, invite: &str) -> Result<Person, Error> {
    let request = v1::RegisterRequest {
        name: name.into(),
        password: PASSWORD.into(),
        invite: invite.into(),
        ..Default::default()
    };
    let answer = server.anonymous().register(request).await?;
    let api = server.anonymous().with_token(Some(&answer.token)).unwrap();
    Ok(Person { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token })
}

/// The first admin, by the code that a server prints.
pub async fn owner(server: &Served, name: &str) -> Person {
    register(server, name, server.owner_code.as_deref().unwrap()).await.unwrap()
}

/// Signs in with the password that all have.
async fn sign_in(server: &Served, name: &str, password: &str) -> Result<Person, Error> {
    let request = v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() };
    let answer = server.anonymous().sign_in(request).await?;
    let api = server.anonymous().with_token(Some(&answer.token)).unwrap();
    Ok(Person { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token })
}

async fn update(by: &Person, user_id: i64, fields: &[&str], disabled: bool, admin: bool) -> Result<v1::Account, Error> {
    let paths = fields.iter().map(|field| (*field).to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = v1::UpdateAccountRequest { user_id, disabled, admin, update_mask };
    Ok(by.api.update_account(request).await?.account.unwrap())
}

async fn promote(by: &Person, user_id: i64) -> v1::Account {
    update(by, user_id, &["admin"], false, true).await.unwrap()
}

async fn disable(by: &Person, user_id: i64) -> v1::Account {
    update(by, user_id, &["disabled"], true, false).await.unwrap()
}

async fn info(server: &Served) -> v1::GetServerInfoResponse {
    server.anonymous().get_server_info(v1::GetServerInfoRequest {}).await.unwrap()
}

/// The log, oldest first: who, what, to whom, and what else.
async fn log(by: &Person) -> Vec<(i64, AuditAction, i64, String)> {
    let request = v1::ListAuditEntriesRequest { page_size: 100, ..Default::default() };
    let entries = by.api.list_audit_entries(request).await.unwrap().entries;
    entries.into_iter().rev().map(|entry| (entry.actor_id, entry.action(), entry.subject_id, entry.detail)).collect()
}

async fn set_mode(by: &Person, mode: RegistrationMode) -> RegistrationMode {
    by.api.set_registration(v1::SetRegistrationRequest { mode: mode.into() }).await.unwrap().mode()
}

async fn invite(by: &Person, max_uses: i32, seconds: i64) -> String {
    let expires_in = Some(prost_types::Duration { seconds, nanos: 0 });
    let request = v1::CreateRegistrationInviteRequest { max_uses, expires_in };
    by.api.create_registration_invite(request).await.unwrap().invite.unwrap().code
}

/// All that is seen of a "no" to registering.
async fn refusal(server: &Served, name: &str, invite: &str) -> (Code, String, String) {
    let request = v1::RegisterRequest {
        name: name.into(),
        password: PASSWORD.into(),
        invite: invite.into(),
        ..Default::default()
    };
    let status = Raw::new(server.address).send(None, "AccountService/Register", &request).await.unwrap_err();
    assert_eq!(reason(&status), "REGISTRATION_CLOSED");
    let (code, message, details) = seen(&status);
    (Code::from_i32(code as i32), message, details)
}

fn at_a_time(now: &Arc<AtomicI64>) -> Clock {
    let now = now.clone();
    Clock::new(move || now.load(Ordering::SeqCst))
}

on_both! {
    async fn the_code_of_the_first_start_makes_one_admin_and_no_more(backend) {
        let server = Served::with(backend, |config| config.registration = Registration::Closed).await;
        let told = info(&server).await;
        assert!(told.unclaimed && !told.registration_open && told.registration() == RegistrationMode::Closed);
        let code = server.owner_code.clone().unwrap();
        assert!(code.len() == 12 && code.bytes().all(|c| c.is_ascii_alphanumeric()), "{code}");
        let wrong = refusal(&server, "eve", "abcdefghjkmn").await;
        let tries = (0..10).map(|n| {
            let request = v1::RegisterRequest {
                name: format!("ada{n}"),
                password: PASSWORD.into(),
                // As it may be typed.
                invite: format!(" {} ", code.to_uppercase()),
                ..Default::default()
            };
            let api = server.anonymous();
            tokio::spawn(async move { api.register(request).await })
        });
        let mut admins = Vec::new();
        for attempt in tries.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(answer) => admins.push(answer),
                Err(error) => assert!(
                    matches!(error.reason, Some(ErrorReason::RegistrationClosed | ErrorReason::RateLimited)),
                    "{error:?}"
                ),
            }
        }
        assert_eq!(admins.len(), 1);
        let user = admins[0].user.clone().unwrap();
        assert!(user.admin);
        assert_eq!(refusal(&server, "eve", &code).await, wrong, "it is of no more use");
        assert!(!info(&server).await.unclaimed);
        let api = server.anonymous().with_token(Some(&admins[0].token)).unwrap();
        let ada = Person { api, id: user.id, name: user.name, token: admins[0].token.clone() };
        let entry = (0, AuditAction::AdminGranted, ada.id, "by the code that the server printed".into());
        assert_eq!(log(&ada).await, [entry]);
        // A server that is owned makes no code.
        let store = server.stop().await;
        let config = store.config();
        let server = Served::serve(store, &config, Clock::system()).await;
        assert!(server.owner_code.is_none() && !info(&server).await.unclaimed);
    }

    async fn the_code_of_the_first_start_ends_after_a_quarter_of_an_hour(backend) {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let store = Store::new(backend).await;
        let config = store.config();
        let server = Served::serve(store, &config, at_a_time(&now)).await;
        let code = server.owner_code.clone().unwrap();
        now.fetch_add(15 * 60 * 1000, Ordering::SeqCst);
        assert!(!info(&server).await.unclaimed);
        // Here everybody may register: a code that is given must hold all the same.
        refusal(&server, "ada", &code).await;
        register(&server, "ada", "").await.unwrap();
        now.fetch_add(-1, Ordering::SeqCst);
        assert!(info(&server).await.unclaimed);
        register(&server, "bob", &code).await.unwrap();
    }

    async fn who_is_no_admin_is_denied_and_noted_once_a_minute(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let (bob, cleo, dan) = (server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        promote(&ada, cleo.id).await;
        promote(&ada, dan.id).await;
        update(&ada, cleo.id, &["admin"], false, false).await.unwrap();
        disable(&ada, dan.id).await;
        let token = async |scopes: &[TokenScope]| {
            let scopes = scopes.iter().map(|scope| i32::from(*scope)).collect();
            let request = v1::CreateTokenRequest { name: "script".into(), scopes, expires_in: None };
            ada.api.create_token(request).await.unwrap().token
        };
        let weak = token(&[TokenScope::Read, TokenScope::Write, TokenScope::Manage]).await;
        let strong = token(&[TokenScope::Admin]).await;
        let before = log(&ada).await.len();
        let raw = Raw::new(server.address);
        let methods: Vec<_> =
            methods().into_iter().filter(|method| method.parent_service().name() == "AdminService").collect();
        assert_eq!(methods.len(), 12);
        for method in &methods {
            let name = name_of(method);
            // A token that may do all of it is stopped by what is wrong with an empty request, if anything, not by who asks.
            if let Err(status) = raw.call(Some(&strong), &name, Vec::new()).await {
                assert!(!matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied), "{name}: {status:?}");
            }
            for (who, token, code, why) in [
                ("nobody", None, Code::Unauthenticated, "UNAUTHENTICATED"),
                ("shut out", Some(&dan.token), Code::Unauthenticated, "UNAUTHENTICATED"),
                ("user", Some(&bob.token), Code::PermissionDenied, "PERMISSION_DENIED"),
                ("user again", Some(&bob.token), Code::PermissionDenied, "PERMISSION_DENIED"),
                ("an admin's token", Some(&weak), Code::PermissionDenied, "TOKEN_SCOPE"),
                ("was an admin", Some(&cleo.token), Code::PermissionDenied, "PERMISSION_DENIED"),
            ] {
                let status = raw.call(token.map(String::as_str), &name, Vec::new()).await.unwrap_err();
                let heard = (Code::from_i32(status.code() as i32), reason(&status));
                assert_eq!(heard, (code, why.to_owned()), "{name} by {who}: {status:?}");
            }
        }
        let entries = log(&ada).await.split_off(before);
        for method in &methods {
            for who in [bob.id, cleo.id, ada.id] {
                let entry = (who, AuditAction::Denied, 0, method.name().to_owned());
                assert_eq!(entries.iter().filter(|known| **known == entry).count(), 1, "{entry:?} in {entries:?}");
            }
        }
    }

    async fn a_token_with_the_scope_acts_as_its_admin(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let scopes = vec![TokenScope::Admin.into()];
        let request = v1::CreateTokenRequest { name: "script".into(), scopes: scopes.clone(), expires_in: None };
        let token = ada.api.create_token(request.clone()).await.unwrap().token;
        let script = Person { api: ada.api.with_token(Some(&token)).unwrap(), token, ..ada.clone() };
        let made = script.api.create_account(v1::CreateAccountRequest { name: "bob".into(), ..Default::default() });
        let bob = made.await.unwrap().account.unwrap().user.unwrap();
        disable(&script, bob.id).await;
        assert_eq!(log(&script).await.last().unwrap().0, ada.id);
        // The scope alone makes nobody an admin.
        let cleo = server.user("cleo").await;
        let token = cleo.api.create_token(request).await.unwrap().token;
        let script = cleo.api.with_token(Some(&token)).unwrap();
        denied(script.list_accounts(v1::ListAccountsRequest::default()).await);
    }

    async fn an_account_that_is_removed_is_gone_with_or_without_its_messages(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let (bob, cleo) = (server.user("bob").await, server.user("cleo").await);
        let (his, hers) = (bob.say(1, "his").await, cleo.say(1, "hers").await);
        let mut hears = Listener::open(&ada).await;
        let mut on_phone = Listener::open(&bob).await;
        let remove = async |user_id: i64, messages: v1::MessagesFate| {
            ada.api.remove_account(v1::RemoveAccountRequest { user_id, messages: messages.into() }).await
        };
        bad_field(remove(bob.id, v1::MessagesFate::Unspecified).await, "messages");
        bad_field(remove(ada.id, v1::MessagesFate::Keep).await, "user_id");
        not_found(remove(999_999, v1::MessagesFate::Keep).await);
        remove(bob.id, v1::MessagesFate::Keep).await.unwrap();
        assert_eq!(on_phone.end().await.code, Code::Unauthenticated);
        let gone = |kind| if let Kind::UserChanged(changed) = kind { changed.user.filter(|user| user.deleted) } else { None };
        let gone = hears.until(gone).await;
        assert_eq!((gone.id, gone.display_name.as_str()), (bob.id, "Deleted user"));
        refused(
            sign_in(&server, "bob", PASSWORD).await,
            Code::Unauthenticated,
            ErrorReason::WrongCredentials,
        );
        remove(cleo.id, v1::MessagesFate::Erase).await.unwrap();
        let erased = hears.until(|kind| message_of(kind).filter(|message| message.id == hers.id)).await;
        assert!(erased.deleted);
        let now = ada.messages(1).await;
        assert_eq!(now.iter().map(|message| (message.id, message.deleted)).collect::<Vec<_>>(), [
            (his.id, false),
            (hers.id, true),
        ]);
        // There is nothing left to govern.
        not_found(remove(bob.id, v1::MessagesFate::Keep).await);
        not_found(update(&ada, bob.id, &["admin"], false, true).await);
        not_found(ada.api.end_sessions(v1::EndSessionsRequest { user_id: bob.id }).await);
        let accounts = ada.api.list_accounts(v1::ListAccountsRequest::default()).await.unwrap().accounts;
        assert_eq!(accounts.len(), 1);
        let said: Vec<_> = log(&ada).await.into_iter().skip(1).collect();
        assert_eq!(
            said,
            [
                (ada.id, AuditAction::AccountRemoved, bob.id, "messages kept".to_owned()),
                (ada.id, AuditAction::AccountRemoved, cleo.id, "messages erased".to_owned()),
            ]
        );
        // The last admin cannot go by herself, either.
        let request = v1::DeleteAccountRequest { password: PASSWORD.into(), messages: v1::MessagesFate::Keep.into() };
        refused(ada.api.delete_account(request).await, Code::FailedPrecondition, ErrorReason::WrongState);
    }

    async fn accounts_are_listed_and_made(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let request = v1::CreateAccountRequest { name: "Bob".into(), display_name: "Bobby".into(), ..Default::default() };
        let made = ada.api.create_account(request.clone()).await.unwrap();
        assert!(made.password.len() >= 16, "{}", made.password);
        let account = made.account.unwrap();
        let user = account.user.clone().unwrap();
        assert_eq!((user.name.as_str(), user.display_name.as_str(), user.admin), ("Bob", "Bobby", false));
        assert!(!account.admin && !account.disabled && account.last_seen_at.is_none() && account.file_bytes == 0);
        refused(ada.api.create_account(request).await, Code::AlreadyExists, ErrorReason::NameTaken);
        let bob = sign_in(&server, "bob", &made.password).await.unwrap();
        assert_eq!(bob.messages(1).await, [], "he is in the global room");
        let request =
            v1::CreateAccountRequest { name: "cleo".into(), password: PASSWORD.into(), admin: true, ..Default::default() };
        let made = ada.api.create_account(request).await.unwrap();
        assert_eq!((made.password.as_str(), made.account.unwrap().admin), ("", true));
        let cleo = sign_in(&server, "cleo", PASSWORD).await.unwrap();
        for (name, password, field) in [("x", "", "name"), ("dan", "short", "password")] {
            let request =
                v1::CreateAccountRequest { name: name.into(), password: password.into(), ..Default::default() };
            bad_field(ada.api.create_account(request).await, field);
        }
        let upload = v1::UploadMediaRequest { name: "a.txt".into(), content: b"12345".to_vec() };
        bob.api.upload_media(upload).await.unwrap();
        drop(Listener::open(&bob).await);
        let list = async |filter: &str, page_size: i32, page_token: String| {
            let request = v1::ListAccountsRequest { filter: filter.into(), page_size, page_token };
            cleo.api.list_accounts(request).await.unwrap()
        };
        let names = |page: &v1::ListAccountsResponse| -> Vec<String> {
            page.accounts.iter().map(|account| account.user.clone().unwrap().name).collect()
        };
        let mut first = list("", 2, String::new()).await;
        assert_eq!(names(&first), ["ada", "Bob"]);
        // When somebody was seen is noted a moment after she came.
        for _ in 0..400 {
            if first.accounts[1].last_seen_at.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            first = list("", 2, String::new()).await;
        }
        assert_eq!((first.accounts[1].file_bytes, first.accounts[1].last_seen_at.is_some()), (5, true));
        let second = list("", 2, first.next_page_token).await;
        assert_eq!((names(&second), second.next_page_token.as_str()), (vec!["cleo".to_owned()], ""));
        assert!(second.accounts[0].admin);
        assert_eq!(names(&list("bobb", 0, String::new()).await), ["Bob"]);
        let expected = [
            (0, AuditAction::AdminGranted, ada.id),
            (ada.id, AuditAction::AccountCreated, bob.id),
            (ada.id, AuditAction::AccountCreated, cleo.id),
            (ada.id, AuditAction::AdminGranted, cleo.id),
        ];
        let said: Vec<_> = log(&ada).await.into_iter().map(|(actor, what, whom, _)| (actor, what, whom)).collect();
        assert_eq!(said, expected);
    }

    async fn who_is_shut_out_is_out_at_once_and_stays_an_author(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let bob = server.user("bob").await;
        let said = bob.say(1, "here I am").await;
        let phone = sign_in(&server, "bob", PASSWORD).await.unwrap();
        let mut streams = [Listener::open(&bob).await, Listener::open(&phone).await];
        let mut hers = Listener::open(&ada).await;
        let account = disable(&ada, bob.id).await;
        assert!(account.disabled && !account.admin);
        let begun = std::time::Instant::now();
        for token in [&bob, &phone] {
            let answer = token.api.get_user(v1::GetUserRequest::default()).await;
            refused(answer, Code::Unauthenticated, ErrorReason::Unauthenticated);
        }
        for stream in &mut streams {
            let ended = stream.end().await;
            assert_eq!((ended.code, ended.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
        }
        let taken = begun.elapsed();
        println!("{backend:?}: the streams of somebody who is shut out ended within {taken:?}");
        assert!(taken < patience(Duration::from_secs(2)), "{taken:?}");
        // The right password is like a wrong one, byte for byte.
        let raw = Raw::new(server.address);
        let mut answers = Vec::new();
        for (name, password) in [("bob", PASSWORD), ("bob", "wrong horse battery"), ("nobody", PASSWORD)] {
            let request = v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() };
            answers.push(seen(&raw.send(None, "AccountService/SignIn", &request).await.unwrap_err()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(ada.messages(1).await, [said]);
        let user = ada.api.get_user(v1::GetUserRequest { user_id: bob.id }).await.unwrap().user.unwrap();
        assert_eq!((user.name.as_str(), user.deleted), ("bob", false));
        ada.direct(&bob).await;
        // Others are not told.
        assert_eq!(hers.rest_of(message_of).await, []);
        let account = update(&ada, bob.id, &["disabled"], false, false).await.unwrap();
        assert!(!account.disabled);
        let answer = bob.api.get_user(v1::GetUserRequest::default()).await;
        refused(answer, Code::Unauthenticated, ErrorReason::Unauthenticated);
        sign_in(&server, "bob", PASSWORD).await.unwrap().say(1, "back").await;
        // Nothing changes, nothing is noted.
        update(&ada, bob.id, &["disabled", "admin"], false, false).await.unwrap();
        let said: Vec<_> = log(&ada).await.into_iter().skip(1).map(|(actor, what, whom, _)| (actor, what, whom)).collect();
        assert_eq!(
            said,
            [(ada.id, AuditAction::AccountDisabled, bob.id), (ada.id, AuditAction::AccountEnabled, bob.id)]
        );
    }

    async fn the_last_admin_stays_one(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let bob = server.user("bob").await;
        let last = |answer: Result<v1::Account, Error>| {
            refused(answer, Code::FailedPrecondition, ErrorReason::WrongState);
        };
        last(update(&ada, ada.id, &["admin"], false, false).await);
        last(update(&ada, ada.id, &["disabled"], true, false).await);
        promote(&ada, bob.id).await;
        // An admin who is shut out is none.
        update(&ada, bob.id, &["disabled"], true, false).await.unwrap();
        last(update(&ada, ada.id, &["admin"], false, false).await);
        update(&ada, bob.id, &["disabled"], false, false).await.unwrap();
        let bob = sign_in(&server, "bob", PASSWORD).await.unwrap();
        // Each takes it from the other at once: one of them stays.
        let (first, second) = tokio::join!(
            update(&ada, bob.id, &["admin"], false, false),
            update(&bob, ada.id, &["admin"], false, false),
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?}, {second:?}");
        let left = if first.is_ok() { &ada } else { &bob };
        last(update(left, left.id, &["admin"], false, false).await);
        assert!(!info(&server).await.unclaimed);
    }

    async fn an_update_names_what_it_changes(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        bad_field(update(&ada, ada.id, &[], true, true).await, "update_mask");
        bad_field(update(&ada, ada.id, &["name"], true, true).await, "update_mask");
        for id in [0, -1, 999_999, i64::MAX] {
            not_found(update(&ada, id, &["admin"], false, true).await);
            not_found(ada.api.reset_password(v1::ResetPasswordRequest { user_id: id, ..Default::default() }).await);
            not_found(ada.api.end_sessions(v1::EndSessionsRequest { user_id: id }).await);
        }
    }

    async fn everybody_sees_who_is_an_admin_as_soon_as_she_is(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let (bob, cleo) = (server.user("bob").await, server.user("cleo").await);
        let mut hers = Listener::open(&cleo).await;
        let changed = |kind| {
            let Kind::UserChanged(v1::UserChanged { user: Some(user) }) = kind else { return None };
            (user.id == bob.id).then_some(user.admin)
        };
        denied(bob.api.list_accounts(v1::ListAccountsRequest::default()).await);
        promote(&ada, bob.id).await;
        assert!(hers.until(changed).await);
        bob.api.list_accounts(v1::ListAccountsRequest::default()).await.unwrap();
        update(&ada, bob.id, &["admin"], false, false).await.unwrap();
        assert!(!hers.until(changed).await);
        denied(bob.api.list_accounts(v1::ListAccountsRequest::default()).await);
    }

    async fn a_password_that_is_reset_ends_all_sessions(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let bob = server.user("bob").await;
        let mut stream = Listener::open(&bob).await;
        let reset = async |password: &str| {
            let request = v1::ResetPasswordRequest { user_id: bob.id, password: password.into() };
            ada.api.reset_password(request).await
        };
        bad_field(reset("short").await, "password");
        // He has guessed too often; that ends with the old password.
        for _ in 0..5 {
            let _ = sign_in(&server, "bob", "not the password").await;
        }
        let made = reset("").await.unwrap().password;
        assert_eq!(stream.end().await.code, Code::Unauthenticated);
        let answer = bob.api.get_user(v1::GetUserRequest::default()).await;
        refused(answer, Code::Unauthenticated, ErrorReason::Unauthenticated);
        sign_in(&server, "bob", &made).await.unwrap();
        let answer = sign_in(&server, "bob", PASSWORD).await;
        refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
        assert_eq!(reset("another good one").await.unwrap().password, "");
        let bob = sign_in(&server, "bob", "another good one").await.unwrap();
        let phone = sign_in(&server, "bob", "another good one").await.unwrap();
        let mut stream = Listener::open(&phone).await;
        let end = async || ada.api.end_sessions(v1::EndSessionsRequest { user_id: bob.id }).await.unwrap().ended;
        assert_eq!((end().await, end().await), (2, 0));
        assert_eq!(stream.end().await.code, Code::Unauthenticated);
        refused(bob.api.get_user(v1::GetUserRequest::default()).await, Code::Unauthenticated, ErrorReason::Unauthenticated);
        sign_in(&server, "bob", "another good one").await.unwrap();
        let said: Vec<_> = log(&ada).await.into_iter().skip(1).map(|(_, what, _, detail)| (what, detail)).collect();
        let none = String::new;
        assert_eq!(
            said,
            [
                (AuditAction::PasswordReset, none()),
                (AuditAction::PasswordReset, none()),
                (AuditAction::SessionsEnded, "2".to_owned()),
                (AuditAction::SessionsEnded, "0".to_owned()),
            ]
        );
    }

    async fn the_mode_of_registration_is_in_force_with_the_next_call_and_goes_before_the_configuration(backend) {
        let server = Served::with(backend, |config| config.registration = Registration::Invite).await;
        let ada = owner(&server, "ada").await;
        let mode = async || {
            let told = info(&server).await;
            assert_eq!(told.registration_open, told.registration() == RegistrationMode::Open);
            told.registration()
        };
        assert_eq!(mode().await, RegistrationMode::Invite);
        refusal(&server, "bob", "").await;
        for (number, wanted) in
            [RegistrationMode::Open, RegistrationMode::Closed, RegistrationMode::Open].into_iter().enumerate()
        {
            assert_eq!(set_mode(&ada, wanted).await, wanted);
            assert_eq!(mode().await, wanted);
            let answer = register(&server, &format!("bob{number}"), "").await;
            assert_eq!(answer.is_ok(), wanted == RegistrationMode::Open, "{answer:?}");
        }
        let store = server.stop().await;
        let config = store.config();
        assert_eq!(config.registration, Registration::Open);
        let server = Served::serve(store, &config, Clock::system()).await;
        let ada = sign_in(&server, "ada", PASSWORD).await.unwrap();
        set_mode(&ada, RegistrationMode::Closed).await;
        let store = server.stop().await;
        let server = Served::serve(store, &config, Clock::system()).await;
        assert_eq!(info(&server).await.registration(), RegistrationMode::Closed);
        let ada = sign_in(&server, "ada", PASSWORD).await.unwrap();
        assert_eq!(set_mode(&ada, RegistrationMode::Unspecified).await, RegistrationMode::Open);
        assert!(info(&server).await.registration_open);
        let said: Vec<_> = log(&ada).await.into_iter().skip(1).map(|(_, what, _, detail)| (what, detail)).collect();
        let expected = ["open", "closed", "open", "closed", "as configured"];
        assert_eq!(said, expected.map(|mode| (AuditAction::RegistrationChanged, mode.to_owned())));
    }

    async fn an_invite_of_one_use_makes_one_account(backend) {
        let server = Served::with(backend, |config| config.registration = Registration::Invite).await;
        let ada = owner(&server, "ada").await;
        let code = invite(&ada, 1, 3600).await;
        let tries = (0..50).map(|n| {
            let request = v1::RegisterRequest {
                name: format!("bob{n}"),
                password: PASSWORD.into(),
                invite: code.clone(),
                ..Default::default()
            };
            let api = server.anonymous();
            tokio::spawn(async move {
                loop {
                    // Hashing is short of room: that is no answer.
                    match api.register(request.clone()).await {
                        Err(error) if error.reason == Some(ErrorReason::RateLimited) => {
                            tokio::time::sleep(Duration::from_millis(200)).await;
                        }
                        answer => return answer,
                    }
                }
            })
        });
        let mut made = 0;
        for attempt in tries.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(_) => made += 1,
                Err(error) => assert_eq!(error.reason, Some(ErrorReason::RegistrationClosed), "{error:?}"),
            }
        }
        assert_eq!(made, 1);
        let accounts = ada.api.list_accounts(v1::ListAccountsRequest::default()).await.unwrap().accounts;
        assert_eq!(accounts.len(), 2);
    }

    async fn a_number_that_says_nothing_decides_nothing(backend) {
        let server = Served::start(backend).await;
        let (rita, bob) = (owner(&server, "rita").await, server.user("bob").await);
        assert_eq!(set_mode(&rita, RegistrationMode::Closed).await, RegistrationMode::Closed);
        let group = rita.group("g", &[&bob], false).await;
        for number in [99, -1, i32::MAX, i32::MIN] {
            let answer = rita.api.set_registration(v1::SetRegistrationRequest { mode: number }).await;
            bad_field(answer, "mode");
            let remove = v1::RemoveAccountRequest { user_id: bob.id, messages: number };
            bad_field(rita.api.remove_account(remove).await, "messages");
            let delete = v1::DeleteAccountRequest { password: PASSWORD.into(), messages: number };
            bad_field(bob.api.delete_account(delete).await.map(drop), "messages");
            let history = v1::UpdateGroupRequest {
                conversation_id: group,
                history: number,
                update_mask: Some(prost_types::FieldMask { paths: vec!["history".into()] }),
                ..Default::default()
            };
            bad_field(rita.api.update_group(history).await, "history");
            let status = v1::SetStatusRequest { kind: number, ..Default::default() };
            bad_field(bob.api.set_status(status).await, "kind");
            let token = v1::CreateTokenRequest { name: "script".into(), scopes: vec![number], ..Default::default() };
            bad_field(bob.api.create_token(token).await, "scopes");
            let only = v1::SubscribeRequest { only: vec![number], ..Default::default() };
            bad_field(bob.api.subscribe(only).await.map(drop), "only");
        }
        assert_eq!(info(&server).await.registration(), RegistrationMode::Closed);
        assert!(log(&rita).await.iter().filter(|entry| entry.1 == AuditAction::RegistrationChanged).count() == 1);
        assert_eq!(set_mode(&rita, RegistrationMode::Unspecified).await, RegistrationMode::Open, "as configured");
    }

    async fn an_invite_that_does_not_hold_is_refused_in_the_same_bytes(backend) {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let store = Store::new(backend).await;
        let mut config = store.config();
        config.registration = Registration::Invite;
        let server = Served::serve(store, &config, at_a_time(&now)).await;
        let ada = owner(&server, "ada").await;
        let (used, ended, revoked, good) =
            (invite(&ada, 1, 3600).await, invite(&ada, 0, 60).await, invite(&ada, 0, 3600).await, invite(&ada, 2, 3600).await);
        assert!(used.len() == 12 && used != ended);
        register(&server, "bob", &used).await.unwrap();
        now.fetch_add(60_000, Ordering::SeqCst);
        ada.api.revoke_registration_invite(v1::RevokeRegistrationInviteRequest { code: revoked.clone() }).await.unwrap();
        let nothing = refusal(&server, "cleo", "").await;
        for code in [&used, &ended, &revoked, "abcdefghjkmn", "\0", &"x".repeat(5000), "' or 1=1 --"] {
            assert_eq!(refusal(&server, "cleo", code).await, nothing, "{code}");
            // Nor does it tell which names there are, or look at the rest.
            assert_eq!(refusal(&server, "bob", code).await, nothing, "{code}");
            assert_eq!(refusal(&server, "", code).await, nothing, "{code}");
        }
        // What fails for another reason uses nothing up.
        for _ in 0..3 {
            refused(register(&server, "bob", &good).await, Code::AlreadyExists, ErrorReason::NameTaken);
            bad_field(register(&server, "x", &good).await, "name");
        }
        register(&server, "cleo", &good.to_uppercase()).await.unwrap();
        let list = async |page_size: i32, page_token: String| {
            let request = v1::ListRegistrationInvitesRequest { page_size, page_token };
            ada.api.list_registration_invites(request).await.unwrap()
        };
        let page = list(0, String::new()).await;
        assert_eq!(page.invites.len(), 1, "only what still holds: {page:?}");
        let left = &page.invites[0];
        assert_eq!((left.code.as_str(), left.creator_id, left.max_uses, left.uses), (good.as_str(), ada.id, 2, 1));
        assert!(left.created_at.is_some() && left.expires_at.is_some());
        set_mode(&ada, RegistrationMode::Closed).await;
        assert_eq!(refusal(&server, "dan", &good).await, nothing, "nobody is nobody");
        set_mode(&ada, RegistrationMode::Open).await;
        assert_eq!(refusal(&server, "dan", "abcdefghjkmn").await, nothing, "a code that is given must hold");
        register(&server, "dan", &good).await.unwrap();
        let (first, second) = (invite(&ada, 0, 3600).await, invite(&ada, 0, 3600).await);
        let page = list(1, String::new()).await;
        let rest = list(1, page.next_page_token.clone()).await;
        let mut codes = [page.invites[0].code.clone(), rest.invites[0].code.clone()];
        codes.sort_unstable();
        let mut both = [first, second];
        both.sort_unstable();
        assert_eq!((codes, rest.next_page_token.as_str()), (both, ""));
        for token in ["x", "1", "\0"] {
            let request = v1::ListRegistrationInvitesRequest { page_size: 1, page_token: token.into() };
            bad_field(ada.api.list_registration_invites(request).await, "page_token");
        }
        for code in [revoked.as_str(), "", "abcdefghjkmn", "\0"] {
            let request = v1::RevokeRegistrationInviteRequest { code: code.into() };
            not_found(ada.api.revoke_registration_invite(request).await);
        }
        let create = async |max_uses: i32, seconds: i64| {
            let expires_in = Some(prost_types::Duration { seconds, nanos: 0 });
            ada.api.create_registration_invite(v1::CreateRegistrationInviteRequest { max_uses, expires_in }).await
        };
        bad_field(create(-1, 60).await, "max_uses");
        bad_field(create(1001, 60).await, "max_uses");
        bad_field(create(1, 0).await, "expires_in");
        bad_field(create(1, 366 * 86_400).await, "expires_in");
        let entries = log(&ada).await;
        assert!(entries.iter().all(|(.., detail)| !detail.contains(&good)), "a code is a secret: {entries:?}");
    }

    async fn an_announcement_is_a_line_in_the_global_room_once_for_each_request(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let bob = server.user("bob").await;
        let mut hears = Listener::open(&bob).await;
        let announce = async |text: &str, request_id: &str| {
            let request = v1::AnnounceRequest { text: text.into(), request_id: request_id.into() };
            ada.api.announce(request).await
        };
        let id = "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001";
        let told = announce("Tea at five", id).await.unwrap().message.unwrap();
        let line = told.system.clone().unwrap();
        assert_eq!((told.conversation_id, told.author_id, told.text.as_str()), (1, ada.id, ""));
        assert_eq!((line.kind(), line.text.as_str(), line.name.as_str()), (v1::SystemKind::Announced, "Tea at five", ""));
        assert_eq!(hears.message().await, told);
        assert_eq!(announce("Tea at five", &id.to_uppercase()).await.unwrap().message.unwrap(), told);
        refused(announce("Tea at six", id).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        let send = v1::SendMessageRequest {
            conversation_id: 1,
            text: "Tea at five".into(),
            request_id: id.into(),
            ..Default::default()
        };
        refused(ada.api.send_message(send).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        assert_eq!(bob.messages(1).await, std::slice::from_ref(&told));
        assert_eq!(hears.rest_of(message_of).await, []);
        let list = bob.api.list_conversations(v1::ListConversationsRequest::default()).await.unwrap();
        let room = &list.conversations[0];
        assert_eq!((room.position, room.last_message.as_ref().unwrap().id), (told.id, told.id));
        assert_eq!(room.mine.as_ref().unwrap().unread, 0, "lines are not counted");
        for text in ["", "  ", "a\0b", &"x".repeat(4001)] {
            bad_field(announce(text, "").await, "text");
        }
        bad_field(announce("x", "no uuid").await, "request_id");
        let next = announce("Again", "").await.unwrap().message.unwrap();
        assert_eq!(next.id, told.id + 1);
        let said: Vec<_> = log(&ada).await.into_iter().skip(1).map(|(_, what, _, detail)| (what, detail)).collect();
        assert_eq!(said, [1, 2].map(|id| (AuditAction::Announced, format!("line {id}"))));
    }

    async fn the_log_is_read_in_pages_newest_first_with_whom_it_names(backend) {
        let server = Served::start(backend).await;
        let ada = owner(&server, "ada").await;
        let bob = server.user("bob").await;
        for admin in [true, false, true, false] {
            update(&ada, bob.id, &["admin"], false, admin).await.unwrap();
        }
        let (mut ids, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListAuditEntriesRequest { page_size: 2, page_token };
            let page = ada.api.list_audit_entries(request).await.unwrap();
            assert!(page.entries.len() <= 2 && page.entries.iter().all(|entry| entry.at.is_some()));
            let named: Vec<i64> = page.users.iter().map(|user| user.id).collect();
            for entry in &page.entries {
                assert!([entry.actor_id, entry.subject_id].iter().all(|id| *id == 0 || named.contains(id)));
            }
            ids.extend(page.entries.iter().map(|entry| entry.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(ids.len(), 5);
        assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
        for page_token in ["x", "1.2"] {
            let request = v1::ListAuditEntriesRequest { page_size: 1, page_token: page_token.into() };
            bad_field(ada.api.list_audit_entries(request).await, "page_token");
        }
    }
}
