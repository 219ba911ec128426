//! Messages: send, edit, delete, read.

use rookery_api::v1::{self, AuditAction, SystemKind, TokenScope};
use sha2::{Digest, Sha256};

use super::{
    Caller, Ctx, Error, Result, admin, audit, block,
    ctx::Limits,
    field, media,
    mention::{self, Mentioned, Written},
    rate::Class,
    reaction, user,
    writer::{Command, Effect, Lane, Work},
};
use crate::{
    fault,
    store::{
        self, Conn,
        conversation::{GLOBAL, GROUP},
        history::Page,
        message::{MessageRow, NewMessage, Place},
    },
};

/// A time of the database as the protocol has it.
pub fn timestamp(milliseconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: milliseconds.div_euclid(1000),
        nanos: i32::try_from(milliseconds.rem_euclid(1000) * 1_000_000).unwrap_or(0),
    }
}

/// A stored message as readers get it, without `mine` on reactions.
pub fn api(row: MessageRow) -> v1::Message {
    let kind = i32::try_from(row.system).ok().and_then(|kind| SystemKind::try_from(kind).ok()).unwrap_or_default();
    let line = (kind != SystemKind::Unspecified).then(|| v1::SystemLine {
        kind: kind.into(),
        user_ids: serde_json::from_str(&row.subjects).unwrap_or_default(),
        name: if kind == SystemKind::Announced { String::new() } else { row.text.clone() },
        new_owner_id: row.new_owner_id,
        text: if kind == SystemKind::Announced { row.text.clone() } else { String::new() },
    });
    let pin =
        (row.pinned_at != 0).then(|| v1::Pin { user_id: row.pinned_by, pinned_at: Some(timestamp(row.pinned_at)) });
    v1::Message {
        conversation_id: row.conversation_id,
        id: row.id,
        author_id: row.author_id,
        text: if line.is_some() { String::new() } else { row.text },
        changed: row.changed,
        created_at: Some(timestamp(row.created_at)),
        edited_at: row.edited_at.map(timestamp),
        deleted: row.deleted,
        reply_to: row.reply_to,
        reactions: reaction::summary(&row.reactions),
        request_id: if line.is_some() { String::new() } else { row.request_id },
        system: line,
        attachments: media::attachments(&row.attachments),
        mentions: mention::api(&mention::read(&row.mentions)),
        pin,
    }
}

/// A message that was just stored, from what is known of it.
pub fn sent(new: &NewMessage, place: Place, attachments: &str, mentioned: &[Mentioned]) -> v1::Message {
    v1::Message {
        conversation_id: new.conversation_id,
        id: place.position,
        author_id: new.author_id,
        text: new.text.clone(),
        changed: place.position,
        created_at: Some(timestamp(place.last_at)),
        reply_to: new.reply_to,
        request_id: new.request_id.clone(),
        attachments: media::attachments(attachments),
        mentions: mention::api(mentioned),
        ..v1::Message::default()
    }
}

/// A stored message with the reader's own reactions marked.
pub async fn for_reader(conn: &mut Conn, reader: i64, row: MessageRow) -> Result<v1::Message> {
    let mut messages = vec![api(row)];
    reaction::mark_mine(conn, reader, &mut messages).await?;
    messages.pop().ok_or_else(|| Error::Internal("a message was lost on the way".into()))
}

/// Stored messages with the reader's own reactions marked.
pub async fn all_for_reader(conn: &mut Conn, reader: i64, rows: Vec<MessageRow>) -> Result<Vec<v1::Message>> {
    let mut messages: Vec<v1::Message> = rows.into_iter().map(api).collect();
    reaction::mark_mine(conn, reader, &mut messages).await?;
    Ok(messages)
}

/// Everybody whom some messages name: authors, whom they mention, and people in system lines.
pub fn named(messages: &[v1::Message]) -> Vec<i64> {
    let lines = messages.iter().filter_map(|message| message.system.as_ref());
    let mut ids: Vec<i64> = messages.iter().map(|message| message.author_id).collect();
    ids.extend(messages.iter().flat_map(|message| &message.mentions).map(|mention| mention.user_id));
    ids.extend(lines.flat_map(|line| line.user_ids.iter().copied().chain([line.new_owner_id])));
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| *id != 0);
    ids
}

/// What tells a repeat from a reuse of a request_id: the first eight bytes of a hash over what was sent.
fn content_hash(text: &str, reply_to: i64, media_ids: &[String]) -> i64 {
    let mut hash = Sha256::new().chain_update(reply_to.to_be_bytes()).chain_update(text);
    for id in media_ids {
        // No text has a U+0000, so where it ends is plain.
        hash = hash.chain_update([0]).chain_update(id);
    }
    let hash = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first)
}

/// Sends a message, once for each request_id.
pub async fn send(ctx: &Ctx, caller: &Caller, request: v1::SendMessageRequest) -> Result<v1::Message> {
    field::text(&request.text, !request.media_ids.is_empty(), &ctx.limits)?;
    field::media_ids(&request.media_ids, &ctx.limits)?;
    if !request.media_ids.iter().all(|id| media::is_id(id)) {
        return Err(Error::NotFound("media"));
    }
    let given = if fault::planted("forget-request-id") { "" } else { &request.request_id };
    let request_id = field::request_id(given, || ctx.dice.uuid())?;
    if request.reply_to < 0 {
        return Err(Error::field("reply_to", "must be the id of a message, or 0"));
    }
    if let Err(no) = ctx.rates.user(caller.user_id, Class::Sends).and_then(|()| ctx.space.check()) {
        // What is stored already is answered whatever the rate, and needs no room.
        let (conversation_id, author_id) = (request.conversation_id, caller.user_id);
        if !store::message::is_stored(&mut ctx.db.reader().await?, conversation_id, author_id, &request_id).await? {
            return Err(no);
        }
    }
    let new = NewMessage {
        conversation_id: request.conversation_id,
        author_id: caller.user_id,
        request_id,
        content_hash: content_hash(&request.text, request.reply_to, &request.media_ids),
        text: request.text,
        reply_to: request.reply_to,
        as_admin: caller.may(TokenScope::Admin).is_ok(),
        media_ids: request.media_ids,
    };
    ctx.writer.send(new).await
}

struct Edit {
    caller: Caller,
    conversation_id: i64,
    id: i64,
    text: String,
    limits: Limits,
}

impl Command for Edit {
    type Reply = v1::Message;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Message> {
        let row = writable(work, &self.caller, self.conversation_id, self.id).await?;
        if row.author_id != self.caller.user_id || row.system != 0 {
            return Err(Error::Denied("only its author may edit a message"));
        }
        if row.deleted {
            return Err(Error::WrongState("a deleted message cannot be edited"));
        }
        if self.text.is_empty() && row.attachments.is_empty() {
            return Err(Error::field("text", "may be empty only where there are files"));
        }
        if row.text == self.text {
            return for_reader(work.tx.read(), self.caller.user_id, row).await;
        }
        let written = Written {
            conversation_id: self.conversation_id,
            author_id: row.author_id,
            as_admin: self.caller.may(TokenScope::Admin).is_ok(),
            text: &self.text,
        };
        let mentioned = mention::find(work, &[written], &self.limits).await?.pop().unwrap_or_default();
        let changed = store::conversation::advance(&mut work.tx, self.conversation_id).await?;
        if !row.mentions.is_empty() {
            store::mention::delete(&mut work.tx, self.conversation_id, self.id).await?;
        }
        if !mentioned.is_empty() {
            let rows = mention::rows(&mentioned, self.conversation_id, self.id, row.author_id);
            store::mention::insert(&mut work.tx, &rows).await?;
        }
        let new = (self.text.as_str(), &*mention::stored(&mentioned));
        let row = store::message::edit(&mut work.tx, self.conversation_id, self.id, new, changed).await?;
        work.publish(Effect::Message(api(row.clone())));
        for_reader(work.tx.read(), self.caller.user_id, row).await
    }
}

/// Gives a message of the caller's own another text.
pub async fn edit(ctx: &Ctx, caller: &Caller, request: v1::EditMessageRequest) -> Result<v1::Message> {
    // Whether it has files is known inside the transaction.
    field::text(&request.text, true, &ctx.limits)?;
    let v1::EditMessageRequest { conversation_id, id, text } = request;
    let limits = ctx.limits.clone();
    ctx.writer.run(Edit { caller: caller.clone(), conversation_id, id, text, limits }).await
}

struct Delete {
    caller: Caller,
    conversation_id: i64,
    id: i64,
}

impl Command for Delete {
    type Reply = v1::Message;

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::Conversation(self.conversation_id)
    }

    async fn run(&self, work: &mut Work) -> Result<v1::Message> {
        // Also in a direct chat with a block: to take one's own words back is not to write.
        let row = found(work, &self.caller, self.conversation_id, self.id).await?;
        let conversation = store::conversation::get(work.tx.read(), self.conversation_id).await?;
        let conversation = conversation.ok_or(Error::NotFound("message"))?;
        let own = row.author_id == self.caller.user_id;
        let may = own
            || match conversation.kind {
                GROUP => conversation.owner_id == self.caller.user_id,
                GLOBAL => admin::is_admin(work.tx.read(), &self.caller).await?,
                _ => false,
            };
        if row.system != 0 || !may {
            return Err(Error::Denied(
                "only its author, the group's owner or, in the global room, an admin may delete it",
            ));
        }
        if row.deleted {
            return Ok(api(row));
        }
        if !own && conversation.kind == GLOBAL {
            let what = format!("message {}", self.id);
            audit::write(work, self.caller.user_id, AuditAction::MessageDeleted, row.author_id, &what).await?;
        }
        bury(work, &row).await
    }
}

/// Makes a message a tombstone, whoever may: what belongs to it goes with it, and it takes the conversation's next number.
pub(super) async fn bury(work: &mut Work, row: &MessageRow) -> Result<v1::Message> {
    let MessageRow { conversation_id, id, .. } = *row;
    let changed = store::conversation::advance(&mut work.tx, conversation_id).await?;
    if !row.reactions.is_empty() {
        store::reaction::delete_all(&mut work.tx, conversation_id, id).await?;
    }
    if !row.attachments.is_empty() {
        let ids = store::media::detach(&mut work.tx, conversation_id, id).await?;
        media::release(work, &ids).await?;
    }
    if !row.mentions.is_empty() {
        store::mention::delete(&mut work.tx, conversation_id, id).await?;
    }
    let message = api(store::message::delete(&mut work.tx, conversation_id, id, changed).await?);
    work.publish(Effect::Message(message.clone()));
    Ok(message)
}

/// Takes a message back.
pub async fn delete(ctx: &Ctx, caller: &Caller, request: &v1::DeleteMessageRequest) -> Result<v1::Message> {
    let v1::DeleteMessageRequest { conversation_id, id } = *request;
    ctx.writer.run(Delete { caller: caller.clone(), conversation_id, id }).await
}

/// A message that a caller wants to change, where anybody may write at all.
pub(super) async fn writable(work: &mut Work, caller: &Caller, conversation_id: i64, id: i64) -> Result<MessageRow> {
    let row = found(work, caller, conversation_id, id).await?;
    block::refuse(work.tx.read(), conversation_id).await?;
    Ok(row)
}

/// A message, read inside the transaction. What the caller may not read is not there.
async fn found(work: &mut Work, caller: &Caller, conversation_id: i64, id: i64) -> Result<MessageRow> {
    let row = store::message::get(work.tx.read(), caller.user_id, conversation_id, id).await?;
    row.ok_or(Error::NotFound("message"))
}

/// One message.
pub async fn get(ctx: &Ctx, caller: &Caller, request: &v1::GetMessageRequest) -> Result<v1::GetMessageResponse> {
    let mut conn = ctx.db.reader().await?;
    let row = store::message::get(&mut conn, caller.user_id, request.conversation_id, request.id).await?;
    let message = for_reader(&mut conn, caller.user_id, row.ok_or(Error::NotFound("message"))?).await?;
    let users = user::list_of(&mut conn, &named(std::slice::from_ref(&message)), ctx.clock.now()).await?;
    Ok(v1::GetMessageResponse { message: Some(message), users })
}

/// A page of history.
pub async fn list(ctx: &Ctx, caller: &Caller, request: &v1::ListMessagesRequest) -> Result<v1::ListMessagesResponse> {
    use v1::list_messages_request::At;
    let size = field::page_size(request.page_size, 50, 100)?;
    // How many to read on each side of which id.
    let (below, above) = match request.at {
        None => (Some((i64::MAX, size)), None),
        Some(At::Before(before)) => (Some((before, size)), None),
        Some(At::After(after)) => (None, Some((after, size))),
        Some(At::Around(around)) => (Some((around, size / 2)), Some((around.saturating_sub(1), size - size / 2))),
    };
    let mut conn = ctx.db.reader().await?;
    let (mut older, mut newer) = (None, None);
    if let Some((id, most)) = below {
        older = Some(Half::below(&mut conn, caller.user_id, request.conversation_id, id, most).await?);
    }
    if let Some((id, most)) = above {
        newer = Some(Half::above(&mut conn, caller.user_id, request.conversation_id, id, most).await?);
    }
    let more_before = older.as_ref().or(newer.as_ref()).is_some_and(|half| half.older);
    let more_after = newer.as_ref().or(older.as_ref()).is_some_and(|half| half.newer);
    // Rows read after a position hold at least all changes up to it.
    let position = older.as_ref().or(newer.as_ref()).map_or(0, |half| half.page.position);
    let (mut rows, mut people) = (Vec::new(), Vec::new());
    for half in [older, newer].into_iter().flatten() {
        rows.extend(half.page.rows);
        people.extend(half.page.people);
    }
    people.sort_unstable_by_key(|user| user.id);
    people.dedup_by_key(|user| user.id);
    let messages = all_for_reader(&mut conn, caller.user_id, rows).await?;
    let users = people.into_iter().map(|row| user::api(row, ctx.clock.now())).collect();
    Ok(v1::ListMessagesResponse { messages, users, position, more_before, more_after })
}

/// The messages on one side of an id, and whether there are more, older and newer.
struct Half {
    page: Page,
    older: bool,
    newer: bool,
}

impl Half {
    async fn below(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64, most: i64) -> Result<Self> {
        // One more than asked for tells whether there are more.
        let page = store::history::before(conn, reader, conversation_id, id, most + 1).await?;
        let mut page = page.ok_or(Error::NotFound("conversation"))?;
        page.rows.reverse();
        let older = field::cut(&mut page.rows, most);
        page.rows.reverse();
        Ok(Self { older, newer: page.beyond, page })
    }

    async fn above(conn: &mut Conn, reader: i64, conversation_id: i64, id: i64, most: i64) -> Result<Self> {
        let page = store::history::after(conn, reader, conversation_id, id, most + 1).await?;
        let mut page = page.ok_or(Error::NotFound("conversation"))?;
        let newer = field::cut(&mut page.rows, most);
        Ok(Self { older: page.beyond, newer, page })
    }
}

/// A page of changes after a position.
pub async fn changes(ctx: &Ctx, caller: &Caller, request: &v1::ListChangesRequest) -> Result<v1::ListChangesResponse> {
    let size = field::page_size(request.page_size, 200, 200)?;
    if request.after < 0 {
        return Err(Error::field("after", "must not be negative"));
    }
    let mut conn = ctx.db.reader().await?;
    let page = read_changes(&mut conn, caller.user_id, request.conversation_id, request.after, size).await?;
    let users = user::list_of(&mut conn, &named(&page.messages), ctx.clock.now()).await?;
    Ok(v1::ListChangesResponse { messages: page.messages, users, position: page.position, more: page.more })
}

/// Changes of a conversation for a reader.
pub(super) struct Changes {
    pub messages: Vec<v1::Message>,
    pub position: i64,
    pub more: bool,
}

/// The one query behind ListChanges and the replay of a stream.
pub(super) async fn read_changes(conn: &mut Conn, reader: i64, id: i64, after: i64, size: i64) -> Result<Changes> {
    let page = store::history::changes(conn, reader, id, after, size + 1).await?;
    let Page { position, mut rows, .. } = page.ok_or(Error::NotFound("conversation"))?;
    let more = field::cut(&mut rows, size);
    let last = rows.last().map_or(after, |row| row.changed);
    let position = if more { last } else { position.max(last) };
    Ok(Changes { messages: all_for_reader(conn, reader, rows).await?, position, more })
}
