//! What the server should know of this device: which conversations it shows, and whether somebody is there.

use std::time::Duration;

use rookery_api::v1::{SetActivityRequest, SetViewRequest};
use tokio::time::Instant;

/// SetView takes so many.
const VIEW_LIMIT: usize = 8;

/// What this device shows, and what the server was told of it. Nothing is told that nobody said.
#[derive(Debug, Default)]
pub(super) struct Here {
    view: Report<Vec<i64>>,
    idle: Report<bool>,
}

/// One thing to tell. One call at a time, so that an older one never overtakes a newer one.
#[derive(Debug)]
struct Report<T> {
    value: Option<T>,
    due: Option<Instant>,
    on_its_way: bool,
}

impl<T> Default for Report<T> {
    fn default() -> Self {
        Self { value: None, due: None, on_its_way: false }
    }
}

impl<T: Clone + PartialEq> Report<T> {
    fn set(&mut self, value: T, now: Instant) {
        if self.value.as_ref() != Some(&value) {
            self.value = Some(value);
            self.due = Some(now);
        }
    }

    fn take(&mut self, now: Instant, repeat: Duration) -> Option<T> {
        if self.on_its_way || self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.due = Some(now + repeat);
        self.on_its_way = self.value.is_some();
        self.value.clone()
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.on_its_way && self.value.is_some())
    }

    fn restart(&mut self, now: Instant) {
        self.on_its_way = false;
        self.due = Some(now);
    }
}

impl Here {
    pub fn set_view(&mut self, mut conversation_ids: Vec<i64>, now: Instant) {
        conversation_ids.truncate(VIEW_LIMIT);
        self.view.set(conversation_ids, now);
    }

    pub fn set_idle(&mut self, idle: bool, now: Instant) {
        self.idle.set(idle, now);
    }

    /// A new stream knows nothing.
    pub fn restart(&mut self, now: Instant) {
        self.view.restart(now);
        self.idle.restart(now);
    }

    pub fn due_view(&mut self, session_id: &str, now: Instant, repeat: Duration) -> Option<SetViewRequest> {
        let conversation_ids = self.view.take(now, repeat)?;
        Some(SetViewRequest { session_id: session_id.to_owned(), conversation_ids })
    }

    pub fn due_activity(&mut self, session_id: &str, now: Instant, repeat: Duration) -> Option<SetActivityRequest> {
        let idle = self.idle.take(now, repeat)?;
        Some(SetActivityRequest { session_id: session_id.to_owned(), idle })
    }

    pub fn view_done(&mut self) {
        self.view.on_its_way = false;
    }

    pub fn activity_done(&mut self) {
        self.idle.on_its_way = false;
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.view.next_due().into_iter().chain(self.idle.next_due()).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Here;

    const REPEAT: Duration = Duration::from_secs(60);

    #[test]
    fn told_on_change_on_a_new_stream_and_every_minute() {
        let (mut here, now) = (Here::default(), Instant::now());
        here.restart(now);
        assert_eq!(here.due_activity("s", now, REPEAT), None);
        here.set_view(vec![1], now);
        assert_eq!(here.due_view("s", now, REPEAT).unwrap().conversation_ids, [1]);
        here.set_view(vec![2], now);
        assert_eq!(here.due_view("s", now, REPEAT), None, "one call at a time");
        here.view_done();
        assert_eq!(here.due_view("s", now, REPEAT).unwrap().conversation_ids, [2]);
        here.view_done();
        here.set_view(vec![2], now);
        assert_eq!(here.next_due(), Some(now + REPEAT));
        assert_eq!(here.due_view("s", now + REPEAT, REPEAT).unwrap().conversation_ids, [2]);
        here.restart(now + REPEAT);
        assert!(here.due_view("t", now + REPEAT, REPEAT).is_some());
    }
}
