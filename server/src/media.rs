//! Files: where their bytes are kept, and what is done to pictures before they are. Knows no rule, no database and no
//! reader.

mod blob;
mod gif;
mod picture;
mod webp;

use std::{future::Future, path::Path, sync::Arc};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use blob::{Blob, Blobs, Upload, copy};
use picture::{Format, Limits, Rewritten};

/// How much of a file tells what it is.
const HEAD: u64 = 8 * 1024;

/// What could not be done with a file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("there is no such file")]
    Missing,
    /// There is no room on the disk.
    #[error("the disk is full")]
    Full,
    /// As many pictures wait for their turn as may.
    #[error("too many pictures wait")]
    Busy,
    /// The disk's fault, or ours; the cause is for the log.
    #[error("{0}")]
    Fault(String),
}

/// An answer of this layer.
pub type Result<T> = std::result::Result<T, Error>;

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub content_type: &'static str,
    /// In bytes, as it is kept.
    pub size: u64,
    /// None: it is kept as it came.
    pub picture: Option<Picture>,
}

/// A picture that was written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub thumbhash: Vec<u8>,
    pub animated: bool,
    /// The endings that suit its type, the usual one first.
    pub endings: &'static [&'static str],
}

/// All files of the server.
#[derive(Debug)]
pub struct Files {
    /// The bytes.
    pub blobs: Blobs,
    /// Pictures that may be in work at a time: each takes a processor and some hundred megabytes.
    pool: Arc<Semaphore>,
    /// Places to wait for one of those; each holds a file of at most some megabytes, or one on the disk.
    waiting: Arc<Semaphore>,
    /// Held while one of the server's own comes or goes: its bytes have the same name each time.
    pub own: tokio::sync::Mutex<()>,
    limits: Limits,
}

impl Files {
    /// Opens the folder, making it if need be. So many pictures may wait to be worked on.
    pub fn open(folder: &Path, waiting: usize) -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let places = processors.saturating_sub(1).clamp(1, 4);
        let (pool, waiting) = (Arc::new(Semaphore::new(places)), Arc::new(Semaphore::new(waiting)));
        Ok(Self {
            blobs: Blobs::open(folder)?,
            pool,
            waiting,
            own: tokio::sync::Mutex::default(),
            limits: Limits::default(),
        })
    }

    /// Keeps a file that is here as a whole; what it is, by its content. A picture is written anew, upright and without
    /// metadata, with a thumbnail beside it; one that is beyond the limits or broken is kept as it came.
    pub async fn keep(&self, id: &str, bytes: Bytes) -> Result<Found> {
        match self.rewrite(async { Ok(bytes.clone()) }, &bytes).await? {
            Some(picture) => self.keep_picture(id, picture).await,
            None => {
                self.blobs.put(id, bytes.clone()).await?;
                Ok(Found { content_type: content_type(&bytes), size: bytes.len() as u64, picture: None })
            }
        }
    }

    /// The same for a file that was received.
    pub async fn examine(&self, id: &str) -> Result<Found> {
        let size = self.blobs.size(id).await?;
        let head = self.blobs.part(id, 0..size.min(HEAD)).await?;
        match self.rewrite(self.blobs.part(id, 0..size), &head).await? {
            Some(picture) => self.keep_picture(id, picture).await,
            None => Ok(Found { content_type: content_type(&head), size, picture: None }),
        }
    }

    /// Writes a picture anew; none: it is none, or cannot be shown. Its bytes are asked for when there is room for them.
    async fn rewrite(&self, bytes: impl Future<Output = Result<Bytes>>, head: &[u8]) -> Result<Option<Rewritten>> {
        let Some(format) = Format::of(head) else { return Ok(None) };
        let permit = self.permit().await?;
        let (bytes, limits) = (bytes.await?, self.limits);
        let work = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if nobody waits for it any more.
            let _permit = permit;
            picture::rewrite(format, &bytes, &limits)
        });
        match work.await {
            Ok(Ok(picture)) => Ok(Some(picture)),
            Ok(Err(why)) => {
                tracing::info!(why, "a picture is kept as a plain file");
                Ok(None)
            }
            // A decoder that panics has found a broken picture.
            Err(error) => {
                tracing::warn!(%error, "a picture could not be decoded");
                Ok(None)
            }
        }
    }

    /// Whether another picture would have to wait behind as many as may.
    pub fn is_busy(&self) -> bool {
        self.waiting.available_permits() == 0
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let _place = self.waiting.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        self.pool.clone().acquire_owned().await.map_err(|error| Error::Fault(error.to_string()))
    }

    async fn keep_picture(&self, id: &str, picture: Rewritten) -> Result<Found> {
        let size = picture.bytes.len() as u64;
        self.blobs.put_thumbnail(id, picture.thumbnail.into()).await?;
        self.blobs.put(id, picture.bytes.into()).await?;
        let found = Picture {
            width: picture.width,
            height: picture.height,
            thumbhash: picture.thumbhash,
            animated: picture.animated,
            endings: picture.format.endings(),
        };
        Ok(Found { content_type: picture.format.content_type(), size, picture: Some(found) })
    }

    /// Makes a picture's thumbnail anew, as the square in its middle.
    pub async fn square_thumbnail(&self, id: &str) -> Result<()> {
        let thumbnail = self.blobs.thumbnail(id).await?;
        let permit = self.permit().await?;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            picture::square(&thumbnail)
        });
        match work.await.map_err(|error| Error::Fault(error.to_string()))? {
            Ok(square) => self.blobs.put_thumbnail(id, square.into()).await,
            Err(why) => Err(Error::Fault(why)),
        }
    }
}

/// The type of a thumbnail, which is one of two.
pub fn thumbnail_type(bytes: &Bytes) -> &'static str {
    if Format::of(bytes) == Some(Format::Png) { "image/png" } else { "image/jpeg" }
}

/// The type of a plain file by its first bytes. What a browser would run is not told: it is bytes to save.
fn content_type(head: &[u8]) -> &'static str {
    if let Some(format) = Format::of(head) {
        return format.content_type();
    }
    let known = infer::get(head).map(|kind| kind.mime_type());
    known
        .filter(|kind| !matches!(*kind, "text/html" | "text/xml" | "image/svg+xml"))
        .unwrap_or("application/octet-stream")
}
