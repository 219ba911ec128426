//! Whose reactions a message carries: `mine` is not told in live events, so what is known must be carried over.

use std::sync::Arc;

use rookery_api::v1::{Message, Reaction};

use super::run::Mine;

/// How many people a reaction names; with no more than these the list is complete.
const NAMED: i32 = 10;

/// The message with `mine` set right in its reactions, as far as it can be known.
pub(super) fn settle(message: &Arc<Message>, known: Option<&Arc<Message>>, mine: Mine, reader: i64) -> Arc<Message> {
    if mine == Mine::Told || message.reactions.is_empty() {
        return message.clone();
    }
    let known = known.map_or(&[][..], |known| &known.reactions);
    let right = |reaction: &Reaction| {
        reaction.user_ids.contains(&reader)
            || (reaction.count > NAMED && known.iter().any(|old| old.emote == reaction.emote && old.mine))
    };
    if message.reactions.iter().all(|reaction| reaction.mine == right(reaction)) {
        return message.clone();
    }
    let mut settled = Message::clone(message);
    for reaction in &mut settled.reactions {
        reaction.mine = right(reaction);
    }
    Arc::new(settled)
}

/// Whether it stays open if the reader is among those who reacted: a live event that names only the first of many.
pub(super) fn is_open(message: &Message, mine: Mine) -> bool {
    mine == Mine::Untold && message.reactions.iter().any(|reaction| reaction.count > NAMED && !reaction.mine)
}
