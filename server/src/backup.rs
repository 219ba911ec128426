//! Copies of the database and of the files, out and in. What comes in again is another history: clients that know more than it does must not
//! believe that they are ahead.

use std::{
    fs,
    os::unix::{
        self,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::Path,
};

use crate::{
    config::Config,
    domain::ctx::Dice,
    media,
    store::{self, Db, DbConfig},
};

const FILE: &str = "rookery.db";
const MEDIA: &str = "media";

fn sqlite_only(config: &Config) -> Result<(), String> {
    match config.db() {
        DbConfig::Sqlite(_) => Ok(()),
        DbConfig::Postgres(_) => {
            Err("PostgreSQL is copied with its own tools: pg_dump and pg_restore; copy the folder media as well".into())
        }
    }
}

/// Copies the database and the files into a folder, also while the server runs.
pub async fn backup(config: &Config, dir: &Path) -> Result<(), String> {
    sqlite_only(config)?;
    let source = config.data.join(FILE);
    if !source.exists() {
        return Err(format!("there is no database in {}", config.data.display()));
    }
    private(dir).map_err(|error| format!("the folder {} cannot be made: {error}", dir.display()))?;
    let target = dir.join(FILE);
    if target.exists() {
        return Err(format!("{} holds a backup already; give another folder", dir.display()));
    }
    // Once before, because what is deleted while this goes on may still be in the copy of the database; and again after, for
    // what came meanwhile.
    let files = || {
        let copied = media::copy(&config.media(), &dir.join(MEDIA));
        copied.map_err(|error| format!("the files could not be copied: {error}"))
    };
    files()?;
    // As it is: a program that is newer than the server which runs must not bring the schema up to date under it.
    let db = Db::connect(&config.db()).await?;
    let copied = async { store::server::copy_to(&mut db.reader().await?, &target).await };
    copied.await.map_err(|error| format!("the copy failed: {error}"))?;
    db.close().await;
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&target, own).map_err(|error| format!("{}: {error}", target.display()))?;
    files()?;
    let sync = |path: &Path| fs::File::open(path).and_then(|file| file.sync_all());
    sync(&target).and_then(|()| sync(dir)).map_err(|error| format!("the copy could not be synced: {error}"))?;
    println!("{} holds the backup", target.display());
    Ok(())
}

/// Makes a folder for its owner alone. One that was there keeps the mode that somebody gave it.
fn private(dir: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Gives what was put into a folder to the folder's owner: whoever restores as root must not lock the server out.
fn hand_over(folder: &Path) -> std::io::Result<()> {
    let owner = fs::metadata(folder)?;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if fs::symlink_metadata(&path)?.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        }
        unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// Puts a backup into the data folder of a server that does not run, as another history. Of PostgreSQL, which its own tools
/// have brought back before, that is the files alone.
pub async fn restore(config: &Config, dir: &Path) -> Result<(), String> {
    if let DbConfig::Postgres(_) = config.db() {
        return restore_beside(config, dir).await;
    }
    let source = dir.join(FILE);
    if !source.exists() {
        return Err(format!("there is no {FILE} in {}", dir.display()));
    }
    let fresh = config.data.join("rookery.db.restoring");
    let fault = |error: std::io::Error| format!("the backup could not be copied: {error}");
    media::copy(&dir.join(MEDIA), &config.media()).map_err(fault)?;
    fs::copy(&source, &fresh).map_err(fault)?;
    let db = Db::open(&DbConfig::Sqlite(fresh.clone())).await?;
    let renewed = async { store::server::renew_history(&mut db.writer().await?, &Dice.hex::<16>()).await };
    renewed.await.map_err(|error| format!("the backup cannot be used: {error}"))?;
    // Closing folds the log into the file, which then is all there is.
    db.close().await;
    for name in ["rookery.db-wal", "rookery.db-shm", "rookery.db.restoring-wal", "rookery.db.restoring-shm"] {
        match fs::remove_file(config.data.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
    }
    fs::File::open(&fresh).and_then(|file| file.sync_all()).map_err(fault)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).map_err(fault)?;
    fs::rename(&fresh, config.data.join(FILE)).map_err(fault)?;
    hand_over(&config.data).map_err(fault)?;
    fs::File::open(&config.data).and_then(|folder| folder.sync_all()).map_err(fault)?;
    println!("{} is restored; clients will load it anew", config.data.display());
    Ok(())
}

/// What pg_restore does not do: the files, and another history.
async fn restore_beside(config: &Config, dir: &Path) -> Result<(), String> {
    if !dir.is_dir() {
        return Err(format!("there is no folder {}", dir.display()));
    }
    let copied = media::copy(&dir.join(MEDIA), &config.media()).and_then(|()| hand_over(&config.data));
    copied.map_err(|error| format!("the files could not be copied: {error}"))?;
    // As it is: a database in which nothing was restored yet must stay empty.
    let db = Db::connect(&config.db()).await?;
    let renewed = async { store::server::renew_history(&mut db.writer().await?, &Dice.hex::<16>()).await };
    renewed.await.map_err(|error| format!("the database cannot be used (has pg_restore brought it back?): {error}"))?;
    db.close().await;
    println!("the database is another history now; clients will load it anew");
    Ok(())
}
