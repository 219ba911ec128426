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
    /// Whether the list changed since it was last sent.
    changed: bool,
}

impl Typists {
    /// Notes a keystroke; false: too soon after the one before.
    fn note(&mut self, user_id: i64, now: Instant) -> bool {
        if self.list.iter().any(|(id, at)| *id == user_id && now.duration_since(*at) < SHORTEST_REPEAT) {
            return false;
        }
        self.list.retain(|(id, _)| *id != user_id);
        self.list.push((user_id, now));
        self.changed = true;
        true
    }

    /// Takes a user off the list without a word: clients do the same when her message arrives.
    pub(super) fn stop(&mut self, user_id: i64) -> bool {
        let before = self.list.len();
        self.list.retain(|(id, _)| *id != user_id);
        before != self.list.len()
    }

    fn expire(&mut self, after: Duration) -> bool {
        let before = self.list.len();
        self.list.retain(|(_, at)| at.elapsed() < after);
        before != self.list.len()
    }

    fn event(&self, conversation_id: i64) -> Kind {
        let user_ids = self.list.iter().rev().take(NAMES).map(|(id, _)| *id).collect();
        Kind::Typing(v1::Typing { conversation_id, user_ids })
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
            room.typists.changed = true;
            if room.is_small(self.settings.small_group) {
                self.send_typing(&mut state, conversation_id);
            }
        }
    }

    /// A user is not shown typing any more, anywhere.
    pub(super) fn stop_typing(&self, state: &mut State, user_id: i64) {
        let rooms = state.rooms.iter_mut();
        let stopped = rooms.filter_map(|(id, room)| room.typists.stop(user_id).then_some(*id));
        for id in stopped.collect::<Vec<_>>() {
            self.send_typing(state, id);
        }
    }

    /// Once a second: ends what was not repeated, and sends what large rooms have saved up.
    pub(super) fn expire_typing(&self, state: &mut State) {
        let mut due = Vec::new();
        for (id, room) in &mut state.rooms {
            if room.typists.expire(self.settings.typing_expires) || room.typists.changed {
                due.push(*id);
            }
        }
        for id in due {
            self.send_typing(state, id);
        }
    }

    fn send_typing(&self, state: &mut State, conversation_id: i64) {
        let Some(room) = state.rooms.get_mut(&conversation_id) else { return };
        room.typists.changed = false;
        let frame = frame::encode(conversation_id, 0, 0, room.typists.event(conversation_id));
        let small = room.is_small(self.settings.small_group);
        let now = Instant::now();
        for number in room.readers.keys() {
            let Some(stream) = state.streams.get(number) else { continue };
            if stream.session.wants.typing && (small || stream.view.contains(&conversation_id)) {
                stream.session.push(frame.clone(), now);
            }
        }
    }
}
