//! What the user does.

use std::{sync::Arc, time::Duration};

use rookery_api::v1::{Message, event::Kind};
use tokio::time::Instant;

use super::Engine;
use crate::{
    cache::Change,
    client::{Command, Draft},
    connection::{loading::PAGE_SIZE, people, reading::Unmark, span},
    outbox::{Packing, Pending, PendingStatus},
    state::Mine,
    update::{Page, PageAt, Update},
};

impl Engine {
    pub(super) async fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Open(id) => self.open(id).await,
            Command::Load(id, at) => self.load_place(id, at),
            Command::LoadOlder(id) => self.load_older(id).await,
            Command::LoadNewer(id) => self.load_newer(id),
            Command::LoadReply(conversation_id, id) => {
                if self.lacks(conversation_id, id) && self.loading.want_reply(conversation_id, id) && self.ready {
                    self.call_reply(conversation_id, id);
                }
            }
            Command::Follow(conversation_id, following) => {
                self.emit(Update::FollowingChanged { conversation_id, following });
            }
            Command::Send(draft) => self.send(draft).await,
            Command::Retry(request_id) => self.retry(&request_id).await,
            Command::EditFailed(request_id, draft) => self.edit_failed(&request_id, draft).await,
            Command::Cancel(request_id) => self.cancel(&request_id),
            Command::MarkRead(conversation_id, id) => self.mark_read(conversation_id, id, now),
            Command::MarkUnread(conversation_id, id, told) => {
                self.reading.unmark(conversation_id, Unmark { id, told }, now);
            }
            Command::Typing(id, stopped) => self.type_in(id, stopped, now),
            Command::SetView(ids) => self.here.set_view(ids, now),
            Command::SetActivity(idle) => self.here.set_idle(idle, now),
            Command::Learn(update, told) => {
                self.learn(update);
                self.give().await;
                // Whoever asked may have stopped waiting.
                let _ = told.send(());
            }
            Command::Reconnect => {}
        }
    }

    async fn open(&mut self, id: i64) {
        let Some(conversation) = self.state.conversation(id) else { return };
        let loaded = conversation.run().is_some() || conversation.loading().contains(&PageAt::Newest);
        // A window that opens what it shows, at each update, is not to hear of it at each update.
        if self.state.opened().first() != Some(&id) {
            self.emit(Update::ConversationOpened(id));
        }
        if loaded {
            return;
        }
        // The cache has to hold all that the cursor stands for.
        self.flush();
        let cached = self.disk.run(move |shelf| shelf.cache.newest(id, PAGE_SIZE)).await.flatten();
        let Some(cached) = cached else { return self.load(id, PageAt::Newest) };
        let short = cached.messages.len() < PAGE_SIZE && cached.more_before;
        self.people.want_anew(cached.messages.iter().flat_map(|message| people::named(message)));
        self.emit(Update::PageLoaded(Arc::new(Page {
            conversation_id: id,
            at: PageAt::Newest,
            messages: cached.messages,
            users: Vec::new(),
            more_before: cached.more_before,
            more_after: false,
            changes: Vec::new(),
        })));
        if short && self.ready {
            self.load_older(id).await;
        }
    }

    /// Whether a conversation is known, and a message of it is not.
    pub(super) fn lacks(&self, conversation_id: i64, id: i64) -> bool {
        self.state.conversation(conversation_id).is_some_and(|conversation| conversation.message(id).is_none())
    }

    fn load_place(&mut self, id: i64, at: PageAt) {
        let Some(conversation) = self.state.conversation(id) else { return };
        let loaded = conversation.run().is_some_and(|run| match at {
            PageAt::Around(message_id) => run.get(message_id).is_some(),
            _ => !run.more_after(),
        });
        if !loaded {
            self.load(id, at);
        }
        if at == PageAt::Newest && loaded {
            self.emit(Update::FollowingChanged { conversation_id: id, following: true });
        }
    }

    async fn load_older(&mut self, id: i64) {
        let run = self.state.conversation(id).and_then(|conversation| conversation.run());
        let Some(first) = run.filter(|run| run.more_before()).and_then(|run| run.first_id()) else { return };
        let at = PageAt::Before(first);
        self.flush();
        let cached = self.disk.run(move |shelf| shelf.cache.before(id, first, PAGE_SIZE)).await.flatten();
        let Some(cached) = cached else { return self.load(id, at) };
        self.people.want_anew(cached.messages.iter().flat_map(|message| people::named(message)));
        let (messages, more_before) = (cached.messages, cached.more_before);
        let page = Page {
            conversation_id: id,
            at,
            messages,
            users: Vec::new(),
            more_before,
            more_after: true,
            changes: Vec::new(),
        };
        self.emit(Update::PageLoaded(Arc::new(page)));
    }

    fn load_newer(&mut self, id: i64) {
        let run = self.state.conversation(id).and_then(|conversation| conversation.run());
        let Some(last) = run.filter(|run| run.more_after()).and_then(|run| run.last_id()) else { return };
        self.load(id, PageAt::After(last));
    }

    /// Fetches a page from the server.
    pub(super) fn load(&mut self, conversation_id: i64, at: PageAt) {
        if !self.ready {
            let why = "There is no connection to the server.".to_owned();
            return self.emit(Update::PageFailed { conversation_id, at, why });
        }
        if self.loading.start(conversation_id, at) {
            self.call_page(conversation_id, at);
            self.emit(Update::PageRequested { conversation_id, at });
        }
    }

    async fn send(&mut self, draft: Draft) {
        self.own_typing.stop(draft.conversation_id);
        let pending = Pending {
            request_id: draft.request_id,
            conversation_id: draft.conversation_id,
            text: draft.text,
            reply_to: draft.reply_to,
            attachments: Vec::new(),
            written_at: (self.config.ambient.now)(),
            status: PendingStatus::Sending,
        };
        self.pack(Packing { pending, new: draft.attachments, replaces: None }).await;
    }

    /// Keeps a message, shows it, and puts it into the queue unless it has failed.
    pub(super) async fn put(&mut self, mut pending: Pending) {
        let result = self.keep(&pending).await;
        if let (Err(why), PendingStatus::Sending) = (result, &pending.status) {
            pending.status = PendingStatus::Failed(why);
        }
        let pending = Arc::new(pending);
        if pending.status == PendingStatus::Sending {
            self.sending.push(pending.clone());
        }
        self.emit(Update::PendingChanged(pending));
    }

    /// A message is on the disk when this returns; or why it is not.
    pub(super) async fn keep(&self, pending: &Pending) -> Result<(), String> {
        let kept = pending.clone();
        let result = self.disk.run(move |shelf| shelf.outbox.put(&kept).map_err(|error| error.to_string())).await;
        result.unwrap_or_else(|| Err("It could not be saved on this device.".to_owned()))
    }

    fn failed(&self, request_id: &str) -> Option<Pending> {
        let pending = self.state.all_pending().find(|pending| pending.request_id == request_id)?;
        matches!(pending.status, PendingStatus::Failed(_)).then(|| Pending::clone(pending))
    }

    async fn retry(&mut self, request_id: &str) {
        if let Some(pending) = self.failed(request_id) {
            let pending = Pending { status: PendingStatus::Sending, ..pending };
            self.pack(Packing { pending, new: Vec::new(), replaces: None }).await;
        }
    }

    async fn edit_failed(&mut self, request_id: &str, draft: Draft) {
        let Some(old) = self.failed(request_id) else { return };
        let pending = Pending {
            request_id: draft.request_id,
            text: draft.text,
            written_at: (self.config.ambient.now)(),
            status: PendingStatus::Sending,
            ..old
        };
        self.pack(Packing { pending, new: Vec::new(), replaces: Some(request_id.to_owned()) }).await;
    }

    pub(super) fn cancel(&mut self, request_id: &str) {
        self.uploads.unpack(request_id);
        let Some(pending) = self.state.all_pending().find(|pending| pending.request_id == request_id).cloned() else {
            return;
        };
        self.uploads.stop(request_id);
        self.sending.remove(request_id);
        self.settle(&pending);
    }

    /// A message waits no more: off the disk, out of the state.
    pub(super) fn settle(&mut self, pending: &Pending) {
        let request_id = pending.request_id.clone();
        self.disk.post(move |shelf| {
            if let Err(error) = shelf.outbox.remove(&request_id) {
                // It will be sent once more after a restart, under the same request_id, and be there once.
                tracing::warn!(%error, "a sent message stays in the outbox");
            }
        });
        if self.state.pending(pending.conversation_id).iter().any(|known| known.request_id == pending.request_id) {
            let (conversation_id, request_id) = (pending.conversation_id, pending.request_id.clone());
            self.emit(Update::PendingRemoved { conversation_id, request_id });
        }
    }

    fn mark_read(&mut self, conversation_id: i64, id: i64, now: Instant) {
        let Some(conversation) = self.state.conversation(conversation_id) else { return };
        if id <= conversation.read_position() {
            return;
        }
        self.reading.want(conversation_id, id, now);
        self.emit(Update::ReadMoved { conversation_id, read_position: id, unread: None });
        self.keep_conversation(conversation_id);
    }

    fn type_in(&mut self, conversation_id: i64, stopped: bool, now: Instant) {
        let repeat = span(self.state.timings().typing_repeat, Duration::from_secs(4));
        let tell = if stopped {
            self.own_typing.stop(conversation_id)
        } else {
            self.own_typing.key(conversation_id, now, repeat)
        };
        if tell && self.ready {
            self.call_typing(conversation_id, stopped);
        }
    }

    /// A message as an answer gave it. Its event comes as well, perhaps only after the next start.
    pub(super) fn learn_message(&mut self, message: Arc<Message>) {
        self.emit(Update::MessageLoaded(message.clone()));
        self.keep_change(message.conversation_id, Change::Answer(message.clone()));
        self.loading.changed(&message, Mine::Told);
    }

    /// Something that an answer to the user's own call said.
    fn learn(&mut self, update: Update) {
        match &update {
            Update::EventReceived(event) => {
                let kind = event.event.as_ref().and_then(|event| event.kind.clone());
                if let Some(Kind::ConversationRemoved(removed)) = &kind {
                    return self.remove(removed.conversation_id, event.clone());
                }
                self.emit(update);
                kind.iter().for_each(|kind| self.keep_choice(kind));
            }
            Update::ConversationLoaded(answer) => {
                let partners = answer.conversation.iter().flat_map(|met| met.direct_user_ids.iter().copied());
                self.people.want(partners, &self.state);
                self.meet(answer.clone());
            }
            Update::UsersLoaded { answer, .. } => {
                self.keep_users(&answer.users);
                self.emit(update);
            }
            Update::MessageLoaded(message) => self.learn_message(message.clone()),
            _ => self.emit(update),
        }
    }
}
