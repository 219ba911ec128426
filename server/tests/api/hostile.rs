//! Hostile values in every field, one at a time: texts that mean something to a database, numbers and times at their edges.
//! What comes of them is an answer or a refusal, never a fault; what is kept is kept byte for byte.

use std::time::Duration;

use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value};
use rookery_client::v1;
use sqlx::Connection;
use tonic::Code;

use crate::{
    harness::{Served, Store},
    on_both,
    raw::{Raw, methods, name_of, reason},
};

/// What breaks out of a text that somebody put into a query.
const CORPUS: [&str; 14] = [
    "'",
    "''; drop table users; --",
    "' or '1'='1",
    "\" or \"\"=\"",
    "\\'; delete from messages; --",
    "1; update users set admin = true",
    "') union select password_hash from users --",
    "$1",
    "%",
    "_",
    "{\"a\": [1, null]}",
    "[1, 2]",
    "NEAR(a b) AND * OR ^ col:x \"",
    "/* */ -- \\x00 \\u0000",
];

const NUMBERS: [i64; 10] =
    [-1, 0, 1, i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1, i32::MIN as i64, i32::MAX as i64, 1_000_000_000];

/// Every message that is the request with one field, at any depth, set to one of the values; others as in `usual`.
fn variants(of: &DynamicMessage, values: &dyn Fn(&Kind) -> Vec<Value>) -> Vec<DynamicMessage> {
    let mut found = Vec::new();
    for field in of.descriptor().fields() {
        if field.is_map() {
            continue;
        }
        let mut put = |value: Value| {
            let mut message = of.clone();
            message.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
            found.push(message);
        };
        match field.kind() {
            Kind::Message(descriptor) => {
                let inner = DynamicMessage::new(descriptor);
                variants(&inner, values).into_iter().for_each(|inner| put(Value::Message(inner)));
            }
            kind => values(&kind).into_iter().for_each(&mut put),
        }
    }
    found
}

/// A request whose ids are there.
fn usual(descriptor: MessageDescriptor, person: i64) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields().filter(|field| !field.is_list() && field.kind() == Kind::Int64) {
        let value = match field.name() {
            "conversation_id" | "id" | "message_id" => 1,
            "user_id" => person,
            _ => 0,
        };
        if field.containing_oneof().is_none() {
            message.set_field(&field, Value::I64(value));
        }
    }
    message
}

/// What the database is made of.
async fn schema(store: &Store) -> Vec<String> {
    if store.database.is_empty() {
        let file = store.dir.join("rookery.db");
        let mut conn = sqlx::SqliteConnection::connect(&file.to_string_lossy()).await.unwrap();
        let text = "select coalesce(sql, name) from sqlite_master order by name";
        let rows = sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        return rows;
    }
    let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
    let text = "select table_name || '.' || column_name || ' ' || data_type from information_schema.columns \
        where table_schema = 'public' union all select indexdef from pg_indexes where schemaname = 'public' order by 1";
    sqlx::query_scalar(text).fetch_all(&mut conn).await.unwrap()
}

/// Tries each variant as an admin and as a member; nothing is ever a fault.
async fn attack(server: &Served, values: &dyn Fn(&Kind) -> Vec<Value>) {
    let raw = Raw::new(server.address);
    // Number 1 is somebody whom an admin may shut out.
    server.user("first").await;
    let (ada, rita) = (server.user("ada").await, server.admin("rita").await);
    let prey = server.user("prey").await;
    ada.direct(&prey).await;
    ada.say(1, "message").await;
    for method in methods() {
        let name = name_of(&method);
        // It would end the test's own session.
        if name == "AccountService/SignOut" {
            continue;
        }
        for request in variants(&usual(method.input(), prey.id), values) {
            let admin = name.starts_with("AdminService/");
            let token = if admin { &rita.token } else { &ada.token };
            let call = raw.call(Some(token), &name, request.encode_to_vec());
            let answer = tokio::time::timeout(Duration::from_secs(60), call).await;
            let answer = answer.unwrap_or_else(|_| panic!("{name} does not answer: {request:?}"));
            if let Err(status) = answer {
                let faults = [Code::Unknown, Code::Internal, Code::Unavailable, Code::DataLoss];
                assert!(!faults.contains(&status.code()), "{name}: {request:?}: {status:?}");
                assert!(!reason(&status).is_empty());
                let said = status.message().to_lowercase();
                for word in ["select ", "sqlite", "postgres", "syntax error", "column", "constraint", "/tmp"] {
                    assert!(!said.contains(word), "{name} tells too much: {said}");
                }
            }
        }
    }
    assert!(ada.api.get_user(v1::GetUserRequest::default()).await.is_ok(), "the server lives");
}

on_both! {
    async fn no_text_reaches_the_database_as_more_than_a_text(backend) {
        let server = Served::with(backend, |config| config.limits.sign_in_tries = 0).await;
        let before = schema(&server.store).await;
        let values = |kind: &Kind| match kind {
            Kind::String => CORPUS.iter().map(|text| Value::String((*text).into())).collect(),
            _ => Vec::new(),
        };
        attack(&server, &values).await;
        assert_eq!(schema(&server.store).await, before);
        let users = server.user("zoe").await.api.list_users(v1::ListUsersRequest::default()).await.unwrap().users;
        assert_eq!(users.iter().filter(|user| user.admin).count(), 1, "nobody became an admin");
    }

    async fn every_number_and_time_may_be_at_its_edge(backend) {
        let server = Served::with(backend, |config| config.limits.sign_in_tries = 0).await;
        #[allow(clippy::cast_possible_truncation)]
        let values = |kind: &Kind| match kind {
            Kind::Int64 => NUMBERS.map(Value::I64).to_vec(),
            Kind::Int32 => NUMBERS.map(|number| Value::I32(number as i32)).to_vec(),
            Kind::Enum(_) => [-1, 99, i32::MAX, i32::MIN].map(Value::EnumNumber).to_vec(),
            _ => Vec::new(),
        };
        attack(&server, &values).await;
    }

    async fn a_text_comes_back_byte_for_byte(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let family = "👩‍👩‍👧‍👦".repeat(8 * 1024 / "👩‍👩‍👧‍👦".len());
        let mut texts: Vec<String> = CORPUS.map(str::to_owned).to_vec();
        texts.extend([
            "line\u{2028}and\u{2029}paragraph".to_owned(),
            "\u{1}\u{7f}\u{85}\r\n\t end".to_owned(),
            "\u{feff}\u{200b}x\u{202e}y\u{2066}z".to_owned(),
            "e\u{301} is not é; ﷽; \u{10ffff}\u{fffe}".to_owned(),
            format!("a{}", "\u{301}".repeat(1000)),
            family,
            "  blanks around  ".to_owned(),
        ]);
        for text in &texts {
            assert_eq!(ada.say(1, text).await.text, *text);
        }
        let read: Vec<String> = bob.messages(1).await.into_iter().map(|message| message.text).collect();
        assert_eq!(read, texts);
        // What is no text at all, and the one character that some databases do not keep, is refused.
        let request = |text: &str| v1::SendMessageRequest { conversation_id: 1, text: text.into(), ..Default::default() };
        crate::refusal::bad_field(ada.api.send_message(request("a\0b")).await, "text");
        let mut body = vec![0x08, 1, 0x12, 2];
        body.extend([0xff, 0xfe]);
        let status = Raw::new(server.address).call(Some(&ada.token), "MessageService/SendMessage", body).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    }
}
