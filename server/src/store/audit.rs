//! The audit log: what admins did. Entries are added, never changed or deleted.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// An entry.
#[derive(Clone, Debug, FromRow)]
pub struct EntryRow {
    pub id: i64,
    pub at: i64,
    /// 0: the operator.
    pub actor_id: i64,
    /// AuditAction of the protocol.
    pub action: i64,
    /// 0: nobody.
    pub subject_id: i64,
    pub detail: String,
}

const INSERT: &str = "insert into audit (at, actor_id, action, subject_id, detail) values ($1, $2, $3, $4, $5)";

/// Adds an entry.
pub async fn insert(tx: &mut Tx, actor_id: i64, action: i64, subject_id: i64, detail: &str) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(now).bind(actor_id).bind(action).bind(subject_id).bind(detail)
        .execute(c).await.map(|_| ())?);
    Ok(())
}

const LIST: &str = "select id, at, actor_id, action, subject_id, detail from audit where id < $1 \
    order by id desc limit $2 + 0";

/// Entries below an id, newest first.
pub async fn list(conn: &mut Conn, before: i64, limit: i64) -> Result<Vec<EntryRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(before).bind(limit).fetch_all(c).await?))
}

const BY_OPERATOR: &str = "select id, at, actor_id, action, subject_id, detail from audit \
    where id > $1 and actor_id = 0 order by id";

/// What the operator did after an id.
pub async fn by_operator(conn: &mut Conn, after: i64) -> Result<Vec<EntryRow>> {
    Ok(on!(conn, c => sqlx::query_as(BY_OPERATOR).bind(after).fetch_all(c).await?))
}

const LAST_BY_OPERATOR: &str = "select coalesce(max(id), 0) from audit where actor_id = 0";

/// The last entry of the operator's; 0: there is none.
pub async fn last_by_operator(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(LAST_BY_OPERATOR).fetch_one(c).await?))
}
