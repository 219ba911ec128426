//! Files: what is known of them, and which messages show them. Their bytes are elsewhere.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A file.
#[derive(Clone, Debug, FromRow)]
pub struct MediaRow {
    pub id: String,
    pub owner_id: i64,
    /// MediaKind of the protocol.
    pub kind: i64,
    pub name: String,
    pub content_type: String,
    pub size: i64,
    pub width: i64,
    pub height: i64,
    pub thumbhash: String,
    pub animated: bool,
}

macro_rules! columns {
    () => {
        "id, owner_id, kind, name, content_type, size, width, height, thumbhash, animated"
    };
}

const INSERT: &str = concat!(
    "insert into media (",
    columns!(),
    ", created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing"
);

/// Stores a file, unless there is one of this id.
pub async fn insert(tx: &mut Tx, new: &MediaRow) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&new.id).bind(new.owner_id).bind(new.kind).bind(&new.name).bind(&new.content_type).bind(new.size)
        .bind(new.width).bind(new.height).bind(&new.thumbhash).bind(new.animated).bind(now)
        .execute(c).await.map(|_| ())?);
    Ok(())
}

const USAGE: &str = "select cast(coalesce(sum(size), 0) as bigint) from media where owner_id = $1";

/// How many bytes a user's files are.
pub async fn usage(conn: &mut Conn, owner_id: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(USAGE).bind(owner_id).fetch_one(c).await?))
}

const GET: &str = concat!("select ", columns!(), " from media where id = $1");

/// One file, whoever asks.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<MediaRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(id).fetch_optional(c).await?))
}

// The server's own and avatars are for everybody; a group's icon for its members, and of a public one for everybody; others for
// who may read a message that shows them, and before any does, for who brought them. A deleted message has no attachments.
const GET_FOR: &str = concat!(
    "select ",
    columns!(),
    " from media where id = $2 and (owner_id = 0 \
      or exists (select 1 from users u where u.avatar = $2 and u.avatar <> '') \
      or exists (select 1 from conversations c where c.icon = $2 and c.icon <> '' and (c.public or exists (select 1 \
        from memberships p where p.user_id = $1 and p.conversation_id = c.id))) \
      or exists (select 1 from attachments a join memberships p on p.user_id = $1 and p.conversation_id = a.conversation_id \
        where a.media_id = $2 and a.message_id >= p.visible_from) \
      or owner_id = $1 and not exists (select 1 from attachments a where a.media_id = $2))"
);

/// One file, if the reader may see it.
pub async fn get_for(conn: &mut Conn, reader: i64, id: &str) -> Result<Option<MediaRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET_FOR).bind(reader).bind(id).fetch_optional(c).await?))
}

const HOLD_SQLITE: &str =
    concat!("select ", columns!(), " from media where id in (select value from json_each($1)) order by id");
const HOLD_POSTGRES: &str = concat!("select ", columns!(), " from media where id = any($1) order by id for share");

/// Those of some files that are there, and stay so until the transaction ends.
pub async fn hold(tx: &mut Tx, ids: &[&str]) -> Result<Vec<MediaRow>> {
    Ok(match tx.read() {
        Conn::Sqlite(c) => {
            sqlx::query_as(HOLD_SQLITE).bind(serde_json::json!(ids).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_as(HOLD_POSTGRES).bind(ids).fetch_all(&mut **c).await?,
    })
}

const ATTACH_SQLITE: &str = "insert into attachments (conversation_id, message_id, media_id) \
    select value ->> 0, value ->> 1, value ->> 2 from json_each($1)";
const ATTACH_POSTGRES: &str = "insert into attachments (conversation_id, message_id, media_id) \
    select * from unnest($1::bigint[], $2::bigint[], $3::text[])";

/// Notes which messages show which files: (conversation, message, file).
pub async fn attach(tx: &mut Tx, list: &[(i64, i64, &str)]) -> Result<()> {
    match tx.write() {
        Conn::Sqlite(c) => {
            sqlx::query(ATTACH_SQLITE).bind(serde_json::json!(list).to_string()).execute(&mut **c).await.map(|_| ())?;
        }
        Conn::Postgres(c) => {
            sqlx::query(ATTACH_POSTGRES)
                .bind(list.iter().map(|row| row.0).collect::<Vec<_>>())
                .bind(list.iter().map(|row| row.1).collect::<Vec<_>>())
                .bind(list.iter().map(|row| row.2).collect::<Vec<_>>())
                .execute(&mut **c)
                .await?;
        }
    }
    Ok(())
}

const DETACH: &str = "delete from attachments where conversation_id = $1 and message_id = $2 returning media_id";

/// Takes a message's files from it; which those were.
pub async fn detach(tx: &mut Tx, conversation_id: i64, message_id: i64) -> Result<Vec<String>> {
    Ok(on!(tx.write(), c => sqlx::query_scalar(DETACH).bind(conversation_id).bind(message_id).fetch_all(c).await?))
}

// First the lock, then a look with new eyes: somebody may just have referred to it.
const LOCK_POSTGRES: &str = "select id from media where id = any($1) order by id for update";
macro_rules! unreferenced {
    () => {
        "not exists (select 1 from attachments a where a.media_id = media.id) \
         and not exists (select 1 from users u where u.avatar = media.id and u.avatar <> '') \
         and not exists (select 1 from conversations c where c.icon = media.id and c.icon <> '')"
    };
}
const DELETE_SQLITE: &str = concat!(
    "delete from media where id in (select value from json_each($1)) and (owner_id <> 0 or created_at < $2) and ",
    unreferenced!(),
    " returning id"
);
const DELETE_POSTGRES: &str = concat!(
    "delete from media where id = any($1) and (owner_id <> 0 or created_at < $2) and ",
    unreferenced!(),
    " returning id"
);

/// Forgets those of some files that nothing refers to; which those were. Of the server's own those that are from before a time:
/// whoever has just asked for one has not sent it yet.
pub async fn delete_unreferenced(tx: &mut Tx, ids: &[String], own_before: i64) -> Result<Vec<String>> {
    Ok(match tx.write() {
        Conn::Sqlite(c) => {
            let list = serde_json::json!(ids).to_string();
            sqlx::query_scalar(DELETE_SQLITE).bind(list).bind(own_before).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query(LOCK_POSTGRES).bind(ids).execute(&mut **c).await?;
            sqlx::query_scalar(DELETE_POSTGRES).bind(ids).bind(own_before).fetch_all(&mut **c).await?
        }
    })
}

const OWN_SINCE: &str = "select created_at from media where id = $1 and owner_id = 0";

/// Since when one of the server's own is there, or was last asked for.
pub async fn own_since(conn: &mut Conn, id: &str) -> Result<Option<i64>> {
    Ok(on!(conn, c => sqlx::query_scalar(OWN_SINCE).bind(id).fetch_optional(c).await?))
}

const RENEW: &str = "update media set created_at = $2 where id = $1 and owner_id = 0";

/// Notes that one of the server's own was asked for; whether it is there.
pub async fn renew(tx: &mut Tx, id: &str) -> Result<bool> {
    let now = tx.now;
    let rows: u64 = on!(tx.write(), c => sqlx::query(RENEW).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(rows > 0)
}

/// A file that has been there for some time.
#[derive(Clone, Debug, FromRow)]
pub struct OldRow {
    pub id: String,
    pub created_at: i64,
    pub own: bool,
    pub unreferenced: bool,
}

const OLD: &str = concat!(
    "select id, created_at, owner_id = 0 as own, ",
    unreferenced!(),
    " as unreferenced from media where created_at < $1 and (created_at, id) > ($2, $3) \
      order by created_at, id limit $4 + 0"
);

/// Files from before a time, in order of theirs, after one.
pub async fn list_old(conn: &mut Conn, before: i64, after: (i64, &str), limit: i64) -> Result<Vec<OldRow>> {
    Ok(on!(conn, c => sqlx::query_as(OLD)
        .bind(before).bind(after.0).bind(after.1).bind(limit).fetch_all(c).await?))
}

const KNOWN_SQLITE: &str = "select id from media where id in (select value from json_each($1))";
const KNOWN_POSTGRES: &str = "select id from media where id = any($1)";

/// Which of some files are known.
pub async fn known(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            sqlx::query_scalar(KNOWN_SQLITE).bind(serde_json::json!(ids).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => sqlx::query_scalar(KNOWN_POSTGRES).bind(ids).fetch_all(&mut **c).await?,
    })
}
