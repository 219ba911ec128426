//! Who is mentioned where: rows to be counted and searched. What readers see of it is kept in the message's own row.

use sqlx::FromRow;

use super::{Conn, Result, Tx, on};

/// A conversation, who writes there, and a name's key that she may have written.
pub type Sought<'a> = (i64, i64, &'a str);

/// What is known of a name in a text.
#[derive(Clone, Debug, FromRow)]
pub struct FoundRow {
    pub conversation_id: i64,
    pub author_id: i64,
    pub name: String,
    /// The conversation.
    pub kind: i64,
    pub members: i64,
    pub owner_id: i64,
    /// Whether the author is an admin.
    pub admin: bool,
    /// The member of that name.
    pub user_id: Option<i64>,
}

macro_rules! found {
    () => {
        "select j.conversation_id, j.author_id, j.name, c.kind, c.members, c.owner_id, \
           a.admin and not a.disabled and not a.deleted as admin, u.id as user_id from "
    };
}
macro_rules! among_members {
    () => {
        " join conversations c on c.id = j.conversation_id join users a on a.id = j.author_id \
         left join users u on u.name_key = j.name and exists (select 1 from memberships p where p.user_id = u.id \
           and p.conversation_id = j.conversation_id)"
    };
}
const FIND_SQLITE: &str = concat!(
    found!(),
    "(select value ->> 0 as conversation_id, value ->> 1 as author_id, value ->> 2 as name from json_each($1)) j",
    among_members!()
);
const FIND_POSTGRES: &str = concat!(
    found!(),
    "unnest($1::bigint[], $2::bigint[], $3::text[]) j(conversation_id, author_id, name)",
    among_members!()
);

/// Looks names up, each among the members of its conversation.
pub async fn find(conn: &mut Conn, sought: &[Sought<'_>]) -> Result<Vec<FoundRow>> {
    Ok(match conn {
        Conn::Sqlite(c) => {
            sqlx::query_as(FIND_SQLITE).bind(serde_json::json!(sought).to_string()).fetch_all(&mut **c).await?
        }
        Conn::Postgres(c) => {
            sqlx::query_as(FIND_POSTGRES)
                .bind(sought.iter().map(|sought| sought.0).collect::<Vec<_>>())
                .bind(sought.iter().map(|sought| sought.1).collect::<Vec<_>>())
                .bind(sought.iter().map(|sought| sought.2.to_owned()).collect::<Vec<_>>())
                .fetch_all(&mut **c)
                .await?
        }
    })
}

const INSERT_SQLITE: &str = "insert into mentions (conversation_id, user_id, message_id, author_id) \
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each($1)";
const INSERT_POSTGRES: &str = "insert into mentions (conversation_id, user_id, message_id, author_id) \
    select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])";

/// Notes mentions: (conversation, user, message, author).
pub async fn insert(tx: &mut Tx, rows: &[(i64, i64, i64, i64)]) -> Result<()> {
    match tx.write() {
        Conn::Sqlite(c) => {
            sqlx::query(INSERT_SQLITE).bind(serde_json::json!(rows).to_string()).execute(&mut **c).await?;
        }
        Conn::Postgres(c) => {
            sqlx::query(INSERT_POSTGRES)
                .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.1).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.2).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.3).collect::<Vec<_>>())
                .execute(&mut **c)
                .await?;
        }
    }
    Ok(())
}

const DELETE: &str = "delete from mentions where conversation_id = $1 and message_id = $2";

/// Takes a message's mentions back.
pub async fn delete(tx: &mut Tx, conversation_id: i64, message_id: i64) -> Result<()> {
    on!(tx.write(), c => sqlx::query(DELETE).bind(conversation_id).bind(message_id).execute(c).await.map(|_| ())?);
    Ok(())
}
