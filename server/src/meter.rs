//! What is counted for the operator, and where Prometheus reads it: on a port of its own, never on that of clients. Without
//! that port counting costs next to nothing.

use std::{collections::HashSet, sync::Arc, sync::LazyLock, time::Duration};

use axum::{Router, body::Body, extract::State, http::header, response::IntoResponse, routing::get};
use http::Response;
use metrics::{Counter, Histogram, counter, gauge, histogram};
pub use metrics_exporter_prometheus::PrometheusHandle as Counted;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use prost::Message;
use tokio::net::TcpListener;

/// What is counted in hot places, found once. The recorder is there before the first of them is used, or never.
pub static METER: LazyLock<Meter> = LazyLock::new(Meter::new);

/// Counters by name; docs/metrics.md explains them.
pub struct Meter {
    pub connections_accepted: Counter,
    pub connections_refused_full: Counter,
    pub connections_refused_address: Counter,
    pub connections_silent: Counter,
    pub messages: Counter,
    pub commits: Counter,
    pub commit_commands: Histogram,
    pub write_seconds: Histogram,
    pub deliveries: Counter,
    pub panics: Counter,
}

impl Meter {
    fn new() -> Self {
        Self {
            connections_accepted: counter!("rookery_connections_accepted_total"),
            connections_refused_full: counter!("rookery_connections_refused_total", "reason" => "full"),
            connections_refused_address: counter!("rookery_connections_refused_total", "reason" => "address"),
            connections_silent: counter!("rookery_connections_refused_total", "reason" => "silent"),
            messages: counter!("rookery_messages_total"),
            commits: counter!("rookery_commits_total"),
            commit_commands: histogram!("rookery_commit_commands"),
            write_seconds: histogram!("rookery_write_seconds"),
            deliveries: counter!("rookery_deliveries_total"),
            panics: counter!("rookery_panics_total"),
        }
    }
}

/// All methods by name, and the first parts of the other paths: nobody can make the list of labels grow.
static METHODS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let files = prost_types::FileDescriptorSet::decode(rookery_api::DESCRIPTORS).unwrap_or_default().file;
    let services = files.into_iter().flat_map(|file| file.service);
    let names = services.flat_map(|service| {
        let of = service.name().to_owned();
        service.method.into_iter().map(move |method| format!("{of}/{}", method.name()))
    });
    names.collect()
});

/// The method that a path names, or what else it asks for in one word.
pub fn method(path: &str) -> &'static str {
    if let Some(name) = path.strip_prefix("/rookery.v1.") {
        return METHODS.get(name).map_or("unknown", String::as_str);
    }
    match path.split('/').nth(1) {
        Some("media") => "media",
        Some("gif") => "gif",
        Some("healthz" | "readyz") => "health",
        Some(service) if service.starts_with("grpc.") => "grpc",
        _ => "page",
    }
}

const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How a call was answered: a gRPC code, whose place is the head when it is an error, or what stands for it in HTTP.
pub fn outcome(response: &Response<Body>) -> &'static str {
    if let Some(status) = response.headers().get("grpc-status") {
        let number: Option<usize> = status.to_str().ok().and_then(|status| status.parse().ok());
        return number.and_then(|number| CODES.get(number)).copied().unwrap_or("UNKNOWN");
    }
    match response.status().as_u16() {
        ..400 => "OK",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        413 | 429 | 431 => "RESOURCE_EXHAUSTED",
        400..500 => "INVALID_ARGUMENT",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

/// Counts a call that was answered (of a stream: begun).
pub fn answered(method: &'static str, response: &Response<Body>, after: Duration) {
    counter!("rookery_calls_total", "method" => method, "code" => outcome(response)).increment(1);
    histogram!("rookery_call_seconds", "method" => method).record(after);
}

/// Counts a refusal by its reason on the wire.
pub fn refused(reason: &'static str) {
    counter!("rookery_refusals_total", "reason" => reason).increment(1);
}

/// Counts a stream's end.
pub fn stream_ended(reason: &'static str) {
    counter!("rookery_streams_ended_total", "reason" => reason).increment(1);
}

/// What is asked for whenever somebody reads.
pub trait Levels: Send + Sync + 'static {
    /// Names with their numbers.
    fn levels(&self) -> Vec<(&'static str, usize)>;
}

/// Begins to count, for the whole program.
pub fn install() -> Result<Counted, String> {
    let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let fault = |error: &dyn std::fmt::Display| format!("metrics could not be set up: {error}");
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
        .and_then(|builder| {
            let sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
            builder.set_buckets_for_metric(Matcher::Suffix("_commands".into()), &sizes)
        })
        .map_err(|error| fault(&error))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| fault(&error))?;
    LazyLock::force(&METER);
    Ok(handle)
}

/// Tells whoever asks on this port, until the server stops.
pub async fn serve(listener: TcpListener, handle: Counted, levels: Arc<dyn Levels>) {
    let upkeep = handle.clone();
    let upkeep = async move {
        let mut timer = tokio::time::interval(Duration::from_secs(5));
        loop {
            timer.tick().await;
            upkeep.run_upkeep();
        }
    };
    let app = Router::new().route("/metrics", get(tell)).with_state((handle, levels));
    tokio::select! {
        _ = axum::serve(listener, app) => {}
        () = upkeep => {}
    }
}

#[allow(clippy::cast_precision_loss)]
async fn tell(State((handle, levels)): State<(Counted, Arc<dyn Levels>)>) -> impl IntoResponse {
    for (name, level) in levels.levels() {
        gauge!(name).set(level as f64);
    }
    if let Some((memory, files)) = process() {
        gauge!("process_resident_memory_bytes").set(memory);
        gauge!("process_open_fds").set(files);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render())
}

/// This process's memory in bytes, and its open files, where the system tells.
#[allow(clippy::cast_precision_loss)]
fn process() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(((kib * 1024) as f64, files as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_ours_whatever_is_asked_for() {
        assert_eq!(method("/rookery.v1.MessageService/SendMessage"), "MessageService/SendMessage");
        assert_eq!(method("/media/../x"), "media");
        for path in ["/rookery.v1.MessageService/Shout", "/rookery.v1.", "/rookery.v1.x\"}\n1"] {
            assert_eq!(method(path), "unknown");
        }
        assert_eq!((method("/"), method("*"), method("/a/b")), ("page", "page", "page"));
    }
}
