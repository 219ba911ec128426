//! Files: bring, look, and clear away what nothing refers to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use rookery_api::v1::{self, MediaKind};

use super::{
    Caller, Ctx, Error, Result, field,
    writer::{Command, Effect, Lane, Work},
};
use crate::{
    media::{self, Blob, Found},
    store::{self, media::MediaRow},
};

/// The largest file that a call carries. HTTP carries larger ones.
pub const LARGEST_BY_CALL: usize = 4 << 20;
/// How long a file may wait to be referred to, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// How long to wait where too many pictures wait already: some of them take seconds.
const BUSY: Duration = Duration::from_secs(3);
/// How many files are looked at together.
const BATCH: i64 = 500;

impl From<media::Error> for Error {
    fn from(error: media::Error) -> Self {
        match error {
            media::Error::Missing => Self::NotFound("media"),
            media::Error::Full => Self::StorageFull,
            media::Error::Busy => Self::RateLimited(BUSY),
            // The disk is away: what was asked for may work later.
            media::Error::Fault(cause) => Self::Unavailable(cause),
        }
    }
}

/// A stored file as readers get it.
pub fn api(row: MediaRow) -> v1::Media {
    let side = |side: i64| i32::try_from(side).unwrap_or(0);
    v1::Media {
        id: row.id,
        kind: i32::try_from(row.kind).unwrap_or(0),
        name: row.name,
        content_type: row.content_type,
        size: row.size,
        width: side(row.width),
        height: side(row.height),
        thumbhash: unhex(&row.thumbhash),
        animated: row.animated,
    }
}

/// One file in a message's row: its fields in this order.
type Stored = (String, i64, String, String, i64, i64, i64, String, bool);

/// Files as they are stored with the message that shows them.
pub fn summary(rows: &[&MediaRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let stored = |row: &&MediaRow| -> Stored {
        let MediaRow { id, kind, name, content_type, size, width, height, thumbhash, animated, .. } = (*row).clone();
        (id, kind, name, content_type, size, width, height, thumbhash, animated)
    };
    serde_json::json!(rows.iter().map(stored).collect::<Vec<_>>()).to_string()
}

/// The stored summary as readers get it.
pub fn attachments(stored: &str) -> Vec<v1::Media> {
    if stored.is_empty() {
        return Vec::new();
    }
    let list: Vec<Stored> = serde_json::from_str(stored).unwrap_or_default();
    let row = |(id, kind, name, content_type, size, width, height, thumbhash, animated)| MediaRow {
        id,
        owner_id: 0,
        kind,
        name,
        content_type,
        size,
        width,
        height,
        thumbhash,
        animated,
    };
    list.into_iter().map(row).map(api).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2).map_while(|at| digits.get(at..at + 2));
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// Stores what is known of a file whose bytes are on the disk.
struct Keep {
    row: MediaRow,
    /// The most that the owner's files may be.
    user_bytes: i64,
}

impl Command for Keep {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::User(self.row.owner_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        if self.row.owner_id != 0 {
            let usage = store::media::usage(work.tx.read(), self.row.owner_id).await?;
            room(usage, self.row.size, self.user_bytes)?;
        }
        Ok(store::media::insert(&mut work.tx, &self.row).await?)
    }
}

fn room(usage: i64, size: i64, most: i64) -> Result<()> {
    if usage.saturating_add(size) > most {
        return Err(Error::Limit(format!("your files on this server may be {most} bytes in all")));
    }
    Ok(())
}

async fn store(ctx: &Ctx, id: String, owner_id: i64, name: &str, found: Found) -> Result<v1::Media> {
    let kind = if found.picture.is_some() { MediaKind::Picture } else { MediaKind::File };
    let name = match &found.picture {
        Some(picture) => field::with_ending(name, picture.endings),
        None => name.to_owned(),
    };
    let mut row = MediaRow {
        id,
        owner_id,
        kind: i64::from(i32::from(kind)),
        name,
        content_type: found.content_type.into(),
        size: i64::try_from(found.size).unwrap_or(i64::MAX),
        width: 0,
        height: 0,
        thumbhash: String::new(),
        animated: false,
    };
    if let Some(picture) = found.picture {
        (row.width, row.height) = (picture.width.into(), picture.height.into());
        (row.thumbhash, row.animated) = (hex(&picture.thumbhash), picture.animated);
    }
    ctx.writer.run(Keep { row: row.clone(), user_bytes: ctx.limits.user_bytes }).await?;
    Ok(api(row))
}

/// Does the last steps of keeping a file, whoever still waits for them; if one fails, its bytes go.
async fn settle<F>(ctx: &Arc<Ctx>, id: &str, steps: impl FnOnce(Arc<Ctx>, String) -> F) -> Result<v1::Media>
where
    F: Future<Output = Result<v1::Media>> + Send + 'static,
{
    let (kept, id, steps) = (ctx.clone(), id.to_owned(), steps(ctx.clone(), id.to_owned()));
    let task = tokio::spawn(async move {
        let outcome = steps.await;
        // Whether a write without an answer happened is not known: then the sweep finds out.
        if outcome.as_ref().is_err_and(Error::is_answer)
            && let Err(error) = kept.files.blobs.remove(&id).await
        {
            tracing::warn!(%error, "a file that was not kept could not be removed");
        }
        outcome
    });
    task.await.map_err(|error| Error::Internal(error.to_string()))?
}

/// Keeps a file of the caller's that is here as a whole.
pub async fn keep(ctx: &Arc<Ctx>, caller: &Caller, name: &str, bytes: Bytes) -> Result<v1::Media> {
    let name = field::file_name(name);
    if bytes.is_empty() {
        return Err(Error::field("content", "must not be empty"));
    }
    if bytes.len() > LARGEST_BY_CALL {
        return Err(Error::Limit(format!(
            "a call carries at most {LARGEST_BY_CALL} bytes of a file; POST /media more"
        )));
    }
    admit(ctx, caller, bytes.len() as u64).await?;
    let owner = caller.user_id;
    let steps = |ctx: Arc<Ctx>, id: String| async move {
        let found = ctx.files.keep(&id, bytes).await?;
        store(&ctx, id, owner, &name, found).await
    };
    settle(ctx, &ctx.dice.hex::<16>(), steps).await
}

/// Whether a file of this size may come; looked at again when it is there. Answers how much the caller's files are already.
async fn admit(ctx: &Ctx, caller: &Caller, size: u64) -> Result<i64> {
    ctx.space.check()?;
    // Before it comes: afterwards it would have come for nothing.
    if ctx.files.is_busy() {
        return Err(Error::RateLimited(BUSY));
    }
    let most = ctx.limits.file_bytes;
    if size > most {
        return Err(Error::Limit(format!("a file has at most {most} bytes")));
    }
    let usage = store::media::usage(&mut ctx.db.reader().await?, caller.user_id).await?;
    room(usage, i64::try_from(size).unwrap_or(i64::MAX), ctx.limits.user_bytes)?;
    Ok(usage)
}

/// How many bytes of whose files are on their way: stored, but not yet counted in any row.
#[derive(Debug, Default)]
pub struct Arriving(Mutex<HashMap<i64, i64>>);

/// One file on its way; what it has brought counts until it is dropped.
struct Arrival<'a> {
    of: &'a Arriving,
    user_id: i64,
    bytes: i64,
}

impl Arriving {
    fn of(&self, user_id: i64) -> Arrival<'_> {
        Arrival { of: self, user_id, bytes: 0 }
    }

    fn change(&self, user_id: i64, by: i64) -> i64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = all.entry(user_id).or_default();
        *bytes += by;
        let now = *bytes;
        if now == 0 {
            all.remove(&user_id);
        }
        now
    }
}

impl Arrival<'_> {
    /// Counts a piece; how much of this person's is on its way now.
    fn add(&mut self, bytes: usize) -> i64 {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes += bytes;
        self.of.change(self.user_id, bytes)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.of.change(self.user_id, -self.bytes);
    }
}

/// Keeps a file of the caller's that comes in pieces, `size` bytes as far as is known.
pub async fn receive(
    ctx: &Arc<Ctx>,
    caller: &Caller,
    name: &str,
    size: Option<u64>,
    pieces: impl Stream<Item = Result<Bytes>>,
) -> Result<v1::Media> {
    let name = field::file_name(name);
    let usage = admit(ctx, caller, size.unwrap_or(1)).await?;
    let id = ctx.dice.hex::<16>();
    let mut upload = ctx.files.blobs.receive(&id).await?;
    let mut received = 0;
    // What else of hers comes at the same time counts, too: none of it is stored yet.
    let mut arriving = ctx.arriving.of(caller.user_id);
    let mut pieces = std::pin::pin!(pieces);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        received += piece.len() as u64;
        if received > ctx.limits.file_bytes {
            return Err(Error::Limit(format!("a file has at most {} bytes", ctx.limits.file_bytes)));
        }
        ctx.space.check()?;
        room(usage, arriving.add(piece.len()), ctx.limits.user_bytes)?;
        upload.write(piece).await?;
    }
    if received == 0 {
        return Err(Error::field("content", "must not be empty"));
    }
    let owner = caller.user_id;
    let steps = |ctx: Arc<Ctx>, id: String| async move {
        upload.finish().await?;
        let found = ctx.files.examine(&id).await?;
        store(&ctx, id, owner, &name, found).await
    };
    settle(ctx, &id, steps).await
}

/// Keeps a picture as the server's own, under an id of 32 hexadecimal digits. What is there under it already stays.
pub async fn keep_own(ctx: &Arc<Ctx>, id: &str, name: &str, bytes: Bytes) -> Result<v1::Media> {
    let (ctx, id, name) = (ctx.clone(), id.to_owned(), field::file_name(name));
    let task = tokio::spawn(async move {
        let _alone = ctx.files.own.lock().await;
        if let Some(row) = store::media::get(&mut ctx.db.reader().await?, &id).await? {
            return Ok(api(row));
        }
        let steps = |ctx: Arc<Ctx>, id: String| async move {
            let found = ctx.files.keep(&id, bytes).await?;
            if found.picture.is_none() {
                return Err(Error::WrongState("this is no picture that the server can show"));
            }
            store(&ctx, id, 0, &name, found).await
        };
        settle(&ctx, &id, steps).await
    });
    task.await.map_err(|error| Error::Internal(error.to_string()))?
}

/// Whether this can be a file's id at all.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// One file, if the caller may see it. What she may not see is not there.
pub async fn get(ctx: &Ctx, caller: &Caller, id: &str) -> Result<v1::Media> {
    if !is_id(id) {
        return Err(Error::NotFound("media"));
    }
    let row = store::media::get_for(&mut ctx.db.reader().await?, caller.user_id, id).await?;
    Ok(api(row.ok_or(Error::NotFound("media"))?))
}

/// Whether a file may be the picture of its owner, or of a group of hers: `field` names what it is to be.
pub(super) fn drawable(field: &'static str, row: Option<&MediaRow>, user_id: i64, most: i64) -> Result<()> {
    let rule = match row.filter(|row| row.owner_id == user_id) {
        None => "must be a picture that you uploaded, or empty".into(),
        Some(row) if row.kind != i64::from(i32::from(MediaKind::Picture)) => "must be a picture".into(),
        Some(row) if row.size > most => format!("must have at most {most} bytes"),
        Some(_) => return Ok(()),
    };
    Err(Error::field(field, rule))
}

/// Makes such a picture ready to be one: everybody who sees it is promised a square.
pub(super) async fn make_square(ctx: &Ctx, caller: &Caller, field: &'static str, id: &str) -> Result<()> {
    if id.is_empty() {
        return Ok(());
    }
    let id = if is_id(id) { id } else { "" };
    let row = store::media::get(&mut ctx.db.reader().await?, id).await?;
    drawable(field, row.as_ref(), caller.user_id, ctx.limits.avatar_bytes)?;
    if row.is_some_and(|row| row.width != row.height) {
        ctx.files.square_thumbnail(id).await?;
    }
    Ok(())
}

/// Sees to it that a picture stays until the transaction ends, if it may be one; '' is none.
pub(super) async fn hold_picture(
    work: &mut Work,
    field: &'static str,
    id: &str,
    user_id: i64,
    most: i64,
) -> Result<()> {
    if id.is_empty() {
        return Ok(());
    }
    let held = store::media::hold(&mut work.tx, &[id]).await?;
    drawable(field, held.first(), user_id, most)
}

/// Forgets those of some files that nothing refers to any more; their bytes go after the commit.
pub(super) async fn release(work: &mut Work, ids: &[String]) -> Result<()> {
    if !ids.is_empty() {
        // One of the server's own has the same name when it is asked for again: the sweep alone takes those away.
        let gone = store::media::delete_unreferenced(&mut work.tx, ids, i64::MIN).await?;
        if !gone.is_empty() {
            work.publish(Effect::Unreferenced(gone));
        }
    }
    Ok(())
}

/// Forgets those of some files that nothing refers to any more.
pub(super) struct Release {
    pub ids: Vec<String>,
}

impl Command for Release {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        release(work, &self.ids).await
    }
}

/// Forgets those of the server's own that nobody asked for or showed since a time; which those were.
struct Forget {
    ids: Vec<String>,
    before: i64,
}

impl Command for Forget {
    type Reply = Vec<String>;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<Vec<String>> {
        Ok(store::media::delete_unreferenced(&mut work.tx, &self.ids, self.before).await?)
    }
}

/// Notes that one of the server's own was asked for.
struct Renew(String);

impl Command for Renew {
    type Reply = bool;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(0)
    }

    async fn run(&self, work: &mut Work) -> Result<bool> {
        Ok(store::media::renew(&mut work.tx, &self.0).await?)
    }
}

/// One of the server's own, if it is there: and then for another day at least.
pub async fn own(ctx: &Ctx, id: &str) -> Result<Option<v1::Media>> {
    let mut conn = ctx.db.reader().await?;
    let Some(row) = store::media::get(&mut conn, id).await? else { return Ok(None) };
    let since = store::media::own_since(&mut conn, id).await?.unwrap_or(i64::MIN);
    drop(conn);
    let stays = ctx.clock.now().saturating_sub(since) < DAY / 2 || ctx.writer.run(Renew(id.to_owned())).await?;
    Ok(stays.then(|| api(row)))
}

/// Clears away what nobody referred to for a day, and bytes that nothing is known of.
pub async fn sweep(ctx: &Ctx) -> Result<()> {
    let before = ctx.clock.now() - DAY;
    let mut after = (i64::MIN, String::new());
    loop {
        let old = store::media::list_old(&mut ctx.db.reader().await?, before, (after.0, &after.1), BATCH).await?;
        let Some(last) = old.last() else { break };
        after = (last.created_at, last.id.clone());
        let (own, others): (Vec<_>, Vec<_>) = old.into_iter().filter(|row| row.unreferenced).partition(|row| row.own);
        if !others.is_empty() {
            ctx.writer.run(Release { ids: others.into_iter().map(|row| row.id).collect() }).await?;
        }
        if !own.is_empty() {
            let _alone = ctx.files.own.lock().await;
            let ids = own.into_iter().map(|row| row.id).collect();
            for id in ctx.writer.run(Forget { ids, before }).await? {
                ctx.files.blobs.remove(&id).await?;
            }
        }
    }
    let mut batches = ctx.files.blobs.list().try_chunks(BATCH as usize);
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| Error::from(error.1))?;
        let old: Vec<&Blob> = batch.iter().filter(|blob| blob.written_at < before).collect();
        let ids: Vec<String> = old.iter().map(|blob| blob.id.clone()).collect();
        let known = store::media::known(&mut ctx.db.reader().await?, &ids).await?;
        for blob in old.into_iter().filter(|blob| !known.contains(&blob.id)) {
            ctx.files.blobs.remove_found(blob).await?;
        }
    }
    ctx.files.blobs.remove_unfinished(Duration::from_millis(DAY.unsigned_abs())).await?;
    Ok(())
}
