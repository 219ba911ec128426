//! `rookery-server doctor`: looks whether everything is as it must be, and says so line by line. It changes nothing, and may run
//! beside a server; `--rebuild-search` makes the search index anew. A folder that `backup` made is looked at in the same way (`--data DIR`).

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    config::Config,
    domain::search::index,
    media::Files,
    store::{self, Conn, Db, DbConfig},
};

/// So many files are looked at between two questions to the database.
const BATCH: i64 = 500;

/// So many messages are indexed between two lines about it.
const TOLD: i64 = 100_000;

/// What was found, as it is printed.
#[derive(Debug, Default)]
struct Report {
    faults: usize,
}

impl Report {
    fn line(&mut self, what: &str, outcome: Result<String, String>) {
        match outcome {
            Ok(said) => println!("ok     {what}: {said}"),
            Err(fault) => {
                self.faults += 1;
                println!("FAULT  {what}: {fault}");
            }
        }
    }
}

/// Looks at everything; an error says how much is wrong.
pub async fn examine(config: &Config) -> Result<(), String> {
    let mut report = Report::default();
    report.line("configuration", Ok(format!("understood; it listens on {}", config.listen)));
    report.line("folder", folder(&config.data));
    let exposed = config.exposed();
    report.line(
        "secrets",
        if exposed.is_empty() { Ok("in files for their owner alone".into()) } else { Err(exposed.join("; ")) },
    );
    match database(config, &mut report).await {
        Ok(()) => {}
        Err(fault) => report.line("database", Err(fault)),
    }
    match report.faults {
        0 => Ok(()),
        1 => Err("1 fault was found".into()),
        more => Err(format!("{more} faults were found")),
    }
}

/// The folder holds secrets: nobody else should be able to read it.
fn folder(data: &Path) -> Result<String, String> {
    let about = fs::metadata(data).map_err(|error| format!("{}: {error}", data.display()))?;
    if !about.is_dir() {
        return Err(format!("{} is no folder", data.display()));
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("{} may be read by others (mode {mode:o}); chmod 700 it", data.display()));
    }
    Ok(format!("{}, for its owner alone", data.display()))
}

/// The database, which is there already.
async fn existing(config: &Config) -> Result<Db, String> {
    let place = config.db();
    if let DbConfig::Sqlite(path) = &place
        && !path.exists()
    {
        return Err(format!("there is none in {}; a server that starts here makes one", config.data.display()));
    }
    Db::connect(&place).await
}

async fn database(config: &Config, report: &mut Report) -> Result<(), String> {
    let db = existing(config).await?;
    let looked = look(config, &db, report).await;
    db.close().await;
    looked
}

/// Makes the search index anew from the messages. Nobody else may write meanwhile.
pub async fn rebuild_search(config: &Config) -> Result<(), String> {
    let db = existing(config).await?;
    let rebuilt = rebuild(&db).await;
    db.close().await;
    rebuilt
}

async fn rebuild(db: &Db) -> Result<(), String> {
    db.reader().await.map_err(|error| error.to_string())?.schema().await??;
    let mut told = 0;
    let progress = |done: i64, count: i64| {
        if done >= told + TOLD {
            told = done;
            println!("{done} of {count} messages");
        }
    };
    index::rebuild(db, progress).await.map_err(|error| format!("the search index: {error:?}"))?;
    println!("The search index knows every message.");
    Ok(())
}

async fn look(config: &Config, db: &Db, report: &mut Report) -> Result<(), String> {
    let fault = |error: store::Error| error.to_string();
    let mut conn = db.reader().await.map_err(fault)?;
    let kind = if matches!(conn, Conn::Sqlite(_)) { "SQLite" } else { "PostgreSQL" };
    report.line("database", Ok(format!("{kind}, with settings under which nothing acknowledged is lost")));
    let schema = conn.schema().await?;
    report.line("schema", schema.clone().map(|step| format!("step {step}, the one of this program")));
    if schema.is_err() {
        // The rows mean something else under another schema.
        return Ok(());
    }
    let integrity = store::doctor::integrity(&mut conn).await.map_err(fault)?;
    report.line("pages", integrity.map_or(Ok("whole".into()), Err));
    for (rule, finding) in store::doctor::examine(&mut conn).await.map_err(fault)? {
        let broken = |example: String| format!("not so for {}, {example} among them", finding.count);
        report.line(
            "rows",
            if finding.count == 0 {
                Ok(rule.into())
            } else {
                Err(format!("{rule}: {}", broken(finding.example.unwrap_or_default())))
            },
        );
    }
    drop(conn);
    report.line("files", files(db, config.media()).await);
    Ok(())
}

/// Each known file is there as a whole. What is there and not known is swept away by the server, after a day.
async fn files(db: &Db, folder: PathBuf) -> Result<String, String> {
    if !folder.exists() {
        return Err(format!("{} is not there", folder.display()));
    }
    let files = Files::open(&folder, 1).map_err(|error| error.to_string())?;
    let (mut after, mut whole, mut wrong) = (String::new(), 0, Vec::new());
    loop {
        let mut conn = db.reader().await.map_err(|error| error.to_string())?;
        let batch = store::doctor::files(&mut conn, &after, BATCH).await.map_err(|error| error.to_string())?;
        drop(conn);
        let Some((last, _)) = batch.last() else { break };
        after.clone_from(last);
        for (id, size) in batch {
            match files.blobs.size(&id).await {
                Ok(found) if i64::try_from(found) == Ok(size) => whole += 1,
                _ => wrong.push(id),
            }
        }
    }
    match wrong.first() {
        None => Ok(format!("{whole}, each as long as it was")),
        Some(first) => Err(format!("{} are missing or not whole, {first} among them", wrong.len())),
    }
}
