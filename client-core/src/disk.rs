//! The thread that owns the cache and the outbox. SQLite blocks; the engine must not.

use std::{path::Path, sync::mpsc, thread};

use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    cache::Cache,
    connection::Config,
    outbox::{Folder, Outbox},
};

/// The way to the cache and the outbox. Jobs run in the order in which they were given.
pub(crate) struct Disk {
    jobs: mpsc::Sender<Job>,
}

/// What the thread owns.
pub(crate) struct Shelf {
    pub cache: Cache,
    pub outbox: Outbox,
}

type Job = Box<dyn FnOnce(&mut Shelf) + Send>;

impl Disk {
    /// Starts the thread. It ends, and lets the profile go, when it has done all jobs after this value is dropped.
    pub fn open(config: &Config) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let config = config.clone();
        let work = move || {
            let session = &config.session;
            let folder = config.profile.folder();
            let mut shelf = Shelf {
                cache: Cache::open(folder, session, config.cached_per_conversation, config.cached),
                outbox: Outbox::open(folder, Folder::new(folder, config.ambient.request_id), session),
            };
            inbox.into_iter().for_each(|job| job(&mut shelf));
            // The databases close before the profile's lock goes.
            drop(shelf);
        };
        thread::Builder::new().name("rookery-disk".to_owned()).spawn(work)?;
        Ok(Self { jobs })
    }

    /// Does something and waits for what comes of it; none if the thread is gone, which only a panic in it does.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Shelf) -> T + Send + 'static) -> Option<T> {
        let (done, result) = oneshot::channel();
        self.post(move |shelf| {
            // Whoever stopped waiting does not want it.
            let _ = done.send(job(shelf));
        });
        result.await.ok()
    }

    /// Does something in its turn.
    pub fn post(&self, job: impl FnOnce(&mut Shelf) + Send + 'static) {
        if self.jobs.send(Box::new(job)).is_err() {
            warn!("the disk thread is gone; nothing is kept any more");
        }
    }
}

/// Puts a database that cannot be used out of the way, under a name that is free, and keeps it.
pub(crate) fn set_aside(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free =
        (1..1000).map(|number| path.with_file_name(format!("{name}.aside-{number}"))).find(|aside| !aside.exists());
    let Some(aside) = free else { return };
    warn!(from = %path.display(), to = %aside.display(), "setting a damaged file aside");
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            name
        };
        // Those that are not there need no moving; if one cannot be moved, opening tells.
        let _ = std::fs::rename(with(path), with(&aside));
    }
}
