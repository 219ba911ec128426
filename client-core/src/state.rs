//! What there is to draw. A pure reducer: no I/O, no clock, never fails, ignores what it does not know.

mod apply;
mod conversation;
mod reaction;
mod run;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use rookery_api::v1::{self, ConversationKind};

pub use conversation::Conversation;
pub use run::{Mine, RUN_LIMIT, Run};

use crate::{
    outbox::Pending,
    update::{Connection, PageAt},
};

/// How many conversations keep their messages loaded, the one opened last included.
const LOADED_CONVERSATIONS: usize = 4;

/// When the stream told presences, by a count of its tellings: an answer that was asked for before is older.
#[derive(Clone, Debug, Default)]
struct Told {
    count: u64,
    // The count of the last Ready.
    ready: u64,
    of: HashMap<i64, u64>,
}

/// Everything a client knows and may draw. Made by [`State::default`] and [`State::apply`] alone.
#[derive(Clone, Debug)]
pub struct State {
    user_id: i64,
    history_id: String,
    session_id: String,
    connection: Connection,
    conversations: HashMap<i64, Conversation>,
    users: HashMap<i64, Arc<v1::User>>,
    presences: HashMap<i64, v1::Presence>,
    told: Told,
    blocked: BTreeSet<i64>,
    // Apart from the conversations: what waits to be sent outlives their coming and going.
    pending: HashMap<i64, Vec<Arc<Pending>>>,
    // By request_id; only of messages that wait.
    uploads: HashMap<String, (u64, u64)>,
    // The one opened last comes first.
    opened: Vec<i64>,
    limits: v1::ServerLimits,
    timings: v1::ServerTimings,
    status: v1::Status,
}

impl Default for State {
    fn default() -> Self {
        Self {
            user_id: 0,
            history_id: String::new(),
            session_id: String::new(),
            connection: Connection::Connecting,
            conversations: HashMap::new(),
            users: HashMap::new(),
            presences: HashMap::new(),
            told: Told::default(),
            blocked: BTreeSet::new(),
            pending: HashMap::new(),
            uploads: HashMap::new(),
            opened: Vec::new(),
            limits: v1::ServerLimits::default(),
            timings: v1::ServerTimings::default(),
            status: v1::Status { kind: v1::StatusKind::Online.into(), ..v1::Status::default() },
        }
    }
}

impl State {
    /// The caller's id; 0 until it is known.
    pub fn user_id(&self) -> i64 {
        self.user_id
    }

    /// The caller, once known.
    pub fn me(&self) -> Option<&Arc<v1::User>> {
        self.user(self.user_id)
    }

    /// The server's history that all this belongs to; empty until it is known.
    pub fn history_id(&self) -> &str {
        &self.history_id
    }

    /// The name of the event stream, for SetView and SetActivity; empty until there was one.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The state of the connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The server's limits; all 0 until it said them.
    pub fn limits(&self) -> &v1::ServerLimits {
        &self.limits
    }

    /// The server's timings; empty until it said them.
    pub fn timings(&self) -> &v1::ServerTimings {
        &self.timings
    }

    /// How the caller wants to be seen, and what she says of it.
    pub fn status(&self) -> &v1::Status {
        &self.status
    }

    /// The conversations to list, in order: the global room, then the one with the newest message first. A direct chat
    /// without a message is listed only while it is open or something waits to be sent there, a hidden one only for the
    /// latter.
    pub fn chats(&self) -> Vec<&Conversation> {
        let mut chats: Vec<_> = self.conversations.values().filter(|conversation| self.lists(conversation)).collect();
        chats.sort_unstable_by_key(|conversation| {
            let (seconds, nanos) = conversation.active_at();
            (conversation.kind() != ConversationKind::Global, -seconds, -nanos, conversation.id())
        });
        chats
    }

    fn lists(&self, conversation: &Conversation) -> bool {
        let begun = conversation.last_message().is_some() || self.opened.first() == Some(&conversation.id());
        conversation.kind() != ConversationKind::Direct
            || (begun && !conversation.is_hidden())
            || !self.pending(conversation.id()).is_empty()
    }

    /// One conversation, listed or not.
    pub fn conversation(&self, id: i64) -> Option<&Conversation> {
        self.conversations.get(&id)
    }

    /// All conversations that are known, in no order.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.values()
    }

    /// What to call a conversation: its name; a direct chat is called by the other person's.
    pub fn title<'a>(&'a self, conversation: &'a Conversation) -> &'a str {
        match conversation.kind() {
            ConversationKind::Direct => self.partner(conversation).map_or("", |user| &user.display_name),
            _ => conversation.name(),
        }
    }

    /// The other person of a direct chat, once known.
    pub fn partner(&self, conversation: &Conversation) -> Option<&Arc<v1::User>> {
        self.user(conversation.partner_id(self.user_id)?)
    }

    /// A person, once known.
    pub fn user(&self, id: i64) -> Option<&Arc<v1::User>> {
        self.users.get(&id)
    }

    /// All people who are known, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Arc<v1::User>> {
        self.users.values()
    }

    /// Whom the user blocks, lowest id first.
    pub fn blocked(&self) -> impl Iterator<Item = i64> {
        self.blocked.iter().copied()
    }

    /// Whether the user blocks somebody: her messages in groups are to be folded away, and give no notice.
    pub fn is_blocked(&self, user_id: i64) -> bool {
        self.blocked.contains(&user_id)
    }

    /// How reachable a person is; Offline where nothing is known.
    pub fn presence(&self, user_id: i64) -> v1::PresenceState {
        let state = self.presences.get(&user_id).map(v1::Presence::state);
        state.filter(|state| *state != v1::PresenceState::Unspecified).unwrap_or(v1::PresenceState::Offline)
    }

    /// What a person says of what she is doing, as long as it holds; often empty. `now` is in milliseconds since 1970.
    pub fn status_text(&self, user_id: i64, now: i64) -> &str {
        let Some(user) = self.user(user_id) else { return "" };
        let ends = user.status_expires_at.map_or(i64::MAX, |ends| {
            ends.seconds.saturating_mul(1000).saturating_add(i64::from(ends.nanos) / 1_000_000)
        });
        if ends > now { &user.status_text } else { "" }
    }

    /// How often the stream has told presences: says of an answer how old it is ([`Update::UsersLoaded`](crate::Update)).
    pub fn told(&self) -> u64 {
        self.told.count
    }

    /// When a person was last connected; none while she is, and where it is not known.
    pub fn last_seen(&self, user_id: i64) -> Option<&prost_types::Timestamp> {
        self.presences.get(&user_id)?.last_seen_at.as_ref()
    }

    /// The user's messages of a conversation that are not sent yet, oldest first: to be drawn below all others, whatever
    /// part of the history is loaded.
    pub fn pending(&self, conversation_id: i64) -> &[Arc<Pending>] {
        self.pending.get(&conversation_id).map_or(&[], Vec::as_slice)
    }

    /// The same of all conversations, in no order.
    pub fn all_pending(&self) -> impl Iterator<Item = &Arc<Pending>> {
        self.pending.values().flatten()
    }

    /// How many bytes of the files of a message that waits are on their way, and of how many; none while none are.
    pub fn upload(&self, request_id: &str) -> Option<(u64, u64)> {
        self.uploads.get(request_id).copied()
    }

    /// How many messages are unread in all conversations but hidden ones.
    pub fn unread(&self) -> i64 {
        self.conversations.values().filter(|conversation| !conversation.is_hidden()).map(Conversation::unread).sum()
    }

    /// The conversations whose messages are kept loaded; the one opened last comes first.
    pub fn opened(&self) -> &[i64] {
        &self.opened
    }

    /// Whether a page of a conversation is being fetched.
    pub fn is_loading(&self, conversation_id: i64, at: PageAt) -> bool {
        self.conversation(conversation_id).is_some_and(|conversation| conversation.loading().contains(&at))
    }
}
