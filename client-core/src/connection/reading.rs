//! When MarkRead is called: at once, then at most every two seconds in each conversation.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(2);

/// How far everything is read here, and how much of that the server knows.
#[derive(Debug, Default)]
pub(super) struct Reading {
    marks: HashMap<i64, Mark>,
}

#[derive(Debug)]
struct Mark {
    wanted: i64,
    not_before: Instant,
    on_its_way: bool,
}

impl Reading {
    /// The user has read up to `id`.
    pub fn want(&mut self, conversation_id: i64, id: i64, now: Instant) {
        let mark = self.marks.entry(conversation_id).or_insert(Mark { wanted: 0, not_before: now, on_its_way: false });
        mark.wanted = mark.wanted.max(id);
    }

    /// What to tell the server now, as (conversation, id); on its way from here on.
    pub fn due(&mut self, now: Instant) -> Vec<(i64, i64)> {
        // A mark without a wish is kept only for its pause.
        self.marks.retain(|_, mark| mark.wanted > 0 || mark.on_its_way || mark.not_before > now);
        let mut due = Vec::new();
        for (id, mark) in &mut self.marks {
            if mark.wanted > 0 && !mark.on_its_way && mark.not_before <= now {
                due.push((*id, std::mem::take(&mut mark.wanted)));
                *mark = Mark { wanted: 0, not_before: now + PAUSE, on_its_way: true };
            }
        }
        due
    }

    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.marks.values().filter(|mark| mark.wanted > 0 && !mark.on_its_way);
        waiting.map(|mark| mark.not_before).min()
    }

    /// The call is over; `again` names the id if it has to be repeated.
    pub fn done(&mut self, conversation_id: i64, again: Option<i64>) {
        if let Some(mark) = self.marks.get_mut(&conversation_id) {
            mark.on_its_way = false;
            mark.wanted = mark.wanted.max(again.unwrap_or(0));
        }
    }

    /// The user marked it as unread: what was to be told is not true any more.
    pub fn forget(&mut self, conversation_id: i64) {
        if let Some(mark) = self.marks.get_mut(&conversation_id) {
            mark.wanted = 0;
        }
    }

    pub fn clear(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{PAUSE, Reading};

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
}
