//! The program: arguments, logging, signals.

use std::{fs, io::Write, path::Path, process::ExitCode};

use clap::Parser;
use rookery_server::{
    Server, backup,
    config::{Command, Config, DEFAULT_FILE, Flags},
    doctor,
    domain::ctx::Clock,
    fault, listener, log, meter, operator,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Gives back what a burst needed: glibc's allocator keeps half as much again for each idle user. Its settings are compiled
/// in from .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    fault::listen();
    let flags = Flags::parse();
    match start(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rookery-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(flags: &Flags) -> Result<(), String> {
    // One TLS provider, chosen before anything could choose another.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "TLS could not be set up")?;
    let config = Config::load(flags)?;
    log::start(config.log, &config.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    match &flags.command {
        Some(Command::Config) => {
            print!("{DEFAULT_FILE}");
            Ok(())
        }
        Some(Command::Backup { dir }) => runtime.block_on(backup::backup(&config, dir)),
        Some(Command::Admin { act }) => runtime.block_on(operator::act(&config, act)),
        Some(Command::Token { script }) => runtime.block_on(operator::script(&config, script)),
        Some(Command::Doctor { rebuild_search: false }) => runtime.block_on(doctor::examine(&config)),
        Some(Command::Doctor { rebuild_search: true }) => {
            let _lock = lock(&config.data)?;
            runtime.block_on(doctor::rebuild_search(&config))
        }
        Some(Command::Restore { dir }) => {
            let _lock = lock(&config.data)?;
            runtime.block_on(backup::restore(&config, dir))
        }
        None | Some(Command::Serve) => runtime.block_on(serve(&config)),
    }
}

async fn serve(config: &Config) -> Result<(), String> {
    let _lock = lock(&config.data)?;
    let tls = config.tls()?.is_some();
    let address = config.address()?;
    let listener = listener::listen(address)
        .map_err(|error| format!("cannot listen on {address}: {error}; is another Rookery running?"))?;
    let metrics = match config.metrics()? {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            let listener =
                listener.map_err(|error| format!("metrics = \"{address}\": cannot listen there: {error}"))?;
            Some((listener, meter::install()?))
        }
    };
    let mut server = Server::open(config, Clock::system()).await?;
    for exposed in config.exposed() {
        tracing::warn!("{exposed}");
    }
    if let Some((listener, counted)) = metrics {
        server.tell_metrics(listener, counted);
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    // Without TLS there is nothing to read again; whoever asks for it must not end the server.
    let _hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    // Whoever started us may have stopped reading; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "Rookery is ready: {}://{address}", if tls { "https" } else { "http" });
    if let Some(code) = server.owner_code() {
        let link = config.registration_link(&code, Some(address)).unwrap_or(code);
        let _ = writeln!(
            std::io::stdout(),
            "No one owns this server yet. Make the first admin's account within 15 minutes: {link}"
        );
    }
    server
        .serve(listener, async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await
}

/// Makes the data folder, for nobody else to read, and holds it: two servers on one folder would each think they are alone.
fn lock(data: &Path) -> Result<fs::File, String> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| format!("the folder {} cannot be made: {error}", data.display()))?;
    let path = data.join("rookery.lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    file.try_lock().map_err(|_| format!("another Rookery server runs on the folder {}", data.display()))?;
    Ok(file)
}
