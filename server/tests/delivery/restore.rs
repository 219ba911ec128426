//! An older copy of the data comes back, and other messages are written after it: no client believes what is no more.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use rookery_client::{
    Api, Client, Config, Connection, Conversation, Profile, Run, Session, State, Updates, connect, v1,
};

use crate::{
    exchange::{get, upload},
    harness::{Backend, Person, Process, Store, tool},
    ledger::Ledger,
    traffic::{End, Reader, chance, stored, within},
};

fn run(store: &Store, arguments: &[&str]) {
    let data = store.dir.join("data");
    let status = Command::new(env!("CARGO_BIN_EXE_rookery-server")).args(arguments).arg("--data").arg(data).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

/// A desktop client that runs, on a folder of its own.
struct Desktop {
    client: Client,
    updates: Updates,
    state: State,
}

impl Desktop {
    fn start(person: &Person, url: &str, history_id: &str, folder: &Path) -> Self {
        let session = Session {
            server: url.into(),
            history_id: history_id.into(),
            user_id: person.id,
            user_name: person.name.clone(),
        };
        let profile = Profile::open_in(folder, &person.name).unwrap();
        let mut config = Config::new(session, &person.token, profile);
        config.backoff = (Duration::from_millis(20), Duration::from_millis(200));
        let (client, updates) = connect(config).unwrap();
        Self { client, updates, state: State::default() }
    }

    fn shown(&self, ids: impl Iterator<Item = i64>) -> BTreeMap<i64, Vec<String>> {
        let texts = |id: i64| {
            let run = self.state.conversation(id).and_then(Conversation::run);
            let messages = run.into_iter().flat_map(Run::messages).filter(|message| message.system.is_none());
            (id, messages.map(|message| message.text.clone()).collect())
        };
        ids.map(texts).collect()
    }

    /// Runs until it shows these texts in these conversations, and no others; and a little longer, to see that it stays so.
    async fn shows(&mut self, expected: &BTreeMap<i64, Vec<String>>) {
        let ids = || expected.keys().copied();
        let begun = Instant::now();
        let mut right: Option<Instant> = None;
        while right.is_none_or(|at| at.elapsed() < Duration::from_millis(300)) {
            let shown = self.shown(ids());
            let connection = self.state.connection();
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{connection:?}: it shows {shown:#?}, not {expected:#?}"
            );
            if let Ok(update) = tokio::time::timeout(Duration::from_millis(20), self.updates.next()).await {
                self.state.apply(&update.expect("the client ended"));
            }
            let online = *self.state.connection() == Connection::Online;
            if online {
                ids().filter(|id| !self.state.opened().contains(id)).for_each(|id| self.client.open(id));
            }
            let is_right = online && self.shown(ids()) == *expected;
            right = if is_right { right.or(Some(Instant::now())) } else { None };
        }
    }

    /// Ends it; its folder is free when this returns.
    async fn end(self) {
        drop(self);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn lists(api: &Api, conversations: &[i64]) -> BTreeMap<i64, Vec<String>> {
    let rows = stored(api, conversations).await;
    let texts = |messages: Vec<v1::Message>| -> Vec<String> {
        messages.into_iter().filter(|message| message.system.is_none()).map(|message| message.text).collect()
    };
    rows.into_iter().map(|(id, stored)| (id, texts(stored.messages))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_every_client_shows_the_servers_list() {
    let mut chance = chance("restore");
    let outer = Store::new(Backend::Sqlite).await;
    // The data in a folder of its own: the copy and the clients' folders lie beside it.
    let inner = Store { dir: outer.dir.join("data"), database: String::new() };
    let copy = outer.dir.join("copy");
    let mut server = Process::under(&inner, &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
    let url = server.url();
    let ada = Person::register(&url, "ada").await;
    let bob = Person::register(&url, "bob").await;
    let group = ada.group("group", &[&bob], false).await;
    let conversations = [1, group];
    for number in 0..10 {
        ada.say(1, &format!("kept {number}")).await;
        bob.say(group, &format!("kept {number}")).await;
    }
    let info = ada.api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    run(&outer, &["backup", copy.to_str().unwrap()]);

    // What is written now will be undone.
    for number in 0..15 {
        ada.say(1, &format!("lost {number}")).await;
        bob.say(group, &format!("lost {number}")).await;
    }
    let later = ada.group("made after the copy", &[&bob], false).await;
    ada.say(later, "lost with its group").await;
    let before = lists(&bob.api, &conversations).await;
    // Two clients that know all of it: one that is closed before the copy comes back, one that runs on.
    let clients = outer.dir.join("clients");
    let mut closed = Desktop::start(&ada, &url, &info.history_id, &clients);
    closed.shows(&before).await;
    closed.end().await;
    let mut running = Desktop::start(&bob, &url, &info.history_id, &clients);
    running.shows(&before).await;
    let ledger = Arc::new(Ledger::default());
    let starts = BTreeMap::from([(1, 0), (group, 0)]);
    let mut reader = Reader::new(&bob.api, &ledger, "bob", starts);
    let rows = stored(&bob.api, &conversations).await;
    let goal = rows.iter().map(|(id, stored)| (*id, stored.position)).collect();
    assert!(matches!(reader.read(|reader| reader.has(&goal)).await, End::Enough));
    assert_eq!(reader.history_id, info.history_id);

    server.signal("TERM");
    assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    run(&outer, &["restore", copy.to_str().unwrap()]);
    server.restart();

    // Other messages on the same numbers: fewer in the room, so that cursors are above it; more in the group.
    for number in 0..5 {
        ada.say(1, &format!("new {number}")).await;
    }
    for number in 0..30 {
        ada.say(group, &format!("new {number}")).await;
    }
    let again = ada.api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    assert_ne!(again.history_id, info.history_id);
    let now = lists(&bob.api, &conversations).await;
    assert_eq!((now[&1].len(), now[&group].len()), (15, 40));
    assert!(!now.values().flatten().any(|text| text.contains("lost")));
    running.shows(&now).await;
    assert_eq!(running.state.history_id(), again.history_id);
    // The other one starts from what it kept on the device; and once more, from what it then kept.
    for _ in 0..2 {
        let mut opened = Desktop::start(&ada, &url, &info.history_id, &clients);
        opened.shows(&now).await;
        opened.end().await;
    }

    // A bare stream with the old history: its cursors do not count. One that names no history and is above: reset.
    let cursors: std::collections::HashMap<i64, i64> = reader.cursors.iter().map(|(id, at)| (*id, *at)).collect();
    for history_id in [info.history_id.clone(), String::new()] {
        let named = !history_id.is_empty();
        let request = v1::SubscribeRequest { cursors: cursors.clone(), history_id, ..Default::default() };
        let mut stream = bob.api.subscribe(request).await.unwrap();
        let mut resets = Vec::new();
        loop {
            use v1::event::Kind;
            let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
            let response = next.expect("no event came").unwrap().unwrap();
            match response.event.unwrap().kind.unwrap() {
                Kind::Ready(ready) => assert_eq!(ready.history_id, again.history_id),
                Kind::ConversationReset(reset) => resets.push((response.conversation_id, reset.position)),
                Kind::MessageChanged(_) => assert!(!named, "cursors of another history counted"),
                Kind::CaughtUp(_) => break,
                _ => {}
            }
        }
        assert_eq!(resets, if named { vec![] } else { vec![(1, 15)] });
    }
    // The group made after the copy is gone: a new one may have its number, with other members.
    let carol = Person::register(&url, "carol").await;
    let new = carol.group("another", &[], false).await;
    assert_eq!(new, later);
    within(Duration::from_secs(2), "bob has no part in it", async || {
        let get = v1::GetConversationRequest { conversation_id: new };
        bob.api.get_conversation(get).await.is_err()
    })
    .await;
}

/// Runs one of PostgreSQL's own programs, as docs/operate.md says.
fn postgres(name: &str, arguments: &[&str]) {
    let outcome = Command::new(tool("ROOKERY_TEST_POSTGRES_PROGRAMS").join(name)).args(arguments).output().unwrap();
    assert!(outcome.status.success(), "{name}: {}", String::from_utf8_lossy(&outcome.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_pg_restore_the_history_is_another_and_the_files_are_back() {
    let outer = Store::new(Backend::Postgres).await;
    let store = Store { dir: outer.dir.join("data"), database: outer.database.clone() };
    let backup = outer.dir.join("copy");
    let program = |words: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
        program.args(words).arg(&backup).arg("--data").arg(&store.dir).args(["--database", &store.database]);
        program.output().unwrap()
    };
    // Where nothing was brought back yet, nothing is made: pg_restore would find it in its way.
    std::fs::create_dir_all(backup.join("media")).unwrap();
    assert!(!program(&["restore"]).status.success());
    assert!(outer.texts("select tablename::text from pg_tables where schemaname = 'public'").await.is_empty());

    let mut server = Process::start(&store);
    let ada = Person::register(&server.url(), "ada").await;
    let media_id = upload(server.address, &ada.token, "a.bin", b"kept bytes").await.text("id");
    let request =
        v1::SendMessageRequest { conversation_id: 1, media_ids: vec![media_id.clone()], ..Default::default() };
    ada.api.send_message(request).await.unwrap();
    let info = ada.api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    let refused = program(&["restore"]);
    assert!(!refused.status.success(), "a server runs on the folder");
    let refused = program(&["backup"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("pg_dump"));
    let stop = |server: &mut Process| {
        server.signal("TERM");
        assert_eq!(server.ended_within(Duration::from_secs(100)), Some(Some(0)));
    };
    let dump = backup.join("rookery.dump").to_string_lossy().into_owned();
    let copy = |how: &str| {
        let copied = Command::new("cp").arg(how).arg(store.dir.join("media")).arg(&backup).status().unwrap();
        assert!(copied.success());
    };
    copy("-a");
    postgres("pg_dump", &["-Fc", "-f", &dump, &store.database]);
    copy("-an");

    ada.say(1, "lost").await;
    stop(&mut server);
    let (cluster, database) = store.database.rsplit_once('/').unwrap();
    let maintenance = format!("--maintenance-db={cluster}/postgres");
    postgres("dropdb", &[&maintenance, database]);
    postgres("createdb", &[&maintenance, database]);
    postgres("pg_restore", &["-d", &store.database, &dump]);
    std::fs::remove_dir_all(store.dir.join("media")).unwrap();
    let restored = program(&["restore"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    server.restart();
    let again = ada.api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    assert_ne!(again.history_id, info.history_id);
    let said = ada.say(1, "new").await;
    let there: Vec<i64> = ada.messages(1).await.iter().map(|message| message.id).collect();
    assert_eq!(there, [1, said.id], "what was lost has left its number");
    let answer = get(server.address, &ada.token, &format!("/media/{media_id}")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"kept bytes".as_slice()));
    // The cursor of the old history is passed by the new one, and does not count.
    let request = v1::SubscribeRequest { cursors: [(1, 2)].into(), history_id: info.history_id, ..Default::default() };
    let mut stream = ada.api.subscribe(request).await.unwrap();
    let ready = stream.next().await.unwrap().unwrap().event.unwrap().kind.unwrap();
    assert!(matches!(ready, v1::event::Kind::Ready(ready) if ready.history_id == again.history_id));
}
