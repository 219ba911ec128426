//! Messages that wait to be sent, on the disk with their files before they are shown. Never thrown away; kept per history
//! and user.

mod attachment;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use prost::Message as _;
use rookery_api::v1;
use rusqlite::{Connection, Row, params};
use tracing::error;

pub use attachment::{Attachment, PendingAttachment, Source};
pub(crate) use attachment::{Folder, Packing, refusal};

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
    /// The files that go with it, in order.
    pub attachments: Vec<PendingAttachment>,
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
    folder: Folder,
    history_id: String,
    user_id: i64,
}

/// A message could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("It could not be saved on this device: {0}")]
pub(crate) struct NotKept(String);

const VERSION: i64 = 2;

/// Version 1 had no attachments; its messages stay as they are.
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
);
create table if not exists attachments (
    request_id text not null,
    place integer not null,
    name text not null,
    size integer not null,
    file text,
    gif blob,
    media blob,
    primary key (request_id, place)
) without rowid;";

impl Outbox {
    pub fn open(profile: &Path, folder: Folder, session: &Session) -> Self {
        let path = profile.join("outbox.sqlite");
        let database = open(&path).or_else(|error| {
            error!(%error, "the outbox cannot be read");
            // Its files go with it: nobody else knows whose they are.
            set_aside(&path);
            set_aside(folder.path());
            open(&path)
        });
        let outbox = Self { database, folder, history_id: session.history_id.clone(), user_id: session.user_id };
        match outbox.files() {
            Ok(named) => outbox.folder.sweep(&named),
            Err(error) => error!(%error, "the outbox's files cannot be listed"),
        }
        outbox
    }

    /// Goes over to the messages of another history or user.
    pub fn begin(&mut self, history_id: &str, user_id: i64) {
        history_id.clone_into(&mut self.history_id);
        self.user_id = user_id;
    }

    /// All messages that wait, in the order in which they were written.
    pub fn list(&self) -> Vec<Arc<Pending>> {
        let list = || -> rusqlite::Result<Vec<_>> {
            let database = self.database()?;
            let mut attachments = self.attachments(database)?;
            let mut query = database.prepare_cached(LIST)?;
            let rows = query.query_map(params![self.history_id, self.user_id], read)?;
            let whole = rows.map(|pending| {
                let pending = pending?;
                let attachments = attachments.remove(&pending.request_id).unwrap_or_default();
                Ok(Arc::new(Pending { attachments, ..pending }))
            });
            whole.collect()
        };
        list().unwrap_or_else(|error| {
            error!(%error, "the outbox cannot be listed");
            Vec::new()
        })
    }

    fn attachments(&self, database: &Connection) -> rusqlite::Result<HashMap<String, Vec<PendingAttachment>>> {
        let mut all: HashMap<String, Vec<_>> = HashMap::new();
        let mut query = database.prepare_cached(LIST_ATTACHMENTS)?;
        let mut rows = query.query(params![self.history_id, self.user_id])?;
        while let Some(row) = rows.next()? {
            all.entry(row.get(0)?).or_default().push(self.read_attachment(row)?);
        }
        Ok(all)
    }

    fn read_attachment(&self, row: &Row<'_>) -> rusqlite::Result<PendingAttachment> {
        let file: Option<String> = row.get(3)?;
        let gif: Option<Vec<u8>> = row.get(4)?;
        let media: Option<Vec<u8>> = row.get(5)?;
        let source = match file {
            // An original that could not be copied has its whole path there, which join takes as it is.
            Some(file) => Source::File(self.folder.path().join(file)),
            None => Source::Gif(v1::Gif::decode(&gif.unwrap_or_default()[..]).unwrap_or_default()),
        };
        Ok(PendingAttachment {
            name: row.get(1)?,
            size: row.get::<_, i64>(2)?.unsigned_abs(),
            source,
            // What cannot be read is not there: it is put on the server once more.
            media: media.and_then(|media| v1::Media::decode(&media[..]).ok()),
        })
    }

    /// Keeps a message, or what has become of it. It is on the disk when this returns.
    pub fn put(&mut self, pending: &Pending) -> Result<(), NotKept> {
        let database = self.database.as_mut().map_err(|error| NotKept(error.to_string()))?;
        put(database, &self.folder, &self.history_id, self.user_id, pending).map_err(|error| NotKept(error.to_string()))
    }

    /// Lets a message and its files go: it was sent, or taken back.
    pub fn remove(&mut self, request_id: &str) -> Result<(), NotKept> {
        self.take_out(request_id).map_err(|error| NotKept(error.to_string()))
    }

    fn take_out(&mut self, request_id: &str) -> rusqlite::Result<()> {
        let before = self.files()?;
        let database = self.database.as_mut().map_err(|_| rusqlite::Error::InvalidQuery)?;
        let transaction = database.transaction()?;
        transaction.execute(REMOVE, [request_id])?;
        transaction.execute(REMOVE_ATTACHMENTS, [request_id])?;
        transaction.commit()?;
        // One that took its place may have the same files.
        let left = self.files()?;
        before.difference(&left).for_each(|file| self.folder.remove(file));
        Ok(())
    }

    /// Lets the files of a message go that was taken back before it was kept.
    pub fn discard(&self, pending: &Pending) {
        // If they cannot be listed they stay until the next start.
        let Ok(named) = self.files() else { return };
        for attachment in &pending.attachments {
            if let Source::File(path) = &attachment.source
                && !named.contains(path)
            {
                self.folder.remove(path);
            }
        }
    }

    /// The files of all messages, whosever they are.
    fn files(&self) -> rusqlite::Result<HashSet<PathBuf>> {
        let mut query = self.database()?.prepare_cached("select file from attachments where file is not null")?;
        let files = query.query_map([], |row| row.get::<_, String>(0))?;
        files.map(|file| Ok(self.folder.path().join(file?))).collect()
    }

    fn database(&self) -> rusqlite::Result<&Connection> {
        self.database.as_ref().map_err(|_| rusqlite::Error::InvalidQuery)
    }
}

fn put(
    database: &mut Connection,
    folder: &Folder,
    history_id: &str,
    user_id: i64,
    pending: &Pending,
) -> rusqlite::Result<()> {
    let failed = match &pending.status {
        PendingStatus::Sending => None,
        PendingStatus::Failed(why) => Some(why),
    };
    let Pending { request_id, conversation_id, text, reply_to, .. } = pending;
    let written_at = pending.written_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let transaction = database.transaction()?;
    let values = params![history_id, user_id, request_id, conversation_id, text, reply_to, written_at, failed];
    transaction.execute(PUT, values)?;
    transaction.execute(REMOVE_ATTACHMENTS, [request_id])?;
    for (place, attachment) in pending.attachments.iter().enumerate() {
        let (file, gif) = match &attachment.source {
            // The copies are named without their folder, which may be moved.
            Source::File(path) => (Some(path.strip_prefix(folder.path()).unwrap_or(path).to_string_lossy()), None),
            Source::Gif(gif) => (None, Some(gif.encode_to_vec())),
        };
        let media = attachment.media.as_ref().map(prost::Message::encode_to_vec);
        let size = attachment.size as i64;
        let values = params![request_id, place as i64, attachment.name, size, file, gif, media];
        transaction.execute(PUT_ATTACHMENT, values)?;
    }
    transaction.commit()
}

const LIST: &str = "
select request_id, conversation_id, text, reply_to, written_at, failed from pending
where history_id = ?1 and user_id = ?2 order by number";

const LIST_ATTACHMENTS: &str = "
select a.request_id, a.name, a.size, a.file, a.gif, a.media from attachments a
join pending p on p.request_id = a.request_id
where p.history_id = ?1 and p.user_id = ?2 order by a.request_id, a.place";

const PUT: &str = "
insert into pending (history_id, user_id, request_id, conversation_id, text, reply_to, written_at, failed)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
on conflict (request_id) do update set failed = excluded.failed";

const PUT_ATTACHMENT: &str = "
insert into attachments (request_id, place, name, size, file, gif, media) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const REMOVE: &str = "delete from pending where request_id = ?1";

const REMOVE_ATTACHMENTS: &str = "delete from attachments where request_id = ?1";

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // A message is acknowledged to its writer by its bubble: it has to survive a power cut from then on.
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "full")?;
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    database.execute_batch(SCHEMA)?;
    database.pragma_update(None, "user_version", VERSION)?;
    database.query_row("select count(*) from pending", [], |row| row.get::<_, i64>(0))?;
    Ok(database)
}

/// A message without its attachments.
fn read(row: &Row<'_>) -> rusqlite::Result<Pending> {
    let millis: i64 = row.get(4)?;
    let failed: Option<String> = row.get(5)?;
    Ok(Pending {
        request_id: row.get(0)?,
        conversation_id: row.get(1)?,
        text: row.get(2)?,
        reply_to: row.get(3)?,
        attachments: Vec::new(),
        written_at: SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs()),
        status: failed.map_or(PendingStatus::Sending, PendingStatus::Failed),
    })
}

#[cfg(test)]
mod tests;
