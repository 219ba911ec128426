//! Whose profiles to ask for: those who are named somewhere and not known, and after each connection those on show.

use std::collections::{BTreeSet, HashSet};

use rookery_api::v1::{Message, SubscribeResponse, event::Kind};

use crate::state::State;

/// GetUsers takes so many at once.
const BATCH: usize = 100;

/// Who is wanted.
#[derive(Debug, Default)]
pub(super) struct People {
    wanted: BTreeSet<i64>,
    // Asked for since the last connection: who was not given does not exist.
    asked: HashSet<i64>,
    on_their_way: bool,
}

impl People {
    /// Wants those who are not known.
    pub fn want(&mut self, ids: impl IntoIterator<Item = i64>, state: &State) {
        let unknown = ids.into_iter().filter(|id| *id > 0 && state.user(*id).is_none() && !self.asked.contains(id));
        self.wanted.extend(unknown);
    }

    /// Wants also those who are known, once for each connection: what the disk knows of them may be old.
    pub fn want_anew(&mut self, ids: impl IntoIterator<Item = i64>) {
        self.wanted.extend(ids.into_iter().filter(|id| *id > 0 && !self.asked.contains(id)));
    }

    /// Wants everybody on show anew: what changed while the stream was down is not replayed.
    pub fn refresh(&mut self, state: &State) {
        self.asked.clear();
        self.on_their_way = false;
        for conversation in state.conversations() {
            self.wanted.extend(conversation.partner_id(state.user_id()));
            if let Some(run) = conversation.run() {
                self.wanted.extend(run.messages().flat_map(|message| named(message)));
            }
        }
        self.wanted.remove(&0);
    }

    /// The next batch to ask for.
    pub fn due(&mut self) -> Option<Vec<i64>> {
        if self.on_their_way || self.wanted.is_empty() {
            return None;
        }
        let batch: Vec<_> = std::iter::from_fn(|| self.wanted.pop_first()).take(BATCH).collect();
        self.asked.extend(&batch);
        self.on_their_way = true;
        Some(batch)
    }

    /// The answer is there; who could not be asked for is asked for again after the next connection at the latest.
    pub fn done(&mut self, unanswered: &[i64]) {
        self.on_their_way = false;
        unanswered.iter().for_each(|id| {
            self.asked.remove(id);
        });
    }
}

/// Everybody whom an event names.
pub(super) fn named_in(response: &SubscribeResponse) -> Vec<i64> {
    match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
        Some(Kind::MessageChanged(changed)) => changed.message.iter().flat_map(named).collect(),
        Some(Kind::Typing(typing)) => typing.user_ids.clone(),
        Some(Kind::ConversationChanged(changed)) => {
            changed.conversation.iter().flat_map(|conversation| conversation.direct_user_ids.clone()).collect()
        }
        Some(Kind::Ready(ready)) => ready
            .conversations
            .iter()
            .flat_map(|conversation| conversation.direct_user_ids.iter().copied())
            .chain(ready.conversations.iter().flat_map(|conversation| conversation.last_message.iter().flat_map(named)))
            .collect(),
        _ => Vec::new(),
    }
}

/// Everybody whom a message names.
pub(super) fn named(message: &Message) -> impl Iterator<Item = i64> {
    let system = message.system.iter().flat_map(|system| system.user_ids.iter().copied().chain([system.new_owner_id]));
    let reactions = message.reactions.iter().flat_map(|reaction| reaction.user_ids.iter().copied());
    let mentions = message.mentions.iter().map(|mention| mention.user_id);
    let pinned = message.pin.iter().map(|pin| pin.user_id);
    std::iter::once(message.author_id).chain(system).chain(reactions).chain(mentions).chain(pinned)
}
