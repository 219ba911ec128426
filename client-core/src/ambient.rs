//! Time and chance, in one place: everything else is given them, so that a test can fix them.

use std::time::SystemTime;

use uuid::Uuid;

/// Where a client takes the time of day and chance from.
#[derive(Clone, Copy, Debug)]
pub struct Ambient {
    /// The time of day: only shown, it decides nothing.
    pub now: fn() -> SystemTime,
    /// Numbers from 0 to 1, for the waits between tries.
    pub jitter: fn() -> f64,
    /// New request_ids.
    pub request_id: fn() -> Uuid,
}

impl Ambient {
    /// The real ones.
    #[allow(clippy::disallowed_methods, reason = "this is where they are injected from")]
    pub fn real() -> Self {
        Self { now: SystemTime::now, jitter: rand::random::<f64>, request_id: Uuid::new_v4 }
    }
}
