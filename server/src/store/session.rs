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

const FIND: &str = "select id, user_id, scopes from sessions where token_hash = $1";

/// The session of a token.
pub async fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>> {
    Ok(on!(conn, c => sqlx::query_as(FIND).bind(token_hash).fetch_optional(c).await?))
}

const EXISTS: &str = "select count(*) from sessions where id = $1";

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
