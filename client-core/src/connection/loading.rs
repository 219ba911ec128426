//! The pages and quoted messages that are being fetched, and what changed in their conversations meanwhile.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use rookery_api::v1::{ListMessagesRequest, Message, list_messages_request::At};

use crate::{
    state::Mine,
    update::{Changed, PageAt},
};

/// Messages of one page.
pub(super) const PAGE_SIZE: usize = 50;

/// All pages on their way, and the messages that others answer.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pages: HashMap<(i64, PageAt), Meanwhile>,
    // By conversation and id, until the server has answered, over any number of connections; with what the stream says of
    // them meanwhile.
    replies: HashMap<(i64, i64), Option<Arc<Message>>>,
}

/// What happened while a page was on its way.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Meanwhile {
    pub changes: Vec<Changed>,
    /// More than that: the page is worth nothing.
    pub stale: bool,
}

impl Loading {
    /// Says whether the page was not on its way yet.
    pub fn start(&mut self, conversation_id: i64, at: PageAt) -> bool {
        let key = (conversation_id, at);
        let new = !self.pages.contains_key(&key);
        self.pages.entry(key).or_default();
        new
    }

    /// A message changed.
    pub fn changed(&mut self, message: &Arc<Message>, mine: Mine) {
        for (_, meanwhile) in self.of(message.conversation_id) {
            meanwhile.changes.push(Changed { message: message.clone(), mine });
        }
        if let Some(newest) = self.replies.get_mut(&(message.conversation_id, message.id))
            && newest.as_ref().is_none_or(|newest| newest.changed < message.changed)
        {
            *newest = Some(message.clone());
        }
    }

    /// Wants a message that another one answers; says whether it was not wanted yet.
    pub fn want_reply(&mut self, conversation_id: i64, id: i64) -> bool {
        let place = self.replies.entry((conversation_id, id));
        let new = matches!(place, Entry::Vacant(_));
        place.or_default();
        new
    }

    /// All that are wanted, as (conversation, id).
    pub fn wanted_replies(&self) -> Vec<(i64, i64)> {
        self.replies.keys().copied().collect()
    }

    /// A message is there: gives it as it is now; none if nobody wants it any more.
    pub fn reply(&mut self, message: Message) -> Option<Arc<Message>> {
        let newest = self.replies.remove(&(message.conversation_id, message.id))?;
        Some(newest.filter(|newest| newest.changed > message.changed).unwrap_or_else(|| Arc::new(message)))
    }

    /// A message is not to be had.
    pub fn give_up_reply(&mut self, conversation_id: i64, id: i64) {
        self.replies.remove(&(conversation_id, id));
    }

    /// The conversation has begun anew.
    pub fn spoil(&mut self, conversation_id: i64) {
        self.replies.retain(|(id, _), _| *id != conversation_id);
        self.of(conversation_id).for_each(|(_, meanwhile)| meanwhile.stale = true);
    }

    /// Another history has begun.
    pub fn spoil_all(&mut self) {
        self.replies.clear();
        self.pages.values_mut().for_each(|meanwhile| meanwhile.stale = true);
    }

    /// The page is there, or will not come.
    pub fn done(&mut self, conversation_id: i64, at: PageAt) -> Meanwhile {
        self.pages.remove(&(conversation_id, at)).unwrap_or_default()
    }

    fn of(&mut self, conversation_id: i64) -> impl Iterator<Item = (PageAt, &mut Meanwhile)> {
        let pages = self.pages.iter_mut().filter(move |((id, _), _)| *id == conversation_id);
        pages.map(|((_, at), meanwhile)| (*at, meanwhile))
    }
}

/// The request for a page.
pub(super) fn request(conversation_id: i64, at: PageAt) -> ListMessagesRequest {
    let at = match at {
        PageAt::Newest => None,
        PageAt::Before(id) => Some(At::Before(id)),
        PageAt::After(id) => Some(At::After(id)),
        PageAt::Around(id) => Some(At::Around(id)),
    };
    ListMessagesRequest { conversation_id, at, page_size: PAGE_SIZE as i32 }
}
