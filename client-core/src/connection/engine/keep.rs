//! What goes to the cache: gathered for a moment, then written in one transaction.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rookery_api::v1::{Message, User, event::Kind};
use tokio::time::Instant;

use super::Engine;
use crate::{
    cache::{Batch, Change},
    update::RestoredConversation,
};

/// So long changes are gathered. A crash loses them from the cache alone: the cursor there is as old as they are.
const GATHER: Duration = Duration::from_millis(300);
/// So many are written at once.
const ENOUGH: usize = 500;

/// What is to be written next.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    changes: Vec<Change>,
    conversations: BTreeSet<i64>,
    users: BTreeSet<i64>,
    blocked: bool,
    due: Option<Instant>,
}

impl Keeper {
    pub fn next_due(&self) -> Option<Instant> {
        self.due
    }

    fn soon(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
    }
}

impl Engine {
    /// A conversation is not as it was: its cursor, its name, what is read.
    pub(super) fn keep_conversation(&mut self, id: i64) {
        self.keeper.conversations.insert(id);
        self.keeper.soon();
    }

    pub(super) fn keep_users(&mut self, users: &[User]) {
        self.keeper.users.extend(users.iter().map(|user| user.id));
        self.keeper.soon();
    }

    /// A message came by the stream; to be called when it is in the state.
    pub(super) fn keep_message(&mut self, message: &Arc<Message>) {
        // The state knows which reactions are the user's own.
        let Some(conversation) = self.state.conversation(message.conversation_id) else { return };
        let (best, certain) = conversation.settled(message, self.state.user_id());
        let change = if certain { Change::Message(best) } else { Change::OpenMessage(best) };
        self.keep_change(message.conversation_id, change);
    }

    /// What the user's own choices mean for the cache, when they are in the state.
    pub(super) fn keep_choice(&mut self, kind: &Kind) {
        match kind {
            Kind::MembershipChanged(changed) => self.keep_conversation(changed.conversation_id),
            Kind::BlockChanged(_) | Kind::Ready(_) => {
                self.keeper.blocked = true;
                self.keeper.soon();
            }
            _ => {}
        }
    }

    pub(super) fn keep_change(&mut self, conversation_id: i64, change: Change) {
        self.keeper.changes.push(change);
        self.keep_conversation(conversation_id);
    }

    pub(super) fn flush_if_due(&mut self, now: Instant) {
        if self.keeper.due.is_some_and(|due| due <= now) || self.keeper.changes.len() >= ENOUGH {
            self.flush();
        }
    }

    /// Gives all that was gathered to the disk. Only between two events, or the cursor would be ahead of its messages.
    pub(super) fn flush(&mut self) {
        let Keeper { changes, conversations, users, blocked, .. } = std::mem::take(&mut self.keeper);
        if conversations.is_empty() && users.is_empty() && changes.is_empty() && !blocked {
            return;
        }
        let conversations = conversations.into_iter().filter_map(|id| self.state.conversation(id));
        let conversations = conversations.map(|conversation| RestoredConversation {
            conversation: conversation.to_answer(),
            cursor: conversation.cursor(),
        });
        let users = users.into_iter().filter_map(|id| self.state.user(id).cloned());
        let blocked = blocked.then(|| self.state.blocked().collect());
        let batch = Batch { changes, conversations: conversations.collect(), users: users.collect(), blocked };
        self.disk.post(move |shelf| shelf.cache.write(&batch));
    }
}
