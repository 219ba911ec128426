//! An older copy of the data comes back, and other messages are written after it: no client believes what is no more.

use std::{collections::BTreeMap, process::Command, sync::Arc, time::Duration};

use futures::StreamExt;
use rookery_client::{Api, Config, Connection, Profile, Session, State, connect, v1};

use crate::{
    harness::{Backend, Person, Process, Store},
    ledger::Ledger,
    traffic::{End, Reader, chance, stored, within},
};

fn run(store: &Store, arguments: &[&str]) {
    let data = store.dir.join("data");
    let status = Command::new(env!("CARGO_BIN_EXE_rookery-server")).args(arguments).arg("--data").arg(data).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

/// A desktop client: what it shows of one conversation, once it is online and all has come.
struct Desktop {
    session: Session,
    token: String,
    profile: Profile,
}

impl Desktop {
    fn new(person: &Person, url: &str, history_id: &str, folder: &std::path::Path) -> Self {
        let session = Session {
            server: url.into(),
            history_id: history_id.into(),
            user_id: person.id,
            user_name: person.name.clone(),
        };
        let profile = Profile::open_in(folder, &person.name).unwrap();
        Self { session, token: person.token.clone(), profile }
    }

    /// Runs until it shows these texts in each of these conversations, and no others.
    async fn shows(&self, expected: &BTreeMap<i64, Vec<String>>) {
        let mut config = Config::new(self.session.clone(), &self.token, self.profile.clone());
        config.backoff = (Duration::from_millis(20), Duration::from_millis(200));
        let (client, mut updates) = connect(config).unwrap();
        let mut state = State::default();
        expected.keys().for_each(|id| client.open(*id));
        let shown = |state: &State| -> BTreeMap<i64, Vec<String>> {
            let texts = |id: &i64| {
                let run = state.conversation(*id).and_then(rookery_client::Conversation::run);
                let messages = run.into_iter().flat_map(rookery_client::Run::messages);
                messages.filter(|message| message.system.is_none()).map(|message| message.text.clone()).collect()
            };
            expected.keys().map(|id| (*id, texts(id))).collect()
        };
        let run = async {
            while state.connection() != &Connection::Online || shown(&state) != *expected {
                state.apply(&updates.next().await.expect("the client ended"));
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(20), run).await.is_ok();
        assert!(done, "{:?}: it shows {:#?}, not {expected:#?}", state.connection(), shown(&state));
        // And it stays so.
        let _ = tokio::time::timeout(Duration::from_millis(300), async {
            while let Some(update) = updates.next().await {
                state.apply(&update);
            }
        })
        .await;
        assert_eq!(shown(&state), *expected);
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
    let desktops = [&ada, &bob].map(|person| Desktop::new(person, &url, &info.history_id, &outer.dir.join("clients")));
    desktops[1].shows(&before).await;
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
    for desktop in &desktops {
        desktop.shows(&now).await;
        // A second start, from what is now kept on the device.
        desktop.shows(&now).await;
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
            let response = stream.next().await.unwrap().unwrap();
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
