//! Accounts and profiles.

use serde::Deserialize;
use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A profile. history.rs reads the fields by their order.
#[derive(Clone, Debug, FromRow, Deserialize)]
pub struct UserRow {
    pub id: i64,
    pub name: String,
    pub display_name: String,
    pub about: String,
    pub created_at: i64,
    pub last_seen_at: Option<i64>,
    pub color: String,
    /// A picture's id; '': none.
    pub avatar: String,
    pub status_text: String,
    /// In milliseconds since 1970; 0: it stays.
    pub status_expires_at: i64,
    pub admin: bool,
    pub deleted: bool,
    /// Grows with every change of the others, `last_seen_at` aside. It does not with what nobody is told: who is invisible has
    /// not changed.
    pub revision: i64,
}

// Who does not want it told was last seen by nobody, whoever asks.
macro_rules! columns {
    () => {
        "id, name, display_name, about, created_at, case when hide_last_seen then null else last_seen_at end as last_seen_at, \
         color, avatar, status_text, status_expires_at, admin, deleted, revision"
    };
}

/// The same of a table that is called u.
macro_rules! user_columns {
    () => {
        "u.id, u.name, u.display_name, u.about, u.created_at, \
         case when u.hide_last_seen then null else u.last_seen_at end as last_seen_at, u.color, u.avatar, u.status_text, \
         u.status_expires_at, u.admin, u.deleted, u.revision"
    };
}
pub(super) use user_columns;

/// What a new account is made of.
#[derive(Debug)]
pub struct NewUser<'a> {
    pub name: &'a str,
    pub name_key: &'a str,
    pub skeleton: &'a str,
    pub display_name: &'a str,
    pub search_key: &'a str,
    pub password_hash: &'a str,
}

const INSERT: &str = concat!(
    "insert into users (name, name_key, skeleton, display_name, search_key, password_hash, created_at) \
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning ",
    columns!()
);

/// Stores a new account; nothing if its name is taken.
pub async fn insert(tx: &mut Tx, new: &NewUser<'_>) -> Result<Option<UserRow>> {
    let now = tx.now;
    Ok(on!(tx.write(), c => sqlx::query_as(INSERT)
        .bind(new.name).bind(new.name_key).bind(new.skeleton).bind(new.display_name).bind(new.search_key)
        .bind(new.password_hash).bind(now)
        .fetch_all(c).await?.pop()))
}

const IS_TAKEN: &str = "select exists (select 1 from users where name_key = $1) \
    or exists (select 1 from users where skeleton = $2 and skeleton <> '')";

/// Whether an account has this name, or one that looks the same.
pub async fn is_taken(conn: &mut Conn, name_key: &str, skeleton: &str) -> Result<bool> {
    Ok(on!(conn, c => sqlx::query_scalar(IS_TAKEN).bind(name_key).bind(skeleton).fetch_one(c).await?))
}

/// An account whose name was stored without what it looks like.
#[derive(Clone, Debug, FromRow)]
pub struct Unfolded {
    pub id: i64,
    pub name: String,
    pub name_key: String,
    pub deleted: bool,
}

const UNFOLDED: &str = "select id, name, name_key, deleted from users where skeleton = '' order by id";

/// All of them, the oldest first.
pub async fn unfolded(conn: &mut Conn) -> Result<Vec<Unfolded>> {
    Ok(on!(conn, c => sqlx::query_as(UNFOLDED).fetch_all(c).await?))
}

const FOLD: &str = "update users set name_key = $2, skeleton = $3 where id = $1 \
    and not exists (select 1 from users o where o.id <> $1 and (o.name_key = $2 or o.skeleton = $3))";

/// Stores by what an account is found and what its name looks like, unless that is another's.
pub async fn fold(conn: &mut Conn, id: i64, name_key: &str, skeleton: &str) -> Result<()> {
    on!(conn, c => sqlx::query(FOLD).bind(id).bind(name_key).bind(skeleton).execute(c).await.map(|_| ())?);
    Ok(())
}

const ID_OF: &str = "select id from users where name_key = $1 and not deleted";

/// The account behind a name; none for one that was deleted.
pub async fn id_of(conn: &mut Conn, name_key: &str) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(ID_OF).bind(name_key).fetch_optional(c).await?))
}

/// What signing in needs to know of an account.
#[derive(Clone, Debug, FromRow)]
pub struct Credentials {
    pub id: i64,
    pub password_hash: String,
    /// Whether she is shut out, or gone.
    pub shut: bool,
}

const CREDENTIALS: &str = "select id, password_hash, disabled or deleted as shut from users where name_key = $1";

/// The account behind a name.
pub async fn credentials(conn: &mut Conn, name_key: &str) -> Result<Option<Credentials>> {
    Ok(on!(conn, c => sqlx::query_as(CREDENTIALS).bind(name_key).fetch_optional(c).await?))
}

const PASSWORD_HASH: &str = "select password_hash from users where id = $1 and not disabled and not deleted";

/// The stored form of a user's password, unless she is shut out or gone.
pub async fn password_hash(conn: &mut Conn, id: i64) -> Result<Option<String>> {
    Ok(on!(conn, c => sqlx::query_scalar(PASSWORD_HASH).bind(id).fetch_optional(c).await?))
}

const SET_PASSWORD: &str = "update users set password_hash = $2 where id = $1";

/// Gives a user another password.
pub async fn set_password(tx: &mut Tx, id: i64, hash: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(SET_PASSWORD).bind(id).bind(hash).execute(c).await.map(|_| ())?);
    Ok(())
}

const GET: &str = concat!("select ", columns!(), " from users where id = $1");

/// One user.
pub async fn get(conn: &mut Conn, id: i64) -> Result<Option<UserRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(id).fetch_optional(c).await?))
}

const LOCK_ONE_POSTGRES: &str = "select id from users where id = $1 for no key update";

/// Keeps a user as she is until the transaction ends: her password, whether she is shut out.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<()> {
    if let Conn::Postgres(c) = tx.read() {
        sqlx::query(LOCK_ONE_POSTGRES).bind(id).execute(&mut **c).await?;
    }
    Ok(())
}

const HOLD_SQLITE: &str = "select id from users where id in (select value from json_each($1)) and not deleted";
const HOLD_POSTGRES: &str = "select id from users where id = any($1) and not deleted order by id for key share";

/// Whether all of some users are there and stay so until the transaction ends: who is being deleted comes into nothing.
/// The lock is one that their counters may be advanced under.
pub async fn hold(tx: &mut Tx, ids: &[i64]) -> Result<bool> {
    let held: Vec<i64> = match tx.read() {
        Conn::Sqlite(c) => {
            sqlx::query_scalar(HOLD_SQLITE).bind(serde_json::json!(ids).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_scalar(HOLD_POSTGRES).bind(ids).fetch_all(&mut **c).await?,
    };
    Ok(held.len() == ids.len())
}

const CLEAR: &str = concat!(
    "update users set name = $2, display_name = $2, search_key = '', about = '', color = '', avatar = '', status = 1, \
     status_kind_expires_at = 0, status_text = '', status_expires_at = 0, password_hash = '', last_seen_at = null, hide_last_seen = false, admin = false, deleted = true, \
     revision = revision + 1 where id = $1 returning ",
    columns!()
);
const LOCK_ALL_POSTGRES: &str = "select id from users where id = $1 for update";

/// Leaves of a user nothing but that she was there, under a name for all who are gone. `name_key` stays: the name is taken.
pub async fn clear(tx: &mut Tx, id: i64, name: &str) -> Result<UserRow> {
    if let Conn::Postgres(c) = tx.write() {
        // Waits for those who hold her.
        sqlx::query(LOCK_ALL_POSTGRES).bind(id).execute(&mut **c).await?;
    }
    Ok(on!(tx.write(), c => sqlx::query_as(CLEAR).bind(id).bind(name).fetch_one(c).await?))
}

const GET_MANY_SQLITE: &str =
    concat!("select ", columns!(), " from users where id in (select value from json_each($1)) order by id");
const GET_MANY_POSTGRES: &str = concat!(
    "select ",
    columns!(),
    " from users where id in (select value::bigint from jsonb_array_elements_text($1::jsonb)) order by id"
);

/// Those of some users who exist, by id.
pub async fn get_many(conn: &mut Conn, ids: &[i64]) -> Result<Vec<UserRow>> {
    let list = serde_json::json!(ids).to_string();
    Ok(match conn {
        Conn::Sqlite(c) => sqlx::query_as(GET_MANY_SQLITE).bind(list).fetch_all(&mut **c).await?,
        Conn::Postgres(c) => sqlx::query_as(GET_MANY_POSTGRES).bind(list).fetch_all(&mut **c).await?,
    })
}

const LIST: &str = concat!(
    "select ",
    columns!(),
    " from users where name_key > $1 and not deleted and ($2 = '' or search_key like $2 escape '\\') order by name_key limit $3 + 0"
);

/// Users by name after `after`, those whose search key matches a LIKE pattern ('' matches all).
pub async fn list(conn: &mut Conn, after: &str, pattern: &str, limit: i64) -> Result<Vec<UserRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(after).bind(pattern).bind(limit).fetch_all(c).await?))
}

/// What a user says of herself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub display_name: String,
    pub about: String,
    pub color: String,
    pub avatar: String,
}

const UPDATE: &str = concat!(
    "update users set display_name = $2, about = $3, color = $4, avatar = $5, search_key = $6, \
     revision = revision + 1 where id = $1 and not deleted returning ",
    columns!()
);

/// Changes a profile; nothing for one who is gone.
pub async fn update(tx: &mut Tx, id: i64, new: &Profile, search_key: &str) -> Result<Option<UserRow>> {
    Ok(on!(tx.write(), c => sqlx::query_as(UPDATE)
        .bind(id).bind(&new.display_name).bind(&new.about).bind(&new.color).bind(&new.avatar).bind(search_key)
        .fetch_all(c).await?.pop()))
}

const SEEN: &str = "update users set last_seen_at = $2 where id = $1 and not deleted";

/// Notes when a user was last connected.
pub async fn seen(tx: &mut Tx, id: i64, at: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(SEEN).bind(id).bind(at).execute(c).await.map(|_| ())?);
    Ok(())
}

const STILL_THERE_SQLITE: &str = "update users set last_seen_at = $2 \
    where id in (select value from json_each($1)) and not deleted";
// What somebody else is changing is left out: this waits for nobody, and is done again in a minute.
const STILL_THERE_POSTGRES: &str = "update users set last_seen_at = $2 where id in (select u.id from users u \
    where u.id = any($1) and not u.deleted order by u.id for no key update skip locked)";

/// Notes of some users that they were connected until a time.
pub async fn still_there(tx: &mut Tx, ids: &[i64], at: i64) -> Result<()> {
    match tx.write() {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(ids).to_string();
            sqlx::query(STILL_THERE_SQLITE).bind(list).bind(at).execute(&mut **c).await.map(|_| ())?;
        }
        Conn::Postgres(c) => {
            sqlx::query(STILL_THERE_POSTGRES).bind(ids).bind(at).execute(&mut **c).await.map(|_| ())?;
        }
    }
    Ok(())
}

/// What is the user's own, and nobody else's to know.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OwnRow {
    /// The counter that numbers her own events.
    pub position: i64,
    /// How she wants to be seen: StatusKind of the protocol.
    pub status: i64,
    /// In milliseconds since 1970; 0: it stays.
    pub status_kind_expires_at: i64,
    pub status_text: String,
    /// In milliseconds since 1970; 0: it stays.
    pub status_expires_at: i64,
    pub hide_last_seen: bool,
}

const OWN: &str = "select position, status, status_kind_expires_at, status_text, status_expires_at, hide_last_seen from users \
    where id = $1";

/// The user's own.
pub async fn own(conn: &mut Conn, id: i64) -> Result<Option<OwnRow>> {
    Ok(on!(conn, c => sqlx::query_as(OWN).bind(id).fetch_optional(c).await?))
}

const SET_STATUS: &str = concat!(
    "update users set status = $2, status_kind_expires_at = $3, status_text = $4, status_expires_at = $5, hide_last_seen = $6, \
     revision = revision + case when status_text <> $4 or status_expires_at <> $5 then 1 else 0 end \
     where id = $1 and not deleted returning ",
    columns!()
);

/// Changes how a user wants to be seen, and what she says of it; nothing for one who is gone.
pub async fn set_status(tx: &mut Tx, id: i64, own: &OwnRow) -> Result<Option<UserRow>> {
    Ok(on!(tx.write(), c => sqlx::query_as(SET_STATUS)
        .bind(id).bind(own.status).bind(own.status_kind_expires_at).bind(&own.status_text).bind(own.status_expires_at)
        .bind(own.hide_last_seen)
        .fetch_all(c).await?.pop()))
}

const COUNTERS_SQLITE: &str = "select id, position from users where id in (select value from json_each($1))";
const COUNTERS_POSTGRES: &str = "select id, position from users where id = any($1)";

/// The counters that number some users' own events: (who, counter).
pub async fn counters(conn: &mut Conn, ids: &[i64]) -> Result<Vec<(i64, i64)>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(ids).to_string();
            sqlx::query_as(COUNTERS_SQLITE).bind(list).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_as(COUNTERS_POSTGRES).bind(ids).fetch_all(&mut **c).await?,
    })
}

const ADVANCE_SQLITE: &str = "update users set position = position + (j.value ->> 1) from json_each($1) j \
    where users.id = j.value ->> 0 returning id, position";
const LOCK_POSTGRES: &str = "select u.id from users u join jsonb_array_elements($1::jsonb) j(value) \
    on u.id = (j.value ->> 0)::bigint order by u.id for no key update of u";
const ADVANCE_POSTGRES: &str = "update users set position = position + (j.value ->> 1)::bigint \
    from jsonb_array_elements($1::jsonb) j(value) where users.id = (j.value ->> 0)::bigint returning id, position";

/// Raises the counters of some users by some amounts; answers what they are then. Always in order of id, so that two
/// groups never wait for each other.
pub async fn advance(tx: &mut Tx, steps: &[(i64, i64)]) -> Result<Vec<(i64, i64)>> {
    let list = serde_json::json!(steps).to_string();
    Ok(match tx.write() {
        Conn::Sqlite(c) => sqlx::query_as(ADVANCE_SQLITE).bind(list).fetch_all(&mut **c).await?,
        Conn::Postgres(c) => {
            sqlx::query(LOCK_POSTGRES).bind(&list).execute(&mut **c).await?;
            sqlx::query_as(ADVANCE_POSTGRES).bind(&list).fetch_all(&mut **c).await?
        }
    })
}
