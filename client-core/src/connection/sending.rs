//! Which message of the outbox is sent when: one at a time in each conversation, in the order in which they were written.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::backoff::Backoff;
use crate::{api::Error, outbox::Pending};

/// All that waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Sending {
    lanes: HashMap<i64, Lane>,
}

/// The queue of one conversation. Its first message may be on its way.
#[derive(Debug)]
struct Lane {
    queue: VecDeque<Arc<Pending>>,
    on_its_way: bool,
    not_before: Option<Instant>,
    // The server named the time: a new connection does not shorten it.
    told: bool,
    // The files of the first one were put on the server a second time.
    renewed: bool,
    backoff: Backoff,
}

/// What an answer means for a message.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It stays in the queue.
    Again,
    /// It is out of the queue.
    Refused(Arc<Pending>),
    /// It was not in the queue any more.
    Unknown,
}

impl Sending {
    pub fn push(&mut self, pending: Arc<Pending>) {
        let lane = self.lanes.entry(pending.conversation_id).or_insert_with(|| Lane {
            queue: VecDeque::new(),
            on_its_way: false,
            not_before: None,
            told: false,
            renewed: false,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(30)),
        });
        lane.queue.push_back(pending);
    }

    /// The messages to send now; each is on its way from here on.
    pub fn due(&mut self, now: Instant) -> Vec<Arc<Pending>> {
        let ready = self.lanes.values_mut().filter(|lane| lane.is_due(now));
        ready
            .filter_map(|lane| {
                lane.on_its_way = true;
                lane.queue.front().cloned()
            })
            .collect()
    }

    /// When something is due that is not due yet.
    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.lanes.values().filter(|lane| !lane.on_its_way);
        waiting.filter_map(|lane| lane.not_before).min()
    }

    /// There is a connection again: waits that were only guesses are over.
    pub fn hurry(&mut self) {
        for lane in self.lanes.values_mut().filter(|lane| !lane.told) {
            lane.not_before = None;
            lane.backoff.reset();
        }
    }

    /// A message was stored, or taken back: the next one may go. Says whether it was waiting.
    pub fn remove(&mut self, request_id: &str) -> bool {
        let mut found = false;
        for lane in self.lanes.values_mut() {
            let Some(index) = lane.queue.iter().position(|pending| pending.request_id == request_id) else { continue };
            lane.queue.remove(index);
            if index == 0 {
                lane.free();
                lane.renewed = false;
                lane.backoff.reset();
            }
            found = true;
        }
        self.lanes.retain(|_, lane| !lane.queue.is_empty());
        found
    }

    /// Whether a message is on its way now.
    pub fn is_on_its_way(&self, pending: &Pending) -> bool {
        self.lanes.get(&pending.conversation_id).is_some_and(|lane| lane.carries(pending))
    }

    /// A message on its way is a step further: the next one is due at once.
    pub fn step(&mut self, next: Arc<Pending>) {
        let Some(lane) = self.lanes.get_mut(&next.conversation_id).filter(|lane| lane.carries(&next)) else { return };
        lane.free();
        lane.backoff.reset();
        lane.queue[0] = next;
    }

    /// Whether the files of a message on its way may be put on the server again: once.
    pub fn may_renew(&mut self, pending: &Pending) -> bool {
        let lane = self.lanes.get_mut(&pending.conversation_id).filter(|lane| lane.carries(pending));
        lane.is_some_and(|lane| !std::mem::replace(&mut lane.renewed, true))
    }

    /// The server did not take a message.
    pub fn failed(&mut self, pending: &Pending, error: &Error, now: Instant, jitter: f64) -> Verdict {
        let Some(lane) = self.lanes.get_mut(&pending.conversation_id) else { return Verdict::Unknown };
        if !lane.carries(pending) {
            return Verdict::Unknown;
        }
        lane.free();
        if let Some(wait) = error.retry_after {
            lane.not_before = Some(now + wait);
            lane.told = true;
            return Verdict::Again;
        }
        // A session that ended says nothing about the message: it goes out with the next one.
        if error.is_maybe() || error.is_signed_out() {
            lane.not_before = Some(now + lane.backoff.next(jitter));
            return Verdict::Again;
        }
        let refused = lane.queue.pop_front();
        lane.renewed = false;
        if lane.queue.is_empty() {
            self.lanes.remove(&pending.conversation_id);
        }
        refused.map_or(Verdict::Unknown, Verdict::Refused)
    }

    pub fn clear(&mut self) {
        self.lanes.clear();
    }
}

impl Lane {
    fn is_due(&self, now: Instant) -> bool {
        !self.on_its_way && !self.queue.is_empty() && self.not_before.is_none_or(|not_before| not_before <= now)
    }

    fn carries(&self, pending: &Pending) -> bool {
        self.on_its_way && self.queue.front().is_some_and(|first| first.request_id == pending.request_id)
    }

    fn free(&mut self) {
        self.on_its_way = false;
        self.not_before = None;
        self.told = false;
    }
}

#[cfg(test)]
mod tests;
