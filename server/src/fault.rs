//! Places where a test makes the server fail, and faults that the tests must find. FAILPOINTS says what happens where, as the
//! crate `fail` reads it (`committed=20*off->return`). Without the feature `failpoints` all of this is nothing, and no release
//! has it.

#[cfg(feature = "failpoints")]
pub use on::{at, listen, pause, planted};

#[cfg(feature = "failpoints")]
mod on {
    use std::time::Duration;

    /// Reads what is to happen; for as long as the process lives.
    pub fn listen() {
        std::mem::forget(fail::FailScenario::setup());
    }

    /// `return` ends the process here, as kill -9 does; `panic` panics.
    pub fn at(name: &str) {
        if fail::eval(name, |_| ()).is_some() {
            std::process::abort();
        }
    }

    /// `return(50)` waits here for 50 ms, without holding up other calls.
    pub async fn pause(name: &str) {
        if let Some(Some(time)) = fail::eval(name, |time| time) {
            tokio::time::sleep(Duration::from_millis(time.parse().expect("a number of milliseconds"))).await;
        }
    }

    /// `return` puts this fault in.
    pub fn planted(name: &str) -> bool {
        fail::eval(name, |_| ()).is_some()
    }
}

#[cfg(not(feature = "failpoints"))]
mod off {
    pub fn listen() {}

    pub fn at(_: &str) {}

    pub async fn pause(_: &str) {}

    pub const fn planted(_: &str) -> bool {
        false
    }
}

#[cfg(not(feature = "failpoints"))]
pub use off::{at, listen, pause, planted};
