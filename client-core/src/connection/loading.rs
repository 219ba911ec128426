//! The pages that are being fetched, and what changed in their conversations meanwhile.

use std::{collections::HashMap, sync::Arc};

use rookery_api::v1::{ListMessagesRequest, Message, list_messages_request::At};

use crate::update::PageAt;

/// Messages of one page.
pub(super) const PAGE_SIZE: usize = 50;

/// All pages on their way.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pages: HashMap<(i64, PageAt), Meanwhile>,
}

/// What happened while a page was on its way.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Meanwhile {
    pub changes: Vec<Arc<Message>>,
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
    pub fn changed(&mut self, message: &Arc<Message>) {
        for (_, meanwhile) in self.of(message.conversation_id) {
            meanwhile.changes.push(message.clone());
        }
    }

    /// The conversation has begun anew.
    pub fn spoil(&mut self, conversation_id: i64) {
        self.of(conversation_id).for_each(|(_, meanwhile)| meanwhile.stale = true);
    }

    /// Another history has begun.
    pub fn spoil_all(&mut self) {
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
