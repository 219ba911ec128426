//! Who is there: the best of a user's streams. Live presence is kept nowhere else; after a start everybody is offline
//! until seen. It goes to small conversations and direct chats, and of large ones, joined over a second, to those who have them
//! in view. What a user chose to be seen as goes before what her devices say; whom a block keeps apart see nothing.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use bytes::Bytes;
use rookery_api::v1::{self, PresenceState, StatusKind, event::Kind};

use super::{Hub, Now, Request, Session, State, Stream, apart::Blocks, frame};

/// The most presences in one event.
const MOST: usize = 1000;

#[derive(Debug)]
pub(super) struct Person {
    pub(super) streams: Vec<u64>,
    /// How she wants to be seen; none until it is known, and until then nothing is shown.
    chosen: Option<v1::Status>,
    /// What was last told of her.
    pub(super) shown: PresenceState,
    /// The blocks of hers and against her.
    pub(super) blocks: Blocks,
    /// When her last stream ended, and which rooms it was in.
    pub(super) gone: Option<(Instant, Vec<i64>)>,
}

impl Default for Person {
    fn default() -> Self {
        Self { streams: Vec::new(), chosen: None, shown: PresenceState::Offline, blocks: Blocks::new(), gone: None }
    }
}

impl Stream {
    /// What this device says of its user. A stream alone counts as online; one that reported once has to go on.
    fn presence(&self, expires: std::time::Duration) -> PresenceState {
        match self.activity {
            None => PresenceState::Online,
            Some((at, _)) if at.elapsed() > expires => PresenceState::Offline,
            Some((_, true)) => PresenceState::Idle,
            Some((_, false)) => PresenceState::Online,
        }
    }
}

impl Now {
    fn timestamp(&self) -> prost_types::Timestamp {
        let now = (self.0)();
        let nanos = i32::try_from(now.rem_euclid(1000) * 1_000_000).unwrap_or(0);
        prost_types::Timestamp { seconds: now.div_euclid(1000), nanos }
    }
}

impl Person {
    /// What others are shown, if this is what her devices say.
    fn seen_as(&self, devices: PresenceState) -> PresenceState {
        match (self.kind(), devices) {
            (_, PresenceState::Offline) | (None | Some(StatusKind::Invisible), _) => PresenceState::Offline,
            (Some(StatusKind::DoNotDisturb), _) => PresenceState::DoNotDisturb,
            (Some(StatusKind::Idle), _) => PresenceState::Idle,
            (Some(StatusKind::Online | StatusKind::Unspecified), devices) => devices,
        }
    }

    fn kind(&self) -> Option<StatusKind> {
        self.chosen.as_ref().map(v1::Status::kind)
    }

    /// Whether she does not want to be seen.
    pub(super) fn hides(&self) -> bool {
        self.kind() == Some(StatusKind::Invisible)
    }

    /// Whether nobody is told when she was here.
    fn hides_last_seen(&self) -> bool {
        self.chosen.as_ref().is_some_and(|status| status.hide_last_seen)
    }

    /// If the kind that she chose has ended: what is left of her choice.
    fn end_kind(&mut self, now: &prost_types::Timestamp) -> Option<v1::Status> {
        let status = self.chosen.as_mut()?;
        let end = status.kind_expires_at.as_ref()?;
        if (end.seconds, end.nanos) > (now.seconds, now.nanos) {
            return None;
        }
        status.set_kind(StatusKind::Online);
        status.kind_expires_at = None;
        Some(status.clone())
    }
}

/// How much somebody in this state is there; the protocol's numbers are no order.
fn rank(state: PresenceState) -> u8 {
    match state {
        PresenceState::Online => 3,
        PresenceState::DoNotDisturb => 2,
        PresenceState::Idle => 1,
        PresenceState::Offline | PresenceState::Unspecified => 0,
    }
}

impl Hub {
    /// How reachable a user is.
    pub fn presence(&self, user_id: i64) -> PresenceState {
        self.lock().people.get(&user_id).map_or(PresenceState::Offline, |person| person.shown)
    }

    /// How reachable some users are, those who are not offline.
    pub fn presences(&self, user_ids: &[i64]) -> HashMap<i64, PresenceState> {
        let state = self.lock();
        let shown = |id: &i64| state.people.get(id).map(|person| (*id, person.shown));
        user_ids.iter().filter_map(shown).filter(|(_, shown)| *shown != PresenceState::Offline).collect()
    }

    /// Who is shown as there and lets others know when she was.
    pub fn there(&self) -> Vec<i64> {
        let state = self.lock();
        let there = |person: &Person| person.shown != PresenceState::Offline && !person.hides_last_seen();
        let mut there: Vec<i64> = state.people.iter().filter(|(_, person)| there(person)).map(|(id, _)| *id).collect();
        there.sort_unstable();
        there
    }

    /// The presences that a stream is shown unasked: of its small conversations, those who are not offline.
    pub fn presences_in_view(&self, session: &Session) -> Vec<v1::Presence> {
        let state = self.lock();
        let Some(stream) = state.streams.get(&session.number) else { return Vec::new() };
        let mut seen = HashSet::new();
        for room in stream.rooms.iter().filter_map(|id| state.rooms.get(id)) {
            if room.is_small(self.settings.small_group) {
                seen.extend(room.readers.values().map(|reader| reader.session.user_id));
            }
        }
        state.list(session.user_id, seen)
    }

    /// What a device reports. False: there is no such stream of this user.
    pub fn set_activity(&self, user_id: i64, session_id: &str, idle: bool) -> bool {
        let mut state = self.lock();
        let Some(stream) = state.find(user_id, session_id) else { return false };
        stream.activity = Some((Instant::now(), idle));
        self.refresh_presence(&mut state, user_id);
        true
    }

    /// What a device shows. False: there is no such stream of this user.
    pub fn set_view(&self, user_id: i64, session_id: &str, conversation_ids: &[i64]) -> bool {
        let mut state = self.lock();
        let Some(stream) = state.find(user_id, session_id) else { return false };
        // Also what the stream is not in yet: it may have been told of a conversation before it is put there.
        let before = std::mem::replace(&mut stream.view, conversation_ids.to_vec());
        let session = stream.session.clone();
        for id in conversation_ids.iter().filter(|id| !before.contains(id)) {
            self.show_people(&state, &session, *id);
        }
        true
    }

    /// Whoever looks at a large conversation is told at once who is there.
    pub(super) fn show_people(&self, state: &State, session: &Session, conversation_id: i64) {
        let looks = state.streams.get(&session.number).is_some_and(|stream| stream.view.contains(&conversation_id));
        let room = state.rooms.get(&conversation_id).filter(|room| room.readers.contains_key(&session.number));
        let Some(room) = room.filter(|room| !room.is_small(self.settings.small_group)) else { return };
        if !looks || !session.wants.presence {
            return;
        }
        let people = room.readers.values().map(|reader| reader.session.user_id).collect();
        for frame in joined(&state.list(session.user_id, people)) {
            session.push(frame, Instant::now());
        }
    }

    /// Tells those who look if a user's presence is another than was last told.
    pub(super) fn refresh_presence(&self, state: &mut State, user_id: i64) {
        let expires = self.settings.activity_expires;
        let Some(person) = state.people.get(&user_id) else { return };
        let grace = person.gone.as_ref().is_some_and(|(at, _)| at.elapsed() < self.settings.grace);
        // While the server stops, everybody's streams end, and nobody is left to be told.
        if person.streams.is_empty() && (grace || state.stopping) && !person.hides() {
            return;
        }
        let streams = person.streams.iter().filter_map(|number| state.streams.get(number));
        let best = streams.map(|stream| stream.presence(expires)).max_by_key(|state| rank(*state));
        let now = person.seen_as(best.unwrap_or(PresenceState::Offline));
        if now == person.shown {
            if now == PresenceState::Offline && person.streams.is_empty() {
                state.people.remove(&user_id);
            }
            return;
        }
        let was = person.shown;
        let rooms = state.rooms_of(user_id);
        let mut seen = true;
        if let Some(person) = state.people.get_mut(&user_id) {
            person.shown = now;
            seen = !person.hides_last_seen();
            if person.streams.is_empty() {
                state.people.remove(&user_id);
            }
        }
        if (was == PresenceState::Offline) != (now == PresenceState::Offline) {
            self.ask(Request::Seen { user_id });
        }
        let last_seen_at = (seen && now == PresenceState::Offline).then(|| self.settings.now.timestamp());
        self.tell_presence(state, v1::Presence { user_id, state: now.into(), last_seen_at }, rooms);
    }

    fn tell_presence(&self, state: &mut State, presence: v1::Presence, rooms: Vec<i64>) {
        let user_id = presence.user_id;
        let changed = v1::PresenceChanged { presences: vec![presence] };
        let frame = frame::encode(0, 0, 0, Kind::PresenceChanged(changed));
        let mut told = HashSet::new();
        for id in rooms {
            let Some(room) = state.rooms.get_mut(&id) else { continue };
            if !room.is_small(self.settings.small_group) {
                room.presences.insert(user_id, presence);
                continue;
            }
            let Some(room) = state.rooms.get(&id) else { continue };
            for number in room.readers.keys() {
                let Some(stream) = state.streams.get(number) else { continue };
                let wants = stream.session.wants.presence && !state.apart(stream.session.user_id, user_id);
                if wants && told.insert(*number) {
                    stream.session.push(frame.clone(), Instant::now());
                }
            }
        }
    }

    /// Once a second: tells those who have a large conversation in view whose presence has changed there.
    pub(super) fn tell_joined(&self, state: &mut State) {
        let mut news = Vec::new();
        for (id, room) in state.rooms.iter_mut().filter(|(_, room)| !room.presences.is_empty()) {
            let mut presences: Vec<v1::Presence> = std::mem::take(&mut room.presences).into_values().collect();
            presences.sort_unstable_by_key(|presence| presence.user_id);
            news.push((*id, presences));
        }
        for (id, presences) in news {
            let Some(room) = state.rooms.get(&id) else { continue };
            let mut frames = None;
            for stream in room.readers.keys().filter_map(|number| state.streams.get(number)) {
                let reader = stream.session.user_id;
                if !stream.session.wants.presence || !stream.view.contains(&id) {
                    continue;
                }
                let apart = |presence: &v1::Presence| state.apart(reader, presence.user_id);
                let own = presences.iter().any(apart).then(|| {
                    joined(&presences.iter().copied().filter(|presence| !apart(presence)).collect::<Vec<_>>())
                });
                let frames = own.as_ref().unwrap_or_else(|| frames.get_or_insert_with(|| joined(&presences)));
                for frame in frames {
                    stream.session.push(frame.clone(), Instant::now());
                }
            }
        }
    }

    /// A stream has come into its rooms: its user is there. `status`: how she wanted to be seen when it was read, after the
    /// stream was registered; what the hub has been told since goes before it.
    pub fn arrive(&self, session: &Session, status: &v1::Status) {
        let mut state = self.lock();
        if let Some(person) = state.people.get_mut(&session.user_id)
            && person.chosen.is_none()
        {
            person.chosen = Some(status.clone());
        }
        self.refresh_presence(&mut state, session.user_id);
    }

    /// A user wants to be seen in another way.
    pub(super) fn choose(&self, state: &mut State, user_id: i64, status: &v1::Status) {
        let Some(person) = state.people.get_mut(&user_id) else { return };
        person.chosen = Some(status.clone());
        if person.hides() {
            self.stop_typing(state, user_id);
        }
        self.refresh_presence(state, user_id);
    }

    /// Whether it is known how a user wants to be seen.
    pub fn knows(&self, user_id: i64) -> bool {
        self.lock().people.get(&user_id).is_some_and(|person| person.chosen.is_some())
    }

    /// A stream has come into one more room: the two sides learn of each other.
    pub fn introduce(&self, session: &Session, conversation_id: i64) {
        let mut state = self.lock();
        let Some(room) = state.rooms.get(&conversation_id) else { return };
        if !room.is_small(self.settings.small_group) {
            return;
        }
        if session.wants.presence {
            let people = room.readers.values().map(|reader| reader.session.user_id).collect();
            let presences = state.list(session.user_id, people);
            session
                .push(frame::encode(0, 0, 0, Kind::PresenceChanged(v1::PresenceChanged { presences })), Instant::now());
        }
        // Of who is offline there is no news; a time with it would tell that she is there and hides.
        if let Some(person) = state.people.get(&session.user_id)
            && person.shown != PresenceState::Offline
        {
            let presence = v1::Presence { user_id: session.user_id, state: person.shown.into(), last_seen_at: None };
            self.tell_presence(&mut state, presence, vec![conversation_id]);
        }
    }

    /// Once a second: kinds that end, which her own devices are told; devices that stopped reporting, and users whose time of
    /// grace is over.
    pub(super) fn expire_presence(&self, state: &mut State) {
        let now = self.settings.now.timestamp();
        let ended = state.people.iter_mut().filter_map(|(id, person)| Some((*id, person.end_kind(&now)?)));
        let ended: Vec<(i64, v1::Status)> = ended.collect();
        for (user_id, status) in &ended {
            let frame = frame::encode(0, 0, 0, Kind::StatusChanged(v1::StatusChanged { status: Some(status.clone()) }));
            let streams = state.streams.values().filter(|stream| stream.session.user_id == *user_id);
            for stream in streams.filter(|stream| stream.session.wants.messages) {
                stream.session.push(frame.clone(), Instant::now());
            }
        }
        let expires = self.settings.activity_expires;
        let late = |stream: &&Stream| stream.activity.is_some_and(|(at, _)| at.elapsed() > expires);
        let mut due: Vec<i64> = state.streams.values().filter(late).map(|stream| stream.session.user_id).collect();
        due.extend(ended.iter().map(|(id, _)| *id));
        due.extend(state.people.iter().filter(|(_, person)| person.streams.is_empty()).map(|(id, _)| *id));
        for user_id in due {
            self.refresh_presence(state, user_id);
        }
    }
}

impl State {
    fn find(&mut self, user_id: i64, session_id: &str) -> Option<&mut Stream> {
        let numbers = &self.people.get(&user_id)?.streams;
        let number =
            numbers.iter().copied().find(|n| self.streams.get(n).is_some_and(|s| s.session.id == session_id))?;
        self.streams.get_mut(&number)
    }

    /// The rooms that a user's streams are in; of who has just gone, those that the last one was in.
    pub(super) fn rooms_of(&self, user_id: i64) -> Vec<i64> {
        let Some(person) = self.people.get(&user_id) else { return Vec::new() };
        let streams = person.streams.iter().filter_map(|number| self.streams.get(number));
        let left = person.gone.iter().flat_map(|(_, left)| left);
        let mut rooms: Vec<i64> = streams.flat_map(|stream| &stream.rooms).chain(left).copied().collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    /// The presences of those who are not offline, as a reader sees them.
    fn list(&self, reader: i64, user_ids: HashSet<i64>) -> Vec<v1::Presence> {
        let mut list: Vec<v1::Presence> = user_ids
            .into_iter()
            .filter(|user_id| !self.apart(reader, *user_id))
            .filter_map(|user_id| self.people.get(&user_id).map(|person| (user_id, person.shown)))
            .filter(|(_, shown)| *shown != PresenceState::Offline)
            .map(|(user_id, shown)| v1::Presence { user_id, state: shown.into(), last_seen_at: None })
            .collect();
        list.sort_unstable_by_key(|presence| presence.user_id);
        list
    }
}

/// Presences as events, as few as will do.
fn joined(presences: &[v1::Presence]) -> Vec<Bytes> {
    let event = |presences: &[v1::Presence]| {
        frame::encode(0, 0, 0, Kind::PresenceChanged(v1::PresenceChanged { presences: presences.to_vec() }))
    };
    presences.chunks(MOST).map(event).collect()
}
