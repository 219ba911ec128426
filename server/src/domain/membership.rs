//! Memberships: coming into a group and going out of it, and one's own place. Who may: add: any member,
//! unless the owner keeps that to herself; remove: the owner.

use rookery_api::v1::{self, SystemKind, event::Kind};

use super::{
    Caller, Ctx, Error, Result, conversation, field,
    group::{group_of, manages, sorted},
    invite,
    line::{self, Line},
    media, message,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self,
    conversation::{ConversationRow, DIRECT, GROUP, ListedRow},
    invite::InviteRow,
    membership::NewMembership,
};

/// Puts users into a group whose joining line has just been written, and tells them.
pub(super) async fn admit(work: &mut Work, row: &ConversationRow, user_ids: &[i64], line: i64) -> Result<()> {
    let visible_from = if row.open_history { 1 } else { line };
    for &user_id in user_ids {
        let new = NewMembership { user_id, conversation_id: row.id, visible_from, joined_position: line };
        store::membership::insert(&mut work.tx, new).await?;
        store::membership::forgive(&mut work.tx, row.id, user_id).await?;
        work.publish(Effect::Follow { user_id, conversation_id: row.id, after: line - 1 });
    }
    let count = i64::try_from(user_ids.len()).unwrap_or(0);
    store::conversation::grow(&mut work.tx, row.id, count).await?;
    let now = store::conversation::get(work.tx.read(), row.id).await?;
    let now = conversation::api(now.ok_or(Error::NotFound("conversation"))?);
    for &user_id in user_ids {
        work.tell(user_id, Kind::ConversationChanged(v1::ConversationChanged { conversation: Some(now.clone()) }));
    }
    Ok(())
}

/// Takes users out of a group whose line has just been written, and tells them.
async fn dismiss(work: &mut Work, row: &ConversationRow, user_id: i64) -> Result<()> {
    store::membership::delete(&mut work.tx, user_id, row.id).await?;
    store::conversation::grow(&mut work.tx, row.id, -1).await?;
    work.tell(user_id, Kind::ConversationRemoved(v1::ConversationRemoved { conversation_id: row.id }));
    // With its last member the group ends, and nobody needs its picture any more.
    if row.members == 1 && !row.icon.is_empty() {
        store::conversation::draw(&mut work.tx, row.id, "").await?;
        media::release(work, std::slice::from_ref(&row.icon)).await?;
    }
    Ok(())
}

struct Enter {
    caller: Caller,
    conversation_id: i64,
    code: Option<String>,
    most: i64,
    line_id: String,
}

impl Command for Enter {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, user_id) = (self.conversation_id, self.caller.user_id);
        let row = store::conversation::get(work.tx.read(), id).await?;
        // Of a code it is not told whether it was wrong, used up, or of a group that has ended.
        let missing = Error::NotFound(if self.code.is_some() { "invite" } else { "group" });
        let row = row.filter(|row| row.kind == GROUP && row.members > 0).ok_or(missing)?;
        let member = store::membership::get(work.tx.read(), user_id, id).await?.is_some();
        match &self.code {
            Some(code) => {
                let invite = store::invite::get(work.tx.read(), code).await?;
                let now = work.tx.now;
                let holds = |invite: &InviteRow| {
                    invite.conversation_id == id
                        && (invite.max_uses == 0 || invite.uses < invite.max_uses)
                        && invite.expires_at.is_none_or(|end| end > now)
                };
                if !member && !invite.as_ref().is_some_and(holds) {
                    return Err(Error::NotFound("invite"));
                }
            }
            None if !row.public && !member => return Err(Error::NotFound("group")),
            None => {}
        }
        if member {
            return Ok(());
        }
        if !store::user::hold(&mut work.tx, &[user_id]).await? {
            return Err(Error::Unauthenticated);
        }
        if store::membership::removed(work.tx.read(), id, user_id).await? {
            return Err(Error::Denied("you were removed from this group; a member can add you again"));
        }
        if row.members >= self.most {
            return Err(Error::Limit(format!("a group has at most {} members", self.most)));
        }
        let line = Line { kind: SystemKind::Joined, request_id: &self.line_id, ..Line::default() };
        let line = line::write(work, id, user_id, &line).await?;
        if let Some(code) = &self.code {
            store::invite::count_use(&mut work.tx, code).await?;
        }
        admit(work, &row, &[user_id], line.id).await?;
        line::announce(work, id).await
    }
}

/// Joins a public group by id, or any by the code of an invite.
pub async fn join(ctx: &Ctx, caller: &Caller, request: v1::JoinGroupRequest) -> Result<v1::Conversation> {
    use v1::join_group_request::By;
    let (conversation_id, code) = match request.by {
        Some(By::ConversationId(id)) => (id, None),
        Some(By::Code(code)) => {
            let code = invite::code(&code).ok_or(Error::NotFound("invite"))?;
            let invite = store::invite::get(&mut ctx.db.reader().await?, &code).await?;
            (invite.ok_or(Error::NotFound("invite"))?.conversation_id, Some(code))
        }
        None => return Err(Error::field("conversation_id", "or code must be set")),
    };
    let most = ctx.limits.group_members;
    let line_id = line::request_id(ctx);
    ctx.writer.run(Enter { caller: caller.clone(), conversation_id, code, most, line_id }).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, conversation_id).await
}

struct Add {
    caller: Caller,
    conversation_id: i64,
    user_ids: Vec<i64>,
    most: i64,
    line_id: String,
}

impl Command for Add {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, author) = (self.conversation_id, self.caller.user_id);
        let row = group_of(work, &self.caller, id).await?;
        manages(&row, author)?;
        if !store::user::hold(&mut work.tx, &self.user_ids).await? {
            return Err(Error::NotFound("user"));
        }
        let there = store::membership::among(work.tx.read(), id, &self.user_ids).await?;
        let new: Vec<i64> = self.user_ids.iter().copied().filter(|user| !there.contains(user)).collect();
        if new.is_empty() {
            return Ok(());
        }
        if row.members + i64::try_from(new.len()).unwrap_or(i64::MAX / 2) > self.most {
            return Err(Error::Limit(format!("a group has at most {} members", self.most)));
        }
        let line = Line { kind: SystemKind::Added, user_ids: &new, request_id: &self.line_id, ..Line::default() };
        let line = line::write(work, id, author, &line).await?;
        admit(work, &row, &new, line.id).await?;
        line::announce(work, id).await
    }
}

/// Adds people to a group.
pub async fn add(ctx: &Ctx, caller: &Caller, request: &v1::AddMembersRequest) -> Result<v1::Conversation> {
    let id = request.conversation_id;
    if !(1..=100).contains(&request.user_ids.len()) {
        return Err(Error::field("user_ids", "must have 1 to 100 ids"));
    }
    let user_ids = sorted(&request.user_ids, caller.user_id);
    let most = ctx.limits.group_members;
    let line_id = line::request_id(ctx);
    ctx.writer.run(Add { caller: caller.clone(), conversation_id: id, user_ids, most, line_id }).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, id).await
}

struct Remove {
    caller: Caller,
    conversation_id: i64,
    user_id: i64,
    line_id: String,
}

impl Command for Remove {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let id = self.conversation_id;
        let row = group_of(work, &self.caller, id).await?;
        if row.owner_id != self.caller.user_id {
            return Err(Error::Denied("only the owner removes members"));
        }
        if self.user_id == self.caller.user_id {
            return Err(Error::WrongState("the owner cannot remove herself; she can leave"));
        }
        if store::membership::get(work.tx.read(), self.user_id, id).await?.is_none() {
            return Err(Error::NotFound("member"));
        }
        let user_ids = [self.user_id];
        let line =
            Line { kind: SystemKind::Removed, user_ids: &user_ids, request_id: &self.line_id, ..Line::default() };
        line::write(work, id, self.caller.user_id, &line).await?;
        store::membership::remove(&mut work.tx, id, self.user_id).await?;
        store::invite::delete_of(&mut work.tx, id, self.user_id).await?;
        dismiss(work, &row, self.user_id).await?;
        line::announce(work, id).await
    }
}

/// Removes a member from a group.
pub async fn remove(ctx: &Ctx, caller: &Caller, request: &v1::RemoveMemberRequest) -> Result<()> {
    let v1::RemoveMemberRequest { conversation_id, user_id } = *request;
    ctx.writer.run(Remove { caller: caller.clone(), conversation_id, user_id, line_id: line::request_id(ctx) }).await
}

struct Leave {
    caller: Caller,
    conversation_id: i64,
    silent: bool,
    line_id: String,
}

impl Command for Leave {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let row = group_of(work, &self.caller, self.conversation_id).await?;
        let kind = if self.silent { SystemKind::LeftSilently } else { SystemKind::Left };
        go(work, &row, self.caller.user_id, kind, &self.line_id).await
    }
}

/// A member goes out of a group: its oldest member inherits it from its owner, with the last member it ends.
pub(super) async fn go(
    work: &mut Work,
    row: &ConversationRow,
    user_id: i64,
    kind: SystemKind,
    line_id: &str,
) -> Result<()> {
    let mut new_owner_id = 0;
    if row.owner_id == user_id {
        new_owner_id = store::membership::oldest_but(work.tx.read(), row.id, user_id).await?.unwrap_or(0);
    }
    let line = Line { kind, new_owner_id, request_id: line_id, ..Line::default() };
    line::write(work, row.id, user_id, &line).await?;
    if row.owner_id == user_id {
        store::conversation::own(&mut work.tx, row.id, new_owner_id).await?;
    }
    dismiss(work, row, user_id).await?;
    line::announce(work, row.id).await
}

/// Leaves a group.
pub async fn leave(ctx: &Ctx, caller: &Caller, request: &v1::LeaveGroupRequest) -> Result<()> {
    let v1::LeaveGroupRequest { conversation_id, silent } = *request;
    ctx.writer.run(Leave { caller: caller.clone(), conversation_id, silent, line_id: line::request_id(ctx) }).await
}

/// The end of the year 9999, in milliseconds since 1970: a mute for ever ends there.
const FOR_EVER: i64 = 253_402_300_799_000;

/// Until when a conversation is muted, as the protocol has it.
pub(super) fn muted_until(stored: i64) -> Option<prost_types::Timestamp> {
    (stored != 0).then(|| message::timestamp(stored))
}

/// A member's own place in a conversation; what is none stays as it is.
struct Place {
    user_id: i64,
    conversation_id: i64,
    /// In milliseconds; 0 ends it.
    mute_for: Option<i64>,
    hidden: Option<bool>,
}

impl Command for Place {
    type Reply = v1::Membership;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Membership> {
        let (user_id, id) = (self.user_id, self.conversation_id);
        let found = store::conversation::listed(work.tx.read(), user_id, id).await?;
        let was = found.ok_or(Error::NotFound("conversation"))?;
        if self.hidden.is_some() && was.conversation.kind != DIRECT {
            return Err(Error::field("hidden", "only a direct chat can be hidden"));
        }
        let now = work.tx.now;
        let muted_until = match self.mute_for {
            None => was.muted_until,
            Some(0) => 0,
            Some(life) => now.saturating_add(life).min(FOR_EVER),
        };
        let hidden_through = match self.hidden {
            None => was.hidden_through,
            Some(false) => 0,
            // The last message's id or higher: whatever is sent from now on is behind it.
            Some(true) => was.conversation.position,
        };
        if (muted_until, hidden_through) != (was.muted_until, was.hidden_through) {
            store::membership::place(&mut work.tx, user_id, id, muted_until, hidden_through).await?;
            let changed = v1::MembershipChanged {
                conversation_id: id,
                muted_until: self::muted_until(muted_until),
                hidden_through,
            };
            work.tell(user_id, Kind::MembershipChanged(changed));
        }
        Ok(conversation::mine(&ListedRow { muted_until, hidden_through, ..was }))
    }
}

/// Mutes a conversation, hides a direct chat, or takes that back.
pub async fn update(ctx: &Ctx, caller: &Caller, request: &v1::UpdateMembershipRequest) -> Result<v1::Membership> {
    let paths = request.update_mask.as_ref().map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        return Err(Error::field("update_mask", "must name mute_for, hidden, or both"));
    }
    let (user_id, conversation_id) = (caller.user_id, request.conversation_id);
    let mut place = Place { user_id, conversation_id, mute_for: None, hidden: None };
    for path in paths {
        match path.as_str() {
            "mute_for" => place.mute_for = Some(field::mute(request.mute_for.as_ref().map(|d| (d.seconds, d.nanos)))?),
            "hidden" => place.hidden = Some(request.hidden),
            _ => return Err(Error::field("update_mask", "may name mute_for and hidden")),
        }
    }
    ctx.writer.run(place).await
}

/// Shows a direct chat again that its reader has hidden.
pub(super) async fn show(ctx: &Ctx, caller: &Caller, conversation_id: i64) -> Result<()> {
    let place = Place { user_id: caller.user_id, conversation_id, mute_for: None, hidden: Some(false) };
    ctx.writer.run(place).await.map(drop)
}
