//! Reactions. What readers see of them is kept in the message's row; who reacted, in rows of their own.

use std::collections::BTreeMap;

use rookery_api::v1;

use super::{
    Caller, Ctx, Error, Result, field, message, user,
    writer::{Command, Effect, Lane, Work},
};
use crate::store::{self, Conn};

/// How many people a message names for each emote.
const NAMED: i64 = 10;

/// The stored summary as readers get it, without `mine`.
pub fn summary(stored: &str) -> Vec<v1::Reaction> {
    let list: Vec<(String, i32, Vec<i64>)> = serde_json::from_str(stored).unwrap_or_default();
    list.into_iter().map(|(emote, count, user_ids)| v1::Reaction { emote, count, user_ids, mine: false }).collect()
}

/// Marks the reader's own reactions. Only emotes with more people than are named need a look.
pub async fn mark_mine(conn: &mut Conn, reader: i64, messages: &mut [v1::Message]) -> Result<()> {
    let mut unsure: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for message in messages.iter_mut() {
        for reaction in &mut message.reactions {
            reaction.mine = reaction.user_ids.contains(&reader);
            if !reaction.mine && i64::from(reaction.count) > NAMED {
                unsure.entry(message.conversation_id).or_default().push(message.id);
            }
        }
    }
    for (conversation_id, ids) in unsure {
        let mine = store::reaction::mine(conn, conversation_id, reader, &ids).await?;
        for message in messages.iter_mut().filter(|message| message.conversation_id == conversation_id) {
            for reaction in &mut message.reactions {
                reaction.mine |= mine.iter().any(|(id, emote)| *id == message.id && *emote == reaction.emote);
            }
        }
    }
    Ok(())
}

struct React {
    caller: Caller,
    conversation_id: i64,
    id: i64,
    emote: String,
    /// Whether it is to stand or to go.
    stand: bool,
    kinds: usize,
}

impl Command for React {
    type Reply = v1::Message;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Message> {
        let (id, user_id) = (self.conversation_id, self.caller.user_id);
        let row = message::writable(work, &self.caller, id, self.id).await?;
        if row.system != 0 {
            return Err(Error::Denied("system lines take no reactions"));
        }
        if row.deleted && self.stand {
            return Err(Error::WrongState("a deleted message takes no reactions"));
        }
        let stands = store::reaction::exists(work.tx.read(), id, self.id, &self.emote, user_id).await?;
        if stands == self.stand {
            return message::for_reader(work.tx.read(), user_id, row).await;
        }
        let kinds = summary(&row.reactions);
        if self.stand && kinds.len() >= self.kinds && kinds.iter().all(|reaction| reaction.emote != self.emote) {
            return Err(Error::Limit(format!("a message takes at most {} kinds of reactions", self.kinds)));
        }
        let changed = store::conversation::advance(&mut work.tx, id).await?;
        if self.stand {
            store::reaction::insert(&mut work.tx, id, self.id, &self.emote, user_id, changed).await?;
        } else {
            store::reaction::delete(&mut work.tx, id, self.id, &self.emote, user_id).await?;
        }
        let mut list = Vec::new();
        for tally in store::reaction::tallies(work.tx.read(), id, self.id).await? {
            let first = store::reaction::first(work.tx.read(), id, self.id, &tally.emote, NAMED).await?;
            list.push((tally.emote, tally.count, first));
        }
        let stored = if list.is_empty() { String::new() } else { serde_json::json!(list).to_string() };
        let row = store::message::react(&mut work.tx, id, self.id, &stored, changed).await?;
        work.publish(Effect::Message(message::api(row.clone())));
        let own = v1::ReactionChanged {
            conversation_id: id,
            message_id: self.id,
            emote: self.emote.clone(),
            mine: self.stand,
        };
        work.tell(user_id, v1::event::Kind::ReactionChanged(own));
        message::for_reader(work.tx.read(), user_id, row).await
    }
}

/// Reacts, or takes a reaction back.
pub async fn react(
    ctx: &Ctx,
    caller: &Caller,
    (conversation_id, id): (i64, i64),
    emote: String,
    stand: bool,
) -> Result<v1::Message> {
    field::emote(&emote)?;
    let kinds = ctx.limits.reaction_kinds;
    ctx.writer.run(React { caller: caller.clone(), conversation_id, id, emote, stand, kinds }).await
}

/// Who reacted with an emote.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListReactionsRequest) -> Result<v1::ListReactionsResponse> {
    field::emote(&request.emote)?;
    let size = field::page_size(request.page_size, 50, 100)?;
    let after = field::number_of(&request.page_token, 0)?;
    let mut conn = ctx.db.reader().await?;
    let (conversation_id, id) = (request.conversation_id, request.id);
    if store::message::get(&mut conn, caller.user_id, conversation_id, id).await?.is_none() {
        return Err(Error::NotFound("message"));
    }
    let mut rows = store::reaction::list(&mut conn, conversation_id, id, &request.emote, after, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| row.added.to_string()).unwrap_or_default();
    let users = rows.into_iter().map(|row| user::api(row.user, ctx.clock.now())).collect();
    Ok(v1::ListReactionsResponse { users, next_page_token: next })
}
