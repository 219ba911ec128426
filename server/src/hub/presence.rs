//! Who is there: the best of a user's streams. Live presence is kept nowhere else; after a start everybody is offline
//! until seen. It goes to small conversations and direct chats, and of large ones to those who have them in view.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use rookery_api::v1::{self, PresenceState, event::Kind};

use super::{Hub, Now, Request, Session, State, Stream, frame};

/// The most presences in one event.
const MOST: usize = 1000;

#[derive(Debug)]
pub(super) struct Person {
    pub(super) streams: Vec<u64>,
    /// What was last told of her.
    shown: PresenceState,
    /// When her last stream ended, and which rooms it was in.
    pub(super) gone: Option<(Instant, Vec<i64>)>,
}

impl Default for Person {
    fn default() -> Self {
        Self { streams: Vec::new(), shown: PresenceState::Offline, gone: None }
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

fn better(one: PresenceState, other: PresenceState) -> PresenceState {
    // Online, idle, offline: the protocol numbers them from best to worst.
    if (one as i32) < (other as i32) { one } else { other }
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
        state.list(seen)
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
        let visible: Vec<i64> = conversation_ids.iter().copied().filter(|id| stream.rooms.contains(id)).collect();
        let new: Vec<i64> = visible.iter().copied().filter(|id| !stream.view.contains(id)).collect();
        stream.view = visible;
        let session = stream.session.clone();
        // Whoever looks at a large conversation is told at once who is there.
        for id in new {
            let Some(room) = state.rooms.get(&id) else { continue };
            if room.is_small(self.settings.small_group) || !session.wants.presence {
                continue;
            }
            let people = state.list(room.readers.values().map(|reader| reader.session.user_id).collect());
            for presences in people.chunks(MOST) {
                let changed = v1::PresenceChanged { presences: presences.to_vec() };
                session.push(frame::encode(0, 0, 0, Kind::PresenceChanged(changed)), Instant::now());
            }
        }
        true
    }

    /// Tells those who look if a user's presence is another than was last told.
    pub(super) fn refresh_presence(&self, state: &mut State, user_id: i64) {
        let expires = self.settings.activity_expires;
        let Some(person) = state.people.get(&user_id) else { return };
        if person.streams.is_empty() && person.gone.as_ref().is_some_and(|(at, _)| at.elapsed() < self.settings.grace) {
            return;
        }
        let streams = person.streams.iter().filter_map(|number| state.streams.get(number));
        let now = streams.map(|stream| stream.presence(expires)).fold(PresenceState::Offline, better);
        if now == person.shown {
            if now == PresenceState::Offline && person.streams.is_empty() {
                state.people.remove(&user_id);
            }
            return;
        }
        let was = person.shown;
        let mut rooms: Vec<i64> = person
            .streams
            .iter()
            .filter_map(|number| state.streams.get(number))
            .flat_map(|stream| stream.rooms.iter().copied())
            .collect();
        if let Some((_, left)) = &person.gone {
            rooms.extend(left);
        }
        if let Some(person) = state.people.get_mut(&user_id) {
            person.shown = now;
            if person.streams.is_empty() {
                state.people.remove(&user_id);
            }
        }
        if (was == PresenceState::Offline) != (now == PresenceState::Offline) {
            self.ask(Request::Seen { user_id });
        }
        self.tell_presence(state, user_id, now, rooms);
    }

    fn tell_presence(&self, state: &State, user_id: i64, now: PresenceState, mut rooms: Vec<i64>) {
        rooms.sort_unstable();
        rooms.dedup();
        let last_seen_at = (now == PresenceState::Offline).then(|| self.settings.now.timestamp());
        let presence = v1::Presence { user_id, state: now.into(), last_seen_at };
        let changed = v1::PresenceChanged { presences: vec![presence] };
        let frame = frame::encode(0, 0, 0, Kind::PresenceChanged(changed));
        let mut told = HashSet::new();
        for id in rooms {
            let Some(room) = state.rooms.get(&id) else { continue };
            let small = room.is_small(self.settings.small_group);
            for number in room.readers.keys() {
                let Some(stream) = state.streams.get(number) else { continue };
                let looks = small || stream.view.contains(&id);
                if looks && stream.session.wants.presence && told.insert(*number) {
                    stream.session.push(frame.clone(), Instant::now());
                }
            }
        }
    }

    /// A stream has come into its rooms: its user is there.
    pub fn arrive(&self, session: &Session) {
        self.refresh_presence(&mut self.lock(), session.user_id);
    }

    /// A stream has come into one more room: the two sides learn of each other.
    pub fn introduce(&self, session: &Session, conversation_id: i64) {
        let state = self.lock();
        let Some(room) = state.rooms.get(&conversation_id) else { return };
        if !room.is_small(self.settings.small_group) {
            return;
        }
        if session.wants.presence {
            let presences = state.list(room.readers.values().map(|reader| reader.session.user_id).collect());
            session
                .push(frame::encode(0, 0, 0, Kind::PresenceChanged(v1::PresenceChanged { presences })), Instant::now());
        }
        if let Some(person) = state.people.get(&session.user_id) {
            self.tell_presence(&state, session.user_id, person.shown, vec![conversation_id]);
        }
    }

    /// Once a second: devices that stopped reporting, and users whose time of grace is over.
    pub(super) fn expire_presence(&self, state: &mut State) {
        let expires = self.settings.activity_expires;
        let late = |stream: &&Stream| stream.activity.is_some_and(|(at, _)| at.elapsed() > expires);
        let mut due: Vec<i64> = state.streams.values().filter(late).map(|stream| stream.session.user_id).collect();
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

    /// The presences of those who are not offline.
    fn list(&self, user_ids: HashSet<i64>) -> Vec<v1::Presence> {
        let mut list: Vec<v1::Presence> = user_ids
            .into_iter()
            .filter_map(|user_id| self.people.get(&user_id).map(|person| (user_id, person.shown)))
            .filter(|(_, shown)| *shown != PresenceState::Offline)
            .map(|(user_id, shown)| v1::Presence { user_id, state: shown.into(), last_seen_at: None })
            .collect();
        list.sort_unstable_by_key(|presence| presence.user_id);
        list
    }
}
