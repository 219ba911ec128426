//! Deleted accounts of which something is still to go, and what goes with an account at once.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// What is still to be done.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct DeletionRow {
    pub user_id: i64,
    /// Whether her messages go.
    pub erase: bool,
}

const INSERT: &str = "insert into deletions (user_id, erase) values ($1, $2)";

/// Notes that something is to be done.
pub async fn insert(tx: &mut Tx, user_id: i64, erase: bool) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT).bind(user_id).bind(erase).execute(c).await.map(|_| ())?);
    Ok(())
}

const FIRST: &str = "select user_id, erase from deletions where user_id > $1 order by user_id limit 1";

/// The next of them after a user.
pub async fn after(conn: &mut Conn, user_id: i64) -> Result<Option<DeletionRow>> {
    Ok(on!(conn, c => sqlx::query_as(FIRST).bind(user_id).fetch_optional(c).await?))
}

const DELETE: &str = "delete from deletions where user_id = $1";

/// All is done.
pub async fn delete(tx: &mut Tx, user_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(user_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE_FAVORITES: &str = "delete from gif_favorites where user_id = $1";
const DELETE_BLOCKS: &str = "delete from blocks where user_id = $1 or blocked_id = $1 returning user_id";
const DELETE_DEVICES: &str = "delete from known_devices where user_id = $1";
const DELETE_INVITES: &str = "delete from invites where creator_id = $1";
const DELETE_REGISTRATION_INVITES: &str = "delete from registration_invites where creator_id = $1";

/// Deletes what is a user's own alone: favourites, blocks either way, which devices were hers, and the invites that she made.
/// Answers who blocked her.
pub async fn delete_own(tx: &mut Tx, user_id: i64) -> Result<Vec<i64>> {
    let mut blockers: Vec<i64> = on!(tx.write(), c => {
        sqlx::query(DELETE_FAVORITES).bind(user_id).execute(&mut *c).await?;
        sqlx::query(DELETE_DEVICES).bind(user_id).execute(&mut *c).await?;
        sqlx::query(DELETE_INVITES).bind(user_id).execute(&mut *c).await?;
        sqlx::query(DELETE_REGISTRATION_INVITES).bind(user_id).execute(&mut *c).await?;
        sqlx::query_scalar(DELETE_BLOCKS).bind(user_id).fetch_all(&mut *c).await?
    });
    blockers.retain(|blocker| *blocker != user_id);
    Ok(blockers)
}

const FILES: &str = "select id from media where owner_id = $1 and id > $2 \
    and not exists (select 1 from attachments a where a.media_id = media.id) order by id limit $3 + 0";

/// Files of a user's that no message shows, after one.
pub async fn files(conn: &mut Conn, user_id: i64, after: &str, limit: i64) -> Result<Vec<String>> {
    Ok(on!(conn, c => sqlx::query_scalar(FILES).bind(user_id).bind(after).bind(limit).fetch_all(c).await?))
}
