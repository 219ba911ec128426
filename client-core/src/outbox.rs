//! Messages that wait to be sent, on the disk before they are shown. Never thrown away; kept per history and user.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, Row, params};
use tracing::error;

use crate::{disk::set_aside, profile::Session};

/// A message that the user has written and the server has not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The client's name for it; the message that comes of it carries the same.
    pub request_id: String,
    /// Where it goes.
    pub conversation_id: i64,
    /// What it says.
    pub text: String,
    /// The message that it answers; 0 if none.
    pub reply_to: i64,
    /// When it was written, by the clock of this device.
    pub written_at: SystemTime,
    /// What has become of it.
    pub status: PendingStatus,
}

/// What has become of a message that waits.
#[derive(Clone, Debug, PartialEq)]
pub enum PendingStatus {
    /// It is being sent, or will be as soon as there is a connection. It may have arrived already.
    Sending,
    /// It was refused, or could not be kept; only the user can do something about it. Why, for people.
    Failed(String),
}

/// The messages of one user in one history.
pub(crate) struct Outbox {
    database: Result<Connection, rusqlite::Error>,
    history_id: String,
    user_id: i64,
}

/// A message could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("It could not be saved on this device: {0}")]
pub(crate) struct NotKept(String);

const VERSION: i64 = 1;

const SCHEMA: &str = "
create table if not exists pending (
    number integer primary key autoincrement,
    history_id text not null,
    user_id integer not null,
    request_id text not null unique,
    conversation_id integer not null,
    text text not null,
    reply_to integer not null,
    written_at integer not null,
    failed text
)";

impl Outbox {
    pub fn open(folder: &Path, session: &Session) -> Self {
        let path = folder.join("outbox.sqlite");
        let database = open(&path).or_else(|error| {
            error!(%error, "the outbox cannot be read");
            set_aside(&path);
            open(&path)
        });
        Self { database, history_id: session.history_id.clone(), user_id: session.user_id }
    }

    /// Goes over to the messages of another history or user.
    pub fn begin(&mut self, history_id: &str, user_id: i64) {
        history_id.clone_into(&mut self.history_id);
        self.user_id = user_id;
    }

    /// All messages that wait, in the order in which they were written.
    pub fn list(&self) -> Vec<Arc<Pending>> {
        let list = || -> rusqlite::Result<Vec<_>> {
            let database = self.database.as_ref().map_err(|_| rusqlite::Error::InvalidQuery)?;
            let mut query = database.prepare_cached(LIST)?;
            query.query_map(params![self.history_id, self.user_id], read)?.collect()
        };
        list().unwrap_or_else(|error| {
            error!(%error, "the outbox cannot be listed");
            Vec::new()
        })
    }

    /// Keeps a message, or what has become of it. It is on the disk when this returns.
    pub fn put(&self, pending: &Pending) -> Result<(), NotKept> {
        let failed = match &pending.status {
            PendingStatus::Sending => None,
            PendingStatus::Failed(why) => Some(why),
        };
        let written_at = pending.written_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.change(
            PUT,
            params![
                self.history_id,
                self.user_id,
                pending.request_id,
                pending.conversation_id,
                pending.text,
                pending.reply_to,
                written_at.as_millis() as i64,
                failed,
            ],
        )
    }

    /// Lets a message go: it was sent, or taken back.
    pub fn remove(&self, request_id: &str) -> Result<(), NotKept> {
        self.change(REMOVE, params![request_id])
    }

    fn change(&self, text: &str, values: &[&dyn rusqlite::ToSql]) -> Result<(), NotKept> {
        let database = self.database.as_ref().map_err(|error| NotKept(error.to_string()))?;
        let result = database.prepare_cached(text).and_then(|mut query| query.execute(values));
        result.map(drop).map_err(|error| NotKept(error.to_string()))
    }
}

const LIST: &str = "
select request_id, conversation_id, text, reply_to, written_at, failed from pending
where history_id = ?1 and user_id = ?2 order by number";

const PUT: &str = "
insert into pending (history_id, user_id, request_id, conversation_id, text, reply_to, written_at, failed)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
on conflict (request_id) do update set failed = excluded.failed";

const REMOVE: &str = "delete from pending where request_id = ?1";

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // A message is acknowledged to its writer by its bubble: it has to survive a power cut from then on.
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "full")?;
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    database.execute(SCHEMA, [])?;
    database.pragma_update(None, "user_version", VERSION)?;
    database.query_row("select count(*) from pending", [], |row| row.get::<_, i64>(0))?;
    Ok(database)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Arc<Pending>> {
    let millis: i64 = row.get(4)?;
    let failed: Option<String> = row.get(5)?;
    Ok(Arc::new(Pending {
        request_id: row.get(0)?,
        conversation_id: row.get(1)?,
        text: row.get(2)?,
        reply_to: row.get(3)?,
        written_at: SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs()),
        status: failed.map_or(PendingStatus::Sending, PendingStatus::Failed),
    }))
}

#[cfg(test)]
mod tests;
