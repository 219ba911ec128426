//! Ctrl-C and SIGTERM: noted here, obeyed where something waits.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::Outcome;

static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Who was asked to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C: the terminal has told every program in the foreground, the children included.
    All,
    /// SIGTERM: only this program has heard it and passes it on.
    Us,
}

/// Notes the signals from now on. A second one ends this program at once.
pub fn listen() -> Outcome {
    let received = Arc::new(AtomicUsize::new(0));
    let second = Arc::new(AtomicBool::new(false));
    for (signal, value) in [(SIGINT, 1), (SIGTERM, 2)] {
        // The order counts: the second signal must find the flag that the first one has set.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&second))
            .and_then(|_| flag::register(signal, Arc::clone(&second)))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&received), value))
            .map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    }
    RECEIVED.set(received).map_err(|_| "listening for Ctrl-C twice".to_owned())
}

/// The signal that has come, if any.
pub fn received() -> Option<Stop> {
    match RECEIVED.get()?.load(Ordering::Relaxed) {
        1 => Some(Stop::All),
        2 => Some(Stop::Us),
        _ => None,
    }
}
