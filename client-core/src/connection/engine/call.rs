//! The calls that the engine makes. Each runs by itself and comes back as an answer.

use std::sync::Arc;

use rookery_api::v1;
use tokio::task::AbortHandle;

use super::Engine;
use crate::{
    api::{Api, Error},
    connection::{loading, reading::Unmark},
    outbox::Pending,
    update::PageAt,
};

/// What came of a call, and in which history it was made.
pub(super) struct Answered {
    pub world: u64,
    pub answer: Answer,
}

/// What came of a call.
pub(super) enum Answer {
    Changes {
        conversation_id: i64,
        after: i64,
        ticket: u64,
        result: Result<v1::ListChangesResponse, Error>,
    },
    Conversation {
        conversation_id: i64,
        ticket: u64,
        result: Result<Arc<v1::GetConversationResponse>, Error>,
    },
    Page {
        conversation_id: i64,
        at: PageAt,
        result: Result<v1::ListMessagesResponse, Error>,
    },
    Reply {
        conversation_id: i64,
        id: i64,
        result: Result<v1::GetMessageResponse, Error>,
    },
    Sent {
        pending: Arc<Pending>,
        result: Result<v1::SendMessageResponse, Error>,
    },
    /// The files of a message are copied, or it has failed.
    Packed {
        pending: Box<Pending>,
    },
    Uploaded {
        pending: Arc<Pending>,
        place: usize,
        result: Result<v1::Media, Error>,
    },
    MarkedRead {
        conversation_id: i64,
        id: i64,
        cursor: Option<i64>,
        result: Result<v1::MarkReadResponse, Error>,
    },
    MarkedUnread {
        conversation_id: i64,
    },
    Users {
        ids: Vec<i64>,
        as_of: u64,
        result: Result<v1::GetUsersResponse, Error>,
    },
    ViewSet,
    ActivitySet,
    /// Nobody minds what came of it.
    Done,
}

/// Makes a call that only looks, and makes it again for as long as the server says that it comes too often: nobody need
/// hear of that.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(call: impl Fn() -> F) -> Result<T, Error> {
    loop {
        match call().await {
            Err(Error { retry_after: Some(wait), .. }) => tokio::time::sleep(wait).await,
            result => return result,
        }
    }
}

impl Engine {
    pub(super) fn call<F: Future<Output = Answer> + Send + 'static>(&mut self, call: impl FnOnce(Api) -> F) {
        self.spawn(call);
    }

    pub(super) fn spawn<F: Future<Output = Answer> + Send + 'static>(
        &mut self,
        call: impl FnOnce(Api) -> F,
    ) -> AbortHandle {
        let (world, call) = (self.world, call(self.api.clone()));
        self.calls.spawn(async move { Answered { world, answer: call.await } })
    }

    pub(super) fn call_changes(&mut self, conversation_id: i64, after: i64, ticket: u64) {
        let request = v1::ListChangesRequest { conversation_id, after, page_size: 0 };
        self.call(move |api| async move {
            let result = patiently(|| api.list_changes(request)).await;
            Answer::Changes { conversation_id, after, ticket, result }
        });
    }

    pub(super) fn call_conversation(&mut self, conversation_id: i64, ticket: u64) {
        let request = v1::GetConversationRequest { conversation_id };
        self.call(move |api| async move {
            let result = patiently(|| api.get_conversation(request)).await;
            Answer::Conversation { conversation_id, ticket, result: result.map(Arc::new) }
        });
    }

    pub(super) fn call_page(&mut self, conversation_id: i64, at: PageAt) {
        let request = loading::request(conversation_id, at);
        self.call(move |api| async move {
            let result = patiently(|| api.list_messages(request)).await;
            Answer::Page { conversation_id, at, result }
        });
    }

    pub(super) fn call_reply(&mut self, conversation_id: i64, id: i64) {
        let request = v1::GetMessageRequest { conversation_id, id };
        self.call(move |api| async move {
            let result = patiently(|| api.get_message(request)).await;
            Answer::Reply { conversation_id, id, result }
        });
    }

    pub(super) fn call_send(&mut self, pending: Arc<Pending>) {
        let media = pending.attachments.iter().filter_map(|attachment| attachment.media.as_ref());
        let media_ids = media.map(|media| media.id.clone()).collect();
        let request = v1::SendMessageRequest {
            conversation_id: pending.conversation_id,
            text: pending.text.clone(),
            request_id: pending.request_id.clone(),
            reply_to: pending.reply_to,
            media_ids,
        };
        self.call(|api| async move { Answer::Sent { pending, result: api.send_message(request).await } });
    }

    pub(super) fn call_mark_read(&mut self, conversation_id: i64, id: i64) {
        let cursor = self.state.conversation(conversation_id).and_then(|conversation| conversation.cursor());
        let request = v1::MarkReadRequest { conversation_id, id };
        self.call(move |api| async move {
            Answer::MarkedRead { conversation_id, id, cursor, result: api.mark_read(request).await }
        });
    }

    pub(super) fn call_mark_unread(&mut self, conversation_id: i64, Unmark { id, told }: Unmark) {
        self.call(move |api| async move {
            let result = api.mark_unread(v1::MarkUnreadRequest { conversation_id, id }).await.map(drop);
            // Whoever asked may have stopped waiting.
            let _ = told.send(result);
            Answer::MarkedUnread { conversation_id }
        });
    }

    pub(super) fn call_users(&mut self, ids: Vec<i64>) {
        let request = v1::GetUsersRequest { user_ids: ids.clone() };
        let as_of = self.state.told();
        self.call(move |api| async move {
            let result = patiently(|| api.get_users(request.clone())).await;
            Answer::Users { ids, as_of, result }
        });
    }

    pub(super) fn call_typing(&mut self, conversation_id: i64, stopped: bool) {
        self.call(move |api| async move {
            // A hint: the next key says it again.
            let _ = api.send_typing(v1::SendTypingRequest { conversation_id, stopped }).await;
            Answer::Done
        });
    }

    pub(super) fn call_view(&mut self, view: v1::SetViewRequest) {
        self.call(|api| async move {
            // Repeated every minute anyway.
            let _ = api.set_view(view).await;
            Answer::ViewSet
        });
    }

    pub(super) fn call_activity(&mut self, activity: v1::SetActivityRequest) {
        self.call(|api| async move {
            // Repeated every minute anyway.
            let _ = api.set_activity(activity).await;
            Answer::ActivitySet
        });
    }
}
