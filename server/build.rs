//! Lists the migrations: the portable ones of migrations/ and, merged in by number, those of migrations/sqlite/ and
//! migrations/postgres/. (sqlx's `migrate!` does not look into sub-folders.) Makes room for the browser client.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    migrations()?;
    browser_client();
    Ok(())
}

/// What a release brings inside. Whoever has built no client gets an empty folder: the server says so on a page.
fn browser_client() {
    let folder = Path::new("../client-web/dist");
    // Where nothing may be written, nobody builds a client later either.
    let _ = fs::create_dir_all(folder);
    // A debug build reads the files each time. Naming a folder that is not there would build the server each time.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") && folder.exists() {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
}

fn migrations() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../migrations");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../migrations").canonicalize()?;
    let mut code = String::new();
    for (name, folder) in [("SQLITE", "sqlite"), ("POSTGRES", "postgres")] {
        let mut files = Vec::new();
        for folder in [root.clone(), root.join(folder)] {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "sql") {
                    files.push(path);
                }
            }
        }
        files.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
        writeln!(code, "pub(in crate::store) const {name}: &[(i64, &str, &str)] = &[")?;
        for path in files {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("migration names are ASCII")?;
            let (number, noun) = stem.split_once('_').ok_or("migrations are named NNNN_noun.sql")?;
            let number: i64 = number.parse()?;
            writeln!(code, "    ({number}, {noun:?}, include_str!({:?})),", path)?;
        }
        writeln!(code, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    Ok(())
}
