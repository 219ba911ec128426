//! Searches in many messages of many conversations, by people who are in few and in many of them; then the same while others
//! write, and what that costs those who write.

mod words;

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use rookery_api::v1::{self, SearchMessagesRequest, message_service_client::MessageServiceClient};
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use self::words::{Chance, Words};
use crate::{
    Outcome, crowd, fault,
    report::{Goal, Report, Series, quantile},
    subject::{Server, Subject},
    wire::Wire,
    workload::Plan,
    world::Person,
};

/// Those who write; each conversation is one's own.
const WRITERS: usize = 16;
/// Sends that wait for their answers while the messages are made.
const IN_FLIGHT: usize = WRITERS * 12;
/// Groups beside the global room, which has a tenth of all messages.
const GROUPS: usize = 2000;
const QUERIES: usize = 30;
const PER_SECOND: u32 = 1000;
/// A word that no message has by chance.
const MARKER: &str = "quoxzyj";
const PATIENCE: Duration = Duration::from_secs(600);

/// Who searches, and the groups that she is in beside the global room.
const READERS: [(&str, std::ops::Range<usize>); 3] =
    [("A (global room and 19)", 1000..1019), ("B (20 small rooms)", 1600..1620), ("C (500 rooms)", 1000..1500)];

const CLASSES: [&str; 11] = [
    "rare word",
    "common word",
    "phrase",
    "part of 3",
    "2 letters",
    "1 letter",
    "CJK",
    "from: and a word",
    "days and a word",
    "has:link alone",
    "next page",
];

pub async fn run(plan: &mut Plan, report: &mut Report) -> Outcome {
    plan.world.populate(WRITERS + READERS.len()).await?;
    let mut figures = Figures::new(plan.messages);
    for subject in plan.stored() {
        let mut place = Place::fill(plan, subject, report).await?;
        for _ in 0..plan.rounds {
            place.measure(&mut figures).await?;
        }
        for _ in 0..plan.rounds {
            place.measure_beside_writers(plan, &mut figures).await?;
        }
    }
    figures.report(report);
    Ok(())
}

/// All that is measured.
struct Figures {
    /// For each reader and class, all waits of all rounds.
    waits: Vec<(Subject, usize, usize, f64)>,
    beside: Series,
    beside_slow: Series,
    ack: [Series; 3],
    ack_slow: [Series; 3],
    over: Series,
    size: usize,
}

impl Figures {
    fn new(size: usize) -> Self {
        let sorts = ["nothing indexed", "indexed", "indexed and searched"];
        let ack = |what: &str| sorts.map(|sort| Series::new(format!("{PER_SECOND} msg/s, {sort}: ack {what}"), "ms"));
        Self {
            waits: Vec::new(),
            beside: Series::new(format!("search beside {PER_SECOND} msg/s, common word, A: p50"), "ms"),
            beside_slow: Series::new("  the same: p99", "ms"),
            ack: ack("p50"),
            ack_slow: ack("p99"),
            over: Series::new("ack p99, indexed over nothing indexed", "times"),
            size,
        }
    }

    fn report(&self, report: &mut Report) {
        let mut worst: Vec<Series> = Vec::new();
        for (reader, (name, _)) in READERS.iter().enumerate() {
            let mut slowest = [
                Series::new(format!("search in {}, {name}, slowest sort of query: p50", self.size), "ms"),
                Series::new(format!("search in {}, {name}, slowest sort of query: p99", self.size), "ms"),
            ];
            for (class, sort) in CLASSES.iter().enumerate() {
                let mut shown = [("p50", 0.5), ("p99", 0.99)]
                    .map(|(what, share)| (Series::new(format!("  {}, {sort}: {what}", &name[..1]), "ms"), share));
                for subject in [Subject::Ours, Subject::Postgres] {
                    let waits = self.waits.iter().filter(|w| (w.0, w.1, w.2) == (subject, reader, class)).map(|w| w.3);
                    let waits: Vec<f64> = waits.collect();
                    for (series, share) in &mut shown {
                        if let Some(wait) = quantile(&waits, *share) {
                            series.add(subject, wait);
                        }
                    }
                }
                for (slowest, (series, _)) in slowest.iter_mut().zip(&shown) {
                    for (subject, waits) in &series.rounds {
                        let wait = waits.first().copied().unwrap_or_default();
                        let known = slowest.rounds.get(subject).and_then(|waits| waits.first()).copied();
                        slowest.rounds.insert(*subject, vec![known.unwrap_or_default().max(wait)]);
                    }
                    report.show(series);
                }
            }
            worst.extend(slowest);
        }
        let goal = |must, aim| Goal { id: "P10", against: None, must, aim, more: false };
        let many = READERS.len() * 2 - 2;
        for (index, series) in worst.iter().enumerate() {
            let (must, aim) = if index % 2 == 0 { (20.0, 5.0) } else { (80.0, 30.0) };
            let more = if index >= many { 10.0 } else { 0.0 };
            report.judge(series, goal(must + more, aim + more * if index % 2 == 0 { 1.0 } else { 2.0 }));
        }
        report.show(&self.beside);
        report.show(&self.beside_slow);
        for series in self.ack.iter().chain(&self.ack_slow) {
            report.show(series);
        }
        report.show(&self.over);
    }
}

/// A server full of messages, and those who search in it.
struct Place {
    subject: Subject,
    server: Option<Server>,
    folder: PathBuf,
    writers: Vec<Person>,
    readers: Vec<Person>,
    /// Whose they are, by number; the last is the global room.
    conversations: Vec<i64>,
    words: Words,
    sent: Rc<Cell<usize>>,
}

impl Place {
    async fn fill(plan: &Plan, subject: Subject, report: &mut Report) -> Outcome<Self> {
        let (server, people, folder) = plan.world.start(subject, WRITERS + READERS.len()).await?;
        let (writers, readers) = people.split_at(WRITERS);
        let mut place = Self {
            subject,
            server: Some(server),
            folder,
            writers: writers.to_vec(),
            readers: readers.to_vec(),
            conversations: Vec::new(),
            words: Words::new(),
            sent: Rc::default(),
        };
        let wires = place.wires().await?;
        let groups = (0..GROUPS).map(|number| {
            let wire = wires[number % WRITERS].clone();
            let readers = READERS.iter().zip(&place.readers).filter(|((_, rooms), _)| rooms.contains(&number));
            let member_ids = readers.map(|(_, reader)| reader.id).collect();
            let request = v1::CreateGroupRequest { name: format!("Room {number}"), member_ids, ..Default::default() };
            async move {
                let answer: v1::CreateGroupResponse =
                    wire.call("/rookery.v1.ConversationService/CreateGroup", &request).await?;
                Ok::<i64, String>(answer.conversation.ok_or("no conversation")?.id)
            }
        });
        place.conversations = stream::iter(groups).buffered(64).try_collect().await?;
        place.conversations.push(1);
        let from = Instant::now();
        let sends = (0..plan.messages).map(|_| place.next(&wires));
        stream::iter(sends).buffer_unordered(IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await?;
        let took = from.elapsed().as_secs_f64();
        let waited = place.catch_up().await?;
        report.notes.push(format!(
            "search, {}: {} messages were stored at {:.0} a second; {waited:.1} s later the index knew them all",
            subject.name(),
            plan.messages,
            plan.messages as f64 / took
        ));
        Ok(place)
    }

    fn server(&self) -> Outcome<&Server> {
        self.server.as_ref().ok_or_else(|| "no server runs".into())
    }

    async fn wires(&self) -> Outcome<Vec<Rc<Wire>>> {
        let address = self.server()?.address;
        stream::iter(&self.writers).then(|person| Wire::connect(address, &person.token)).try_collect().await
    }

    /// The next message; answers how long it took to be acknowledged, in milliseconds.
    fn next(&self, wires: &[Rc<Wire>]) -> impl Future<Output = Outcome<f64>> + use<> {
        let number = self.sent.replace(self.sent.get() + 1);
        let mut chance = Chance::new(number as u64);
        let room = chance.room(GROUPS);
        let wire = wires[room % WRITERS].clone();
        let (conversation, text) = (self.conversations[room], self.words.text(number));
        async move {
            let from = Instant::now();
            crowd::send(&wire, conversation, text, number).await?;
            Ok(from.elapsed().as_secs_f64() * 1000.0)
        }
    }

    /// Waits until the index has all that was written; answers how many seconds that took.
    async fn catch_up(&self) -> Outcome<f64> {
        let from = Instant::now();
        let wires = self.wires().await?;
        let word = format!("{MARKER}{}", self.sent.get());
        for (number, conversation) in self.conversations.iter().enumerate() {
            let sent = self.sent.replace(self.sent.get() + 1);
            crowd::send(&wires[number % WRITERS], *conversation, word.clone(), sent).await?;
        }
        for (number, writer) in self.writers.iter().enumerate() {
            let reader = Reader::connect(self.server()?, writer).await?;
            let all = self.conversations.len() - 1;
            let own = all / WRITERS + usize::from(number < all % WRITERS) + 1;
            while reader.search(&word, "").await?.1.total < own as i32 {
                if from.elapsed() > PATIENCE {
                    return Err(format!("{}: the index does not catch up", self.subject.name()));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(from.elapsed().as_secs_f64())
    }

    async fn measure(&self, figures: &mut Figures) -> Outcome {
        for (number, person) in self.readers.iter().enumerate() {
            let reader = Reader::connect(self.server()?, person).await?;
            for (class, sort) in CLASSES.iter().enumerate() {
                for query in 0..QUERIES {
                    let text = self.words.query(sort, query);
                    let mut token = String::new();
                    if *sort == "next page" {
                        token = reader.search(&text, "").await?.1.next_page_token;
                    }
                    if *sort == "next page" && token.is_empty() {
                        continue;
                    }
                    let (took, _) = reader.search(&text, &token).await?;
                    figures.waits.push((self.subject, number, class, took));
                }
            }
        }
        Ok(())
    }

    /// What those who write wait for, without an index, with it, and while somebody searches; and what she waits for.
    async fn measure_beside_writers(&mut self, plan: &Plan, figures: &mut Figures) -> Outcome {
        let database = plan.world.database().filter(|_| self.subject == Subject::Postgres).map(str::to_owned);
        let mut slow = [0.0; 3];
        for (sort, slow) in slow.iter_mut().enumerate() {
            if sort < 2 {
                drop(self.server.take());
                let milliseconds = if sort == 0 { "0" } else { "200" };
                let settings = [("ROOKERY_LIMITS_SEARCH_MILLISECONDS", milliseconds)];
                self.server = Some(plan.world.run_with(&self.folder, database.as_deref(), &settings)?);
                if sort == 1 {
                    self.catch_up().await?;
                }
            }
            let searching = (sort == 2).then(|| self.keep_searching());
            let searching = match searching {
                Some(searching) => Some(searching.await?),
                None => None,
            };
            let waits = self.write_for(plan.span.max(Duration::from_secs(1))).await?;
            *slow = quantile(&waits, 0.99).unwrap_or(f64::NAN);
            figures.ack[sort].add(self.subject, quantile(&waits, 0.5).unwrap_or(f64::NAN));
            figures.ack_slow[sort].add(self.subject, *slow);
            if let Some((task, waits)) = searching {
                task.abort();
                figures.beside.add(self.subject, quantile(&waits.borrow(), 0.5).unwrap_or(f64::NAN));
                figures.beside_slow.add(self.subject, quantile(&waits.borrow(), 0.99).unwrap_or(f64::NAN));
            }
        }
        figures.over.add(self.subject, slow[1] / slow[0]);
        Ok(())
    }

    async fn keep_searching(&self) -> Outcome<(tokio::task::JoinHandle<()>, Rc<RefCell<Vec<f64>>>)> {
        let reader = Reader::connect(self.server()?, &self.readers[0]).await?;
        let queries: Vec<String> = (0..QUERIES).map(|number| self.words.query("common word", number)).collect();
        let waits: Rc<RefCell<Vec<f64>>> = Rc::default();
        let found = waits.clone();
        let task = tokio::task::spawn_local(async move {
            for query in queries.iter().cycle() {
                match reader.search(query, "").await {
                    Ok((took, _)) => found.borrow_mut().push(took),
                    Err(error) => eprintln!("a search failed: {error}"),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Ok((task, waits))
    }

    async fn write_for(&self, span: Duration) -> Outcome<Vec<f64>> {
        let wires = self.wires().await?;
        let mut timer = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        let mut sends = tokio::task::JoinSet::new();
        for _ in 0..(span.as_secs_f64() * f64::from(PER_SECOND)) as usize {
            timer.tick().await;
            sends.spawn_local(self.next(&wires));
        }
        let mut waits = Vec::new();
        while let Some(sent) = sends.join_next().await {
            waits.push(sent.map_err(fault("a send"))??);
        }
        Ok(waits)
    }
}

/// A reader as others write it: the generated client, one call at a time.
struct Reader {
    messages: MessageServiceClient<Channel>,
    token: AsciiMetadataValue,
}

impl Reader {
    async fn connect(server: &Server, person: &Person) -> Outcome<Self> {
        let endpoint = Channel::from_shared(format!("http://{}", server.address)).map_err(fault("an address"))?;
        let channel = endpoint.tcp_nodelay(true).connect().await.map_err(fault("no connection"))?;
        let token = format!("Bearer {}", person.token).parse().map_err(fault("a token"))?;
        Ok(Self { messages: MessageServiceClient::new(channel), token })
    }

    /// Searches; answers how long it took, in milliseconds, too.
    async fn search(&self, query: &str, page_token: &str) -> Outcome<(f64, v1::SearchMessagesResponse)> {
        let request =
            SearchMessagesRequest { query: query.into(), page_token: page_token.into(), ..Default::default() };
        let mut request = Request::new(request);
        request.metadata_mut().insert("authorization", self.token.clone());
        let from = Instant::now();
        let answer = match self.messages.clone().search_messages(request).await {
            Ok(answer) => answer.into_inner(),
            // It took too long for the server: that is a figure, too.
            Err(status) if status.code() == tonic::Code::ResourceExhausted => v1::SearchMessagesResponse::default(),
            Err(status) => return Err(format!("{query}: {status}")),
        };
        Ok((from.elapsed().as_secs_f64() * 1000.0, answer))
    }
}
