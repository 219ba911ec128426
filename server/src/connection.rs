//! One connection, from its first byte: TLS, what its client speaks, its calls, its end.

mod body;
mod call;
mod driver;
mod greeting;

use std::{convert::Infallible, fmt, net::IpAddr, sync::Arc, time::Duration};

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};

pub use body::TooSlow;
pub use call::Notes;
use call::{Answering, Origin};
use driver::{Calls, Driver};
use greeting::{Greeted, Socket, Version, greet};

use crate::{peer::Proxies, tls::Tls};

/// How long a peer may leave what it was sent unacknowledged.
const GONE: Duration = Duration::from_secs(45);
/// The largest head of a request, and the most fields in it.
const MOST_HEAD: usize = 8 * 1024;
const MOST_FIELDS: usize = 64;
/// What may wait in a stream for its reader, once it has left the hub's queue.
const MOST_UNSENT: usize = 64 * 1024;
/// What HTTP/1 reads at a time, at most.
const BUFFER: usize = 64 * 1024;

/// How connections are treated.
pub struct Settings {
    /// Whose word on callers' addresses counts.
    pub proxies: Proxies,
    /// From the connection to its first head or preface.
    pub greeting: Duration,
    /// For each piece of a request's body.
    pub body: Duration,
    /// For the answer to a call.
    pub call: Duration,
    /// None: plain text.
    pub tls: Option<Arc<Tls>>,
}

/// Why a connection did not come to its first call.
#[derive(Debug)]
pub enum Failed {
    /// It said too little in the time.
    Silent,
    /// It went, or was no TLS.
    Broke(std::io::Error),
    /// The server stops.
    Stopping,
    /// It broke later.
    Hyper(hyper::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("it said too little"),
            Self::Broke(error) => error.fmt(f),
            Self::Stopping => f.write_str("the server stops"),
            Self::Hyper(error) => error.fmt(f),
        }
    }
}

/// Serves a connection to its end. When `closing` is rung, calls that go on are answered and no others are taken.
pub async fn serve(
    app: axum::Router,
    settings: Arc<Settings>,
    socket: TcpStream,
    address: IpAddr,
    number: u64,
    mut closing: watch::Receiver<()>,
) -> Result<(), Failed> {
    let deadline = Instant::now() + settings.greeting;
    // A message is small and wanted now. A peer that acknowledges nothing is gone, whatever is on the way to it.
    let _ = socket.set_nodelay(true);
    let _ = socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(GONE));
    let greeting = async {
        let socket = match &settings.tls {
            None => Socket::Plain(socket),
            Some(tls) => Socket::Tls(Box::new(tls.accept(socket).await?)),
        };
        greet(socket).await
    };
    let (version, io) = tokio::select! {
        greeted = timeout_at(deadline, greeting) => greeted.map_err(|_| Failed::Silent)?.map_err(Failed::Broke)?,
        _ = closing.changed() => return Err(Failed::Stopping),
    };
    let tls = settings.tls.is_some();
    let greeting = settings.greeting;
    let origin = Arc::new(Origin::new(app, settings, address, tls, number));
    match version {
        Version::Http2 => speak_2(io, &origin, closing).await,
        Version::Http1 => speak_1(io, &origin, greeting, deadline, closing).await,
    }
}

async fn speak_2(io: Greeted, origin: &Arc<Origin>, mut closing: watch::Receiver<()>) -> Result<(), Failed> {
    let calls = Calls::default();
    let mut builder = http2::Builder::new(calls.clone());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(64)
        .max_header_list_size(MOST_HEAD as u32)
        .max_send_buf_size(MOST_UNSENT)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024);
    let connection = builder.serve_connection(TokioIo::new(io), Answering(origin.clone()));
    let connection = async {
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            biased;
            ended = &mut connection => return ended,
            _ = closing.changed() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    };
    Driver::new(connection, calls).await.map_err(Failed::Hyper)
}

async fn speak_1(
    io: Greeted,
    origin: &Arc<Origin>,
    greeting: Duration,
    deadline: Instant,
    mut closing: watch::Receiver<()>,
) -> Result<(), Failed> {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(greeting).max_headers(MOST_FIELDS).max_buf_size(BUFFER);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(io), Answering(origin.clone())));
    // What it had said before counts for its time, too.
    let silent = async {
        sleep_until(deadline).await;
        if origin.was_heard() {
            std::future::pending::<Infallible>().await;
        }
    };
    tokio::select! {
        biased;
        ended = &mut connection => return ended.map_err(Failed::Hyper),
        () = silent => return Err(Failed::Silent),
        _ = closing.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(Failed::Hyper)
}
