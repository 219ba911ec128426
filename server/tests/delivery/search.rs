//! The search index after crashes, and made anew: it has what the rows say, no more and no less.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::Duration,
};

use futures::future::join_all;
use rand::RngExt;
use rookery_client::{Code, v1};
use rookery_server::{
    domain::search::index,
    store::{self, Db, DbConfig},
};

use crate::{
    harness::{Backend, Person, Process, Served, Store, in_full},
    on_both,
    traffic::{chance, people},
};

type Place = (i64, i64);

/// All that a search finds, page by page.
async fn found(person: &Person, query: &str) -> BTreeSet<Place> {
    let mut request = v1::SearchMessagesRequest { query: query.into(), page_size: 100, ..Default::default() };
    let mut found = BTreeSet::new();
    loop {
        let page = match person.api.search_messages(request.clone()).await {
            Ok(page) => page,
            // The machine is busy with other tests.
            Err(error) if error.code == Code::ResourceExhausted => continue,
            Err(error) => panic!("{query}: {error:?}"),
        };
        found.extend(page.messages.iter().map(|message| (message.conversation_id, message.id)));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

/// Waits until a search finds just this.
async fn finds(person: &Person, query: &str, wanted: &BTreeSet<Place>) {
    for _ in 0..500 {
        if found(person, query).await == *wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let found = found(person, query).await;
    let missing: Vec<_> = wanted.difference(&found).take(5).collect();
    let wrong: Vec<_> = found.difference(wanted).take(5).collect();
    panic!("{query}: of {} found {}; missing {missing:?}, wrong {wrong:?}", wanted.len(), found.len());
}

const WORDS: [&str; 5] = ["apple", "banana", "cherry", "damson", "elder"];

/// Messages by the word that each has; changed at random.
#[derive(Default)]
struct Garden {
    words: BTreeMap<Place, &'static str>,
}

impl Garden {
    async fn change(&mut self, person: &Person, conversations: &[i64], chance: &mut rand::rngs::StdRng) {
        let mut word = |_| {
            (conversations[chance.random_range(0..conversations.len())], WORDS[chance.random_range(0..WORDS.len())])
        };
        let texts: Vec<(i64, &'static str)> = (0..20).map(&mut word).collect();
        let sent = join_all(texts.iter().map(|(conversation, word)| person.say(*conversation, word))).await;
        for (message, (conversation, word)) in sent.iter().zip(texts) {
            self.words.insert((conversation, message.id), word);
        }
        for _ in 0..4 {
            let index = chance.random_range(0..self.words.len());
            let (conversation_id, id) = *self.words.keys().nth(index).unwrap();
            if chance.random_bool(0.5) {
                let word = WORDS[chance.random_range(0..WORDS.len())];
                let request = v1::EditMessageRequest { conversation_id, id, text: word.into() };
                person.api.edit_message(request).await.unwrap();
                self.words.insert((conversation_id, id), word);
            } else {
                person.api.delete_message(v1::DeleteMessageRequest { conversation_id, id }).await.unwrap();
                self.words.remove(&(conversation_id, id));
            }
        }
    }

    async fn is_found(&self, person: &Person) {
        for word in WORDS {
            let wanted = self.words.iter().filter(|(_, other)| **other == word).map(|(place, _)| *place).collect();
            finds(person, word, &wanted).await;
            finds(person, &word[..2], &wanted).await;
        }
        finds(person, &format!("from:{}", person.name), &self.words.keys().copied().collect()).await;
    }
}

on_both! {
    async fn a_kill_between_a_commit_and_its_indexing_loses_nothing(backend) {
        let cycles = if in_full() { 100 } else { 8 };
        let mut chance = chance("search kill");
        let store = Store::new(backend).await;
        let mut server = Process::start(&store);
        let ada = people(&server.url(), "ada", 1).await.pop().unwrap();
        let mut conversations = vec![1];
        for number in 0..7 {
            conversations.push(ada.group(&format!("group {number}"), &[], false).await);
        }
        let mut garden = Garden::default();
        for _ in 0..cycles {
            garden.change(&ada, &conversations, &mut chance).await;
            // Before the first step of the index, in the middle of one, or later.
            tokio::time::sleep(Duration::from_millis(chance.random_range(0..250))).await;
            server.restart();
        }
        garden.is_found(&ada).await;
    }

    async fn an_index_made_anew_is_the_one_that_was_kept(backend) {
        let mut chance = chance("search rebuild");
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let conversations = [1, ada.group("g", &[], false).await];
        let mut garden = Garden::default();
        for _ in 0..10 {
            garden.change(&ada, &conversations, &mut chance).await;
            tokio::time::sleep(Duration::from_millis(chance.random_range(0..120))).await;
        }
        garden.is_found(&ada).await;
        let place = match backend {
            Backend::Sqlite => DbConfig::Sqlite(server.store.dir.join("rookery.db")),
            Backend::Postgres => DbConfig::Postgres(server.store.database.clone()),
        };
        let db = Db::open(&place).await.unwrap();
        // Found is what is there, though the index does not know yet of the last that went.
        while !store::search::behind(&mut db.reader().await.unwrap()).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let token = ada.token.clone();
        let store = server.stop().await;
        let (tokens, positions, days) = rows(&db).await;
        // What was kept may know the days of messages that are gone since.
        let as_kept = |(new_tokens, new_positions, new_days): Rows| {
            assert_eq!((new_tokens, new_positions), (tokens.clone(), positions.clone()));
            let within = |day: &(i64, i64, i64)| {
                days.iter().any(|kept| kept.0 == day.0 && kept.1 <= day.1 && day.2 <= kept.2)
            };
            assert!(!new_days.is_empty() && new_days.iter().all(within), "{new_days:?}, not {days:?}");
        };
        let mut told = Vec::new();
        index::rebuild(&db, |done, count| told.push((done, count))).await.unwrap();
        assert!(told.is_sorted() && told.last().is_some_and(|(done, count)| done == count), "{told:?}");
        as_kept(rows(&db).await);
        db.close().await;
        // Twice does no harm.
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
        doctor.args(["--data".as_ref(), store.dir.as_os_str()]);
        if backend == Backend::Postgres {
            doctor.args(["--database", &store.database]);
        }
        let said = doctor.args(["doctor", "--rebuild-search"]).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let db = Db::open(&place).await.unwrap();
        as_kept(rows(&db).await);
        db.close().await;
        let config = store.config();
        let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
        let api = server.anonymous().with_token(Some(&token)).unwrap();
        garden.is_found(&Person { api, ..ada }).await;
    }
}

/// How many messages have each token, how far each conversation is, and where each day lies.
type Rows = (Vec<(String, i64)>, Vec<(i64, i64)>, Vec<(i64, i64, i64)>);

async fn rows(db: &Db) -> Rows {
    let mut conn = db.writer().await.unwrap();
    let positions = "select conversation_id, position from search_positions order by 1";
    let days = "select day, first_seq, last_seq from search_days order by 1";
    match &mut conn {
        rookery_server::store::Conn::Sqlite(c) => {
            let vocabulary = "create virtual table if not exists temp.vocabulary using fts5vocab(main, search, row)";
            sqlx::query(vocabulary).execute(&mut **c).await.unwrap();
            let tokens = "select term, doc from temp.vocabulary order by 1";
            (
                sqlx::query_as(tokens).fetch_all(&mut **c).await.unwrap(),
                sqlx::query_as(positions).fetch_all(&mut **c).await.unwrap(),
                sqlx::query_as(days).fetch_all(&mut **c).await.unwrap(),
            )
        }
        rookery_server::store::Conn::Postgres(c) => {
            let tokens = "select g, count(*) from search, unnest(grams) g group by g order by g collate \"C\"";
            (
                sqlx::query_as(tokens).fetch_all(&mut **c).await.unwrap(),
                sqlx::query_as(positions).fetch_all(&mut **c).await.unwrap(),
                sqlx::query_as(days).fetch_all(&mut **c).await.unwrap(),
            )
        }
    }
}
