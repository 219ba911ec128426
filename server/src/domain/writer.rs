//! The writer: tasks that own the write connections. Calls hand it commands and wait; it takes all that waits, runs it as
//! one transaction, answers when that is on the disk, and publishes in commit order. A cancelled call changes nothing of
//! this. SQLite has one such task; PostgreSQL four, each conversation always with the same one.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::FutureExt;
use rookery_api::v1;
use tokio::sync::{mpsc, oneshot};

use super::{
    Error, Result,
    ctx::{Clock, Limits},
    message,
    read::{self, Move, Read},
    search::index::{self, Backlog},
    send,
    session::Sessions,
    space::Space,
};
use crate::{
    fault,
    hub::Hub,
    media::Files,
    meter::METER,
    store::{self, Db, Tx, message::NewMessage, search::Batch},
};

/// The most commands that one transaction takes: bounds how long the first of them waits.
const GROUP: usize = 512;
/// The most commands that may wait for one task.
const WAITING: usize = 4096;
/// How long a command may have to wait, as far as can be told when it comes: more than that and its caller is told to come
/// again instead. Whoever is let in is answered soon, however many want in.
const LONGEST_WAIT: Duration = Duration::from_millis(700);
/// When who was not let in should come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// What a committed command makes known, in order.
#[derive(Debug)]
pub enum Effect {
    /// A message is new or changed: the next number of its conversation.
    Message(v1::Message),
    /// A conversation is as it now is; follows the line that caused it.
    Conversation(v1::Conversation),
    /// Something of one user's own; numbered by her counter when the group ends.
    User(i64, v1::event::Kind),
    /// Live streams of a user take up a conversation, from behind a position.
    Follow { user_id: i64, conversation_id: i64, after: i64 },
    /// A profile is as it now is.
    Profile(v1::User),
    /// A conversation has more or fewer members, without a line.
    Grown(i64, i64),
    /// A session has ended.
    SessionEnded(String),
    /// Nothing refers to these files any more, and nothing is known of them: their bytes go.
    Unreferenced(Vec<String>),
}

/// A transaction with what it will make known.
#[derive(Debug)]
pub struct Work {
    /// The transaction.
    pub tx: Tx,
    effects: Vec<Effect>,
}

impl Work {
    /// Notes what is to be made known once this is on the disk.
    pub fn publish(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Notes something of one user's own.
    pub fn tell(&mut self, user_id: i64, kind: v1::event::Kind) {
        self.effects.push(Effect::User(user_id, kind));
    }
}

/// Where a command belongs.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    /// It changes this conversation, whose row is locked first.
    Conversation(i64),
    /// It changes what belongs to this user, or makes something new.
    User(i64),
}

/// A command: the rules of one change, run inside the transaction. It checks everything before it writes anything. It may
/// run twice: after a fault in its group it runs again, alone.
pub trait Command: Send + Sync + 'static {
    /// What the caller gets.
    type Reply: Send + 'static;
    /// Where it belongs.
    fn lane(&self) -> Lane;
    /// False for what is done also when the disk is nearly full: it takes something away, or lets somebody in who may do so.
    const NEEDS_ROOM: bool = true;
    /// Does it.
    fn run(&self, work: &mut Work) -> impl Future<Output = Result<Self::Reply>> + Send;
}

/// A message to be stored; sends are many and alike, so a group of them is stored by two texts.
struct Sending {
    new: NewMessage,
    outcome: Option<Result<v1::Message>>,
    reply: oneshot::Sender<Result<v1::Message>>,
}

/// A read position to move forward; as many as messages, and stored by one text too.
struct Reading {
    to: Move,
    outcome: Option<Result<Read>>,
    reply: oneshot::Sender<Result<Read>>,
}

/// A step of the search index. It gets a transaction of its own, behind those who wait to be answered.
struct Indexing {
    batch: Batch,
    outcome: Option<Result<Vec<i64>>>,
    reply: oneshot::Sender<Result<Vec<i64>>>,
}

enum Job {
    Send(Box<Sending>),
    Read(Box<Reading>),
    Index(Box<Indexing>),
    Other(Box<dyn Erased>),
}

trait Erased: Send {
    fn lane(&self) -> Lane;
    /// Runs and keeps the outcome; `Err`: the transaction must be given up.
    fn run<'a>(
        &'a mut self,
        work: &'a mut Work,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<(), Error>> + Send + 'a>>;
    fn answer(self: Box<Self>, fault: Option<Error>);
}

struct Waiting<C: Command> {
    command: C,
    outcome: Option<Result<C::Reply>>,
    reply: oneshot::Sender<Result<C::Reply>>,
}

impl<C: Command> Erased for Waiting<C> {
    fn lane(&self) -> Lane {
        self.command.lane()
    }

    fn run<'a>(
        &'a mut self,
        work: &'a mut Work,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            work.tx.take_written();
            let before = work.effects.len();
            let outcome = self.command.run(work).await;
            if let Err(error) = &outcome {
                work.effects.truncate(before);
                if !error.is_answer() || work.tx.take_written() {
                    return Err(error.clone());
                }
            }
            self.outcome = Some(outcome);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, fault: Option<Error>) {
        answer(self.reply, self.outcome, fault);
    }
}

impl Job {
    fn lane(&self) -> Lane {
        match self {
            Self::Send(send) => Lane::Conversation(send.new.conversation_id),
            Self::Read(read) => read.to.lane(),
            Self::Index(_) => Lane::User(0),
            Self::Other(job) => job.lane(),
        }
    }

    /// What must never be: a fault that tests must find.
    fn answer_early(&mut self) {
        if let Self::Send(send) = self {
            let reply = std::mem::replace(&mut send.reply, oneshot::channel().0);
            answer(reply, send.outcome.clone(), None);
        }
    }

    /// Whether it has stored a message, now or before.
    fn has_sent(&self) -> bool {
        matches!(self, Self::Send(send) if matches!(send.outcome, Some(Ok(_))))
    }

    fn answer(self, fault: Option<Error>) {
        match self {
            Self::Send(send) => answer(send.reply, send.outcome, fault),
            Self::Read(read) => answer(read.reply, read.outcome, fault),
            Self::Index(step) => answer(step.reply, step.outcome, fault),
            Self::Other(job) => job.answer(fault),
        }
    }
}

/// Answers a call, if anybody still waits for it; what was done is done.
fn answer<T>(reply: oneshot::Sender<Result<T>>, outcome: Option<Result<T>>, fault: Option<Error>) {
    let not_run = || Err(Error::Internal("a command was not run".into()));
    let _ = reply.send(fault.map_or_else(|| outcome.unwrap_or_else(not_run), Err));
}

/// A writer task. What it ends with by itself is why nothing may be written any more.
pub type Writing = tokio::task::JoinHandle<std::result::Result<(), String>>;

/// The way to the writer tasks.
#[derive(Clone, Debug)]
pub struct Writer {
    lanes: Vec<Queue>,
    backlog: Arc<Backlog>,
    space: Arc<Space>,
}

/// What waits for one task.
#[derive(Clone, Debug)]
struct Queue {
    jobs: mpsc::Sender<Job>,
    /// How long its groups have lately taken, in microseconds.
    pace: Arc<AtomicU64>,
}

impl Queue {
    /// Whether there is no room for one more that would be answered in time. A group that is not full is always let in: a disk
    /// may be slow.
    fn is_full(&self) -> bool {
        let waiting = WAITING - self.jobs.capacity();
        if waiting < GROUP {
            return false;
        }
        let groups = u64::try_from(waiting / GROUP).unwrap_or(u64::MAX);
        Duration::from_micros(groups.saturating_mul(self.pace.load(Relaxed))) > LONGEST_WAIT
    }
}

impl Writer {
    /// Starts the tasks. They end when the last `Writer` is gone and all that waits is done, or with a fault.
    pub fn start(
        db: &Db,
        hub: &Arc<Hub>,
        files: &Arc<Files>,
        sessions: &Arc<Sessions>,
        clock: &Clock,
        limits: &Limits,
        space: &Arc<Space>,
    ) -> (Self, Vec<Writing>) {
        let mut lanes = Vec::new();
        let mut tasks = Vec::new();
        let backlog = Arc::new(Backlog::default());
        for _ in 0..db.writers() {
            let (jobs, receiver) = mpsc::channel(WAITING);
            let pace = Arc::<AtomicU64>::default();
            lanes.push(Queue { jobs, pace: pace.clone() });
            let task = Task {
                db: db.clone(),
                hub: hub.clone(),
                files: files.clone(),
                sessions: sessions.clone(),
                clock: clock.clone(),
                backlog: backlog.clone(),
                pace,
                limits: limits.clone(),
                work: None,
            };
            tasks.push(tokio::spawn(task.run(receiver)));
        }
        (Self { lanes, backlog, space: space.clone() }, tasks)
    }

    /// Stores a message. Whether there is room for it was looked at before: a repeat needs none.
    pub async fn send(&self, new: NewMessage) -> Result<v1::Message> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Send(Box::new(Sending { new, outcome: None, reply })), answer).await
    }

    /// Moves a read position forward.
    pub async fn read(&self, to: Move) -> Result<Read> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Read(Box::new(Reading { to, outcome: None, reply })), answer).await
    }

    /// Runs a command.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Reply> {
        if C::NEEDS_ROOM {
            self.space.check()?;
        }
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Other(Box::new(Waiting { command, outcome: None, reply })), answer).await
    }

    /// Writes a step of the search index; which conversations it was done for.
    pub(super) async fn index(&self, batch: Batch) -> Result<Vec<i64>> {
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Index(Box::new(Indexing { batch, outcome: None, reply })), answer).await
    }

    /// The conversations that were changed and not yet indexed.
    pub(super) fn backlog(&self) -> &Arc<Backlog> {
        &self.backlog
    }

    /// How many conversations wait for the search index.
    pub fn unindexed(&self) -> usize {
        self.backlog.waiting()
    }

    /// How much waits to be written.
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.jobs.max_capacity() - lane.jobs.capacity()).sum()
    }

    async fn hand_over<T>(&self, job: Job, answer: oneshot::Receiver<Result<T>>) -> Result<T> {
        let begun = Instant::now();
        let number = match job.lane() {
            Lane::Conversation(id) | Lane::User(id) => id.unsigned_abs() as usize % self.lanes.len(),
        };
        let stopping = || Error::Unavailable("the writer has stopped".into());
        let queue = &self.lanes[number];
        if queue.is_full() {
            return Err(Error::RateLimited(COME_AGAIN));
        }
        queue.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::RateLimited(COME_AGAIN),
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })?;
        let answer = answer.await.unwrap_or_else(|_| Err(stopping()));
        METER.write_seconds.record(begun.elapsed());
        answer
    }
}

/// One writer task.
struct Task {
    db: Db,
    hub: Arc<Hub>,
    files: Arc<Files>,
    sessions: Arc<Sessions>,
    clock: Clock,
    backlog: Arc<Backlog>,
    pace: Arc<AtomicU64>,
    limits: Limits,
    /// The connection, between transactions; `None` after a fault that it may not have survived.
    work: Option<Work>,
}

/// Why a group was given up.
struct Fault {
    error: Error,
    /// The commit was sent and its answer did not come: it may have happened.
    unknown: bool,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, unknown: false }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Error::from(error).into()
    }
}

impl Fault {
    /// A commit that failed. A full disk says that it did not happen; of anything else that cannot be known.
    fn of_commit(error: store::Error) -> Self {
        match error {
            store::Error::Full(_) => error.into(),
            store::Error::Disk(_) => Self { error: error.into(), unknown: true },
            _ => Self { error: Error::Unavailable(error.to_string()), unknown: true },
        }
    }
}

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) -> std::result::Result<(), String> {
        let mut group = Vec::with_capacity(GROUP);
        while jobs.recv_many(&mut group, GROUP).await > 0 {
            let begun = Instant::now();
            let (steps, group): (Vec<Job>, Vec<Job>) = group.drain(..).partition(|job| matches!(job, Job::Index(_)));
            for part in self.apart(group) {
                self.write(part).await?;
            }
            for step in steps {
                self.write(vec![step]).await?;
            }
            // A full group and a short one cost much the same, so an eighth of the newest is a fair mean.
            let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let before = self.pace.load(Relaxed);
            self.pace.store(before - before / 8 + took / 8, Relaxed);
        }
        Ok(())
    }

    /// What may be one transaction. Where others write beside this task, people's own changes are one of their own, in order of
    /// their ids, and what is nobody's is another: they hold users' rows from the start, which a conversation's changes count up
    /// last, and two groups that hold some and want others would wait for each other.
    fn apart(&self, group: Vec<Job>) -> Vec<Vec<Job>> {
        if self.db.writers() == 1 {
            return [group].into_iter().filter(|group| !group.is_empty()).collect();
        }
        let (mut own, mut nobodys, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for job in group {
            match job.lane() {
                Lane::User(0) => nobodys.push(job),
                Lane::User(id) => own.push((id, job)),
                Lane::Conversation(_) => rest.push(job),
            }
        }
        own.sort_by_key(|(id, _)| *id);
        let own = own.into_iter().map(|(_, job)| job).collect();
        [own, nobodys, rest].into_iter().filter(|part| !part.is_empty()).collect()
    }

    /// Runs a group as one transaction; after a fault, each of its commands in one of its own. A disk that has failed once is
    /// not tried again: its next sync may say that all is well although it is not.
    async fn write(&mut self, mut group: Vec<Job>) -> std::result::Result<(), String> {
        match self.transact(&mut group).await {
            Ok(effects) => {
                fault::at("committed");
                // Whoever ended a session and is told so may rely on it: nothing is let in by it, nothing goes out by its streams.
                for (effect, _) in &effects {
                    if let Effect::SessionEnded(session_id) = effect {
                        self.sessions.forget(session_id);
                        self.hub.end_session(session_id);
                    }
                }
                METER.commits.increment(1);
                METER.commit_commands.record(u32::try_from(group.len()).unwrap_or(u32::MAX));
                METER.messages.increment(group.iter().filter(|job| job.has_sent()).count() as u64);
                for job in group {
                    job.answer(None);
                }
                fault::at("answered");
                self.publish(effects);
            }
            Err(Fault { error, unknown }) => {
                let lanes: Vec<Lane> = group.iter().map(Job::lane).collect();
                let failed = match &error {
                    Error::Disk(cause) => Some(cause.clone()),
                    _ => None,
                };
                if group.len() == 1 || unknown || failed.is_some() {
                    tracing::warn!(cause = ?error, commands = group.len(), "a write failed");
                    for job in group {
                        job.answer(Some(error.clone()));
                    }
                } else {
                    for job in group {
                        Box::pin(self.write(vec![job])).await?;
                    }
                }
                if unknown {
                    // If it did happen, live streams must not wait for the next change to learn of it.
                    for lane in lanes {
                        if let Lane::Conversation(id) = lane {
                            self.hub.check(id);
                            self.backlog.add([id]);
                        }
                    }
                }
                if let Some(cause) = failed {
                    return Err(format!("the disk failed ({cause}); what is stored is safe, but nothing more can be"));
                }
            }
        }
        Ok(())
    }

    async fn transact(&mut self, group: &mut [Job]) -> std::result::Result<Vec<(Effect, i64)>, Fault> {
        let mut work = match self.work.take() {
            Some(work) => work,
            None => Work { tx: Tx::new(self.db.writer().await?), effects: Vec::new() },
        };
        work.tx.now = self.clock.now();
        work.effects.clear();
        let Ok(outcome) = AssertUnwindSafe(self.run_group(&mut work, group)).catch_unwind().await else {
            // Where it was stands in the log; how far its connection came is not known.
            work.tx.into_conn().discard().await;
            return Err(Error::Internal("a change panicked".into()).into());
        };
        match &outcome {
            Ok(_) => self.work = Some(work),
            Err(_) => match work.tx.write().rollback().await {
                Ok(()) => self.work = Some(work),
                // A connection in an unknown state goes; the next group opens another.
                Err(_) => work.tx.into_conn().discard().await,
            },
        }
        outcome
    }

    async fn run_group(&self, work: &mut Work, group: &mut [Job]) -> std::result::Result<Vec<(Effect, i64)>, Fault> {
        if let [Job::Index(step)] = group {
            fault::pause("syncing").await;
            step.outcome = Some(Ok(index::write(work.tx.write(), &step.batch).await?));
            return Ok(Vec::new());
        }
        if let [Job::Send(send)] = group
            && send.new.reply_to == 0
            && send.new.media_ids.is_empty()
            && !send.new.text.contains('@')
            && !fault::planted("ack-before-commit")
        {
            fault::pause("syncing").await;
            match store::message::send_alone(&mut work.tx, &send.new).await {
                Ok(Some(place)) => {
                    let message = message::sent(&send.new, place, "", &[]);
                    send.outcome = Some(Ok(message.clone()));
                    return Ok(vec![(Effect::Message(message), 0)]);
                }
                Ok(None) => {}
                Err(error) => return Err(Fault::of_commit(error)),
            }
        }
        work.tx.write().begin().await?;
        fault::at("begun");
        let mut conversations: Vec<i64> = group
            .iter()
            .filter_map(|job| match job.lane() {
                Lane::Conversation(id) => Some(id),
                Lane::User(_) => None,
            })
            .collect();
        conversations.sort_unstable();
        conversations.dedup();
        if !conversations.is_empty() {
            store::conversation::lock(work.tx.read(), &conversations).await?;
        }
        let (mut sends, mut reads) = (Vec::new(), Vec::new());
        for job in group.iter_mut() {
            match job {
                Job::Other(job) => job.run(work).await?,
                Job::Read(read) => reads.push(read),
                Job::Send(send) => sends.push(send),
                Job::Index(_) => return Err(Error::Internal("a step of the index is none of a group's".into()).into()),
            }
        }
        if !reads.is_empty() {
            store_reads(work, &mut reads).await?;
        }
        if !sends.is_empty() {
            let news: Vec<&NewMessage> = sends.iter().map(|send| &send.new).collect();
            let outcomes = send::store_group(work, &news, &self.limits).await?;
            for (send, outcome) in sends.into_iter().zip(outcomes) {
                send.outcome = outcome;
            }
        }
        fault::at("inserted");
        let effects = number_effects(work).await?;
        fault::at("committing");
        if fault::planted("ack-before-commit") {
            group.iter_mut().for_each(Job::answer_early);
        }
        fault::pause("syncing").await;
        work.tx.write().commit().await.map_err(Fault::of_commit)?;
        Ok(effects)
    }

    /// Makes known what was committed, in order.
    fn publish(&self, effects: Vec<(Effect, i64)>) {
        self.backlog.add(effects.iter().filter_map(|(effect, _)| match effect {
            Effect::Message(message) => Some(message.conversation_id),
            _ => None,
        }));
        for (effect, number) in effects {
            match effect {
                Effect::Message(message) => self.hub.advance(message),
                Effect::Conversation(conversation) => self.hub.announce(conversation),
                Effect::User(user_id, kind) => self.hub.tell(user_id, number, kind),
                Effect::Follow { user_id, conversation_id, after } => self.hub.follow(user_id, conversation_id, after),
                Effect::Profile(user) => {
                    self.hub.broadcast(v1::event::Kind::UserChanged(v1::UserChanged { user: Some(user) }))
                }
                Effect::Grown(conversation_id, by) => self.hub.grow(conversation_id, by),
                // Done before anybody was answered.
                Effect::SessionEnded(_) => {}
                Effect::Unreferenced(ids) => {
                    let files = self.files.clone();
                    tokio::spawn(async move {
                        for id in ids {
                            if let Err(error) = files.blobs.remove(&id).await {
                                tracing::warn!(%error, "a file could not be removed; the next sweep will try again");
                            }
                        }
                    });
                }
            }
        }
    }
}

/// Gives each effect of a user's own its number, by one text for all users of the group.
async fn number_effects(work: &mut Work) -> std::result::Result<Vec<(Effect, i64)>, Fault> {
    let mut steps: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
    for effect in &work.effects {
        if let Effect::User(user_id, _) = effect {
            *steps.entry(*user_id).or_default() += 1;
        }
    }
    let mut next: HashMap<i64, i64> = HashMap::new();
    if !steps.is_empty() {
        let list: Vec<(i64, i64)> = steps.iter().map(|(user, count)| (*user, *count)).collect();
        for (user, position) in store::user::advance(&mut work.tx, &list).await? {
            next.insert(user, position - steps.get(&user).copied().unwrap_or(0));
        }
    }
    let numbered = work.effects.drain(..).map(|effect| {
        let number = match &effect {
            Effect::User(user_id, _) => {
                let number = next.entry(*user_id).or_default();
                *number += 1;
                *number
            }
            _ => 0,
        };
        (effect, number)
    });
    Ok(numbered.collect())
}

/// Moves a group of read positions: most by one text, the rest one by one.
async fn store_reads(work: &mut Work, reads: &mut [&mut Box<Reading>]) -> std::result::Result<(), Fault> {
    let moves: Vec<&Move> = reads.iter().map(|read| &read.to).collect();
    let outcomes = read::move_group(work, &moves).await?;
    for (read, outcome) in reads.iter_mut().zip(outcomes) {
        read.outcome = Some(match outcome {
            Some(moved) => Ok(moved),
            None => match read.to.run(work).await {
                Err(error) if !error.is_answer() => return Err(error.into()),
                outcome => outcome,
            },
        });
    }
    Ok(())
}
