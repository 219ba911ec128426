//! The browser client: what npm installs, judges and builds; nothing of it twice while nothing has changed.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

use crate::{Outcome, child, place, tool::node::Node};

/// What of client-web/ does not go into the pages.
const ASIDE: [&str; 4] = ["node_modules", "dist", "e2e", "README.md"];

/// `cargo xtask web`: builds the client, with a Node of our own where there is none.
pub fn web(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err("web takes no flags".to_owned());
    }
    build(&Node::get()?)?;
    println!(
        "client-web/dist is built. A development server shows it at once; a release takes it in when it is built."
    );
    Ok(())
}

/// Builds the pages, unless they are as new as their sources.
pub fn build(node: &Node) -> Outcome {
    install(node)?;
    let mark = Mark { path: folder()?.join("node_modules/.rookery-built"), text: sources()? };
    if mark.holds() && page()?.is_file() {
        return Ok(());
    }
    println!("Building the browser client.");
    run(node, &["run", "--silent", "build", "--", "--logLevel", "error"])?;
    if !page()?.is_file() {
        return Err("the builder of the browser client has left no page".to_owned());
    }
    mark.set()
}

/// All that judges it without a browser.
pub fn test(node: &Node) -> Outcome {
    install(node)?;
    for script in ["check:gen", "check", "lint", "test"] {
        run(node, &["run", "--silent", script])?;
    }
    build(node)
}

/// Fails unless the program has the pages inside that were just built.
pub fn insist_inside(program: &Path) -> Outcome {
    let page = read(&page()?)?;
    let bytes = read(program)?;
    if bytes.windows(page.len()).any(|part| part == page) {
        return Ok(());
    }
    Err(format!("{} was built without the browser client", program.display()))
}

/// What is installed is exactly what package-lock.json says; no package runs a script of its own.
fn install(node: &Node) -> Outcome {
    let folder = folder()?;
    let lock = String::from_utf8_lossy(&read(&folder.join("package-lock.json"))?).into_owned();
    let mark = Mark { path: folder.join("node_modules/.rookery-installed"), text: lock };
    if mark.holds() {
        return Ok(());
    }
    println!("Installing what builds the browser client into client-web/node_modules/");
    run(node, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])?;
    mark.set()
}

fn run(node: &Node, arguments: &[&str]) -> Outcome {
    child::run(node.npm()?.args(arguments).current_dir(folder()?))
}

fn folder() -> Outcome<PathBuf> {
    Ok(place::root()?.join("client-web"))
}

fn page() -> Outcome<PathBuf> {
    Ok(folder()?.join("dist/index.html"))
}

/// A file that says what something was made of.
struct Mark {
    path: PathBuf,
    text: String,
}

impl Mark {
    fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn set(&self) -> Outcome {
        fs::write(&self.path, &self.text).map_err(|error| format!("cannot write {}: {error}", self.path.display()))
    }
}

/// A digest of everything that the pages are made of.
fn sources() -> Outcome<String> {
    let mut files = Vec::new();
    walk(&folder()?, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write(&read(&file)?);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let says = |error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(says)? {
        let entry = entry.map_err(says)?;
        if ASIDE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
