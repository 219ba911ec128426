//! Blocks: in a direct chat with one, either way, nobody writes; and neither of the two sees anything of the other's typing
//! and presence, anywhere. Groups know nothing of it.

use rookery_api::v1::{self, event::Kind};

use super::{
    Caller, Ctx, Error, Result, field, message, user,
    writer::{Command, Lane, Work},
};
use crate::store::{self, Conn};

struct Set {
    user_id: i64,
    other: i64,
    /// Their direct chat: its lane, so that what is sent there is either before the block or refused.
    chat: Option<i64>,
    stand: bool,
    most: i64,
}

impl Command for Set {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        self.chat.map_or(Lane::User(self.user_id), Lane::Conversation)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let stands = store::block::exists(work.tx.read(), self.user_id, self.other).await?;
        if self.stand && !stands {
            if store::block::count(work.tx.read(), self.user_id).await? >= self.most {
                return Err(Error::Limit(format!("one user blocks at most {} others", self.most)));
            }
            store::block::insert(&mut work.tx, self.user_id, self.other).await?;
        }
        if !self.stand && stands {
            store::block::delete(&mut work.tx, self.user_id, self.other).await?;
        }
        // Also when nothing changes: it is by this that the hub learns of it, which may have missed a commit whose outcome
        // was unknown.
        let changed = v1::BlockChanged { user_id: self.other, blocked: self.stand };
        work.tell(self.user_id, Kind::BlockChanged(changed));
        Ok(())
    }
}

async fn set(ctx: &Ctx, caller: &Caller, other: i64, stand: bool) -> Result<()> {
    let user_id = caller.user_id;
    let (low, high) = (user_id.min(other), user_id.max(other));
    let chat = store::conversation::direct(&mut ctx.db.reader().await?, low, high).await?;
    ctx.writer.run(Set { user_id, other, chat, stand, most: ctx.limits.blocks }).await
}

/// Blocks somebody.
pub async fn add(ctx: &Ctx, caller: &Caller, other: i64) -> Result<()> {
    if other == caller.user_id {
        return Err(Error::field("user_id", "must be somebody else"));
    }
    if store::user::get(&mut ctx.db.reader().await?, other).await?.is_none() {
        return Err(Error::NotFound("user"));
    }
    set(ctx, caller, other, true).await
}

/// Takes a block back.
pub async fn remove(ctx: &Ctx, caller: &Caller, other: i64) -> Result<()> {
    set(ctx, caller, other, false).await
}

/// A page of those whom the caller blocks.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListBlockedRequest) -> Result<v1::ListBlockedResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let before = field::pair_of(&request.page_token, (i64::MAX, 0))?;
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::block::list(&mut conn, caller.user_id, before, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| field::pair_token(row.blocked_at, row.user.id));
    let blocked = |row: store::block::BlockedRow| v1::BlockedUser {
        blocked_at: Some(message::timestamp(row.blocked_at)),
        user: Some(user::api(row.user, ctx.clock.now())),
    };
    Ok(v1::ListBlockedResponse {
        blocked: rows.into_iter().map(blocked).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

/// Says no in a direct chat with a block, either way, and in one with somebody who is gone.
pub(super) async fn refuse(conn: &mut Conn, conversation_id: i64) -> Result<()> {
    match store::block::closed(conn, conversation_id).await? {
        Some((true, _)) => Err(Error::Blocked),
        Some((_, true)) => Err(DESERTED),
        _ => Ok(()),
    }
}

/// What is said of a direct chat with somebody who is gone.
pub(super) const DESERTED: Error = Error::WrongState("this account was deleted; nobody reads here any more");
