//! Invites: codes that lead into a group.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// An invite.
#[derive(Clone, Debug, FromRow)]
pub struct InviteRow {
    pub code: String,
    pub conversation_id: i64,
    pub creator_id: i64,
    pub max_uses: i64,
    pub uses: i64,
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

const INSERT: &str = "insert into invites (code, conversation_id, creator_id, max_uses, uses, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";

/// Stores an invite.
pub async fn insert(tx: &mut Tx, invite: &InviteRow) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&invite.code).bind(invite.conversation_id).bind(invite.creator_id).bind(invite.max_uses).bind(invite.uses)
        .bind(invite.expires_at).bind(invite.created_at).execute(c).await.map(|_| ())?);
    Ok(())
}

const GET: &str = "select code, conversation_id, creator_id, max_uses, uses, expires_at, created_at from invites \
    where code = $1";

/// An invite by its code.
pub async fn get(conn: &mut Conn, code: &str) -> Result<Option<InviteRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(code).fetch_optional(c).await?))
}

const USE: &str = "update invites set uses = uses + 1 where code = $1";

/// Counts one more who joined with it.
pub async fn count_use(tx: &mut Tx, code: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(USE).bind(code).execute(c).await.map(|_| ())?);
    Ok(())
}
