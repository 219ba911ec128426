//! Invites: codes that lead into a group.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// An invite.
#[derive(Clone, Debug, FromRow)]
pub struct InviteRow {
    pub code: String,
    pub conversation_id: i64,
    pub creator_id: i64,
    pub max_uses: i64,
    pub uses: i64,
    pub expires_at: Option<i64>,
    pub created_at: i64,
}

const INSERT: &str = "insert into invites (code, conversation_id, creator_id, max_uses, uses, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";

/// Stores an invite.
pub async fn insert(tx: &mut Tx, invite: &InviteRow) -> Result<()> {
    on!(tx.write(), c => sqlx::query(INSERT)
        .bind(&invite.code).bind(invite.conversation_id).bind(invite.creator_id).bind(invite.max_uses).bind(invite.uses)
        .bind(invite.expires_at).bind(invite.created_at).execute(c).await.map(|_| ())?);
    Ok(())
}

const COUNT: &str = "select count(*) from invites where conversation_id = $1 and creator_id = $2 \
    and (max_uses = 0 or uses < max_uses) and (expires_at is null or expires_at > $3)";

/// How many of one member's invites into a group hold at a time.
pub async fn count(conn: &mut Conn, conversation_id: i64, creator_id: i64, now: i64) -> Result<i64> {
    Ok(on!(conn, c => sqlx::query_scalar(COUNT).bind(conversation_id).bind(creator_id).bind(now).fetch_one(c).await?))
}

macro_rules! columns {
    () => {
        "i.code, i.conversation_id, i.creator_id, i.max_uses, i.uses, i.expires_at, i.created_at"
    };
}

const GET: &str = concat!("select ", columns!(), " from invites i where i.code = $1");

/// An invite by its code.
pub async fn get(conn: &mut Conn, code: &str) -> Result<Option<InviteRow>> {
    Ok(on!(conn, c => sqlx::query_as(GET).bind(code).fetch_optional(c).await?))
}

const USE: &str = "update invites set uses = uses + 1 where code = $1";

/// Counts one more who joined with it.
pub async fn count_use(tx: &mut Tx, code: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(USE).bind(code).execute(c).await.map(|_| ())?);
    Ok(())
}

const LIST: &str = concat!(
    "select ",
    columns!(),
    " from invites i join conversations c on c.id = i.conversation_id \
     join memberships p on p.conversation_id = i.conversation_id and p.user_id = $2 \
     where i.conversation_id = $1 and (i.creator_id = $2 or c.owner_id = $2) and (i.max_uses = 0 or i.uses < i.max_uses) \
       and (i.expires_at is null or i.expires_at > $3) and (i.created_at, i.code) < ($4, $5) \
     order by i.created_at desc, i.code desc limit $6 + 0"
);

/// The invites of a group that hold at a time, newest first, from before one: to its owner all, to another member her own.
pub async fn list(
    conn: &mut Conn,
    conversation_id: i64,
    reader: i64,
    now: i64,
    before: (i64, &str),
    limit: i64,
) -> Result<Vec<InviteRow>> {
    Ok(on!(conn, c => sqlx::query_as(LIST)
        .bind(conversation_id).bind(reader).bind(now).bind(before.0).bind(before.1).bind(limit).fetch_all(c).await?))
}

const DELETE_OF: &str = "delete from invites where conversation_id = $1 and creator_id = $2";

/// Ends all that one member has made for a group.
pub async fn delete_of(tx: &mut Tx, conversation_id: i64, creator_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE_OF).bind(conversation_id).bind(creator_id).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE: &str = "delete from invites where code = $1";

/// Ends an invite.
pub async fn delete(tx: &mut Tx, code: &str) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(code).execute(c).await.map(|_| ())?);
    Ok(())
}

const DELETE_ENDED: &str = "delete from invites where max_uses > 0 and uses >= max_uses or expires_at <= $1";

/// Deletes those that do not hold any more.
pub async fn delete_ended(tx: &mut Tx) -> Result<()> {
    let now = tx.now;
    on!(tx.write(), c => sqlx::query(DELETE_ENDED).bind(now).execute(c).await.map(|_| ())?);
    Ok(())
}
