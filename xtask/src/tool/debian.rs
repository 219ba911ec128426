//! Debian packages: which are missing, and installing them.

use std::{path::Path, process::Command};

use super::{chromium, grpcurl, is_root, node::Node, pinned, postgres};
use crate::{Outcome, child, place};

/// One package, and what of it the tests use.
pub struct Package {
    name: &'static str,
    part: Part,
}

enum Part {
    Postgres,
    Pip,
    Chromium,
    Nginx,
    Program(&'static str),
    Library(&'static str),
}

use Part::{Library, Program};

/// The window runs on a display without a screen, and is driven and looked at there; strace sees what reaches the disk; nginx
/// stands in front of the server.
const FOR_TESTS: [Package; 10] = [
    Package { name: "strace", part: Program("strace") },
    Package { name: "nginx", part: Part::Nginx },
    Package { name: "xvfb", part: Program("Xvfb") },
    Package { name: "xdotool", part: Program("xdotool") },
    Package { name: "imagemagick", part: Program("import") },
    Package { name: "libx11-6", part: Library("libX11.so.6") },
    Package { name: "libxcursor1", part: Library("libXcursor.so.1") },
    Package { name: "libxi6", part: Library("libXi.so.6") },
    Package { name: "libxkbcommon0", part: Library("libxkbcommon.so.0") },
    Package { name: "libxkbcommon-x11-0", part: Library("libxkbcommon-x11.so.0") },
];

/// The server's allocator is written in C and built by its own makefile; what links Rust's programs compiles it.
const MAKE: Package = Package { name: "make", part: Program("make") };

/// Only to install what comes from PyPI.
const PIP: Package = Package { name: "python3-pip", part: Part::Pip };

/// What the programs are built with, besides cargo.
pub fn for_building() -> Vec<Package> {
    vec![MAKE]
}

/// What the tests in Rust need.
pub fn for_tests() -> Outcome<Vec<Package>> {
    let mut packages = vec![MAKE, Package { name: "postgresql-15", part: Part::Postgres }];
    if cfg!(target_os = "linux") {
        packages.extend(FOR_TESTS);
        if !grpcurl::is_there()? || Node::find()?.is_none() {
            packages.push(PIP);
        }
    }
    Ok(packages)
}

/// What the play in browsers needs.
pub fn for_browsers() -> Outcome<Vec<Package>> {
    let mut packages = vec![MAKE, Package { name: "chromium", part: Part::Chromium }];
    if cfg!(target_os = "linux") && Node::find()?.is_none() {
        packages.push(PIP);
    }
    Ok(packages)
}

/// Installs those that are missing, or says how.
pub fn install(packages: &[Package]) -> Outcome {
    let libraries = libraries();
    let mut missing: Vec<&str> =
        packages.iter().filter(|package| !package.is_there(&libraries)).map(|package| package.name).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if place::program("apt-get").is_none() {
        return Err(format!(
            "missing here, by Debian's package names: {names}. Install them with this system's own tool"
        ));
    }
    if !is_root() {
        return Err(format!(
            "some Debian packages are missing. Run:\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}\n"
        ));
    }
    println!("Installing Debian packages: {names}");
    child::run(apt_get().args(["-q", "update"]))?;
    child::run(apt_get().args(["-q", "install", "-y", "--no-install-recommends"]).args(&missing))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

impl Package {
    fn is_there(&self, libraries: &str) -> bool {
        match self.part {
            Part::Postgres => postgres::find().is_some(),
            Part::Pip => pinned::has_pip(),
            Part::Chromium => chromium::find().is_some(),
            // As with the loader: not on the search path of ordinary users.
            Part::Nginx => place::program("nginx").is_some() || Path::new("/usr/sbin/nginx").exists(),
            Program(name) => place::program(name).is_some(),
            Library(name) => libraries.contains(&format!("{name} ")),
        }
    }
}

/// The loader's list of libraries. Ordinary users have /sbin not on their search path.
fn libraries() -> String {
    ["/sbin/ldconfig", "ldconfig"]
        .into_iter()
        .find_map(|program| child::answer(Command::new(program).arg("-p")))
        .unwrap_or_default()
}
