//! The loaded part of a conversation: one run of messages without holes, of bounded length.

use std::{collections::VecDeque, sync::Arc};

use rookery_api::v1::Message;

use super::reaction;
use crate::update::Unread;

/// How many messages a run holds at most: a window over any length of history.
pub const RUN_LIMIT: usize = 150;

/// One run of messages, oldest first. Between its first and its last id nothing is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    messages: VecDeque<Arc<Message>>,
    more_before: bool,
    more_after: bool,
}

/// What to believe of `Reaction.mine` in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// It is right: from an answer to this user.
    Told,
    /// It is false for everybody: from a live event.
    Untold,
}

impl Run {
    pub(super) fn new(messages: impl IntoIterator<Item = Arc<Message>>, more_before: bool, more_after: bool) -> Self {
        Self { messages: messages.into_iter().collect(), more_before, more_after }
    }

    /// The messages, oldest first; deleted ones as tombstones.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> + ExactSizeIterator {
        self.messages.iter()
    }

    /// How many messages are loaded.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether no message is loaded: the conversation has none that its reader may see.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether there are older messages than the loaded ones.
    pub fn more_before(&self) -> bool {
        self.more_before
    }

    /// Whether there are newer messages than the loaded ones. If not, the run grows as messages arrive.
    pub fn more_after(&self) -> bool {
        self.more_after
    }

    /// The oldest loaded message's id.
    pub fn first_id(&self) -> Option<i64> {
        self.messages.front().map(|message| message.id)
    }

    /// The newest loaded message's id.
    pub fn last_id(&self) -> Option<i64> {
        self.messages.back().map(|message| message.id)
    }

    /// A loaded message.
    pub fn get(&self, id: i64) -> Option<&Arc<Message>> {
        self.messages.get(self.find(id).ok()?)
    }

    fn find(&self, id: i64) -> Result<usize, usize> {
        self.messages.binary_search_by_key(&id, |message| message.id)
    }

    /// Puts a message in its place: an upsert where the higher `changed` wins, inside the run, or behind its end when it
    /// reaches the present. All other messages are none of its business. `following` says which side gives way when the
    /// run is full: the old one if the reader looks at the end, else the run stops growing.
    pub(super) fn put(&mut self, message: &Arc<Message>, mine: Mine, reader: i64, following: bool) {
        match self.find(message.id) {
            Ok(index) => {
                let known = &mut self.messages[index];
                let newer = message.changed > known.changed;
                if newer || (message.changed == known.changed && mine == Mine::Told) {
                    *known = reaction::settle(message, Some(known), mine, reader);
                }
            }
            Err(index) => {
                let behind = index == self.messages.len();
                let before = index == 0 && self.more_before;
                if (behind && self.more_after) || (before && !behind) {
                    return;
                }
                if self.messages.len() >= RUN_LIMIT {
                    if behind && !following {
                        self.more_after = true;
                        return;
                    }
                    self.messages.insert(index, reaction::settle(message, None, mine, reader));
                    self.messages.pop_front();
                    self.more_before = true;
                    return;
                }
                self.messages.insert(index, reaction::settle(message, None, mine, reader));
            }
        }
    }

    /// Adds a page in front; the newest messages give way.
    pub(super) fn prepend(&mut self, messages: &[Arc<Message>], more_before: bool) {
        messages.iter().rev().for_each(|message| self.messages.push_front(message.clone()));
        self.more_before = more_before;
        if self.messages.len() > RUN_LIMIT {
            self.messages.truncate(RUN_LIMIT);
            self.more_after = true;
        }
    }

    /// Adds a page behind; the oldest messages give way.
    pub(super) fn append(&mut self, messages: &[Arc<Message>], more_after: bool) {
        self.messages.extend(messages.iter().cloned());
        self.more_after = more_after;
        self.trim_front(RUN_LIMIT);
    }

    /// Lets the oldest messages go until `limit` are left.
    pub(super) fn trim_front(&mut self, limit: usize) {
        if let Some(surplus) = self.messages.len().checked_sub(limit).filter(|surplus| *surplus > 0) {
            self.messages.drain(..surplus);
            self.more_before = true;
        }
    }

    /// Says of a loaded message whether the reader's own reaction stands.
    pub(super) fn set_mine(&mut self, id: i64, emote: &str, mine: bool) {
        let Ok(index) = self.find(id) else { return };
        let known = &mut self.messages[index];
        if known.reactions.iter().any(|reaction| reaction.emote == emote && reaction.mine != mine) {
            let reactions = Arc::make_mut(known).reactions.iter_mut();
            reactions.filter(|reaction| reaction.emote == emote).for_each(|reaction| reaction.mine = mine);
        }
    }

    /// How many messages above `read` count as unread for `reader`; none if not all of those are loaded.
    pub(super) fn unread_above(&self, read: i64, reader: i64) -> Option<Unread> {
        let whole = !self.more_before || self.first_id().is_some_and(|first| first <= read + 1);
        if self.more_after || !whole {
            return None;
        }
        let above = self.messages.iter().rev().take_while(|message| message.id > read);
        let mut unread = Unread::default();
        for message in above.filter(|message| counts_as_unread(message, reader)) {
            unread.messages += 1;
            unread.mentions += i64::from(mentions(message, reader));
        }
        Some(unread)
    }
}

/// Whether a message is one that its reader has to read: another's, not deleted, not a system line.
pub(crate) fn counts_as_unread(message: &Message, reader: i64) -> bool {
    message.author_id != reader && !message.deleted && message.system.is_none()
}

/// Whether a message mentions its reader, or everyone.
pub(crate) fn mentions(message: &Message, reader: i64) -> bool {
    message.mentions.iter().any(|mention| mention.user_id == reader || mention.user_id == 0)
}
