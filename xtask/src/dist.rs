//! `cargo xtask dist`: both release programs and what belongs to them, in one archive; the browser client is in the server.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::Path,
    process::Command,
};

use crate::{Outcome, cargo, child, place, tool::node::Node, web};

/// Unpacked over ~/.local or /usr/local, everything is where a desktop looks for it.
const FILES: [(&str, &str); 8] = [
    ("README.md", "share/doc/rookery/README.md"),
    ("LICENSE-MIT", "share/doc/rookery/LICENSE-MIT"),
    ("LICENSE-APACHE", "share/doc/rookery/LICENSE-APACHE"),
    ("server/src/gif/builtin/LICENSE.txt", "share/doc/rookery/LICENSE-gifs.txt"),
    ("ARCHITECTURE.md", "share/doc/rookery/ARCHITECTURE.md"),
    ("packaging/rookery-server.service", "lib/systemd/system/rookery-server.service"),
    ("packaging/rookery.desktop", "share/applications/rookery.desktop"),
    ("packaging/rookery.svg", "share/icons/hicolor/scalable/apps/rookery.svg"),
];

/// The pages and pictures, where README.md's links lead.
const PAGES: (&str, &str) = ("docs", "share/doc/rookery/docs");

/// Makes dist/rookery-VERSION-OS-ARCH.tar.gz.
pub fn dist(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err("dist takes no flags".to_owned());
    }
    // First, for it goes into the server.
    web::build(&Node::get()?)?;
    let server = cargo::build("rookery-server", "rookery-server", true)?;
    web::insist_inside(&server)?;
    let client = cargo::build("rookery", "rookery", true)?;

    let root = place::root()?;
    let dist = root.join("dist");
    let name = format!("rookery-{}-{OS}-{ARCH}", env!("CARGO_PKG_VERSION"));
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    for program in [&server, &client] {
        let file = program.file_name().ok_or("cargo named a program without a file name")?;
        copy(program, &folder.join("bin").join(file))?;
    }
    for (from, to) in FILES {
        copy(&root.join(from), &folder.join(to))?;
    }
    copy_all(&root.join(PAGES.0), &folder.join(PAGES.1))?;

    let archive = format!("{name}.tar.gz");
    // Nobody's name or number goes into the archive.
    let flags = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-czf", &archive, &name];
    child::run(Command::new("tar").args(flags).current_dir(&dist))?;
    fs::remove_dir_all(&folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    println!("dist/{archive}");
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Outcome {
    let says = |error| format!("cannot read {}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(says)? {
        let path = entry.map_err(says)?.path();
        let to = to.join(path.file_name().ok_or_else(|| format!("{} has no name", path.display()))?);
        if path.is_dir() { copy_all(&path, &to)? } else { copy(&path, &to)? }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let says = |error| format!("cannot copy {} to {}: {error}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(says)?;
    }
    fs::copy(from, to).map(|_| ()).map_err(says)
}
