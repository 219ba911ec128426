//! Who is kept apart: two people of whom one blocks the other see nothing of each other's typing and presence. Known of
//! users with a stream: loaded before it comes into its first room, and kept current by BlockChanged.

use std::{collections::HashMap, time::Instant};

use rookery_api::v1::{self, PresenceState, event::Kind};

use super::{Hub, Session, State, frame};

/// Whether a block (who, whom) stands. One that does not is kept too: the rows may have been read before it went.
pub(super) type Blocks = HashMap<(i64, i64), bool>;

impl State {
    /// Whether a reader, who has a stream, is kept apart from somebody.
    pub(super) fn apart(&self, reader: i64, other: i64) -> bool {
        let Some(person) = self.people.get(&reader).filter(|person| !person.blocks.is_empty()) else { return false };
        [(reader, other), (other, reader)].iter().any(|block| person.blocks.get(block) == Some(&true))
    }
}

impl Hub {
    /// The blocks of a stream's user and against her, as they were read after the stream was registered; what the hub has
    /// been told since goes before them.
    pub fn keep_apart(&self, session: &Session, blocks: &[(i64, i64)]) {
        let mut state = self.lock();
        let Some(person) = state.people.get_mut(&session.user_id) else { return };
        for block in blocks {
            person.blocks.entry(*block).or_insert(true);
        }
    }

    /// A user blocks another, or does not any more: the two lose sight of each other, or have it again.
    pub(super) fn block(&self, state: &mut State, user_id: i64, other: i64, stands: bool) {
        let apart = |state: &State| state.apart(user_id, other) || state.apart(other, user_id);
        let was = apart(state);
        for id in [user_id, other] {
            if let Some(person) = state.people.get_mut(&id) {
                person.blocks.insert((user_id, other), stands);
            }
        }
        let now = apart(state);
        if was != now {
            self.show(state, user_id, other, !now);
            self.show(state, other, user_id, !now);
        }
    }

    /// Tells a reader's streams of somebody whom they look at: that she is there, or that she is not, and what she types.
    fn show(&self, state: &State, reader: i64, of: i64, visible: bool) {
        let (Some(person), Some(shown)) = (state.people.get(&reader), state.people.get(&of)) else { return };
        let now = Instant::now();
        let presence = if visible { shown.shown } else { PresenceState::Offline };
        let presence = v1::Presence { user_id: of, state: presence.into(), last_seen_at: None };
        let presence = frame::encode(0, 0, 0, Kind::PresenceChanged(v1::PresenceChanged { presences: vec![presence] }));
        let rooms = state.rooms_of(of);
        for stream in person.streams.iter().filter_map(|number| state.streams.get(number)) {
            let mut looks = false;
            for id in rooms.iter().filter(|id| stream.rooms.contains(id)) {
                let Some(room) = state.rooms.get(id) else { continue };
                if !room.is_small(self.settings.small_group) && !stream.view.contains(id) {
                    continue;
                }
                looks = true;
                if stream.session.wants.typing && room.typists.has(of) {
                    let typing = room.typists.event(*id, |typist| !state.apart(reader, typist));
                    stream.session.push(frame::encode(*id, 0, 0, typing), now);
                }
            }
            // Of who is offline there is no news: it would tell of the block.
            if looks && stream.session.wants.presence && shown.shown != PresenceState::Offline {
                stream.session.push(presence.clone(), now);
            }
        }
    }
}
