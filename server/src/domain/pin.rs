//! Pins: messages that are held up for everybody. A pin is a change of its message. Who may: any member of a group or a direct
//! chat; in the global room admins.

use rookery_api::v1;

use super::{
    Caller, Ctx, Error, Result, admin, field, message, user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{self, conversation::GLOBAL};

struct Pin {
    caller: Caller,
    conversation_id: i64,
    id: i64,
    /// Whether it is to stand or to go.
    stand: bool,
    most: i64,
}

impl Command for Pin {
    type Reply = v1::Message;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Message> {
        let (id, user_id) = (self.conversation_id, self.caller.user_id);
        let row = message::writable(work, &self.caller, id, self.id).await?;
        let conversation = store::conversation::get(work.tx.read(), id).await?;
        let global = conversation.is_some_and(|conversation| conversation.kind == GLOBAL);
        if global && !admin::is_admin(work.tx.read(), &self.caller).await? {
            return Err(Error::Denied("in the global room only admins pin messages"));
        }
        if row.system != 0 {
            return Err(Error::Denied("system lines cannot be pinned"));
        }
        if row.deleted && self.stand {
            return Err(Error::WrongState("a deleted message cannot be pinned"));
        }
        if (row.pinned_at != 0) == self.stand {
            return message::for_reader(work.tx.read(), user_id, row).await;
        }
        if self.stand && store::message::pin_count(work.tx.read(), id).await? >= self.most {
            return Err(Error::Limit(format!("at most {} messages of a conversation are pinned", self.most)));
        }
        let changed = store::conversation::advance(&mut work.tx, id).await?;
        let by = if self.stand { user_id } else { 0 };
        let row = store::message::pin(&mut work.tx, id, self.id, by, changed).await?;
        work.publish(Effect::Message(message::api(row.clone())));
        message::for_reader(work.tx.read(), user_id, row).await
    }
}

/// Pins a message, or unpins it.
pub async fn pin(ctx: &Ctx, caller: &Caller, (conversation_id, id): (i64, i64), stand: bool) -> Result<v1::Message> {
    let most = ctx.limits.pins;
    ctx.writer.run(Pin { caller: caller.clone(), conversation_id, id, stand, most }).await
}

/// A page of what is pinned, last pinned first.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListPinsRequest) -> Result<v1::ListPinsResponse> {
    let size = field::page_size(request.page_size, 50, 100)?;
    let before = field::pair_of(&request.page_token, (i64::MAX, i64::MAX))?;
    let (reader, id) = (caller.user_id, request.conversation_id);
    let mut conn = ctx.db.reader().await?;
    if store::membership::get(&mut conn, reader, id).await?.is_none() {
        return Err(Error::NotFound("conversation"));
    }
    let mut rows = store::message::pins(&mut conn, reader, id, before, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| field::pair_token(row.pinned_at, row.id)).unwrap_or_default();
    let messages = message::all_for_reader(&mut conn, reader, rows).await?;
    let mut named = message::named(&messages);
    named.extend(messages.iter().filter_map(|message| message.pin.as_ref()).map(|pin| pin.user_id));
    let users = user::list_of(&mut conn, &named, ctx.clock.now()).await?;
    Ok(v1::ListPinsResponse { messages, users, next_page_token: next })
}
