//! Fan-out: who listens to what, and what they are sent. Keeps for each conversation with local listeners the last
//! position it passed on; encodes an event once and gives every listener the same bytes. Knows no SQL and no rules; what
//! it must have read from the rows it asks for by `Request`.

mod apart;
mod frame;
mod presence;
mod room;
mod session;
mod typing;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rookery_api::v1::{self, event::Kind};
use tokio::sync::{Notify, mpsc};

use presence::Person;
use room::Room;
pub use room::{Join, Place};
pub use session::{Ending, Session, Wants};

/// What the hub asks of those who can read the rows.
#[derive(Debug)]
pub enum Request {
    /// This session takes up a conversation, from behind a position.
    Follow { session: Arc<Session>, conversation_id: i64, after: i64 },
    /// Rows of a conversation after a position are missing: read them and call `repair`.
    Read { conversation_id: i64, after: i64 },
    /// A user came or went: note when she was last connected.
    Seen { user_id: i64 },
}

/// How the hub behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Up to how many members typing and presence go to everybody.
    pub small_group: i64,
    /// How often an idle stream carries a heartbeat.
    pub heartbeat: Duration,
    /// When typing that was not repeated ends.
    pub typing_expires: Duration,
    /// When a device that reported activity once and not since counts as gone.
    pub activity_expires: Duration,
    /// How long a user may be without a stream before she is shown as offline: a reconnect is not a departure.
    pub grace: Duration,
    /// How long a stream lives, a tenth more or less: rights, certificates and addresses are looked at anew then.
    pub life: Duration,
    /// The time of day.
    pub now: Now,
}

impl Settings {
    /// How long this stream lives. Streams that began together, after a restart say, do not end together.
    fn life_of(&self, number: u64) -> Duration {
        let part = u32::try_from(number * 13 % 21).unwrap_or(10);
        self.life * (90 + part) / 100
    }
}

/// Where the hub has the time of day from, in milliseconds since 1970: who goes offline is told to have been seen now.
#[derive(Clone)]
pub struct Now(pub Arc<dyn Fn() -> i64 + Send + Sync>);

impl std::fmt::Debug for Now {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Now")
    }
}

/// The hub.
#[derive(Debug)]
pub struct Hub {
    state: Mutex<State>,
    requests: mpsc::UnboundedSender<Request>,
    settings: Settings,
    /// Rung when a busy room has something for the next beat.
    waiting: Notify,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<i64, Room>,
    people: HashMap<i64, Person>,
    streams: HashMap<u64, Stream>,
    /// Busy rooms with something that waits.
    beats: Vec<i64>,
    next: u64,
    stopping: bool,
}

/// A session with what only the hub may change of it.
#[derive(Debug)]
struct Stream {
    session: Arc<Session>,
    rooms: Vec<i64>,
    view: Vec<i64>,
    /// When the device last reported, and whether nobody was at it.
    activity: Option<(Instant, bool)>,
    /// When it is told to begin anew.
    until: Instant,
    /// What its user came into before the stream had its first rooms, and from where; none once it is settled.
    early: Option<Vec<(i64, i64)>>,
}

impl Hub {
    /// A hub, and where it asks.
    pub fn new(settings: Settings) -> (Arc<Self>, mpsc::UnboundedReceiver<Request>) {
        let (requests, receiver) = mpsc::unbounded_channel();
        let hub = Self { state: Mutex::default(), requests, settings, waiting: Notify::new() };
        (Arc::new(hub), receiver)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: Request) {
        // Nobody reads any more only while the server stops.
        let _ = self.requests.send(request);
    }

    /// Registers a stream for its user's own events. They wait until `ready`.
    pub fn register(&self, id: String, user_id: i64, login: String, wants: Wants) -> Option<Arc<Session>> {
        let mut state = self.lock();
        if state.stopping {
            return None;
        }
        state.next += 1;
        let session = Arc::new(Session::new(state.next, id, user_id, login, wants));
        let (rooms, view, early) = (Vec::new(), Vec::new(), Some(Vec::new()));
        let until = Instant::now() + self.settings.life_of(state.next);
        let stream = Stream { session: session.clone(), rooms, view, activity: None, until, early };
        state.streams.insert(session.number, stream);
        let person = state.people.entry(user_id).or_default();
        person.streams.push(session.number);
        person.gone = None;
        state.check_invariants();
        Some(session)
    }

    /// The stream has ended: forgets it.
    pub fn forget(&self, session: &Session) {
        let mut state = self.lock();
        let Some(stream) = state.streams.remove(&session.number) else { return };
        for id in &stream.rooms {
            if let Some(room) = state.rooms.get_mut(id) {
                room.readers.remove(&session.number);
            }
            state.close_if_empty(*id);
        }
        if let Some(person) = state.people.get_mut(&session.user_id) {
            person.streams.retain(|number| *number != session.number);
            if person.streams.is_empty() {
                person.gone = Some((Instant::now(), stream.rooms));
            }
        }
        self.refresh_presence(&mut state, session.user_id);
        state.check_invariants();
    }

    /// Something of one user's own, numbered by her counter.
    pub fn tell(&self, user_id: i64, number: i64, kind: Kind) {
        let now = Instant::now();
        let mut state = self.lock();
        let state = &mut *state;
        if let Kind::BlockChanged(changed) = &kind {
            // Also if she has no stream: the other one may.
            self.block(state, user_id, changed.user_id, changed.blocked);
        }
        let Some(person) = state.people.get(&user_id) else { return };
        // Her own events about a conversation follow what they are about.
        let about = match &kind {
            Kind::ReadChanged(changed) => changed.conversation_id,
            Kind::ConversationRemoved(removed) => removed.conversation_id,
            Kind::MembershipChanged(changed) => changed.conversation_id,
            _ => 0,
        };
        if let Some(room) = state.rooms.get_mut(&about) {
            room.beat_for(about, user_id, now);
        }
        let mut frame = None;
        for stream in person.streams.iter().filter_map(|number| state.streams.get(number)) {
            if stream.session.wants.messages {
                let frame = frame.get_or_insert_with(|| frame::encode(0, number - 1, number, kind.clone()));
                stream.session.push_own(number, frame.clone(), now);
            }
        }
        match kind {
            Kind::ConversationRemoved(removed) => state.put_out(removed.conversation_id, user_id, i64::MAX),
            Kind::StatusChanged(v1::StatusChanged { status: Some(status) }) => {
                self.choose(state, user_id, &status);
            }
            _ => {}
        }
    }

    /// Who has streams that carry her own events.
    pub fn owners(&self) -> Vec<i64> {
        let state = self.lock();
        let owners: HashSet<i64> =
            state.streams.values().filter(|stream| stream.session.wants.messages).map(|s| s.session.user_id).collect();
        owners.into_iter().collect()
    }

    /// A user's counter is here, as the rows say. Streams that do not get all up to it soon end: the next one begins with Ready.
    pub fn expect(&self, user_id: i64, counter: i64) {
        let state = self.lock();
        let Some(person) = state.people.get(&user_id) else { return };
        for stream in person.streams.iter().filter_map(|number| state.streams.get(number)) {
            if stream.session.wants.messages {
                stream.session.expect(counter);
            }
        }
    }

    /// Something that is for everybody and not numbered.
    pub fn broadcast(&self, kind: Kind) {
        let (frame, now) = (frame::encode(0, 0, 0, kind), Instant::now());
        for stream in self.lock().streams.values().filter(|stream| stream.session.wants.messages) {
            stream.session.push(frame.clone(), now);
        }
    }

    /// Live streams of a user take up a conversation.
    pub fn follow(&self, user_id: i64, conversation_id: i64, after: i64) {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(person) = state.people.get(&user_id) else { return };
        for number in &person.streams {
            let Some(stream) = state.streams.get_mut(number) else { continue };
            if !stream.session.wants.conversation(conversation_id) {
                continue;
            }
            match &mut stream.early {
                Some(early) => early.push((conversation_id, after)),
                None => self.ask(Request::Follow { session: stream.session.clone(), conversation_id, after }),
            }
        }
    }

    /// A stream has its first rooms and has sent Ready: from now on it takes up what its user comes into, beginning with
    /// what came in between.
    pub fn settle(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        let Some(stream) = state.streams.get_mut(&session.number) else { return };
        for (conversation_id, after) in stream.early.take().unwrap_or_default() {
            self.ask(Request::Follow { session: session.clone(), conversation_id, after });
        }
    }

    /// Ends the streams of a session.
    pub fn end_session(&self, login: &str) {
        for stream in self.lock().streams.values().filter(|stream| stream.session.login == login) {
            stream.session.end(Ending::SignedOut);
        }
    }

    /// The sessions that have streams.
    pub fn logins(&self) -> Vec<String> {
        let state = self.lock();
        let logins: HashSet<&String> = state.streams.values().map(|stream| &stream.session.login).collect();
        logins.into_iter().cloned().collect()
    }

    /// Tells all streams to come back later, ends them and takes no more.
    pub fn stop(&self, after: Duration) {
        let mut state = self.lock();
        state.stopping = true;
        let frame = frame::reconnect(after);
        let now = Instant::now();
        for (id, room) in &mut state.rooms {
            room.beat(*id, now);
        }
        for stream in state.streams.values() {
            stream.session.push(frame.clone(), now);
            stream.session.end(Ending::Stopping);
        }
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.lock().streams.len()
    }

    /// How many people have streams.
    pub fn people(&self) -> usize {
        self.lock().people.values().filter(|person| !person.streams.is_empty()).count()
    }

    /// What time alone brings about: heartbeats, slow readers, typing and presence that end by themselves.
    pub async fn tick(self: Arc<Self>) {
        let heartbeat = frame::encode(0, 0, 0, Kind::Heartbeat(v1::Heartbeat {}));
        let mut timer = tokio::time::interval(Duration::from_secs(1));
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let mut state = self.lock();
            let now = Instant::now();
            for stream in state.streams.values() {
                stream.session.tick(self.settings.heartbeat, &heartbeat);
                let ending = match stream {
                    _ if now >= stream.until => Ending::Aged,
                    _ if stream.session.has_hole() => Ending::Missed,
                    _ => continue,
                };
                stream.session.push(frame::reconnect(Duration::ZERO), now);
                stream.session.end(ending);
            }
            state.rooms.retain(|_, room| !room.is_over());
            self.expire_typing(&mut state);
            self.expire_presence(&mut state);
            self.tell_joined(&mut state);
        }
    }
}

impl State {
    /// The two sides of each index agree.
    fn check_invariants(&self) {
        #[cfg(test)]
        {
            for (number, stream) in &self.streams {
                assert!(self.people[&stream.session.user_id].streams.contains(number));
                for room in &stream.rooms {
                    assert!(self.rooms[room].readers.contains_key(number), "stream {number} is not in room {room}");
                }
            }
            for (id, room) in &self.rooms {
                assert!(!room.readers.is_empty() || room.empty.is_some(), "room {id} is empty");
                for number in room.readers.keys() {
                    assert!(self.streams[number].rooms.contains(id));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
