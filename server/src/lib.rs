//! Rookery's server. `run` is the wiring; read `rpc` (transport), `domain` (rules), `store` (SQL) and `hub` (fan-out) from
//! there.

pub mod backup;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod gif;
pub mod hub;
pub mod media;
pub mod store;

mod connection;
mod http;
mod rpc;

use std::{future::Future, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};

use config::{Config, Registration};
use connection::{Calls, Driver};
use domain::{
    Ctx,
    account::{Passwords, Sessions},
    ctx::{Clock, Dice},
    event,
    guess::Guesses,
    writer::Writer,
};
use gif::Gifs;
use hub::Hub;
use media::Files;
use store::Db;

/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a peer may leave what it was sent unacknowledged.
const GONE: Duration = Duration::from_secs(45);
/// How soon clients come back after the server stopped.
const RECONNECT: Duration = Duration::from_millis(500);

/// A server that is ready to serve.
pub struct Server {
    ctx: Arc<Ctx>,
    app: axum::Router,
    writers: Vec<tokio::task::JoinHandle<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    connections: usize,
}

impl Server {
    /// Opens the storage and wires everything together.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, String> {
        let dice = Dice;
        let db = Db::open(&config.db()).await?;
        let (history_id, global_id) = domain::conversation::found(&db, &clock, dice)
            .await
            .map_err(|error| format!("the database cannot be used: {error}"))?;
        let (hub, requests) = Hub::new(hub::Settings {
            small_group: config.limits.small_group,
            heartbeat: Duration::from_secs(config.timings.heartbeat),
            typing_expires: Duration::from_secs(config.timings.typing_expires),
            activity_expires: Duration::from_secs(config.timings.activity_expires),
            grace: Duration::from_secs(config.timings.grace),
            now: hub::Now({
                let clock = clock.clone();
                Arc::new(move || clock.now())
            }),
        });
        let files = Arc::new(Files::open(&config.media()).map_err(|error| error.to_string())?);
        let (writer, writers) = Writer::start(&db, &hub, &files, &clock);
        let ctx = Arc::new(Ctx {
            passwords: Passwords::new(&dice.hex::<16>()).map_err(|error| error.to_string())?,
            sessions: Sessions::default(),
            guesses: Guesses::new(config.limits.sign_in_tries),
            limits: config.domain_limits(),
            timings: config.domain_timings(),
            name: config.name.clone(),
            registration_open: config.registration == Registration::Open,
            db,
            writer,
            hub,
            files,
            gifs: Gifs::open(&config.gif)?,
            clock,
            dice,
            history_id,
            global_id,
        });
        let grpc = rpc::routes(&ctx, config.plain_streams, config.plain_cookies, config.reflection)
            .map_err(|error| error.to_string())?;
        let app = grpc.merge(http::routes(ctx.clone(), config.plain_cookies)).fallback(http::fallback);
        let tasks = vec![
            tokio::spawn(ctx.hub.clone().tick()),
            tokio::spawn(ctx.hub.clone().pace()),
            tokio::spawn(event::serve(ctx.clone(), requests)),
            tokio::spawn(domain::media::sweep_hourly(ctx.clone())),
        ];
        Ok(Self { ctx, app, writers, tasks, connections: config.limits.connections })
    }

    /// Clears away files that nothing refers to, as it is done every hour.
    pub async fn sweep(&self) -> Result<(), String> {
        domain::media::sweep(&self.ctx).await.map_err(|error| format!("{error:?}"))
    }

    /// Serves until `shutdown`, then drains: streams are told to come back, what was accepted is written and answered.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.connections));
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let socket = match accepted {
                Ok((socket, _)) => socket,
                Err(error) => {
                    // Out of file handles, mostly: give connections time to end instead of spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            // A message is small and wanted now. A peer that acknowledges nothing is gone, whatever is on the way to it.
            let _ = socket.set_nodelay(true);
            let _ = socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(GONE));
            let calls = Calls::default();
            let service = TowerToHyperService::new(self.app.clone());
            let connection = http(&calls).serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
            let connection = Driver::new(graceful.watch(connection), calls);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection broke");
                }
                drop(place);
            });
        }
        drop(listener);
        self.ctx.hub.stop(RECONNECT);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        self.close().await;
    }

    /// Ends the tasks and closes the storage.
    async fn close(self) {
        let Self { ctx, app, writers, tasks, .. } = self;
        drop(app);
        for task in tasks {
            task.abort();
        }
        let db = ctx.db.clone();
        drop(ctx);
        // Writers end when nobody can hand them anything any more; a connection that hangs on must not hold this up.
        for mut task in writers {
            if tokio::time::timeout(Duration::from_secs(2), &mut task).await.is_err() {
                task.abort();
            }
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), db.close()).await;
    }
}

/// How a connection speaks HTTP/1.1 or HTTP/2, whichever its client begins with.
fn http(calls: &Calls) -> auto::Builder<Calls> {
    let mut builder = auto::Builder::new(calls.clone());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(64)
        .max_header_list_size(8 * 1024)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(15));
    builder
}

/// Opens the storage and serves on a listener until `shutdown`.
pub async fn run(config: &Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), String> {
    Server::open(config, Clock::system()).await?.serve(listener, shutdown).await;
    Ok(())
}
