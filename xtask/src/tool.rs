//! The programs that the tests call: found where they are, else installed (Debian packages as root, all other into
//! `.tools/`), else named with the exact line to run.

mod buf;
mod chromium;
mod debian;
pub mod gif;
mod grpcurl;
pub mod node;
mod pinned;
pub mod postgres;

use std::{path::PathBuf, process::Command};

use self::node::Node;
use crate::Outcome;

/// Where everything is that a test may call.
pub struct Tools {
    /// The folder of initdb, pg_ctl and postgres.
    pub postgres: PathBuf,
    pub grpcurl: PathBuf,
    pub buf: PathBuf,
}

/// What plays the browser client.
pub struct Browsers {
    pub node: Node,
    pub chromium: PathBuf,
}

/// Installs in one go the Debian packages that the tests in Rust need, or those for browsers, or both.
pub fn install(rust: bool, browsers: bool) -> Outcome {
    let mut packages = Vec::new();
    if rust {
        packages.extend(debian::for_tests()?);
    }
    if browsers {
        packages.extend(debian::for_browsers()?);
    }
    debian::install(&packages)
}

/// Everything that the tests in Rust call.
pub fn find_all() -> Outcome<Tools> {
    install(true, false)?;
    Ok(Tools { postgres: postgres::find().ok_or(postgres::MISSING)?, grpcurl: grpcurl::find()?, buf: buf::find()? })
}

/// What the play in browsers calls.
pub fn find_browsers() -> Outcome<Browsers> {
    install(false, true)?;
    Ok(Browsers { node: Node::get()?, chromium: chromium::find().ok_or(chromium::MISSING)? })
}

/// What the programs are built with.
pub fn find_for_building() -> Outcome {
    debian::install(&debian::for_building())
}

/// buf alone.
pub fn find_buf() -> Outcome<PathBuf> {
    buf::find()
}

impl Tools {
    /// The variables by which tests find the tools.
    pub fn variables(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("ROOKERY_TEST_GRPCURL", self.grpcurl.clone()),
            ("ROOKERY_TEST_BUF", self.buf.clone()),
            ("ROOKERY_TEST_POSTGRES_PROGRAMS", self.postgres.clone()),
        ]
    }

    /// Says what was found.
    pub fn print(&self) {
        for (name, path) in [("PostgreSQL", &self.postgres), ("grpcurl", &self.grpcurl), ("buf", &self.buf)] {
            println!("{name:<12}{}", path.display());
        }
    }
}

impl Browsers {
    /// The variables by which the play finds them.
    pub fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [("ROOKERY_TEST_NODE", self.node.program()), ("ROOKERY_TEST_CHROMIUM", self.chromium.clone())]
    }

    /// Says what was found.
    pub fn print(&self) {
        for (name, path) in [("Node", &self.node.program()), ("Chromium", &self.chromium)] {
            println!("{name:<12}{}", path.display());
        }
    }
}

/// Whether this is the system's administrator, who may install packages and must not run a database.
pub fn is_root() -> bool {
    crate::child::answer(Command::new("id").arg("-u")).as_deref() == Some("0")
}
