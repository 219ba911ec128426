//! What the GIF collection is made of and with: the packages of the originals, and Pillow.

use std::{fs, path::PathBuf, process::Command};

use super::{
    node::Node,
    pinned::{self, Pinned},
};
use crate::{Outcome, child};

/// The folders of the originals, in four packages of 700 MB together.
pub fn originals() -> Outcome<Vec<PathBuf>> {
    let pinned = Pinned::new("gifs", "gifs/package-lock.json")?;
    if !pinned.is_current() {
        println!("Fetching the originals into .tools/ (700 MB)");
        pinned.fill(|folder| {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(pinned.list.with_file_name(file), folder.join(file))
                    .map_err(|error| format!("cannot copy {file}: {error}"))?;
            }
            child::run(Node::get()?.npm()?.args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(folder))
        })?;
    }
    let packages = pinned.folder.join("node_modules/@lobehub");
    Ok((1..=4).map(|part| packages.join(format!("fluent-emoji-anim-{part}/assets"))).collect())
}

/// Python with what decodes and encodes pictures.
pub fn python() -> Outcome<Command> {
    let pinned = Pinned::new("pillow", "gifs/pillow.txt")?;
    if !pinned.is_current() {
        pinned::need_pip("Pillow")?;
        println!("Installing Pillow into .tools/");
        pinned.fill(|folder| {
            child::run(
                pinned::pip()
                    .args(["install", "--no-deps", "--require-hashes", "--target"])
                    .arg(folder)
                    .arg("--requirement")
                    .arg(&pinned.list),
            )
        })?;
    }
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &pinned.folder);
    Ok(python)
}
