//! Every query text of the server, prepared on the databases that it is for. The texts are read from the source, so that
//! none is forgotten; what this cannot read, it refuses.

use std::{collections::HashMap, path::Path};

use rookery_server::store::{Conn, Db, DbConfig};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::{
    harness::{Backend, Store},
    on_both,
};

/// A query text, and where it stands.
struct Query {
    name: String,
    file: String,
    text: String,
}

impl Query {
    /// The name's end says if a text is for one database alone.
    fn is_for(&self, backend: Backend) -> bool {
        let other = if backend == Backend::Sqlite { "POSTGRES" } else { "SQLITE" };
        !self.name.split('_').any(|word| word == other)
    }
}

/// Reads Rust's own form of a text: literals, `concat!` and macros that stand for either, of the same file or `pub(super)`.
struct Reader<'source> {
    source: &'source str,
    macros: &'source HashMap<String, String>,
}

impl Reader<'_> {
    fn skip(&mut self, token: &str) -> bool {
        self.source = self.source.trim_start();
        match self.source.strip_prefix(token) {
            Some(rest) => {
                self.source = rest;
                true
            }
            None => false,
        }
    }

    fn text(&mut self) -> String {
        if self.skip("\"") {
            return self.literal();
        }
        if self.skip("concat!(") {
            let mut text = String::new();
            while !self.skip(")") {
                text.push_str(&self.text());
                self.skip(",");
            }
            return text;
        }
        let name = self.source.split("!()").next().unwrap_or_default();
        let body = self.macros.get(name).unwrap_or_else(|| panic!("this is no text: {:.80}", self.source));
        self.source = &self.source[name.len() + 3..];
        Reader { source: body, macros: self.macros }.text()
    }

    /// The rest of a literal, behind its opening quote.
    fn literal(&mut self) -> String {
        let mut text = String::new();
        let mut rest = self.source.chars();
        while let Some(c) = rest.next() {
            match c {
                '"' => break,
                '\\' => match rest.next() {
                    Some('\n') => rest = rest.as_str().trim_start().chars(),
                    Some('n') => text.push('\n'),
                    Some(escaped @ ('\\' | '"')) => text.push(escaped),
                    other => panic!("an escape that this does not know: {other:?}"),
                },
                c => text.push(c),
            }
        }
        self.source = rest.as_str();
        text
    }
}

/// Whether each `limit $N` goes on with ` + 0`.
fn limits_are_sums(text: &str) -> bool {
    let mut limits = text.split("limit $").skip(1);
    limits.all(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" + 0"))
}

/// The macros without arguments that a file defines, by name.
fn macros_of(source: &str) -> HashMap<String, String> {
    let mut macros = HashMap::new();
    for part in source.split("macro_rules! ").skip(1) {
        let name = part.split_whitespace().next().unwrap();
        if let Some((_, body)) = part.split_once("() => {") {
            macros.insert(name.to_owned(), body.trim_start().to_owned());
        }
    }
    macros
}

fn queries() -> Vec<Query> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let read = |path: std::path::PathBuf| {
        let source = std::fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), source)
    };
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    let files: Vec<(String, String)> = files.into_iter().map(read).collect();
    let shared = |name: &str, source: &str| source.contains(&format!("pub(super) use {name};"));
    let shared: HashMap<String, String> = files
        .iter()
        .flat_map(|(_, source)| macros_of(source).into_iter().filter(|(name, _)| shared(name, source)))
        .collect();
    let mut found = Vec::new();
    for (file, source) in files {
        let mut macros = shared.clone();
        macros.extend(macros_of(&source));
        let begin = found.len();
        for part in source.split("const ").skip(1) {
            if let Some((name, text)) = part.split_once(": &str =")
                && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            {
                let text = Reader { source: text, macros: &macros }.text();
                found.push(Query { name: name.to_owned(), file: file.clone(), text });
            }
        }
        // Nothing is asked of a database but by one of these names, or to begin and end a transaction.
        for call in source.split("sqlx::query").skip(1) {
            let argument = call.split_once('(').unwrap().1.trim_start();
            let argument = &argument[..argument.find([')', '.']).unwrap()];
            let known = found[begin..].iter().any(|query| query.name == argument);
            let transaction = ["\"begin immediate\"", "\"begin\"", "\"commit\"", "\"rollback\""].contains(&argument);
            assert!(known || transaction, "{file}: {argument} is asked and is no const text");
        }
    }
    for Query { name, file, text } in &found {
        // SQLite looks at a bare parameter there while it plans, and plans anew whenever that is bound: each time.
        assert!(limits_are_sums(text), "{file}: {name}: write `limit $1 + 0`");
    }
    assert!(found.len() > 70, "only {} texts were found", found.len());
    found
}

on_both! {
    async fn every_query_can_be_prepared(backend) {
        let store = Store::new(backend).await;
        let place = match backend {
            Backend::Sqlite => DbConfig::Sqlite(store.dir.join("rookery.db")),
            Backend::Postgres => DbConfig::Postgres(store.database.clone()),
        };
        let db = Db::open(&place).await.unwrap();
        let mut conn = db.writer().await.unwrap();
        let mut mistakes = Vec::new();
        for query in queries().iter().filter(|query| query.is_for(backend)) {
            let text = AssertSqlSafe(query.text.clone()).into_sql_str();
            let outcome = match &mut conn {
                Conn::Sqlite(c) => c.prepare(text).await.map(|_| ()),
                Conn::Postgres(c) => c.prepare(text).await.map(|_| ()),
            };
            if let Err(error) = outcome {
                mistakes.push(format!("{}: {}: {error}\n{}", query.file, query.name, query.text));
            }
        }
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n\n"));
        drop(conn);
        db.close().await;
    }
}

/// The process behind a connection for reading.
async fn process(conn: &mut Conn) -> i32 {
    let Conn::Postgres(c) = conn else { panic!("this is PostgreSQL's") };
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut **c).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_postgresql_is_used_again_unless_a_transaction_is_open_on_it() {
    let store = Store::new(Backend::Postgres).await;
    let db = Db::open(&DbConfig::Postgres(store.database.clone())).await.unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        seen.insert(process(&mut db.reader().await.unwrap()).await);
    }
    assert!(seen.len() <= 8, "{} connections were opened for 50 reads in a row", seen.len());
    let mut conn = db.reader().await.unwrap();
    let left_open = process(&mut conn).await;
    conn.begin().await.unwrap();
    drop(conn);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let mut again: Vec<Conn> = Vec::new();
    for _ in 0..8 {
        again.push(db.reader().await.unwrap());
    }
    for conn in &mut again {
        assert_ne!(process(conn).await, left_open);
    }
    drop(again);
    db.close().await;
}
