//! The one row about the database as a whole.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

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
    let renewed = on!(conn, c => sqlx::query(RENEW).bind(history_id).execute(c).await?.rows_affected());
    if renewed == 1 { Ok(()) } else { Err(super::Error::Fault("it holds no history".into())) }
}

/// Who may make an account, and how often accounts and sessions were changed by those who govern them.
#[derive(Clone, Debug, FromRow)]
pub struct Governed {
    /// Rises with each act of an admin or the operator.
    pub revision: i64,
    /// The mode of registration that was chosen; '': what the configuration says.
    pub registration: String,
    /// Whether there is an admin.
    pub claimed: bool,
}

const GOVERNED: &str = "select revision, registration, \
    exists (select 1 from users where admin and not disabled and not deleted) as claimed from server where id = 1";

/// What was last decided.
pub async fn governed(conn: &mut Conn) -> Result<Governed> {
    Ok(on!(conn, c => sqlx::query_as(GOVERNED).fetch_one(c).await?))
}

const REVISION: &str = "select revision from server where id = 1";

/// How often something was decided.
pub async fn revision(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(REVISION).fetch_one(c).await?))
}

const RAISE: &str = "update server set revision = revision + 1 where id = 1";

/// Lets all who keep something in mind look again.
pub async fn raise(tx: &mut Tx) -> Result<()> {
    on!(tx.write(), c => sqlx::query(RAISE).execute(c).await.map(|_| ())?);
    Ok(())
}

const SET_REGISTRATION: &str = "update server set registration = $1 where id = 1";

/// Chooses who may make an account; '': what the configuration says.
pub async fn set_registration(tx: &mut Tx, mode: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(SET_REGISTRATION).bind(mode).execute(c).await.map(|_| ())?);
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
