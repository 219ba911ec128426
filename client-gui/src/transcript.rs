//! A conversation's messages as lines to draw: what is grouped, where days and new messages begin.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use rookery_api::v1::{Message, SystemKind};
use rookery_client::Pending;

use crate::clock;
use crate::widget::scroller::Key;

/// Messages of one author within this time stand together.
const GROUP_SECONDS: i64 = 7 * 60;

/// One line of the list.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its name.
    pub key: Key,
    /// What it is.
    pub what: What<'a>,
}

/// What a line is.
#[derive(Debug)]
pub enum What<'a> {
    /// Nothing comes before.
    Beginning,
    /// A day begins.
    Day(Date),
    /// Here begins what has not been read.
    New,
    /// A change of the conversation.
    System(&'a Arc<Message>),
    /// A message; the first of a group has a head: picture, name and time.
    Message {
        /// The message.
        message: &'a Arc<Message>,
        /// Whether it begins a group.
        head: bool,
        /// When it was stored, here.
        at: Option<Zoned>,
    },
    /// A message of one's own that is not sent yet.
    Pending {
        /// The message.
        pending: &'a Arc<Pending>,
        /// Whether it begins a group.
        head: bool,
    },
}

/// What the lines depend on, beside the messages.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Who reads.
    pub user_id: i64,
    /// Above this message others' messages are new; none if nothing is.
    pub new_above: Option<i64>,
    /// Where the reader is.
    pub zone: TimeZone,
}

/// The key of a message's own line.
#[must_use]
pub fn key(message_id: i64) -> Key {
    Key(message_id, MESSAGE)
}

/// Makes the lines. `complete` says that the first message is the first of all.
pub fn lines<'a>(
    messages: impl Iterator<Item = &'a Arc<Message>>,
    pending: &'a [Arc<Pending>],
    complete: bool,
    reader: &Reader,
) -> Vec<Line<'a>> {
    let mut writer = Writer { lines: Vec::new(), group: None, day: None, new_shown: false };
    if complete {
        writer.push(Key(i64::MIN, DIVIDER), What::Beginning);
    }
    for message in messages.filter(|message| !is_silent(message)) {
        writer.message(message, reader);
    }
    for waiting in pending {
        writer.pending(waiting, reader.user_id);
    }
    writer.lines
}

const DIVIDER: u32 = 0;
const NEW: u32 = 1;
const MESSAGE: u32 = 2;

struct Writer<'a> {
    lines: Vec<Line<'a>>,
    // Who wrote the line before, and when.
    group: Option<(i64, i64)>,
    day: Option<Date>,
    new_shown: bool,
}

impl<'a> Writer<'a> {
    fn push(&mut self, key: Key, what: What<'a>) {
        self.lines.push(Line { key, what });
    }

    fn message(&mut self, message: &'a Arc<Message>, reader: &Reader) {
        let time = message.created_at.map(|time| (time.seconds, time.nanos));
        let at = clock::local(time, &reader.zone);
        let day = at.as_ref().map(Zoned::date);
        if day.is_some() && day != self.day {
            self.day = day;
            self.group = None;
            self.lines.extend(day.map(|day| Line { key: Key(message.id, DIVIDER), what: What::Day(day) }));
        }
        let counts = message.author_id != reader.user_id && !message.deleted && message.system.is_none();
        if !self.new_shown && counts && reader.new_above.is_some_and(|read| message.id > read) {
            self.new_shown = true;
            self.group = None;
            self.push(Key(message.id, NEW), What::New);
        }
        if message.system.is_some() {
            self.group = None;
            self.push(key(message.id), What::System(message));
            return;
        }
        let seconds = time.map_or(0, |(seconds, _)| seconds);
        let head = self.begins(message.author_id, seconds, message.reply_to);
        self.push(key(message.id), What::Message { message, head, at });
    }

    fn pending(&mut self, pending: &'a Arc<Pending>, user_id: i64) {
        let written = Timestamp::try_from(pending.written_at).map_or(0, Timestamp::as_second);
        let head = self.begins(user_id, written, pending.reply_to);
        let mut hasher = DefaultHasher::new();
        pending.request_id.hash(&mut hasher);
        // Half of the hash is enough to tell a handful of waiting messages apart.
        let name = (hasher.finish() >> 32) as u32;
        self.push(Key(i64::MAX, name.max(MESSAGE)), What::Pending { pending, head });
    }

    fn begins(&mut self, author: i64, seconds: i64, reply_to: i64) -> bool {
        let before = self.group.replace((author, seconds));
        let goes_on = before.is_some_and(|(other, then)| other == author && seconds - then <= GROUP_SECONDS);
        !goes_on || reply_to != 0
    }
}

/// Somebody left and did not want it shown.
fn is_silent(message: &Message) -> bool {
    message.system.as_ref().is_some_and(|system| system.kind() == SystemKind::LeftSilently)
}

#[cfg(test)]
mod tests;
