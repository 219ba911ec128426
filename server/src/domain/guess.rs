//! Guessing passwords: after a few wrong ones for a name, the next try for it has to wait, longer each time. Names that no
//! account has are treated alike, so that a wait tells nobody which names there are.

use std::time::Duration;

use moka::{
    ops::compute::{CompResult, Op},
    sync::Cache,
};

use super::{Error, Result};

/// The first wait; each further wrong password doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(6);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Without a try for so long, a name's tries are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(30 * 60);
/// So many names are watched, each a few dozen bytes; whoever makes them forgotten has guessed at all the others.
const NAMES: u64 = 100_000;

/// The tries for names that were not right.
#[derive(Debug)]
pub struct Guesses {
    tries: Cache<String, Tries>,
    free: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    number: u32,
    /// In milliseconds since 1970.
    not_before: i64,
}

impl Guesses {
    /// Lets so many tries go by without a wait; 0: all of them.
    pub fn new(free: u32) -> Self {
        Self { tries: Cache::builder().max_capacity(NAMES).time_to_idle(FORGOTTEN).build(), free }
    }

    /// Counts a try, before anybody knows whether it is right: many at once are many. Says how long to wait instead.
    pub fn begin(&self, name_key: &str, now: i64) -> Result<()> {
        if self.free == 0 {
            return Ok(());
        }
        let counted = self.tries.entry_by_ref(name_key).and_compute_with(|known| {
            let known = known.map(|known| known.into_value()).unwrap_or_default();
            if known.not_before > now {
                return Op::Nop;
            }
            let number = known.number.saturating_add(1);
            Op::Put(Tries { number, not_before: now.saturating_add(self.wait_after(number)) })
        });
        match counted {
            CompResult::Unchanged(known) => {
                let wait = u64::try_from(known.into_value().not_before - now).unwrap_or(0);
                Err(Error::RateLimited(Duration::from_millis(wait)))
            }
            _ => Ok(()),
        }
    }

    /// It was right.
    pub fn right(&self, name_key: &str) {
        self.tries.invalidate(name_key);
    }

    /// How long the next try waits after so many, in milliseconds.
    fn wait_after(&self, number: u32) -> i64 {
        let Some(doublings) = number.checked_sub(self.free) else { return 0 };
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT);
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(guesses: &Guesses, now: i64) -> Option<u64> {
        match guesses.begin("ada", now) {
            Err(Error::RateLimited(wait)) => Some(wait.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn waits_grow_up_to_a_quarter_of_an_hour_and_end_with_the_right_password() {
        let guesses = Guesses::new(3);
        assert_eq!([1, 1, 1, 1, 5_999].map(|now| wait(&guesses, now)), [None, None, None, Some(6), Some(0)]);
        let mut now = 6_001;
        for expected in [12, 24, 48, 96, 192, 384, 768, 900, 900] {
            assert_eq!(wait(&guesses, now), None);
            assert_eq!(wait(&guesses, now), Some(expected));
            now += i64::try_from(expected).unwrap() * 1000;
        }
        assert!(guesses.begin("bob", now).is_ok(), "another name waits for nothing");
        assert_eq!(wait(&guesses, now), None);
        guesses.right("ada");
        assert_eq!(wait(&guesses, now), None);
    }

    #[test]
    fn without_a_number_nobody_waits() {
        let guesses = Guesses::new(0);
        assert!((0..100).all(|now| wait(&guesses, now).is_none()));
    }
}
