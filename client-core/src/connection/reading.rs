//! When MarkRead is called: at once, then at most every two seconds in each conversation. One call at a time, MarkUnread
//! among them: of two, the server might do the second first.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::api::Error;

const PAUSE: Duration = Duration::from_secs(2);

/// How far everything is read here, and how much of that the server knows.
#[derive(Debug, Default)]
pub(super) struct Reading {
    marks: HashMap<i64, Mark>,
}

/// A message that the user marks as unread, and whom to tell what came of it.
#[derive(Debug)]
pub(super) struct Unmark {
    pub id: i64,
    pub told: oneshot::Sender<Result<(), Error>>,
}

#[derive(Debug)]
struct Mark {
    wanted: i64,
    unwanted: VecDeque<Unmark>,
    not_before: Instant,
    on_its_way: bool,
    // It was marked as unread since the call on its way was made: what comes of that is not true any more.
    overtaken: bool,
}

impl Mark {
    fn new(not_before: Instant) -> Self {
        Self { wanted: 0, unwanted: VecDeque::new(), not_before, on_its_way: false, overtaken: false }
    }

    fn go(&mut self) {
        self.on_its_way = true;
        self.overtaken = false;
    }
}

impl Reading {
    /// The user has read up to `id`.
    pub fn want(&mut self, conversation_id: i64, id: i64, now: Instant) {
        let mark = self.marks.entry(conversation_id).or_insert_with(|| Mark::new(now));
        mark.wanted = mark.wanted.max(id);
    }

    /// The user marks it as unread from a message on.
    pub fn unmark(&mut self, conversation_id: i64, unmark: Unmark, now: Instant) {
        self.forget(conversation_id);
        let mark = self.marks.entry(conversation_id).or_insert_with(|| Mark::new(now));
        mark.unwanted.push_back(unmark);
    }

    /// What to mark as unread now, by conversation; on its way from here on.
    pub fn due_unread(&mut self) -> Vec<(i64, Unmark)> {
        let idle = self.marks.iter_mut().filter(|(_, mark)| !mark.on_its_way);
        idle.filter_map(|(id, mark)| {
            let unmark = mark.unwanted.pop_front()?;
            mark.go();
            Some((*id, unmark))
        })
        .collect()
    }

    /// What to tell the server now, as (conversation, id); on its way from here on.
    pub fn due(&mut self, now: Instant) -> Vec<(i64, i64)> {
        // A mark without a wish is kept only for its pause.
        self.marks.retain(|_, mark| mark.wanted > 0 || mark.on_its_way || mark.not_before > now);
        let mut due = Vec::new();
        for (id, mark) in &mut self.marks {
            if mark.wanted > 0 && !mark.on_its_way && mark.not_before <= now {
                due.push((*id, std::mem::take(&mut mark.wanted)));
                mark.not_before = now + PAUSE;
                mark.go();
            }
        }
        due
    }

    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.marks.values().filter(|mark| mark.wanted > 0 && !mark.on_its_way);
        waiting.map(|mark| mark.not_before).min()
    }

    /// The call is over; `again` names the id if it has to be repeated. Says whether its answer still holds.
    pub fn done(&mut self, conversation_id: i64, again: Option<i64>) -> bool {
        let Some(mark) = self.marks.get_mut(&conversation_id) else { return true };
        mark.on_its_way = false;
        if !mark.overtaken {
            mark.wanted = mark.wanted.max(again.unwrap_or(0));
        }
        !mark.overtaken
    }

    /// The user marked it as unread: what was to be told is not true any more, nor is what the call on its way will say.
    pub fn forget(&mut self, conversation_id: i64) {
        if let Some(mark) = self.marks.get_mut(&conversation_id) {
            mark.wanted = 0;
            mark.overtaken = mark.on_its_way;
        }
    }

    pub fn clear(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::oneshot, time::Instant};

    use super::{PAUSE, Reading, Unmark};

    fn unmark(id: i64) -> Unmark {
        Unmark { id, told: oneshot::channel().0 }
    }

    #[test]
    fn the_first_goes_at_once_and_the_rest_are_merged() {
        let (mut reading, now) = (Reading::default(), Instant::now());
        reading.want(1, 5, now);
        assert_eq!(reading.due(now), [(1, 5)]);
        reading.done(1, None);
        reading.want(1, 6, now);
        reading.want(1, 8, now);
        reading.want(1, 7, now);
        assert!(reading.due(now).is_empty());
        assert_eq!(reading.next_due(), Some(now + PAUSE));
        assert_eq!(reading.due(now + PAUSE), [(1, 8)]);
    }

    #[test]
    fn a_lost_answer_is_repeated_after_the_pause() {
        let (mut reading, now) = (Reading::default(), Instant::now());
        reading.want(1, 5, now);
        reading.due(now);
        reading.done(1, Some(5));
        assert!(reading.due(now).is_empty());
        assert_eq!(reading.due(now + PAUSE), [(1, 5)]);
    }

    #[test]
    fn what_was_read_before_it_was_marked_as_unread_is_not_told_any_more() {
        let (mut reading, now) = (Reading::default(), Instant::now());
        reading.want(1, 5, now);
        assert_eq!(reading.due(now), [(1, 5)]);
        reading.want(1, 6, now);
        reading.unmark(1, unmark(4), now);
        assert!(reading.due_unread().is_empty(), "the server might do the second call first");
        assert!(!reading.done(1, Some(5)), "its answer is from before");
        assert_eq!(reading.due_unread()[0].1.id, 4);
        reading.want(1, 7, now);
        assert!(reading.due(now + PAUSE).is_empty());
        assert!(reading.done(1, None));
        assert_eq!(reading.due(now + PAUSE), [(1, 7)], "what is read afterwards is");
        assert!(reading.done(1, None));
    }
}
