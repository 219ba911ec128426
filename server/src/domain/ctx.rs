//! What every rule works with: storage, hub, clock, randomness, settings. Tests give their own clock.

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use rookery_api::v1::TokenScope;
use uuid::Uuid;

use super::{
    Error, Result, audit::Denials, deletion::Deletions, export::Exports, guess::Guesses, media::Arriving,
    password::Passwords, rate::Rates, registration::Registration, session::Sessions, space::Space, writer::Writer,
};
use crate::{gif::Gifs, hub::Hub, media::Files, store::Db};

/// Who calls, as authentication found out.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub user_id: i64,
    /// The session whose token the call carries.
    pub session_id: String,
    /// What a script's token may be used for, a bit for each TokenScope; 0: a device, which may do everything.
    pub scopes: i64,
}

impl Caller {
    /// Whether what she calls by may be used for this.
    pub fn may(&self, scope: TokenScope) -> Result<()> {
        if self.scopes == 0 || self.scopes & (1 << i32::from(scope)) != 0 { Ok(()) } else { Err(Error::Scope(scope)) }
    }

    /// Whether she is at a device.
    pub fn is_a_person(&self) -> Result<()> {
        if self.scopes == 0 { Ok(()) } else { Err(Error::Scope(TokenScope::Unspecified)) }
    }
}

/// The time in milliseconds since 1970, from wherever it comes.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock. The only place that reads it.
    #[allow(clippy::disallowed_methods)]
    pub fn system() -> Self {
        Self::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Another clock.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Randomness. The only place that asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dice;

impl Dice {
    /// `N` random bytes as hexadecimal digits.
    #[allow(clippy::disallowed_methods)]
    pub fn hex<const N: usize>(self) -> String {
        let bytes: [u8; N] = rand::rng().random();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A code to be read out and typed: no letters that look alike.
    #[allow(clippy::disallowed_methods)]
    pub fn code(self) -> String {
        const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
        let mut rng = rand::rng();
        (0..12).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
    }

    /// A password to be handed on: more than anybody can guess, in pieces that can be read out.
    pub fn password(self) -> String {
        let letters = self.code() + &self.code()[..4];
        [&letters[..4], &letters[4..8], &letters[8..12], &letters[12..]].join("-")
    }

    /// A UUID.
    #[allow(clippy::disallowed_methods)]
    pub fn uuid(self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Limits of size and number.
#[derive(Clone, Debug)]
pub struct Limits {
    pub text_characters: usize,
    pub text_bytes: usize,
    pub group_members: i64,
    pub small_group: i64,
    pub replay: i64,
    pub reaction_kinds: usize,
    pub attachments: usize,
    pub file_bytes: u64,
    pub user_bytes: i64,
    pub avatar_bytes: i64,
    pub mentions: usize,
    pub pins: i64,
    pub invites: i64,
    pub blocks: i64,
    pub status_characters: usize,
    pub search: Duration,
}

/// Timings that clients keep to.
#[derive(Clone, Debug)]
pub struct Timings {
    pub heartbeat: Duration,
    pub timeout: Duration,
    pub typing_repeat: Duration,
    pub typing_expires: Duration,
    pub activity_repeat: Duration,
    pub idle_after: Duration,
}

/// Everything that a rule needs.
#[derive(Debug)]
pub struct Ctx {
    pub db: Db,
    pub writer: Writer,
    pub hub: Arc<Hub>,
    pub files: Arc<Files>,
    pub arriving: Arriving,
    pub gifs: Gifs,
    pub clock: Clock,
    pub dice: Dice,
    pub passwords: Passwords,
    pub sessions: Arc<Sessions>,
    pub deletions: Deletions,
    pub exports: Exports,
    pub guesses: Guesses,
    pub denials: Denials,
    pub rates: Rates,
    pub space: Arc<Space>,
    pub limits: Limits,
    pub timings: Timings,
    /// What the operator calls the server.
    pub name: String,
    pub registration: Registration,
    /// Names the history that all positions belong to.
    pub history_id: String,
    /// The global room.
    pub global_id: i64,
}
