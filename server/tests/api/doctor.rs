//! `rookery-server doctor`: finds nothing where all is well, also beside a running server, and names what is not.

use std::{os::unix::fs::PermissionsExt, process::Command};

use rookery_client::v1;
use sqlx::Connection;

use crate::{
    attachment::{picture, show},
    harness::{PASSWORD, Served, Store},
    on_both,
};

/// What it says, and whether it found nothing.
fn examine(store: &Store) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    program.arg("doctor").arg("--data").arg(&store.dir);
    if !store.database.is_empty() {
        program.args(["--database", &store.database]);
    }
    let output = program.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// Does something to the rows that no rule would do.
async fn spoil(store: &Store, text: &'static str) {
    if store.database.is_empty() {
        let file = format!("sqlite://{}", store.dir.join("rookery.db").display());
        let mut conn = sqlx::SqliteConnection::connect(&file).await.unwrap();
        sqlx::query(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
        sqlx::query(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

on_both! {
    async fn nothing_is_found_where_all_is_well_and_each_fault_is_named(backend) {
        let server = Served::start(backend).await;
        std::fs::set_permissions(&server.store.dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let (ada, bob, cyd) = (server.user("ada").await, server.user("bob").await, server.user("cyd").await);
        let dan = server.user("dan").await;
        dan.direct(&ada).await;
        dan.say(1, "farewell").await;
        let delete = v1::DeleteAccountRequest { password: PASSWORD.into(), messages: v1::MessagesFate::Keep.into() };
        dan.api.delete_account(delete).await.map(drop).unwrap();
        let chat = ada.direct(&bob).await;
        let group = ada.group("Rooks", &[&bob, &cyd], false).await;
        let shown = picture(&ada, "a.png").await;
        show(&ada, chat, "look", &[&shown]).await;
        let gone = bob.say(group, "gone").await;
        bob.api.add_reaction(v1::AddReactionRequest { conversation_id: group, id: gone.id, emote: "👍".into() }).await.unwrap();
        bob.api.delete_message(v1::DeleteMessageRequest { conversation_id: group, id: gone.id }).await.unwrap();
        cyd.say(group, "stays").await;
        bob.api.mark_read(v1::MarkReadRequest { conversation_id: group, id: gone.id }).await.unwrap();
        cyd.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: true }).await.unwrap();

        let (well, said) = examine(&server.store);
        assert!(well && !said.contains("FAULT"), "beside a running server:\n{said}");
        let store = server.stop().await;
        let (well, said) = examine(&store);
        assert!(well, "{said}");

        let faults = [
            ("update conversations set position = position + 1 where kind = 2", "position is its newest change"),
            ("update conversations set messages = messages + 1 where kind = 3", "counts its messages"),
            ("update conversations set members = 7 where kind = 3", "counts its members"),
            ("update messages set text = 'back' where deleted", "nothing is left of deleted messages"),
            ("delete from media", "each file that a message shows is known"),
            ("delete from memberships where user_id = 1", "each direct chat has its people"),
            ("update memberships set own_messages = 9 where user_id = 2", "what is counted by them are right"),
        ];
        for (text, rule) in faults {
            spoil(&store, text).await;
            let (well, said) = examine(&store);
            let line = said.lines().find(|line| line.contains(rule)).unwrap_or_else(|| panic!("{rule}:\n{said}"));
            assert!(!well && line.starts_with("FAULT"), "{text}:\n{said}");
        }
        std::fs::set_permissions(&store.dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (_, said) = examine(&store);
        assert!(said.contains("may be read by others"), "{said}");
        let settings = store.dir.join("rookery.toml");
        std::fs::write(&settings, "[gif]\nkey = \"canary\"\n").unwrap();
        for (mode, line) in [(0o640, "FAULT  secrets: "), (0o600, "ok     secrets: ")] {
            std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(mode)).unwrap();
            let (_, said) = examine(&store);
            assert!(said.contains(line) && !said.contains("canary"), "{said}");
        }
    }

    async fn a_file_that_is_not_whole_is_found(backend) {
        let server = Served::start(backend).await;
        std::fs::set_permissions(&server.store.dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let ada = server.user("ada").await;
        let shown = picture(&ada, "a.png").await;
        show(&ada, 1, "look", &[&shown]).await;
        let file = server.store.dir.join("media").join(&shown.id[..2]).join(&shown.id);
        std::fs::write(&file, b"short").unwrap();
        let (well, said) = examine(&server.store);
        assert!(!well && said.contains(&shown.id), "{said}");
        std::fs::remove_file(file).unwrap();
        assert!(examine(&server.store).1.contains("missing or not whole"));
    }
}

#[test]
fn where_nothing_is_it_says_so_and_makes_nothing() {
    let folder = std::env::temp_dir().join(crate::harness::unique("rookery-doctor-"));
    let output = Command::new(env!("CARGO_BIN_EXE_rookery-server")).arg("doctor").arg("--data").arg(&folder).output();
    assert!(!output.unwrap().status.success());
    assert!(!folder.exists());
}
