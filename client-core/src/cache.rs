//! What the client has seen, on the disk: painted at the start before the network answers. Bounded; worth nothing that
//! the server could not give again, so nothing here ever fails the client.

mod change;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use prost::Message as _;
use rookery_api::v1::{self, Message};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use tracing::warn;

pub(crate) use change::{Batch, Change};

use crate::{disk::set_aside, profile::Session, update::RestoredConversation};

/// The cache of one user in one history. For each conversation it holds all messages from a floor (0: from the very
/// beginning) up to the cursor.
pub(crate) struct Cache {
    path: PathBuf,
    database: Connection,
    per_conversation: usize,
    total: usize,
    // Messages written since the total was looked at.
    written: usize,
    // Something could not be written: the messages here do not reach the cursor any more.
    spoiled: bool,
}

/// Messages from the cache.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CachedPage {
    pub messages: Vec<Arc<Message>>,
    pub more_before: bool,
}

/// What is painted first.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub conversations: Vec<RestoredConversation>,
    pub users: Vec<v1::User>,
    pub blocked: Vec<i64>,
}

const VERSION: i64 = 1;

const SCHEMA: &str = "
create table if not exists account (history_id text not null, user_id integer not null);
create table if not exists conversations (
    id integer primary key,
    content blob not null,
    cursor integer,
    floor integer,
    opened_at real not null default 0
);
create table if not exists messages (
    conversation_id integer not null,
    id integer not null,
    changed integer not null,
    content blob not null,
    primary key (conversation_id, id)
) without rowid;
create table if not exists users (id integer primary key, content blob not null);
create table if not exists blocked (id integer primary key);";

impl Cache {
    /// Opens the cache, or an empty one in its place; in memory if even that fails.
    pub fn open(folder: &Path, session: &Session, per_conversation: usize, total: usize) -> Self {
        let path = folder.join("cache.sqlite");
        let database = open_or_replace(&path);
        let mut cache = Self { path, database, per_conversation, total, written: usize::MAX, spoiled: false };
        cache.begin(&session.history_id, session.user_id);
        cache
    }

    /// Empties the cache unless it is this user's in this history.
    pub fn begin(&mut self, history_id: &str, user_id: i64) {
        let history_id = history_id.to_owned();
        self.attempt(|cache| {
            let whose = cache.database.query_row("select history_id, user_id from account", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            });
            if whose.optional()? == Some((history_id.clone(), user_id)) {
                return Ok(());
            }
            let transaction = cache.database.transaction()?;
            transaction.execute_batch(
                "delete from account; delete from conversations; delete from messages; delete from users; \
                 delete from blocked;",
            )?;
            transaction.execute("insert into account values (?1, ?2)", params![history_id, user_id])?;
            transaction.commit()
        });
    }

    /// All conversations and people.
    pub fn restore(&mut self) -> Kept {
        self.attempt(|cache| {
            let mut query = cache.database.prepare("select content, cursor, floor from conversations")?;
            let rows = query.query_map([], |row| {
                let content: Vec<u8> = row.get(0)?;
                let floor: Option<i64> = row.get(2)?;
                Ok((content, row.get::<_, Option<i64>>(1)?.filter(|_| floor.is_some())))
            })?;
            let mut conversations = Vec::new();
            for row in rows {
                let (content, cursor) = row?;
                let conversation = v1::Conversation::decode(&content[..]).map_err(damaged)?;
                conversations.push(RestoredConversation { conversation, cursor });
            }
            let mut query = cache.database.prepare("select content from users")?;
            let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let users = rows.map(|content| v1::User::decode(&content?[..]).map_err(damaged));
            let users = users.collect::<Result<_, _>>()?;
            let mut query = cache.database.prepare("select id from blocked")?;
            let blocked = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Kept { conversations, users, blocked })
        })
    }

    /// The newest messages of a conversation; none if there are none here. Counts as opening it.
    pub fn newest(&mut self, conversation_id: i64, limit: usize) -> Option<CachedPage> {
        self.attempt(|cache| {
            cache
                .database
                .execute("update conversations set opened_at = unixepoch('subsec') where id = ?1", [conversation_id])?;
            cache.page(conversation_id, i64::MAX, limit)
        })
    }

    /// The messages before an id; none if there are none here.
    pub fn before(&mut self, conversation_id: i64, id: i64, limit: usize) -> Option<CachedPage> {
        self.attempt(|cache| cache.page(conversation_id, id, limit))
    }

    fn page(&self, conversation_id: i64, before: i64, limit: usize) -> rusqlite::Result<Option<CachedPage>> {
        let Some(floor) = self.floor(conversation_id)?.filter(|_| !self.spoiled) else { return Ok(None) };
        let mut query = self.database.prepare_cached(PAGE)?;
        let rows =
            query.query_map(params![conversation_id, before, limit as i64 + 1], |row| row.get::<_, Vec<u8>>(0))?;
        let messages = rows.map(|content| Message::decode(&content?[..]).map(Arc::new).map_err(damaged));
        let mut messages = messages.collect::<Result<Vec<_>, _>>()?;
        let more_before = messages.len() > limit || floor > 0;
        messages.truncate(limit);
        messages.reverse();
        // Nothing, and more before it: the rest is not here. Nothing at all is an empty conversation.
        Ok((!messages.is_empty() || !more_before).then_some(CachedPage { messages, more_before }))
    }

    fn floor(&self, conversation_id: i64) -> rusqlite::Result<Option<i64>> {
        let mut query = self.database.prepare_cached("select floor from conversations where id = ?1")?;
        Ok(query.query_row([conversation_id], |row| row.get(0)).optional()?.flatten())
    }

    /// Does something with the database. If that fails it is as if nothing were there; a damaged file is replaced.
    fn attempt<T: Default>(&mut self, mut attempt: impl FnMut(&mut Self) -> rusqlite::Result<T>) -> T {
        attempt(self).unwrap_or_else(|error| {
            warn!(%error, "the cache cannot be used");
            if is_damage(&error) {
                // In memory first: the file has to be closed before it is moved.
                if let Ok(empty) = Connection::open_in_memory() {
                    drop(std::mem::replace(&mut self.database, empty));
                }
                set_aside(&self.path);
                self.database = open_or_replace(&self.path);
            }
            T::default()
        })
    }
}

const PAGE: &str = "
select content from messages where conversation_id = ?1 and id < ?2 order by id desc limit ?3";

fn open_or_replace(path: &Path) -> Connection {
    let opened = prepare(Connection::open(path)).or_else(|error| {
        warn!(%error, "the cache cannot be opened");
        set_aside(path);
        prepare(Connection::open(path))
    });
    opened.or_else(|_| prepare(Connection::open_in_memory())).expect("a database in memory needs nothing but memory")
}

fn prepare(database: rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
    let database = database?;
    // Losing the last moments in a power cut is no harm: the cursor is in the same transaction.
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "normal")?;
    database.pragma_update(None, "cache_size", -1024)?;
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    database.execute_batch(SCHEMA)?;
    database.pragma_update(None, "user_version", VERSION)?;
    Ok(database)
}

fn damaged(error: prost::DecodeError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..))
        || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
