//! Rates: how often somebody may do what costs the server or others something. A bucket of calls that fills up again evenly,
//! kept as one number: when it will be full. Knows the monotonic clock alone; a clock that is set lets nobody wait for years.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{Error, Result};
use crate::peer::Peer;

/// So many calls at once, and then so many evenly in each span.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate {
    burst: u32,
    number: u32,
    span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// `number` calls in each `span` when `burst` at once are used up.
    pub const fn new(burst: u32, number: u32, span: Span) -> Self {
        Self { burst, number, span }
    }

    /// How long one call takes to come back, in microseconds.
    fn interval(self) -> u64 {
        let seconds = match self.span {
            Span::Second => 1,
            Span::Minute => 60,
            Span::Hour => 3600,
        };
        seconds * 1_000_000 / u64::from(self.number)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = match self.span {
            Span::Second => "s",
            Span::Minute => "min",
            Span::Hour => "h",
        };
        write!(f, "{} + {}/{span}", self.burst, self.number)
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `40 + 4/s`: 40 at once, then 4 each second; also `/min` and `/h`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parse = || {
            let (burst, rest) = text.split_once('+')?;
            let (number, span) = rest.split_once('/')?;
            let span = match span.trim() {
                "s" => Span::Second,
                "min" => Span::Minute,
                "h" => Span::Hour,
                _ => return None,
            };
            let (burst, number) = (burst.trim().parse().ok()?, number.trim().parse().ok()?);
            let sensible = 1..=1_000_000;
            (sensible.contains(&burst) && sensible.contains(&number)).then_some(Self { burst, number, span })
        };
        parse().ok_or_else(|| {
            format!("\"{text}\" is no rate; one is like \"40 + 4/s\": 40 at once, then 4 each second (or /min, /h)")
        })
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

/// What is counted together: for each user, and the last three for each address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Messages.
    Sends,
    /// What changes messages, conversations and places in them.
    Changes,
    /// What everybody on the server is told.
    Profiles,
    /// Groups, invites, tokens.
    Creations,
    /// Messages read.
    History,
    /// Messages looked for.
    Searches,
    /// Files.
    Uploads,
    /// GIFs looked for.
    Gifs,
    /// Event streams opened.
    Streams,
    /// Archives of all that is one's own.
    Exports,
    /// Everything else.
    Calls,
    /// Passwords tried.
    SignIns,
    /// Accounts made.
    Registrations,
    /// Tokens that are none.
    BadTokens,
}

/// The rate of each class.
#[derive(Clone, Debug)]
pub struct Settings {
    /// False: nobody waits.
    pub enabled: bool,
    pub sends: Rate,
    pub changes: Rate,
    pub profiles: Rate,
    pub creations: Rate,
    pub history: Rate,
    pub searches: Rate,
    pub uploads: Rate,
    pub gifs: Rate,
    pub streams: Rate,
    pub exports: Rate,
    pub calls: Rate,
    pub sign_ins: Rate,
    pub registrations: Rate,
    pub bad_tokens: Rate,
}

impl Settings {
    fn of(&self, class: Class) -> Rate {
        match class {
            Class::Sends => self.sends,
            Class::Changes => self.changes,
            Class::Profiles => self.profiles,
            Class::Creations => self.creations,
            Class::History => self.history,
            Class::Searches => self.searches,
            Class::Uploads => self.uploads,
            Class::Gifs => self.gifs,
            Class::Streams => self.streams,
            Class::Exports => self.exports,
            Class::Calls => self.calls,
            Class::SignIns => self.sign_ins,
            Class::Registrations => self.registrations,
            Class::BadTokens => self.bad_tokens,
        }
    }
}

/// Who has called how often.
#[derive(Debug)]
pub struct Rates {
    settings: Settings,
    start: Instant,
    users: Table,
    addresses: Table,
}

impl Rates {
    /// Nobody has called yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, start: Instant::now(), users: Table::default(), addresses: Table::default() }
    }

    /// Counts a call of a user's, or says how long to wait.
    pub fn user(&self, user_id: i64, class: Class) -> Result<()> {
        if !self.settings.enabled {
            return Ok(());
        }
        match self.users.charge((class, user_id.cast_unsigned()), self.settings.of(class), self.now()) {
            Verdict::Wait(wait) => Err(Error::RateLimited(wait)),
            // Where there is no room to count, nobody is kept from her own account.
            Verdict::Counted | Verdict::NoRoom => Ok(()),
        }
    }

    /// Counts a call from an address, or says how long to wait.
    pub fn address(&self, peer: &Peer, class: Class) -> Result<()> {
        if !self.settings.enabled || peer.exempt {
            return Ok(());
        }
        let network = match peer.network() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // The upper half, which is never as small as an address of IPv4 where anybody calls from.
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        match self.addresses.charge((class, network), self.settings.of(class), self.now()) {
            Verdict::Counted => Ok(()),
            Verdict::Wait(wait) => Err(Error::RateLimited(wait)),
            // Where there is no room to count, nobody tries passwords or makes accounts uncounted.
            Verdict::NoRoom if class == Class::BadTokens => Ok(()),
            Verdict::NoRoom => Err(Error::RateLimited(Duration::from_micros(SWEEP))),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

type Key = (Class, u64);

/// What came of counting.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Counted,
    Wait(Duration),
    /// As many as there is room for have called lately.
    NoRoom,
}

const SHARDS: usize = 16;
/// As many as nearly fill 65,536 places of a hash table: 1.6 MiB, and 25 MiB in all.
const SHARD: usize = 57_000;
/// How often, in microseconds, a shard that is full is looked through for those who wait for nothing any more.
const SWEEP: u64 = 1_000_000;

/// Buckets by key. Its size is bounded: who has not called for a while has a full bucket, which is as good as none.
#[derive(Debug, Default)]
struct Table([Mutex<Shard>; SHARDS]);

#[derive(Debug, Default)]
struct Shard {
    /// When each bucket will be full again, in microseconds.
    full_at: HashMap<Key, u64>,
    swept: u64,
}

impl Table {
    fn charge(&self, key: Key, rate: Rate, now: u64) -> Verdict {
        let interval = rate.interval();
        let window = interval.saturating_mul(rate.burst.into());
        let mut shard = self.shard(key);
        let known = shard.full_at.get(&key).copied();
        let full_at = known.unwrap_or(now).max(now).saturating_add(interval);
        if let Some(early) = full_at.checked_sub(now.saturating_add(window)).filter(|early| *early > 0) {
            return Verdict::Wait(Duration::from_micros(early));
        }
        if known.is_none() && shard.full_at.len() >= SHARD {
            if shard.swept.saturating_add(SWEEP) <= now {
                shard.swept = now;
                // Into a new table: one that much was taken out of grows to twice its size when it is filled again.
                let mut waiting = HashMap::with_capacity(SHARD);
                waiting.extend(std::mem::take(&mut shard.full_at).into_iter().filter(|(_, full_at)| *full_at > now));
                shard.full_at = waiting;
            }
            if shard.full_at.len() >= SHARD {
                return Verdict::NoRoom;
            }
        }
        shard.full_at.insert(key, full_at);
        Verdict::Counted
    }

    fn shard(&self, (_, who): Key) -> std::sync::MutexGuard<'_, Shard> {
        // Neighbours lie apart: users are numbered one by one, networks of an address block too.
        let number = (who ^ who >> 32) as usize % SHARDS;
        self.0[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_written_as_it_is_said() {
        for text in ["40 + 4/s", "3 + 2/min", "2 + 4/h"] {
            assert_eq!(format!("{:?}", rate(text)), text);
        }
        assert_eq!(rate(" 3+2/min"), Rate::new(3, 2, Span::Minute));
        assert_eq!(rate("3 + 2/min").interval(), 30 * SECOND);
        for bad in
            ["", "40", "40 + 4", "0 + 1/s", "1 + 0/s", "4/s", "-1 + 1/s", "1 + 1/d", "40 + 4/s + 1", "1 + 1000001/s"]
        {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_each_interval() {
        let (table, rate, key) = (Table::default(), rate("3 + 2/s"), (Class::Sends, 7));
        let at = |now| table.charge(key, rate, now);
        assert_eq!([at(10), at(10), at(10)], [Verdict::Counted, Verdict::Counted, Verdict::Counted]);
        assert_eq!(at(10), Verdict::Wait(Duration::from_millis(500)));
        assert_eq!(at(SECOND / 4 + 10), Verdict::Wait(Duration::from_millis(250)));
        // Who obeys gets through, and a refused call has cost nothing.
        assert_eq!(at(SECOND / 2 + 10), Verdict::Counted);
        assert_eq!(at(SECOND / 2 + 10), Verdict::Wait(Duration::from_millis(500)));
        // After a while it is full again, and no fuller.
        assert_eq!((0..10).filter(|_| at(60 * SECOND) == Verdict::Counted).count(), 3);
        assert_eq!(table.charge((Class::Sends, 8), rate, 60 * SECOND), Verdict::Counted, "each has her own");
        assert_eq!(table.charge((Class::History, 7), rate, 60 * SECOND), Verdict::Counted, "each class has its own");
    }

    #[test]
    fn a_million_keys_have_their_room_and_old_ones_go() {
        let (table, rate) = (Table::default(), rate("5 + 1/s"));
        let entries = || table.0.iter().map(|shard| shard.lock().unwrap().full_at.len()).sum::<usize>();
        let places = || table.0.iter().map(|shard| shard.lock().unwrap().full_at.capacity()).sum::<usize>();
        let came = |from: u64, now| {
            (from..from + 1_000_000).filter(|n| table.charge((Class::Calls, *n), rate, now) == Verdict::Counted).count()
        };
        let counted = came(0, 10 * SECOND);
        assert!(counted == SHARDS * SHARD && entries() == counted, "{counted}");
        // Those who are known are counted all the same.
        assert!((0..3).all(|_| table.charge((Class::Calls, 5), rate, 10 * SECOND) == Verdict::Counted));
        assert_eq!(came(1_000_000, 20 * SECOND), counted, "the old ones wait for nothing any more");
        assert_eq!(table.charge((Class::Calls, 5), rate, 20 * SECOND + 1), Verdict::NoRoom);
        // A place is a key, a number and a byte; of eight places a hash table fills seven.
        let bytes = places() / 7 * 8 * (size_of::<(Key, u64)>() + 1);
        assert!(bytes <= 32 << 20, "{bytes} bytes; there are two tables");
    }
}
