//! Groups: made, changed, found. Who may: name and picture: any member, unless the owner keeps that to herself; public or
//! private, history, who manages it, another owner: the owner.

use rookery_api::v1::{self, SystemKind};

use super::{
    Caller, Ctx, Error, Result, conversation, field,
    line::{self, Line},
    media, membership,
    rate::Class,
    writer::{Command, Lane, Work},
};
use crate::store::{
    self,
    conversation::{ConversationRow, GROUP, NewConversation},
};

/// The longest name of a group, in characters.
const NAME: usize = 64;

/// A group in which the caller is a member, read inside the transaction. What she is not in is not there.
pub(super) async fn group_of(work: &mut Work, caller: &Caller, id: i64) -> Result<ConversationRow> {
    let membership = store::membership::get(work.tx.read(), caller.user_id, id).await?;
    let row = store::conversation::get(work.tx.read(), id).await?;
    let row = row.filter(|_| membership.is_some()).ok_or(Error::NotFound("conversation"))?;
    if row.kind == GROUP { Ok(row) } else { Err(Error::Denied("only a group can do this")) }
}

/// Whether this member may see to a group's name, picture, new members and invites.
pub(super) fn manages(row: &ConversationRow, user_id: i64) -> Result<()> {
    if row.owner_manages && row.owner_id != user_id {
        return Err(Error::Denied("in this group only the owner does this"));
    }
    Ok(())
}

pub(super) fn sorted(ids: &[i64], but: i64) -> Vec<i64> {
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
    owner_manages: bool,
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
        let everybody: Vec<i64> = std::iter::once(owner).chain(self.member_ids.iter().copied()).collect();
        if !store::user::hold(&mut work.tx, &everybody).await? {
            return Err(Error::NotFound("user"));
        }
        let mut name = self.name.clone();
        if name.is_empty() {
            let mut users = store::user::get_many(work.tx.read(), &self.member_ids).await?;
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
            owner_manages: self.owner_manages,
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
        membership::admit(work, &row, &everybody, line.id).await?;
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
    let request_id = field::request_id(&request.request_id, || ctx.dice.uuid())?;
    if let Err(no) = ctx.rates.user(caller.user_id, Class::Creations).and_then(|()| ctx.space.check()) {
        // What was made already is answered whatever the rate, and needs no room.
        let mut conn = ctx.db.reader().await?;
        let id = store::conversation::created(&mut conn, caller.user_id, &request_id).await?.ok_or(no)?;
        return conversation::get(&mut conn, caller.user_id, id).await;
    }
    let command = Create {
        caller: caller.clone(),
        name,
        member_ids,
        public: request.public,
        owner_manages: request.owner_manages,
        request_id,
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

/// What is to change of a group.
#[derive(Default)]
struct Changes {
    name: Option<String>,
    icon: Option<String>,
    public: Option<bool>,
    open_history: Option<bool>,
    owner_manages: Option<bool>,
}

struct Update {
    caller: Caller,
    conversation_id: i64,
    changes: Changes,
    /// The largest icon.
    icon_bytes: i64,
    line_ids: [String; 5],
}

impl Command for Update {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, author) = (self.conversation_id, self.caller.user_id);
        let row = group_of(work, &self.caller, id).await?;
        let Changes { name, icon, public, open_history, owner_manages } = &self.changes;
        if name.is_some() || icon.is_some() {
            manages(&row, author)?;
        }
        if public.is_some() && row.owner_id != author {
            return Err(Error::Denied("only the owner makes a group public or private"));
        }
        if open_history.is_some() && row.owner_id != author {
            return Err(Error::Denied("only the owner says what those who join may read"));
        }
        if owner_manages.is_some() && row.owner_id != author {
            return Err(Error::Denied("only the owner says who manages a group"));
        }
        let name = name.as_ref().filter(|name| **name != row.name);
        let icon = icon.as_ref().filter(|icon| **icon != row.icon);
        let public = public.filter(|public| *public != row.public);
        // Who was in it while it was private did not write for everybody: history is closed to who joins later.
        let open = row.open_history && public.is_none();
        let open_history = open_history.filter(|wanted| *wanted != open);
        let owner_manages = owner_manages.filter(|alone| *alone != row.owner_manages);
        if let Some(icon) = icon {
            media::hold_picture(work, "icon", icon, author, self.icon_bytes).await?;
        }
        let mut told = Vec::new();
        if let Some(name) = name {
            store::conversation::rename(&mut work.tx, id, name, &field::search_key(&[name])).await?;
            told.push((SystemKind::Renamed, name.as_str()));
        }
        if let Some(icon) = icon {
            store::conversation::draw(&mut work.tx, id, icon).await?;
            told.push((SystemKind::IconChanged, ""));
        }
        if let Some(public) = public {
            store::conversation::publish(&mut work.tx, id, public).await?;
            told.push((if public { SystemKind::MadePublic } else { SystemKind::MadePrivate }, ""));
        }
        if let Some(open) = open_history {
            store::conversation::open_history(&mut work.tx, id, open).await?;
            told.push((if open { SystemKind::HistoryOpened } else { SystemKind::HistoryClosed }, ""));
        }
        if let Some(alone) = owner_manages {
            store::conversation::owner_manages(&mut work.tx, id, alone).await?;
            told.push((if alone { SystemKind::OwnerManages } else { SystemKind::MembersManage }, ""));
        }
        for ((kind, name), request_id) in told.iter().zip(&self.line_ids) {
            line::write(work, id, author, &Line { kind: *kind, name, request_id, ..Line::default() }).await?;
        }
        if icon.is_some() && !row.icon.is_empty() {
            media::release(work, &[row.icon]).await?;
        }
        if !told.is_empty() {
            line::announce(work, id).await?;
        }
        Ok(())
    }
}

/// Changes a group: its name, its picture, whether it is public, what newcomers may read, who manages it.
pub async fn update(ctx: &Ctx, caller: &Caller, request: v1::UpdateGroupRequest) -> Result<v1::Conversation> {
    let history = request.history();
    let v1::UpdateGroupRequest { conversation_id, name, public, icon, update_mask, owner_manages, .. } = request;
    let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() {
        return Err(Error::field(
            "update_mask",
            "must name at least one of name, public, icon, history and owner_manages",
        ));
    }
    let mut changes = Changes::default();
    for path in paths {
        match path.as_str() {
            "name" => changes.name = Some(field::line("name", &name, 1, NAME)?),
            "public" => changes.public = Some(public),
            "icon" => changes.icon = Some(icon.clone()),
            "history" => changes.open_history = Some(opens(history)?),
            "owner_manages" => changes.owner_manages = Some(owner_manages),
            _ => return Err(Error::field("update_mask", "may name name, public, icon, history and owner_manages")),
        }
    }
    if let Some(icon) = &changes.icon {
        media::make_square(ctx, caller, "icon", icon).await?;
    }
    let icon_bytes = ctx.limits.avatar_bytes;
    let line_ids = std::array::from_fn(|_| line::request_id(ctx));
    ctx.writer.run(Update { caller: caller.clone(), conversation_id, changes, icon_bytes, line_ids }).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, conversation_id).await
}

fn opens(history: v1::HistoryRule) -> Result<bool> {
    match history {
        v1::HistoryRule::All => Ok(true),
        v1::HistoryRule::SinceJoining => Ok(false),
        v1::HistoryRule::Unspecified => Err(Error::field("history", "must be all, or since joining")),
    }
}

struct Transfer {
    caller: Caller,
    conversation_id: i64,
    user_id: i64,
    line_id: String,
}

impl Command for Transfer {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let (id, author) = (self.conversation_id, self.caller.user_id);
        let row = group_of(work, &self.caller, id).await?;
        if row.owner_id != author {
            return Err(Error::Denied("only the owner makes somebody else the owner"));
        }
        if store::membership::get(work.tx.read(), self.user_id, id).await?.is_none() {
            return Err(Error::NotFound("member"));
        }
        if self.user_id == author {
            return Ok(());
        }
        let account = store::admin::get(work.tx.read(), self.user_id).await?;
        if account.ok_or(Error::NotFound("member"))?.disabled {
            return Err(Error::WrongState("this account is disabled: nobody could manage the group"));
        }
        let line = Line {
            kind: SystemKind::OwnerChanged,
            new_owner_id: self.user_id,
            request_id: &self.line_id,
            ..Line::default()
        };
        line::write(work, id, author, &line).await?;
        store::conversation::own(&mut work.tx, id, self.user_id).await?;
        line::announce(work, id).await
    }
}

/// Makes another member the owner.
pub async fn transfer(ctx: &Ctx, caller: &Caller, request: &v1::TransferOwnershipRequest) -> Result<v1::Conversation> {
    let v1::TransferOwnershipRequest { conversation_id, user_id } = *request;
    let line_id = line::request_id(ctx);
    ctx.writer.run(Transfer { caller: caller.clone(), conversation_id, user_id, line_id }).await?;
    conversation::get(&mut ctx.db.reader().await?, caller.user_id, conversation_id).await
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
        icon: row.icon,
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
