//! The whole story in real browsers: `server/tests/browser.rs` and `client-web/e2e/`.

use std::{fs, path::Path};

use crate::{Outcome, cargo, child, tool::Browsers, web};

/// Plays it, and leaves a picture of each screen in a folder.
pub fn play(browsers: &Browsers, pictures: &Path) -> Outcome {
    web::build(&browsers.node)?;
    if pictures.exists() {
        fs::remove_dir_all(pictures).map_err(|error| format!("cannot empty {}: {error}", pictures.display()))?;
    }
    let mut command = cargo::cargo()?;
    command.args(["test", "--package", "rookery-server", "--test", "browser", "--", "--nocapture"]);
    let outcome = child::run(command.envs(browsers.variables()).env("ROOKERY_PICTURES", pictures));
    println!("Pictures of each screen: {}", pictures.display());
    outcome
}
