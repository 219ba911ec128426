//! What is put round every call, whatever it asks for: who calls, how large its head and how long its work may be, what
//! happens when it panics, and what is noted of it.

use std::{
    any::Any,
    convert::Infallible,
    fmt,
    future::Future,
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::Body;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::{body::Incoming, service::Service};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tower::util::ServiceExt;
use tracing::Instrument;

use super::{MOST_FIELDS, MOST_HEAD, Settings, body::Timed};
use crate::{domain::Error, fault, meter, peer::Peer, rpc};

/// So many calls of one connection are worked on at a time; the others wait for them.
const AT_WORK: usize = 32;

/// A connection, as its calls see it.
pub struct Origin {
    app: axum::Router,
    settings: Arc<Settings>,
    address: IpAddr,
    tls: bool,
    number: u64,
    calls: AtomicU64,
    heard: AtomicBool,
    at_work: Semaphore,
}

impl Origin {
    pub fn new(app: axum::Router, settings: Arc<Settings>, address: IpAddr, tls: bool, number: u64) -> Self {
        let (calls, heard) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { app, settings, address, tls, number, calls, heard, at_work: Semaphore::new(AT_WORK) }
    }

    /// Whether there has been a call.
    pub fn was_heard(&self) -> bool {
        self.heard.load(Relaxed)
    }
}

/// What is noted of a call while it goes on; an extension of its request.
#[derive(Debug)]
pub struct Notes {
    begun: Instant,
    /// In milliseconds after it began, and one more; 0: it still comes.
    body_ended: AtomicU64,
    user_id: AtomicI64,
}

impl Notes {
    fn new() -> Self {
        Self { begun: Instant::now(), body_ended: AtomicU64::new(0), user_id: AtomicI64::new(0) }
    }

    pub(super) fn body_ended(&self) {
        let after = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.body_ended.store(after.saturating_add(1), Relaxed);
    }

    /// Notes who called.
    pub fn called_by(&self, user_id: i64) {
        self.user_id.store(user_id, Relaxed);
    }

    /// When work on the call must have ended; while its body still comes, the body's own clock goes.
    fn deadline(&self, limit: Duration) -> Instant {
        match self.body_ended.load(Relaxed) {
            0 => Instant::now() + limit,
            ended => self.begun + Duration::from_millis(ended) + limit,
        }
    }
}

/// Names a call in the log.
struct Id(u64, u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Answers the calls of one connection.
#[derive(Clone)]
pub struct Answering(pub Arc<Origin>);

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.0.heard.store(true, Relaxed);
        let id = Id(self.0.number, self.0.calls.fetch_add(1, Relaxed));
        let method = meter::method(request.uri().path());
        let span = tracing::error_span!("call", request = %id, method);
        Box::pin(answer(self.0.clone(), request, method).map(Ok).instrument(span))
    }
}

async fn answer(origin: Arc<Origin>, request: Request<Incoming>, method: &'static str) -> Response<Body> {
    let notes = Arc::new(Notes::new());
    let peer = origin.settings.proxies.peer(origin.address, origin.tls, request.headers());
    let kind = request.headers().get(header::CONTENT_TYPE).cloned();
    let response = if let Some(refusal) = too_much(&request) {
        refusal
    } else {
        let limit = rpc::is_call(kind.as_ref()).then(|| Limit::of(request.headers(), &notes, &origin.settings));
        let mut request = request.map(|body| Body::new(Timed::new(body, notes.clone(), origin.settings.body)));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(notes.clone());
        let work = async {
            // Nothing closes it.
            let _turn = origin.at_work.acquire().await;
            fault::at("call");
            origin.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        let answer = match limit {
            None => Ok(work.await),
            Some(limit) => within(work, limit, &notes).await,
        };
        match answer {
            Ok(answer) => answer.unwrap_or_else(|panic| panicked(panic, kind.as_ref())),
            Err(by) => rpc::late(by == By::Client, kind.as_ref()),
        }
    };
    meter::answered(method, &response, notes.begun.elapsed());
    note(method, &response, &notes, &peer);
    response
}

/// Refuses a head that is too large for us, cleanly.
fn too_much(request: &Request<Incoming>) -> Option<Response<Body>> {
    let headers = request.headers();
    // An HTTP/2 head's size is looked at where it is decoded.
    let size = || headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum::<usize>();
    if headers.len() <= MOST_FIELDS && (request.version() == Version::HTTP_2 || size() <= MOST_HEAD) {
        return None;
    }
    let kind = headers.get(header::CONTENT_TYPE);
    if rpc::is_call(kind) {
        let limit = format!("a call has at most {MOST_FIELDS} header fields, of {MOST_HEAD} bytes");
        return Some(rpc::refusal(Error::Limit(limit), kind));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Some(response)
}

/// Who set a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Server,
    Client,
}

/// How long a call may take: the client's own deadline counts from its first byte, ours from its last.
struct Limit {
    server: Duration,
    client: Option<Instant>,
}

impl Limit {
    fn of(headers: &HeaderMap, notes: &Notes, settings: &Settings) -> Self {
        let client = headers.get("grpc-timeout").and_then(timeout).and_then(|after| notes.begun.checked_add(after));
        Self { server: settings.call, client }
    }

    fn next(&self, notes: &Notes) -> (Instant, By) {
        let server = notes.deadline(self.server);
        match self.client {
            Some(client) if client < server => (client, By::Client),
            _ => (server, By::Server),
        }
    }
}

/// A `grpc-timeout`: up to eight digits and a unit. Anything else is as good as none.
fn timeout(value: &HeaderValue) -> Option<Duration> {
    let (digits, unit) = value.to_str().ok()?.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Waits for the answer, for as long as it may take. What was handed to the writer goes on without us.
async fn within<T>(work: impl Future<Output = T>, limit: Limit, notes: &Notes) -> Result<T, By> {
    let mut work = std::pin::pin!(work);
    let (deadline, mut by) = limit.next(notes);
    let mut clock = std::pin::pin!(sleep_until(deadline));
    loop {
        tokio::select! {
            biased;
            answer = &mut work => return Ok(answer),
            () = &mut clock => {}
        }
        let next;
        (next, by) = match limit.next(notes) {
            (next, _) if next <= Instant::now() => return Err(by),
            next => next,
        };
        clock.as_mut().reset(next);
    }
}

/// A fault of ours; where it was stands in the log already.
fn panicked(_: Box<dyn Any + Send>, kind: Option<&HeaderValue>) -> Response<Body> {
    rpc::refusal(Error::Internal("a call panicked".into()), kind)
}

/// Notes for the operator who came in, who did not, who changed what somebody may, and who tried what she may not.
fn note(method: &'static str, response: &Response<Body>, notes: &Notes, peer: &Peer) {
    let outcome = meter::outcome(response);
    let watched = match method.split_once('/') {
        Some(("AccountService", name)) => name != "ListSessions",
        Some(("AdminService", _)) => true,
        Some((_, name)) => name == "TransferOwnership",
        None => false,
    };
    if !watched && outcome != "PERMISSION_DENIED" {
        return;
    }
    let user_id = notes.user_id.load(Relaxed);
    let what = if outcome == "OK" { "done" } else { "refused" };
    tracing::info!(target: "security", user_id, address = %peer.address, outcome, "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_as_grpc_writes_it() {
        let read = |text: &str| timeout(&HeaderValue::from_str(text).unwrap());
        assert_eq!(read("1S"), Some(Duration::from_secs(1)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        for wrong in ["", "S", "1", "-1S", "1 S", "123456789S", "1s", "1.5S", "+1S", "9é"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn work_may_take_its_time_from_the_last_byte_on() {
        let server = Duration::from_millis(300);
        let limit = |client| Limit { server, client };
        let ever = || std::future::pending::<()>();
        let notes = Notes::new();
        notes.body_ended();
        let begun = Instant::now();
        assert_eq!(within(ever(), limit(None), &notes).await, Err(By::Server));
        assert!(begun.elapsed() >= server);

        let notes = Notes::new();
        let client = Some(Instant::now() + Duration::from_millis(50));
        assert_eq!(within(ever(), limit(client), &notes).await, Err(By::Client));

        // A body that takes long to come has its own clock.
        let notes = Notes::new();
        let begun = Instant::now();
        let comes = async {
            tokio::time::sleep(server * 5 / 2).await;
            notes.body_ended();
            ever().await;
        };
        assert_eq!(within(comes, limit(None), &notes).await, Err(By::Server));
        assert!(begun.elapsed() >= server * 7 / 2);
    }
}
