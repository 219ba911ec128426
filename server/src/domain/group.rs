//! Groups: made, changed, joined, left. Who may: rename, invite, add: any member; public or private, remove: the owner.

use rookery_api::v1::{self, SystemKind, event::Kind};

use super::{
    Caller, Ctx, Error, Result, conversation, field,
    line::{self, Line},
    message,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self,
    conversation::{ConversationRow, GROUP, NewConversation},
    invite::InviteRow,
    membership::NewMembership,
};

/// The longest name of a group, in characters.
const NAME: usize = 64;

/// A group in which the caller is a member, read inside the transaction. What she is not in is not there.
async fn group_of(work: &mut Work, caller: &Caller, id: i64) -> Result<ConversationRow> {
    let membership = store::membership::get(work.tx.read(), caller.user_id, id).await?;
    let row = store::conversation::get(work.tx.read(), id).await?;
    let row = row.filter(|_| membership.is_some()).ok_or(Error::NotFound("conversation"))?;
    if row.kind == GROUP { Ok(row) } else { Err(Error::Denied("only a group can do this")) }
}

/// Puts users into a group whose joining line has just been written, and tells them.
async fn admit(work: &mut Work, row: &ConversationRow, user_ids: &[i64], line: i64) -> Result<()> {
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
async fn dismiss(work: &mut Work, id: i64, user_id: i64) -> Result<()> {
    store::membership::delete(&mut work.tx, user_id, id).await?;
    store::conversation::grow(&mut work.tx, id, -1).await?;
    work.tell(user_id, Kind::ConversationRemoved(v1::ConversationRemoved { conversation_id: id }));
    Ok(())
}

fn sorted(ids: &[i64], but: i64) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.iter().copied().filter(|id| *id != but).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

struct Create {
    caller: Caller,
    name: String,
    member_ids: Vec<i64>,
    public: bool,
    request_id: String,
    line_id: String,
}

impl Command for Create {
    type Reply = i64;

    fn lane(&self) -> Lane {
        Lane::User(self.caller.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<i64> {
        let owner = self.caller.user_id;
        if let Some(id) = store::conversation::created(work.tx.read(), owner, &self.request_id).await? {
            return Ok(id);
        }
        let mut users = store::user::get_many(work.tx.read(), &self.member_ids).await?;
        if users.len() != self.member_ids.len() {
            return Err(Error::NotFound("user"));
        }
        let mut name = self.name.clone();
        if name.is_empty() {
            users.extend(store::user::get(work.tx.read(), owner).await?);
            let names: Vec<&str> = users.iter().map(|user| user.display_name.as_str()).collect();
            name = names.join(", ").chars().take(NAME).collect();
        }
        let new = NewConversation {
            kind: GROUP,
            name: &name,
            search_key: &field::search_key(&[&name]),
            public: self.public,
            open_history: self.public,
            owner_id: owner,
            creator_id: owner,
            request_id: &self.request_id,
            ..NewConversation::default()
        };
        let id = store::conversation::insert(&mut work.tx, &new).await?;
        let id = id.ok_or_else(|| Error::Unavailable("the same group is being made".into()))?;
        let line = Line {
            kind: SystemKind::Created,
            user_ids: &self.member_ids,
            name: &name,
            request_id: &self.line_id,
            ..Line::default()
        };
        let line = line::write(work, id, owner, &line).await?;
        let row = store::conversation::get(work.tx.read(), id).await?.ok_or(Error::NotFound("conversation"))?;
        let mut everybody = vec![owner];
        everybody.extend(&self.member_ids);
        admit(work, &row, &everybody, line.id).await?;
        Ok(id)
    }
}

/// Makes a group, once for each request_id.
pub async fn create(ctx: &Ctx, caller: &Caller, request: v1::CreateGroupRequest) -> Result<v1::Conversation> {
    let name = match request.name.trim() {
        "" => String::new(),
        name => field::line("name", name, 1, NAME)?,
    };
    let member_ids = sorted(&request.member_ids, caller.user_id);
    full(ctx, 1, member_ids.len())?;
    let command = Create {
        caller: caller.clone(),
        name,
        member_ids,
        public: request.public,
        request_id: field::request_id(&request.request_id, || ctx.dice.uuid())?,
        line_id: line::request_id(ctx),
    };
    let id = ctx.writer.run(command).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, id).await
}

fn full(ctx: &Ctx, members: i64, more: usize) -> Result<()> {
    let most = ctx.limits.group_members;
    if members + i64::try_from(more).unwrap_or(i64::MAX / 2) > most {
        return Err(Error::Limit(format!("a group has at most {most} members")));
    }
    Ok(())
}

struct Update {
    caller: Caller,
    conversation_id: i64,
    name: Option<String>,
    public: Option<bool>,
    line_ids: [String; 2],
}

impl Command for Update {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, author) = (self.conversation_id, self.caller.user_id);
        let row = group_of(work, &self.caller, id).await?;
        let public = self.public.filter(|public| *public != row.public);
        if self.public.is_some() && row.owner_id != author {
            return Err(Error::Denied("only the owner makes a group public or private"));
        }
        let name = self.name.as_ref().filter(|name| **name != row.name);
        let [name_line, public_line] = &self.line_ids;
        if let Some(name) = name {
            let line = Line { kind: SystemKind::Renamed, name, request_id: name_line, ..Line::default() };
            line::write(work, id, author, &line).await?;
            store::conversation::rename(&mut work.tx, id, name, &field::search_key(&[name])).await?;
        }
        if let Some(public) = public {
            let kind = if public { SystemKind::MadePublic } else { SystemKind::MadePrivate };
            line::write(work, id, author, &Line { kind, request_id: public_line, ..Line::default() }).await?;
            // Who was in it while it was private did not write for everybody: history stays closed to who joins later.
            store::conversation::publish(&mut work.tx, id, public).await?;
        }
        if name.is_some() || public.is_some() {
            line::announce(work, id).await?;
        }
        Ok(())
    }
}

/// Changes a group's name, or whether it is public.
pub async fn update(ctx: &Ctx, caller: &Caller, request: v1::UpdateGroupRequest) -> Result<v1::Conversation> {
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() {
        return Err(Error::field("update_mask", "must name name, public, or both"));
    }
    let id = request.conversation_id;
    let line_ids = [line::request_id(ctx), line::request_id(ctx)];
    let mut update = Update { caller: caller.clone(), conversation_id: id, name: None, public: None, line_ids };
    for path in paths {
        match path.as_str() {
            "name" => update.name = Some(field::line("name", &request.name, 1, NAME)?),
            "public" => update.public = Some(request.public),
            _ => return Err(Error::field("update_mask", "may name name and public")),
        }
    }
    ctx.writer.run(update).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, id).await
}

/// Public groups by name.
pub async fn list_public(
    ctx: &Ctx,
    caller: &Caller,
    request: &v1::ListPublicGroupsRequest,
) -> Result<v1::ListPublicGroupsResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let pattern = field::filter(&request.filter)?;
    // A page goes on behind a group's search key and id. The token holds both: looking a name up by its id would tell
    // strangers where a private group's name stands.
    let (after, after_id) = public_place(&request.page_token)?;
    let mut conn = ctx.db.reader().await?;
    let user_id = caller.user_id;
    let mut rows = store::conversation::list_public(&mut conn, user_id, (after, after_id), &pattern, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| format!("{}{}", row.id, row.search_key)).unwrap_or_default();
    let group = |row: store::conversation::PublicRow| v1::PublicGroup {
        conversation_id: row.id,
        name: row.name,
        member_count: i32::try_from(row.members).unwrap_or(i32::MAX),
        joined: row.joined,
    };
    Ok(v1::ListPublicGroupsResponse { groups: rows.into_iter().map(group).collect(), next_page_token: next })
}

/// The search key and the id in a page token: the key begins with a blank, where it is not empty.
fn public_place(token: &str) -> Result<(&str, i64)> {
    if token.is_empty() {
        return Ok(("", 0));
    }
    if token.len() > 1024 || token.contains('\0') {
        return Err(field::page_token());
    }
    let (id, key) = token.split_at(token.find(' ').unwrap_or(token.len()));
    Ok((key, id.parse().map_err(|_| field::page_token())?))
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
            let code = code.trim().to_lowercase();
            if code.is_empty() || code.len() > 64 || code.contains('\0') {
                return Err(Error::NotFound("invite"));
            }
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

struct Invite {
    caller: Caller,
    conversation_id: i64,
    max_uses: i64,
    life: i64,
    code: String,
}

impl Command for Invite {
    type Reply = InviteRow;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<InviteRow> {
        group_of(work, &self.caller, self.conversation_id).await?;
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
pub async fn invite(ctx: &Ctx, caller: &Caller, request: &v1::CreateInviteRequest) -> Result<v1::Invite> {
    if !(0..=1000).contains(&request.max_uses) {
        return Err(Error::field("max_uses", "must be from 0 to 1,000"));
    }
    let life = field::invite_life(request.expires_in.map(|life| (life.seconds, life.nanos)))?;
    let command = Invite {
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
        if store::user::get_many(work.tx.read(), &self.user_ids).await?.len() != self.user_ids.len() {
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
        dismiss(work, id, self.user_id).await?;
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

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, user_id) = (self.conversation_id, self.caller.user_id);
        let row = group_of(work, &self.caller, id).await?;
        let mut heir = None;
        if row.owner_id == user_id {
            heir = store::membership::oldest_but(work.tx.read(), id, user_id).await?;
        }
        let kind = if self.silent { SystemKind::LeftSilently } else { SystemKind::Left };
        let new_owner_id = heir.unwrap_or(0);
        let line = Line { kind, new_owner_id, request_id: &self.line_id, ..Line::default() };
        line::write(work, id, user_id, &line).await?;
        if row.owner_id == user_id {
            store::conversation::own(&mut work.tx, id, new_owner_id).await?;
        }
        dismiss(work, id, user_id).await?;
        line::announce(work, id).await
    }
}

/// Leaves a group.
pub async fn leave(ctx: &Ctx, caller: &Caller, request: &v1::LeaveGroupRequest) -> Result<()> {
    let v1::LeaveGroupRequest { conversation_id, silent } = *request;
    ctx.writer.run(Leave { caller: caller.clone(), conversation_id, silent, line_id: line::request_id(ctx) }).await
}
