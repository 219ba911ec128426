//! Where things are: the workspace's root and the folders below it.

use std::path::PathBuf;

use crate::Outcome;

/// The workspace's root. Cargo says where this package is at run time, so that no path is compiled in.
pub fn root() -> Outcome<PathBuf> {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").ok_or("start this as `cargo xtask`, not as a program alone")?;
    let package = PathBuf::from(package);
    package.parent().map(PathBuf::from).ok_or_else(|| "the package xtask has no folder above it".to_owned())
}

/// Programs that this repository brings for itself: git-ignored, removed by deleting the folder.
pub fn tools() -> Outcome<PathBuf> {
    Ok(root()?.join(".tools"))
}

/// A program on the search path.
pub fn program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&file)).find(|candidate| candidate.is_file())
}
