//! The audit log: each act of an admin leaves an entry in its own transaction; what was denied leaves one, too, but no more
//! than one a minute for each user and method, so that nobody fills the disk.

use std::{collections::HashSet, time::Duration};

use moka::sync::Cache;
use rookery_api::v1::{self, AuditAction};

use super::{
    Caller, Ctx, Result, field, message, user,
    writer::{Command, Lane, Work},
};
use crate::store::{self, audit::EntryRow};

/// How often the same denial is noted.
const DENIED_AGAIN: Duration = Duration::from_secs(60);
/// So many users and methods are watched, each a few dozen bytes.
const DENIED_KNOWN: u64 = 10_000;

/// Notes what was done, by whom (0: the operator) and to whom (0: nobody). Never a secret or a message's text.
pub async fn write(work: &mut Work, actor_id: i64, action: AuditAction, subject_id: i64, detail: &str) -> Result<()> {
    Ok(store::audit::insert(&mut work.tx, actor_id, i64::from(i32::from(action)), subject_id, detail).await?)
}

/// What was denied lately.
#[derive(Debug)]
pub struct Denials {
    known: Cache<(i64, &'static str), ()>,
}

impl Default for Denials {
    fn default() -> Self {
        Self { known: Cache::builder().max_capacity(DENIED_KNOWN).time_to_live(DENIED_AGAIN).build() }
    }
}

struct Denied {
    user_id: i64,
    method: &'static str,
}

impl Command for Denied {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        write(work, self.user_id, AuditAction::Denied, 0, self.method).await
    }
}

/// Notes that somebody who is no admin called a method of theirs.
pub async fn denied(ctx: &Ctx, caller: &Caller, method: &'static str) -> Result<()> {
    let entry = ctx.denials.known.entry((caller.user_id, method)).or_insert(());
    if entry.is_fresh() { ctx.writer.run(Denied { user_id: caller.user_id, method }).await } else { Ok(()) }
}

fn api(row: EntryRow) -> v1::AuditEntry {
    let action = i32::try_from(row.action).ok().and_then(|action| AuditAction::try_from(action).ok());
    v1::AuditEntry {
        id: row.id,
        at: Some(message::timestamp(row.at)),
        actor_id: row.actor_id,
        action: action.unwrap_or_default().into(),
        subject_id: row.subject_id,
        detail: row.detail,
    }
}

/// A page of the log.
pub async fn list(ctx: &Ctx, request: &v1::ListAuditEntriesRequest) -> Result<v1::ListAuditEntriesResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let before = field::number_of(&request.page_token, i64::MAX)?;
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::audit::list(&mut conn, before, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string()).unwrap_or_default();
    let named: HashSet<i64> = rows.iter().flat_map(|row| [row.actor_id, row.subject_id]).collect();
    let users = user::list_of(&mut conn, &named.into_iter().collect::<Vec<_>>(), ctx.clock.now()).await?;
    Ok(v1::ListAuditEntriesResponse { entries: rows.into_iter().map(api).collect(), users, next_page_token: next })
}
