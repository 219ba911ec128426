//! The programs that the tests call: found where they are, else installed (Debian packages as root, all other into
//! `.tools/`), else named with the exact line to run.

mod buf;
mod debian;
mod grpcurl;
mod node;
mod pinned;
pub mod postgres;

use std::{path::PathBuf, process::Command};

use crate::Outcome;

/// Where everything is that a test may call.
pub struct Tools {
    /// The folder of initdb, pg_ctl and postgres.
    pub postgres: PathBuf,
    pub grpcurl: PathBuf,
    pub buf: PathBuf,
}

/// Everything that the tests call.
pub fn find_all() -> Outcome<Tools> {
    debian::install(&debian::for_tests()?)?;
    Ok(Tools { postgres: postgres::find().ok_or(postgres::MISSING)?, grpcurl: grpcurl::find()?, buf: buf::find()? })
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
    pub fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [("ROOKERY_TEST_GRPCURL", self.grpcurl.clone()), ("ROOKERY_TEST_BUF", self.buf.clone())]
    }

    /// Says what was found.
    pub fn print(&self) {
        for (name, path) in [("PostgreSQL", &self.postgres), ("grpcurl", &self.grpcurl), ("buf", &self.buf)] {
            println!("{name:<12}{}", path.display());
        }
    }
}

/// Whether this is the system's administrator, who may install packages and must not run a database.
pub fn is_root() -> bool {
    crate::child::answer(Command::new("id").arg("-u")).as_deref() == Some("0")
}
