//! What happens to the cache: changes in the order of the stream, in one transaction with the cursors.

use std::sync::Arc;

use prost::Message as _;
use rookery_api::v1::{Message, User};
use rusqlite::{OptionalExtension, Transaction, params};

use super::Cache;
use crate::update::RestoredConversation;

/// Changes that belong into one transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// In the order in which they happened.
    pub changes: Vec<Change>,
    /// The conversations that they touched, as they are after them.
    pub conversations: Vec<RestoredConversation>,
    /// People who are new or changed.
    pub users: Vec<Arc<User>>,
    /// Whom the user blocks, if that has changed.
    pub blocked: Option<Vec<i64>>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A message came by the stream.
    Message(Arc<Message>),
    /// The same, where it is open if the user's own reaction is among those that are not named: what the disk knows of that
    /// stays.
    OpenMessage(Arc<Message>),
    /// An answer to the user's own call said how a message is. Of what came after it that says nothing: unlike a message of
    /// the stream it begins no run.
    Answer(Arc<Message>),
    /// The user's own reaction on a message was set or taken back, on this device or another.
    Mine { conversation_id: i64, message_id: i64, emote: String, mine: bool },
    /// A page came: all messages from `from` (0: from the beginning) to its end. `cursor` is up to where the stream was.
    Newest { conversation_id: i64, messages: Vec<Arc<Message>>, from: i64, cursor: i64 },
    /// A page came: all messages from `from` (0: from the beginning) to before `before`.
    Before { conversation_id: i64, messages: Vec<Arc<Message>>, from: i64, before: i64 },
    /// The messages of a conversation are worth nothing any more.
    Reset(i64),
    /// A conversation is gone.
    Removed(i64),
}

impl Cache {
    /// Writes all of it or nothing.
    pub fn write(&mut self, batch: &Batch) {
        let wrote = batch.changes.len();
        let written = self.attempt(|cache| {
            let per_conversation = cache.per_conversation;
            let transaction = cache.database.transaction()?;
            if cache.spoiled {
                transaction.execute_batch("delete from messages; update conversations set floor = null;")?;
            }
            // Before those that are there after it: who left and is back has the conversation anew.
            for change in &batch.changes {
                if let Change::Removed(id) = change {
                    transaction.execute("delete from conversations where id = ?1", [id])?;
                }
            }
            for kept in &batch.conversations {
                let content = kept.conversation.encode_to_vec();
                transaction.prepare_cached(PUT_CONVERSATION)?.execute(params![
                    kept.conversation.id,
                    content,
                    kept.cursor
                ])?;
            }
            for user in &batch.users {
                transaction.prepare_cached(PUT_USER)?.execute(params![user.id, user.encode_to_vec()])?;
            }
            if let Some(blocked) = &batch.blocked {
                transaction.execute("delete from blocked", [])?;
                for id in blocked {
                    transaction.prepare_cached("insert into blocked (id) values (?1)")?.execute([id])?;
                }
            }
            for change in &batch.changes {
                apply(&transaction, change)?;
            }
            for kept in &batch.conversations {
                trim(&transaction, kept.conversation.id, per_conversation)?;
            }
            transaction.commit()?;
            Ok(true)
        });
        self.spoiled = !written;
        self.written = self.written.saturating_add(wrote);
        if self.written > self.total / 20 {
            self.written = 0;
            self.attempt(Self::evict);
        }
    }

    /// Lets the conversations go that were not opened for longest, until the total is kept.
    fn evict(&mut self) -> rusqlite::Result<()> {
        let count = "select count(*) from messages";
        let surplus = self.database.query_row(count, [], |row| row.get::<_, i64>(0))? - self.total as i64;
        if surplus <= 0 {
            return Ok(());
        }
        let transaction = self.database.transaction()?;
        let by_age: Vec<(i64, i64)> = transaction
            .prepare(BY_AGE)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut gone = 0;
        for (id, messages) in by_age {
            if gone >= surplus {
                break;
            }
            reset(&transaction, id)?;
            gone += messages;
        }
        transaction.commit()
    }
}

const PUT_CONVERSATION: &str = "
insert into conversations (id, content, cursor) values (?1, ?2, ?3)
on conflict (id) do update set content = excluded.content, cursor = excluded.cursor";

const PUT_USER: &str = "insert or replace into users (id, content) values (?1, ?2)";

const BY_AGE: &str = "
select conversation_id, count(*) from messages join conversations on conversations.id = messages.conversation_id
group by conversation_id order by max(opened_at), conversation_id";

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Message(message) => {
            let id = message.conversation_id;
            let floor = match floor(transaction, id)? {
                // From a new message on, everything will be known.
                None if message.changed == message.id => {
                    set_floor(transaction, id, message.id)?;
                    message.id
                }
                None => return Ok(()),
                Some(floor) => floor,
            };
            if message.id >= floor { put(transaction, message) } else { Ok(()) }
        }
        Change::Answer(message) => match floor(transaction, message.conversation_id)? {
            Some(floor) if message.id >= floor => put(transaction, message),
            _ => Ok(()),
        },
        Change::OpenMessage(message) => {
            let mut message = Message::clone(message);
            if let Some(known) = get(transaction, message.conversation_id, message.id)? {
                for reaction in &mut message.reactions {
                    reaction.mine |= known.reactions.iter().any(|old| old.emote == reaction.emote && old.mine);
                }
            }
            apply(transaction, &Change::Message(Arc::new(message)))
        }
        Change::Mine { conversation_id, message_id, emote, mine } => {
            let Some(mut known) = get(transaction, *conversation_id, *message_id)? else { return Ok(()) };
            known.reactions.iter_mut().filter(|old| old.emote == *emote).for_each(|old| old.mine = *mine);
            put(transaction, &known)
        }
        Change::Newest { conversation_id, messages, from, cursor } => {
            let floor = floor(transaction, *conversation_id)?;
            // What is here ends at the cursor: a page that begins behind it leaves a hole.
            let joins = floor.filter(|_| *from <= cursor + 1);
            if joins.is_none() {
                reset(transaction, *conversation_id)?;
            }
            set_floor(transaction, *conversation_id, joins.map_or(*from, |floor| floor.min(*from)))?;
            messages.iter().try_for_each(|message| put(transaction, message))
        }
        Change::Before { conversation_id, messages, from, before } => match floor(transaction, *conversation_id)? {
            Some(floor) if *before >= floor && *from < floor => {
                set_floor(transaction, *conversation_id, *from)?;
                messages.iter().filter(|message| message.id < floor).try_for_each(|message| put(transaction, message))
            }
            _ => Ok(()),
        },
        Change::Reset(id) | Change::Removed(id) => reset(transaction, *id),
    }
}

fn floor(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<Option<i64>> {
    let mut query = transaction.prepare_cached("select floor from conversations where id = ?1")?;
    Ok(query.query_row([id], |row| row.get(0)).optional()?.flatten())
}

fn set_floor(transaction: &Transaction<'_>, id: i64, floor: i64) -> rusqlite::Result<()> {
    let mut query = transaction.prepare_cached("update conversations set floor = ?2 where id = ?1")?;
    query.execute([id, floor]).map(drop)
}

fn get(transaction: &Transaction<'_>, conversation_id: i64, id: i64) -> rusqlite::Result<Option<Message>> {
    let mut query = transaction.prepare_cached(GET_MESSAGE)?;
    let content: Option<Vec<u8>> = query.query_row([conversation_id, id], |row| row.get(0)).optional()?;
    // What cannot be read is as good as not there: it is about to be replaced.
    Ok(content.and_then(|content| Message::decode(&content[..]).ok()))
}

const GET_MESSAGE: &str = "select content from messages where conversation_id = ?1 and id = ?2";

fn put(transaction: &Transaction<'_>, message: &Message) -> rusqlite::Result<()> {
    let content = message.encode_to_vec();
    let mut query = transaction.prepare_cached(PUT_MESSAGE)?;
    query.execute(params![message.conversation_id, message.id, message.changed, content]).map(drop)
}

const PUT_MESSAGE: &str = "
insert into messages (conversation_id, id, changed, content) values (?1, ?2, ?3, ?4)
on conflict (conversation_id, id) do update set changed = excluded.changed, content = excluded.content
where excluded.changed >= messages.changed";

fn reset(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.execute("delete from messages where conversation_id = ?1", [id])?;
    transaction.execute("update conversations set floor = null where id = ?1", [id]).map(drop)
}

/// Lets the oldest messages of a conversation go until `limit` are left.
fn trim(transaction: &Transaction<'_>, id: i64, limit: usize) -> rusqlite::Result<()> {
    let mut query = transaction.prepare_cached(FIRST_SURPLUS)?;
    let Some(surplus) = query.query_row(params![id, limit as i64], |row| row.get::<_, i64>(0)).optional()? else {
        return Ok(());
    };
    transaction.execute("delete from messages where conversation_id = ?1 and id <= ?2", [id, surplus])?;
    set_floor(transaction, id, surplus + 1)
}

const FIRST_SURPLUS: &str = "
select id from messages where conversation_id = ?1 order by id desc limit 1 offset ?2";
