//! Conversations as their readers see them, and direct chats.

use std::collections::HashMap;

use rookery_api::v1::{self, ConversationKind};

use super::{
    Caller, Ctx, Error, Result,
    ctx::{Clock, Dice},
    field, membership, message, user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{
    self, Conn, Db, Tx,
    conversation::{ConversationRow, DIRECT, GLOBAL, ListedRow, NewConversation, Standing},
    membership::NewMembership,
    user::UserRow,
};

/// How much of a last message's text a list shows, in characters.
const EXCERPT: usize = 200;

/// A conversation as it is for all its readers.
pub fn api(row: ConversationRow) -> v1::Conversation {
    let kind = i32::try_from(row.kind).ok().and_then(|kind| ConversationKind::try_from(kind).ok()).unwrap_or_default();
    v1::Conversation {
        id: row.id,
        kind: kind.into(),
        name: row.name,
        public: row.public,
        owner_id: row.owner_id,
        direct_user_ids: if row.kind == DIRECT { vec![row.direct_low, row.direct_high] } else { Vec::new() },
        position: row.position,
        last_message: None,
        mine: None,
        created_at: Some(message::timestamp(row.created_at)),
        icon: row.icon,
        history: match (row.kind, row.open_history) {
            (DIRECT, _) => v1::HistoryRule::Unspecified,
            (_, true) => v1::HistoryRule::All,
            (_, false) => v1::HistoryRule::SinceJoining,
        }
        .into(),
        owner_manages: row.owner_manages,
    }
}

/// A reader's place in a conversation.
pub(super) fn mine(row: &ListedRow) -> v1::Membership {
    v1::Membership {
        read_position: row.read_position,
        unread: row.unread,
        visible_from: row.visible_from,
        unread_mentions: row.unread_mentions,
        muted_until: membership::muted_until(row.muted_until),
        hidden_through: row.hidden_through,
    }
}

/// Conversations with their reader's place in them and their last messages.
async fn listed(conn: &mut Conn, reader: i64, rows: Vec<ListedRow>) -> Result<Vec<v1::Conversation>> {
    let keys: Vec<(i64, i64)> = rows.iter().filter_map(|row| row.last_id.map(|id| (row.conversation.id, id))).collect();
    let mut last = HashMap::new();
    if !keys.is_empty() {
        for row in store::message::get_many(conn, &keys).await? {
            let conversation_id = row.conversation_id;
            let mut message = message::for_reader(conn, reader, row).await?;
            if let Some((end, _)) = message.text.char_indices().nth(EXCERPT) {
                message.text.truncate(end);
            }
            last.insert(conversation_id, message);
        }
    }
    let with_last = |row: ListedRow| {
        let mine = mine(&row);
        let mut conversation = api(row.conversation);
        conversation.last_message = last.remove(&conversation.id);
        conversation.mine = Some(mine);
        conversation
    };
    Ok(rows.into_iter().map(with_last).collect())
}

/// Everybody whom a list of conversations names: authors of last messages and partners of direct chats.
pub fn named(conversations: &[v1::Conversation]) -> Vec<i64> {
    let last: Vec<v1::Message> = conversations.iter().filter_map(|c| c.last_message.clone()).collect();
    let mut ids = message::named(&last);
    ids.extend(conversations.iter().flat_map(|conversation| conversation.direct_user_ids.iter().copied()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// All conversations that a user lists.
pub(super) async fn all(conn: &mut Conn, reader: i64) -> Result<Vec<v1::Conversation>> {
    let rows = store::conversation::list(conn, reader, 0, i64::MAX).await?;
    listed(conn, reader, rows).await
}

/// A page of the caller's conversations.
pub async fn list(
    ctx: &Ctx,
    caller: &Caller,
    request: &v1::ListConversationsRequest,
) -> Result<v1::ListConversationsResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let after = field::number_of(&request.page_token, 0)?;
    let mut conn = ctx.db.reader().await?;
    let mut rows = store::conversation::list(&mut conn, caller.user_id, after, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| row.conversation.id.to_string()).unwrap_or_default();
    let conversations = listed(&mut conn, caller.user_id, rows).await?;
    let users = user::list_of(&mut conn, &named(&conversations), ctx.clock.now()).await?;
    Ok(v1::ListConversationsResponse { conversations, users, next_page_token: next })
}

/// One conversation of a member's; what she is not in is not there.
pub async fn get(conn: &mut Conn, reader: i64, id: i64) -> Result<v1::Conversation> {
    let row = store::conversation::listed(conn, reader, id).await?.ok_or(Error::NotFound("conversation"))?;
    listed(conn, reader, vec![row]).await?.pop().ok_or(Error::NotFound("conversation"))
}

/// One of the caller's conversations, with whom it names.
pub async fn get_with_users(ctx: &Ctx, caller: &Caller, id: i64) -> Result<v1::GetConversationResponse> {
    let mut conn = ctx.db.reader().await?;
    let conversation = get(&mut conn, caller.user_id, id).await?;
    let users = user::list_of(&mut conn, &named(std::slice::from_ref(&conversation)), ctx.clock.now()).await?;
    Ok(v1::GetConversationResponse { conversation: Some(conversation), users })
}

/// Where a member stands in a conversation; what she is not in is not there.
pub async fn standing(conn: &mut Conn, reader: i64, id: i64) -> Result<Standing> {
    store::conversation::standing(conn, reader, id).await?.ok_or(Error::NotFound("conversation"))
}

struct OpenDirect {
    low: i64,
    high: i64,
    request_id: String,
}

impl Command for OpenDirect {
    type Reply = i64;

    fn lane(&self) -> Lane {
        Lane::User(self.low)
    }

    async fn run(&self, work: &mut Work) -> Result<i64> {
        let (low, high) = (self.low, self.high);
        if let Some(id) = store::conversation::direct(work.tx.read(), low, high).await? {
            return Ok(id);
        }
        if !store::user::hold(&mut work.tx, &[low, high]).await? {
            return Err(Error::WrongState("this account was deleted"));
        }
        let new = NewConversation {
            kind: DIRECT,
            request_id: &self.request_id,
            direct_low: low,
            direct_high: high,
            members: 2,
            ..NewConversation::default()
        };
        let Some(id) = store::conversation::insert(&mut work.tx, &new).await? else {
            let made = store::conversation::direct(work.tx.read(), low, high).await?;
            return made.ok_or_else(|| Error::Internal("a direct chat was neither made nor there".into()));
        };
        for user_id in [low, high] {
            let membership = NewMembership { user_id, conversation_id: id, visible_from: 1, joined_position: 0 };
            store::membership::insert(&mut work.tx, membership).await?;
            // Nobody is told: the chat appears with its first message, which live streams must then hear.
            work.publish(Effect::Follow { user_id, conversation_id: id, after: 0 });
        }
        Ok(id)
    }
}

/// The direct chat of the caller and somebody else.
pub async fn open_direct(ctx: &Ctx, caller: &Caller, user_id: i64) -> Result<v1::Conversation> {
    if user_id == caller.user_id {
        return Err(Error::field("user_id", "must be somebody else"));
    }
    let mut conn = ctx.db.reader().await?;
    if store::user::get(&mut conn, user_id).await?.is_none() {
        return Err(Error::NotFound("user"));
    }
    let (low, high) = (caller.user_id.min(user_id), caller.user_id.max(user_id));
    let id = match store::conversation::direct(&mut conn, low, high).await? {
        Some(id) => id,
        None => ctx.writer.run(OpenDirect { low, high, request_id: ctx.dice.uuid().to_string() }).await?,
    };
    let row = store::conversation::listed(&mut conn, caller.user_id, id).await?;
    if row.is_some_and(|row| row.hidden_through > 0 && row.last_id <= Some(row.hidden_through)) {
        membership::show(ctx, caller, id).await?;
    }
    get(&mut conn, caller.user_id, id).await
}

/// A page of a conversation's members.
pub async fn members(ctx: &Ctx, caller: &Caller, request: &v1::ListMembersRequest) -> Result<v1::ListMembersResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let after = field::pair_of(&request.page_token, (-1, 0))?;
    let mut conn = ctx.db.reader().await?;
    let standing = standing(&mut conn, caller.user_id, request.conversation_id).await?;
    let owner = store::conversation::get(&mut conn, standing.id).await?.map_or(0, |row| row.owner_id);
    let mut rows = store::membership::list(&mut conn, standing.id, after, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| field::pair_token(row.joined_position, row.user.id));
    let (users, joined): (Vec<UserRow>, Vec<i64>) = rows.into_iter().map(|row| (row.user, row.joined_at)).unzip();
    let (users, presences) = user::with_presence(ctx, &mut conn, caller.user_id, users).await?;
    let member = |(user, joined_at): (v1::User, i64)| v1::Member {
        owner: user.id == owner,
        user: Some(user),
        joined_at: Some(message::timestamp(joined_at)),
    };
    Ok(v1::ListMembersResponse {
        members: users.into_iter().zip(joined).map(member).collect(),
        presences,
        total: i32::try_from(standing.members).unwrap_or(i32::MAX),
        next_page_token: next.unwrap_or_default(),
    })
}

/// Makes sure of what exists from the first start: the history's id and the global room. Answers both.
pub async fn found(db: &Db, clock: &Clock, dice: Dice) -> Result<(String, i64)> {
    let mut conn = db.reader().await?;
    let mut tx = Tx::new(db.writer().await?);
    tx.now = clock.now();
    let now = tx.now;
    store::server::insert(tx.write(), &dice.hex::<16>(), now).await?;
    let request_id = dice.uuid().to_string();
    let new = NewConversation {
        kind: GLOBAL,
        name: "Global",
        open_history: true,
        request_id: &request_id,
        ..NewConversation::default()
    };
    store::conversation::insert(&mut tx, &new).await?;
    let global_id = store::conversation::global(&mut conn).await?;
    let global_id = global_id.ok_or_else(|| Error::Internal("the global room was not made".into()))?;
    Ok((store::server::history(&mut conn).await?, global_id))
}
