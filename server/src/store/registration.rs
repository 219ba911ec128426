//! Invites to make an account.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// An invite.
#[derive(Clone, Debug, FromRow)]
pub struct InviteRow {
    pub code: String,
    /// 0: the operator.
    pub creator_id: i64,
    /// 0: any number.
    pub max_uses: i64,
    pub uses: i64,
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

const INSERT: &str = "insert into registration_invites (code, creator_id, max_uses, uses, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6)";

/// Stores an invite.
pub async fn insert(tx: &mut Tx, invite: &InviteRow) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&invite.code).bind(invite.creator_id).bind(invite.max_uses).bind(invite.uses).bind(invite.expires_at)
        .bind(invite.created_at).execute(c).await.map(|_| ())?);
    Ok(())
}

macro_rules! holds {
    () => {
        "(max_uses = 0 or uses < max_uses) and (expires_at is null or expires_at > $1)"
    };
}

const HOLDS: &str = concat!("select count(*) from registration_invites where ", holds!(), " and code = $2");

/// Whether one more account may be made with a code now.
pub async fn holds(conn: &mut Conn, code: &str, now: i64) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(HOLDS).bind(now).bind(code).fetch_one(c).await?);
    Ok(count > 0)
}

const TAKE: &str = concat!("update registration_invites set uses = uses + 1 where ", holds!(), " and code = $2");

/// Counts one more account that is made with a code; false if it does not hold any more.
pub async fn take(tx: &mut Tx, code: &str) -> Result<bool> {
    let now = tx.now;
    let taken =
        on!(tx.write(), c => sqlx::query(TAKE).bind(now).bind(code).execute(c).await.map(|done| done.rows_affected())?);
    Ok(taken > 0)
}

const LIST: &str = concat!(
    "select code, creator_id, max_uses, uses, expires_at, created_at from registration_invites where ",
    holds!(),
    " and (created_at < $2 or created_at = $2 and code < $3) order by created_at desc, code desc limit $4 + 0"
);

/// Invites that hold, newest first, those behind a time and a code.
pub async fn list(conn: &mut Conn, now: i64, before: (i64, &str), limit: i64) -> Result<Vec<InviteRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(now).bind(before.0).bind(before.1).bind(limit).fetch_all(c).await?))
}

const DELETE: &str = "delete from registration_invites where code = $1";

/// Ends an invite; false if there is none.
pub async fn delete(tx: &mut Tx, code: &str) -> Result<bool> {
    let gone = on!(tx.write(), c => sqlx::query(DELETE).bind(code).execute(c).await.map(|done| done.rows_affected())?);
    Ok(gone > 0)
}

const DELETE_OF: &str = "delete from registration_invites where creator_id = $1";

/// Ends all that one admin has made.
pub async fn delete_of(tx: &mut Tx, creator_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE_OF).bind(creator_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE_ENDED: &str = concat!("delete from registration_invites where not (", holds!(), ")");

/// Deletes those that do not hold any more.
pub async fn delete_ended(tx: &mut Tx) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(DELETE_ENDED).bind(now).execute(c).await.map(|_| ())?);
    Ok(())
}
