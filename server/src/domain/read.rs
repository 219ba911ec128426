//! Read positions and unread counts.

use std::collections::BTreeMap;

use rookery_api::v1;

use super::{
    Caller, Ctx, Error, Result,
    writer::{Command, Lane, Work},
};
use crate::store;

/// A read position, and what is unread behind it.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub position: i64,
    pub unread: i64,
    pub mentions: i64,
}

/// A read position that is to move: forward up to a message, or back to before it.
#[derive(Clone, Debug)]
pub struct Move {
    user_id: i64,
    conversation_id: i64,
    id: i64,
    back: bool,
}

impl Command for Move {
    type Reply = Read;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<Read> {
        let (user_id, id) = (self.user_id, self.conversation_id);
        let found = store::conversation::listed(work.tx.read(), user_id, id).await?;
        let was = found.ok_or(Error::NotFound("conversation"))?;
        let target = if self.back {
            if store::message::get(work.tx.read(), user_id, id, self.id).await?.is_none() {
                return Err(Error::NotFound("message"));
            }
            (self.id - 1).min(was.read_position)
        } else {
            self.id.min(was.conversation.position).max(was.read_position)
        };
        if target == was.read_position {
            return Ok(Read { position: target, unread: was.unread, mentions: was.unread_mentions });
        }
        let messages = store::message::number_at(work.tx.read(), id, target).await?;
        store::membership::read(&mut work.tx, user_id, id, target, messages).await?;
        let now = store::conversation::listed(work.tx.read(), user_id, id).await?;
        let (unread, mentions) = now.map_or((0, 0), |row| (row.unread, row.unread_mentions));
        Ok(tell(work, user_id, id, Read { position: target, unread, mentions }, was.conversation.position))
    }
}

/// Moves forward that wait together: one text for all that are what they mostly are; the answers are in their order, with
/// nothing for those that have to be looked at one by one. Several of one user in one conversation are one.
pub(super) async fn move_group(work: &mut Work, moves: &[&Move]) -> Result<Vec<Option<Read>>> {
    let mut furthest: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for one in moves {
        let id = furthest.entry((one.user_id, one.conversation_id)).or_default();
        *id = one.id.max(*id);
    }
    let group: Vec<_> = furthest.iter().map(|((user, conversation), id)| (*user, *conversation, *id)).collect();
    let mut reads = BTreeMap::new();
    for row in store::membership::read_on(&mut work.tx, &group).await? {
        let read = Read { position: row.read_position, unread: row.unread, mentions: row.unread_mentions };
        let read = tell(work, row.user_id, row.conversation_id, read, row.as_of);
        reads.insert((row.user_id, row.conversation_id), read);
    }
    Ok(moves.iter().map(|one| reads.get(&(one.user_id, one.conversation_id)).copied()).collect())
}

/// Tells the user's streams, of all her devices.
fn tell(work: &mut Work, user_id: i64, conversation_id: i64, read: Read, as_of: i64) -> Read {
    let changed = v1::ReadChanged {
        conversation_id,
        read_position: read.position,
        unread: read.unread,
        as_of,
        unread_mentions: read.mentions,
    };
    work.tell(user_id, v1::event::Kind::ReadChanged(changed));
    read
}

/// Moves the caller's read position forward, up to a message.
pub async fn mark_read(ctx: &Ctx, caller: &Caller, conversation_id: i64, id: i64) -> Result<Read> {
    if id < 0 {
        return Err(Error::field("id", "must not be negative"));
    }
    ctx.writer.read(Move { user_id: caller.user_id, conversation_id, id, back: false }).await
}

/// Moves it back, to before a message.
pub async fn mark_unread(ctx: &Ctx, caller: &Caller, conversation_id: i64, id: i64) -> Result<Read> {
    ctx.writer.run(Move { user_id: caller.user_id, conversation_id, id, back: true }).await
}
