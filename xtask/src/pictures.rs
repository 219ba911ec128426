//! `cargo xtask pictures`: the README's pictures, taken anew by the tests that play in browsers and in windows.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, cargo, child, place, test::browser, tool};

/// What the tests call a picture, and what the README does.
const BROWSER: [(&str, &str); 4] = [
    ("global-room-dark", "browser-dark"),
    ("global-room-light", "browser-light"),
    ("narrow-global-room-dark", "phone-dark"),
    ("narrow-global-room-light", "phone-light"),
];
const DESKTOP: [(&str, &str); 2] = [("window-dark", "desktop-dark"), ("window-light", "desktop-light")];
/// They are kept in the repository.
const LARGEST: u64 = 200_000;

/// Takes them all.
pub fn pictures(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err("pictures takes no flags".to_owned());
    }
    tool::install(true, true)?;
    let taken = place::root()?.join(".test/pictures");
    browser::play(&tool::find_browsers()?, &taken)?;
    // The test of the windows starts the program that lies beside the server's.
    cargo::build("rookery", "rookery", false)?;
    child::run(cargo::cargo()?.args(["test", "--package", "rookery-server", "--test", "window"]))?;
    let kept = place::root()?.join("docs/pictures");
    for (from, to) in BROWSER.into_iter().chain(DESKTOP) {
        keep(&taken.join(from).with_extension("png"), &kept.join(to).with_extension("png"))?;
    }
    Ok(())
}

/// A picture as it is shown on the page: no larger, and with nothing but pixels.
fn keep(from: &Path, to: &PathBuf) -> Outcome {
    let mut command = Command::new("convert");
    child::run(command.arg(from).args(["-resize", "1200x>", "-strip", "-define", "png:compression-level=9"]).arg(to))?;
    let size = fs::metadata(to).map_err(|error| format!("cannot read {}: {error}", to.display()))?.len();
    println!("{} has {} kB", to.display(), size / 1000);
    if size > LARGEST {
        return Err(format!("{} is larger than {} kB", to.display(), LARGEST / 1000));
    }
    Ok(())
}
