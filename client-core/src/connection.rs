//! The engine behind [`connect`]: connects, resumes, fetches, sends, keeps; gives everything as updates.

mod backoff;
mod engine;
mod here;
mod link;
mod loading;
mod people;
mod reading;
mod sending;
mod typing;

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::Stream;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    ambient::Ambient,
    api::{Api, Error},
    client::{Client, Command},
    media::MediaStore,
    profile::{Profile, Session},
    update::Update,
};

/// How many updates may wait for a program that is slow to apply them. Then the engine waits, and the server with it.
const WAITING_UPDATES: usize = 256;

/// What [`connect`] needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who, and where.
    pub session: Session,
    /// The secret of the session.
    pub token: String,
    /// Where cache and outbox are kept.
    pub profile: Profile,
    /// How many messages of one conversation the cache keeps.
    pub cached_per_conversation: usize,
    /// How many messages the cache keeps in all.
    pub cached: usize,
    /// How long to wait before connecting again: the first time, and at most. Jitter makes it shorter.
    pub backoff: (Duration, Duration),
    /// Where time and chance come from.
    pub ambient: Ambient,
}

impl Config {
    /// The usual values.
    pub fn new(session: Session, token: impl Into<String>, profile: Profile) -> Self {
        Self {
            session,
            token: token.into(),
            profile,
            cached_per_conversation: 200,
            cached: 10_000,
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
            ambient: Ambient::real(),
        }
    }
}

/// Starts a client. The stream is the engine: it works from its first poll, which must be inside a tokio runtime, until
/// it is dropped or the session ends. The error is about the address or the token, before anything was tried.
pub fn connect(config: Config) -> Result<(Client, Updates), Error> {
    let api = Api::new(&config.session.server, Some(&config.token))?;
    let (commands, inbox) = mpsc::unbounded_channel();
    let media = MediaStore::open(config.profile.media_folder(), &api.url(), &config.token, config.ambient)?;
    let client = Client::new(api.clone(), commands, config.ambient, media.clone());
    let (out, updates) = mpsc::channel(WAITING_UPDATES);
    let start = Some(Start { config, api, media, inbox, out });
    Ok((client, Updates { start, updates, engine: None }))
}

/// All that happens, in order: see [`connect`].
pub struct Updates {
    start: Option<Start>,
    updates: mpsc::Receiver<Update>,
    engine: Option<JoinHandle<()>>,
}

struct Start {
    config: Config,
    api: Api,
    media: MediaStore,
    inbox: mpsc::UnboundedReceiver<Command>,
    out: mpsc::Sender<Update>,
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Update>> {
        if let Some(start) = self.start.take() {
            self.engine = Some(tokio::spawn(engine::run(start)));
        }
        self.updates.poll_recv(context)
    }
}

impl Drop for Updates {
    fn drop(&mut self) {
        if let Some(engine) = &self.engine {
            engine.abort();
        }
    }
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}

/// A span from the protocol; `usual` where the server said none.
fn span(told: Option<prost_types::Duration>, usual: Duration) -> Duration {
    told.and_then(|told| Duration::try_from(told).ok()).filter(|told| !told.is_zero()).unwrap_or(usual)
}
