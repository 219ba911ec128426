//! Sessions: devices that signed in and tokens of scripts. Of a token its hash is kept alone.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A session.
#[derive(Clone, Debug, FromRow)]
pub struct SessionRow {
    /// Names the session.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// What a script's token may be used for, a bit for each TokenScope of the protocol; 0: a device.
    pub scopes: i64,
    /// What the device calls itself, or the token's name.
    pub device: String,
    pub created_at: i64,
    /// To within a minute; none: never.
    pub used_at: Option<i64>,
    /// When a token ends for good; none: never, and of devices.
    pub expires_at: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, user_id, scopes, device, created_at, used_at, expires_at"
    };
}

const INSERT: &str = "insert into sessions (id, user_id, token_hash, device, created_at, scopes, expires_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";

/// Stores a new session.
pub async fn insert(tx: &mut Tx, new: &SessionRow, token_hash: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&new.id).bind(new.user_id).bind(token_hash).bind(&new.device).bind(new.created_at).bind(new.scopes)
        .bind(new.expires_at).execute(c).await.map(|_| ())?);
    Ok(())
}

// Of whom an admin shuts out nothing counts, whoever has not heard of it yet.
const FIND: &str = concat!(
    "select ",
    columns!(),
    " from sessions where token_hash = $1 \
      and exists (select 1 from users u where u.id = sessions.user_id and not u.disabled and not u.deleted)"
);

/// The session of a token.
pub async fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<SessionRow>> {
    Ok(on!(conn, c => sqlx::query_as(FIND).bind(token_hash).fetch_optional(c).await?))
}

const EXISTS: &str = "select count(*) from sessions s join users u on u.id = s.user_id \
    where s.id = $1 and not u.disabled and not u.deleted";

/// Whether a session has not ended.
pub async fn exists(conn: &mut Conn, id: &str) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(EXISTS).bind(id).fetch_one(c).await?);
    Ok(count > 0)
}

const LIST: &str =
    concat!("select ", columns!(), " from sessions where user_id = $1 order by created_at desc, id desc");

/// A user's sessions, newest first.
pub async fn list(conn: &mut Conn, user_id: i64) -> Result<Vec<SessionRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(user_id).fetch_all(c).await?))
}

const AMONG_SQLITE: &str = "select s.id from sessions s join users u on u.id = s.user_id \
    where s.id in (select value from json_each($1)) and not u.disabled and not u.deleted";
const AMONG_POSTGRES: &str = "select s.id from sessions s join users u on u.id = s.user_id \
    where s.id = any($1) and not u.disabled and not u.deleted";

/// Which of some sessions have not ended.
pub async fn among(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            sqlx::query_scalar(AMONG_SQLITE).bind(serde_json::json!(ids).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_scalar(AMONG_POSTGRES).bind(ids).fetch_all(&mut **c).await?,
    })
}

const LEAST_USED: &str = "select id from sessions where user_id = $1 and scopes = 0 \
    order by coalesce(used_at, created_at) desc, created_at desc, id desc limit 1000 + 0 offset $2 + 0";

/// A user's devices but for those that she used last, so many of them.
pub async fn least_used(conn: &mut Conn, user_id: i64, but: i64) -> Result<Vec<String>> {
    Ok(on!(conn, c => sqlx::query_scalar(LEAST_USED).bind(user_id).bind(but).fetch_all(c).await?))
}

const OVER: &str = concat!(
    "select ",
    columns!(),
    " from sessions where (scopes = 0 and (created_at <= $1 or coalesce(used_at, created_at) <= $2)) \
      or expires_at <= $3 order by user_id, id limit $4 + 0"
);

/// Sessions whose time is over: devices that began before a time or were not used since another, tokens that ended by `now`.
pub async fn list_over(conn: &mut Conn, began: i64, used: i64, now: i64, limit: i64) -> Result<Vec<SessionRow>> {
    Ok(on!(conn, c => sqlx::query_as(OVER).bind(began).bind(used).bind(now).bind(limit).fetch_all(c).await?))
}

const USED_SQLITE: &str = "update sessions set used_at = j.value ->> 1 from json_each($1) j \
    where sessions.id = j.value ->> 0 and coalesce(sessions.used_at, 0) < j.value ->> 1";
// What somebody else is changing is left out: this waits for nobody.
const USED_POSTGRES: &str = "update sessions set used_at = j.at from unnest($1::text[], $2::bigint[]) j(id, at) \
    where sessions.id = j.id and coalesce(sessions.used_at, 0) < j.at \
    and sessions.id in (select s.id from sessions s where s.id = any($1) order by s.id for update skip locked)";

/// Notes when sessions were used.
pub async fn used(tx: &mut Tx, list: &[(String, i64)]) -> Result<()> {
    match tx.write() {
        Conn::Sqlite(c) => {
            sqlx::query(USED_SQLITE).bind(serde_json::json!(list).to_string()).execute(&mut **c).await.map(|_| ())?;
        }
        Conn::Postgres(c) => {
            sqlx::query(USED_POSTGRES)
                .bind(list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>())
                .bind(list.iter().map(|(_, at)| *at).collect::<Vec<_>>())
                .execute(&mut **c)
                .await?;
        }
    }
    Ok(())
}

/// A session that has just ended.
#[derive(Clone, Debug, FromRow)]
pub struct EndedRow {
    pub id: String,
    pub token_hash: String,
    pub scopes: i64,
}

const END: &str = "delete from sessions where user_id = $1 and ($2 = '' or id = $2) and id <> $3 and (scopes = 0 or not $4) \
    returning id, token_hash, scopes";

/// Ends sessions of a user: this one, or with '' all; never `but`; `devices`: no tokens. Which those were.
pub async fn end(tx: &mut Tx, user_id: i64, id: &str, but: &str, devices: bool) -> Result<Vec<EndedRow>> {
    Ok(on!(tx.write(), c => sqlx::query_as(END)
        .bind(user_id).bind(id).bind(but).bind(devices).fetch_all(c).await?))
}

const REMEMBER: &str = "insert into known_devices (token_hash, user_id, ended_at) values ($1, $2, $3) \
    on conflict (token_hash) do nothing";

/// Keeps the hash of a device's token beyond its end.
pub async fn remember(tx: &mut Tx, user_id: i64, token_hash: &str) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(REMEMBER).bind(token_hash).bind(user_id).bind(now).execute(c).await.map(|_| ())?);
    Ok(())
}

const FORGET: &str = "delete from known_devices where user_id = $1 and token_hash not in (select token_hash from known_devices \
    where user_id = $1 order by ended_at desc, token_hash limit $2 + 0)";

/// Forgets a user's ended devices but for the newest.
pub async fn forget(tx: &mut Tx, user_id: i64, but: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(FORGET).bind(user_id).bind(but).execute(c).await.map(|_| ())?);
    Ok(())
}

const CARRIED: &str = "select coalesce((select s.id from sessions s where s.token_hash = $1 and s.user_id = u.id \
      and s.scopes = 0), '') from users u where u.name_key = $2 \
    and (exists (select 1 from sessions s where s.token_hash = $1 and s.user_id = u.id and s.scopes = 0) \
      or exists (select 1 from known_devices d where d.token_hash = $1 and d.user_id = u.id))";

/// The session of a token that belongs to a device of the account of this name; '' if it has ended. None: it does not.
pub async fn carried(conn: &mut Conn, token_hash: &str, name_key: &str) -> Result<Option<String>> {
    Ok(on!(conn, c => sqlx::query_scalar(CARRIED).bind(token_hash).bind(name_key).fetch_optional(c).await?))
}
