//! The command line, beside a server that runs: the program itself, twice.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use rookery_client::{
    Api, Code, Error,
    v1::{self, ErrorReason, RegistrationMode},
};
use v1::event::Kind;

use crate::{
    harness::{Backend, PASSWORD, Person, Process, Store},
    listener::{Listener, message_of},
    on_both,
    refusal::{denied, refused},
};

/// Ten times of what is promised.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program with some words, on a store.
fn program(store: &Store, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    command.arg("--data").arg(&store.dir);
    if !store.database.is_empty() {
        command.args(["--database", &store.database]);
    }
    command.args(words);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// What it prints for scripts; it must do what it was told.
#[track_caller]
fn run(store: &Store, words: &[&str]) -> String {
    let Output { status, stdout, stderr } = program(store, words).output().unwrap();
    assert!(status.success(), "{words:?}: {}", text(&stderr));
    text(&stdout)
}

/// Why it does not.
#[track_caller]
fn fails(store: &Store, words: &[&str]) -> String {
    let Output { status, stdout, stderr } = program(store, words).output().unwrap();
    assert!(!status.success() && stdout.is_empty(), "{words:?}: {}", text(&stdout));
    text(&stderr)
}

/// Asks again until the answer is the right one.
async fn soon<T: std::fmt::Debug>(mut ask: impl AsyncFnMut() -> T, right: impl Fn(&T) -> bool) {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if right(&answer) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sign_in(url: &str, name: &str, password: &str) -> Result<Person, Error> {
    let api = Api::new(url, None).unwrap();
    let request = v1::SignInRequest { name: name.into(), password: password.into(), ..Default::default() };
    let answer = api.sign_in(request).await?;
    let api = api.with_token(Some(&answer.token)).unwrap();
    Ok(Person { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token })
}

fn is_out<T>(answer: &Result<T, Error>) -> bool {
    answer.as_ref().is_err_and(|error| error.reason == Some(ErrorReason::Unauthenticated))
}

async fn me(person: &Person) -> Result<v1::GetUserResponse, Error> {
    person.api.get_user(v1::GetUserRequest::default()).await
}

async fn accounts(person: &Person) -> Result<v1::ListAccountsResponse, Error> {
    person.api.list_accounts(v1::ListAccountsRequest::default()).await
}

fn user_of(kind: Kind) -> Option<v1::User> {
    if let Kind::UserChanged(changed) = kind { changed.user } else { None }
}

on_both! {
    async fn who_is_shut_out_by_the_command_line_is_out_of_the_running_server(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let (ada, bob) = (Person::register(&server.url(), "ada").await, Person::register(&server.url(), "bob").await);
        let mut his = Listener::open(&bob).await;
        let mut hers = Listener::open(&ada).await;
        me(&bob).await.unwrap();
        assert_eq!(run(&store, &["admin", "disable", "BOB"]), "");
        let begun = Instant::now();
        let ended = his.end().await;
        assert_eq!((ended.code, ended.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
        soon(async || me(&bob).await, is_out).await;
        assert!(begun.elapsed() < PATIENCE);
        let answer = sign_in(&server.url(), "bob", PASSWORD).await;
        refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
        run(&store, &["admin", "enable", "bob"]);
        let bob = sign_in(&server.url(), "bob", PASSWORD).await.unwrap();
        // Nobody else was put out.
        let said = bob.say(1, "back").await;
        assert_eq!(hers.message().await, said);
        let (phone, mut on_phone) = (sign_in(&server.url(), "bob", PASSWORD).await.unwrap(), Listener::open(&bob).await);
        run(&store, &["admin", "sign-out", "bob"]);
        assert_eq!(on_phone.end().await.code, Code::Unauthenticated);
        soon(async || me(&phone).await, is_out).await;
        me(&ada).await.unwrap();
    }

    async fn accounts_are_made_and_their_passwords_reset(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let ada = Person::register(&server.url(), "ada").await;
        let mut hears = Listener::open(&ada).await;
        let password = run(&store, &["admin", "create-user", "Root", "--admin"]);
        assert!(password.len() >= 16 && !password.contains(char::is_whitespace), "it stands alone: {password}");
        let root = sign_in(&server.url(), "root", &password).await.unwrap();
        assert_eq!(accounts(&root).await.unwrap().accounts.len(), 2);
        assert_eq!(hears.until(user_of).await.id, root.id);
        let said = root.say(1, "I am in").await;
        assert_eq!(hears.message().await, said);
        denied(accounts(&ada).await);
        run(&store, &["admin", "promote", "ada"]);
        accounts(&ada).await.unwrap();
        let user = hears.until(user_of).await;
        assert_eq!((user.id, user.admin), (ada.id, true));
        run(&store, &["admin", "demote", "root"]);
        denied(accounts(&root).await);
        assert_eq!(hears.until(user_of).await.id, root.id);
        for words in [["admin", "demote", "ada"], ["admin", "disable", "ada"]] {
            assert!(fails(&store, &words).contains("the last admin stays one"));
        }
        let made = run(&store, &["admin", "reset-password", "root"]);
        assert_ne!(made, password);
        soon(async || me(&root).await, is_out).await;
        refused(
            sign_in(&server.url(), "root", &password).await,
            Code::Unauthenticated,
            ErrorReason::WrongCredentials,
        );
        sign_in(&server.url(), "root", &made).await.unwrap();
        assert!(hears.rest_of(user_of).await.is_empty(), "of what nobody sees, nobody is told");
        assert!(fails(&store, &["admin", "create-user", "ADA"]).contains("this name is taken"));
        assert!(fails(&store, &["admin", "create-user", "a b"]).contains("name: "));
        assert!(fails(&store, &["admin", "disable", "nobody"]).contains("there is no such user"));
        let list = run(&store, &["admin", "list"]);
        let lines: Vec<&str> = list.lines().collect();
        assert!(lines.len() == 2 && lines[0].starts_with("ada ") && lines[0].contains(" admin "), "{list}");
        assert!(lines[1].starts_with("Root ") && !lines[1].contains(" admin "), "{list}");
        let log = run(&store, &["admin", "audit", "--last", "4"]);
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 4, "{log}");
        for (line, end) in lines.iter().zip([
            "Z  operator  password reset  Root",
            "Z  Root  denied  ListAccounts",
            "Z  operator  admin revoked  Root",
            "Z  operator  admin granted  ada",
        ]) {
            assert!(line.ends_with(end), "{line}");
        }
        // The same as admins see it.
        let entries = ada.api.list_audit_entries(v1::ListAuditEntriesRequest::default()).await.unwrap().entries;
        let by_operator = entries.iter().filter(|entry| entry.actor_id == 0).count();
        assert_eq!((by_operator, entries.len()), (5, 7), "{entries:?}");
    }

    async fn who_is_removed_by_the_command_line_leaves_her_groups_while_the_server_runs(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let (ada, bob) = (Person::register(&server.url(), "ada").await, Person::register(&server.url(), "bob").await);
        let group = bob.group("g", &[&ada], false).await;
        let said = bob.say(group, "mine").await;
        let mut hears = Listener::open(&ada).await;
        let mut his = Listener::open(&bob).await;
        assert!(fails(&store, &["admin", "remove", "bob"]).contains("--keep-messages"));
        assert_eq!(run(&store, &["admin", "remove", "bob", "--erase-messages"]), "");
        assert_eq!(his.end().await.code, Code::Unauthenticated);
        let (mut renamed, mut left, mut erased) = (false, false, false);
        hears
            .until(|kind| {
                match kind {
                    Kind::UserChanged(v1::UserChanged { user: Some(user) }) => renamed |= user.deleted,
                    Kind::MessageChanged(v1::MessageChanged { message: Some(message) }) => {
                        left |= message.author_id == bob.id && message.system.is_some();
                        erased |= message.id == said.id && message.deleted;
                    }
                    _ => {}
                }
                (renamed && left && erased).then_some(())
            })
            .await;
        let request = v1::ListMembersRequest { conversation_id: group, ..Default::default() };
        let members = ada.api.list_members(request).await.unwrap().members;
        assert!(members.len() == 1 && members[0].owner, "{members:?}");
    }

    async fn who_blocked_somebody_who_is_removed_hears_of_it(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let (ada, bob) = (Person::register(&server.url(), "ada").await, Person::register(&server.url(), "bob").await);
        let cleo = Person::register(&server.url(), "cleo").await;
        ada.api.block_user(v1::BlockUserRequest { user_id: bob.id }).await.unwrap();
        let (mut hers, mut cleos) = (Listener::open(&ada).await, Listener::open(&cleo).await);
        assert_eq!(hers.ready.blocked_user_ids, [bob.id]);
        run(&store, &["admin", "remove", "bob", "--keep-messages"]);
        // What is her own was numbered by the other process: her stream lacks it, and the next one has it.
        hers.until(|kind| matches!(kind, Kind::Reconnect(_)).then_some(())).await;
        assert_eq!(hers.end().await.code, Code::Unavailable);
        assert!(Listener::open(&ada).await.ready.blocked_user_ids.is_empty());
        // Nobody else's lacks anything.
        let said = ada.say(1, "he is gone").await;
        assert_eq!(cleos.until(|kind| message_of(kind).filter(|message| message.system.is_none())).await, said);
        let rest = cleos.rest().await;
        assert!(!rest.iter().any(|kind| matches!(kind, Kind::Reconnect(_))), "{rest:?}");
    }

    async fn what_the_operator_announces_is_told_at_once_and_found(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let ada = Person::register(&server.url(), "ada").await;
        let mut hears = Listener::open(&ada).await;
        assert_eq!(run(&store, &["admin", "announce", "The server restarts at noon"]), "");
        let told = hears.message().await;
        let line = told.system.as_ref().unwrap();
        assert_eq!((line.kind(), line.text.as_str()), (v1::SystemKind::Announced, "The server restarts at noon"));
        assert_eq!((told.conversation_id, told.author_id), (1, 0));
        assert_eq!(ada.messages(1).await.last(), Some(&told));
        // What comes after it follows it.
        let said = ada.say(1, "thank you").await;
        assert_eq!(hears.message().await, said);
        assert_eq!(said.id, told.id + 1);
        let found = async || {
            let request = v1::SearchMessagesRequest { query: "noon".into(), ..Default::default() };
            ada.api.search_messages(request).await.unwrap().messages.len()
        };
        soon(found, |found| *found == 1).await;
        assert!(fails(&store, &["admin", "announce", " "]).contains("text: "));
        assert!(run(&store, &["admin", "audit", "--last", "1"]).ends_with(&format!("  operator  announced  line {}", told.id)));
        let report = text(&program(&store, &["doctor"]).output().unwrap().stdout);
        let rule = report.lines().find(|line| line.contains("each message has an author"));
        assert!(rule.is_some_and(|rule| rule.starts_with("ok ")), "the operator has no account: {report}");
    }

    async fn a_password_that_is_reset_ends_the_wait_of_who_forgot_it(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        Person::register(&server.url(), "Ada").await;
        for _ in 0..5 {
            let answer = sign_in(&server.url(), "ada", "not the password").await;
            refused(answer, Code::Unauthenticated, ErrorReason::WrongCredentials);
        }
        let made = run(&store, &["admin", "reset-password", "ada"]);
        let begun = Instant::now();
        let waits = async || sign_in(&server.url(), "ada", &made).await.err().map(|error| error.reason);
        assert_eq!(waits().await, Some(Some(ErrorReason::RateLimited)), "this shows nothing");
        soon(waits, Option::is_none).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "it was over by itself");
    }

    async fn a_token_for_a_script_is_printed_alone(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let ada = Person::register(&server.url(), "ada").await;
        let token = run(&store, &["token", "create", "ADA", "--name", "backup", "--scope", "read,manage", "--days", "3"]);
        let script = ada.api.with_token(Some(&token)).unwrap();
        script.list_messages(v1::ListMessagesRequest { conversation_id: 1, ..Default::default() }).await.unwrap();
        let send = v1::SendMessageRequest { conversation_id: 1, text: "x".into(), ..Default::default() };
        refused(script.send_message(send).await, Code::PermissionDenied, ErrorReason::TokenScope);
        let sessions = ada.api.list_sessions(v1::ListSessionsRequest {}).await.unwrap().sessions;
        let made = sessions.iter().find(|session| session.device == "backup").unwrap();
        assert!(made.scopes.len() == 2 && made.expires_at.is_some(), "{made:?}");
        assert!(run(&store, &["admin", "audit"]).ends_with("  operator  token created  ada  backup"));
        for words in [
            ["token", "create", "ada", "--name", "x", "--scope", "everything"],
            ["token", "create", "nobody", "--name", "x", "--scope", "read"],
            ["token", "create", "ada", "--name", "", "--scope", "read"],
        ] {
            fails(&store, &words);
        }
        run(&store, &["admin", "disable", "ada"]);
        assert!(fails(&store, &["token", "create", "ada", "--name", "x", "--scope", "read"]).contains("shut out"));
        soon(async || script.get_user(v1::GetUserRequest::default()).await, is_out).await;
    }

    async fn registration_is_governed_while_the_server_runs(backend) {
        let store = Store::new(backend).await;
        std::fs::write(store.dir.join("rookery.toml"), "public_url = \"https://chat.example.org/\"").unwrap();
        let server = Process::start(&store);
        let api = Api::new(&server.url(), None).unwrap();
        let mode = async || api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().registration();
        assert_eq!(mode().await, RegistrationMode::Open);
        for (word, wanted) in [
            ("closed", RegistrationMode::Closed),
            ("configured", RegistrationMode::Open),
            ("invite", RegistrationMode::Invite),
        ] {
            run(&store, &["admin", "registration", word]);
            soon(&mode, |mode| *mode == wanted).await;
        }
        let register = async |name: &str, invite: &str| {
            let request = v1::RegisterRequest {
                name: name.into(),
                password: PASSWORD.into(),
                invite: invite.into(),
                ..Default::default()
            };
            api.register(request).await
        };
        let link = run(&store, &["admin", "invite", "--uses", "2", "--days", "1"]);
        let code = link.strip_prefix("https://chat.example.org/#/register/").unwrap_or_else(|| panic!("{link}"));
        register("ada", code).await.unwrap();
        let ended = run(&store, &["admin", "invite", "--uses", "0"]);
        let ended = ended.rsplit('/').next().unwrap();
        let list = run(&store, &["admin", "invites"]);
        let lines: Vec<&str> = list.lines().collect();
        assert!(lines.len() == 2, "{list}");
        assert!(lines[0].starts_with(&format!("{ended}  used 0 of any number, holds until ")), "{list}");
        assert!(lines[1].starts_with(&format!("{code}  used 1 of 2, holds until ")), "{list}");
        run(&store, &["admin", "revoke-invite", ended]);
        refused(register("bob", ended).await, Code::PermissionDenied, ErrorReason::RegistrationClosed);
        assert!(fails(&store, &["admin", "revoke-invite", ended]).contains("there is no such invite"));
        register("bob", code).await.unwrap();
        assert_eq!(run(&store, &["admin", "invites"]), "", "it is used up");
        refused(register("cleo", code).await, Code::PermissionDenied, ErrorReason::RegistrationClosed);
        assert!(fails(&store, &["admin", "invite", "--days", "0"]).contains("expires_in"));
        assert!(!fails(&store, &["admin", "registration", "sometimes"]).is_empty());
        std::fs::remove_file(store.dir.join("rookery.toml")).unwrap();
        let code = run(&store, &["admin", "invite"]);
        assert_eq!(code.len(), 12, "where nobody knows the address it is the code alone: {code}");
        register("cleo", &code).await.unwrap();
    }

    async fn who_runs_the_server_first_may_own_it_and_nobody_else(backend) {
        let store = Store::new(backend).await;
        assert!(rookery_server::config::Config::default().listen.starts_with("127.0.0.1:"), "others do not even see it");
        if backend == Backend::Sqlite {
            assert!(fails(&store, &["admin", "list"]).contains("there is no database"));
            assert!(!store.dir.join("rookery.db").exists());
        }
        // All that it says, at its loudest.
        let mut child = program(&store, &["--listen", "127.0.0.1:0"])
            .env("ROOKERY_LOG_LEVEL", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut logged = String::new();
            stderr.read_to_string(&mut logged).unwrap();
            logged
        });
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut lines = [String::new(), String::new()];
        for line in &mut lines {
            said.read_line(line).unwrap();
        }
        let url = lines[0].trim().strip_prefix("Rookery is ready: ").unwrap().to_owned();
        let start = format!(
            "No one owns this server yet. Make the first admin's account within 15 minutes: {url}/#/register/"
        );
        let code = lines[1].trim().strip_prefix(start.as_str()).unwrap_or_else(|| panic!("{}", lines[1])).to_owned();
        assert_eq!(code.len(), 12);
        let api = Api::new(&url, None).unwrap();
        assert!(api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().unclaimed);
        // There is nobody: whoever comes first is the first, and no admin without the code.
        let ada = Person::register(&url, "ada").await;
        assert_eq!(ada.id, 1);
        denied(accounts(&ada).await);
        assert_eq!(run(&store, &["admin", "list"]).lines().count(), 1);
        // With an admin the code is of no more use.
        run(&store, &["admin", "promote", "ada"]);
        accounts(&ada).await.unwrap();
        let request = v1::RegisterRequest {
            name: "eve".into(),
            password: PASSWORD.into(),
            invite: code.clone(),
            ..Default::default()
        };
        refused(api.register(request).await, Code::PermissionDenied, ErrorReason::RegistrationClosed);
        let unclaimed = async || api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().unclaimed;
        soon(unclaimed, |unclaimed| !unclaimed).await;
        let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(ended.success());
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        let logged = log.join().unwrap();
        child.wait().unwrap();
        assert!(!rest.contains(&code) && !logged.contains(&code), "it is printed once, and never logged");
        // The next start has an owner.
        let mut server = Process::start(&store);
        assert!(!Api::new(&server.url(), None).unwrap().get_server_info(v1::GetServerInfoRequest {}).await.unwrap().unclaimed);
        server.signal("TERM");
        server.ended_within(PATIENCE).expect("it stops");
    }
}
