//! Conversations: their rows, their counters, and lists of them as one reader sees them.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// ConversationKind of the protocol, as it is stored.
pub const GLOBAL: i64 = 1;
pub const DIRECT: i64 = 2;
pub const GROUP: i64 = 3;

/// A conversation as it is for all its readers.
#[derive(Clone, Debug, FromRow)]
pub struct ConversationRow {
    pub id: i64,
    pub kind: i64,
    pub name: String,
    pub public: bool,
    pub owner_id: i64,
    pub direct_low: i64,
    pub direct_high: i64,
    pub position: i64,
    pub messages: i64,
    pub members: i64,
    pub open_history: bool,
    pub created_at: i64,
    pub icon: String,
    /// Whether the owner alone sees to its name, picture, new members and invites.
    pub owner_manages: bool,
}

macro_rules! columns {
    () => {
        "c.id, c.kind, c.name, c.public, c.owner_id, c.direct_low, c.direct_high, c.position, c.messages, c.members, \
         c.open_history, c.created_at, c.icon, c.owner_manages"
    };
}

/// A conversation with one reader's own place in it.
#[derive(Clone, Debug, FromRow)]
pub struct ListedRow {
    #[sqlx(flatten)]
    pub conversation: ConversationRow,
    pub visible_from: i64,
    pub read_position: i64,
    pub unread: i64,
    pub unread_mentions: i64,
    pub muted_until: i64,
    pub hidden_through: i64,
    /// The newest message that the reader may read, but for lines that nobody draws (5: left silently).
    pub last_id: Option<i64>,
}

macro_rules! listed {
    () => {
        concat!(
            "select ",
            columns!(),
            ", p.visible_from, p.read_position, p.muted_until, p.hidden_through, c.messages - p.read_messages - p.own_messages - (select count(*) \
               from messages d where d.conversation_id = c.id and d.deleted and d.id > p.read_position \
               and d.author_id <> p.user_id) as unread, (select count(distinct n.message_id) from mentions n where n.conversation_id = c.id \
               and n.user_id in (p.user_id, 0) and n.message_id > p.read_position and n.author_id <> p.user_id) as unread_mentions, \
             (select x.id from messages x where x.conversation_id = c.id and x.id >= p.visible_from and x.system <> 5 \
               order by x.id desc limit 1) as last_id \
             from memberships p join conversations c on c.id = p.conversation_id "
        )
    };
}

const LIST: &str = concat!(
    listed!(),
    "where p.user_id = $1 and c.id > $2 and (c.kind <> 2 or c.messages > 0 and (p.hidden_through = 0 or exists (select 1 \
       from messages y where y.conversation_id = c.id and y.id > p.hidden_through and y.system = 0))) \
     order by c.id limit $3 + 0"
);

/// The conversations that a reader lists, by id, after one. The global room was made first.
pub async fn list(conn: &mut Conn, reader: i64, after: i64, limit: i64) -> Result<Vec<ListedRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST).bind(reader).bind(after).bind(limit).fetch_all(c).await?))
}

const LISTED: &str = concat!(listed!(), "where p.user_id = $1 and p.conversation_id = $2");

/// One conversation as a member sees it.
pub async fn listed(conn: &mut Conn, reader: i64, id: i64) -> Result<Option<ListedRow>> {
    Ok(on!(conn, c => sqlx::query_as(LISTED).bind(reader).bind(id).fetch_optional(c).await?))
}

/// Where a reader stands in a conversation, for a stream.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Standing {
    pub id: i64,
    pub position: i64,
    pub visible_from: i64,
    pub members: i64,
    pub kind: i64,
    pub hidden_through: i64,
}

const STANDINGS: &str = "select c.id, c.position, p.visible_from, c.members, c.kind, p.hidden_through \
    from memberships p join conversations c on c.id = p.conversation_id where p.user_id = $1 order by c.id";

/// All conversations that a reader is in, listed or not.
pub async fn standings(conn: &mut Conn, reader: i64) -> Result<Vec<Standing>> {
    Ok(on!(conn, c => sqlx::query_as(STANDINGS).bind(reader).fetch_all(c).await?))
}

const STANDING: &str = "select c.id, c.position, p.visible_from, c.members, c.kind, p.hidden_through \
    from memberships p join conversations c on c.id = p.conversation_id where p.user_id = $1 and p.conversation_id = $2";

/// The same for one conversation.
pub async fn standing(conn: &mut Conn, reader: i64, id: i64) -> Result<Option<Standing>> {
    Ok(on!(conn, c => sqlx::query_as(STANDING).bind(reader).bind(id).fetch_optional(c).await?))
}

const GET: &str = concat!("select ", columns!(), " from conversations c where c.id = $1");

/// One conversation, whoever asks.
pub async fn get(conn: &mut Conn, id: i64) -> Result<Option<ConversationRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(id).fetch_optional(c).await?))
}

const GLOBAL_ID: &str = "select id from conversations where kind = 1";

/// The global room's id.
pub async fn global(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(GLOBAL_ID).fetch_optional(c).await?))
}

const DIRECT_ID: &str = "select id from conversations where kind = 2 and direct_low = $1 and direct_high = $2";

/// The direct chat of a pair.
pub async fn direct(conn: &mut Conn, low: i64, high: i64) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(DIRECT_ID).bind(low).bind(high).fetch_optional(c).await?))
}

const CREATED: &str = "select id from conversations where creator_id = $1 and request_id = $2";

/// What a creator's request_id has made.
pub async fn created(conn: &mut Conn, creator_id: i64, request_id: &str) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(CREATED).bind(creator_id).bind(request_id).fetch_optional(c).await?))
}

/// What a new conversation is made of.
#[derive(Debug, Default)]
pub struct NewConversation<'a> {
    pub kind: i64,
    pub name: &'a str,
    pub search_key: &'a str,
    pub public: bool,
    pub open_history: bool,
    pub owner_manages: bool,
    pub owner_id: i64,
    pub creator_id: i64,
    pub request_id: &'a str,
    pub direct_low: i64,
    pub direct_high: i64,
    pub members: i64,
}

const INSERT: &str = "insert into conversations (kind, name, search_key, public, owner_id, creator_id, request_id, direct_low, \
    direct_high, members, last_at, created_at, open_history, owner_manages) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
    on conflict do nothing returning id";

/// Stores a new conversation; nothing if it is there (its pair, its request_id, the global room).
pub async fn insert(tx: &mut Tx, new: &NewConversation<'_>) -> Result<Option<i64>> {
    let now = tx.now;
    Ok(on!(tx.write(), c => sqlx::query_scalar(INSERT)
        .bind(new.kind).bind(new.name).bind(new.search_key).bind(new.public).bind(new.owner_id).bind(new.creator_id)
        .bind(new.request_id).bind(new.direct_low).bind(new.direct_high).bind(new.members).bind(now).bind(now)
        .bind(new.open_history).bind(new.owner_manages)
        .fetch_all(c).await?.pop()))
}

const LOCK_POSTGRES: &str = "select id from conversations where id = any($1) order by id for update";

/// Locks conversations, in order of id. SQLite has one writer and needs none.
pub async fn lock(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    if let Conn::Postgres(c) = conn {
        sqlx::query(LOCK_POSTGRES).bind(ids).execute(&mut **c).await?;
    }
    Ok(())
}

const ADVANCE: &str = "update conversations set position = position + 1, \
    last_at = case when last_at > $2 then last_at else $2 end where id = $1 returning position";

/// Takes the conversation's next number.
pub async fn advance(tx: &mut Tx, id: i64) -> Result<i64> {
    let now = tx.now;
    let position: Option<i64> =
        on!(tx.write(), c => sqlx::query_scalar(ADVANCE).bind(id).bind(now).fetch_all(c).await?.pop());
    position.ok_or_else(|| super::Error::Fault("no conversation to advance".into()))
}

const RENAME: &str = "update conversations set name = $2, search_key = $3 where id = $1";

/// Gives a group another name.
pub async fn rename(tx: &mut Tx, id: i64, name: &str, search_key: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(RENAME).bind(id).bind(name).bind(search_key).execute(c).await.map(|_| ())?);
    Ok(())
}

const PUBLISH: &str = "update conversations set public = $2, open_history = false where id = $1";

/// Makes a group public or private; its history is closed to who joins later.
pub async fn publish(tx: &mut Tx, id: i64, public: bool) -> Result<()> {
    on!(tx.write(), c => sqlx::query(PUBLISH).bind(id).bind(public).execute(c).await.map(|_| ())?);
    Ok(())
}

const DRAW: &str = "update conversations set icon = $2 where id = $1";

/// Gives a group another picture; '': none.
pub async fn draw(tx: &mut Tx, id: i64, icon: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DRAW).bind(id).bind(icon).execute(c).await.map(|_| ())?);
    Ok(())
}

const OPEN_HISTORY: &str = "update conversations set open_history = $2 where id = $1";

/// Says whether who joins from now on may read what was there before.
pub async fn open_history(tx: &mut Tx, id: i64, open: bool) -> Result<()> {
    on!(tx.write(), c => sqlx::query(OPEN_HISTORY).bind(id).bind(open).execute(c).await.map(|_| ())?);
    Ok(())
}

const OWNER_MANAGES: &str = "update conversations set owner_manages = $2 where id = $1";

/// Says whether the owner alone sees to a group's name, picture, new members and invites.
pub async fn owner_manages(tx: &mut Tx, id: i64, alone: bool) -> Result<()> {
    on!(tx.write(), c => sqlx::query(OWNER_MANAGES).bind(id).bind(alone).execute(c).await.map(|_| ())?);
    Ok(())
}

const OWN: &str = "update conversations set owner_id = $2 where id = $1";

/// Gives a group another owner.
pub async fn own(tx: &mut Tx, id: i64, owner_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(OWN).bind(id).bind(owner_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const GROW: &str = "update conversations set members = members + $2 where id = $1";

/// Counts members in or out.
pub async fn grow(tx: &mut Tx, id: i64, by: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(GROW).bind(id).bind(by).execute(c).await.map(|_| ())?);
    Ok(())
}

/// A group that anybody may join.
#[derive(Clone, Debug, FromRow)]
pub struct PublicRow {
    pub id: i64,
    pub name: String,
    pub icon: String,
    pub search_key: String,
    pub members: i64,
    pub joined: bool,
}

const PUBLIC: &str = "select c.id, c.name, c.icon, c.search_key, c.members, p.user_id is not null as joined from conversations c \
    left join memberships p on p.user_id = $1 and p.conversation_id = c.id \
    where c.public and c.members > 0 and (c.search_key, c.id) > ($2, $3) and ($4 = '' or c.search_key like $4 escape '\\') \
    order by c.search_key, c.id limit $5 + 0";

/// Public groups by name after one, those whose search key matches a LIKE pattern ('' matches all).
pub async fn list_public(
    conn: &mut Conn,
    reader: i64,
    after: (&str, i64),
    pattern: &str,
    limit: i64,
) -> Result<Vec<PublicRow>> {
    Ok(on!(conn, c => sqlx::query_as(PUBLIC)
        .bind(reader).bind(after.0).bind(after.1).bind(pattern).bind(limit).fetch_all(c).await?))
}
