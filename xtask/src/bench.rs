//! `cargo xtask bench`: the load generator, the server and the baselines that it is measured beside, built for release.

use std::process::Command;

use crate::{Outcome, cargo, child, place};

/// Builds them all and passes workloads and flags on.
pub fn bench(arguments: &[String]) -> Outcome {
    let server = cargo::build("rookery-server", "rookery-server", true)?;
    for baseline in ["naive", "floor"] {
        cargo::build("rookery-bench", baseline, true)?;
    }
    let bench = cargo::build("rookery-bench", "rookery-bench", true)?;
    child::run(Command::new(bench).args(arguments).env("ROOKERY_SERVER", server).current_dir(place::root()?))
}
