//! Memberships: who is in what, from where on she may read and how far she has read.

use sqlx::FromRow;

use super::{
    Conn, Result, Tx, on,
    user::{UserRow, user_columns},
};

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

const OLDEST: &str = "select p.user_id from memberships p join users u on u.id = p.user_id \
    where p.conversation_id = $1 and p.user_id <> $2 order by u.disabled, p.joined_position, p.user_id limit 1";

/// The member who has been there longest, but for one; somebody who is shut out only if there is nobody else.
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

const LIST: &str = concat!(
    "select ",
    user_columns!(),
    ", p.joined_position, p.joined_at from memberships p join users u on u.id = p.user_id \
    where p.conversation_id = $1 and (p.joined_position, p.user_id) > ($2, $3) \
    order by p.joined_position, p.user_id limit $4 + 0"
);

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

const READ_ON_SQLITE: &str = "update memberships set read_position = j.value ->> 2, \
      read_messages = coalesce((select m.number from messages m where m.conversation_id = memberships.conversation_id \
        and m.id <= j.value ->> 2 order by m.id desc limit 1), 0), \
      own_messages = (select count(*) from messages m where m.conversation_id = memberships.conversation_id \
        and m.id > j.value ->> 2 and m.author_id = memberships.user_id and m.system = 0) \
    from json_each($1) j \
    where memberships.user_id = j.value ->> 0 and memberships.conversation_id = j.value ->> 1 \
      and memberships.read_position < j.value ->> 2 \
      and exists (select 1 from conversations c where c.id = j.value ->> 1 and c.position >= j.value ->> 2) \
    returning user_id, conversation_id, read_position, \
      (select c.position from conversations c where c.id = memberships.conversation_id) as as_of, \
      (select c.messages from conversations c where c.id = memberships.conversation_id) - read_messages - own_messages \
        - (select count(*) from messages d where d.conversation_id = memberships.conversation_id and d.deleted \
          and d.id > memberships.read_position and d.author_id <> memberships.user_id) as unread, \
      (select count(distinct n.message_id) from mentions n where n.conversation_id = memberships.conversation_id \
        and n.user_id in (memberships.user_id, 0) and n.message_id > memberships.read_position \
        and n.author_id <> memberships.user_id) as unread_mentions";
const READ_ON_POSTGRES: &str = "update memberships set read_position = j.id, \
      read_messages = coalesce((select m.number from messages m where m.conversation_id = j.conversation_id \
        and m.id <= j.id order by m.id desc limit 1), 0), \
      own_messages = (select count(*) from messages m where m.conversation_id = j.conversation_id \
        and m.id > j.id and m.author_id = j.user_id and m.system = 0) \
    from unnest($1::bigint[], $2::bigint[], $3::bigint[]) j(user_id, conversation_id, id) \
    where memberships.user_id = j.user_id and memberships.conversation_id = j.conversation_id \
      and memberships.read_position < j.id \
      and exists (select 1 from conversations c where c.id = j.conversation_id and c.position >= j.id) \
    returning memberships.user_id, memberships.conversation_id, memberships.read_position, \
      (select c.position from conversations c where c.id = memberships.conversation_id) as as_of, \
      (select c.messages from conversations c where c.id = memberships.conversation_id) - memberships.read_messages \
        - memberships.own_messages - (select count(*) from messages d where d.deleted \
          and d.conversation_id = memberships.conversation_id and d.id > memberships.read_position \
          and d.author_id <> memberships.user_id) as unread, \
      (select count(distinct n.message_id) from mentions n where n.conversation_id = memberships.conversation_id \
        and n.user_id in (memberships.user_id, 0) and n.message_id > memberships.read_position \
        and n.author_id <> memberships.user_id) as unread_mentions";

/// A read position that moved forward.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct ReadRow {
    pub user_id: i64,
    pub conversation_id: i64,
    pub read_position: i64,
    /// The conversation's position, and what was unread then.
    pub as_of: i64,
    pub unread: i64,
    pub unread_mentions: i64,
}

/// Moves read positions forward, each of another (user, conversation). One that is not there, not forward, or beyond the end
/// is not in the answer: find out which.
pub async fn read_on(tx: &mut Tx, group: &[(i64, i64, i64)]) -> Result<Vec<ReadRow>> {
    let read: Vec<ReadRow> = match tx.read() {
        Conn::Sqlite(c) => {
            sqlx::query_as(READ_ON_SQLITE).bind(serde_json::json!(group).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(READ_ON_POSTGRES)
                .bind(group.iter().map(|read| read.0).collect::<Vec<_>>())
                .bind(group.iter().map(|read| read.1).collect::<Vec<_>>())
                .bind(group.iter().map(|read| read.2).collect::<Vec<_>>())
                .fetch_all(&mut **c)
                .await?
        }
    };
    if !read.is_empty() {
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

const PLACE: &str =
    "update memberships set muted_until = $3, hidden_through = $4 where user_id = $1 and conversation_id = $2";

/// Changes until when a conversation is muted, and through which id it is hidden.
pub async fn place(tx: &mut Tx, user_id: i64, conversation_id: i64, muted: i64, hidden: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(PLACE)
        .bind(user_id).bind(conversation_id).bind(muted).bind(hidden).execute(c).await.map(|_| ())?);
    Ok(())
}
