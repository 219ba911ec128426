//! Messages: the rows are the log. Every read of a message for somebody joins her membership, in the same statement.

use serde::Deserialize;
use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A message as it is stored. history.rs reads the fields by their order.
#[derive(Clone, Debug, FromRow, Deserialize)]
pub struct MessageRow {
    pub conversation_id: i64,
    pub id: i64,
    pub author_id: i64,
    pub request_id: String,
    pub text: String,
    pub changed: i64,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    pub deleted: bool,
    pub reply_to: i64,
    pub number: i64,
    pub system: i64,
    pub subjects: String,
    pub new_owner_id: i64,
    pub reactions: String,
    pub attachments: String,
    pub mentions: String,
    pub pinned_at: i64,
    pub pinned_by: i64,
}

/// The same for `returning`, where SQLite knows no alias.
macro_rules! own_columns {
    () => {
        "conversation_id, id, author_id, request_id, text, changed, created_at, edited_at, deleted, reply_to, number, system, \
         subjects, new_owner_id, reactions, attachments, mentions, pinned_at, pinned_by"
    };
}

macro_rules! columns {
    () => {
        "m.conversation_id, m.id, m.author_id, m.request_id, m.text, m.changed, m.created_at, m.edited_at, m.deleted, \
         m.reply_to, m.number, m.system, m.subjects, m.new_owner_id, m.reactions, m.attachments, \
         m.mentions, m.pinned_at, m.pinned_by"
    };
}

/// A message that somebody wants to send.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub conversation_id: i64,
    pub author_id: i64,
    pub request_id: String,
    pub content_hash: i64,
    pub text: String,
    pub reply_to: i64,
    /// Whether its author acts as an admin, should she be one.
    pub as_admin: bool,
    /// The files it shows; none of them twice.
    pub media_ids: Vec<String>,
}

/// The numbers that a sent message was given.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Place {
    pub position: i64,
    pub messages: i64,
    pub last_at: i64,
}

// One text for a message that is alone: one hop to the database's thread instead of four. $N counts over the whole text.
// The place is asked for last, when it is on the disk: a row that came earlier would wake the writer only to wait again. No
// row back: not a member, a repeat, a block, or a direct chat whose other one is gone; the caller finds out which.
const SEND_ALONE_SQLITE: &str = "begin immediate; \
    update conversations set position = position + 1, messages = messages + 1, last_at = max(last_at, $6) \
      where id = $1 and exists (select 1 from memberships where user_id = $2 and conversation_id = $1) \
      and not exists (select 1 from messages where conversation_id = $1 and author_id = $2 and request_id = $3) \
      and (kind <> 2 or members > 1 \
        and not exists (select 1 from blocks where user_id = direct_low and blocked_id = direct_high) \
        and not exists (select 1 from blocks where user_id = direct_high and blocked_id = direct_low)); \
    insert into messages (conversation_id, id, author_id, request_id, content_hash, text, changed, created_at, number) \
      select id, position, $2, $3, $4, $5, position, last_at, messages from conversations where id = $1 and changes() = 1; \
    update memberships set own_messages = own_messages + 1 where user_id = $2 and conversation_id = $1 and changes() = 1; \
    commit; \
    select position, messages, last_at from conversations where id = $1 and changes() = 1";

/// Stores one message in a transaction of its own. SQLite only; `None`: nothing was stored, find out why.
pub async fn send_alone(tx: &mut Tx, new: &NewMessage) -> Result<Option<Place>> {
    let now = tx.now;
    match tx.write() {
        // fetch_all: anything that stops at the first row would drop the statements after it, the commit included.
        Conn::Sqlite(c) => Ok(sqlx::query_as(SEND_ALONE_SQLITE)
            .bind(new.conversation_id)
            .bind(new.author_id)
            .bind(&new.request_id)
            .bind(new.content_hash)
            .bind(&new.text)
            .bind(now)
            .fetch_all(&mut **c)
            .await?
            .pop()),
        Conn::Postgres(_) => Ok(None),
    }
}

const IS_STORED: &str = "select exists (select 1 from messages \
    where conversation_id = $1 and author_id = $2 and request_id = $3)";

/// Whether an author's request_id stands for a message already.
pub async fn is_stored(conn: &mut Conn, conversation_id: i64, author_id: i64, request_id: &str) -> Result<bool> {
    Ok(on!(conn, c => sqlx::query_scalar(IS_STORED)
        .bind(conversation_id).bind(author_id).bind(request_id)
        .fetch_one(c).await?))
}

/// What must be known of a message before it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct Check {
    /// The conversation's counters; none: there is no such conversation.
    pub position: Option<i64>,
    pub messages: Option<i64>,
    pub last_at: Option<i64>,
    /// Whether it is a direct chat with somebody whose account was deleted.
    pub deserted: bool,
    /// The author's membership; none: not a member.
    pub visible_from: Option<i64>,
    /// What the author's request_id stands for already.
    pub repeat_id: Option<i64>,
    pub repeat_hash: Option<i64>,
    /// Whether the message that is answered is there for the author.
    pub reply_found: bool,
    /// Whether it is a direct chat with a block in it, either way.
    pub blocked: bool,
}

const CHECK_SQLITE: &str = "select c.position, c.messages, c.last_at, \
      coalesce(c.kind = 2 and c.members < 2, false) as deserted, p.visible_from, x.id as repeat_id, \
      x.content_hash as repeat_hash, exists (select 1 from messages r where r.conversation_id = j.value ->> 0 \
        and r.id = j.value ->> 3 and r.id >= p.visible_from) as reply_found, \
      coalesce(c.kind = 2 \
        and (exists (select 1 from blocks b where b.user_id = c.direct_low and b.blocked_id = c.direct_high) \
          or exists (select 1 from blocks b where b.user_id = c.direct_high and b.blocked_id = c.direct_low)), false) as blocked \
    from json_each($1) j \
    left join conversations c on c.id = j.value ->> 0 \
    left join memberships p on p.user_id = j.value ->> 1 and p.conversation_id = j.value ->> 0 \
    left join messages x on x.conversation_id = j.value ->> 0 and x.author_id = j.value ->> 1 \
      and x.request_id = j.value ->> 2 \
    order by j.key";
const CHECK_POSTGRES: &str = "select c.position, c.messages, c.last_at, \
      coalesce(c.kind = 2 and c.members < 2, false) as deserted, p.visible_from, x.id as repeat_id, \
      x.content_hash as repeat_hash, exists (select 1 from messages r where r.conversation_id = j.conversation_id \
        and r.id = j.reply_to and r.id >= p.visible_from) as reply_found, \
      coalesce(c.kind = 2 \
        and (exists (select 1 from blocks b where b.user_id = c.direct_low and b.blocked_id = c.direct_high) \
          or exists (select 1 from blocks b where b.user_id = c.direct_high and b.blocked_id = c.direct_low)), false) as blocked \
    from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) \
      with ordinality j(conversation_id, author_id, request_id, reply_to, key) \
    left join conversations c on c.id = j.conversation_id \
    left join memberships p on p.user_id = j.author_id and p.conversation_id = j.conversation_id \
    left join messages x on x.conversation_id = j.conversation_id and x.author_id = j.author_id \
      and x.request_id = j.request_id \
    order by j.key";

/// Looks up what a group of messages needs, in their order.
pub async fn check(tx: &mut Tx, group: &[&NewMessage]) -> Result<Vec<Check>> {
    Ok(match tx.read() {
        Conn::Sqlite(c) => {
            let keys: Vec<_> =
                group.iter().map(|new| (new.conversation_id, new.author_id, &new.request_id, new.reply_to)).collect();
            sqlx::query_as(CHECK_SQLITE).bind(serde_json::json!(keys).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(CHECK_POSTGRES)
                .bind(group.iter().map(|new| new.conversation_id).collect::<Vec<_>>())
                .bind(group.iter().map(|new| new.author_id).collect::<Vec<_>>())
                .bind(group.iter().map(|new| new.request_id.clone()).collect::<Vec<_>>())
                .bind(group.iter().map(|new| new.reply_to).collect::<Vec<_>>())
                .fetch_all(&mut **c)
                .await?
        }
    })
}

/// A message with its place, ready to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    pub new: &'a NewMessage,
    pub place: Place,
    /// Its files as readers see them.
    pub attachments: &'a str,
    /// Whom it mentions, as readers see it.
    pub mentions: &'a str,
}

const INSERT_SQLITE: &str = "update conversations set position = j.value ->> 1, messages = j.value ->> 2, \
      last_at = j.value ->> 3 from json_each($1) j where conversations.id = j.value ->> 0; \
    insert into messages (conversation_id, id, author_id, request_id, content_hash, text, changed, created_at, reply_to, \
        number, attachments, mentions) \
      select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 1, value ->> 6, \
        value ->> 7, value ->> 8, value ->> 9, value ->> 10 from json_each($2); \
    update memberships set own_messages = own_messages + (j.value ->> 2) from json_each($3) j \
      where memberships.user_id = j.value ->> 1 and memberships.conversation_id = j.value ->> 0";
const INSERT_POSTGRES: &str = "with counters as (update conversations set position = j.position, messages = j.messages, \
        last_at = j.last_at from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) \
        j(id, position, messages, last_at) where conversations.id = j.id), \
      inserted as (insert into messages (conversation_id, id, author_id, request_id, content_hash, text, changed, \
        created_at, reply_to, number, attachments, mentions) \
        select j.conversation_id, j.id, j.author_id, j.request_id, j.content_hash, j.text, j.id, j.created_at, j.reply_to, \
          j.number, j.attachments, j.mentions from unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::text[], \
          $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[]) \
          j(conversation_id, id, author_id, request_id, content_hash, text, created_at, reply_to, number, attachments, \
            mentions)) \
    update memberships set own_messages = own_messages + j.own \
      from unnest($16::bigint[], $17::bigint[], $18::bigint[]) j(conversation_id, user_id, own) \
      where memberships.user_id = j.user_id and memberships.conversation_id = j.conversation_id";

/// Stores a group of messages whose places the caller has given out from what `check` answered.
pub async fn insert_group(tx: &mut Tx, group: &[Placed<'_>]) -> Result<()> {
    let mut counters: std::collections::BTreeMap<i64, Place> = std::collections::BTreeMap::new();
    let mut own: std::collections::BTreeMap<(i64, i64), i64> = std::collections::BTreeMap::new();
    for placed in group {
        counters.insert(placed.new.conversation_id, placed.place);
        *own.entry((placed.new.conversation_id, placed.new.author_id)).or_default() += 1;
    }
    match tx.write() {
        Conn::Sqlite(c) => {
            let counters: Vec<_> = counters.iter().map(|(id, at)| (id, at.position, at.messages, at.last_at)).collect();
            let rows: Vec<_> = group
                .iter()
                .map(|Placed { new, place, attachments, mentions }| {
                    (
                        new.conversation_id,
                        place.position,
                        new.author_id,
                        &new.request_id,
                        new.content_hash,
                        &new.text,
                        place.last_at,
                        new.reply_to,
                        place.messages,
                        attachments,
                        mentions,
                    )
                })
                .collect();
            let own: Vec<_> = own.iter().map(|((conversation, user), count)| (conversation, user, count)).collect();
            sqlx::query(INSERT_SQLITE)
                .bind(serde_json::json!(counters).to_string())
                .bind(serde_json::json!(rows).to_string())
                .bind(serde_json::json!(own).to_string())
                .execute(&mut **c)
                .await?;
        }
        Conn::Postgres(c) => {
            let each = |f: fn(&Placed<'_>) -> i64| group.iter().map(f).collect::<Vec<i64>>();
            sqlx::query(INSERT_POSTGRES)
                .bind(counters.keys().copied().collect::<Vec<_>>())
                .bind(counters.values().map(|at| at.position).collect::<Vec<_>>())
                .bind(counters.values().map(|at| at.messages).collect::<Vec<_>>())
                .bind(counters.values().map(|at| at.last_at).collect::<Vec<_>>())
                .bind(each(|placed| placed.new.conversation_id))
                .bind(each(|placed| placed.place.position))
                .bind(each(|placed| placed.new.author_id))
                .bind(group.iter().map(|placed| placed.new.request_id.clone()).collect::<Vec<_>>())
                .bind(each(|placed| placed.new.content_hash))
                .bind(group.iter().map(|placed| placed.new.text.clone()).collect::<Vec<_>>())
                .bind(each(|placed| placed.place.last_at))
                .bind(each(|placed| placed.new.reply_to))
                .bind(each(|placed| placed.place.messages))
                .bind(group.iter().map(|placed| placed.attachments.to_owned()).collect::<Vec<_>>())
                .bind(group.iter().map(|placed| placed.mentions.to_owned()).collect::<Vec<_>>())
                .bind(own.keys().map(|key| key.0).collect::<Vec<_>>())
                .bind(own.keys().map(|key| key.1).collect::<Vec<_>>())
                .bind(own.values().copied().collect::<Vec<_>>())
                .execute(&mut **c)
                .await?;
        }
    }
    Ok(())
}

/// A line that the server writes.
#[derive(Debug)]
pub struct NewLine<'a> {
    pub author_id: i64,
    pub request_id: &'a str,
    /// SystemKind of the protocol.
    pub system: i64,
    /// The new name, where the kind has one.
    pub text: &'a str,
    /// JSON list of users, or ''.
    pub subjects: &'a str,
    pub new_owner_id: i64,
}

const INSERT_LINE: &str = concat!(
    "insert into messages (conversation_id, id, author_id, request_id, content_hash, text, changed, created_at, \
     number, system, subjects, new_owner_id) \
     select c.id, c.position, $2, $3, 0, $4, c.position, c.last_at, c.messages, $5, $6, $7 from conversations c \
     where c.id = $1 returning ",
    own_columns!()
);

/// Stores a line at the conversation's position, which the caller has just advanced to.
pub async fn insert_line(tx: &mut Tx, conversation_id: i64, line: &NewLine<'_>) -> Result<MessageRow> {
    Ok(on!(tx.write(), c => sqlx::query_as(INSERT_LINE)
        .bind(conversation_id).bind(line.author_id).bind(line.request_id).bind(line.text).bind(line.system)
        .bind(line.subjects).bind(line.new_owner_id)
        .fetch_all(c).await?.pop().ok_or_else(|| super::Error::Fault("no conversation to write a line in".into()))?))
}

const GET: &str = concat!(
    "select ",
    columns!(),
    " from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
     where m.conversation_id = $2 and m.id = $3 and m.id >= p.visible_from"
);

/// One message, if the reader may read it.
pub async fn get(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64) -> Result<Option<MessageRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(reader).bind(conversation_id).bind(id).fetch_optional(c).await?))
}

const GET_OWN: &str = concat!(
    "select ",
    columns!(),
    " from messages m where m.conversation_id = $1 and m.id = $2 and m.author_id = $3 and m.system = 0"
);

/// One message to its author, member or not: for the answer to a repeated send.
pub async fn get_own(conn: &mut Conn, conversation_id: i64, id: i64, author_id: i64) -> Result<Option<MessageRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET_OWN).bind(conversation_id).bind(id).bind(author_id).fetch_optional(c).await?))
}

const OF_REQUEST: &str = concat!(
    "select ",
    columns!(),
    " from messages m where m.conversation_id = $1 and m.author_id = $2 and m.request_id = $3"
);

/// What an author's request_id stands for.
pub async fn of_request(conn: &mut Conn, id: i64, author_id: i64, request_id: &str) -> Result<Option<MessageRow>> {
    Ok(on!(conn, c => sqlx::query_as(OF_REQUEST).bind(id).bind(author_id).bind(request_id).fetch_optional(c).await?))
}

// By the index that finds repeats, conversation by conversation: one of its own would be written with every message, for what
// is asked once in an account's life.
const WRITTEN: &str = "select c.id, count(*) from conversations c cross join messages m \
    where m.conversation_id = c.id and m.author_id = $1 and m.system = 0 and not m.deleted group by c.id order by c.id";

/// Where a user has written, member or not, and how many of her messages there are not deleted.
pub async fn written(conn: &mut Conn, user_id: i64) -> Result<Vec<(i64, i64)>> {
    Ok(on!(conn, c => sqlx::query_as(WRITTEN).bind(user_id).fetch_all(c).await?))
}

// By id itself, SQLite would look through the whole conversation to be spared sorting hers.
const WRITTEN_IN: &str = "select id from messages where conversation_id = $1 and author_id = $2 and system = 0 and not deleted \
    order by id + 0";

/// A user's messages in one conversation that are not deleted.
pub async fn written_in(conn: &mut Conn, conversation_id: i64, user_id: i64) -> Result<Vec<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(WRITTEN_IN).bind(conversation_id).bind(user_id).fetch_all(c).await?))
}

const CHANGES_FOR_ALL: &str = concat!(
    "select ",
    columns!(),
    " from messages m where m.conversation_id = $1 and m.changed > $2 order by m.changed limit $3 + 0"
);

/// Messages that changed after a position, whoever may read them: for the hub, which compares for each reader.
pub async fn changes_for_all(conn: &mut Conn, conversation_id: i64, after: i64, limit: i64) -> Result<Vec<MessageRow>> {
    Ok(on!(conn, c => sqlx::query_as(CHANGES_FOR_ALL)
        .bind(conversation_id).bind(after).bind(limit).fetch_all(c).await?))
}

const GET_MANY_SQLITE: &str = concat!(
    "select ",
    columns!(),
    " from json_each($1) j join messages m on m.conversation_id = j.value ->> 0 and m.id = j.value ->> 1"
);
const GET_MANY_POSTGRES: &str = concat!(
    "select ",
    columns!(),
    " from jsonb_array_elements($1::jsonb) j(value) join messages m on m.conversation_id = (j.value ->> 0)::bigint \
     and m.id = (j.value ->> 1)::bigint"
);

/// Messages by (conversation, id), which the caller has from a statement that joined memberships.
pub async fn get_many(conn: &mut Conn, keys: &[(i64, i64)]) -> Result<Vec<MessageRow>> {
    let list = serde_json::json!(keys).to_string();
    Ok(match conn {
        Conn::Sqlite(c) => sqlx::query_as(GET_MANY_SQLITE).bind(list).fetch_all(&mut **c).await?,
        Conn::Postgres(c) => sqlx::query_as(GET_MANY_POSTGRES).bind(list).fetch_all(&mut **c).await?,
    })
}

const LIST_BY_SEQ_SQLITE: &str = concat!(
    "select ",
    columns!(),
    " from json_each($2) j cross join messages m on m.seq = j.value join memberships p on p.conversation_id = m.conversation_id \
      and p.user_id = $1 where m.id >= p.visible_from and not m.deleted order by m.seq desc"
);
const LIST_BY_SEQ_POSTGRES: &str = concat!(
    "select ",
    columns!(),
    " from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
      where m.seq = any($2) and m.id >= p.visible_from and not m.deleted order by m.seq desc"
);

/// Messages by the table's own key, newest first: those that the reader may read and that are not deleted.
pub async fn list_by_seq(conn: &mut Conn, reader: i64, seqs: &[i64]) -> Result<Vec<MessageRow>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(seqs).to_string();
            sqlx::query_as(LIST_BY_SEQ_SQLITE).bind(reader).bind(list).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_as(LIST_BY_SEQ_POSTGRES).bind(reader).bind(seqs).fetch_all(&mut **c).await?,
    })
}

const EDIT: &str = concat!(
    "update messages set text = $3, mentions = $4, edited_at = $5, changed = $6 where conversation_id = $1 and id = $2 \
     returning ",
    own_columns!()
);

/// Gives a message another text, with whom it mentions as readers see it, as change number `changed`.
pub async fn edit(
    tx: &mut Tx,
    conversation_id: i64,
    id: i64,
    (text, mentions): (&str, &str),
    changed: i64,
) -> Result<MessageRow> {
    let now = tx.now;
    Ok(on!(tx.write(), c => sqlx::query_as(EDIT)
        .bind(conversation_id).bind(id).bind(text).bind(mentions).bind(now).bind(changed).fetch_one(c).await?))
}

const DELETE: &str = concat!(
    "update messages set text = '', reactions = '', attachments = '', mentions = '', pinned_at = 0, pinned_by = 0, \
     deleted = true, changed = $3 where conversation_id = $1 and id = $2 returning ",
    own_columns!()
);

/// Makes a message a tombstone, as change number `changed`.
pub async fn delete(tx: &mut Tx, conversation_id: i64, id: i64, changed: i64) -> Result<MessageRow> {
    Ok(on!(tx.write(), c => sqlx::query_as(DELETE).bind(conversation_id).bind(id).bind(changed).fetch_one(c).await?))
}

const REACT: &str = concat!(
    "update messages set reactions = $3, changed = $4 where conversation_id = $1 and id = $2 returning ",
    own_columns!()
);

/// Stores a message's reactions as readers see them, as change number `changed`.
pub async fn react(tx: &mut Tx, conversation_id: i64, id: i64, reactions: &str, changed: i64) -> Result<MessageRow> {
    Ok(on!(tx.write(), c => sqlx::query_as(REACT)
        .bind(conversation_id).bind(id).bind(reactions).bind(changed).fetch_one(c).await?))
}

const PIN: &str = concat!(
    "update messages set pinned_by = $3, pinned_at = $4, changed = $5 where conversation_id = $1 and id = $2 returning ",
    own_columns!()
);

/// Pins a message for somebody, or unpins it (nobody, 0), as change number `changed`.
pub async fn pin(tx: &mut Tx, conversation_id: i64, id: i64, pinned_by: i64, changed: i64) -> Result<MessageRow> {
    let at = if pinned_by == 0 { 0 } else { tx.now };
    Ok(on!(tx.write(), c => sqlx::query_as(PIN)
        .bind(conversation_id).bind(id).bind(pinned_by).bind(at).bind(changed).fetch_one(c).await?))
}

const PIN_COUNT: &str = "select count(*) from messages where conversation_id = $1 and pinned_at > 0";

/// How many messages of a conversation are pinned.
pub async fn pin_count(conn: &mut Conn, conversation_id: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(PIN_COUNT).bind(conversation_id).fetch_one(c).await?))
}

const PINS: &str = concat!(
    "select ",
    columns!(),
    " from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
     where m.conversation_id = $2 and m.pinned_at > 0 and (m.pinned_at, m.id) < ($3, $4) and m.id >= p.visible_from \
     order by m.pinned_at desc, m.id desc limit $5 + 0"
);

/// Pinned messages that a reader may read, last pinned first, from before a (time, id) on.
pub async fn pins(
    conn: &mut Conn,
    reader: i64,
    conversation_id: i64,
    before: (i64, i64),
    limit: i64,
) -> Result<Vec<MessageRow>> {
    Ok(on!(conn, c => sqlx::query_as(PINS)
        .bind(reader).bind(conversation_id).bind(before.0).bind(before.1).bind(limit).fetch_all(c).await?))
}

const NUMBER_AT: &str = "select number from messages where conversation_id = $1 and id <= $2 order by id desc limit 1";

/// How many user messages there are up to an id.
pub async fn number_at(conn: &mut Conn, conversation_id: i64, id: i64) -> Result<i64> {
    let number: Option<i64> =
        on!(conn, c => sqlx::query_scalar(NUMBER_AT).bind(conversation_id).bind(id).fetch_optional(c).await?);
    Ok(number.unwrap_or(0))
}
