//! `cargo xtask gifs`: makes the pieces of the built-in GIF collection anew, from the packages that hold the originals.

use std::fs;

use crate::{Outcome, child, place, tool};

const COLLECTION: &str = "server/src/gif/builtin";

/// Reads the index, and writes a piece for each of its lines.
pub fn gifs(rest: &[String]) -> Outcome {
    if let Some(other) = rest.first() {
        return Err(format!("gifs takes nothing, not even \"{other}\""));
    }
    let root = place::root()?;
    let collection = root.join(COLLECTION);
    let sheet = root.join("target/gifs.png");
    fs::create_dir_all(root.join("target")).map_err(|error| format!("cannot make target/: {error}"))?;
    let originals = tool::gif::originals()?;
    let mut python = tool::gif::python()?;
    python.arg(root.join("xtask/tools/gifs/encode.py")).arg(collection.join("index.txt")).arg(collection).arg(sheet);
    child::run(python.args(originals))
}
