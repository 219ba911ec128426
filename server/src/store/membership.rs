//! Memberships: who is in what, from where on she may read and how far she has read.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on, user::UserRow};

/// A user's place in a conversation.
#[derive(Clone, Debug, FromRow)]
pub struct MembershipRow {
    pub visible_from: i64,
    pub read_position: i64,
    pub read_messages: i64,
    pub own_messages: i64,
}

const GET: &str = "select visible_from, read_position, read_messages, own_messages from memberships \
    where user_id = $1 and conversation_id = $2";

/// A user's membership.
pub async fn get(conn: &mut Conn, user_id: i64, conversation_id: i64) -> Result<Option<MembershipRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(user_id).bind(conversation_id).fetch_optional(c).await?))
}

/// What a new membership is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewMembership {
    pub user_id: i64,
    pub conversation_id: i64,
    pub visible_from: i64,
    pub joined_position: i64,
}

const INSERT: &str = "insert into memberships (user_id, conversation_id, visible_from, joined_position, joined_at, read_position, \
    read_messages) select $1, c.id, $3, $4, $5, c.position, c.messages from conversations c where c.id = $2";

/// Stores a membership; all that is there counts as read.
pub async fn insert(tx: &mut Tx, new: NewMembership) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(new.user_id).bind(new.conversation_id).bind(new.visible_from).bind(new.joined_position).bind(now)
        .execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE: &str = "delete from memberships where user_id = $1 and conversation_id = $2";

/// Ends a membership.
pub async fn delete(tx: &mut Tx, user_id: i64, conversation_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(user_id).bind(conversation_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const OLDEST: &str = "select user_id from memberships where conversation_id = $1 and user_id <> $2 \
    order by joined_position, user_id limit 1";

/// The member who has been there longest, but for one.
pub async fn oldest_but(conn: &mut Conn, conversation_id: i64, user_id: i64) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(OLDEST).bind(conversation_id).bind(user_id).fetch_optional(c).await?))
}

const AMONG_SQLITE: &str = "select user_id from memberships \
    where conversation_id = $1 and user_id in (select value from json_each($2))";
const AMONG_POSTGRES: &str = "select user_id from memberships \
    where conversation_id = $1 and user_id in (select value::bigint from jsonb_array_elements_text($2::jsonb))";

/// Which of some users are members.
pub async fn among(conn: &mut Conn, conversation_id: i64, user_ids: &[i64]) -> Result<Vec<i64>> {
    let list = serde_json::json!(user_ids).to_string();
    Ok(match conn {
        Conn::Sqlite(c) => {
            sqlx::query_scalar(AMONG_SQLITE).bind(conversation_id).bind(list).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_scalar(AMONG_POSTGRES).bind(conversation_id).bind(list).fetch_all(&mut **c).await?
        }
    })
}

/// A member in a list.
#[derive(Clone, Debug, FromRow)]
pub struct MemberRow {
    #[sqlx(flatten)]
    pub user: UserRow,
    pub joined_position: i64,
    pub joined_at: i64,
}

const LIST: &str = "select u.id, u.name, u.display_name, u.about, u.created_at, u.last_seen_at, p.joined_position, p.joined_at \
    from memberships p join users u on u.id = p.user_id \
    where p.conversation_id = $1 and (p.joined_position, p.user_id) > ($2, $3) \
    order by p.joined_position, p.user_id limit $4";

/// Members in order of joining, after one.
pub async fn list(conn: &mut Conn, conversation_id: i64, after: (i64, i64), limit: i64) -> Result<Vec<MemberRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST)
        .bind(conversation_id).bind(after.0).bind(after.1).bind(limit).fetch_all(c).await?))
}

const READ: &str = "update memberships set read_position = $3, read_messages = $4, own_messages = (select count(*) \
      from messages m where m.conversation_id = $2 and m.id > $3 and m.author_id = $1 and m.system = 0) \
    where user_id = $1 and conversation_id = $2";

/// Moves a read position, with the number of user messages up to it.
pub async fn read(tx: &mut Tx, user_id: i64, conversation_id: i64, position: i64, messages: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(READ)
        .bind(user_id).bind(conversation_id).bind(position).bind(messages).execute(c).await.map(|_| ())?);
    Ok(())
}

const READ_ON: &str = "update memberships set read_position = $3, \
      read_messages = coalesce((select m.number from messages m where m.conversation_id = $2 and m.id <= $3 \
        order by m.id desc limit 1), 0), \
      own_messages = (select count(*) from messages m where m.conversation_id = $2 and m.id > $3 and m.author_id = $1 \
        and m.system = 0) \
    where user_id = $1 and conversation_id = $2 and read_position < $3 \
      and exists (select 1 from conversations c where c.id = $2 and c.position >= $3) \
    returning (select c.position from conversations c where c.id = $2) as position, \
      (select c.messages from conversations c where c.id = $2) - read_messages - own_messages - (select count(*) \
        from messages d where d.conversation_id = $2 and d.deleted and d.id > $3 and d.author_id <> $1) as unread";

/// Moves a read position forward: the conversation's position, and what is unread then. Nothing if it is not there, not
/// forward, or beyond the end: find out which.
pub async fn read_on(tx: &mut Tx, user_id: i64, conversation_id: i64, position: i64) -> Result<Option<(i64, i64)>> {
    let read = on!(tx.read(), c => sqlx::query_as(READ_ON)
        .bind(user_id).bind(conversation_id).bind(position).fetch_all(c).await?.pop());
    if read.is_some() {
        // Only now something was written.
        tx.write();
    }
    Ok(read)
}

const REMOVED: &str = "select count(*) from removals where conversation_id = $1 and user_id = $2";

/// Whether a user was removed from a conversation.
pub async fn removed(conn: &mut Conn, conversation_id: i64, user_id: i64) -> Result<bool> {
    let count: i64 =
        on!(conn, c => sqlx::query_scalar(REMOVED).bind(conversation_id).bind(user_id).fetch_one(c).await?);
    Ok(count > 0)
}

const REMOVE: &str = "insert into removals (conversation_id, user_id) values ($1, $2) on conflict do nothing";

/// Notes that a user was removed.
pub async fn remove(tx: &mut Tx, conversation_id: i64, user_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(REMOVE).bind(conversation_id).bind(user_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const FORGIVE: &str = "delete from removals where conversation_id = $1 and user_id = $2";

/// Forgets that a user was removed.
pub async fn forgive(tx: &mut Tx, conversation_id: i64, user_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(FORGIVE).bind(conversation_id).bind(user_id).execute(c).await.map(|_| ())?);
    Ok(())
}
