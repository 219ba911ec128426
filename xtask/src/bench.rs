//! `cargo xtask bench`: the load generator against the server, both built for release.

use std::process::Command;

use crate::{Outcome, cargo, child, place};

/// Builds both and passes the flags on.
pub fn bench(arguments: &[String]) -> Outcome {
    let server = cargo::build("rookery-server", "rookery-server", true)?;
    let bench = cargo::build("rookery-bench", "rookery-bench", true)?;
    child::run(Command::new(bench).args(arguments).env("ROOKERY_SERVER", server).current_dir(place::root()?))
}
