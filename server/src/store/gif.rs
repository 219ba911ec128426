//! Favourite GIFs.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A user's favourite.
#[derive(Clone, Debug, FromRow)]
pub struct FavoriteRow {
    pub gif_id: String,
    pub added_at: i64,
    /// What is shown of it, as JSON.
    pub gif: String,
}

const INSERT: &str = "insert into gif_favorites (user_id, gif_id, added_at, gif) values ($1, $2, $3, $4) \
    on conflict (user_id, gif_id) do nothing";

/// Notes a favourite, unless it is one.
pub async fn insert(tx: &mut Tx, user_id: i64, gif_id: &str, gif: &str) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(user_id).bind(gif_id).bind(now).bind(gif).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE: &str = "delete from gif_favorites where user_id = $1 and gif_id = $2";

/// Forgets a favourite.
pub async fn delete(tx: &mut Tx, user_id: i64, gif_id: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(user_id).bind(gif_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const EXISTS: &str = "select exists (select 1 from gif_favorites where user_id = $1 and gif_id = $2)";

/// Whether it is a favourite of this user's.
pub async fn exists(conn: &mut Conn, user_id: i64, gif_id: &str) -> Result<bool> {
    Ok(on!(conn, c => sqlx::query_scalar(EXISTS).bind(user_id).bind(gif_id).fetch_one(c).await?))
}

const COUNT: &str = "select count(*) from gif_favorites where user_id = $1 and gif_id <> $2";

/// How many favourites a user has besides this one.
pub async fn count_others(conn: &mut Conn, user_id: i64, gif_id: &str) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(COUNT).bind(user_id).bind(gif_id).fetch_one(c).await?))
}

const LIST: &str = "select gif_id, added_at, gif from gif_favorites \
    where user_id = $1 and (added_at < $2 or added_at = $2 and gif_id < $3) \
    order by added_at desc, gif_id desc limit $4 + 0";

/// A user's favourites, the newest first, behind a place in that order.
pub async fn list(conn: &mut Conn, user_id: i64, before: (i64, &str), limit: i64) -> Result<Vec<FavoriteRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST)
        .bind(user_id).bind(before.0).bind(before.1).bind(limit).fetch_all(c).await?))
}
