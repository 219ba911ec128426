//! Pages of a conversation's messages, as one member may read them.

use sqlx::FromRow;

use super::{Conn, Error, Result, message::MessageRow, user::UserRow};

// A page is one row: its messages and their people as JSON. sqlx hands rows over one by one from a thread of SQLite's, and each
// may wake the reader anew: a page of 50 rows took three times as long. It is also all of one moment.
macro_rules! page_sqlite {
    () => {
        "select (select c.position from conversations c join memberships p on p.conversation_id = c.id and p.user_id = $1 \
            where c.id = $2) as position, \
          (select json_group_array(json_array(conversation_id, id, author_id, request_id, text, changed, created_at, edited_at, \
            json(iif(deleted, 'true', 'false')), reply_to, number, system, subjects, new_owner_id, reactions, attachments, \
            mentions, pinned_at, pinned_by)) from page) as messages, "
    };
}
macro_rules! page_postgres {
    () => {
        "select (select c.position from conversations c join memberships p on p.conversation_id = c.id and p.user_id = $1 \
            where c.id = $2) as position, \
          coalesce((select json_agg(json_build_array(conversation_id, id, author_id, request_id, text, changed, created_at, \
            edited_at, deleted, reply_to, number, system, subjects, new_owner_id, reactions, attachments, mentions, \
            pinned_at, pinned_by)) from page)::text, '[]') as messages, "
    };
}
macro_rules! people_sqlite {
    () => {
        "(select json_group_array(json_array(id, name, display_name, about, created_at, \
            case when hide_last_seen then null else last_seen_at end, color, avatar, status_text, status_expires_at, \
            json(iif(admin, 'true', 'false')), json(iif(deleted, 'true', 'false')), revision)) from users \
            where id in (select author_id from page union select new_owner_id from page \
              union select s.value from page, json_each(nullif(page.subjects, '')) s \
              where page.subjects <> '' union select n.value ->> 0 from page, json_each(nullif(page.mentions, '')) n \
              where page.mentions <> '')) as people, "
    };
}
macro_rules! people_postgres {
    () => {
        "coalesce((select json_agg(json_build_array(id, name, display_name, about, created_at, \
            case when hide_last_seen then null else last_seen_at end, color, avatar, status_text, status_expires_at, \
            admin, deleted, revision)) from users \
            where id in (select author_id from page union select new_owner_id from page \
              union select s.value::bigint from page, \
              jsonb_array_elements_text(nullif(page.subjects, '')::jsonb) s where page.subjects <> '' \
              union select (n.value ->> 0)::bigint from page, jsonb_array_elements(nullif(page.mentions, '')::jsonb) n(value) \
              where page.mentions <> ''))::text, '[]') as people, "
    };
}

macro_rules! before {
    () => {
        "with page as materialized (select m.* from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
             where m.conversation_id = $2 and m.id < $3 and m.id >= p.visible_from order by m.id desc limit $4 + 0) "
    };
}
const BEFORE_SQLITE: &str = concat!(
    before!(),
    page_sqlite!(),
    people_sqlite!(),
    "exists (select 1 from messages x where x.conversation_id = $2 and x.id >= max($3, (select p.visible_from \
       from memberships p where p.user_id = $1 and p.conversation_id = $2))) as beyond"
);
const BEFORE_POSTGRES: &str = concat!(
    before!(),
    page_postgres!(),
    people_postgres!(),
    "exists (select 1 from messages x where x.conversation_id = $2 and x.id >= greatest($3, (select p.visible_from \
       from memberships p where p.user_id = $1 and p.conversation_id = $2))) as beyond"
);

// The plus keeps SQLite from walking the index from visible_from on instead of from the id.
macro_rules! after {
    () => {
        "with page as materialized (select m.* from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
             where m.conversation_id = $2 and m.id > $3 and +m.id >= p.visible_from order by m.id limit $4 + 0) "
    };
}
macro_rules! beyond_after {
    () => {
        "exists (select 1 from messages x where x.conversation_id = $2 and x.id <= $3 and x.id >= (select p.visible_from \
           from memberships p where p.user_id = $1 and p.conversation_id = $2)) as beyond"
    };
}
const AFTER_SQLITE: &str = concat!(after!(), page_sqlite!(), people_sqlite!(), beyond_after!());
const AFTER_POSTGRES: &str = concat!(after!(), page_postgres!(), people_postgres!(), beyond_after!());

macro_rules! changes {
    () => {
        "with page as materialized (select m.* from messages m join memberships p on p.conversation_id = m.conversation_id and p.user_id = $1 \
             where m.conversation_id = $2 and m.changed > $3 and +m.id >= p.visible_from order by m.changed limit $4 + 0) "
    };
}
const CHANGES_SQLITE: &str = concat!(changes!(), page_sqlite!(), "'[]' as people, false as beyond");
const CHANGES_POSTGRES: &str = concat!(changes!(), page_postgres!(), "'[]' as people, false as beyond");

/// Messages of a conversation as a member may read them, all of one moment.
#[derive(Debug)]
pub struct Page {
    /// The conversation's position: the rows hold all up to it, as far as they reach.
    pub position: i64,
    /// In order of id; of changes, in order of change.
    pub rows: Vec<MessageRow>,
    /// Whom the rows name: authors, whom they mention, and people in system lines. Of changes: nobody.
    pub people: Vec<UserRow>,
    /// Whether there are messages on the other side of the id that was asked for, or under it itself.
    pub beyond: bool,
}

#[derive(FromRow)]
struct PageRow {
    position: Option<i64>,
    messages: String,
    people: String,
    beyond: bool,
}

impl PageRow {
    fn read(self) -> Result<Option<Page>> {
        fn list<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
            serde_json::from_str(json).map_err(|error| Error::Fault(format!("a page cannot be read: {error}")))
        }
        let Some(position) = self.position else { return Ok(None) };
        let (mut rows, people): (Vec<MessageRow>, _) = (list(&self.messages)?, list(&self.people)?);
        rows.sort_unstable_by_key(|row| row.id);
        Ok(Some(Page { position, rows, people, beyond: self.beyond }))
    }
}

/// The messages below an id that are nearest to it; none if the reader is not a member.
pub async fn before(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64, limit: i64) -> Result<Option<Page>> {
    let page: PageRow = match conn {
        Conn::Sqlite(c) => {
            sqlx::query_as(BEFORE_SQLITE)
                .bind(reader)
                .bind(conversation_id)
                .bind(id)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(BEFORE_POSTGRES)
                .bind(reader)
                .bind(conversation_id)
                .bind(id)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
    };
    page.read()
}

/// The messages above an id that are nearest to it.
pub async fn after(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64, limit: i64) -> Result<Option<Page>> {
    let page: PageRow = match conn {
        Conn::Sqlite(c) => {
            sqlx::query_as(AFTER_SQLITE)
                .bind(reader)
                .bind(conversation_id)
                .bind(id)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(AFTER_POSTGRES)
                .bind(reader)
                .bind(conversation_id)
                .bind(id)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
    };
    page.read()
}

/// Messages that changed after a position, by their last change.
pub async fn changes(
    conn: &mut Conn,
    reader: i64,
    conversation_id: i64,
    after: i64,
    limit: i64,
) -> Result<Option<Page>> {
    let page: PageRow = match conn {
        Conn::Sqlite(c) => {
            sqlx::query_as(CHANGES_SQLITE)
                .bind(reader)
                .bind(conversation_id)
                .bind(after)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(CHANGES_POSTGRES)
                .bind(reader)
                .bind(conversation_id)
                .bind(after)
                .bind(limit)
                .fetch_one(&mut **c)
                .await?
        }
    };
    let mut page = page.read()?;
    if let Some(page) = &mut page {
        page.rows.sort_unstable_by_key(|row| row.changed);
    }
    Ok(page)
}
