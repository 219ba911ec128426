//! The search index: what messages are found by, how far each conversation is in it, and which messages may have what is
//! looked for. What the tokens are, the rules know.

use serde::Deserialize;
use sqlx::FromRow;

use super::{Conn, Error, Result, on};

const BEHIND: &str = "select c.id from conversations c left join search_positions s on s.conversation_id = c.id \
    where c.position > coalesce(s.position, 0) order by c.id";

/// The conversations that have changes which the index does not know.
pub async fn behind(conn: &mut Conn) -> Result<Vec<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(BEHIND).fetch_all(c).await?))
}

/// A message as the index takes it.
#[derive(Clone, Debug, Deserialize)]
pub struct ChangedRow {
    pub seq: i64,
    pub id: i64,
    pub changed: i64,
    pub author_id: i64,
    pub text: String,
    pub created_at: i64,
    pub deleted: bool,
    pub system: i64,
    pub mentions: String,
    pub attachments: String,
    /// Whether one of its files is the server's own.
    pub own_file: bool,
}

/// What the index does not know of a conversation, or the first of it.
#[derive(Debug)]
pub struct Changes {
    pub conversation_id: i64,
    /// Up to where the index knows it.
    pub from: i64,
    /// The conversation's position.
    pub position: i64,
    /// By their last change.
    pub rows: Vec<ChangedRow>,
}

#[derive(FromRow)]
struct ChangesRow {
    conversation_id: i64,
    searched: i64,
    position: i64,
    messages: String,
}

// A row for each conversation, its messages as JSON: sqlx hands rows over one by one.
macro_rules! own_file {
    () => {
        "m.attachments <> '' and exists (select 1 from attachments a join media x on x.id = a.media_id \
            where a.conversation_id = m.conversation_id and a.message_id = m.id and x.owner_id = 0)"
    };
}
const CHANGES_SQLITE: &str = concat!(
    "select c.id as conversation_id, coalesce(s.position, 0) as searched, c.position, \
      (select json_group_array(json_array(seq, id, changed, author_id, text, created_at, json(iif(deleted, 'true', 'false')), \
          system, mentions, attachments, json(iif(own_file, 'true', 'false')))) \
        from (select m.*, ",
    own_file!(),
    " as own_file from messages m where m.conversation_id = c.id and m.changed > coalesce(s.position, 0) \
          order by m.changed limit $2 + 0)) as messages \
    from json_each($1) j join conversations c on c.id = j.value left join search_positions s on s.conversation_id = c.id"
);
const CHANGES_POSTGRES: &str = concat!(
    "select c.id as conversation_id, coalesce(s.position, 0) as searched, c.position, \
      coalesce((select json_agg(json_build_array(seq, id, changed, author_id, text, created_at, deleted, system, mentions, \
          attachments, own_file) order by changed) \
        from (select m.*, ",
    own_file!(),
    " as own_file from messages m where m.conversation_id = c.id and m.changed > coalesce(s.position, 0) \
          order by m.changed limit $2 + 0) m)::text, '[]') as messages \
    from conversations c left join search_positions s on s.conversation_id = c.id where c.id = any($1)"
);

/// What the index does not know of some conversations, of each at most `limit` messages.
pub async fn changes(conn: &mut Conn, conversations: &[i64], limit: i64) -> Result<Vec<Changes>> {
    let rows: Vec<ChangesRow> = match conn {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(conversations).to_string();
            sqlx::query_as(CHANGES_SQLITE).bind(list).bind(limit).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(CHANGES_POSTGRES).bind(conversations).bind(limit).fetch_all(&mut **c).await?
        }
    };
    let read = |row: ChangesRow| {
        Ok(Changes {
            conversation_id: row.conversation_id,
            from: row.searched,
            position: row.position,
            rows: list(&row.messages)?,
        })
    };
    rows.into_iter().map(read).collect()
}

fn list<T: serde::de::DeserializeOwned>(json: &str) -> Result<Vec<T>> {
    serde_json::from_str(json).map_err(|error| Error::Fault(format!("rows cannot be read: {error}")))
}

/// A message and what it is found by.
#[derive(Clone, Debug)]
pub struct Entry {
    pub conversation_id: i64,
    pub seq: i64,
    /// With blanks between; empty: it is not to be found.
    pub tokens: String,
    /// Whether the index may have something of it already.
    pub known: bool,
}

/// How far a conversation is in the index, and will be.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    pub conversation_id: i64,
    pub from: i64,
    pub to: i64,
}

/// One step of the index.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In order of seq.
    pub entries: Vec<Entry>,
    pub advances: Vec<Advance>,
    /// (day, lowest seq, highest seq)
    pub days: Vec<(i64, i64, i64)>,
}

// One text: the writer has one hop to wait for.
const WRITE_SQLITE: &str = "begin immediate; \
    delete from search where rowid in (select value from json_each($1)); \
    insert into search (rowid, grams) select value ->> 0, value ->> 1 from json_each($2); \
    insert into search_positions (conversation_id, position) select value ->> 0, value ->> 1 from json_each($3) where true \
      on conflict (conversation_id) do update set position = excluded.position; \
    insert into search_days (day, first_seq, last_seq) select value ->> 0, value ->> 1, value ->> 2 from json_each($4) where true \
      on conflict (day) do update set first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq); \
    commit";
// Of a conversation that another node has taken further meanwhile nothing is written: what was read may be older than what
// the index has.
const WRITE_POSTGRES: &str = "with made as (insert into search_positions (conversation_id, position) \
        select id, upto from unnest($1::bigint[], $2::bigint[], $3::bigint[]) a(id, since, upto) where since = 0 \
        on conflict (conversation_id) do nothing returning conversation_id), \
      moved as (update search_positions p set position = a.upto \
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) a(id, since, upto) \
        where p.conversation_id = a.id and p.position = a.since and a.since > 0 returning p.conversation_id), \
      mine as (select conversation_id from made union all select conversation_id from moved), \
      gone as (delete from search s using unnest($4::bigint[], $5::bigint[], $6::text[]) e(conversation_id, seq, tokens) \
        where s.seq = e.seq and e.tokens = '' and e.conversation_id in (select conversation_id from mine)), \
      kept as (insert into search (seq, grams) select e.seq, string_to_array(e.tokens, ' ') \
        from unnest($4::bigint[], $5::bigint[], $6::text[]) e(conversation_id, seq, tokens) \
        where e.tokens <> '' and e.conversation_id in (select conversation_id from mine) \
        on conflict (seq) do update set grams = excluded.grams), \
      days as (insert into search_days (day, first_seq, last_seq) select * from unnest($7::bigint[], $8::bigint[], $9::bigint[]) \
        on conflict (day) do update set first_seq = least(search_days.first_seq, excluded.first_seq), \
          last_seq = greatest(search_days.last_seq, excluded.last_seq)) \
    select conversation_id from mine";

/// Writes one step, in a transaction of its own; which conversations it was done for. After an error on SQLite the caller
/// rolls back.
pub async fn write(conn: &mut Conn, batch: &Batch) -> Result<Vec<i64>> {
    let Batch { entries, advances, days } = batch;
    match conn {
        Conn::Sqlite(c) => {
            let known: Vec<i64> = entries.iter().filter(|entry| entry.known).map(|entry| entry.seq).collect();
            let kept: Vec<(i64, &str)> =
                entries.iter().filter(|e| !e.tokens.is_empty()).map(|e| (e.seq, e.tokens.as_str())).collect();
            let positions: Vec<(i64, i64)> = advances.iter().map(|a| (a.conversation_id, a.to)).collect();
            sqlx::query(WRITE_SQLITE)
                .bind(serde_json::json!(known).to_string())
                .bind(serde_json::json!(kept).to_string())
                .bind(serde_json::json!(positions).to_string())
                .bind(serde_json::json!(days).to_string())
                .execute(&mut **c)
                .await?;
            Ok(advances.iter().map(|advance| advance.conversation_id).collect())
        }
        Conn::Postgres(c) => Ok(sqlx::query_scalar(WRITE_POSTGRES)
            .bind(advances.iter().map(|a| a.conversation_id).collect::<Vec<_>>())
            .bind(advances.iter().map(|a| a.from).collect::<Vec<_>>())
            .bind(advances.iter().map(|a| a.to).collect::<Vec<_>>())
            .bind(entries.iter().map(|e| e.conversation_id).collect::<Vec<_>>())
            .bind(entries.iter().map(|e| e.seq).collect::<Vec<_>>())
            .bind(entries.iter().map(|e| e.tokens.clone()).collect::<Vec<_>>())
            .bind(days.iter().map(|day| day.0).collect::<Vec<_>>())
            .bind(days.iter().map(|day| day.1).collect::<Vec<_>>())
            .bind(days.iter().map(|day| day.2).collect::<Vec<_>>())
            .fetch_all(&mut **c)
            .await?),
    }
}

const CLEAR_SQLITE: &str = "begin immediate; insert into search (search) values ('delete-all'); \
    delete from search_positions; delete from search_days; commit";
const CLEAR_POSTGRES: &str = "truncate search, search_positions, search_days";

/// Empties the index.
pub async fn clear(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => sqlx::query(CLEAR_SQLITE).execute(&mut **c).await.map(|_| ())?,
        Conn::Postgres(c) => sqlx::query(CLEAR_POSTGRES).execute(&mut **c).await.map(|_| ())?,
    }
    Ok(())
}

const TIDY_SQLITE: &str = "insert into search (search) values ('optimize')";
const TIDY_POSTGRES: &str = "analyze search";

/// Brings the index into its best shape, after all of it was written.
pub async fn tidy(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => sqlx::query(TIDY_SQLITE).execute(&mut **c).await.map(|_| ())?,
        Conn::Postgres(c) => sqlx::query(TIDY_POSTGRES).execute(&mut **c).await.map(|_| ())?,
    }
    Ok(())
}

const COUNT: &str = "select count(*) from messages";

/// How many messages there are.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(COUNT).fetch_one(c).await?))
}

/// What is looked for, and where.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Who looks.
    pub reader: i64,
    /// Tokens that a message must have, all of them. Letters and digits alone.
    pub all: Vec<String>,
    /// Tokens of which it must have one, if there are any.
    pub any: Vec<String>,
    /// Only in these conversations; none: in all of the reader's.
    pub within: Option<Vec<i64>>,
    /// Whether the index is asked for all conversations and not for each of the reader's.
    pub everywhere: bool,
    /// From this seq on, and before this one.
    pub from: i64,
    pub before: i64,
    /// From this time on, and before this one.
    pub since: i64,
    pub until: i64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            reader: 0,
            all: Vec::new(),
            any: Vec::new(),
            within: None,
            everywhere: false,
            from: 0,
            before: i64::MAX,
            since: i64::MIN,
            until: i64::MAX,
        }
    }
}

/// A message that has all tokens, and may have what was looked for.
#[derive(Debug, Deserialize)]
pub struct Candidate {
    pub seq: i64,
    pub conversation_id: i64,
    pub id: i64,
    pub text: String,
}

/// How much of all there is a reader may look through.
#[derive(Clone, Copy, Debug, FromRow)]
struct Share {
    /// Her conversations.
    conversations: i64,
    /// What was written in them, about.
    messages: i64,
    /// What was written in all, about.
    total: i64,
}

const SHARE_SQLITE: &str = "select count(*) as conversations, coalesce(sum(c.position), 0) as messages, \
      (select coalesce(max(seq), 0) from messages) as total \
    from memberships s join conversations c on c.id = s.conversation_id where s.user_id = $1";

/// Looking at what is not hers costs as much as asking for this many of a reader's conversations with each step.
const CONVERSATIONS_PER_OTHER: i64 = 48;

/// Whether a reader's search is faster when the index is not asked for each of her conversations. SQLite's goes through all of
/// them at each step; PostgreSQL's does not, and reads all that has the tokens before the newest of it are known.
pub async fn is_faster_everywhere(conn: &mut Conn, reader: i64) -> Result<bool> {
    let Conn::Sqlite(c) = conn else { return Ok(false) };
    let Share { conversations, messages, total } =
        sqlx::query_as(SHARE_SQLITE).bind(reader).fetch_one(&mut **c).await?;
    Ok(messages.saturating_mul(conversations) >= total.saturating_mul(CONVERSATIONS_PER_OTHER))
}

// The tokens of the reader's conversations are in the same question to the index: otherwise a word that is common elsewhere
// would be looked through there, too. Who is in hundreds of them, and by that in much of all there is, is asked for faster without.
// What she may read is decided by her memberships, joined.
macro_rules! find_sqlite {
    () => {
        "select json_group_array(json_array(seq, conversation_id, id, text)) from ( \
          select m.seq, m.conversation_id, m.id, m.text from search f cross join messages m on m.seq = f.rowid \
            cross join memberships p on p.user_id = $1 and p.conversation_id = m.conversation_id \
          where f.search match $2"
    };
}
macro_rules! between_sqlite {
    () => {
        " and f.rowid >= $4 and f.rowid < $5 and m.created_at >= $6 and m.created_at < $7 and not m.deleted \
            and m.id >= p.visible_from order by f.rowid desc limit $8 + 0)"
    };
}
const FIND_SQLITE: &str = concat!(
    find_sqlite!(),
    " || (select '(' || coalesce(group_concat('conv' || s.conversation_id, ' OR '), 'conv0') || ')' \
       from memberships s where s.user_id = $1 and ($3 is null or s.conversation_id in (select value from json_each($3))))",
    between_sqlite!()
);
const FIND_EVERYWHERE_SQLITE: &str = concat!(find_sqlite!(), between_sqlite!());
const FIND_POSTGRES: &str = "with found as materialized (select f.seq from search f \
      where f.grams @> $2 and ($9::text[] = '{}' or f.grams && $9::text[]) \
        and f.grams && array(select 'conv' || s.conversation_id from memberships s \
          where s.user_id = $1 and ($3::bigint[] is null or s.conversation_id = any($3))) and f.seq >= $4 and f.seq < $5) \
    select coalesce(json_agg(json_build_array(seq, conversation_id, id, text) order by seq desc)::text, '[]') from ( \
      select m.seq, m.conversation_id, m.id, m.text from (select seq from found order by seq desc) f \
        join messages m on m.seq = f.seq join memberships p on p.user_id = $1 and p.conversation_id = m.conversation_id \
      where m.created_at >= $6 and m.created_at < $7 and not m.deleted and m.id >= p.visible_from \
      order by m.seq desc limit $8 + 0) m";

/// The newest messages that have all tokens and that the reader may read, newest first.
pub async fn find(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<Candidate>> {
    let Wanted { reader, all, any, within, everywhere, from, before, since, until } = wanted;
    // Something must be asked for.
    let everywhere = *everywhere && within.is_none() && !(all.is_empty() && any.is_empty());
    let found: std::result::Result<String, sqlx::Error> = match conn {
        Conn::Sqlite(c) => {
            // A token has letters and digits alone, so the quotes hold it.
            let mut tokens: String = all.iter().map(|token| format!("\"{token}\" AND ")).collect();
            if !any.is_empty() {
                tokens.push_str(&format!("({}) AND ", any.join(" OR ")));
            }
            if everywhere {
                tokens.truncate(tokens.len() - " AND ".len());
            }
            let within = within.as_ref().map(|within| serde_json::json!(within).to_string());
            let query = match everywhere {
                true => sqlx::query_scalar(FIND_EVERYWHERE_SQLITE),
                false => sqlx::query_scalar(FIND_SQLITE),
            };
            query
                .bind(reader)
                .bind(tokens)
                .bind(within)
                .bind(from)
                .bind(before)
                .bind(since)
                .bind(until)
                .bind(limit)
                .fetch_one(&mut **c)
                .await
        }
        Conn::Postgres(c) => {
            sqlx::query_scalar(FIND_POSTGRES)
                .bind(reader)
                .bind(all)
                .bind(within)
                .bind(from)
                .bind(before)
                .bind(since)
                .bind(until)
                .bind(limit)
                .bind(any)
                .fetch_one(&mut **c)
                .await
        }
    };
    list(&found.map_err(in_time)?)
}

/// A statement that was ended because it took too long.
fn in_time(error: sqlx::Error) -> Error {
    // SQLITE_INTERRUPT; query_canceled of PostgreSQL.
    let code = error.as_database_error().and_then(|error| error.code());
    if matches!(code.as_deref(), Some("9" | "57014")) { Error::TooLong } else { error.into() }
}

const SEQ_OF: &str = "select m.seq from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
    where m.conversation_id = $2 and m.id = $3 and m.id >= p.visible_from";

/// A message's place in the order of all, if the reader may know of it.
pub async fn seq_of(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(SEQ_OF).bind(reader).bind(conversation_id).bind(id).fetch_optional(c).await?))
}

const NAMED: &str = "select c.id from memberships p join conversations c on c.id = p.conversation_id \
    where p.user_id = $1 and c.search_key = $2 and c.search_key <> ''";

/// The groups of a reader's that have this name.
pub async fn named(conn: &mut Conn, reader: i64, search_key: &str) -> Result<Vec<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(NAMED).bind(reader).bind(search_key).fetch_all(c).await?))
}

const END_BEFORE: &str = "select coalesce(max(last_seq), 0) from search_days where day < $1";

/// The last seq that a message from before a day may have.
pub async fn end_before(conn: &mut Conn, day: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(END_BEFORE).bind(day).fetch_one(c).await?))
}

const BEGIN_AFTER: &str = "select coalesce(min(first_seq), 9223372036854775807) from search_days where day > $1";

/// The first seq that a message from after a day may have.
pub async fn begin_after(conn: &mut Conn, day: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(BEGIN_AFTER).bind(day).fetch_one(c).await?))
}
