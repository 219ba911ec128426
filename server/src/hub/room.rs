//! A conversation with local listeners: the last position it passed on, and who is let in from where.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rookery_api::v1::{self, SystemKind, event::Kind};

use super::{Hub, Request, Session, State, frame, typing::Typists};
use crate::fault;

/// A room is busy when it has so many listeners and its changes follow each other so quickly: then it passes changes on in
/// beats, and what comes meanwhile shares one write for each listener. Elsewhere nobody waits: it would only cost time.
const BUSY_READERS: usize = 256;
const BUSY_GAP: Duration = Duration::from_millis(8);
const BEAT: Duration = Duration::from_millis(25);
/// A beat does not wait when it has so many bytes: large texts must not make all listeners slow readers.
const BEAT_BYTES: usize = 64 * 1024;

/// A room with so many listeners keeps its newest frames, also for a while after all of them have gone: a crowd that comes
/// back at once does not read the same rows a crowd of times.
const KEEPING_READERS: usize = 32;
const KEPT_FRAMES: usize = 256;
const KEPT_BYTES: usize = 256 * 1024;
const KEPT_FOR: Duration = Duration::from_secs(30);

/// What a stream knows of a conversation that it takes up.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub conversation_id: i64,
    pub visible_from: i64,
    /// How many are in the conversation.
    pub members: i64,
    /// Whether it is a direct chat.
    pub direct: bool,
}

/// What `join` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// The stream is let in: whatever comes, it will be sent.
    Live,
    /// The hub has passed on more than the stream has read: read on.
    ReadOn,
}

#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) readers: HashMap<u64, Reader>,
    /// The last position passed on; none before anything is known of it.
    last: Option<i64>,
    /// A position that is known to exist and cannot be passed on until the rows before it are read.
    wanted: i64,
    members: i64,
    direct: bool,
    pub(super) typists: Typists,
    /// Whose presence has changed, in a large conversation, since that was last told.
    pub(super) presences: HashMap<i64, v1::Presence>,
    /// When something was last passed on, and the usual time between two changes.
    passed: Option<Instant>,
    gap: Duration,
    /// What waits for the next beat, and when the last one was.
    waiting: Vec<Waiting>,
    beaten: Option<Instant>,
    /// The newest frames, each adjoining the one before it.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Since when nobody listens.
    pub(super) empty: Option<Instant>,
}

/// A frame that every listener is to get who lacks it.
#[derive(Debug)]
struct Waiting {
    after: i64,
    position: i64,
    message_id: i64,
    frame: Bytes,
}

/// A frame that was passed on.
#[derive(Debug)]
struct Kept {
    after: i64,
    position: i64,
    message_id: i64,
    /// It says the same to every reader, and nothing that an announcement has to follow.
    plain: bool,
    frame: Bytes,
}

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) session: Arc<Session>,
    visible_from: i64,
    /// What the reader has: only what is above it is passed on. None: not let in yet.
    position: Option<i64>,
}

impl Room {
    /// Whether typing and presence go to everybody in it.
    pub(super) fn is_small(&self, small_group: i64) -> bool {
        self.direct || self.members <= small_group
    }

    /// Notes that something is passed on now; whether that happens quickly and to many.
    fn is_busy(&mut self, now: Instant) -> bool {
        // A pause counts as one second: a burst after it is a quiet room's until it has lasted for a while.
        let gap = self.passed.replace(now).map_or(Duration::MAX, |passed| now - passed).min(Duration::from_secs(1));
        self.gap = self.gap.saturating_mul(7).saturating_add(gap) / 8;
        self.readers.len() >= BUSY_READERS && self.gap < BUSY_GAP
    }

    /// Whether what waits must wait for the beat.
    fn must_wait(&mut self, now: Instant) -> bool {
        let soon = self.beaten.is_some_and(|beaten| now.saturating_duration_since(beaten) < BEAT);
        self.is_busy(now) && soon && self.waits() < BEAT_BYTES
    }

    /// As if all before had happened at once, and the next beat were not due for a long time.
    #[cfg(test)]
    pub(super) fn just_beaten(&mut self) {
        self.passed = Some(Instant::now());
        self.gap = Duration::ZERO;
        self.beaten = Some(Instant::now() + Duration::from_secs(60));
    }

    /// How many bytes wait.
    pub(super) fn waits(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.frame.len()).sum()
    }

    /// Passes on what waits, each listener the same bytes.
    pub(super) fn beat(&mut self, conversation_id: i64, now: Instant) {
        let (Some(first), Some(last)) = (self.waiting.first(), self.waiting.last()) else { return };
        let (first, last) = (first.position, last.position);
        let oldest = self.waiting.iter().map(|waiting| waiting.message_id).min().unwrap_or(0);
        let mut joined = None;
        for reader in self.readers.values_mut() {
            match reader.position {
                Some(known) if known < last => {
                    if known < first && oldest >= reader.visible_from {
                        let frames = joined.get_or_insert_with(|| join(&self.waiting)).clone();
                        reader.send(frames, self.waiting.len(), now);
                    } else {
                        reader.catch_up(conversation_id, &self.waiting, now);
                    }
                    reader.position = Some(last);
                }
                _ => {}
            }
        }
        self.waiting.clear();
        self.beaten = Some(now);
    }

    /// Passes on to one user what waits, before she is told something that follows it.
    pub(super) fn beat_for(&mut self, conversation_id: i64, user_id: i64, now: Instant) {
        let Some(last) = self.waiting.last().map(|waiting| waiting.position) else { return };
        for reader in self.readers.values_mut().filter(|reader| reader.session.user_id == user_id) {
            if reader.position.is_some_and(|known| known < last) {
                reader.catch_up(conversation_id, &self.waiting, now);
                reader.position = Some(last);
            }
        }
    }

    /// Whether frames are kept: for a crowd, and for one that has just gone.
    fn keeps(&self) -> bool {
        self.readers.len() >= KEEPING_READERS || !self.kept.is_empty()
    }

    fn keep(&mut self, kept: Kept) {
        if self.kept.back().is_some_and(|last| last.position != kept.after) {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        // A message that changed must not be had as it was: not its old text, and least of all when it was deleted. Who lacks
        // it reads the rows, as they now are.
        if let Some(index) = self.kept.iter().rposition(|old| old.message_id == kept.message_id) {
            self.kept_bytes -= self.kept.drain(..=index).map(|old| old.frame.len()).sum::<usize>();
        }
        self.kept_bytes += kept.frame.len();
        self.kept.push_back(kept);
        while self.kept.len() > KEPT_FRAMES || self.kept_bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.frame.len();
        }
    }

    /// The kept frames that a reader lacks: none if they do not hold all of it, or not as she is to see it.
    fn missed(&self, cursor: i64, visible_from: i64) -> Option<impl Iterator<Item = &Kept>> {
        let first = self.kept.partition_point(|kept| kept.position <= cursor);
        let whole = self.kept.get(first)?.after <= cursor && self.kept.back()?.position == self.last?;
        let missed = self.kept.range(first..);
        let same = missed.clone().all(|kept| kept.plain && kept.message_id >= visible_from);
        (whole && same).then_some(missed)
    }

    /// Whether the room is of no use any more.
    pub(super) fn is_over(&self) -> bool {
        self.readers.is_empty() && self.empty.is_none_or(|since| since.elapsed() > KEPT_FOR)
    }

    /// Counts members in and out, as a line tells.
    fn count(&mut self, line: &v1::SystemLine) {
        let named = i64::try_from(line.user_ids.len()).unwrap_or(0);
        self.members += match line.kind() {
            SystemKind::Joined => 1,
            SystemKind::Added => named,
            SystemKind::Left | SystemKind::LeftSilently => -1,
            SystemKind::Removed => -named,
            _ => 0,
        };
    }
}

impl Reader {
    fn send(&self, frames: Bytes, count: usize, now: Instant) {
        if self.session.wants.messages {
            self.session.push_many(frames, count, now);
        }
    }

    /// Sends one by one what this listener lacks, as she may see it.
    fn catch_up(&self, conversation_id: i64, waiting: &[Waiting], now: Instant) {
        let lacks = |waiting: &&Waiting| self.position.is_some_and(|known| known < waiting.position);
        for waiting in waiting.iter().filter(lacks) {
            let frame = if waiting.message_id >= self.visible_from {
                waiting.frame.clone()
            } else {
                frame::encode(conversation_id, waiting.after, waiting.position, Kind::Skipped(v1::Skipped {}))
            };
            self.send(frame, 1, now);
        }
    }
}

/// Several frames as one piece.
fn join(waiting: &[Waiting]) -> Bytes {
    match waiting {
        [one] => one.frame.clone(),
        all => all.iter().map(|waiting| &waiting.frame[..]).collect::<Vec<_>>().concat().into(),
    }
}

/// Who is gone with this line.
fn gone(message: &v1::Message) -> Vec<i64> {
    match &message.system {
        Some(line) => match line.kind() {
            SystemKind::Left | SystemKind::LeftSilently => vec![message.author_id],
            SystemKind::Removed => line.user_ids.clone(),
            _ => Vec::new(),
        },
        None => Vec::new(),
    }
}

impl Hub {
    /// Puts a stream into rooms without letting it in yet: typing and presence reach it, and from now on the rooms note
    /// what is passed on, so that nothing falls between reading the rows and `join`.
    pub fn touch(&self, session: &Session, places: &[Place]) {
        let mut state = self.lock();
        for place in places {
            state.put_in(session, place);
            self.show_people(&state, session, place.conversation_id);
        }
        state.check_invariants();
    }

    /// The same for a room that a live stream's user has come into; false if the stream has it already.
    pub fn take_up(&self, session: &Session, place: &Place) -> bool {
        let mut state = self.lock();
        let stream = state.streams.get(&session.number);
        if stream.is_none_or(|stream| stream.rooms.contains(&place.conversation_id)) {
            return false;
        }
        state.put_in(session, place);
        self.show_people(&state, session, place.conversation_id);
        state.check_invariants();
        true
    }

    /// Takes a stream out of a room again whose line of removal had been passed on before the stream came in.
    pub fn give_up(&self, session: &Session, conversation_id: i64) {
        let mut state = self.lock();
        let state = &mut *state;
        if let Some(stream) = state.streams.get_mut(&session.number) {
            stream.rooms.retain(|id| *id != conversation_id);
        }
        if let Some(room) = state.rooms.get_mut(&conversation_id) {
            room.readers.remove(&session.number);
        }
        state.close_if_empty(conversation_id);
        state.check_invariants();
    }

    /// Lets a stream in with the newest frames, if they hold all that it lacks: then no rows need to be read.
    pub fn catch_up(&self, session: &Session, conversation_id: i64, cursor: i64) -> bool {
        let mut state = self.lock();
        let Some(room) = state.rooms.get_mut(&conversation_id) else { return false };
        let Some(visible_from) = room.readers.get(&session.number).map(|reader| reader.visible_from) else {
            return false;
        };
        let Some(missed) = room.missed(cursor, visible_from) else { return false };
        for kept in missed {
            session.push_old(kept.frame.clone());
        }
        let last = room.last;
        if let Some(reader) = room.readers.get_mut(&session.number) {
            reader.position = last;
        }
        true
    }

    /// Lets a stream in that has all up to `position`, unless more has been passed on already.
    pub fn join(&self, session: &Session, conversation_id: i64, position: i64) -> Join {
        let mut state = self.lock();
        let Some(room) = state.rooms.get_mut(&conversation_id) else { return Join::Live };
        let Some(reader) = room.readers.get_mut(&session.number) else { return Join::Live };
        match room.last {
            Some(last) if last > position => return Join::ReadOn,
            Some(last) if last < position => {
                // The stream knows more than the hub: the writer is about to hand it over, or a hint was lost.
                room.wanted = room.wanted.max(position);
                self.ask(Request::Read { conversation_id, after: last });
            }
            Some(_) => {}
            None => room.last = Some(position),
        }
        reader.position = Some(position);
        Join::Live
    }

    /// Passes a change on, as the writer hands it over in the order of commits.
    pub fn advance(&self, message: v1::Message) {
        let mut state = self.lock();
        let id = message.conversation_id;
        let Some(room) = state.rooms.get_mut(&id) else { return };
        match room.last {
            // Nobody is let in yet; whoever asks now has to read up to here.
            None => {
                room.last = Some(message.changed);
                self.pass(&mut state, message, None);
            }
            Some(last) if message.changed <= last => {}
            Some(last) if message.changed == last + 1 => self.pass(&mut state, message, Some(last)),
            Some(last) => {
                room.wanted = room.wanted.max(message.changed);
                self.ask(Request::Read { conversation_id: id, after: last });
            }
        }
    }

    /// Something may have been committed that was not handed over: asks for the rows.
    pub fn check(&self, conversation_id: i64) {
        if let Some(after) = self.lock().rooms.get(&conversation_id).and_then(|room| room.last) {
            self.ask(Request::Read { conversation_id, after });
        }
    }

    /// Passes on rows that were missing, by their last change; they hold all changes up to `position`. Answers from where
    /// to read on if there is more.
    pub fn repair(&self, conversation_id: i64, messages: Vec<v1::Message>, position: i64) -> Option<i64> {
        let mut state = self.lock();
        for message in messages {
            let last = state.rooms.get(&conversation_id)?.last?;
            if message.changed > last {
                self.pass(&mut state, message, Some(last));
            }
        }
        let room = state.rooms.get_mut(&conversation_id)?;
        let last = room.last.get_or_insert(position);
        *last = position.max(*last);
        (*last < room.wanted).then_some(*last)
    }

    /// Sends a change to all that are let in, now or with the next beat.
    fn pass(&self, state: &mut State, message: v1::Message, after: Option<i64>) {
        let (id, position, message_id) = (message.conversation_id, message.changed, message.id);
        let now = Instant::now();
        if message.system.is_some() {
            // Who goes with it gets what was before it; what is announced behind it does not wait.
            state.beat(id, now);
            for user_id in gone(&message).into_iter().filter(|_| !fault::planted("keep-rights")) {
                state.put_out(id, user_id, position);
            }
        }
        let Some(room) = state.rooms.get_mut(&id) else { return };
        room.last = Some(position);
        if let Some(line) = &message.system {
            room.count(line);
        } else if message_id == position {
            room.typists.stop(message.author_id);
        }
        let Some(after) = after.filter(|_| !fault::planted("skip-event")) else { return };
        let line = message.system.is_some();
        let plain = message.reactions.is_empty() && !line;
        let changed = v1::MessageChanged { message: Some(message) };
        let frame = frame::encode(id, after, position, Kind::MessageChanged(changed));
        if room.keeps() {
            room.keep(Kept { after, position, message_id, plain, frame: frame.clone() });
        }
        let first = room.waiting.is_empty();
        room.waiting.push(Waiting { after, position, message_id, frame });
        if !room.must_wait(now) || line {
            room.beat(id, now);
        } else if first {
            state.beats.push(id);
            self.waiting.notify_one();
        }
    }

    /// A conversation as it now is, for all that are let in.
    pub fn announce(&self, conversation: v1::Conversation) {
        let mut state = self.lock();
        let (id, now) = (conversation.id, Instant::now());
        let Some(room) = state.rooms.get_mut(&id) else { return };
        room.beat(id, now);
        let changed = v1::ConversationChanged { conversation: Some(conversation) };
        let frame = frame::encode(id, 0, 0, Kind::ConversationChanged(changed));
        for reader in room.readers.values().filter(|reader| reader.position.is_some()) {
            if reader.session.wants.messages {
                reader.session.push(frame.clone(), now);
            }
        }
    }

    /// Gives busy rooms their beat.
    pub async fn pace(self: Arc<Self>) {
        loop {
            self.waiting.notified().await;
            tokio::time::sleep(BEAT).await;
            let mut state = self.lock();
            let now = Instant::now();
            for id in std::mem::take(&mut state.beats) {
                state.beat(id, now);
            }
        }
    }

    /// A conversation has more or fewer members, without a line that tells it.
    pub fn grow(&self, conversation_id: i64, by: i64) {
        if let Some(room) = self.lock().rooms.get_mut(&conversation_id) {
            room.members += by;
        }
    }
}

impl State {
    /// Passes on what waits in a room.
    pub(super) fn beat(&mut self, conversation_id: i64, now: Instant) {
        if let Some(room) = self.rooms.get_mut(&conversation_id) {
            room.beat(conversation_id, now);
        }
    }

    /// Forgets a room without listeners, at once or, if it has frames for those who come back, later.
    pub(super) fn close_if_empty(&mut self, conversation_id: i64) {
        let Some(room) = self.rooms.get_mut(&conversation_id).filter(|room| room.readers.is_empty()) else { return };
        room.waiting.clear();
        if room.kept.is_empty() {
            self.rooms.remove(&conversation_id);
        } else {
            room.empty.get_or_insert_with(Instant::now);
        }
    }

    fn put_in(&mut self, session: &Session, place: &Place) {
        let Some(stream) = self.streams.get_mut(&session.number) else { return };
        let room = self.rooms.entry(place.conversation_id).or_default();
        room.members = place.members;
        room.direct = place.direct;
        room.empty = None;
        let reader = Reader { session: stream.session.clone(), visible_from: place.visible_from, position: None };
        if room.readers.insert(session.number, reader).is_none() {
            stream.rooms.push(place.conversation_id);
        }
    }

    /// Puts a user's streams out of a room, but for those that came in again behind `position`.
    pub(super) fn put_out(&mut self, conversation_id: i64, user_id: i64, position: i64) {
        let Some(room) = self.rooms.get_mut(&conversation_id) else { return };
        let streams = &mut self.streams;
        room.readers.retain(|number, reader| {
            let out = reader.session.user_id == user_id && reader.position.is_none_or(|known| known < position);
            if out && let Some(stream) = streams.get_mut(number) {
                stream.rooms.retain(|id| *id != conversation_id);
            }
            !out
        });
        room.typists.stop(user_id);
        self.close_if_empty(conversation_id);
        self.check_invariants();
    }
}
