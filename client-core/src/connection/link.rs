//! The event stream, connected again and again. Knows when, not what: cursors come from the engine for each try.

use std::{sync::Arc, time::Duration};

use rookery_api::v1::{ErrorReason, SubscribeRequest, SubscribeResponse, event::Kind};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use super::{backoff::Backoff, span};
use crate::{
    api::{Api, Error, EventStream},
    update::Offline,
};

/// Without any event for so long a stream is dead, until the server says its own time.
const SILENCE: Duration = Duration::from_secs(45);
/// The same when there is reason to doubt it: a heartbeat and some.
const DOUBT: Duration = Duration::from_secs(20);

/// What happens on the link.
#[derive(Debug)]
pub(super) enum LinkEvent {
    Connecting,
    /// From where to go on?
    Resume(oneshot::Sender<SubscribeRequest>),
    Received(Box<SubscribeResponse>),
    Down(Offline),
    SignedOut,
}

/// The task that keeps the link. Ends when this is dropped.
pub(super) struct Link {
    pub events: mpsc::Receiver<LinkEvent>,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Link {
    pub fn start(api: Api, backoff: Backoff, jitter: fn() -> f64) -> Self {
        let (out, events) = mpsc::channel(64);
        let wake = Arc::new(Notify::new());
        let task = tokio::spawn(Worker { api, backoff, jitter, out, wake: wake.clone() }.run());
        Self { events, wake, task }
    }

    /// Tries again now; a stream that is open has to prove itself.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Worker {
    api: Api,
    backoff: Backoff,
    jitter: fn() -> f64,
    out: mpsc::Sender<LinkEvent>,
    wake: Arc<Notify>,
}

/// Why a stream is over.
enum End {
    Asked(Duration),
    Failed(Error),
    Silent,
    /// Nobody listens any more.
    Unwanted,
}

impl Worker {
    async fn run(mut self) {
        loop {
            let end = self.connect().await;
            let (delay, why) = match end {
                End::Unwanted => return,
                End::Failed(error) if error.is_signed_out() => {
                    let _ = self.out.send(LinkEvent::SignedOut).await;
                    return;
                }
                End::Asked(delay) => (delay.max(self.delay()), "The server is restarting.".to_owned()),
                End::Silent => (self.delay(), "The server does not answer.".to_owned()),
                End::Failed(error) if error.reason == Some(ErrorReason::SlowReader) => {
                    (self.delay(), "The connection was too slow.".to_owned())
                }
                End::Failed(error) => (self.delay().max(error.retry_after.unwrap_or_default()), error.message),
            };
            let retry_at = Instant::now() + delay;
            if self.out.send(LinkEvent::Down(Offline { retry_at: retry_at.into_std(), why })).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep(delay) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn delay(&mut self) -> Duration {
        self.backoff.next((self.jitter)())
    }

    async fn connect(&mut self) -> End {
        let (ask, answer) = oneshot::channel();
        let asked =
            self.out.send(LinkEvent::Connecting).await.is_ok() && self.out.send(LinkEvent::Resume(ask)).await.is_ok();
        let Ok(request) = answer.await else { return End::Unwanted };
        if !asked {
            return End::Unwanted;
        }
        match self.api.subscribe(request).await {
            Ok(stream) => self.listen(stream).await,
            Err(error) => End::Failed(error),
        }
    }

    async fn listen(&mut self, mut stream: EventStream) -> End {
        let mut silence = SILENCE;
        let mut dead_at = Instant::now() + silence;
        loop {
            let next = tokio::select! {
                next = timeout_at(dead_at, stream.next()) => next,
                () = self.wake.notified() => {
                    dead_at = dead_at.min(Instant::now() + DOUBT);
                    continue;
                }
            };
            let response = match next {
                Ok(Ok(Some(response))) => response,
                Ok(Ok(None)) => return End::Failed(Error::closed()),
                Ok(Err(error)) => return End::Failed(error),
                Err(_) => return End::Silent,
            };
            match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
                Some(Kind::Ready(ready)) => {
                    let told = ready.timings.as_ref().and_then(|timings| timings.timeout);
                    silence = span(told, SILENCE);
                }
                Some(Kind::CaughtUp(_)) => self.backoff.reset(),
                Some(Kind::Reconnect(reconnect)) => return End::Asked(span(reconnect.after, Duration::ZERO)),
                _ => {}
            }
            if self.out.send(LinkEvent::Received(Box::new(response))).await.is_err() {
                return End::Unwanted;
            }
            dead_at = Instant::now() + silence;
        }
    }
}
