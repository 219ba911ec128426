//! Invites: codes with which others can join a group. Who may make one: any member.

use rookery_api::v1;

use super::{
    Caller, Ctx, Error, Result, field, group, message,
    writer::{Command, Lane, Work},
};
use crate::store::{self, invite::InviteRow};

struct Create {
    caller: Caller,
    conversation_id: i64,
    max_uses: i64,
    life: i64,
    code: String,
}

impl Command for Create {
    type Reply = InviteRow;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<InviteRow> {
        group::group_of(work, &self.caller, self.conversation_id).await?;
        let now = work.tx.now;
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
    };
    let row = ctx.writer.run(command).await?;
    Ok(v1::Invite {
        code: row.code,
        conversation_id: row.conversation_id,
        creator_id: row.creator_id,
        max_uses: i32::try_from(row.max_uses).unwrap_or(i32::MAX),
        uses: i32::try_from(row.uses).unwrap_or(i32::MAX),
        expires_at: row.expires_at.map(message::timestamp),
        created_at: Some(message::timestamp(row.created_at)),
    })
}
