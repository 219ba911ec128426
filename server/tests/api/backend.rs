//! A database that fails: callers are told that something is wrong, and nothing of what.

use prost_reflect::prost::Message;
use sqlx::{Connection, Executor};
use tonic::Code;

use crate::{
    access::filled,
    harness::{Served, Store, fault::Wanted},
    on_both,
    raw::{Raw, methods, name_of, reason},
};

/// What only the database, the disk or the program's own text could have said.
const OURS: [&str; 12] = [
    "select",
    "insert into",
    "update ",
    "sql",
    "relation",
    "no such table",
    "column",
    ".rs",
    "panic",
    "backtrace",
    "elsewhere",
    "/tmp",
];

/// Takes tables away under a running server.
async fn spoil(store: &Store) {
    for table in ["messages", "memberships", "users", "media"] {
        let change = format!("alter table {table} rename to {table}_elsewhere");
        let change = sqlx::AssertSqlSafe(change);
        if store.database.is_empty() {
            let file = format!("sqlite://{}", store.dir.join("rookery.db").display());
            sqlx::SqliteConnection::connect(&file).await.unwrap().execute(change).await.unwrap();
        } else {
            sqlx::PgConnection::connect(&store.database).await.unwrap().execute(change).await.unwrap();
        }
    }
}

on_both! {
    async fn an_error_tells_nothing_of_what_is_below(backend) {
        let _wanted = Wanted::new();
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        spoil(&server.store).await;
        let raw = Raw::new(server.address);
        let mut faults = 0;
        for method in methods() {
            let name = name_of(&method);
            if method.is_server_streaming() || name == "AccountService/SignOut" {
                continue;
            }
            let request = filled(method.input(), 1).encode_to_vec();
            let Err(status) = raw.call(Some(&ada.token), &name, request).await else { continue };
            assert!(!reason(&status).is_empty());
            faults += usize::from(matches!(status.code(), Code::Internal | Code::Unavailable));
            let told = format!("{} {}", status.message(), String::from_utf8_lossy(status.details())).to_lowercase();
            // The rules of fields are ours to tell.
            if status.code() != Code::InvalidArgument {
                for word in OURS {
                    assert!(!told.contains(word), "{name} tells {word:?}: {told}");
                }
            }
        }
        assert!(faults > 10, "only {faults} calls came as far as the database");
    }
}
