//! Sessions: who a token belongs to.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A session, as authentication needs it.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    /// Names the session.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// What a script's token may be used for, a bit for each TokenScope of the protocol; 0: a device.
    pub scopes: i64,
}

const INSERT: &str = "insert into sessions (id, user_id, token_hash, device, created_at, scopes) \
    values ($1, $2, $3, $4, $5, $6)";

/// Stores a new session.
pub async fn insert(tx: &mut Tx, session: &Session, token_hash: &str, device: &str) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&session.id).bind(session.user_id).bind(token_hash).bind(device).bind(now).bind(session.scopes)
        .execute(c).await.map(|_| ())?);
    Ok(())
}

const FIND: &str = "select s.id, s.user_id, s.scopes from sessions s join users u on u.id = s.user_id \
    where s.token_hash = $1 and not u.disabled";

/// The session of a token.
pub async fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>> {
    Ok(on!(conn, c => sqlx::query_as(FIND).bind(token_hash).fetch_optional(c).await?))
}

const EXISTS: &str = "select count(*) from sessions s join users u on u.id = s.user_id \
    where s.id = $1 and not u.disabled";

/// Whether a session has not ended.
pub async fn exists(conn: &mut Conn, id: &str) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(EXISTS).bind(id).fetch_one(c).await?);
    Ok(count > 0)
}

const DELETE: &str = "delete from sessions where id = $1";

/// Ends a session.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(id).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE_ALL: &str = "delete from sessions where user_id = $1 returning id";

/// Ends all sessions and tokens of a user; answers which.
pub async fn delete_all(tx: &mut Tx, user_id: i64) -> Result<Vec<String>> {
    Ok(on!(tx.write(), c => sqlx::query_scalar(DELETE_ALL).bind(user_id).fetch_all(c).await?))
}

const AMONG_SQLITE: &str = "select s.id from sessions s join users u on u.id = s.user_id \
    where s.id in (select value from json_each($1)) and not u.disabled";
const AMONG_POSTGRES: &str = "select s.id from sessions s join users u on u.id = s.user_id \
    where s.id in (select value from jsonb_array_elements_text($1::jsonb)) and not u.disabled";

/// Which of some sessions have not ended.
pub async fn among(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>> {
    let list = serde_json::json!(ids).to_string();
    Ok(match conn {
        Conn::Sqlite(c) => sqlx::query_scalar(AMONG_SQLITE).bind(list).fetch_all(&mut **c).await?,
        Conn::Postgres(c) => sqlx::query_scalar(AMONG_POSTGRES).bind(list).fetch_all(&mut **c).await?,
    })
}
