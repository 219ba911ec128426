//! People in pairs who write to each other as fast as the answers come, and mark what they read.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use rookery_api::v1;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Outcome,
    commit::Commits,
    crowd,
    event::{self, CAUGHT_UP, MESSAGE_CHANGED},
    fault,
    report::{Goal, Report, Series, quantile},
    subject::{Server, Subject},
    wire::Wire,
    workload::Plan,
};

const PEOPLE: usize = 100;
/// How often a client may say how far it has read: at once, then at most every two seconds.
const MARK_EVERY: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// One person at a device.
struct Chatter {
    wire: Rc<Wire>,
    conversation_id: i64,
    live: Cell<bool>,
    cursor: Cell<i64>,
    news: Notify,
    fault: RefCell<Option<String>>,
}

impl Chatter {
    fn hear(&self, bytes: &[u8]) {
        let event = event::glance(bytes);
        match event.kind {
            CAUGHT_UP => self.live.set(true),
            MESSAGE_CHANGED if event.conversation_id == self.conversation_id => {
                let known = self.cursor.replace(event.position);
                if event.position != known + 1 && known != 0 {
                    *self.fault.borrow_mut() = Some(format!("a reader heard {} after {known}", event.position));
                }
                self.news.notify_one();
            }
            _ => {}
        }
    }

    /// Marks what has come; the server may be asked once at a time.
    async fn mark(&self, every: Duration) -> Outcome {
        loop {
            self.news.notified().await;
            let request = v1::MarkReadRequest { conversation_id: self.conversation_id, id: self.cursor.get() };
            let _: v1::MarkReadResponse = self.wire.call("/rookery.v1.MessageService/MarkRead", &request).await?;
            sleep(every).await;
        }
    }

    /// Says one thing after the other; answers how long each answer took, in milliseconds.
    async fn talk(&self, span: Duration, first: usize) -> Outcome<(i64, Vec<f64>)> {
        let from = Instant::now();
        let (mut waits, mut last) = (Vec::new(), 0);
        while from.elapsed() < span {
            let number = first + waits.len();
            let asked = Instant::now();
            last = crowd::send(&self.wire, self.conversation_id, crowd::text(number), number).await?;
            waits.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        Ok((last, waits))
    }
}

/// A server with people on it.
struct Place {
    subject: Subject,
    server: Server,
    people: Vec<Rc<Chatter>>,
    commits: Option<Commits>,
    sent: Cell<usize>,
}

impl Place {
    async fn fill(plan: &Plan, subject: Subject, count: usize) -> Outcome<Self> {
        let (server, people, folder) = plan.world.start(subject, count).await?;
        let mut chatters: Vec<Rc<Chatter>> = Vec::new();
        for (index, person) in people.iter().enumerate() {
            let wire = Wire::connect(server.address, &person.token).await?;
            let request = v1::OpenDirectRequest { user_id: people[index ^ 1].id };
            let answer: v1::OpenDirectResponse =
                wire.call("/rookery.v1.ConversationService/OpenDirect", &request).await?;
            let conversation_id = answer.conversation.ok_or("no conversation")?.id;
            chatters.push(Rc::new(Chatter {
                wire,
                conversation_id,
                live: Cell::new(false),
                cursor: Cell::new(0),
                news: Notify::new(),
                fault: RefCell::default(),
            }));
        }
        for chatter in &chatters {
            let listener = chatter.clone();
            chatter.wire.subscribe(move |bytes| listener.hear(bytes))?;
        }
        let from = Instant::now();
        while !chatters.iter().all(|chatter| chatter.live.get()) {
            if from.elapsed() > PATIENCE {
                return Err(format!("{}: not all streams are live", subject.name()));
            }
            sleep(Duration::from_millis(1)).await;
        }
        let commits = (subject == Subject::Ours).then(|| Commits::watch(folder.join("rookery.db-wal")));
        Ok(Self { subject, server, people: chatters, commits, sent: Cell::new(0) })
    }

    /// Everybody talks for a while; answers the waits of all messages, the time and the server's processor time.
    async fn turn(&self, span: Duration, mark_every: Duration) -> Outcome<(Vec<f64>, Duration, Duration)> {
        let (cpu, from) = (self.server.cpu()?, Instant::now());
        let mut marking = JoinSet::new();
        let mut talking = JoinSet::new();
        for chatter in &self.people {
            let (marker, talker, first) = (chatter.clone(), chatter.clone(), self.sent.get());
            marking.spawn_local(async move { marker.mark(mark_every).await });
            talking.spawn_local(async move { Ok::<_, String>((talker.clone(), talker.talk(span, first).await?)) });
        }
        let mut waits = Vec::new();
        let mut ends = Vec::new();
        let mut most = 0;
        while let Some(outcome) = talking.join_next().await {
            let (chatter, (last, more)) = outcome.map_err(fault("a talker"))??;
            most = most.max(more.len());
            waits.extend(more);
            ends.push((chatter, last));
        }
        let (elapsed, cpu) = (from.elapsed(), self.server.cpu()?.saturating_sub(cpu));
        self.sent.set(self.sent.get() + most);
        if let Some(outcome) = marking.try_join_next() {
            outcome.map_err(fault("a reader"))??;
        }
        let complete = async {
            while ends.iter().any(|(chatter, last)| chatter.cursor.get() < *last) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, complete).await.map_err(|_| format!("{}: deliveries are missing", self.subject.name()))?;
        match self.people.iter().find_map(|chatter| chatter.fault.borrow().clone()) {
            Some(fault) => Err(format!("{}: {fault}", self.subject.name())),
            None => Ok((waits, elapsed, cpu)),
        }
    }
}

pub async fn run(plan: &mut Plan, report: &mut Report) -> Outcome {
    let count = PEOPLE.min(plan.most_readers) / 2 * 2;
    plan.world.populate(count).await?;
    let mut places = Vec::new();
    for subject in plan.stored().into_iter().chain([Subject::Naive]) {
        let place = Place::fill(plan, subject, count).await?;
        place.turn(Duration::from_millis(300), MARK_EVERY).await?;
        places.push(place);
    }
    for (label, mark_every) in [("", MARK_EVERY), (", every message marked read", Duration::ZERO)] {
        let name = |what: &str| format!("chatter, {count} people{label}: {what}");
        let mut acked = Series::new(name("acknowledged"), "msg/s");
        let mut cost = Series::new(name("processor time"), "us/msg");
        let mut median = Series::new(name("ack p50"), "ms");
        let mut slowest = Series::new(name("ack p99"), "ms");
        let mut grouped = Series::new(name("messages per commit"), "");
        for _ in 0..plan.rounds {
            for place in &places {
                let before = place.commits.as_ref().map(Commits::count);
                let (waits, elapsed, cpu) = place.turn(plan.span, mark_every).await?;
                let messages = waits.len() as f64;
                acked.add(place.subject, messages / elapsed.as_secs_f64());
                cost.add(place.subject, cpu.as_secs_f64() * 1e6 / messages);
                median.add(place.subject, quantile(&waits, 0.5).unwrap_or(f64::NAN));
                slowest.add(place.subject, quantile(&waits, 0.99).unwrap_or(f64::NAN));
                if let Some((commits, before)) = place.commits.as_ref().zip(before) {
                    grouped.add(place.subject, messages / (commits.count() - before).max(1) as f64);
                }
            }
        }
        let goal = |id, must, aim, more| Goal { id, against: Some(Subject::Naive), must, aim, more };
        report.judge(&acked, goal("P5", 0.3, 0.45, true));
        report.judge(&grouped, Goal { against: None, ..goal("P6", 10.0, 30.0, true) });
        report.judge(&slowest, goal("P6", 3.0, 2.0, false));
        report.show(&median);
        report.show(&cost);
    }
    Ok(())
}
