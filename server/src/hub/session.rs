//! One event stream: its bounded queue and its end. Nobody waits for a slow reader.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use rookery_api::v1::event::Kind;
use tokio::sync::Notify;

use super::frame;
use crate::meter::{self, METER};

/// A reader that has this much live waiting, or the oldest of it for this long, is too slow.
const MOST_EVENTS: usize = 1000;
const MOST_BYTES: usize = 256 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// One of the user's own events that has not come for so long will not: another process made it, or nobody knows whether it
/// was made.
const LONGEST_HOLE: Duration = Duration::from_secs(1);
/// Replay waits while this much is queued: it takes the reader's pace.
const REPLAY_BYTES: usize = 64 * 1024;
/// Frames that wait together are handed on as one piece of up to this size: one write for many events.
const CHUNK: usize = 16 * 1024;

/// What a reader wants to hear.
#[derive(Clone, Debug)]
pub struct Wants {
    /// Messages, conversations, users and read positions.
    pub messages: bool,
    /// Typing.
    pub typing: bool,
    /// Presence.
    pub presence: bool,
    /// Only these conversations; empty: all.
    pub conversations: HashSet<i64>,
}

impl Wants {
    /// Whether a conversation is wanted.
    pub fn conversation(&self, id: i64) -> bool {
        self.conversations.is_empty() || self.conversations.contains(&id)
    }
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its reader does not keep up.
    SlowReader,
    /// Its session has ended.
    SignedOut,
    /// The server stops.
    Stopping,
    /// The server could not read what the stream needs.
    Broken,
    /// It has lived as long as a stream lives.
    Aged,
    /// Something of its user's own never came this way.
    Missed,
    /// Its reader has gone.
    Gone,
}

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::SlowReader => "slow_reader",
            Self::SignedOut => "signed_out",
            Self::Stopping => "stopping",
            Self::Broken => "broken",
            Self::Aged => "aged",
            Self::Missed => "missed",
            Self::Gone => "gone",
        }
    }
}

/// A stream.
#[derive(Debug)]
pub struct Session {
    pub(super) number: u64,
    /// Names the stream to its client.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// The signed-in session whose token opened it.
    pub login: String,
    /// What it carries.
    pub wants: Wants,
    queue: Mutex<Queue>,
    /// Rung when the queue was emptied or the stream ended.
    drained: Notify,
}

#[derive(Debug)]
struct Queue {
    /// What happened before Ready was sent, with its number in the user's own order (0: not numbered).
    early: Option<Vec<(i64, Bytes)>>,
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// How many events and bytes in `frames` are live ones, which the reader's pace must match.
    live: (usize, usize),
    oldest: Option<Instant>,
    last: Instant,
    own: Own,
    end: Option<Ending>,
    waker: Option<Waker>,
}

/// How far the user's own events have come. Those of two commits may come in either order.
#[derive(Debug, Default)]
struct Own {
    /// All up to this one have come.
    through: i64,
    /// What has come beyond it.
    beyond: BTreeSet<i64>,
    /// The newest that there is known to be.
    newest: i64,
    /// Since when one is missing.
    hole: Option<Instant>,
}

impl Own {
    /// Ready says all up to its counter.
    fn begin(&mut self, counter: i64) {
        self.through = counter;
        self.expect(counter);
    }

    fn come(&mut self, number: i64) {
        if number > self.through {
            self.beyond.insert(number);
        }
        while self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
            self.hole = None;
        }
        self.expect(number);
    }

    fn expect(&mut self, number: i64) {
        self.newest = self.newest.max(number);
        self.hole = if self.newest > self.through { self.hole.or_else(|| Some(Instant::now())) } else { None };
    }
}

impl Session {
    pub(super) fn new(number: u64, id: String, user_id: i64, login: String, wants: Wants) -> Self {
        let queue = Queue {
            early: Some(Vec::new()),
            frames: VecDeque::new(),
            bytes: 0,
            live: (0, 0),
            oldest: None,
            last: Instant::now(),
            own: Own::default(),
            end: None,
            waker: None,
        };
        Self { number, id, user_id, login, wants, queue: Mutex::new(queue), drained: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a live event.
    pub(super) fn push(&self, frame: Bytes, now: Instant) {
        self.queue_live(0, frame, 1, now);
    }

    /// Queues a live event with its number in the user's own order.
    pub(super) fn push_own(&self, number: i64, frame: Bytes, now: Instant) {
        self.queue_live(number, frame, 1, now);
    }

    /// Queues several live events as one piece.
    pub(super) fn push_many(&self, frames: Bytes, count: usize, now: Instant) {
        self.queue_live(0, frames, count, now);
    }

    /// Queues something that the reader has missed and that is at hand; it does not count as live.
    pub(super) fn push_old(&self, frame: Bytes) {
        let mut queue = self.lock();
        if queue.end.is_none() {
            queue.add(frame, Instant::now());
        }
    }

    fn queue_live(&self, number: i64, frames: Bytes, count: usize, now: Instant) {
        let mut queue = self.lock();
        if queue.end.is_some() {
            return;
        }
        METER.deliveries.increment(count as u64);
        if let Some(early) = &mut queue.early {
            early.push((number, frames));
            if early.len() > MOST_EVENTS {
                queue.finish(Ending::SlowReader);
            }
            return;
        }
        if number > 0 {
            queue.own.come(number);
        }
        queue.live.0 += count;
        queue.live.1 += frames.len();
        if queue.live.0 > MOST_EVENTS || queue.live.1 > MOST_BYTES {
            queue.finish(Ending::SlowReader);
            self.drained.notify_waiters();
            return;
        }
        queue.add(frames, now);
    }

    /// Sends Ready (as of `counter`, the user's own), and then what came before it and is newer.
    pub fn ready(&self, counter: i64, kind: Kind) {
        let frame = frame::encode(0, 0, counter, kind);
        let mut queue = self.lock();
        if queue.end.is_some() {
            return;
        }
        queue.own.begin(counter);
        queue.add(frame, Instant::now());
        for (number, frame) in queue.early.take().unwrap_or_default() {
            if number == 0 || number > counter {
                if number > 0 {
                    queue.own.come(number);
                }
                queue.live.0 += 1;
                queue.live.1 += frame.len();
                queue.add(frame, Instant::now());
            }
        }
    }

    /// There is one of the user's own events with this number.
    pub(super) fn expect(&self, number: i64) {
        self.lock().own.expect(number);
    }

    /// Whether one of the user's own events is missing that should long have come.
    pub(super) fn has_hole(&self) -> bool {
        let queue = self.lock();
        queue.early.is_none() && queue.own.hole.is_some_and(|since| since.elapsed() > LONGEST_HOLE)
    }

    /// Queues something that is not live, at the reader's pace. False: the stream has ended.
    pub async fn replay(&self, conversation_id: i64, after: i64, position: i64, kind: Kind) -> bool {
        let frame = frame::encode(conversation_id, after, position, kind);
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            {
                let mut queue = self.lock();
                if queue.end.is_some() {
                    return false;
                }
                if queue.bytes < REPLAY_BYTES {
                    queue.add(frame, Instant::now());
                    return true;
                }
            }
            drained.await;
        }
    }

    /// Whether replay would not wait now.
    pub fn has_room(&self) -> bool {
        let queue = self.lock();
        queue.end.is_some() || queue.bytes < REPLAY_BYTES
    }

    /// Waits until all that is queued has been taken. False: the stream has ended.
    pub async fn flushed(&self) -> bool {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            {
                let queue = self.lock();
                if queue.end.is_some() {
                    return false;
                }
                if queue.frames.is_empty() {
                    return true;
                }
            }
            drained.await;
        }
    }

    /// Ends the stream, after what is queued (of a slow reader: instead of it).
    pub fn end(&self, ending: Ending) {
        self.lock().finish(ending);
        self.drained.notify_waiters();
    }

    /// What the reader gets next: all that waits, in pieces; then why it ends.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<std::result::Result<Bytes, Ending>> {
        let mut queue = self.lock();
        let Some(first) = queue.frames.pop_front() else {
            return match queue.end {
                Some(ending) => Poll::Ready(Err(ending)),
                None => {
                    queue.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        };
        let mut chunk = first;
        if queue.frames.front().is_some_and(|next| chunk.len() + next.len() <= CHUNK) {
            let mut joined = BytesMut::with_capacity(queue.bytes.min(CHUNK));
            joined.extend_from_slice(&chunk);
            while let Some(next) = queue.frames.pop_front_if(|next| joined.len() + next.len() <= CHUNK) {
                joined.extend_from_slice(&next);
            }
            chunk = joined.freeze();
        }
        queue.bytes -= chunk.len();
        if queue.frames.is_empty() {
            queue.live = (0, 0);
            queue.oldest = None;
        } else {
            queue.oldest = Some(Instant::now());
        }
        if queue.bytes < REPLAY_BYTES {
            self.drained.notify_waiters();
        }
        Poll::Ready(Ok(chunk))
    }

    /// Once a second: a heartbeat when nothing else was sent, and the end of a reader that stands still.
    pub(super) fn tick(&self, heartbeat: Duration, frame: &Bytes) {
        let mut queue = self.lock();
        if queue.end.is_some() || queue.early.is_some() {
            return;
        }
        if queue.oldest.is_some_and(|oldest| oldest.elapsed() > LONGEST_WAIT) {
            queue.finish(Ending::SlowReader);
            self.drained.notify_waiters();
        } else if queue.last.elapsed() >= heartbeat {
            queue.add(frame.clone(), Instant::now());
        }
    }
}

impl Queue {
    fn add(&mut self, frame: Bytes, now: Instant) {
        self.last = now;
        self.oldest.get_or_insert(now);
        self.bytes += frame.len();
        self.frames.push_back(frame);
        self.wake();
    }

    fn finish(&mut self, ending: Ending) {
        if self.end.is_some() {
            return;
        }
        if ending == Ending::SlowReader {
            self.frames = VecDeque::new();
            self.bytes = 0;
        }
        self.early = None;
        self.end = Some(ending);
        meter::stream_ended(ending.name());
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
