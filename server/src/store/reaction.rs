//! Who reacted to what. The summary that readers see is kept in the message's own row.

use sqlx::FromRow;

use super::{
    Conn, Result, Tx, on,
    user::{UserRow, user_columns},
};

const INSERT: &str = "insert into reactions (conversation_id, message_id, emote, user_id, added) \
    values ($1, $2, $3, $4, $5)";

/// Notes a reaction.
pub async fn insert(
    tx: &mut Tx,
    conversation_id: i64,
    message_id: i64,
    emote: &str,
    user_id: i64,
    added: i64,
) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(conversation_id).bind(message_id).bind(emote).bind(user_id).bind(added)
        .execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE: &str =
    "delete from reactions where conversation_id = $1 and message_id = $2 and emote = $3 and user_id = $4";

/// Takes a reaction back.
pub async fn delete(tx: &mut Tx, conversation_id: i64, message_id: i64, emote: &str, user_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE)
        .bind(conversation_id).bind(message_id).bind(emote).bind(user_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE_ALL: &str = "delete from reactions where conversation_id = $1 and message_id = $2";

/// Takes all reactions of a message away.
pub async fn delete_all(tx: &mut Tx, conversation_id: i64, message_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE_ALL).bind(conversation_id).bind(message_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const EXISTS: &str = "select count(*) from reactions \
    where conversation_id = $1 and message_id = $2 and emote = $3 and user_id = $4";

/// Whether a user reacted so.
pub async fn exists(conn: &mut Conn, conversation_id: i64, message_id: i64, emote: &str, user_id: i64) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(EXISTS)
        .bind(conversation_id).bind(message_id).bind(emote).bind(user_id).fetch_one(c).await?);
    Ok(count > 0)
}

/// One emote of a message.
#[derive(Clone, Debug, FromRow)]
pub struct Tally {
    pub emote: String,
    pub count: i64,
}

const TALLIES: &str = "select emote, count(*) as count from reactions \
    where conversation_id = $1 and message_id = $2 group by emote order by min(added)";

/// The emotes of a message in order of their first use, with how many used them.
pub async fn tallies(conn: &mut Conn, conversation_id: i64, message_id: i64) -> Result<Vec<Tally>> {
    Ok(on!(conn, c => sqlx::query_as(TALLIES).bind(conversation_id).bind(message_id).fetch_all(c).await?))
}

const FIRST: &str = "select user_id from reactions \
    where conversation_id = $1 and message_id = $2 and emote = $3 order by added limit $4 + 0";

/// The first who used an emote.
pub async fn first(
    conn: &mut Conn,
    conversation_id: i64,
    message_id: i64,
    emote: &str,
    limit: i64,
) -> Result<Vec<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(FIRST)
        .bind(conversation_id).bind(message_id).bind(emote).bind(limit).fetch_all(c).await?))
}

/// A person who reacted, and when.
#[derive(Clone, Debug, FromRow)]
pub struct Reactor {
    #[sqlx(flatten)]
    pub user: UserRow,
    pub added: i64,
}

const LIST: &str = concat!(
    "select ",
    user_columns!(),
    ", r.added from reactions r join users u on u.id = r.user_id \
    where r.conversation_id = $1 and r.message_id = $2 and r.emote = $3 and r.added > $4 order by r.added limit $5 + 0"
);

/// Who used an emote, in order of time, after a point of it.
pub async fn list(
    conn: &mut Conn,
    conversation_id: i64,
    message_id: i64,
    emote: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Reactor>> {
    Ok(on!(conn, c => sqlx::query_as(LIST)
        .bind(conversation_id).bind(message_id).bind(emote).bind(after).bind(limit).fetch_all(c).await?))
}

const MINE_SQLITE: &str = "select r.message_id, r.emote from reactions r \
    where r.conversation_id = $1 and r.user_id = $2 and r.message_id in (select value from json_each($3))";
const MINE_POSTGRES: &str = "select r.message_id, r.emote from reactions r \
    where r.conversation_id = $1 and r.user_id = $2 \
    and r.message_id in (select value::bigint from jsonb_array_elements_text($3::jsonb))";

/// A user's own reactions on some messages of a conversation.
pub async fn mine(conn: &mut Conn, conversation_id: i64, user_id: i64, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let list = serde_json::json!(ids).to_string();
    Ok(match conn {
        Conn::Sqlite(c) => {
            sqlx::query_as(MINE_SQLITE).bind(conversation_id).bind(user_id).bind(list).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(MINE_POSTGRES).bind(conversation_id).bind(user_id).bind(list).fetch_all(&mut **c).await?
        }
    })
}
