//! buf: it judges the protocol, and speaks gRPC-web to the server in tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{node::Node, pinned::Pinned};
use crate::{Outcome, child, place};

/// Other versions judge by other rules.
const VERSION: &str = "1.74.0";

/// buf of this system when it is the very version, else ours, installed when it is missing.
pub fn find() -> Outcome<PathBuf> {
    if let Some(path) = place::program("buf").filter(|path| is_right(path)) {
        return Ok(path);
    }
    let pinned = Pinned::new("buf", "package-lock.json")?;
    if !pinned.is_current() {
        println!("Installing buf into .tools/");
        pinned.fill(|folder| {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(pinned.list.with_file_name(file), folder.join(file))
                    .map_err(|error| format!("cannot copy {file}: {error}"))?;
            }
            // The program lies ready in the package: no package may run a script of its own.
            child::run(Node::get()?.npm()?.args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(folder))
        })?;
    }
    let program = program(&pinned.folder);
    if is_right(&program) {
        return Ok(program);
    }
    Err(format!("buf {VERSION} does not run on this system: {}", program.display()))
}

/// npm puts the program for this system beside the package; it needs no Node.
fn program(folder: &Path) -> PathBuf {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match (system, std::env::consts::ARCH) {
        (_, "x86_64") => "x64",
        ("linux", "aarch64") => "aarch64",
        (_, "aarch64") => "arm64",
        (_, other) => other,
    };
    let file = format!("buf{}", std::env::consts::EXE_SUFFIX);
    folder.join(format!("node_modules/@bufbuild/buf-{system}-{processor}/bin")).join(file)
}

fn is_right(path: &Path) -> bool {
    child::answer(Command::new(path).arg("--version")).as_deref() == Some(VERSION)
}
