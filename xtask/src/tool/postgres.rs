//! PostgreSQL's programs, wherever this system puts them.

use std::{fs, path::PathBuf};

use crate::place;

/// Said when installing has not helped.
pub const MISSING: &str = "PostgreSQL 15 or newer is not there: its programs initdb, pg_ctl and postgres are neither \
                           below /usr/lib/postgresql nor on the search path";

const OLDEST: u32 = 15;

/// The folder of initdb, pg_ctl and postgres: Debian keeps one for each version, away from the search path.
pub fn find() -> Option<PathBuf> {
    newest_of_debian().or_else(|| {
        // A link on the search path leads to the folder where the other programs are.
        let folder = fs::canonicalize(place::program("initdb")?).ok()?.parent()?.to_owned();
        folder.join("pg_ctl").is_file().then_some(folder)
    })
}

fn newest_of_debian() -> Option<PathBuf> {
    fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            (version >= OLDEST && folder.join("initdb").is_file()).then_some((version, folder))
        })
        .max()
        .map(|(_, folder)| folder)
}
