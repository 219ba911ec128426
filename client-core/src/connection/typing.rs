//! Typing in both directions: when to say it, and when to forget it.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// After so long without a key the user has stopped.
const PAUSE: Duration = Duration::from_secs(5);

/// Where the user types.
#[derive(Debug, Default)]
pub(super) struct OwnTyping {
    places: HashMap<i64, Place>,
}

#[derive(Debug)]
struct Place {
    told_at: Instant,
    key_at: Instant,
}

impl OwnTyping {
    /// A key was pressed; says whether to tell the server.
    pub fn key(&mut self, conversation_id: i64, now: Instant, repeat: Duration) -> bool {
        let Some(place) = self.places.get_mut(&conversation_id) else {
            self.places.insert(conversation_id, Place { told_at: now, key_at: now });
            return true;
        };
        place.key_at = now;
        let due = place.told_at + repeat <= now;
        if due {
            place.told_at = now;
        }
        due
    }

    /// The user stopped; says whether to tell the server.
    pub fn stop(&mut self, conversation_id: i64) -> bool {
        self.places.remove(&conversation_id).is_some()
    }

    /// Where the user has stopped without a word.
    pub fn paused(&mut self, now: Instant) -> Vec<i64> {
        let paused = self.places.extract_if(|_, place| place.key_at + PAUSE <= now);
        paused.map(|(conversation_id, _)| conversation_id).collect()
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.places.values().map(|place| place.key_at + PAUSE).min()
    }
}

/// Where others type, until when.
#[derive(Debug, Default)]
pub(super) struct OthersTyping {
    until: HashMap<i64, Instant>,
}

impl OthersTyping {
    /// The server said who is typing.
    pub fn heard(&mut self, conversation_id: i64, anybody: bool, until: Instant) {
        if anybody {
            self.until.insert(conversation_id, until);
        } else {
            self.until.remove(&conversation_id);
        }
    }

    /// Where it was not repeated in time.
    pub fn expired(&mut self, now: Instant) -> Vec<i64> {
        self.until.extract_if(|_, until| *until <= now).map(|(conversation_id, _)| conversation_id).collect()
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.until.values().min().copied()
    }

    pub fn clear(&mut self) {
        self.until.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{OthersTyping, OwnTyping};

    const REPEAT: Duration = Duration::from_secs(4);

    #[test]
    fn keys_are_told_at_most_every_four_seconds() {
        let (mut typing, start) = (OwnTyping::default(), Instant::now());
        let told: Vec<_> =
            (0..10).filter(|second| typing.key(1, start + Duration::from_secs(*second), REPEAT)).collect();
        assert_eq!(told, [0, 4, 8]);
    }

    #[test]
    fn five_seconds_without_a_key_are_a_stop() {
        let (mut typing, start) = (OwnTyping::default(), Instant::now());
        typing.key(1, start, REPEAT);
        typing.key(1, start + Duration::from_secs(3), REPEAT);
        assert!(typing.paused(start + Duration::from_secs(7)).is_empty());
        assert_eq!(typing.paused(start + Duration::from_secs(8)), [1]);
        assert!(!typing.stop(1));
        assert!(typing.key(1, start + Duration::from_secs(9), REPEAT));
    }

    #[test]
    fn others_are_forgotten_unless_it_is_repeated() {
        let (mut typing, start) = (OthersTyping::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        typing.heard(1, true, at(8));
        typing.heard(2, true, at(8));
        typing.heard(1, true, at(12));
        assert_eq!(typing.expired(at(8)), [2]);
        typing.heard(1, false, at(20));
        assert!(typing.expired(at(30)).is_empty());
    }
}
