//! `cargo xtask check dependencies`: the crates that we build upon, by cargo-deny: known faults, licences, sources, bans.
//! deny.toml says what is asked of them.

use std::path::PathBuf;

use crate::{Outcome, cargo, child, place};

/// Installed from crates.io, which takes minutes: so this is a check and no part of the tests.
const VERSION: &str = "0.20.2";

/// Runs the check, and says how old what is known of faults is.
pub fn check() -> Outcome {
    let deny = find()?;
    let mut fetch = command(&deny)?;
    if child::run(fetch.args(["fetch", "db"])).is_err() {
        println!("The database of known faults cannot be fetched; the check goes on with what is here.");
    }
    let known = date()?;
    child::run(command(&deny)?.args(["--offline", "check"]))?;
    println!("The newest entry of the database of known faults is of {known}.");
    Ok(())
}

fn command(deny: &PathBuf) -> Outcome<std::process::Command> {
    let mut command = std::process::Command::new(deny);
    command.args(["--workspace", "--locked"]).current_dir(place::root()?);
    Ok(command)
}

/// cargo-deny of this system, else ours, installed when it is missing.
fn find() -> Outcome<PathBuf> {
    if let Some(path) = place::program("cargo-deny") {
        return Ok(path);
    }
    let folder = place::tools()?.join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        println!("Installing cargo-deny into .tools/");
        let mut install = cargo::cargo()?;
        install.args(["install", "--quiet", "--locked", "--version", VERSION, "--root"]).arg(&folder).arg("cargo-deny");
        child::run(&mut install)?;
    }
    Ok(program)
}

/// The day of the database's newest commit.
fn date() -> Outcome<String> {
    let folder = place::root()?.join(".tools/advisories");
    let missing = || format!("there is no database of known faults in {}, and none could be fetched", folder.display());
    let clones = std::fs::read_dir(&folder).map_err(|_| missing())?;
    clones
        .filter_map(|entry| {
            let mut git = std::process::Command::new("git");
            child::answer(git.arg("-C").arg(entry.ok()?.path()).args(["log", "-1", "--format=%cs"]))
        })
        .max()
        .ok_or_else(missing)
}
