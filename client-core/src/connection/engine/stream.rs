//! The events of the stream: what is applied at once, and what has to wait because something before it is missing.

use std::{sync::Arc, time::Duration};

use rookery_api::v1::{self, Message, Ready, SubscribeResponse, event::Kind};
use tokio::time::Instant;
use tracing::trace;

use super::Engine;
use crate::{
    cache::Change,
    connection::{people, span},
    outbox::{Pending, PendingStatus},
    state::{Conversation, Mine},
    update::{PageAt, Update},
};

/// So long after a call that failed the engine asks again.
const AGAIN: Duration = Duration::from_secs(1);

/// A conversation whose events wait until an answer is there.
#[derive(Debug, Default)]
pub(super) struct Hold {
    events: Vec<SubscribeResponse>,
    /// Something is missing between the cursor and the first event: ListChanges has it.
    hole: bool,
    /// The conversation is not known, or its unread messages have to be counted by the server: GetConversation.
    fetch: bool,
    /// The call that is on its way.
    ticket: Option<u64>,
    not_before: Option<Instant>,
}

impl Hold {
    pub fn next_due(&self) -> Option<Instant> {
        self.not_before.filter(|_| self.ticket.is_none())
    }
}

impl Engine {
    pub(super) async fn receive(&mut self, response: SubscribeResponse) {
        match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
            Some(Kind::Heartbeat(_)) => {}
            Some(Kind::Ready(_)) => self.begin(response).await,
            _ => match self.holds.get_mut(&subject(&response)) {
                Some(hold) => hold.events.push(response),
                None => self.deliver(response),
            },
        }
    }

    /// The start of a stream, or a new start within one.
    async fn begin(&mut self, response: SubscribeResponse) {
        let Some(Kind::Ready(ready)) = response.event.as_ref().and_then(|event| event.kind.clone()) else { return };
        let known: Vec<_> = self.state.conversations().map(Conversation::id).collect();
        let waiting = if self.state.history_id() == ready.history_id { Vec::new() } else { self.switch(&ready).await };
        // A cursor from the future: those messages belong to another history. None: nobody knows as of when they are. And
        // who left and came in again has lost them.
        for listed in &ready.conversations {
            let Some(known) = self.state.conversation(listed.id) else { continue };
            if known.cursor().is_none_or(|cursor| cursor > listed.position) || known.left_meanwhile(listed) {
                self.loading.spoil(listed.id);
                self.keep_change(listed.id, Change::Reset(listed.id));
            }
        }
        self.people.want(people::named_in(&response), &self.state);
        self.emit(Update::EventReceived(Arc::new(response)));
        for pending in waiting {
            self.emit(Update::PendingChanged(pending));
        }
        for id in known {
            if self.state.conversation(id).is_none() {
                self.keep_change(id, Change::Removed(id));
            }
        }
        ready.conversations.iter().for_each(|listed| self.keep_conversation(listed.id));
        self.keep_users(&ready.users);
        self.keep_users(ready.user.as_slice());
        self.keep_choice(&Kind::Ready(ready));
        if !std::mem::replace(&mut self.ready, true) {
            self.sending.hurry();
            self.here.restart(Instant::now());
            self.people.refresh(&self.state);
        }
        for id in self.state.opened().to_vec() {
            if self.state.conversation(id).is_some_and(|conversation| conversation.run().is_none()) {
                self.load(id, PageAt::Newest);
            }
        }
        for (conversation_id, id) in self.loading.wanted_replies() {
            if self.lacks(conversation_id, id) {
                self.call_reply(conversation_id, id);
            } else {
                self.loading.give_up_reply(conversation_id, id);
            }
        }
    }

    /// Another history has begun: what was kept of the old one is of no use. What waits to be sent in the old one stays
    /// on the disk; gives what waits in the new one.
    async fn switch(&mut self, ready: &Ready) -> Vec<Arc<Pending>> {
        self.holds.clear();
        self.loading.spoil_all();
        self.sending.clear();
        self.uploads.stop_all();
        self.reading.clear();
        self.world += 1;
        // Whatever was on its way has to be told or asked for again.
        self.ready = false;
        self.flush();
        let session = &mut self.config.session;
        session.user_id = ready.user.as_ref().map_or(session.user_id, |user| user.id);
        session.history_id.clone_from(&ready.history_id);
        if let Err(error) = self.config.profile.save_session(session) {
            tracing::warn!(%error, "the session's record cannot be written");
        }
        let (history_id, user_id) = (session.history_id.clone(), session.user_id);
        let waiting = self.disk.run(move |shelf| {
            shelf.cache.begin(&history_id, user_id);
            shelf.outbox.begin(&history_id, user_id);
            shelf.outbox.list()
        });
        let waiting = waiting.await.unwrap_or_default();
        for pending in waiting.iter().filter(|pending| pending.status == PendingStatus::Sending) {
            self.sending.push(pending.clone());
        }
        waiting
    }

    /// An event of a conversation that is not held.
    fn deliver(&mut self, response: SubscribeResponse) {
        let id = subject(&response);
        // None: a kind from the future. What it says about the numbers still holds.
        let kind = response.event.as_ref().and_then(|event| event.kind.clone());
        let response = Arc::new(response);
        match &kind {
            Some(Kind::ConversationRemoved(removed)) => return self.remove(removed.conversation_id, response),
            Some(Kind::ConversationReset(_)) => return self.reset(id, response),
            _ => {}
        }
        trace!(id, response.after, response.position, held = self.holds.contains_key(&id), "an event");
        let conversation = self.state.conversation(id);
        // Events of the user's own carry her own counter, which is the server's matter: it ends a stream that misses one.
        let numbered = response.conversation_id > 0 && response.position > 0;
        if numbered {
            let Some(cursor) = conversation.and_then(Conversation::cursor) else {
                return self.hold(id, &response, false);
            };
            if response.position <= cursor {
                return;
            }
            if response.after > cursor {
                return self.hold(id, &response, true);
            }
        } else if conversation.is_none()
            && matches!(kind, Some(Kind::ConversationChanged(_) | Kind::MembershipChanged(_)))
        {
            return self.hold(id, &response, false);
        }
        let mine = conversation.map_or(Mine::Untold, |known| known.mine_at(response.position));
        let recount = kind.as_ref().is_some_and(|kind| self.needs_count(id, kind));
        kind.iter().for_each(|kind| self.note(kind));
        self.people.want(people::named_in(&response), &self.state);
        self.emit(Update::EventReceived(response));
        match kind {
            Some(Kind::MessageChanged(changed)) => {
                if let Some(message) = changed.message {
                    self.changed(&Arc::new(message), mine);
                }
            }
            Some(Kind::UserChanged(changed)) => self.keep_users(changed.user.as_slice()),
            Some(Kind::ReactionChanged(changed)) => {
                let v1::ReactionChanged { conversation_id, message_id, emote, mine } = changed;
                self.keep_change(conversation_id, Change::Mine { conversation_id, message_id, emote, mine });
            }
            Some(Kind::ConversationChanged(_) | Kind::ReadChanged(_)) => self.keep_conversation(id),
            Some(kind @ (Kind::MembershipChanged(_) | Kind::BlockChanged(_))) => self.keep_choice(&kind),
            _ if numbered => self.keep_conversation(id),
            _ => {}
        }
        if recount {
            self.count(id);
        }
    }

    /// What an event means for the clocks beside the state.
    fn note(&mut self, kind: &Kind) {
        match kind {
            Kind::Typing(typing) => {
                let expires = span(self.state.timings().typing_expires, Duration::from_secs(8));
                let anybody = !typing.user_ids.is_empty();
                self.others_typing.heard(typing.conversation_id, anybody, Instant::now() + expires);
            }
            Kind::ReadChanged(changed) => {
                let known = self.state.conversation(changed.conversation_id);
                if known.is_some_and(|known| known.moves_back(changed.read_position)) {
                    self.reading.forget(changed.conversation_id);
                }
            }
            _ => {}
        }
    }

    /// Whether only the server can count the unread messages after this event.
    fn needs_count(&self, id: i64, kind: &Kind) -> bool {
        let Some(conversation) = self.state.conversation(id) else { return false };
        if conversation.counts_itself(self.state.user_id()) {
            return false;
        }
        match kind {
            Kind::MessageChanged(changed) => changed.message.as_ref().is_some_and(|message| self.takes_back(message)),
            Kind::ReadChanged(changed) => conversation.cursor().is_some_and(|cursor| changed.as_of < cursor),
            _ => false,
        }
    }

    /// Whether a message was deleted or edited that may have counted as unread, or as a mention, and only the server knows.
    pub(super) fn takes_back(&self, message: &Message) -> bool {
        let (conversation, reader) = (self.state.conversation(message.conversation_id), self.state.user_id());
        message.author_id != reader
            && conversation.is_some_and(|conversation| {
                (message.deleted || conversation.may_mention_others(message))
                    && message.id > conversation.read_position()
                    && message.changed > conversation.counted()
                    && !conversation.counts_itself(reader)
            })
    }

    /// The unread messages of a conversation are to be counted by the server before its next event.
    pub(super) fn count(&mut self, id: i64) {
        self.holds.entry(id).or_default().fetch = true;
    }

    /// A message of the stream is in the state: all others who are to know of it.
    pub(super) fn changed(&mut self, message: &Arc<Message>, mine: Mine) {
        self.keep_message(message);
        self.loading.changed(message, mine);
        if message.author_id == self.state.user_id() && self.sending.remove(&message.request_id) {
            let request_id = message.request_id.clone();
            self.disk.post(move |shelf| {
                // As in settle: sending it once more does no harm.
                let _ = shelf.outbox.remove(&request_id);
            });
        }
    }

    pub(super) fn remove(&mut self, id: i64, response: Arc<SubscribeResponse>) {
        self.holds.remove(&id);
        self.loading.spoil(id);
        self.emit(Update::EventReceived(response));
        self.keep_change(id, Change::Removed(id));
    }

    fn reset(&mut self, id: i64, response: Arc<SubscribeResponse>) {
        self.loading.spoil(id);
        self.emit(Update::EventReceived(response));
        self.keep_change(id, Change::Reset(id));
        // Ready may be older than the reset: what is unread and what was said last has to be asked for.
        self.count(id);
        if self.state.opened().contains(&id) {
            self.load(id, PageAt::Newest);
        }
    }

    fn hold(&mut self, id: i64, response: &SubscribeResponse, hole: bool) {
        let hold = self.holds.entry(id).or_default();
        hold.events.push(response.clone());
        hold.hole |= hole;
        hold.fetch |= !hole;
    }

    /// Asks for what held events wait for.
    pub(super) fn ask_for_holds(&mut self, now: Instant) {
        let idle = self.holds.iter_mut().filter(|(_, hold)| hold.ticket.is_none());
        let due = idle.filter(|(_, hold)| hold.not_before.is_none_or(|not_before| not_before <= now));
        let asks: Vec<_> = due
            .map(|(id, hold)| {
                self.tickets += 1;
                hold.ticket = Some(self.tickets);
                (*id, hold.hole, self.tickets)
            })
            .collect();
        for (id, hole, ticket) in asks {
            let cursor = self.state.conversation(id).and_then(Conversation::cursor);
            match cursor.filter(|_| hole) {
                Some(cursor) => self.call_changes(id, cursor, ticket),
                None => self.call_conversation(id, ticket),
            }
        }
    }

    /// Whether a hold waits for the answer to this very call.
    pub(super) fn awaits(&self, id: i64, ticket: u64) -> bool {
        self.holds.get(&id).is_some_and(|hold| hold.ticket == Some(ticket))
    }

    /// A conversation as an answer gave it.
    pub(super) fn meet(&mut self, answer: Arc<v1::GetConversationResponse>) {
        let id = answer.conversation.as_ref().map_or(0, |conversation| conversation.id);
        let begins = self.state.conversation(id).is_some_and(|known| known.cursor().is_none());
        self.keep_conversation(id);
        self.keep_users(&answer.users);
        self.emit(Update::ConversationLoaded(answer));
        // Messages that were loaded before its cursor was known may lack some below it.
        if begins {
            self.loading.spoil(id);
            if self.state.opened().contains(&id) {
                self.load(id, PageAt::Newest);
            }
        }
    }

    /// A part of what a hold waits for is there.
    pub(super) fn filled(&mut self, id: i64, hole: bool, more: bool) {
        let Some(hold) = self.holds.get_mut(&id) else { return };
        hold.ticket = None;
        hold.not_before = None;
        if hole {
            hold.hole = more;
        } else {
            hold.fetch = false;
        }
        if !hold.hole && !hold.fetch {
            self.release(id);
        }
    }

    /// What a hold waits for did not come.
    pub(super) fn unfilled(&mut self, id: i64, refused: bool) {
        let known = self.state.conversation(id).is_some();
        let Some(hold) = self.holds.get_mut(&id) else { return };
        hold.ticket = None;
        if !refused {
            hold.not_before = Some(Instant::now() + AGAIN);
        } else if known && !hold.hole {
            // The count stays as it was; the events are good.
            self.release(id);
        } else {
            // The caller is not in it any more; that she was removed comes by the stream.
            self.holds.remove(&id);
        }
    }

    fn release(&mut self, id: i64) {
        let Some(hold) = self.holds.remove(&id) else { return };
        let mut events = hold.events.into_iter();
        while let Some(event) = events.next() {
            self.deliver(event);
            // One of them may have opened the next hole.
            if let Some(hold) = self.holds.get_mut(&id) {
                hold.events.extend(events);
                return;
            }
        }
    }
}

/// Which conversation an event is about; 0 if none.
fn subject(response: &SubscribeResponse) -> i64 {
    if response.conversation_id != 0 {
        return response.conversation_id;
    }
    match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
        Some(Kind::MessageChanged(changed)) => changed.message.as_ref().map_or(0, |message| message.conversation_id),
        Some(Kind::ConversationChanged(changed)) => changed.conversation.as_ref().map_or(0, |changed| changed.id),
        Some(Kind::ConversationRemoved(removed)) => removed.conversation_id,
        Some(Kind::Typing(typing)) => typing.conversation_id,
        Some(Kind::ReadChanged(changed)) => changed.conversation_id,
        Some(Kind::ReactionChanged(changed)) => changed.conversation_id,
        Some(Kind::MembershipChanged(changed)) => changed.conversation_id,
        _ => 0,
    }
}
