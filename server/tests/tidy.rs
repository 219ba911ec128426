//! Reads the repository and holds it to the map in ARCHITECTURE.md: which layer may name what, and a few habits that
//! no compiler checks. A failure names the file, the line, the rule and the reason.

#[path = "tidy/source.rs"]
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use source::File;

/// A crate, and the only places that may name it. A place is a file (without `.rs`) and the folder of the same name.
struct Crate {
    name: &'static str,
    places: &'static [&'static str],
    why: &'static str,
}

const CRATES: [Crate; 9] = [
    Crate {
        name: "tonic",
        places: &[
            "server/src/rpc",
            "server/src/lib",
            "client-core/src/api",
            "client-core/src/connection",
            "proto",
            "build",
            "bench",
        ],
        why: "rules and storage know no transport",
    },
    Crate { name: "sqlx", places: &["server/src/store"], why: "only the store speaks to the database" },
    Crate { name: "async_nats", places: &["server/src/hub/bus/nats"], why: "the hub knows a bus, not which one" },
    Crate { name: "iced", places: &["client-gui"], why: "everything but the window runs without one" },
    Crate {
        name: "rusqlite",
        places: &["client-core/src/cache", "client-core/src/outbox"],
        why: "only what is kept on the device is SQLite's",
    },
    Crate { name: "object_store", places: &["server/src/media"], why: "files are kept in one place" },
    Crate {
        name: "image",
        places: &["server/src/media", "client-gui", "xtask"],
        why: "pictures are decoded in one place",
    },
    Crate {
        name: "reqwest",
        places: &["server/src/gif", "client-core/src/media"],
        why: "only GIF providers are asked, and only a server for its files",
    },
    Crate { name: "rust_embed", places: &["server/src/http", "server/src/gif"], why: "what the program brings along" },
];

/// A layer of the server, and the layers that it must not name.
const LAYERS: [(&str, &[&str], &str); 5] = [
    ("domain", &["rpc", "http"], "rules know no transport: rpc -> domain -> store and hub"),
    ("store", &["hub", "media", "gif", "domain", "rpc", "http"], "the store knows rows and nobody who reads them"),
    ("hub", &["store", "media", "gif", "domain", "rpc", "http"], "the hub passes on what it is given"),
    ("media", &["store", "hub", "gif", "domain", "rpc", "http"], "files are bytes, whoever they belong to"),
    ("gif", &["store", "hub", "media", "domain", "rpc", "http"], "providers do not hear who asks"),
];

/// Names that say nothing: they collect what belongs elsewhere.
const EMPTY_NAMES: [&str; 11] =
    ["util", "utils", "helper", "helpers", "common", "manager", "handler", "handlers", "types", "misc", "data"];

/// What only a query contains. English sentences that are shown to people do not.
const SQL: [&str; 10] = [
    "select ",
    "insert into ",
    "delete from ",
    "create table",
    "create index",
    "alter table",
    "drop table",
    "order by ",
    "values (",
    "update ",
];

#[test]
fn each_crate_is_named_only_where_it_belongs() {
    let mut mistakes = Mistakes::default();
    for file in rust_files().iter().filter(|file| !file.is_test()) {
        for Crate { name, places, why } in &CRATES {
            if !places.iter().any(|place| file.is_in(place)) {
                let rule = format!("only {} may name {name}: {why}", places.join(", "));
                mistakes.extend(file, file.words().filter(|(_, word)| family(word) == *name), &rule);
            }
        }
    }
    mistakes.report();
}

#[test]
fn the_layers_of_the_server_point_one_way() {
    let mut mistakes = Mistakes::default();
    for file in &rust_files() {
        for (layer, forbidden, why) in LAYERS {
            if file.is_in(&format!("server/src/{layer}")) {
                for other in forbidden {
                    let rule = format!("{layer} never names {other}: {why}");
                    mistakes.extend(file, file.modules_of_the_crate().filter(|(_, name)| name == other), &rule);
                }
            }
        }
    }
    mistakes.report();
}

#[test]
fn every_file_says_first_what_it_is() {
    let mut mistakes = Mistakes::default();
    // A file of tests is its own explanation.
    for file in rust_files().iter().filter(|file| !file.path.ends_with("/tests.rs")) {
        if !file.text.starts_with("//!") {
            mistakes.add(file, 0, "a file begins with `//!`: what it is, and what it must not do");
        }
    }
    mistakes.report();
}

#[test]
fn a_module_has_a_name_that_means_something() {
    let mut mistakes = Mistakes::default();
    for file in &rust_files() {
        if file.path.ends_with("mod.rs") {
            mistakes.add(file, 0, "no mod.rs: ten tabs of one name cannot be told apart");
        }
        for part in file.path.trim_end_matches(".rs").split('/') {
            if part.split(['_', '-']).any(|word| EMPTY_NAMES.contains(&word)) {
                mistakes.add(file, 0, &format!("\"{part}\" is no name: say what is inside"));
            }
        }
        let words: Vec<_> = file.words().collect();
        for pair in words.windows(2) {
            if pair[0].1 == "mod" && EMPTY_NAMES.contains(&pair[1].1) {
                mistakes.add(file, pair[1].0, &format!("\"{}\" is no name: say what is inside", pair[1].1));
            }
        }
    }
    mistakes.report();
}

#[test]
fn no_query_is_built_at_run_time() {
    let mut mistakes = Mistakes::default();
    for file in rust_files().iter().filter(|file| file.is_in("server/src/store")) {
        let tests_begin = file.code.find("#[cfg(test)]").unwrap_or(file.code.len());
        for (place, word) in file.words().filter(|(place, _)| *place < tests_begin) {
            let literal = file.text[place..].split('"').nth(1).unwrap_or_default().to_lowercase();
            let is_macro = file.code[place + word.len()..].starts_with('!');
            let writes = is_macro && matches!(word, "format" | "format_args" | "write");
            let builds = matches!(word, "AssertSqlSafe" | "QueryBuilder");
            if builds || writes && SQL.iter().any(|part| literal.contains(part)) {
                mistakes.add(file, place, "a query is a const text with $n: it is prepared and tested as it stands");
            }
        }
    }
    mistakes.report();
}

#[test]
fn there_is_one_sqlite_and_one_tls_provider() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let versions = |name: &str| -> Vec<String> {
        let head = format!("name = \"{name}\"\nversion = \"");
        lock.split(&head).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    for name in ["aws-lc-rs", "aws-lc-sys"] {
        assert!(versions(name).is_empty(), "Cargo.lock has {name}: ring is the only TLS provider, two panic at start");
    }
    let sqlite = versions("libsqlite3-sys");
    assert_eq!(sqlite.len(), 1, "Cargo.lock has libsqlite3-sys {sqlite:?}: two SQLites in one program do not link");
    let minor: u32 = sqlite[0].split('.').nth(1).unwrap().parse().unwrap();
    assert!(
        sqlite[0].starts_with("0.") && minor >= 37,
        "libsqlite3-sys is {}; before 0.37 its SQLite can corrupt a log",
        sqlite[0]
    );
}

#[test]
fn every_crate_is_one_of_crates_io_and_every_package_of_ours_forbids_unsafe_code() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for package in lock.split("[[package]]").skip(1) {
        let named = |key: &str| package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        let ours = named("name").unwrap();
        match named("source") {
            Some(source) => assert!(
                source == r#""registry+https://github.com/rust-lang/crates.io-index""# && named("checksum").is_some(),
                "{ours} is from {source}, or has no checksum"
            ),
            None => assert!(ours.contains("rookery") || ours == r#""xtask""#, "{ours} has no source"),
        }
    }
    let manifests: Vec<String> = files().into_iter().filter(|path| path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() >= 6, "{manifests:?}");
    for path in manifests {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{path} does not take the workspace's lints");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

#[test]
fn no_file_names_the_machine_it_was_made_on() {
    // In two parts, so that this file does not name them either.
    let homes = [["/home", "/"], ["/Users", "/"], ["/root", "/"], [r"C:\", r"Users\"]].map(|parts| parts.concat());
    let mut mistakes = Mistakes::default();
    for path in &files() {
        // What is not text has no lines to show.
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        let file = File::new(path.clone(), text);
        for home in &homes {
            for (place, _) in file.text.match_indices(home.as_str()) {
                mistakes.add(&file, place, &format!("{home}... is somebody's own folder; write ~ or a made-up name"));
            }
        }
    }
    mistakes.report();
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut mistakes = Mistakes::default();
    let mut looked_at = 0;
    for path in files() {
        let is_page = ["README.md", "ARCHITECTURE.md"].contains(&path.as_str()) || path.starts_with("docs/");
        if !is_page || !path.ends_with(".md") {
            continue;
        }
        let page = root().join(&path);
        let folder = page.parent().expect("a page lies in a folder");
        let file = File::new(path, fs::read_to_string(&page).unwrap());
        for (place, link) in links(&file.text).filter(|(_, link)| !link.contains("://")) {
            looked_at += 1;
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { page.clone() } else { folder.join(target) };
            let is_there = || fs::read_to_string(&target).is_ok_and(|text| anchors(&text).any(|known| known == anchor));
            if !target.exists() || !anchor.is_empty() && !is_there() {
                mistakes.add(&file, place, &format!("{link} leads nowhere"));
            }
        }
    }
    assert!(looked_at > 20, "found only {looked_at} links");
    mistakes.report();
}

/// What the text of a page links to, and its pictures, with their places; what stands in blocks of code is none.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    [("](", ')'), ("src=\"", '"')].into_iter().flat_map(move |(begin, end)| {
        text.match_indices(begin).filter_map(move |(place, _)| {
            let (link, _) = text[place + begin.len()..].split_once(end)?;
            let is_code = text[..place].matches("\n```").count() % 2 == 1;
            (!is_code).then_some((place, link))
        })
    })
}

/// The names under which a page's headings can be linked to.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut is_code = false;
    text.lines().filter_map(move |line| {
        is_code ^= line.starts_with("```");
        let heading = line.strip_prefix('#').filter(|_| !is_code)?.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
    })
}

/// What is wrong, gathered so that one run shows all of it.
#[derive(Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, file: &File, place: usize, rule: &str) {
        let line = file.text[..place].matches('\n').count() + 1;
        self.0.push(format!("{}:{line}: {rule}", file.path));
    }

    fn extend<'file>(&mut self, file: &File, found: impl Iterator<Item = (usize, &'file str)>, rule: &str) {
        for (place, _) in found {
            self.add(file, place, rule);
        }
    }

    #[track_caller]
    fn report(mut self) {
        self.0.dedup();
        assert!(self.0.is_empty(), "\n\n{}\n", self.0.join("\n"));
    }
}

/// `tonic` of `tonic_types`: what belongs to a crate is treated like it.
fn family(word: &str) -> &str {
    let first = word.split('_').next().unwrap_or(word);
    if CRATES.iter().any(|known| known.name == first) { first } else { word }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

fn rust_files() -> Vec<File> {
    let paths = files().into_iter().filter(|path| path.ends_with(".rs"));
    let files: Vec<_> = paths
        .filter_map(|path| Some((fs::read_to_string(root().join(&path)).ok()?, path)))
        .map(|(text, path)| File::new(path, text))
        .collect();
    assert!(files.len() > 20, "found only {} files of Rust below {}", files.len(), root().display());
    files
}

/// All files of the repository, those to come included; without git, all that is not built.
fn files() -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    match git {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .filter(|path| root().join(path).is_file())
            .map(str::to_owned)
            .collect(),
        _ => walk(&root()),
    }
}

fn walk(folder: &Path) -> Vec<String> {
    let built = ["target", "node_modules", "rookery-data", "dist"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository can be read") {
        let entry = entry.expect("a folder of the repository can be read");
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !built.contains(&name.as_str()) && !name.starts_with('.') {
            found.extend(walk(&path));
        } else if path.is_file() {
            let below = path.strip_prefix(root()).expect("the walk begins at the root");
            found.push(below.to_string_lossy().replace('\\', "/"));
        }
    }
    found
}
