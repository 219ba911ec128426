//! An event stream as tests read it: always with a time limit, and with all that was heard kept.

use std::time::Duration;

use rookery_client::{EventStream, v1};
use v1::event::Kind;

use crate::harness::Person;

/// Nothing that a test waits for takes longer, on a busy machine either.
const PATIENCE: Duration = Duration::from_secs(20);
/// What has not come by then does not come.
pub const SILENCE: Duration = Duration::from_millis(700);

/// A stream that has caught up.
pub struct Listener {
    stream: EventStream,
    pub ready: v1::Ready,
    /// What was replayed of conversations between Ready and CaughtUp.
    pub replayed: Vec<v1::SubscribeResponse>,
}

impl Listener {
    /// Hears everything from now on.
    pub async fn open(person: &Person) -> Self {
        Self::with(person, v1::SubscribeRequest::default()).await
    }

    /// Hears what the request says.
    pub async fn with(person: &Person, request: v1::SubscribeRequest) -> Self {
        let mut stream = person.api.subscribe(request).await.unwrap();
        let mut ready = None;
        let mut replayed = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, stream.next()).await.expect("the stream does not catch up");
            let response = next.unwrap().expect("the stream ended");
            match response.event.clone().and_then(|event| event.kind).unwrap() {
                Kind::Ready(first) => ready = Some(first),
                Kind::CaughtUp(_) => return Self { stream, ready: ready.expect("Ready comes first"), replayed },
                // Presence is live at once.
                _ if response.conversation_id == 0 => {}
                _ => replayed.push(response),
            }
        }
    }

    /// From a cursor in one conversation.
    pub async fn from(person: &Person, conversation_id: i64, cursor: i64) -> Self {
        let cursors = [(conversation_id, cursor)].into();
        Self::with(person, v1::SubscribeRequest { cursors, ..Default::default() }).await
    }

    /// The next event with its numbers.
    pub async fn numbered(&mut self) -> v1::SubscribeResponse {
        let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("nothing came");
        next.unwrap().expect("the stream ended")
    }

    /// The next event but heartbeats.
    pub async fn next(&mut self) -> Kind {
        loop {
            match self.numbered().await.event.and_then(|event| event.kind).unwrap() {
                Kind::Heartbeat(_) => {}
                kind => return kind,
            }
        }
    }

    /// Waits for an event that `wanted` takes something from; others pass by.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(Kind) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = wanted(self.next().await) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("what was waited for did not come")
    }

    /// The next message that is new or changed.
    pub async fn message(&mut self) -> v1::Message {
        self.until(|kind| if let Kind::MessageChanged(changed) = kind { changed.message } else { None }).await
    }

    /// The next word of who is typing.
    pub async fn typing(&mut self) -> v1::Typing {
        self.until(|kind| if let Kind::Typing(typing) = kind { Some(typing) } else { None }).await
    }

    /// Waits until somebody is told to be in a state.
    pub async fn presence(&mut self, of: &Person, state: v1::PresenceState) -> v1::Presence {
        self.until(|kind| {
            let Kind::PresenceChanged(changed) = kind else { return None };
            changed.presences.into_iter().find(|p| p.user_id == of.id && p.state() == state)
        })
        .await
    }

    /// All that comes until nothing has come for a while.
    pub async fn rest(&mut self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        while let Ok(next) = tokio::time::timeout(SILENCE, self.stream.next()).await {
            match next.unwrap().expect("the stream ended").event.and_then(|event| event.kind).unwrap() {
                Kind::Heartbeat(_) => {}
                kind => kinds.push(kind),
            }
        }
        kinds
    }

    /// What comes of a kind until nothing comes any more.
    pub async fn rest_of<T>(&mut self, wanted: impl Fn(Kind) -> Option<T>) -> Vec<T> {
        self.rest().await.into_iter().filter_map(wanted).collect()
    }

    /// How the stream ends.
    pub async fn end(&mut self) -> rookery_client::Error {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("the stream does not end");
            match next {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without a reason"),
                Err(error) => return error,
            }
        }
    }
}

/// A message out of an event.
pub fn message_of(kind: Kind) -> Option<v1::Message> {
    if let Kind::MessageChanged(changed) = kind { changed.message } else { None }
}
