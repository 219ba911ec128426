//! The door: connections are accepted, counted and served until the server stops, then drained.

use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::util::MapRequest;

use crate::{
    config::Config,
    connection::{Calls, Driver},
    peer::Proxies,
};

/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a peer may leave what it was sent unacknowledged.
const GONE: Duration = Duration::from_secs(45);

/// What the door knows.
pub struct Door {
    proxies: Proxies,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Door {
    /// A door by the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            proxies: config.trusted_proxies.clone(),
            places: Arc::new(Semaphore::new(config.limits.connections)),
            graceful: GracefulShutdown::new(),
        }
    }

    /// Lets connections in until `shutdown`.
    pub async fn serve(&self, app: &axum::Router, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((socket, address)) => self.enter(app, socket, address.ip()),
                Err(error) => {
                    // Out of file handles, mostly: give connections time to end instead of spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn enter(&self, app: &axum::Router, socket: TcpStream, address: IpAddr) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        // A message is small and wanted now. A peer that acknowledges nothing is gone, whatever is on the way to it.
        let _ = socket.set_nodelay(true);
        let _ = socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(GONE));
        let calls = Calls::default();
        let proxies = self.proxies.clone();
        let service = MapRequest::new(app.clone(), move |mut request: http::Request<hyper::body::Incoming>| {
            let peer = proxies.peer(address, false, request.headers());
            request.extensions_mut().insert(peer);
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = http(&calls).serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
        let connection = Driver::new(self.graceful.watch(connection), calls);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }

    /// Waits until all connections have ended, for as long as they may take.
    pub async fn drain(self) {
        if tokio::time::timeout(DRAIN, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
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
