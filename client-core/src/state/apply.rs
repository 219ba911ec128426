//! The reducer: what each update does to the state.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use rookery_api::v1::{
    self, ConversationKind, Message, Presence, ReadChanged, Ready, StatusKind, SubscribeResponse, User, event::Kind,
};

use super::{Conversation, LOADED_CONVERSATIONS, State, Told, run::Mine};
use crate::{
    outbox::{Pending, PendingStatus},
    update::{Changes, Connection, Page, Restored, Unread, Update},
};

impl State {
    /// Takes over one update. All of them, in the order in which the engine gives them, make the state.
    pub fn apply(&mut self, update: &Update) {
        match update {
            Update::ConnectionChanged(connection) => self.connect(connection),
            Update::Restored(restored) => self.restore(restored),
            Update::EventReceived(event) => self.receive(event),
            Update::ChangesLoaded(changes) => self.catch_up(changes),
            Update::ConversationLoaded(answer) => {
                self.know(&answer.users);
                answer.conversation.iter().for_each(|conversation| self.meet(conversation));
            }
            Update::UsersLoaded { as_of, answer } => {
                self.know(&answer.users);
                let Told { ready, of, .. } = &self.told;
                let is_news = |presence: &&Presence| of.get(&presence.user_id).unwrap_or(ready) <= as_of;
                let news: Vec<_> = answer.presences.iter().filter(is_news).copied().collect();
                self.see(&news);
            }
            Update::PageRequested { conversation_id, at } => {
                self.with(*conversation_id, |conversation| conversation.requested(*at));
            }
            Update::PageLoaded(page) => self.page(page),
            Update::PageFailed { conversation_id, at, why } => {
                self.with(*conversation_id, |conversation| conversation.failed_at(*at, why));
            }
            Update::MessageLoaded(message) => self.answer(message),
            Update::ReplyLoaded(message) => {
                self.with(message.conversation_id, |conversation| conversation.add_reply(message));
            }
            Update::ConversationOpened(id) => self.open(*id),
            Update::FollowingChanged { conversation_id, following } => {
                self.with(*conversation_id, |conversation| conversation.follow(*following));
            }
            Update::ReadMoved { conversation_id, read_position, unread } => {
                let reader = self.user_id;
                self.with(*conversation_id, |conversation| {
                    conversation.read_here(*read_position, *unread, reader);
                });
            }
            Update::PendingChanged(pending) => self.pend(pending),
            Update::PendingRemoved { conversation_id, request_id } => self.unpend(*conversation_id, request_id),
            Update::UploadProgressed { conversation_id, request_id, sent, total } => {
                let waits = |pending: &Arc<Pending>| {
                    pending.request_id == *request_id && pending.status == PendingStatus::Sending
                };
                if self.pending(*conversation_id).iter().any(waits) {
                    self.uploads.insert(request_id.clone(), (*sent, *total));
                }
            }
            Update::TypingExpired(id) => self.with(*id, |conversation| conversation.set_typing([])),
        }
    }

    fn with(&mut self, conversation_id: i64, change: impl FnOnce(&mut Conversation)) {
        if let Some(conversation) = self.conversations.get_mut(&conversation_id) {
            change(conversation);
        }
    }

    fn connect(&mut self, connection: &Connection) {
        self.connection = connection.clone();
        if matches!(connection, Connection::Offline(_) | Connection::SignedOut) {
            // Nobody would tell us that they have stopped.
            self.conversations.values_mut().for_each(|conversation| conversation.set_typing([]));
        }
    }

    fn restore(&mut self, restored: &Restored) {
        self.user_id = restored.user_id;
        self.history_id.clone_from(&restored.history_id);
        self.blocked.extend(&restored.blocked);
        self.know(&restored.users);
        for kept in &restored.conversations {
            let conversation = Conversation::new(&kept.conversation, kept.cursor);
            self.conversations.insert(conversation.id(), conversation);
        }
        restored.pending.iter().for_each(|pending| self.pend(pending));
    }

    fn receive(&mut self, response: &SubscribeResponse) {
        let Some(kind) = response.event.as_ref().and_then(|event| event.kind.as_ref()) else {
            // A kind from the future: what it says about the numbers still holds.
            self.with(response.conversation_id, |conversation| {
                conversation.advance(response.after, response.position);
            });
            return;
        };
        match kind {
            Kind::Ready(ready) => self.begin(ready),
            Kind::CaughtUp(_) => self.connection = Connection::Online,
            Kind::MessageChanged(changed) => {
                if let Some(message) = &changed.message {
                    self.change(response, &Arc::new(message.clone()));
                }
            }
            Kind::Skipped(_) => self.with(response.conversation_id, |conversation| {
                conversation.advance(response.after, response.position);
            }),
            Kind::ConversationChanged(changed) => {
                if let Some(new) = &changed.conversation {
                    self.with(new.id, |conversation| conversation.merge(new));
                }
            }
            Kind::ConversationRemoved(removed) => {
                self.conversations.remove(&removed.conversation_id);
                self.opened.retain(|id| *id != removed.conversation_id);
            }
            Kind::ConversationReset(reset) => {
                self.with(response.conversation_id, |conversation| conversation.reset(reset.position));
            }
            Kind::Typing(typing) => {
                let others = typing.user_ids.iter().copied().filter(|id| *id != self.user_id);
                let others: Vec<_> = others.collect();
                self.with(typing.conversation_id, |conversation| conversation.set_typing(others));
            }
            Kind::PresenceChanged(changed) => self.hear(&changed.presences),
            Kind::UserChanged(changed) => self.know(changed.user.as_slice()),
            Kind::ReadChanged(changed) => self.read(changed),
            Kind::ReactionChanged(changed) => self.with(changed.conversation_id, |conversation| {
                conversation.set_mine(changed.message_id, &changed.emote, changed.mine);
            }),
            Kind::StatusChanged(changed) => self.choose(changed.status.as_ref()),
            Kind::MembershipChanged(changed) => self.with(changed.conversation_id, |conversation| {
                conversation.place(changed.muted_until, changed.hidden_through);
            }),
            Kind::BlockChanged(changed) => {
                if changed.blocked {
                    self.blocked.insert(changed.user_id);
                } else {
                    self.blocked.remove(&changed.user_id);
                }
            }
            Kind::Heartbeat(_) | Kind::Reconnect(_) => {}
        }
    }

    fn begin(&mut self, ready: &Ready) {
        let count = self.told.count + 1;
        if self.history_id != ready.history_id {
            // Another history: what is known belongs to conversations that are no longer these.
            *self = Self::default();
            self.history_id.clone_from(&ready.history_id);
        }
        self.connection = Connection::CatchingUp;
        self.session_id.clone_from(&ready.session_id);
        self.know(ready.user.as_slice());
        self.know(&ready.users);
        self.user_id = ready.user.as_ref().map_or(self.user_id, |user| user.id);
        self.presences.clear();
        self.told = Told { count, ready: count, of: HashMap::new() };
        self.see(&ready.presences);
        self.limits = ready.limits.unwrap_or(self.limits);
        self.timings = ready.timings.unwrap_or(self.timings);
        self.choose(ready.status.as_ref());
        self.blocked = ready.blocked_user_ids.iter().copied().collect();
        // What is not listed any more is gone, or hidden: then whatever happens there brings it again. Direct chats in which
        // nobody has said anything yet stay, and those where something waits to be sent.
        let listed: std::collections::HashSet<_> = ready.conversations.iter().map(|listed| listed.id).collect();
        let pending = &self.pending;
        self.conversations.retain(|id, known| {
            let stays = known.last_message().is_none() || pending.contains_key(id);
            listed.contains(id) || (known.kind() == ConversationKind::Direct && stays)
        });
        self.opened.retain(|id| self.conversations.contains_key(id));
        for conversation in &ready.conversations {
            self.meet(conversation);
            self.with(conversation.id, |known| known.start_from(conversation.position));
        }
    }

    /// A conversation from an answer, perhaps a new one.
    fn meet(&mut self, conversation: &v1::Conversation) {
        match self.conversations.entry(conversation.id) {
            Entry::Occupied(mut known) => known.get_mut().meet(conversation),
            Entry::Vacant(place) => {
                place.insert(Conversation::new(conversation, Some(conversation.position)));
            }
        }
    }

    fn change(&mut self, response: &SubscribeResponse, message: &Arc<Message>) {
        let reader = self.user_id;
        let Some(conversation) = self.conversations.get_mut(&response.conversation_id) else { return };
        let mine = conversation.mine_at(response.position);
        if let Some(cursor) = conversation.advance(response.after, response.position) {
            conversation.change(message, cursor, mine, reader);
            self.sent(message);
        }
    }

    fn catch_up(&mut self, changes: &Changes) {
        self.know(&changes.users);
        let reader = self.user_id;
        let Some(conversation) = self.conversations.get_mut(&changes.conversation_id) else { return };
        let Some(cursor) = conversation.cursor() else { return };
        let messages: Vec<_> = changes.messages.iter().cloned().map(Arc::new).collect();
        conversation.advance(cursor, changes.position);
        for message in messages.iter().filter(|message| message.changed > cursor) {
            conversation.change(message, cursor, Mine::Told, reader);
        }
        messages.iter().for_each(|message| self.sent(message));
    }

    fn page(&mut self, page: &Page) {
        self.know(&page.users);
        let reader = self.user_id;
        self.with(page.conversation_id, |conversation| conversation.page(page, reader));
        page.messages.iter().for_each(|message| self.sent(message));
    }

    fn answer(&mut self, message: &Arc<Message>) {
        let reader = self.user_id;
        self.with(message.conversation_id, |conversation| {
            conversation.put(message, Mine::Told, reader);
            conversation.recount(reader);
        });
        self.sent(message);
    }

    fn open(&mut self, id: i64) {
        if !self.conversations.contains_key(&id) {
            return;
        }
        self.opened.retain(|other| *other != id);
        self.opened.insert(0, id);
        for closed in self.opened.drain(LOADED_CONVERSATIONS.min(self.opened.len())..) {
            if let Some(conversation) = self.conversations.get_mut(&closed) {
                conversation.forget_messages();
            }
        }
    }

    fn read(&mut self, changed: &ReadChanged) {
        let reader = self.user_id;
        self.with(changed.conversation_id, |conversation| {
            let unread = Unread { messages: changed.unread, mentions: changed.unread_mentions };
            conversation.read(changed.read_position, unread, changed.as_of, reader);
        });
    }

    fn know(&mut self, users: &[User]) {
        for user in users {
            // An answer that an event has overtaken is older than what is known.
            if self.users.get(&user.id).is_none_or(|known| known.revision <= user.revision && **known != *user) {
                self.users.insert(user.id, Arc::new(user.clone()));
            }
        }
    }

    fn choose(&mut self, status: Option<&v1::Status>) {
        self.status = status.cloned().unwrap_or_default();
        if self.status.kind() == StatusKind::Unspecified {
            self.status.set_kind(StatusKind::Online);
        }
    }

    /// What the stream tells.
    fn hear(&mut self, presences: &[Presence]) {
        self.told.count += 1;
        self.told.of.extend(presences.iter().map(|presence| (presence.user_id, self.told.count)));
        self.see(presences);
    }

    fn see(&mut self, presences: &[Presence]) {
        for presence in presences {
            self.presences.insert(presence.user_id, *presence);
        }
    }

    fn pend(&mut self, pending: &Arc<Pending>) {
        if pending.status != PendingStatus::Sending {
            self.uploads.remove(&pending.request_id);
        }
        let waiting = self.pending.entry(pending.conversation_id).or_default();
        match waiting.iter_mut().find(|known| known.request_id == pending.request_id) {
            Some(known) => *known = pending.clone(),
            None => waiting.push(pending.clone()),
        }
    }

    fn unpend(&mut self, conversation_id: i64, request_id: &str) {
        self.uploads.remove(request_id);
        if let Entry::Occupied(mut waiting) = self.pending.entry(conversation_id) {
            waiting.get_mut().retain(|pending| pending.request_id != request_id);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }

    /// A message of the user's own takes the place of the one that waited to be sent.
    fn sent(&mut self, message: &Message) {
        if message.author_id == self.user_id && !message.request_id.is_empty() {
            self.unpend(message.conversation_id, &message.request_id);
        }
    }
}
