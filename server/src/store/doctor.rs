//! What must hold in a database, asked of its rows: for `rookery-server doctor`. Each text counts what is wrong and names one
//! of them. They read whole tables, so nothing else asks them.

use super::{Conn, Result, on};

/// What is wrong by one rule.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Finding {
    /// How many break the rule.
    pub count: i64,
    /// The id of one that does: a conversation, a user, or a file.
    pub example: Option<String>,
}

const POSITION: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c where c.position <> \
    coalesce((select max(m.changed) from messages m where m.conversation_id = c.id), 0)";
const ORDER: &str = "select count(*) as count, cast(min(m.conversation_id) as text) as example from messages m \
    where m.changed < m.id or exists (select 1 from messages x where x.conversation_id = m.conversation_id \
      and x.changed = m.changed and x.id <> m.id)";
const NUMBERS: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c where c.messages <> \
    (select count(*) from messages m where m.conversation_id = c.id and m.system = 0)";
const MEMBERS: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c where c.members <> \
    (select count(*) from memberships p where p.conversation_id = c.id)";
const OWNERS: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c \
    where c.kind = 3 and c.members > 0 and not exists (select 1 from memberships p where p.conversation_id = c.id \
      and p.user_id = c.owner_id)";
const PAIRS: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c where c.kind = 2 \
    and exists (select 1 from users u where u.id in (c.direct_low, c.direct_high) and not u.deleted \
      and not exists (select 1 from memberships p where p.conversation_id = c.id and p.user_id = u.id))";
const STRAYS: &str = "select count(*) as count, cast(min(p.user_id) as text) as example from memberships p \
    where not exists (select 1 from users u where u.id = p.user_id) \
      or not exists (select 1 from conversations c where c.id = p.conversation_id)";
const AUTHORS: &str = "select count(*) as count, cast(min(m.conversation_id) as text) as example from messages m \
    where (m.author_id <> 0 or m.system = 0) and not exists (select 1 from users u where u.id = m.author_id) \
      or not exists (select 1 from conversations c where c.id = m.conversation_id)";
const READ: &str = "select count(*) as count, cast(min(p.user_id) as text) as example from memberships p \
    join conversations c on c.id = p.conversation_id where p.read_position > c.position or p.read_messages <> \
      coalesce((select m.number from messages m where m.conversation_id = p.conversation_id and m.id <= p.read_position \
        order by m.id desc limit 1), 0) \
      or p.own_messages <> (select count(*) from messages m where m.conversation_id = p.conversation_id \
        and m.id > p.read_position and m.author_id = p.user_id and m.system = 0)";
const TOMBSTONES: &str = "select count(*) as count, cast(min(m.conversation_id) as text) as example from messages m \
    where m.deleted and (m.text <> '' or m.reactions <> '' or m.attachments <> '' or m.mentions <> '' or m.pinned_at <> 0 \
      or exists (select 1 from attachments a where a.conversation_id = m.conversation_id and a.message_id = m.id) \
      or exists (select 1 from mentions n where n.conversation_id = m.conversation_id and n.message_id = m.id) \
      or exists (select 1 from reactions r where r.conversation_id = m.conversation_id and r.message_id = m.id))";
const ATTACHMENTS: &str = "select count(*) as count, min(a.media_id) as example from attachments a \
    where not exists (select 1 from media f where f.id = a.media_id)";
const AVATARS: &str = "select count(*) as count, cast(min(u.id) as text) as example from users u \
    where u.avatar <> '' and not exists (select 1 from media f where f.id = u.avatar)";
const ICONS: &str = "select count(*) as count, cast(min(c.id) as text) as example from conversations c \
    where c.icon <> '' and not exists (select 1 from media f where f.id = c.icon)";
const SESSIONS: &str = "select count(*) as count, cast(min(s.user_id) as text) as example from sessions s \
    where not exists (select 1 from users u where u.id = s.user_id and not u.deleted and not u.disabled)";
const QUICK_SQLITE: &str = "pragma integrity_check(1)";

/// A rule, in words, and what breaks it.
pub type Rule = (&'static str, Finding);

/// Asks after every rule.
pub async fn examine(conn: &mut Conn) -> Result<Vec<Rule>> {
    Ok(vec![
        (
            "each conversation's position is its newest change",
            on!(conn, c => sqlx::query_as(POSITION).fetch_one(c).await?),
        ),
        ("each number of a conversation is one message's", on!(conn, c => sqlx::query_as(ORDER).fetch_one(c).await?)),
        ("each conversation counts its messages", on!(conn, c => sqlx::query_as(NUMBERS).fetch_one(c).await?)),
        ("each conversation counts its members", on!(conn, c => sqlx::query_as(MEMBERS).fetch_one(c).await?)),
        ("each group's owner is a member", on!(conn, c => sqlx::query_as(OWNERS).fetch_one(c).await?)),
        (
            "each direct chat has its people, but for who is gone",
            on!(conn, c => sqlx::query_as(PAIRS).fetch_one(c).await?),
        ),
        ("each membership is somebody's, in something", on!(conn, c => sqlx::query_as(STRAYS).fetch_one(c).await?)),
        ("each message has an author and a conversation", on!(conn, c => sqlx::query_as(AUTHORS).fetch_one(c).await?)),
        (
            "read positions and what is counted by them are right",
            on!(conn, c => sqlx::query_as(READ).fetch_one(c).await?),
        ),
        ("nothing is left of deleted messages", on!(conn, c => sqlx::query_as(TOMBSTONES).fetch_one(c).await?)),
        ("each file that a message shows is known", on!(conn, c => sqlx::query_as(ATTACHMENTS).fetch_one(c).await?)),
        ("each avatar is known", on!(conn, c => sqlx::query_as(AVATARS).fetch_one(c).await?)),
        ("each icon is known", on!(conn, c => sqlx::query_as(ICONS).fetch_one(c).await?)),
        ("nobody who is shut out or gone has a session", on!(conn, c => sqlx::query_as(SESSIONS).fetch_one(c).await?)),
    ])
}

/// What SQLite says of its own file; `None`: it is well, or not SQLite.
pub async fn integrity(conn: &mut Conn) -> Result<Option<String>> {
    let Conn::Sqlite(c) = conn else { return Ok(None) };
    let said: String = sqlx::query_scalar(QUICK_SQLITE).fetch_one(&mut **c).await?;
    Ok((said != "ok").then_some(said))
}

const FILES: &str = "select id, size from media where id > $1 order by id limit $2 + 0";

/// Files by id after one, with their sizes.
pub async fn files(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(String, i64)>> {
    Ok(on!(conn, c => sqlx::query_as(FILES).bind(after).bind(limit).fetch_all(c).await?))
}
