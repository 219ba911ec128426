//! What can go wrong, by what it means to the caller.

use std::time::Duration;

use rookery_api::v1::TokenScope;

use crate::store;

/// A rule's or the server's "no".
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A field breaks its rule.
    #[error("{field}: {rule}")]
    Field { field: &'static str, rule: String },
    /// No token, or one that is not known.
    #[error("sign in first: this call needs a valid token")]
    Unauthenticated,
    /// A wrong name or password; which of the two is not told.
    #[error("the name or the password is wrong")]
    WrongCredentials,
    /// It does not exist, or the caller may not know that it does.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller may see it but not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// The script's token may not be used for this; unspecified: no token may.
    #[error("this token may not be used for this call")]
    Scope(TokenScope),
    /// One of the two in a direct chat blocks the other.
    #[error("nobody can write here: one of you two has blocked the other")]
    Blocked,
    /// The disk is nearly full.
    #[error("the server's disk is nearly full; it cannot keep anything new")]
    StorageFull,
    /// Another account has this name.
    #[error("this name is taken")]
    NameTaken,
    /// The request_id stands for something else.
    #[error("this request_id was used before with other content")]
    RequestIdReused { id: i64 },
    /// Not now, not in this state.
    #[error("{0}")]
    WrongState(&'static str),
    /// A number or size is at its limit.
    #[error("{0}")]
    Limit(String),
    /// Too many calls.
    #[error("too many calls; try again in {} s", whole_seconds(*.0))]
    RateLimited(Duration),
    /// The server makes no accounts, or not by this code.
    #[error("this server takes no new accounts without an invite that holds")]
    RegistrationClosed,
    /// Storage is away or the server is stopping; the outcome of a write is unknown.
    #[error("the server cannot answer now; try again")]
    Unavailable(String),
    /// The disk failed: the same to the caller, and the writer stops.
    #[error("the server cannot answer now; try again")]
    Disk(String),
    /// A fault of ours; the cause goes to the log, never to the caller.
    #[error("the server made a mistake; its log tells more")]
    Internal(String),
}

/// A wait in seconds, where only whole ones can be said: who waits so long does not come too early.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

/// A rule's answer.
pub type Result<T> = std::result::Result<T, Error>;

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Away(cause) => Self::Unavailable(cause),
            store::Error::TooLong => Self::Limit("this search takes too long; add a word, or say where".into()),
            store::Error::Disk(cause) => Self::Disk(cause),
            store::Error::Full(_) => Self::StorageFull,
            other => Self::Internal(other.to_string()),
        }
    }
}

impl Error {
    /// A field that breaks its rule.
    pub fn field(field: &'static str, rule: impl Into<String>) -> Self {
        Self::Field { field, rule: rule.into() }
    }

    /// Whether it is a rule's answer rather than a fault below: then nothing needs undoing if nothing was written.
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Disk(_) | Self::Internal(_))
    }
}
