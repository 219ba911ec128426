//! Clients that write and read for a test, and note in its ledger what they do. They do what the protocol asks of a
//! client: repeat an unanswered send under its request_id, resume a stream from its cursors.

#![allow(dead_code, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rookery_client::{Api, Error, v1};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    harness::{Person, patience},
    ledger::{Ledger, Stored},
};

/// Chance with a seed that can be given again: ROOKERY_TEST_SEED.
pub fn chance(of_what: &str) -> StdRng {
    let given = std::env::var("ROOKERY_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("{of_what}: ROOKERY_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Chance of its own for a part of a test.
pub fn branch(chance: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(chance.random())
}

/// A new request_id.
pub fn request_id(chance: &mut StdRng) -> String {
    uuid::Builder::from_random_bytes(chance.random()).into_uuid().to_string()
}

/// Some accounts.
pub async fn people(url: &str, word: &str, count: usize) -> Vec<Person> {
    let names: Vec<String> = (0..count).map(|number| format!("{word}{number}")).collect();
    let mut people = Vec::new();
    // Hashing passwords takes the whole machine: a few at a time.
    for names in names.chunks(4) {
        people.extend(join_all(names.iter().map(|name| Person::register(url, name))).await);
    }
    people
}

/// Sends once, and again under the same request_id until there is an answer. `give_up` ends it after a try whose outcome
/// is not known.
pub async fn send(
    ledger: &Ledger,
    (api, author_id): (&Api, i64),
    request: v1::SendMessageRequest,
    give_up: impl FnMut() -> bool,
) -> Option<v1::Message> {
    let number = ledger.begin(author_id, request.conversation_id, &request.request_id, &request.text);
    repeat(ledger, number, api, request, give_up).await
}

/// Goes on with a send that is in the ledger already.
pub async fn repeat(
    ledger: &Ledger,
    number: usize,
    api: &Api,
    request: v1::SendMessageRequest,
    mut give_up: impl FnMut() -> bool,
) -> Option<v1::Message> {
    loop {
        match api.send_message(request.clone()).await {
            Ok(answer) => {
                let message = answer.message.unwrap();
                ledger.ack(number, &message);
                return Some(message);
            }
            Err(error) if error.is_maybe() => {
                if give_up() {
                    return None;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => {
                println!("refused: {error:?}");
                ledger.refuse(number);
                return None;
            }
        }
    }
}

/// People who write until they are told to stop.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Each of `people` writes to one of `conversations` after the other, in an order by chance, with a pause of up to
    /// `pause` in between. One in ten sends without an answer is not repeated.
    pub fn start(
        ledger: &Arc<Ledger>,
        people: &[Person],
        conversations: &[i64],
        pause: Duration,
        chance: &mut StdRng,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |person: &Person| {
            let (ledger, stop, person) = (ledger.clone(), stop.clone(), person.clone());
            let conversations = conversations.to_vec();
            let mut chance = branch(chance);
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    let request = v1::SendMessageRequest {
                        conversation_id: conversations[chance.random_range(0..conversations.len())],
                        text: format!("{} says {count} {}", person.name, "x".repeat(chance.random_range(0..200))),
                        request_id: request_id(&mut chance),
                        ..Default::default()
                    };
                    let forget = chance.random_bool(0.1);
                    send(&ledger, (&person.api, person.id), request, || forget).await;
                    if !pause.is_zero() {
                        tokio::time::sleep(pause.mul_f64(chance.random())).await;
                    }
                }
            })
        };
        let tasks = people.iter().map(start).collect();
        Self { stop, tasks }
    }

    /// Lets them finish what they have begun: each send that is repeated is repeated until it is answered.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// How a stream ended.
#[derive(Debug)]
pub enum End {
    /// The reader had what she wanted.
    Enough,
    /// The server's last word; none if it ended the stream without one.
    Closed(Option<Error>),
}

/// A client that reads.
#[derive(Debug)]
pub struct Reader {
    pub api: Api,
    pub ledger: Arc<Ledger>,
    pub number: usize,
    pub cursors: BTreeMap<i64, i64>,
    pub history_id: String,
    /// How often something was told that ListChanges had to fetch.
    pub resets: usize,
    /// Whether the stream that is open is behind its replay.
    pub caught_up: bool,
}

impl Reader {
    /// Who reads these conversations from these cursors; none: all of hers, from the present.
    pub fn new(api: &Api, ledger: &Arc<Ledger>, name: &str, cursors: BTreeMap<i64, i64>) -> Self {
        Self::from(api, ledger, name, cursors, BTreeMap::new())
    }

    /// The same for somebody who may not see all.
    pub fn from(
        api: &Api,
        ledger: &Arc<Ledger>,
        name: &str,
        cursors: BTreeMap<i64, i64>,
        visible_from: BTreeMap<i64, i64>,
    ) -> Self {
        let number = ledger.reader(name, visible_from);
        let (api, ledger) = (api.clone(), ledger.clone());
        Self { api, ledger, number, cursors, history_id: String::new(), resets: 0, caught_up: false }
    }

    /// Opens a stream from the cursors and reads it until `enough`, which is asked before each event and at least every
    /// 20 ms.
    pub async fn read(&mut self, enough: impl FnMut(&Self) -> bool) -> End {
        let ids: Vec<i64> = self.cursors.keys().copied().collect();
        let request = v1::SubscribeRequest {
            cursors: self.cursors.iter().map(|(id, cursor)| (*id, *cursor)).collect(),
            history_id: self.history_id.clone(),
            only: vec![v1::EventKind::Messages.into()],
            conversation_ids: ids,
        };
        self.caught_up = false;
        match self.api.subscribe(request).await {
            Ok(stream) => {
                self.ledger.open(self.number, &self.cursors);
                self.drain(stream, enough).await
            }
            Err(error) => End::Closed(Some(error)),
        }
    }

    async fn drain(&mut self, mut stream: rookery_client::EventStream, mut enough: impl FnMut(&Self) -> bool) -> End {
        loop {
            if enough(self) {
                return End::Enough;
            }
            let response = match tokio::time::timeout(Duration::from_millis(20), stream.next()).await {
                Err(_) => continue,
                Ok(Ok(Some(response))) => response,
                Ok(Ok(None)) => return End::Closed(None),
                Ok(Err(error)) => return End::Closed(Some(error)),
            };
            use v1::event::Kind;
            let conversation_id = response.conversation_id;
            match response.event.as_ref().and_then(|event| event.kind.as_ref()).unwrap() {
                Kind::Ready(ready) => {
                    self.history_id.clone_from(&ready.history_id);
                    if self.cursors.is_empty() {
                        let at = |conversation: &v1::Conversation| (conversation.id, conversation.position);
                        self.cursors = ready.conversations.iter().map(at).collect();
                        self.ledger.open(self.number, &self.cursors);
                    }
                }
                Kind::CaughtUp(_) => self.caught_up = true,
                Kind::ConversationReset(reset) => {
                    // As a script does: what is too much to replay comes by pages; then again from there.
                    self.resets += 1;
                    if let Err(error) = self.page_to(conversation_id, reset.position).await {
                        return End::Closed(Some(error));
                    }
                    return End::Closed(None);
                }
                _ => {
                    self.ledger.see(self.number, &response);
                    let numbered = conversation_id != 0 && response.position != 0;
                    if numbered {
                        self.cursors.insert(conversation_id, response.position);
                    }
                }
            }
        }
    }

    async fn page_to(&mut self, conversation_id: i64, position: i64) -> Result<(), Error> {
        let mut cursor = self.cursors[&conversation_id];
        while cursor < position {
            let request = v1::ListChangesRequest { conversation_id, after: cursor, page_size: 200 };
            let page = self.api.list_changes(request).await?;
            self.ledger.page(self.number, conversation_id, cursor, &page);
            cursor = page.position;
            self.cursors.insert(conversation_id, cursor);
        }
        Ok(())
    }

    /// Whether all is known up to these positions.
    pub fn has(&self, goal: &BTreeMap<i64, i64>) -> bool {
        self.cursors.iter().all(|(id, cursor)| goal.get(id).is_none_or(|position| cursor >= position))
    }

    /// Reads, and resumes whenever the stream ends, until all up to the goal is known, once there is one.
    pub async fn read_to_goal(&mut self, goal: &watch::Receiver<Option<BTreeMap<i64, i64>>>) {
        loop {
            let end = self.read(|reader| goal.borrow().as_ref().is_some_and(|goal| reader.has(goal))).await;
            match end {
                End::Enough => return,
                End::Closed(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// Readers in the background, who resume until they know all that is stored.
pub struct Readers {
    goal: watch::Sender<Option<BTreeMap<i64, i64>>>,
    tasks: Vec<JoinHandle<Reader>>,
}

impl Readers {
    pub fn start(readers: Vec<Reader>) -> Self {
        let (goal, told) = watch::channel(None);
        let start = |mut reader: Reader| {
            let told = told.clone();
            tokio::spawn(async move {
                reader.read_to_goal(&told).await;
                reader
            })
        };
        Self { tasks: readers.into_iter().map(start).collect(), goal }
    }

    /// Waits until they know all that is stored.
    pub async fn finish(self, stored: &BTreeMap<i64, Stored>) -> Vec<Reader> {
        self.goal.send_replace(Some(stored.iter().map(|(id, stored)| (*id, stored.position)).collect()));
        let mut readers = Vec::new();
        for task in self.tasks {
            let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
            readers.push(ended.expect("a reader did not come to the end").unwrap());
        }
        readers
    }
}

/// What is stored of some conversations, read by somebody who may see all of it.
pub async fn stored(api: &Api, conversations: &[i64]) -> BTreeMap<i64, Stored> {
    let mut all = BTreeMap::new();
    for &conversation_id in conversations {
        let mut stored = Stored::default();
        let mut last = 0;
        loop {
            let at = Some(v1::list_messages_request::At::After(last));
            let request = v1::ListMessagesRequest { conversation_id, page_size: 100, at };
            let page = api.list_messages(request).await.unwrap();
            stored.position = page.position;
            stored.messages.extend(page.messages);
            if !page.more_after {
                break;
            }
            last = stored.messages.last().unwrap().id;
        }
        all.insert(conversation_id, stored);
    }
    all
}

/// Waits until something is so; fails when it takes longer than it should, in the short form ten times as long.
pub async fn within(limit: Duration, what: &str, mut so: impl AsyncFnMut() -> bool) {
    let (begun, limit) = (Instant::now(), patience(limit));
    let becomes_so = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(limit, becomes_so).await.is_err() {
        panic!("not within {limit:?}: {what}");
    }
    println!("{what}: after {:?}", begun.elapsed());
}
