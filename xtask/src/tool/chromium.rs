//! Chromium, which plays the browser client.

use std::path::PathBuf;

use crate::place;

/// Said when installing has not helped.
pub const MISSING: &str = "there is no Chromium on the search path: install one, or let CHROME name its program";

/// What CHROME names, else the first that is on the search path.
pub fn find() -> Option<PathBuf> {
    let named = std::env::var_os("CHROME").map(PathBuf::from).filter(|path| path.is_file());
    let programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    named.or_else(|| programs.into_iter().find_map(place::program))
}
