//! The ledger: what clients tried to send, what they were told and what they saw, held against what is stored. It takes
//! no part in the traffic; `faults` is the promise of delivery, sentence by sentence.

#![allow(dead_code, clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use rookery_client::v1;

/// A conversation as the server has it, read by somebody who may see all of it.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub position: i64,
    pub messages: Vec<v1::Message>,
}

/// What was sent under one request_id, and what came of it.
#[derive(Clone, Debug)]
struct Sent {
    author_id: i64,
    conversation_id: i64,
    request_id: String,
    text: String,
    begun: u64,
    acked: Option<(u64, i64)>,
    refused: bool,
}

/// One thing in a reader's record.
#[derive(Clone, Debug)]
enum Entry {
    /// A stream was opened from these cursors.
    Opened(BTreeMap<i64, i64>),
    /// All there is to know about the numbers above `after` up to `position`.
    Known {
        conversation_id: i64,
        after: i64,
        position: i64,
        messages: Vec<v1::Message>,
    },
    /// Too much was missed: nothing below this counts any more.
    Reset {
        conversation_id: i64,
        position: i64,
    },
    Removed(i64),
}

/// One client that reads.
#[derive(Clone, Debug, Default)]
struct Reader {
    name: String,
    visible_from: BTreeMap<i64, i64>,
    entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Record {
    clock: u64,
    sent: Vec<Sent>,
    readers: Vec<Reader>,
    faults: Vec<String>,
}

/// The ledger. Shared by all clients of a test.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Record>);

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap()
    }

    /// Notes a send before it is tried; repeats of it are not noted again. Gives its number in the ledger.
    pub fn begin(&self, author_id: i64, conversation_id: i64, request_id: &str, text: &str) -> usize {
        let mut record = self.lock();
        record.clock += 1;
        let begun = record.clock;
        let (request_id, text) = (request_id.to_owned(), text.to_owned());
        record.sent.push(Sent { author_id, conversation_id, request_id, text, begun, acked: None, refused: false });
        record.sent.len() - 1
    }

    /// Notes an OK.
    pub fn ack(&self, number: usize, message: &v1::Message) {
        let mut record = self.lock();
        record.clock += 1;
        let clock = record.clock;
        let sent = &mut record.sent[number];
        let mut faults = Vec::new();
        if let Some((_, id)) = sent.acked.filter(|(_, id)| *id != message.id) {
            faults.push(format!("{} was acknowledged as {id} and then as {}", sent.request_id, message.id));
        }
        if message.text != sent.text && message.edited_at.is_none() && !message.deleted {
            faults.push(format!("{} was acknowledged with another text", sent.request_id));
        }
        sent.acked.get_or_insert((clock, message.id));
        record.faults.extend(faults);
    }

    /// Notes an answer that promises that nothing was stored.
    pub fn refuse(&self, number: usize) {
        self.lock().sent[number].refused = true;
    }

    /// How many sends were acknowledged.
    pub fn acks(&self) -> usize {
        self.lock().sent.iter().filter(|sent| sent.acked.is_some()).count()
    }

    /// The request_ids that were acknowledged.
    pub fn acked_ids(&self) -> Vec<String> {
        let record = self.lock();
        record.sent.iter().filter(|sent| sent.acked.is_some()).map(|sent| sent.request_id.clone()).collect()
    }

    /// How many messages are stored that nobody got an answer for.
    pub fn unanswered(&self, stored: &BTreeMap<i64, Stored>) -> usize {
        let record = self.lock();
        let acked: HashSet<_> = record
            .sent
            .iter()
            .filter(|sent| sent.acked.is_some())
            .map(|sent| (sent.conversation_id, sent.author_id, sent.request_id.as_str()))
            .collect();
        let rows = stored.values().flat_map(|conversation| &conversation.messages);
        rows.filter(|message| message.system.is_none() && !acked.contains(&key_of(message))).count()
    }

    /// A new reader, who may see messages from `visible_from` on (missing: all). Gives her number in the ledger.
    pub fn reader(&self, name: &str, visible_from: BTreeMap<i64, i64>) -> usize {
        let mut record = self.lock();
        record.readers.push(Reader { name: name.into(), visible_from, entries: Vec::new() });
        record.readers.len() - 1
    }

    /// Notes that a reader opened a stream.
    pub fn open(&self, reader: usize, cursors: &BTreeMap<i64, i64>) {
        self.lock().readers[reader].entries.push(Entry::Opened(cursors.clone()));
    }

    /// Notes an event. What is not numbered is of no interest here.
    pub fn see(&self, reader: usize, response: &v1::SubscribeResponse) {
        use v1::event::Kind;
        let conversation_id = response.conversation_id;
        let entry = match response.event.as_ref().and_then(|event| event.kind.as_ref()) {
            Some(Kind::ConversationRemoved(removed)) => Entry::Removed(removed.conversation_id),
            _ if conversation_id == 0 || response.position == 0 => return,
            Some(Kind::ConversationReset(reset)) => Entry::Reset { conversation_id, position: reset.position },
            kind => {
                let messages = match kind {
                    Some(Kind::MessageChanged(changed)) => changed.message.iter().cloned().collect(),
                    _ => Vec::new(),
                };
                Entry::Known { conversation_id, after: response.after, position: response.position, messages }
            }
        };
        self.lock().readers[reader].entries.push(entry);
    }

    /// Notes a page of ListChanges.
    pub fn page(&self, reader: usize, conversation_id: i64, after: i64, page: &v1::ListChangesResponse) {
        let (position, messages) = (page.position, page.messages.clone());
        self.lock().readers[reader].entries.push(Entry::Known { conversation_id, after, position, messages });
    }

    /// How many numbered events a reader has.
    pub fn seen(&self, reader: usize) -> usize {
        self.lock().readers[reader].entries.len()
    }

    /// All that is not as it was promised. `complete`: readers must have come to the end of every conversation.
    pub fn faults(&self, stored: &BTreeMap<i64, Stored>, complete: bool) -> Vec<String> {
        let record = self.lock();
        let mut faults = record.faults.clone();
        for (id, conversation) in stored {
            check_rows(*id, conversation, &mut faults);
        }
        check_sends(&record.sent, stored, &mut faults);
        check_order(&record.sent, stored, &mut faults);
        for reader in &record.readers {
            check_reader(reader, stored, complete, &mut faults);
        }
        faults
    }

    /// Fails with all faults.
    pub fn verify(&self, stored: &BTreeMap<i64, Stored>, complete: bool) {
        let faults = self.faults(stored, complete);
        let first: Vec<_> = faults.iter().take(20).collect();
        assert!(faults.is_empty(), "{} faults, the first of them:\n{first:#?}", faults.len());
    }
}

type Key<'a> = (i64, i64, &'a str);

fn key_of(message: &v1::Message) -> Key<'_> {
    (message.conversation_id, message.author_id, &message.request_id)
}

/// Ids rise, no two changes share a number, and the newest is the conversation's position.
fn check_rows(id: i64, conversation: &Stored, faults: &mut Vec<String>) {
    let messages = &conversation.messages;
    if let Some(pair) = messages.windows(2).find(|pair| pair[0].id >= pair[1].id) {
        faults.push(format!("conversation {id}: {} stands before {}", pair[0].id, pair[1].id));
    }
    let numbers: HashSet<i64> = messages.iter().map(|message| message.changed).collect();
    if numbers.len() != messages.len() || messages.iter().any(|message| message.changed < message.id) {
        faults.push(format!("conversation {id}: two changes have one number, or one is below its message"));
    }
    let last = numbers.iter().max().copied().unwrap_or(0);
    if last != conversation.position {
        faults.push(format!("conversation {id}: the last change is {last}, its position {}", conversation.position));
    }
}

/// Every acknowledged send is there once, under the acknowledged id; no other is there twice; nothing else is there.
fn check_sends(sends: &[Sent], stored: &BTreeMap<i64, Stored>, faults: &mut Vec<String>) {
    let mut rows: HashMap<Key<'_>, Vec<&v1::Message>> = HashMap::new();
    for message in stored.values().flat_map(|conversation| &conversation.messages) {
        if message.system.is_none() {
            rows.entry(key_of(message)).or_default().push(message);
        }
    }
    for sent in sends {
        let found = rows.remove(&(sent.conversation_id, sent.author_id, sent.request_id.as_str())).unwrap_or_default();
        let name = format!("{} in conversation {}", sent.request_id, sent.conversation_id);
        match (sent.acked, found.as_slice()) {
            (Some((_, id)), []) => faults.push(format!("{name} was acknowledged as {id} and is not there")),
            (Some((_, id)), [row]) if row.id != id => {
                faults.push(format!("{name} was acknowledged as {id} and is {}", row.id));
            }
            (None, [row]) if sent.refused => faults.push(format!("{name} was refused and is {}", row.id)),
            (_, [row]) if row.changed == row.id && row.text != sent.text => {
                faults.push(format!("{name} has another text than was sent"));
            }
            (_, [] | [_]) => {}
            (_, more) => faults.push(format!("{name} is there {} times", more.len())),
        }
    }
    faults.extend(rows.keys().map(|(conversation, author, id)| {
        format!("{id} in conversation {conversation} by {author} was sent by nobody")
    }));
}

/// What was acknowledged before another send began has the lower id.
fn check_order(sends: &[Sent], stored: &BTreeMap<i64, Stored>, faults: &mut Vec<String>) {
    for (conversation_id, conversation) in stored {
        let rows: HashMap<Key<'_>, i64> =
            conversation.messages.iter().map(|message| (key_of(message), message.id)).collect();
        let mut moments: BTreeMap<u64, (bool, i64)> = BTreeMap::new();
        for sent in sends.iter().filter(|sent| sent.conversation_id == *conversation_id) {
            let Some(id) = rows.get(&(sent.conversation_id, sent.author_id, sent.request_id.as_str())) else {
                continue;
            };
            moments.insert(sent.begun, (false, *id));
            if let Some((acked, id)) = sent.acked {
                moments.insert(acked, (true, id));
            }
        }
        let mut highest = 0;
        for (acked, id) in moments.into_values() {
            if acked {
                highest = highest.max(id);
            } else if id <= highest {
                faults.push(format!("conversation {conversation_id}: {id} was begun after {highest} was acknowledged"));
            }
        }
    }
}

/// What a reader knows of one conversation.
#[derive(Default)]
struct Known<'a> {
    start: i64,
    cursor: i64,
    messages: BTreeMap<i64, &'a v1::Message>,
}

/// A reader's ranges adjoin, say nothing twice, and folded together they are the rows that she may see.
fn check_reader(reader: &Reader, stored: &BTreeMap<i64, Stored>, complete: bool, faults: &mut Vec<String>) {
    let mut known: BTreeMap<i64, Known<'_>> = BTreeMap::new();
    let mut gone: BTreeSet<i64> = BTreeSet::new();
    let name = &reader.name;
    for entry in &reader.entries {
        match entry {
            Entry::Opened(cursors) => {
                for (&id, &cursor) in cursors {
                    let place = known.entry(id).or_insert(Known { start: cursor, cursor, ..Known::default() });
                    if place.cursor != cursor {
                        faults.push(format!("{name} knew {id} up to {} and resumed from {cursor}", place.cursor));
                    }
                }
            }
            Entry::Reset { conversation_id, position } => {
                known.insert(*conversation_id, Known { start: *position, cursor: *position, ..Known::default() });
            }
            Entry::Removed(id) => {
                gone.insert(*id);
                known.remove(id);
            }
            Entry::Known { conversation_id: id, after, position, messages } => {
                if gone.contains(id) {
                    faults.push(format!("{name} was out of {id} and was sent its change {position}"));
                    continue;
                }
                let place = known.entry(*id).or_insert(Known { start: *after, cursor: *after, ..Known::default() });
                learn(name, *id, place, (*after, *position), messages, faults);
            }
        }
    }
    for (id, place) in known {
        let Some(conversation) = stored.get(&id) else { continue };
        let visible_from = reader.visible_from.get(&id).copied().unwrap_or(1);
        let name = format!("{name} in {id}");
        compare(&name, &place, conversation, visible_from, faults);
        if complete && place.cursor != conversation.position {
            faults.push(format!("{name} came to {} of {}", place.cursor, conversation.position));
        }
    }
}

/// Takes in what is said about the numbers of one range.
fn learn<'a>(
    name: &str,
    id: i64,
    place: &mut Known<'a>,
    (after, position): (i64, i64),
    messages: &'a [v1::Message],
    faults: &mut Vec<String>,
) {
    if after > place.cursor {
        faults.push(format!("{name} in {id}: a hole from {} to {after}", place.cursor));
    }
    if position <= place.cursor {
        faults.push(format!("{name} in {id}: told of {position} a second time, knowing {}", place.cursor));
    }
    let mut last = after;
    for message in messages {
        if message.conversation_id != id || message.changed <= last || message.changed > position {
            faults.push(format!("{name} in {id}: change {} does not belong in {after}..{position}", message.changed));
        }
        last = message.changed;
        place.messages.insert(message.id, message);
    }
    place.cursor = place.cursor.max(position);
}

/// The fold of a record is the rows.
fn compare(name: &str, place: &Known<'_>, conversation: &Stored, visible_from: i64, faults: &mut Vec<String>) {
    let rows: HashMap<i64, &v1::Message> = conversation.messages.iter().map(|message| (message.id, message)).collect();
    for row in &conversation.messages {
        let due = row.changed > place.start && row.changed <= place.cursor && row.id >= visible_from;
        if due && !place.messages.contains_key(&row.id) {
            faults.push(format!("{name}: never saw {}, changed {}", row.id, row.changed));
        }
    }
    for (id, message) in &place.messages {
        match rows.get(id) {
            None => faults.push(format!("{name}: saw {id}, which is not there")),
            _ if *id < visible_from => faults.push(format!("{name}: saw {id}, which is from before {visible_from}")),
            Some(row) if row.changed < message.changed || (row.changed == message.changed && !same(row, message)) => {
                faults.push(format!("{name}: saw {id} as it is not"));
            }
            Some(row) if row.changed > message.changed && row.changed <= place.cursor => {
                faults.push(format!("{name}: knows {id} as of {}, not of {}", message.changed, row.changed));
            }
            Some(_) => {}
        }
    }
}

/// The same message, whoever reads it.
fn same(one: &v1::Message, other: &v1::Message) -> bool {
    let plain = |message: &v1::Message| {
        let mut message = message.clone();
        message.reactions.iter_mut().for_each(|reaction| reaction.mine = false);
        message
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: i64) -> v1::Message {
        let text = format!("text {id}");
        let request_id = format!("r{id}");
        v1::Message { conversation_id: 7, id, author_id: 1, changed: id, text, request_id, ..Default::default() }
    }

    fn event(message: &v1::Message) -> v1::SubscribeResponse {
        let kind = v1::event::Kind::MessageChanged(v1::MessageChanged { message: Some(message.clone()) });
        let event = Some(v1::Event { kind: Some(kind) });
        v1::SubscribeResponse { conversation_id: 7, after: message.changed - 1, position: message.changed, event }
    }

    fn stored(messages: &[v1::Message]) -> BTreeMap<i64, Stored> {
        let position = messages.iter().map(|message| message.changed).max().unwrap_or(0);
        BTreeMap::from([(7, Stored { position, messages: messages.to_vec() })])
    }

    /// Three messages, sent, acknowledged and read as they should be.
    fn good() -> (Ledger, Vec<v1::Message>) {
        let ledger = Ledger::default();
        let messages: Vec<_> = (1..=3).map(message).collect();
        for message in &messages {
            let number = ledger.begin(1, 7, &message.request_id, &message.text);
            ledger.ack(number, message);
        }
        let reader = ledger.reader("reader", BTreeMap::new());
        ledger.open(reader, &BTreeMap::from([(7, 0)]));
        ledger.see(reader, &event(&messages[0]));
        ledger.open(reader, &BTreeMap::from([(7, 1)]));
        ledger.see(reader, &event(&messages[1]));
        ledger.see(reader, &event(&messages[2]));
        (ledger, messages)
    }

    fn finds(ledger: &Ledger, messages: &[v1::Message], part: &str) {
        let faults = ledger.faults(&stored(messages), true);
        assert!(faults.iter().any(|fault| fault.contains(part)), "no \"{part}\" in {faults:#?}");
    }

    #[test]
    fn what_is_right_has_no_faults() {
        let (ledger, messages) = good();
        ledger.verify(&stored(&messages), true);
    }

    #[test]
    fn a_lost_ack_is_found() {
        let (ledger, messages) = good();
        finds(&ledger, &messages[..2], "is not there");
    }

    #[test]
    fn a_doubled_message_is_found() {
        let (ledger, mut messages) = good();
        messages.push(v1::Message { request_id: "r2".into(), ..message(4) });
        finds(&ledger, &messages, "is there 2 times");
    }

    #[test]
    fn a_message_that_nobody_sent_or_that_was_refused_is_found() {
        let (ledger, mut messages) = good();
        messages.push(message(4));
        finds(&ledger, &messages, "was sent by nobody");
        let number = ledger.begin(1, 7, "r4", "text 4");
        ledger.refuse(number);
        finds(&ledger, &messages, "was refused and is 4");
    }

    #[test]
    fn another_id_or_text_than_was_acknowledged_is_found() {
        let (ledger, mut messages) = good();
        messages[2].text = "other".into();
        finds(&ledger, &messages, "another text");
        messages[2] = v1::Message { request_id: "r3".into(), ..message(4) };
        finds(&ledger, &messages, "was acknowledged as 3 and is 4");
        ledger.ack(1, &message(3));
        finds(&ledger, &messages, "as 2 and then as 3");
    }

    #[test]
    fn a_hole_is_found() {
        let (ledger, mut messages) = good();
        messages.extend([message(4), message(5)]);
        ledger.see(0, &event(&messages[4]));
        finds(&ledger, &messages, "a hole from 3 to 4");
        finds(&ledger, &messages, "never saw 4");
    }

    #[test]
    fn a_repeat_is_found() {
        let (ledger, messages) = good();
        ledger.see(0, &event(&messages[2]));
        finds(&ledger, &messages, "told of 3 a second time");
    }

    #[test]
    fn a_gap_across_a_resume_is_found() {
        let (ledger, messages) = good();
        ledger.open(0, &BTreeMap::from([(7, 2)]));
        finds(&ledger, &messages, "knew 7 up to 3 and resumed from 2");
    }

    #[test]
    fn a_reader_who_stays_behind_is_found() {
        let (ledger, mut messages) = good();
        messages.push(message(4));
        finds(&ledger, &messages, "came to 3 of 4");
    }

    #[test]
    fn what_a_reader_saw_must_be_what_is_stored() {
        let (ledger, mut messages) = good();
        messages[1].text = "other".into();
        finds(&ledger, &messages, "saw 2 as it is not");
        messages[1].changed = 4;
        let moved = Stored { position: 3, messages: messages.clone() };
        let faults = ledger.faults(&BTreeMap::from([(7, moved)]), true);
        assert!(faults.iter().any(|fault| fault.contains("the last change is 4, its position 3")), "{faults:#?}");
        messages.remove(1);
        finds(&ledger, &messages, "saw 2, which is not there");
    }

    #[test]
    fn a_change_that_a_reader_missed_is_found() {
        let (ledger, mut messages) = good();
        messages[1].changed = 4;
        messages.push(message(5));
        let skipped = v1::SubscribeResponse { conversation_id: 7, after: 3, position: 5, event: None };
        ledger.see(0, &skipped);
        finds(&ledger, &messages, "never saw 5");
        finds(&ledger, &messages, "knows 2 as of 2, not of 4");
    }

    #[test]
    fn what_was_acknowledged_before_another_began_must_come_before_it() {
        let (ledger, mut messages) = good();
        messages.push(message(4));
        let number = ledger.begin(1, 7, "r0", "text 0");
        messages
            .insert(0, v1::Message { id: 0, changed: 5, text: "text 0".into(), request_id: "r0".into(), ..message(0) });
        let _ = number;
        finds(&ledger, &messages, "0 was begun after 3 was acknowledged");
    }

    #[test]
    fn what_comes_after_a_removal_or_from_before_a_join_is_found() {
        let (ledger, mut messages) = good();
        let reader = ledger.reader("late", BTreeMap::from([(7, 2)]));
        ledger.open(reader, &BTreeMap::from([(7, 0)]));
        ledger.see(reader, &event(&messages[0]));
        finds(&ledger, &messages, "late in 7: saw 1, which is from before 2");
        let removed = v1::event::Kind::ConversationRemoved(v1::ConversationRemoved { conversation_id: 7 });
        let event_of = |kind| Some(v1::Event { kind: Some(kind) });
        ledger.see(0, &v1::SubscribeResponse { event: event_of(removed), ..Default::default() });
        messages.push(message(4));
        ledger.see(0, &event(&messages[3]));
        finds(&ledger, &messages, "was out of 7 and was sent its change 4");
    }
}
