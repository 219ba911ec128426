//! Rookery's server. `run` is the wiring; read `rpc` (transport), `domain` (rules), `store` (SQL) and `hub` (fan-out) from
//! there.

pub mod backup;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod fault;
pub mod gif;
pub mod hub;
pub mod log;
pub mod media;
pub mod meter;
pub mod operator;
pub mod peer;
pub mod store;

mod connection;
mod http;
pub mod listener;
mod rpc;
mod tls;

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use config::Config;
use domain::{
    Ctx,
    audit::Denials,
    ctx::{Clock, Dice},
    deletion::{self, Deletions},
    event,
    export::Exports,
    guess::Guesses,
    media::Arriving,
    name,
    password::Passwords,
    rate::Rates,
    registration::Registration,
    session::{self, Sessions},
    space::Space,
    user,
    writer::{Writer, Writing},
};
use gif::Gifs;
use hub::Hub;
use listener::{Door, Places};
use media::Files;
use store::Db;
use tls::Tls;

/// How soon clients come back after the server stopped.
const RECONNECT: Duration = Duration::from_millis(500);
/// How long the database may take to be closed, when connections have ended.
const REST: Duration = Duration::from_secs(3);

/// A server that is ready to serve.
pub struct Server {
    ctx: Arc<Ctx>,
    app: axum::Router,
    writers: Vec<Writing>,
    tasks: Vec<JoinHandle<()>>,
    door: Door,
}

impl Server {
    /// Opens the storage and wires everything together.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, String> {
        let tls = config.tls()?.map(|(chain, key)| Tls::open(chain, key)).transpose()?.map(Arc::new);
        let door = Door::new(config, tls.clone());
        let (ctx, requests, writers) = open(config, clock).await?;
        let grpc = rpc::routes(&ctx, config.plain_streams, config.plain_cookies, config.reflection)
            .map_err(|error| error.to_string())?;
        let app = grpc.merge(http::routes(ctx.clone(), config.plain_cookies)).fallback(http::fallback);
        let mut tasks = vec![
            tokio::spawn(ctx.hub.clone().tick()),
            tokio::spawn(ctx.hub.clone().pace()),
            tokio::spawn(event::serve(ctx.clone(), requests)),
            tokio::spawn(ctx.space.clone().watch()),
            tokio::spawn(domain::sweep::hourly(ctx.clone())),
            tokio::spawn(domain::search::index::run(ctx.clone())),
            tokio::spawn(domain::watch::watch(ctx.clone())),
            tokio::spawn(session::watch(ctx.clone())),
            tokio::spawn(deletion::go_on(ctx.clone())),
        ];
        if let Some(tls) = tls {
            tasks.push(tokio::spawn(tls.renew()));
        }
        Ok(Self { ctx, app, writers, tasks, door })
    }

    /// The code with which the first admin's account can be made, for a quarter of an hour; none if there is an admin.
    pub fn owner_code(&self) -> Option<String> {
        domain::registration::claim(&self.ctx)
    }

    /// Clears away what has had its time, as it is done every hour.
    pub async fn sweep(&self) -> Result<(), String> {
        domain::sweep::once(&self.ctx).await.map_err(|error| format!("{error:?}"))
    }

    /// Tells Prometheus what is counted, on a port of its own.
    pub fn tell_metrics(&mut self, listener: TcpListener, counted: meter::Counted) {
        let levels = Levels { places: self.door.places(), hub: self.ctx.hub.clone(), writer: self.ctx.writer.clone() };
        self.tasks.push(tokio::spawn(meter::serve(listener, counted, Arc::new(levels))));
    }

    /// Serves until `shutdown`, then drains: streams are told to come back, what was accepted is written and answered. An
    /// error: nothing could be written any more, so it ended by itself.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), String> {
        let Self { ctx, app, mut writers, tasks, mut door } = self;
        let mut outcome = Ok(());
        let over = async {
            tokio::select! {
                () = shutdown => {}
                (ended, ..) = futures::future::select_all(&mut writers) => {
                    outcome = ended.unwrap_or_else(|_| Err("a writer has ended".into()));
                }
            }
        };
        door.serve(&app, listener, over).await;
        ctx.hub.stop(RECONNECT);
        door.drain().await;
        if outcome.is_err() {
            // Closing would fold the log into the file, by the disk that has just failed: the next start does that.
            std::mem::forget(ctx.db.clone());
            return outcome;
        }
        drop(app);
        for task in tasks {
            task.abort();
        }
        let rest = async move {
            if let Err(error) = session::write_down(&ctx).await {
                tracing::warn!(cause = ?error, "when sessions were last used could not be written down");
            }
            if let Err(error) = user::still_there(&ctx).await {
                tracing::warn!(cause = ?error, "who was there until the end could not be written down");
            }
            let db = ctx.db.clone();
            // Writers end when nobody can hand them anything any more.
            drop(ctx);
            futures::future::join_all(writers).await;
            db.close().await;
        };
        if tokio::time::timeout(REST, rest).await.is_err() {
            tracing::warn!("the database was not closed in time; the next start reads its log");
        }
        outcome
    }
}

/// What is looked at when Prometheus reads.
struct Levels {
    places: Arc<Places>,
    hub: Arc<Hub>,
    writer: Writer,
}

impl meter::Levels for Levels {
    fn levels(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("rookery_connections", self.places.taken()),
            ("rookery_streams", self.hub.streams()),
            ("rookery_people", self.hub.people()),
            ("rookery_writer_waiting", self.writer.waiting()),
            ("rookery_search_waiting", self.writer.unindexed()),
        ]
    }
}

/// Opens the storage and what every rule works with: also for the command line, which serves nobody.
async fn open(
    config: &Config,
    clock: Clock,
) -> Result<(Arc<Ctx>, mpsc::UnboundedReceiver<hub::Request>, Vec<Writing>), String> {
    let dice = Dice;
    let db = Db::open(&config.db()).await?;
    let (history_id, global_id) = domain::conversation::found(&db, &clock, dice)
        .await
        .map_err(|error| format!("the database cannot be used: {error}"))?;
    name::fold_old(&db).await.map_err(|error| format!("the names of the accounts cannot be read: {error}"))?;
    let governed = async { store::server::governed(&mut db.reader().await?).await };
    let governed = governed.await.map_err(|error| format!("the database cannot be used: {error}"))?;
    let (hub, requests) = Hub::new(hub::Settings {
        small_group: config.limits.small_group,
        heartbeat: Duration::from_secs(config.timings.heartbeat),
        typing_expires: Duration::from_secs(config.timings.typing_expires),
        activity_expires: Duration::from_secs(config.timings.activity_expires),
        grace: Duration::from_secs(config.timings.grace),
        life: Duration::from_secs(config.timings.stream),
        now: hub::Now({
            let clock = clock.clone();
            Arc::new(move || clock.now())
        }),
    });
    let files =
        Arc::new(Files::open(&config.media(), config.limits.pictures_waiting).map_err(|error| error.to_string())?);
    let sessions = Arc::new(Sessions::default());
    let space = Space::new(&config.data, config.limits.free_bytes);
    let (writer, writers) = Writer::start(&db, &hub, &files, &sessions, &clock, &config.domain_limits(), &space);
    let ctx = Arc::new(Ctx {
        passwords: Passwords::new(&dice.hex::<16>()).map_err(|error| error.to_string())?,
        sessions,
        deletions: Deletions::default(),
        exports: Exports::default(),
        guesses: Guesses::new(config.limits.sign_in_tries),
        rates: Rates::new(config.rates()),
        space,
        limits: config.domain_limits(),
        timings: config.domain_timings(),
        name: config.name.clone(),
        denials: Denials::default(),
        registration: Registration::new(config.registration.mode(), governed),
        db,
        writer,
        hub,
        files,
        arriving: Arriving::default(),
        gifs: Gifs::open(&config.gif)?,
        clock,
        dice,
        history_id,
        global_id,
    });
    Ok((ctx, requests, writers))
}

/// Opens the storage and serves on a listener until `shutdown`.
pub async fn run(config: &Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), String> {
    Server::open(config, Clock::system()).await?.serve(listener, shutdown).await
}
