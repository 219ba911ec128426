//! What an export asks for that nobody else does: how much there is of a user's own, and where.

use super::{Conn, Result, on};

const MESSAGES: &str = "select count(*) from messages where conversation_id = $1 and id >= $2 and id <= $3";

/// How many messages and lines a conversation has from one id up to another.
pub async fn messages(conn: &mut Conn, conversation_id: i64, from: i64, to: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(MESSAGES).bind(conversation_id).bind(from).bind(to).fetch_one(c).await?))
}

const FILES: &str = "select count(*) from media where owner_id = $1";

/// How many files a user has brought that are there.
pub async fn files(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(FILES).bind(user_id).fetch_one(c).await?))
}

const FILE_IDS: &str = "select id from media where owner_id = $1 and id > $2 order by id limit $3 + 0";

/// A user's files after one.
pub async fn file_ids(conn: &mut Conn, user_id: i64, after: &str, limit: i64) -> Result<Vec<String>> {
    Ok(on!(conn, c => sqlx::query_scalar(FILE_IDS).bind(user_id).bind(after).bind(limit).fetch_all(c).await?))
}
