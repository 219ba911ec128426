//! What the engine does with the answers to its own calls.

use std::sync::Arc;

use rookery_api::v1;
use tokio::time::Instant;

use super::{
    Engine,
    call::{Answer, Answered},
};
use crate::{
    api::Error,
    cache::Change,
    connection::{loading::Meanwhile, people, sending::Verdict},
    outbox::{Pending, PendingStatus},
    state::{Conversation, Mine},
    update::{Changes, Page, PageAt, Unread, Update},
};

impl Engine {
    pub(super) async fn answer(&mut self, Answered { world, answer }: Answered) {
        // Of another history: the ids name somebody else now. Pages know that they are stale, and are asked for again.
        if world != self.world && !matches!(answer, Answer::Page { .. }) {
            return;
        }
        match answer {
            // What it was asked for is not held any more: the conversation is gone, or a new stream tells it all again.
            Answer::Changes { conversation_id, ticket, .. } | Answer::Conversation { conversation_id, ticket, .. }
                if !self.awaits(conversation_id, ticket) => {}
            Answer::Changes { conversation_id, after, result: Ok(answer), .. } => {
                self.changes(conversation_id, after, answer);
            }
            Answer::Conversation { conversation_id, result: Ok(answer), .. } => {
                self.meet(answer);
                self.filled(conversation_id, false, false);
            }
            Answer::Changes { conversation_id, result: Err(error), .. }
            | Answer::Conversation { conversation_id, result: Err(error), .. } => {
                self.unfilled(conversation_id, error.is_no() && error.retry_after.is_none());
            }
            Answer::Page { conversation_id, at, result } => {
                let meanwhile = self.loading.done(conversation_id, at);
                match result {
                    Ok(answer) => self.page(conversation_id, at, answer, meanwhile),
                    Err(error) => {
                        let why = error.message;
                        self.emit(Update::PageFailed { conversation_id, at, why });
                    }
                }
            }
            Answer::Reply { result: Ok(v1::GetMessageResponse { message: Some(message), users }), .. } => {
                if let Some(message) = self.loading.reply(message) {
                    let answer = Arc::new(v1::GetUsersResponse { users, presences: Vec::new() });
                    self.emit(Update::UsersLoaded { as_of: self.state.told(), answer });
                    self.emit(Update::ReplyLoaded(message));
                }
            }
            // Asked for again when there is another connection.
            Answer::Reply { result: Err(error), .. } if error.is_maybe() => {}
            Answer::Reply { conversation_id, id, .. } => self.loading.give_up_reply(conversation_id, id),
            Answer::Sent { pending, result } => self.sent(pending, result).await,
            Answer::Packed { pending } => self.packed(*pending).await,
            Answer::Uploaded { pending, place, result } => self.uploaded(pending, place, result).await,
            Answer::MarkedRead { conversation_id, id, cursor, result } => {
                self.marked_read(conversation_id, id, cursor, result);
            }
            Answer::MarkedUnread { conversation_id } => {
                self.reading.done(conversation_id, None);
            }
            Answer::Users { ids, as_of, result } => match result {
                Ok(answer) => {
                    self.people.done(&[]);
                    self.keep_users(&answer.users);
                    self.emit(Update::UsersLoaded { as_of, answer: Arc::new(answer) });
                }
                Err(_) => self.people.done(&ids),
            },
            Answer::ViewSet => self.here.view_done(),
            Answer::ActivitySet => self.here.activity_done(),
            Answer::Done => {}
        }
    }

    fn changes(&mut self, conversation_id: i64, after: i64, answer: v1::ListChangesResponse) {
        let v1::ListChangesResponse { messages, users, position, more } = answer;
        let cursor = self.state.conversation(conversation_id).and_then(Conversation::cursor);
        // The conversation has begun anew meanwhile: whatever is missing now is asked for from there.
        if cursor != Some(after) {
            return self.unfilled(conversation_id, false);
        }
        let news: Vec<_> = messages.iter().filter(|message| Some(message.changed) > cursor).cloned().collect();
        self.keep_users(&users);
        self.people.want(news.iter().flat_map(people::named), &self.state);
        let recount = news.iter().any(|message| self.takes_back(message));
        let changes = Changes { conversation_id, position, messages, users };
        self.emit(Update::ChangesLoaded(Arc::new(changes)));
        for message in news {
            self.changed(&Arc::new(message), Mine::Told);
        }
        self.keep_conversation(conversation_id);
        if recount {
            self.count(conversation_id);
        }
        self.filled(conversation_id, true, more);
    }

    fn page(&mut self, id: i64, at: PageAt, answer: v1::ListMessagesResponse, meanwhile: Meanwhile) {
        if meanwhile.stale {
            let why = "The conversation has moved on.".to_owned();
            self.emit(Update::PageFailed { conversation_id: id, at, why });
            if at == PageAt::Newest && self.state.conversation(id).is_some() {
                self.load(id, at);
            }
            return;
        }
        self.keep_users(&answer.users);
        let page = Page {
            conversation_id: id,
            at,
            messages: answer.messages.into_iter().map(Arc::new).collect(),
            users: answer.users,
            more_before: answer.more_before,
            more_after: answer.more_after,
            changes: meanwhile.changes,
        };
        self.people.want(page.messages.iter().flat_map(|message| people::named(message)), &self.state);
        let page = Arc::new(page);
        self.emit(Update::PageLoaded(page.clone()));
        self.keep_page(&page);
    }

    /// To be called when the page is in the state.
    fn keep_page(&mut self, page: &Page) {
        let Some(cursor) = self.state.conversation(page.conversation_id).and_then(Conversation::cursor) else { return };
        let (conversation_id, messages) = (page.conversation_id, page.messages.clone());
        let first = messages.first().map_or(cursor + 1, |message| message.id);
        let from = if page.more_before { first } else { 0 };
        let change = match page.at {
            PageAt::Newest => Change::Newest { conversation_id, messages, from, cursor },
            PageAt::Before(before) => Change::Before { conversation_id, messages, from, before },
            PageAt::After(_) | PageAt::Around(_) => return,
        };
        self.keep_change(conversation_id, change);
        page.changes.iter().for_each(|changed| self.keep_message(&changed.message));
    }

    async fn sent(&mut self, pending: Arc<Pending>, result: Result<v1::SendMessageResponse, Error>) {
        match result {
            Ok(answer) => {
                self.sending.remove(&pending.request_id);
                if let Some(message) = answer.message {
                    self.learn_message(Arc::new(message));
                }
                self.settle(&pending);
            }
            Err(error) => self.upload_again(pending, error).await,
        }
    }

    pub(super) async fn not_sent(&mut self, pending: Arc<Pending>, error: Error) {
        let jitter = self.jitter();
        match self.sending.failed(&pending, &error, Instant::now(), jitter) {
            Verdict::Refused(pending) => {
                let why = error.fields.first().map_or(error.message, |(_, why)| why.clone());
                let status = PendingStatus::Failed(why);
                self.put(Pending { status, ..Pending::clone(&pending) }).await;
            }
            Verdict::Again | Verdict::Unknown => {}
        }
    }

    fn marked_read(
        &mut self,
        conversation_id: i64,
        id: i64,
        cursor: Option<i64>,
        result: Result<v1::MarkReadResponse, Error>,
    ) {
        let again = result.as_ref().is_err_and(|error| error.is_maybe() || error.retry_after.is_some());
        let stands = self.reading.done(conversation_id, again.then_some(id));
        let Ok(answer) = result else { return };
        if !stands {
            return;
        }
        let now = self.state.conversation(conversation_id).and_then(Conversation::cursor);
        // With news in between nobody knows which of them the server counted; its ReadChanged says.
        let v1::MarkReadResponse { read_position, unread, unread_mentions } = answer;
        let unread = (now == cursor).then_some(Unread { messages: unread, mentions: unread_mentions });
        self.emit(Update::ReadMoved { conversation_id, read_position, unread });
        self.keep_conversation(conversation_id);
    }
}
