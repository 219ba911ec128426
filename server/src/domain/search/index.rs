//! Keeps the search index up to date, behind the writers' backs: what was committed is found a moment later.
//!
//! What is still to be indexed is in the rows themselves: the index notes for each conversation up to which change it knows it,
//! and a conversation's changes become visible in their order, whoever commits them. So nothing is noted with a write, no crash
//! loses anything, and no order of transactions can hide a row. The writer only says which conversations it has just changed.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rookery_api::v1::{MediaKind, SystemKind};
use tokio::sync::Notify;

use super::gram::{self, Mark};
use crate::{
    domain::{Ctx, Error, Result, media, mention},
    fault,
    store::{
        self, Conn, Db,
        search::{Advance, Batch, ChangedRow, Changes, Entry},
    },
};

/// How long changes are gathered before a step: one of many rows costs each of them a tenth of what one alone costs.
const GATHER: Duration = Duration::from_millis(100);
/// The most messages of a step: bounds how long it holds the writer.
const STEP: usize = 200;
/// The most conversations of a step.
const CONVERSATIONS: usize = 50;
/// While people write, steps take at most a quarter of the time.
const REST: u32 = 3;
/// How often conversations are looked for that nobody told of: another node's, or those of a failed step.
const LOOK: Duration = Duration::from_secs(60);
/// A day in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// The conversations that may have something new.
#[derive(Debug, Default)]
pub struct Backlog {
    conversations: Mutex<BTreeSet<i64>>,
    told: AtomicU64,
    news: Notify,
}

impl Backlog {
    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// These have just changed.
    pub fn add(&self, conversations: impl IntoIterator<Item = i64>) {
        let mut known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        let mut any = false;
        for id in conversations {
            any = true;
            known.insert(id);
        }
        if any {
            self.told.fetch_add(1, Ordering::Relaxed);
            self.news.notify_one();
        }
    }

    /// Takes some, going on behind `last`, so that none waits for ever.
    fn take(&self, last: &mut i64) -> Vec<i64> {
        let mut known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = known.range(last.saturating_add(1)..).chain(known.range(..=*last));
        let taken: Vec<i64> = behind.copied().take(CONVERSATIONS).collect();
        for id in &taken {
            known.remove(id);
        }
        *last = taken.last().copied().unwrap_or(0);
        taken
    }
}

/// Indexes what changes, until the server ends.
pub async fn run(ctx: Arc<Ctx>) {
    if ctx.limits.search.is_zero() {
        return;
    }
    let backlog = ctx.writer.backlog().clone();
    let mut looks = tokio::time::interval(LOOK);
    let mut last = 0;
    loop {
        tokio::select! {
            () = backlog.news.notified() => {}
            _ = looks.tick() => {
                if let Err(error) = look(&ctx.db, &backlog).await {
                    tracing::warn!(cause = ?error, "the search index could not be looked at");
                }
            }
        }
        tokio::time::sleep(GATHER).await;
        loop {
            let conversations = backlog.take(&mut last);
            if conversations.is_empty() {
                break;
            }
            let (told, began) = (backlog.told.load(Ordering::Relaxed), Instant::now());
            match step(&ctx, &conversations).await {
                Ok(more) => backlog.add(more),
                Err(error) => {
                    tracing::warn!(cause = ?error, "messages could not be indexed; they will be tried again");
                    backlog.add(conversations);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            // Whoever writes meanwhile goes first.
            if backlog.told.load(Ordering::Relaxed) > told + 1 {
                tokio::time::sleep(began.elapsed() * REST).await;
            }
        }
    }
}

async fn look(db: &Db, backlog: &Backlog) -> Result<()> {
    let behind = store::search::behind(&mut db.reader().await?).await?;
    backlog.add(behind);
    Ok(())
}

/// Indexes the next changes of some conversations; those that have more.
async fn step(ctx: &Ctx, conversations: &[i64]) -> Result<Vec<i64>> {
    let each = (STEP / conversations.len()).max(1);
    // PostgreSQL's connections for writing look rows up by key, whatever was planned while the tables were empty; one is free.
    let mut conn = match &ctx.db {
        Db::Sqlite { .. } => ctx.db.reader().await?,
        Db::Postgres { .. } => ctx.db.writer().await?,
    };
    let (batch, more) = prepare(store::search::changes(&mut conn, conversations, each as i64).await?, each);
    if batch.advances.is_empty() {
        return Ok(more);
    }
    let asked: Vec<i64> = batch.advances.iter().map(|advance| advance.conversation_id).collect();
    fault::at("indexing");
    let done = match conn {
        // There is one connection that writes, and the writer has it.
        Conn::Sqlite(conn) => {
            drop(conn);
            ctx.writer.index(batch).await?
        }
        Conn::Postgres(_) => store::search::write(&mut conn, &batch).await?,
    };
    fault::at("indexed");
    Ok(more.into_iter().chain(asked.into_iter().filter(|id| !done.contains(id))).collect())
}

/// Makes a step of what changed; which conversations may have more than `each`.
fn prepare(changes: Vec<Changes>, each: usize) -> (Batch, Vec<i64>) {
    let mut batch = Batch::default();
    let mut more = Vec::new();
    let mut days: std::collections::BTreeMap<i64, (i64, i64)> = std::collections::BTreeMap::new();
    for Changes { conversation_id, from, position, rows } in changes {
        let full = rows.len() >= each;
        let to = rows.last().filter(|_| full).map_or(position, |row| row.changed);
        if to <= from {
            continue;
        }
        batch.advances.push(Advance { conversation_id, from, to });
        if full {
            more.push(conversation_id);
        }
        for row in rows {
            let tokens = tokens(conversation_id, &row);
            if !tokens.is_empty() {
                let day = days.entry(row.created_at.div_euclid(DAY)).or_insert((row.seq, row.seq));
                *day = (day.0.min(row.seq), day.1.max(row.seq));
            }
            batch.entries.push(Entry { conversation_id, seq: row.seq, tokens, known: row.id <= from });
        }
    }
    batch.entries.sort_unstable_by_key(|entry| entry.seq);
    batch.days = days.into_iter().map(|(day, (first, last))| (day, first, last)).collect();
    (batch, more)
}

/// What a message is found by. Of what the server says only announcements are to be found.
fn tokens(conversation_id: i64, row: &ChangedRow) -> String {
    let said = row.system == 0 || row.system == i64::from(i32::from(SystemKind::Announced));
    if row.deleted || !said {
        return String::new();
    }
    let mut marks = vec![Mark::In(conversation_id), Mark::From(row.author_id)];
    marks.extend(mention::users(&mention::read(&row.mentions)).into_iter().map(Mark::Mentions));
    let files = media::attachments(&row.attachments);
    let has = |mark: Mark, so: bool| so.then_some(mark);
    marks.extend(has(Mark::File, files.iter().any(|file| file.kind() == MediaKind::File)));
    marks.extend(has(Mark::Picture, files.iter().any(|file| file.kind() == MediaKind::Picture)));
    marks.extend(has(Mark::Gif, row.own_file || files.iter().any(|file| file.animated)));
    marks.extend(has(Mark::Link, gram::has_link(&row.text)));
    gram::tokens(&row.text, &marks)
}

/// Makes the index anew. For when no server runs; `progress` hears how many messages of how many are done.
pub async fn rebuild(db: &Db, mut progress: impl FnMut(i64, i64)) -> Result<()> {
    /// Nobody waits for the writer.
    const EACH: usize = 5000;
    let mut conn = db.writer().await?;
    store::search::clear(&mut conn).await?;
    let count = store::search::count(&mut conn).await?;
    let mut done = 0;
    for conversation_id in store::search::behind(&mut conn).await? {
        loop {
            let changes = store::search::changes(&mut conn, &[conversation_id], EACH as i64).await?;
            let (batch, more) = prepare(changes, EACH);
            done += batch.entries.len() as i64;
            write(&mut conn, &batch).await?;
            progress(done, count);
            if more.is_empty() {
                break;
            }
        }
    }
    Ok(store::search::tidy(&mut conn).await?)
}

/// Writes a step; a failed one leaves nothing behind.
pub async fn write(conn: &mut Conn, batch: &Batch) -> Result<Vec<i64>> {
    match store::search::write(conn, batch).await {
        Ok(done) => Ok(done),
        Err(error) => {
            conn.rollback().await?;
            Err(Error::from(error))
        }
    }
}
