//! J01: what is secret is in no log at any level, in no error, and in the database only where it belongs.

use std::path::Path;

use prost::Message;
use rookery_client::{Api, Error, v1};
use sha2::{Digest, Sha256};
use sqlx::Connection;

use crate::{
    exchange::{ask, get, upload},
    harness::{Backend, PASSWORD, Person, Process, Store, fault, promote, unique},
    listener::Listener,
    on_both,
    raw::{Raw, methods, name_of},
};

/// Something that must not be found where it has no business to be.
struct Canary {
    what: &'static str,
    text: String,
    /// Whether the database keeps it as it is.
    stored: bool,
}

/// All of them, and what was answered to people.
#[derive(Default)]
struct Cage {
    canaries: Vec<Canary>,
    errors: Vec<String>,
}

impl Cage {
    fn keep(&mut self, what: &'static str, text: impl Into<String>, stored: bool) -> String {
        let text = text.into();
        self.canaries.push(Canary { what, text: text.clone(), stored });
        text
    }

    fn fresh(&mut self, what: &'static str, stored: bool) -> String {
        self.keep(what, unique("canary7f3a"), stored)
    }

    fn refused<T: std::fmt::Debug>(&mut self, answer: Result<T, Error>) {
        self.errors.push(format!("{:?}", answer.unwrap_err()));
    }

    fn absent(&self, place: &str, content: &[u8], but_stored: bool) {
        for Canary { what, text, stored } in &self.canaries {
            let found = content.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found || (but_stored && *stored), "{what} is in {place}: {text}");
        }
    }
}

async fn everything(store: &Store) -> Vec<u8> {
    if store.database.is_empty() {
        let mut content = Vec::new();
        for file in ["rookery.db", "rookery.db-wal"] {
            content.extend(std::fs::read(store.dir.join(file)).unwrap_or_default());
        }
        return content;
    }
    let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let mut content = String::new();
    for table in tables {
        let text = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(&mut conn).await.unwrap();
        content.push_str(&rows);
    }
    content.into_bytes()
}

/// An address that nobody listens on.
async fn free() -> std::net::SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

on_both! {
    async fn secrets_are_in_no_log_no_error_and_not_in_the_database(backend) {
        let mut cage = Cage::default();
        let store = Store::new(backend).await;
        let log = store.dir.join("stderr");
        let key = cage.fresh("the key of the GIF provider", false);
        let metrics = free().await;
        let script = format!(
            "ROOKERY_METRICS={metrics} ROOKERY_LOG_LEVEL=trace ROOKERY_GIF_PROVIDER=klipy ROOKERY_GIF_KEY={key} ROOKERY_GIF_BASE_URL=http://127.0.0.1:9 \
             exec \"$@\" 2>\"$0\""
        );
        // A password for the database, where it is told one.
        let mut database = store.database.clone();
        if !database.is_empty() {
            let secret = cage.fresh("the password of the database", false);
            database = database.replace("rookery@", &format!("rookery:{secret}@"));
        }
        let told = std::mem::ManuallyDrop::new(Store { dir: store.dir.clone(), database });
        let mut server = Process::under(&told, &["sh", "-c", &script, &log.to_string_lossy()], "127.0.0.1:0");
        let (url, raw) = (server.url(), Raw::new(server.address));

        // Accounts: passwords, tokens, their hashes.
        let password = cage.fresh("a password", false);
        let api = Api::new(&url, None).unwrap();
        let request = v1::RegisterRequest { name: "ada".into(), password: password.clone(), ..Default::default() };
        let token = api.register(request).await.unwrap().token;
        cage.keep("a token", &token, false);
        cage.keep("the hash of a token", hash(&token), true);
        let ada = Person { api: api.with_token(Some(&token)).unwrap(), id: 1, name: "ada".into(), token: token.clone() };
        let rita = Person::register(&url, "rita").await;
        promote(&store, rita.id).await;
        let wrong = cage.fresh("a wrong password", false);
        cage.refused(api.sign_in(v1::SignInRequest { name: "ada".into(), password: wrong, ..Default::default() }).await);
        let short = cage.keep("a password that is too long", "Qx9".repeat(60), false);
        cage.refused(api.register(v1::RegisterRequest { name: "bob".into(), password: short, ..Default::default() }).await);
        let invented = cage.keep("a token that is none", format!("rk_{}", "5f".repeat(32)), false);
        cage.refused(api.with_token(Some(&invented)).unwrap().get_user(v1::GetUserRequest::default()).await);
        let new_password = cage.fresh("a new password", false);
        let change = |password: &str| v1::ChangePasswordRequest {
            password: password.into(),
            new_password: new_password.clone(),
            ..Default::default()
        };
        cage.refused(ada.api.change_password(change("not this one")).await);
        ada.api.change_password(change(&password)).await.unwrap();
        let script = v1::CreateTokenRequest { name: "script".into(), scopes: vec![1], ..Default::default() };
        let script = ada.api.create_token(script).await.unwrap().token;
        cage.keep("a script's token", &script, false);
        cage.keep("the hash of a script's token", hash(&script), true);
        let given = cage.fresh("a password from an admin", false);
        let request = v1::CreateAccountRequest { name: "cleo".into(), password: given.clone(), ..Default::default() };
        rita.api.create_account(request).await.unwrap();
        let reset = v1::ResetPasswordRequest { user_id: ada.id, password: String::new() };
        cage.keep("a password made by the server", rita.api.reset_password(reset).await.unwrap().password, false);
        let request = v1::SignInRequest { name: "cleo".into(), password: given, ..Default::default() };
        let cleo = api.sign_in(request).await.unwrap().token;
        cage.keep("another token", &cleo, false);
        let cleo = Person { api: api.with_token(Some(&cleo)).unwrap(), id: 0, name: "cleo".into(), token: cleo };
        // By a browser: the token is a cookie.
        let body = v1::SignInRequest { name: "rita".into(), password: PASSWORD.into(), browser: true, ..Default::default() };
        let body = body.encode_to_vec();
        let framed = [&[0][..], &(body.len() as u32).to_be_bytes(), &body].concat();
        let headers = [("content-type", "application/grpc-web+proto"), ("origin", url.as_str())];
        let answer = ask(server.address, "POST", "/rookery.v1.AccountService/SignIn", &headers, &framed).await;
        let cookie = answer.header("set-cookie").split_once("=rk_").unwrap().1.split(';').next().unwrap().to_owned();
        cage.keep("a cookie", cookie, false);

        // What people write, name and send.
        let text = cage.fresh("a message", true);
        let said = rita.say(1, &text).await;
        let edited = cage.fresh("an edited message", true);
        let edit = v1::EditMessageRequest { conversation_id: 1, id: said.id, text: edited };
        rita.api.edit_message(edit).await.unwrap();
        let too_long = cage.keep("a message that is too long", "Zq8w".repeat(2000), false);
        let request = v1::SendMessageRequest { conversation_id: 1, text: too_long, ..Default::default() };
        cage.refused(rita.api.send_message(request).await);
        let sought = cage.fresh("what is sought", false);
        let search = v1::SearchMessagesRequest { query: sought, ..Default::default() };
        rita.api.search_messages(search).await.unwrap();
        let (name, content) = (cage.fresh("the name of a file", true), cage.fresh("what is in a file", false));
        let file = upload(server.address, &rita.token, &format!("{name}.txt"), content.as_bytes()).await;
        assert_eq!(file.status, 200);
        assert_eq!(get(server.address, &rita.token, &format!("/media/{}", file.text("id"))).await.status, 200);
        assert_eq!(get(server.address, &cleo.token, &format!("/media/{}", file.text("id"))).await.status, 404);
        let group = rita.group("nest", &[], false).await;
        let code = crate::invite::invite(&rita, group, 0, None).await.unwrap().code;
        cage.keep("the code of an invite", &code, true);
        let by = Some(v1::join_group_request::By::Code(code));
        cleo.api.join_group(v1::JoinGroupRequest { by }).await.unwrap();
        let invite = v1::CreateRegistrationInviteRequest::default();
        let invite = rita.api.create_registration_invite(invite).await.unwrap().invite.unwrap();
        cage.keep("the code of a way in", invite.code, true);
        cage.refused(rita.api.search_gifs(v1::SearchGifsRequest { query: "cat".into(), ..Default::default() }).await);
        let mut ears = Listener::open(&rita).await;
        cleo.say(group, "heard").await;
        ears.message().await;
        drop(ears);

        let rows = everything(&store).await;
        let argon = rows.windows(9).position(|window| window == b"$argon2id").unwrap();
        cage.keep("the hash of a password", String::from_utf8_lossy(&rows[argon..argon + 60]), true);
        assert!(cage.canaries.len() >= 20, "{}", cage.canaries.len());
        cage.absent("the database", &rows, true);

        // All other calls, as they come, with all that is secret in every text.
        let all: Vec<String> = cage.canaries.iter().map(|canary| canary.text.clone()).collect();
        for method in methods() {
            let name = name_of(&method);
            if name == "AccountService/SignOut" {
                continue;
            }
            let mut body = Vec::new();
            for number in 1..6_u32 {
                // Field by field as a text: half of them is another type, which is an error to be told.
                prost::encoding::string::encode(number, &all[number as usize], &mut body);
            }
            for token in [None, Some(rita.token.as_str()), Some(invented.as_str())] {
                if let Err(status) = raw.call(token, &name, body.clone()).await {
                    cage.errors.push(format!("{status:?}"));
                }
            }
        }

        let counted = ask(metrics, "GET", "/metrics", &[], b"").await;
        assert_eq!(counted.status, 200);
        cage.absent("metrics", &counted.body, false);
        cage.absent("errors", cage.errors.join("\n").as_bytes(), false);
        server.signal("TERM");
        server.ended_within(std::time::Duration::from_secs(20));
        fault::none_in(&log);
        let said = std::fs::read(&log).unwrap();
        assert!(said.len() > 10_000, "the log has all levels: {} bytes", said.len());
        cage.absent("the log", &said, false);
        for name in ["rookery.toml", "rookery.lock"] {
            cage.absent(name, &std::fs::read(Path::new(&store.dir).join(name)).unwrap_or_default(), false);
        }
    }
}

/// A panic says where it was and how one got there, and nothing of what was in hand.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_panic() {
    let mut cage = Cage::default();
    let store = Store::new(Backend::Sqlite).await;
    let log = store.dir.join("stderr");
    let script = "RUST_BACKTRACE=1 ROOKERY_LOG_LEVEL=trace exec \"$@\" 2>\"$0\"";
    // The two calls after Register, and the first change after it.
    let failpoints = "call=1*off->2*panic->off;inserted=1*off->1*panic->off";
    let before = ["sh", "-c", script, log.to_str().unwrap()];
    let mut server = Process::failing(&store, failpoints, &before, "127.0.0.1:0");
    let ada = Person::register(&server.url(), "ada").await;
    cage.keep("a token", &ada.token, false);
    cage.keep("a password", PASSWORD, false);
    let sign_in = v1::SignInRequest { name: "ada".into(), password: PASSWORD.into(), ..Default::default() };
    cage.refused(ada.api.sign_in(sign_in).await);
    let text = cage.fresh("a message", true);
    // Stored as one of a group, which a plain text alone is not.
    let text = format!("for @ada {text}");
    for _ in 0..2 {
        let send = v1::SendMessageRequest { conversation_id: 1, text: text.clone(), ..Default::default() };
        cage.refused(ada.api.send_message(send).await);
    }
    server.kill();
    let said = std::fs::read(&log).unwrap();
    let panics = String::from_utf8_lossy(&said).matches(" a panic place=").count();
    assert_eq!(panics, 3, "each call came to its panic: {:?}", cage.errors);
    cage.absent("the log", &said, false);
    cage.absent("errors", cage.errors.join("\n").as_bytes(), false);
}

/// What holds a secret shows none of it in its Debug form, which is what a log would get.
#[test]
fn requests_with_secrets_do_not_show_them() {
    let secret = || "canary".to_owned();
    let shown = [
        format!("{:?}", v1::RegisterRequest { password: secret(), invite: secret(), ..Default::default() }),
        format!("{:?}", v1::RegisterResponse { token: secret(), ..Default::default() }),
        format!("{:?}", v1::SignInRequest { password: secret(), ..Default::default() }),
        format!("{:?}", v1::SignInResponse { token: secret(), ..Default::default() }),
        format!("{:?}", v1::ChangePasswordRequest { password: secret(), new_password: secret(), ..Default::default() }),
        format!("{:?}", v1::CreateTokenResponse { token: secret(), ..Default::default() }),
        format!("{:?}", v1::DeleteAccountRequest { password: secret(), ..Default::default() }),
        format!("{:?}", v1::CreateAccountRequest { password: secret(), ..Default::default() }),
        format!("{:?}", v1::ResetPasswordRequest { password: secret(), ..Default::default() }),
        format!("{:?}", v1::ResetPasswordResponse { password: secret() }),
        format!("{:?}", v1::JoinGroupRequest { by: Some(v1::join_group_request::By::Code(secret())) }),
        format!("{:?}", v1::join_group_request::By::Code(secret())),
        format!("{:?}", v1::Invite { code: secret(), ..Default::default() }),
        format!("{:?}", v1::RegistrationInvite { code: secret(), ..Default::default() }),
        format!("{:?}", v1::CreateInviteResponse { invite: Some(v1::Invite { code: secret(), ..Default::default() }) }),
    ];
    for shown in shown {
        assert!(!shown.contains("canary"), "{shown}");
    }
}
