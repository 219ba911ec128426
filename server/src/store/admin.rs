//! Accounts as admins see and change them.

use sqlx::FromRow;

use super::{
    Conn, Result, Tx, on,
    user::{UserRow, user_columns},
};

/// An account.
#[derive(Clone, Debug, FromRow)]
pub struct AccountRow {
    #[sqlx(flatten)]
    pub user: UserRow,
    pub disabled: bool,
    /// How many bytes of files are the user's.
    pub file_bytes: i64,
}

macro_rules! account_columns {
    () => {
        "u.disabled, (select cast(coalesce(sum(f.size), 0) as bigint) from media f where f.owner_id = u.id) as file_bytes"
    };
}

const LIST: &str = concat!(
    "select ",
    user_columns!(),
    ", ",
    account_columns!(),
    " from users u where u.name_key > $1 and not u.deleted and ($2 = '' or u.search_key like $2 escape '\\') \
     order by u.name_key limit $3 + 0"
);

/// Accounts by name after `after`, those whose search key matches a LIKE pattern ('' matches all).
pub async fn list(conn: &mut Conn, after: &str, pattern: &str, limit: i64) -> Result<Vec<AccountRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(after).bind(pattern).bind(limit).fetch_all(c).await?))
}

const GET: &str =
    concat!("select ", user_columns!(), ", ", account_columns!(), " from users u where u.id = $1 and not u.deleted");

/// One account; of a deleted one there is nothing to see.
pub async fn get(conn: &mut Conn, id: i64) -> Result<Option<AccountRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(id).fetch_optional(c).await?))
}

const NAMED: &str = "select id from users where name_key = $1 and not deleted";

/// Whose login name this is.
pub async fn named(conn: &mut Conn, name_key: &str) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(NAMED).bind(name_key).fetch_optional(c).await?))
}

const IS_ADMIN: &str = "select count(*) from users where id = $1 and admin and not disabled and not deleted";

/// Whether a user is an admin.
pub async fn is_admin(conn: &mut Conn, id: i64) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(IS_ADMIN).bind(id).fetch_one(c).await?);
    Ok(count > 0)
}

const OTHERS: &str = "select count(*) from users where id <> $1 and admin and not disabled and not deleted";

/// Whether there is an admin besides this user.
pub async fn has_other(conn: &mut Conn, id: i64) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(OTHERS).bind(id).fetch_one(c).await?);
    Ok(count > 0)
}

const UPDATE: &str = "update users set admin = $2, disabled = $3, \
    revision = revision + case when admin <> $2 then 1 else 0 end where id = $1";

/// Changes who is an admin, and who is shut out.
pub async fn update(tx: &mut Tx, id: i64, admin: bool, disabled: bool) -> Result<()> {
    on!(tx.write(), c => sqlx::query(UPDATE).bind(id).bind(admin).bind(disabled).execute(c).await.map(|_| ())?);
    Ok(())
}
