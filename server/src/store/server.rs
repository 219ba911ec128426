//! The one row about the database as a whole.

use super::{Conn, Result, on};

const INSERT: &str = "insert into server (id, history_id, created_at) values (1, $1, $2) on conflict (id) do nothing";

/// Notes the history's id, unless there is one.
pub async fn insert(conn: &mut Conn, history_id: &str, now: i64) -> Result<()> {
    on!(conn, c => sqlx::query(INSERT).bind(history_id).bind(now).execute(c).await.map(|_| ())?);
    Ok(())
}

const HISTORY: &str = "select history_id from server where id = 1";

/// The history's id.
pub async fn history(conn: &mut Conn) -> Result<String> {
    Ok(on!(conn, c => sqlx::query_scalar(HISTORY).fetch_one(c).await?))
}

const RENEW: &str = "update server set history_id = $1 where id = 1";

/// Gives the history another id: what clients know of it no longer counts.
pub async fn renew_history(conn: &mut Conn, history_id: &str) -> Result<()> {
    on!(conn, c => sqlx::query(RENEW).bind(history_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const PING: &str = "select 1";

/// Asks the database for a sign of life.
pub async fn ping(conn: &mut Conn) -> Result<()> {
    on!(conn, c => sqlx::query(PING).execute(c).await.map(|_| ())?);
    Ok(())
}

const COPY_SQLITE: &str = "vacuum into $1";

/// Copies the whole database into a new file, as of one moment. SQLite only.
pub async fn copy_to(conn: &mut Conn, path: &std::path::Path) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => {
            sqlx::query(COPY_SQLITE).bind(path.to_string_lossy().into_owned()).execute(&mut **c).await?;
            Ok(())
        }
        Conn::Postgres(_) => Err(super::Error::Fault("PostgreSQL is copied with its own tools".into())),
    }
}
