//! What the engine tells its owner: everything [`crate::State`] is made of, in the order in which it happened.

use std::{sync::Arc, time::Instant};

use rookery_api::v1;

use crate::{outbox::Pending, state::Mine};

/// One thing that happened. Apply all of them to a [`crate::State`], in order.
#[derive(Clone, Debug)]
pub enum Update {
    /// The connection changed.
    ConnectionChanged(Connection),
    /// What the disk kept from last time; at most once, before anything else.
    Restored(Arc<Restored>),
    /// An event of the stream, none missing before it. Heartbeats are left out.
    EventReceived(Arc<v1::SubscribeResponse>),
    /// What was missing between a cursor and an event.
    ChangesLoaded(Arc<Changes>),
    /// A conversation as an answer gave it, with `mine`; also one that was just opened, made or joined.
    ConversationLoaded(Arc<v1::GetConversationResponse>),
    /// People, as an answer gave them.
    UsersLoaded {
        /// What [`State::told`](crate::State::told) was when it was asked for.
        as_of: u64,
        /// The answer.
        answer: Arc<v1::GetUsersResponse>,
    },
    /// A page of messages is being fetched.
    PageRequested {
        /// Of which conversation.
        conversation_id: i64,
        /// Which page.
        at: PageAt,
    },
    /// A page of messages.
    PageLoaded(Arc<Page>),
    /// A page of messages could not be had.
    PageFailed {
        /// Of which conversation.
        conversation_id: i64,
        /// Which page.
        at: PageAt,
        /// Why, for people.
        why: String,
    },
    /// One message, as an answer to a call of this user gave it: what was sent, edited, deleted, reacted to.
    MessageLoaded(Arc<v1::Message>),
    /// A message that another one answers and that is not in the loaded run.
    ReplyLoaded(Arc<v1::Message>),
    /// A conversation was opened: its messages are kept loaded from now on.
    ConversationOpened(i64),
    /// Whether the view of a conversation stands at its end.
    FollowingChanged {
        /// Which conversation.
        conversation_id: i64,
        /// Whether it does.
        following: bool,
    },
    /// The user has read up to here on this device; `unread` as the server counted it, none if it has not answered yet.
    ReadMoved {
        /// In which conversation.
        conversation_id: i64,
        /// The last message read.
        read_position: i64,
        /// How many are unread, if the server said it and nothing came in between.
        unread: Option<Unread>,
    },
    /// A message waits to be sent, or its sending failed; replaces what was known under its request_id.
    PendingChanged(Arc<Pending>),
    /// A message waits no more: it was sent, or taken back.
    PendingRemoved {
        /// In which conversation.
        conversation_id: i64,
        /// Which one.
        request_id: String,
    },
    /// More of the files of a message that waits is on its way.
    UploadProgressed {
        /// In which conversation.
        conversation_id: i64,
        /// Of which message.
        request_id: String,
        /// So many bytes of all its files.
        sent: u64,
        /// So many they are.
        total: u64,
    },
    /// Nobody has repeated that she types in a conversation.
    TypingExpired(i64),
}

/// The state of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Connection {
    /// Connecting.
    Connecting,
    /// Connected; what was missed comes in.
    CatchingUp,
    /// Connected, and up to date.
    Online,
    /// Not connected; will try again.
    Offline(Offline),
    /// The session has ended: only signing in again helps. The stream of updates ends after this.
    SignedOut,
}

/// Why there is no connection, and when the next try is.
#[derive(Clone, Debug, PartialEq)]
pub struct Offline {
    /// When the next try begins; [`crate::Client::reconnect`] makes it now.
    pub retry_at: Instant,
    /// Why, for people.
    pub why: String,
}

/// What the disk kept from last time.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Who is signed in.
    pub user_id: i64,
    /// Which history the rest belongs to.
    pub history_id: String,
    /// Conversations as they were; `mine.unread` as of `position`.
    pub conversations: Vec<RestoredConversation>,
    /// People as they were.
    pub users: Vec<v1::User>,
    /// Whom the user blocked.
    pub blocked: Vec<i64>,
    /// Messages that still wait to be sent, in the order in which they were written.
    pub pending: Vec<Arc<Pending>>,
}

/// One conversation from the disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoredConversation {
    /// The conversation, with `mine` and `last_message`.
    pub conversation: v1::Conversation,
    /// Up to where its messages on the disk are known; none if there are none.
    pub cursor: Option<i64>,
}

/// What changed in a conversation between a cursor and a position: one answer to ListChanges.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Which conversation.
    pub conversation_id: i64,
    /// The new cursor.
    pub position: i64,
    /// The messages, by `changed`.
    pub messages: Vec<v1::Message>,
    /// Their authors.
    pub users: Vec<v1::User>,
}

/// Where a page of messages lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageAt {
    /// The newest messages.
    Newest,
    /// Those before an id.
    Before(i64),
    /// Those after an id.
    After(i64),
    /// Those around an id.
    Around(i64),
}

/// A page of messages, from the server or from the disk.
#[derive(Clone, Debug)]
pub struct Page {
    /// Of which conversation.
    pub conversation_id: i64,
    /// Which page it is.
    pub at: PageAt,
    /// The messages, oldest first.
    pub messages: Vec<Arc<v1::Message>>,
    /// Their authors.
    pub users: Vec<v1::User>,
    /// Whether there are older ones.
    pub more_before: bool,
    /// Whether there are newer ones.
    pub more_after: bool,
    /// Messages that changed while the page was on its way: to be applied to it.
    pub changes: Vec<Changed>,
}

/// A message that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The message as it now is.
    pub message: Arc<v1::Message>,
    /// Whether it says which reactions are the user's own.
    pub mine: Mine,
}

/// How many messages a reader has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// All of them.
    pub messages: i64,
    /// Those that mention her, or everyone.
    pub mentions: i64,
}
