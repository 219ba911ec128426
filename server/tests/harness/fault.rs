//! Watches the servers of a test: a panic in one, or an error in its log, fails the test that ran it.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read},
    panic,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer, fmt,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// What servers in this process did wrong. Tests run side by side: it may have been another test's.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// How many tests want faults just now.
static WANTED: AtomicUsize = AtomicUsize::new(0);

fn seen() -> MutexGuard<'static, Vec<String>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(fault: String) {
    if WANTED.load(Ordering::Relaxed) == 0 {
        seen().push(fault);
    }
}

/// While it lives, servers in this process may fail: the test makes them.
pub struct Wanted(());

impl Wanted {
    pub fn new() -> Self {
        WANTED.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        WANTED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Begins to watch what runs in this process. What it would log shows when a test fails.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = fmt::layer().with_test_writer().with_filter(LevelFilter::WARN);
        let _ = tracing_subscriber::registry().with(lines).with(Errors).try_init();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if panic.location().is_some_and(|place| place.file().starts_with("server/src")) {
                note(panic.to_string());
            }
            before(panic);
        }));
    });
}

/// Fails if a server in this process did something wrong.
#[track_caller]
pub fn none() {
    let seen = std::mem::take(&mut *seen());
    assert!(seen.is_empty() || thread::panicking(), "a server went wrong: {seen:?}");
}

/// Fails if a program that wrote its log into this file did something wrong.
#[track_caller]
pub fn none_in(log: &Path) {
    let log = fs::read(log).unwrap();
    let log = String::from_utf8_lossy(&log);
    let errors: Vec<&str> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
    assert!(errors.is_empty(), "the program went wrong: {errors:?}");
}

struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let about = event.metadata();
        if *about.level() == Level::ERROR && about.target().starts_with("rookery_server") {
            let mut said = Said(String::new());
            event.record(&mut said);
            note(said.0);
        }
    }
}

struct Said(String);

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

/// The log of the program itself, passed on as it comes.
pub struct Log {
    errors: Arc<Mutex<Vec<String>>>,
    end: mpsc::Receiver<()>,
}

impl Log {
    pub fn follow(log: impl Read + Send + 'static) -> Self {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (ended, end) = mpsc::channel();
        let found = errors.clone();
        thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                eprintln!("{line}");
                if line.contains(" ERROR ") {
                    found.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }
            let _ = ended.send(());
        });
        Self { errors, end }
    }

    /// Fails if the program, which has ended, did something wrong that was not wanted.
    #[track_caller]
    pub fn none_but(&self, wanted: Option<&str>) {
        // What it started may outlive it for a moment, and holds its log open.
        let _ = self.end.recv_timeout(Duration::from_secs(1));
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.retain(|line| !wanted.is_some_and(|wanted| line.contains(wanted)));
        assert!(errors.is_empty() || thread::panicking(), "the program went wrong: {errors:?}");
    }
}
