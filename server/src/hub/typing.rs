//! Who is typing: never stored, ends by itself. In small conversations everybody hears of it at once; in large ones those
//! who have it in view, joined over a second.

use std::time::{Duration, Instant};

use rookery_api::v1::{self, event::Kind};

use super::{Hub, State, frame, presence::Person};

/// One user's repeats are taken at most this often in one conversation.
const SHORTEST_REPEAT: Duration = Duration::from_secs(2);
/// More names than this nobody reads.
const NAMES: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Typists {
    /// Who, and when last; newest last.
    list: Vec<(i64, Instant)>,
    /// Who came onto it or off it since it was last sent.
    changed: Vec<i64>,
}

impl Typists {
    /// Notes a keystroke; false: too soon after the one before.
    fn note(&mut self, user_id: i64, now: Instant) -> bool {
        if self.list.iter().any(|(id, at)| *id == user_id && now.duration_since(*at) < SHORTEST_REPEAT) {
            return false;
        }
        self.list.retain(|(id, _)| *id != user_id);
        self.list.push((user_id, now));
        true
    }

    /// Takes a user off the list without a word: clients do the same when her message arrives.
    pub(super) fn stop(&mut self, user_id: i64) -> bool {
        let before = self.list.len();
        self.list.retain(|(id, _)| *id != user_id);
        before != self.list.len()
    }

    pub(super) fn has(&self, user_id: i64) -> bool {
        self.list.iter().any(|(id, _)| *id == user_id)
    }

    fn expire(&mut self, after: Duration) {
        let expired = self.list.iter().filter(|(_, at)| at.elapsed() >= after).map(|(id, _)| *id);
        self.changed.extend(expired);
        self.list.retain(|(_, at)| at.elapsed() < after);
    }

    /// Those of them of whom this reader may know.
    pub(super) fn event(&self, conversation_id: i64, shown: impl Fn(i64) -> bool) -> Kind {
        let newest = self.list.iter().rev().map(|(id, _)| *id);
        Kind::Typing(v1::Typing { conversation_id, user_ids: newest.filter(|id| shown(*id)).take(NAMES).collect() })
    }
}

impl Hub {
    /// A member types, or stopped. Nobody is told of who does not want to be seen.
    pub fn typing(&self, conversation_id: i64, user_id: i64, stopped: bool) {
        let mut state = self.lock();
        if state.people.get(&user_id).is_some_and(Person::hides) {
            return;
        }
        let Some(room) = state.rooms.get_mut(&conversation_id) else { return };
        let news = if stopped { room.typists.stop(user_id) } else { room.typists.note(user_id, Instant::now()) };
        if news {
            room.typists.changed.push(user_id);
            if room.is_small(self.settings.small_group) {
                self.send_typing(&mut state, conversation_id);
            }
        }
    }

    /// A user is not shown typing any more, anywhere.
    pub(super) fn stop_typing(&self, state: &mut State, user_id: i64) {
        let mut stopped = Vec::new();
        for (id, room) in &mut state.rooms {
            if room.typists.stop(user_id) {
                room.typists.changed.push(user_id);
                stopped.push(*id);
            }
        }
        for id in stopped {
            self.send_typing(state, id);
        }
    }

    /// Once a second: ends what was not repeated, and sends what large rooms have saved up.
    pub(super) fn expire_typing(&self, state: &mut State) {
        let mut due = Vec::new();
        for (id, room) in &mut state.rooms {
            room.typists.expire(self.settings.typing_expires);
            if !room.typists.changed.is_empty() {
                due.push(*id);
            }
        }
        for id in due {
            self.send_typing(state, id);
        }
    }

    /// Tells who types to those who look, but for those who may know nothing of what changed.
    fn send_typing(&self, state: &mut State, conversation_id: i64) {
        let Some(room) = state.rooms.get_mut(&conversation_id) else { return };
        let changed = std::mem::take(&mut room.typists.changed);
        let Some(room) = state.rooms.get(&conversation_id) else { return };
        let all = frame::encode(conversation_id, 0, 0, room.typists.event(conversation_id, |_| true));
        let small = room.is_small(self.settings.small_group);
        let now = Instant::now();
        for stream in room.readers.keys().filter_map(|number| state.streams.get(number)) {
            let reader = stream.session.user_id;
            let looks = stream.session.wants.typing && (small || stream.view.contains(&conversation_id));
            let shown = |id: i64| !state.apart(reader, id);
            if !looks || !changed.iter().any(|id| shown(*id)) {
                continue;
            }
            if room.typists.list.iter().all(|(id, _)| shown(*id)) {
                stream.session.push(all.clone(), now);
            } else {
                let typing = room.typists.event(conversation_id, shown);
                stream.session.push(frame::encode(conversation_id, 0, 0, typing), now);
            }
        }
    }
}
