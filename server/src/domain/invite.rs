//! Invites: codes with which others can join a group. Who may make one: any member, unless the owner keeps that to
//! herself; see and end it: she, and the owner.

use rookery_api::v1;

use super::{
    Caller, Ctx, Error, Result, conversation, field, group, message,
    writer::{Command, Lane, Work},
};
use crate::store::{self, conversation::GROUP, invite::InviteRow};

/// A stored invite as its readers get it.
fn api(row: InviteRow) -> v1::Invite {
    v1::Invite {
        code: row.code,
        conversation_id: row.conversation_id,
        creator_id: row.creator_id,
        max_uses: i32::try_from(row.max_uses).unwrap_or(i32::MAX),
        uses: i32::try_from(row.uses).unwrap_or(i32::MAX),
        expires_at: row.expires_at.map(message::timestamp),
        created_at: Some(message::timestamp(row.created_at)),
    }
}

/// A code as people type it; none if it cannot be one.
pub(super) fn code(typed: &str) -> Option<String> {
    let code = typed.trim().to_lowercase();
    (!code.is_empty() && code.len() <= 64 && !code.contains('\0')).then_some(code)
}

struct Create {
    caller: Caller,
    conversation_id: i64,
    max_uses: i64,
    life: i64,
    code: String,
    most: i64,
}

impl Command for Create {
    type Reply = InviteRow;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<InviteRow> {
        let row = group::group_of(work, &self.caller, self.conversation_id).await?;
        group::manages(&row, self.caller.user_id)?;
        let now = work.tx.now;
        if store::invite::count(work.tx.read(), self.conversation_id, self.caller.user_id, now).await? >= self.most {
            return Err(Error::Limit(format!(
                "you may have at most {} invites into a group; revoke one first",
                self.most
            )));
        }
        let invite = InviteRow {
            code: self.code.clone(),
            conversation_id: self.conversation_id,
            creator_id: self.caller.user_id,
            max_uses: self.max_uses,
            uses: 0,
            expires_at: Some(now.saturating_add(self.life)),
            created_at: now,
        };
        store::invite::insert(&mut work.tx, &invite).await?;
        Ok(invite)
    }
}

/// Makes an invite.
pub async fn create(ctx: &Ctx, caller: &Caller, request: &v1::CreateInviteRequest) -> Result<v1::Invite> {
    if !(0..=1000).contains(&request.max_uses) {
        return Err(Error::field("max_uses", "must be from 0 to 1,000"));
    }
    let life = field::invite_life(request.expires_in.map(|life| (life.seconds, life.nanos)))?;
    let command = Create {
        caller: caller.clone(),
        conversation_id: request.conversation_id,
        max_uses: request.max_uses.into(),
        life: i64::try_from(life.as_millis()).unwrap_or(i64::MAX),
        code: ctx.dice.code(),
        most: ctx.limits.invites,
    };
    Ok(api(ctx.writer.run(command).await?))
}

/// A page of the invites of a group that hold.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListInvitesRequest) -> Result<v1::ListInvitesResponse> {
    let id = request.conversation_id;
    let size = field::page_size(request.page_size, 50, 100)?;
    let before = place(&request.page_token)?;
    let mut conn = ctx.db.reader().await?;
    if conversation::standing(&mut conn, caller.user_id, id).await?.kind != GROUP {
        return Err(Error::Denied("only a group can do this"));
    }
    let mut rows = store::invite::list(&mut conn, id, caller.user_id, ctx.clock.now(), before, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.created_at, row.code)).unwrap_or_default();
    Ok(v1::ListInvitesResponse { invites: rows.into_iter().map(api).collect(), next_page_token: next })
}

/// The time and the code in a page token.
fn place(token: &str) -> Result<(i64, &str)> {
    if token.is_empty() {
        return Ok((i64::MAX, ""));
    }
    let (at, code) = token.split_once('.').filter(|(_, code)| !code.contains('\0')).ok_or_else(field::page_token)?;
    Ok((at.parse().map_err(|_| field::page_token())?, code))
}

struct Revoke {
    caller: Caller,
    conversation_id: i64,
    code: String,
}

impl Command for Revoke {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let row = group::group_of(work, &self.caller, self.conversation_id).await?;
        let user_id = self.caller.user_id;
        let invite = store::invite::get(work.tx.read(), &self.code).await?;
        let hers = |invite: &InviteRow| {
            invite.conversation_id == row.id && (invite.creator_id == user_id || row.owner_id == user_id)
        };
        if !invite.as_ref().is_some_and(hers) {
            return Err(Error::NotFound("invite"));
        }
        Ok(store::invite::delete(&mut work.tx, &self.code).await?)
    }
}

/// Ends an invite.
pub async fn revoke(ctx: &Ctx, caller: &Caller, request: v1::RevokeInviteRequest) -> Result<()> {
    let v1::RevokeInviteRequest { conversation_id, code: typed } = request;
    // What cannot be a code is none of the group's: that is told only to who is in it.
    let code = code(&typed).unwrap_or_default();
    ctx.writer.run(Revoke { caller: caller.clone(), conversation_id, code }).await
}
