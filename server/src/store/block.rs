//! Who blocks whom.

use sqlx::FromRow;

use super::{
    Conn, Result, Tx, on,
    user::{UserRow, user_columns},
};

const INSERT: &str = "insert into blocks (user_id, blocked_id, created_at) values ($1, $2, $3)";

/// Notes that a user blocks another.
pub async fn insert(tx: &mut Tx, user_id: i64, blocked_id: i64) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT).bind(user_id).bind(blocked_id).bind(now).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE: &str = "delete from blocks where user_id = $1 and blocked_id = $2";

/// Forgets that a user blocks another.
pub async fn delete(tx: &mut Tx, user_id: i64, blocked_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(user_id).bind(blocked_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const EXISTS: &str = "select count(*) from blocks where user_id = $1 and blocked_id = $2";

/// Whether a user blocks another.
pub async fn exists(conn: &mut Conn, user_id: i64, blocked_id: i64) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(EXISTS).bind(user_id).bind(blocked_id).fetch_one(c).await?);
    Ok(count > 0)
}

const COUNT: &str = "select count(*) from blocks where user_id = $1";

/// How many a user blocks.
pub async fn count(conn: &mut Conn, user_id: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(COUNT).bind(user_id).fetch_one(c).await?))
}

/// Somebody whom a user blocks, and since when.
#[derive(Clone, Debug, FromRow)]
pub struct BlockedRow {
    #[sqlx(flatten)]
    pub user: UserRow,
    pub blocked_at: i64,
}

const LIST: &str = concat!(
    "select ",
    user_columns!(),
    ", b.created_at as blocked_at from blocks b join users u on u.id = b.blocked_id \
     where b.user_id = $1 and (b.created_at, b.blocked_id) < ($2, $3) \
     order by b.created_at desc, b.blocked_id desc limit $4 + 0"
);

/// Whom a user blocks, newest first, from before one.
pub async fn list(conn: &mut Conn, user_id: i64, before: (i64, i64), limit: i64) -> Result<Vec<BlockedRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST)
        .bind(user_id).bind(before.0).bind(before.1).bind(limit).fetch_all(c).await?))
}

const AROUND: &str = "select user_id, blocked_id from blocks where user_id = $1 \
    union all select user_id, blocked_id from blocks where blocked_id = $1";

/// All blocks of a user's and against her: (who, whom).
pub async fn around(conn: &mut Conn, user_id: i64) -> Result<Vec<(i64, i64)>> {
    Ok(on!(conn, c => sqlx::query_as(AROUND).bind(user_id).fetch_all(c).await?))
}

const AMONG_SQLITE: &str = "select j.value from json_each($2) j where exists (select 1 from blocks \
    where user_id in ($1, j.value) and blocked_id in ($1, j.value))";
const AMONG_POSTGRES: &str = "select j.id from unnest($2::bigint[]) j(id) where exists (select 1 from blocks \
    where user_id in ($1, j.id) and blocked_id in ($1, j.id))";

/// Those of some users between whom and a reader there is a block, either way.
pub async fn among(conn: &mut Conn, reader: i64, user_ids: &[i64]) -> Result<Vec<i64>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(user_ids).to_string();
            sqlx::query_scalar(AMONG_SQLITE).bind(reader).bind(list).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_scalar(AMONG_POSTGRES).bind(reader).bind(user_ids).fetch_all(&mut **c).await?,
    })
}

const CLOSED: &str = "select exists (select 1 from blocks b where b.user_id in (c.direct_low, c.direct_high) \
      and b.blocked_id in (c.direct_low, c.direct_high)) as blocked, c.members < 2 as deserted \
    from conversations c where c.id = $1 and c.kind = 2";

/// Of a direct chat, whether there is a block in it, either way, and whether somebody of it is gone.
pub async fn closed(conn: &mut Conn, conversation_id: i64) -> Result<Option<(bool, bool)>> {
    Ok(on!(conn, c => sqlx::query_as(CLOSED).bind(conversation_id).fetch_optional(c).await?))
}
