//! The bytes of files, over plain HTTP: fetched through a cache on the disk, saved, uploaded. Knows nothing of messages.

mod cache;
mod http;
mod part;
mod record;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rookery_api::v1;
use tokio::io::AsyncWriteExt;

use self::{cache::Cache, http::Http, part::Part};
use crate::{ambient::Ambient, api::Error};

/// How many bytes the cache of a profile holds; the least recently used go first.
const CACHE_BYTES: u64 = 200 << 20;
/// What is larger is not for the memory: it can be saved.
const LARGEST_FETCH: u64 = 256 << 20;
/// Thumbnails and previews are much smaller.
const LARGEST_SMALL: u64 = 32 << 20;

/// The files of the server, as this user. Cheap to clone. What was fetched stays on the disk, in the profile, up to 200 MB;
/// to fetch one that is on its way already waits for that one. A call that is dropped is given up.
#[derive(Clone, Debug)]
pub struct MediaStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    folder: PathBuf,
    ambient: Ambient,
    // Read from the disk by the first who wants something.
    cache: OnceLock<Mutex<Cache>>,
    flights: Mutex<HashMap<String, WeakShared<Work>>>,
}

type Work = BoxFuture<'static, Result<Bytes, Error>>;

/// Something to fetch.
struct Want {
    // Where on the server.
    path: String,
    // Its name in the cache.
    key: String,
    // Its size, where it is known before.
    size: Option<u64>,
}

impl MediaStore {
    /// The files of the server at `url`, with a cache in `folder`.
    pub(crate) fn open(folder: PathBuf, url: &str, token: &str, ambient: Ambient) -> Result<Self, Error> {
        let http = Http::new(url, token)?;
        if let Err(error) = crate::profile::create_private_folder(&folder) {
            tracing::warn!(%error, "files are not kept on the disk");
        }
        let (cache, flights) = (OnceLock::new(), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { http, folder, ambient, cache, flights }) })
    }

    /// The bytes of a file that is to be shown.
    pub async fn fetch(&self, media: &v1::Media) -> Result<Bytes, Error> {
        let size = u64::try_from(media.size).unwrap_or(0);
        if size > LARGEST_FETCH {
            return Err(Error::invalid("media", "This file is too large to show. Save it instead."));
        }
        self.get(Want { path: path_of(&media.id)?, key: media.id.clone(), size: Some(size) }).await
    }

    /// A picture's thumbnail (JPEG or PNG, at most 480 pixels a side), also an avatar's.
    pub async fn thumbnail(&self, id: &str) -> Result<Bytes, Error> {
        let path = format!("{}/thumbnail", path_of(id)?);
        self.get(Want { path, key: format!("{id}.thumbnail"), size: None }).await
    }

    /// The small version of a GIF that can be chosen.
    pub async fn preview(&self, gif: &v1::Gif) -> Result<Bytes, Error> {
        // Nobody but the server is ever asked.
        if !gif.preview.starts_with('/') {
            return Err(Error::invalid("preview", "This picture cannot be shown."));
        }
        let key = format!("gif.{}", utf8_percent_encode(&gif.preview, IN_A_NAME));
        self.get(Want { path: gif.preview.clone(), key, size: None }).await
    }

    /// Writes a file to `to`, whole or not at all; what was there is replaced.
    pub async fn save(&self, media: &v1::Media, to: &Path) -> Result<(), Error> {
        let path = path_of(&media.id)?;
        let size = u64::try_from(media.size).unwrap_or(0);
        let part = Part::beside(to, &(self.inner.ambient.request_id)().to_string());
        let failed = |error: std::io::Error| Error::local(format!("{} cannot be written: {error}", to.display()));
        if self.inner.clone().copy_cached(media.id.clone(), size, part.path.clone()).await {
            return part.put(to).map_err(failed);
        }
        let mut body = self.inner.http.get(&path).await?;
        let mut file = tokio::fs::File::create(&part.path).await.map_err(failed)?;
        let mut written = 0;
        while let Some(bytes) = body.next().await? {
            written += bytes.len() as u64;
            file.write_all(&bytes).await.map_err(failed)?;
        }
        if written != size {
            return Err(Error::incomplete());
        }
        file.sync_all().await.map_err(failed)?;
        part.put(to).map_err(failed)
    }

    /// Puts a small file on the server, as an avatar. To send files, [`crate::Client::send_with`] is better: it survives
    /// whatever happens.
    pub async fn upload(&self, name: impl Into<String>, bytes: impl Into<Bytes>) -> Result<v1::Media, Error> {
        let (name, bytes) = (name.into(), bytes.into());
        self.inner.http.post(&name, bytes.len() as u64, http::whole(bytes)).await
    }

    /// Puts a file on the server from the disk; `progress` hears how many bytes of it are on their way.
    pub(crate) async fn upload_file(
        &self,
        name: &str,
        path: &Path,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<v1::Media, Error> {
        let gone = |error: std::io::Error| Error::local(format!("{name} cannot be read: {error}"));
        let file = tokio::fs::File::open(path).await.map_err(gone)?;
        let size = file.metadata().await.map_err(gone)?.len();
        self.inner.http.post(name, size, http::read(file, progress)).await
    }

    async fn get(&self, want: Want) -> Result<Bytes, Error> {
        let flight = self.inner.flight(want);
        flight.await
    }
}

/// What may stand in a file's name on every system.
const IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Where a file is on the server. Ids come from outside, and name files here.
fn path_of(id: &str) -> Result<String, Error> {
    let good = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(format!("/media/{id}")) } else { Err(Error::invalid("id", "There is no such file.")) }
}

impl Inner {
    /// The one request for something that is wanted now.
    fn flight(self: &Arc<Self>, want: Want) -> Shared<Work> {
        let mut flights = lock(&self.flights);
        // The others have landed, or nobody waits for them any more.
        flights.retain(|_, flight| flight.upgrade().is_some());
        if let Some(flight) = flights.get(&want.key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let key = want.key.clone();
        let flight = self.clone().load(want).boxed().shared();
        flights.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }

    async fn load(self: Arc<Self>, want: Want) -> Result<Bytes, Error> {
        let Want { path, key, size } = want;
        if let Some(bytes) = self.clone().read_cached(key.clone(), size).await {
            return Ok(bytes);
        }
        let bytes = self.http.get(&path).await?.collect(size.unwrap_or(LARGEST_SMALL)).await?;
        if size.is_some_and(|size| size != bytes.len() as u64) {
            return Err(Error::incomplete());
        }
        self.keep(key, bytes.clone()).await;
        Ok(bytes)
    }

    async fn read_cached(self: Arc<Self>, key: String, size: Option<u64>) -> Option<Bytes> {
        let work = move || {
            let found = self.found(&key, size)?;
            let bytes = std::fs::read(&found.path).ok().filter(|bytes| bytes.len() as u64 == found.size);
            if bytes.is_none() {
                self.cache().forget(&key);
            }
            bytes.map(Bytes::from)
        };
        tokio::task::spawn_blocking(work).await.ok().flatten()
    }

    async fn copy_cached(self: Arc<Self>, key: String, size: u64, to: PathBuf) -> bool {
        let work = move || {
            let copied = self.found(&key, Some(size)).and_then(|found| std::fs::copy(found.path, to).ok());
            copied == Some(size)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(false)
    }

    fn found(&self, key: &str, size: Option<u64>) -> Option<cache::Found> {
        let now = (self.ambient.now)();
        self.cache().find(key, now).filter(|found| size.is_none_or(|size| size == found.size))
    }

    /// Keeps something for the next time; that it cannot be kept is no failure.
    async fn keep(self: Arc<Self>, key: String, bytes: Bytes) {
        let work = move || {
            let part = Part::beside(&self.folder.join(&key), &(self.ambient.request_id)().to_string());
            let written = std::fs::write(&part.path, &bytes);
            let now: SystemTime = (self.ambient.now)();
            if let Err(error) = written.and_then(|()| self.cache().add(&key, bytes.len() as u64, part, now)) {
                tracing::debug!(%error, "a file is not kept");
            }
        };
        // Whoever waits has the bytes, whatever came of this.
        let _ = tokio::task::spawn_blocking(work).await;
    }

    /// Blocks: the first time the folder is read.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(self.cache.get_or_init(|| Mutex::new(Cache::open(self.folder.clone(), CACHE_BYTES))))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between left nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
