//! One conversation as its reader knows it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rookery_api::v1::{self, ConversationKind, Message, SystemKind};

use super::{
    reaction,
    run::{Mine, Run, counts_as_unread, mentions},
};
use crate::update::{Changed, Page, PageAt, Unread};

/// How many replied-to messages from outside the run are kept; beyond that, those alone that it answers.
const REPLY_LIMIT: usize = 100;

/// One conversation: what it is, how far it is read, and the messages that are loaded.
#[derive(Clone, Debug)]
pub struct Conversation {
    // Without last_message; its `position` says as of when the rest holds.
    info: v1::Conversation,
    last_message: Option<Arc<Message>>,
    mine: v1::Membership,
    // How far it is read as the server last said by itself: mine.read_position may be ahead of that.
    told_read: i64,
    // Messages up to here are in mine.unread.
    counted: i64,
    // Messages up to here come to a newly connected client by replay, for this reader alone.
    replayed: i64,
    cursor: Option<i64>,
    run: Option<Run>,
    following: bool,
    replies: HashMap<i64, Arc<Message>>,
    // Those that are known to be: of messages that came by, loaded or not.
    pinned: BTreeSet<i64>,
    typing: Vec<i64>,
    loading: Vec<PageAt>,
    failed: Option<(PageAt, String)>,
}

impl Conversation {
    pub(super) fn new(conversation: &v1::Conversation, cursor: Option<i64>) -> Self {
        let mut new = Self {
            info: v1::Conversation { position: -1, ..v1::Conversation::default() },
            last_message: None,
            mine: v1::Membership::default(),
            told_read: 0,
            counted: 0,
            replayed: 0,
            cursor: None,
            run: None,
            following: true,
            replies: HashMap::new(),
            pinned: BTreeSet::new(),
            typing: Vec::new(),
            loading: Vec::new(),
            failed: None,
        };
        // What the disk kept is as of a position below the cursor where nothing has been counted since.
        new.merge(conversation);
        new.cursor = cursor;
        new
    }

    /// Its id.
    pub fn id(&self) -> i64 {
        self.info.id
    }

    /// What sort it is.
    pub fn kind(&self) -> ConversationKind {
        self.info.kind()
    }

    /// Its name; empty for a direct chat: [`super::State::title`] is what to draw.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Whether anybody may find and join it.
    pub fn public(&self) -> bool {
        self.info.public
    }

    /// The owner of a group; 0 for other kinds.
    pub fn owner_id(&self) -> i64 {
        self.info.owner_id
    }

    /// The [`v1::Media::id`] of a group's picture; empty: none.
    pub fn icon(&self) -> &str {
        &self.info.icon
    }

    /// What those who come into it may read.
    pub fn history(&self) -> v1::HistoryRule {
        self.info.history()
    }

    /// Whether the owner alone names it, changes its picture, adds people and makes invites.
    pub fn owner_manages(&self) -> bool {
        self.info.owner_manages
    }

    /// The other person of a direct chat.
    pub fn partner_id(&self, user_id: i64) -> Option<i64> {
        let ids = &self.info.direct_user_ids;
        ids.iter().copied().find(|id| *id != user_id).or_else(|| ids.first().copied())
    }

    /// The newest message that its reader may see.
    pub fn last_message(&self) -> Option<&Arc<Message>> {
        self.last_message.as_ref()
    }

    /// How many messages its reader has not read.
    pub fn unread(&self) -> i64 {
        self.mine.unread
    }

    /// How many of those mention its reader, or everyone.
    pub fn unread_mentions(&self) -> i64 {
        self.mine.unread_mentions
    }

    /// The pinned messages that are known, by id; ListPins has all.
    pub fn pinned(&self) -> impl Iterator<Item = i64> {
        self.pinned.iter().copied()
    }

    /// Until when there is to be no notice of it, but for mentions; it may be over by now. None: it is not muted.
    pub fn muted_until(&self) -> Option<&prost_types::Timestamp> {
        self.mine.muted_until.as_ref()
    }

    /// Whether it is a direct chat that its reader has hidden and nobody has written in since.
    pub fn is_hidden(&self) -> bool {
        let newer = |last: &Arc<Message>| last.id > self.mine.hidden_through && last.system.is_none();
        self.mine.hidden_through > 0 && !self.last_message.as_ref().is_some_and(newer)
    }

    /// The last message that its reader has read.
    pub fn read_position(&self) -> i64 {
        self.mine.read_position
    }

    /// Up to where all changes are known; none until the server said it.
    pub fn cursor(&self) -> Option<i64> {
        self.cursor
    }

    /// The loaded messages; none if nothing is loaded ([`crate::Client::open`] does).
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// A message, if it is loaded or something loaded answers it.
    pub fn message(&self, id: i64) -> Option<&Arc<Message>> {
        self.run.as_ref().and_then(|run| run.get(id)).or_else(|| self.replies.get(&id))
    }

    /// Whether its view stands at the end, as [`crate::Client::follow`] said.
    pub fn following(&self) -> bool {
        self.following
    }

    /// Who else is typing, newest first, at most four.
    pub fn typing(&self) -> &[i64] {
        &self.typing
    }

    /// The pages that are being fetched.
    pub fn loading(&self) -> &[PageAt] {
        &self.loading
    }

    /// The page that could not be fetched last, and why.
    pub fn failed(&self) -> Option<(PageAt, &str)> {
        self.failed.as_ref().map(|(at, why)| (*at, why.as_str()))
    }

    /// The conversation as an answer would give it, for the cache.
    pub(crate) fn to_answer(&self) -> v1::Conversation {
        let last_message = self.last_message.as_deref().cloned();
        v1::Conversation { last_message, mine: Some(self.mine), position: self.counted, ..self.info.clone() }
    }

    /// Up to which position the unread messages are counted.
    pub(crate) fn counted(&self) -> i64 {
        self.counted
    }

    /// Whether all unread messages are loaded, so that they can be counted here.
    pub(crate) fn counts_itself(&self, reader: i64) -> bool {
        self.run.as_ref().is_some_and(|run| run.unread_above(self.mine.read_position, reader).is_some())
    }

    /// Whether an edit of a message that counts as unread already may have changed whom it mentions.
    pub(crate) fn may_mention_others(&self, message: &Message) -> bool {
        let is_new = message.id > self.counted && self.cursor.is_none_or(|cursor| message.id > cursor);
        let known = self.run.as_ref().and_then(|run| run.get(message.id));
        !is_new && message.edited_at.is_some() && known.is_none_or(|known| known.mentions != message.mentions)
    }

    /// What to believe of `mine` in an event that ends at `position`.
    pub(crate) fn mine_at(&self, position: i64) -> Mine {
        if position <= self.replayed { Mine::Told } else { Mine::Untold }
    }

    /// A message of the stream with `mine` set right in its reactions, for whoever keeps it outside of the run; and whether
    /// that is certain.
    pub(crate) fn settled(&self, message: &Arc<Message>, reader: i64) -> (Arc<Message>, bool) {
        let known = self.run.as_ref().and_then(|run| run.get(message.id));
        if let Some(known) = known.filter(|known| known.changed == message.changed) {
            return (known.clone(), true);
        }
        let mine = self.mine_at(message.changed);
        let settled = reaction::settle(message, known, mine, reader);
        let certain = known.is_some() || !reaction::is_open(&settled, mine);
        (settled, certain)
    }

    /// When something last happened here, as seconds and nanoseconds.
    pub(super) fn active_at(&self) -> (i64, i32) {
        let at = self.last_message.as_ref().map_or(&self.info.created_at, |message| &message.created_at);
        at.as_ref().map_or((0, 0), |at| (at.seconds, at.nanos))
    }

    /// Takes over what an answer says. Of a conversation without a cursor everything is known up to there, but for messages:
    /// what is loaded may be from before.
    pub(super) fn meet(&mut self, conversation: &v1::Conversation) {
        self.merge(conversation);
        if self.cursor.is_none() {
            self.reset(conversation.position);
        }
    }

    /// Takes over what an answer or an event says of the conversation, if it is not older than what is known.
    pub(super) fn merge(&mut self, conversation: &v1::Conversation) {
        if conversation.position >= self.info.position {
            let last_message = conversation.last_message.clone().map(Arc::new);
            self.info = v1::Conversation { last_message: None, mine: None, ..conversation.clone() };
            last_message.iter().for_each(|message| self.preview(message));
        }
        // An answer that is older than the last event would take back what the event counted.
        if self.left_meanwhile(conversation) {
            self.forget_messages();
        }
        if let Some(mine) = conversation.mine.filter(|_| conversation.position >= self.cursor.unwrap_or(0)) {
            self.mine = mine;
            self.told_read = mine.read_position;
            self.counted = conversation.position;
        }
    }

    /// Whether its reader left and came in again since this was kept: what she could read then she may not read now.
    pub(crate) fn left_meanwhile(&self, conversation: &v1::Conversation) -> bool {
        conversation.mine.is_some_and(|mine| mine.visible_from > self.mine.visible_from)
    }

    /// Where the stream of a newly connected client goes on. A cursor from the future belongs to another history.
    pub(super) fn start_from(&mut self, position: i64) {
        self.replayed = position;
        match self.cursor {
            Some(cursor) if cursor <= position => {}
            _ => self.reset(position),
        }
    }

    /// Forgets all messages and goes on from `position`.
    pub(super) fn reset(&mut self, position: i64) {
        self.cursor = Some(position);
        self.forget_messages();
    }

    pub(super) fn forget_messages(&mut self) {
        self.run = None;
        self.replies.clear();
        self.pinned.clear();
        self.following = true;
    }

    /// The cursor after an event about the numbers in (after, position]; none if it is known already or not to be known
    /// yet.
    pub(super) fn advance(&mut self, after: i64, position: i64) -> Option<i64> {
        let cursor = self.cursor.unwrap_or(after);
        if position <= cursor || after > cursor {
            return None;
        }
        self.cursor = Some(position);
        Some(cursor)
    }

    /// A message from the stream; `cursor` is that from before it.
    pub(super) fn change(&mut self, message: &Arc<Message>, cursor: i64, mine: Mine, reader: i64) {
        self.put(message, mine, reader);
        self.note_pin(message);
        self.typing.retain(|id| *id != message.author_id);
        let new = message.id > self.counted && message.id > cursor;
        if !self.recount(reader) && new && counts_as_unread(message, reader) {
            self.mine.unread += 1;
            self.mine.unread_mentions += i64::from(mentions(message, reader));
        }
    }

    /// A message in its place, wherever it came from.
    pub(super) fn put(&mut self, message: &Arc<Message>, mine: Mine, reader: i64) {
        let following = self.following;
        if let Some(run) = &mut self.run {
            run.put(message, mine, reader, following);
        }
        if let Some(reply) = self.replies.get_mut(&message.id).filter(|reply| reply.changed < message.changed) {
            *reply = message.clone();
        }
        self.preview(message);
    }

    // Of what the stream or a page says; an answer to a call may be older than the stream.
    fn note_pin(&mut self, message: &Message) {
        if message.pin.is_some() {
            self.pinned.insert(message.id);
        } else {
            self.pinned.remove(&message.id);
        }
    }

    fn preview(&mut self, message: &Arc<Message>) {
        let silent = message.system.as_ref().is_some_and(|system| system.kind() == SystemKind::LeftSilently);
        let newer =
            self.last_message.as_ref().is_none_or(|last| (last.id, last.changed) <= (message.id, message.changed));
        if newer && !silent {
            self.last_message = Some(message.clone());
        }
    }

    /// Counts the unread messages where all of them are loaded; says whether that is so.
    pub(super) fn recount(&mut self, reader: i64) -> bool {
        let Some(run) = &self.run else { return false };
        let Some(unread) = run.unread_above(self.mine.read_position, reader) else { return false };
        self.counted = self.cursor.max(run.last_id()).unwrap_or(0);
        self.set_unread(unread);
        true
    }

    fn set_unread(&mut self, unread: Unread) {
        self.mine.unread = unread.messages;
        self.mine.unread_mentions = unread.mentions;
    }

    /// Whether what the stream says of reading marks something as unread again. To be below what is read here does not: that
    /// is on its way.
    pub(crate) fn moves_back(&self, read_position: i64) -> bool {
        read_position < self.told_read
    }

    /// How far its reader has read, as the stream says; `unread` as of the position `as_of`.
    pub(super) fn read(&mut self, read_position: i64, unread: Unread, as_of: i64, reader: i64) {
        let overtaken = !self.moves_back(read_position) && read_position < self.mine.read_position;
        self.told_read = read_position;
        if !overtaken {
            self.mine.read_position = read_position;
        }
        // The count of an overtaken one is too high; the right one comes with what is on its way.
        if !self.recount(reader) && !overtaken {
            self.set_unread(unread);
            self.counted = as_of;
        }
    }

    /// How far its reader has just read here; the server's count follows, if it did not come with it.
    pub(super) fn read_here(&mut self, read_position: i64, unread: Option<Unread>, reader: i64) {
        self.mine.read_position = self.mine.read_position.max(read_position);
        let known_end = self.cursor.max(self.last_message.as_ref().map(|message| message.id)).unwrap_or(0);
        if self.recount(reader) {
            return;
        }
        if let Some(unread) = unread {
            self.set_unread(unread);
            self.counted = self.counted.max(self.cursor.unwrap_or(0));
        } else if read_position >= known_end {
            self.set_unread(Unread::default());
        }
    }

    /// What its reader chose for herself, on whatever device.
    pub(super) fn place(&mut self, muted_until: Option<prost_types::Timestamp>, hidden_through: i64) {
        self.mine.muted_until = muted_until;
        self.mine.hidden_through = hidden_through;
    }

    pub(super) fn requested(&mut self, at: PageAt) {
        self.failed = None;
        if !self.loading.contains(&at) {
            self.loading.push(at);
        }
    }

    pub(super) fn failed_at(&mut self, at: PageAt, why: &str) {
        self.loading.retain(|other| *other != at);
        self.failed = Some((at, why.to_owned()));
    }

    /// A page that was asked for. One that no longer fits the run, which has moved on meanwhile, is dropped.
    pub(super) fn page(&mut self, page: &Page, reader: i64) {
        self.loading.retain(|at| *at != page.at);
        match (page.at, &mut self.run) {
            (PageAt::Newest | PageAt::Around(_), run) => {
                *run = Some(Run::new(page.messages.iter().cloned(), page.more_before, page.more_after));
                self.following = !page.more_after;
            }
            (PageAt::Before(id), Some(run)) if run.first_id() == Some(id) => {
                run.prepend(&page.messages, page.more_before);
                self.following &= !run.more_after();
            }
            (PageAt::After(id), Some(run)) if run.last_id() == Some(id) => {
                run.append(&page.messages, page.more_after);
            }
            (PageAt::Before(_) | PageAt::After(_), _) => return,
        }
        page.messages.iter().for_each(|message| self.note_pin(message));
        if let Some(newest) = page.messages.last() {
            self.preview(newest);
        }
        for Changed { message, mine } in &page.changes {
            self.put(message, *mine, reader);
            self.note_pin(message);
        }
        self.recount(reader);
    }

    pub(super) fn follow(&mut self, following: bool) {
        self.following = following;
    }

    pub(super) fn set_mine(&mut self, message_id: i64, emote: &str, mine: bool) {
        if let Some(run) = &mut self.run {
            run.set_mine(message_id, emote, mine);
        }
    }

    pub(super) fn set_typing(&mut self, user_ids: impl IntoIterator<Item = i64>) {
        self.typing = user_ids.into_iter().collect();
    }

    pub(super) fn add_reply(&mut self, message: &Arc<Message>) {
        if self.replies.get(&message.id).is_some_and(|known| known.changed > message.changed) {
            return;
        }
        if self.replies.len() >= REPLY_LIMIT {
            let run = self.run.iter().flat_map(Run::messages);
            let answered: HashSet<_> = run.map(|message| message.reply_to).collect();
            self.replies.retain(|id, _| answered.contains(id));
        }
        self.replies.insert(message.id, message.clone());
    }
}
