//! Event streams: Ready, replay from cursors, then live; and what the hub asks to have read.
//!
//! The seam between replay and live has no gap: a stream is put into its rooms before it reads the rows, and is let in
//! only when it has read all that the room has passed on.

use std::{collections::HashMap, sync::Arc};

use rookery_api::v1::{self, event::Kind};
use tokio::sync::mpsc;

use super::{Caller, Ctx, Error, Result, block, conversation, message, user};
use crate::{
    fault,
    hub::{Ending, Join, Place, Request, Session, Wants},
    store::{self, conversation::Standing},
};

/// How many changes are read at once.
const PAGE: i64 = 200;
/// And at least so many.
const FEWEST: i64 = 8;

/// What a stream starts from.
#[derive(Debug)]
struct Start {
    session: Arc<Session>,
    user: v1::User,
    counter: i64,
    status: v1::Status,
    blocked: Vec<i64>,
    cursors: HashMap<i64, i64>,
}

/// Opens a stream and starts filling it.
pub async fn subscribe(ctx: &Arc<Ctx>, caller: &Caller, request: v1::SubscribeRequest) -> Result<Arc<Session>> {
    let wants = wants(&request)?;
    if request.cursors.len() > 10_000 {
        return Err(Error::field("cursors", "must be at most 10,000"));
    }
    // Cursors of another history mean nothing.
    let foreign = !request.history_id.is_empty() && request.history_id != ctx.history_id;
    let cursors = if foreign { HashMap::new() } else { request.cursors };
    let session = ctx
        .hub
        .register(ctx.dice.hex::<16>(), caller.user_id, caller.session_id.clone(), wants)
        .ok_or_else(|| Error::Unavailable("the server is stopping".into()))?;
    let guard = Registered { ctx: ctx.clone(), session: Some(session) };
    fault::pause("registered").await;
    let mut conn = ctx.db.reader().await?;
    // The session may have ended between the check of its token and the registration; from now on its end finds the stream.
    if !store::session::exists(&mut conn, &caller.session_id).await? {
        return Err(Error::Unauthenticated);
    }
    let row = store::user::get(&mut conn, caller.user_id).await?.ok_or(Error::Unauthenticated)?;
    let own = store::user::own(&mut conn, caller.user_id).await?.ok_or(Error::Unauthenticated)?;
    let blocks = store::block::around(&mut conn, caller.user_id).await?;
    drop(conn);
    ctx.hub.keep_apart(guard.session(), &blocks);
    let session = guard.keep();
    let now = ctx.clock.now();
    let (user, counter, status) = (user::api(row, now), own.position, user::status(&own, now));
    let mut blocked: Vec<i64> = blocks.iter().filter(|block| block.0 == caller.user_id).map(|block| block.1).collect();
    blocked.sort_unstable();
    let start = Start { session: session.clone(), user, counter, status, blocked, cursors };
    let ctx = ctx.clone();
    tokio::spawn(async move {
        let session = start.session.clone();
        if let Err(error) = fill(&ctx, start).await {
            tracing::warn!(cause = ?error, "an event stream could not be filled");
            session.end(Ending::Broken);
        }
    });
    Ok(session)
}

/// Forgets a stream that never reached its reader.
struct Registered {
    ctx: Arc<Ctx>,
    session: Option<Arc<Session>>,
}

impl Registered {
    fn session(&self) -> &Session {
        self.session.as_ref().expect("it is there until it is kept")
    }

    fn keep(mut self) -> Arc<Session> {
        self.session.take().expect("it is taken once")
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            self.ctx.hub.forget(session);
        }
    }
}

fn wants(request: &v1::SubscribeRequest) -> Result<Wants> {
    if request.conversation_ids.len() > 1000 {
        return Err(Error::field("conversation_ids", "must be at most 1,000"));
    }
    let mut wants = Wants {
        messages: request.only.is_empty(),
        typing: request.only.is_empty(),
        presence: request.only.is_empty(),
        conversations: request.conversation_ids.iter().copied().collect(),
    };
    for kind in &request.only {
        match v1::EventKind::try_from(*kind) {
            Ok(v1::EventKind::Messages) => wants.messages = true,
            Ok(v1::EventKind::Typing) => wants.typing = true,
            Ok(v1::EventKind::Presence) => wants.presence = true,
            _ => return Err(Error::field("only", "may name messages, typing and presence")),
        }
    }
    Ok(wants)
}

async fn fill(ctx: &Ctx, start: Start) -> Result<()> {
    let Start { session, user, counter, status, blocked, mut cursors } = start;
    let reader = session.user_id;
    let mut conn = ctx.db.reader().await?;
    // The counter was read before the list: what comes behind it is sent after Ready and changes nothing that the list has.
    let mut conversations = conversation::all(&mut conn, reader).await?;
    conversations.retain(|conversation| session.wants.conversation(conversation.id));
    for conversation in &conversations {
        cursors.entry(conversation.id).or_insert(conversation.position);
    }
    let mut named = conversation::named(&conversations);
    named.push(reader);
    let users = user::list_of(&mut conn, &named, ctx.clock.now()).await?;
    let standings = store::conversation::standings(&mut conn, reader).await?;
    // Only what the list has, and direct chats, which may be unlisted: what she came into since then is taken up by the
    // hub's request, from its joining line.
    let taken = |at: &Standing| {
        session.wants.conversation(at.id) && (cursors.contains_key(&at.id) || at.kind == store::conversation::DIRECT)
    };
    drop(conn);
    let mut standings: HashMap<i64, Standing> = standings.into_iter().filter(taken).map(|at| (at.id, at)).collect();
    ctx.hub.touch(&session, &standings.values().map(place).collect::<Vec<_>>());
    ctx.hub.arrive(&session, &status);
    let ready = v1::Ready {
        user: Some(user),
        session_id: session.id.clone(),
        history_id: ctx.history_id.clone(),
        conversations,
        users,
        presences: if session.wants.presence { ctx.hub.presences_in_view(&session) } else { Vec::new() },
        limits: Some(limits(ctx)),
        timings: Some(timings(ctx)),
        blocked_user_ids: blocked,
        status: Some(status),
    };
    session.ready(counter, Kind::Ready(ready));
    // Before anything else of a conversation that she may come into just now.
    for id in cursors.keys().filter(|id| session.wants.messages && !standings.contains_key(id)) {
        if session.wants.conversation(*id) {
            removed(&session, *id).await;
        }
    }
    ctx.hub.settle(&session);
    fault::pause("settled").await;
    // Again, now that the rooms note what is passed on: whatever is not in here will be. Of a removal her own events tell.
    let now = store::conversation::standings(&mut ctx.db.reader().await?, reader).await?;
    let now: HashMap<i64, Standing> = now.into_iter().map(|at| (at.id, at)).collect();
    standings.retain(|id, known| match now.get(id) {
        Some(at) => {
            if at.visible_from != known.visible_from {
                ctx.hub.touch(&session, &[place(at)]);
            }
            *known = *at;
            true
        }
        None => {
            ctx.hub.give_up(&session, *id);
            false
        }
    });
    if session.wants.messages {
        for at in standings.into_values() {
            // What is not listed and has no cursor: a direct chat without a message starts at its beginning, a hidden one
            // where it was hidden.
            let cursor = cursors.get(&at.id).copied().unwrap_or(at.hidden_through);
            replay(ctx, &session, at, cursor).await?;
        }
    }
    session.replay(0, 0, 0, Kind::CaughtUp(v1::CaughtUp {})).await;
    Ok(())
}

fn place(at: &Standing) -> Place {
    Place {
        conversation_id: at.id,
        visible_from: at.visible_from,
        members: at.members,
        direct: at.kind == store::conversation::DIRECT,
    }
}

async fn removed(session: &Session, conversation_id: i64) {
    let removed = v1::ConversationRemoved { conversation_id };
    session.replay(conversation_id, 0, 0, Kind::ConversationRemoved(removed)).await;
}

/// Sends what a reader has missed of a conversation, then lets the stream in. Sending waits for the reader, so no connection
/// is held meanwhile: some who stand still would keep everybody from reading.
async fn replay(ctx: &Ctx, session: &Session, at: Standing, cursor: i64) -> Result<()> {
    let mut cursor = cursor;
    let mut end = at.position;
    if cursor > end || cursor < 0 || end - cursor > ctx.limits.replay {
        // A cursor from the future is of another history; one from too long ago would take longer than loading anew.
        let reset = v1::ConversationReset { position: end };
        if !session.replay(at.id, 0, end, Kind::ConversationReset(reset)).await {
            return Ok(());
        }
        cursor = end;
    }
    if cursor < end && ctx.hub.catch_up(session, at.id, cursor) {
        return Ok(());
    }
    let mut size = PAGE;
    loop {
        while cursor < end {
            if !session.flushed().await {
                return Ok(());
            }
            let mut conn = ctx.db.reader().await?;
            let page = match message::read_changes(&mut conn, session.user_id, at.id, cursor, size).await {
                // Removed meanwhile: her own events say so.
                Err(Error::NotFound(_)) => return Ok(()),
                page => page?,
            };
            // A change of the conversation itself is announced once, to those who are let in: the others are told here.
            let lines = page.messages.iter().any(|message| message.system.is_some());
            let row = if lines { store::conversation::get(&mut conn, at.id).await? } else { None };
            drop(conn);
            let (mut sent, mut whole) = (0, true);
            for message in page.messages {
                // What the reader has no room for is read again when she has, and fewer at a time: pages that wait for a
                // thousand who stand still would fill the memory.
                if !session.has_room() {
                    whole = false;
                    break;
                }
                sent += 1;
                let changed = message.changed;
                let kind = Kind::MessageChanged(v1::MessageChanged { message: Some(message) });
                if !session.replay(at.id, cursor, changed, kind).await {
                    return Ok(());
                }
                cursor = changed;
            }
            size = if whole { (size * 2).min(PAGE) } else { sent.max(FEWEST) };
            if whole && cursor < page.position {
                // The numbers up to here are of messages that she may not read.
                if !session.replay(at.id, cursor, page.position, Kind::Skipped(v1::Skipped {})).await {
                    return Ok(());
                }
                cursor = page.position;
            }
            end = end.max(page.position);
            if let Some(row) = row {
                let changed = v1::ConversationChanged { conversation: Some(conversation::api(row)) };
                if !session.replay(at.id, 0, 0, Kind::ConversationChanged(changed)).await {
                    return Ok(());
                }
            }
        }
        match ctx.hub.join(session, at.id, cursor) {
            Join::Live => return Ok(()),
            // Something was passed on meanwhile: at least one more number is in the rows.
            Join::ReadOn => end = cursor + 1,
        }
    }
}

/// Does what the hub asks for, until the server stops.
pub async fn serve(ctx: Arc<Ctx>, mut requests: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = requests.recv().await {
        let ctx = ctx.clone();
        tokio::spawn(async move {
            let outcome = match request {
                Request::Follow { session, conversation_id, after } => {
                    let outcome = follow(&ctx, &session, conversation_id, after).await;
                    if outcome.is_err() {
                        session.end(Ending::Broken);
                    }
                    outcome
                }
                Request::Read { conversation_id, after } => repair(&ctx, conversation_id, after).await,
                Request::Seen { user_id } => user::seen(&ctx, user_id).await,
            };
            if let Err(error) = outcome {
                tracing::warn!(cause = ?error, "what the hub asked for could not be done");
            }
        });
    }
}

/// A live stream takes up a conversation that its user has come into.
async fn follow(ctx: &Ctx, session: &Session, conversation_id: i64, after: i64) -> Result<()> {
    let mut conn = ctx.db.reader().await?;
    let standing = store::conversation::standing(&mut conn, session.user_id, conversation_id).await?;
    // Gone again already: her own events say so.
    let Some(at) = standing else { return Ok(()) };
    if !ctx.hub.take_up(session, &place(&at)) {
        return Ok(());
    }
    // Again, now that a removal would take the stream out.
    let Some(at) = store::conversation::standing(&mut conn, session.user_id, conversation_id).await? else {
        ctx.hub.give_up(session, conversation_id);
        return Ok(());
    };
    ctx.hub.introduce(session, conversation_id);
    if session.wants.messages {
        drop(conn);
        replay(ctx, session, at, after).await?;
    }
    Ok(())
}

/// Reads rows that were not handed over, for all local readers at once.
async fn repair(ctx: &Ctx, conversation_id: i64, after: i64) -> Result<()> {
    let mut after = Some(after);
    while let Some(from) = after {
        let mut conn = ctx.db.reader().await?;
        let Some(row) = store::conversation::get(&mut conn, conversation_id).await? else { return Ok(()) };
        let rows = store::message::changes_for_all(&mut conn, conversation_id, from, PAGE).await?;
        let full = i64::try_from(rows.len()).unwrap_or(0) == PAGE;
        let last = rows.last().map_or(from, |row| row.changed);
        let position = if full { last } else { row.position.max(last) };
        let messages = rows.into_iter().map(message::api).collect();
        after = ctx.hub.repair(conversation_id, messages, position).filter(|next| *next > from);
        if full && after.is_none() {
            after = Some(position);
        }
    }
    Ok(())
}

/// The caller types, or stopped.
pub async fn typing(ctx: &Ctx, caller: &Caller, conversation_id: i64, stopped: bool) -> Result<()> {
    let mut conn = ctx.db.reader().await?;
    let standing = conversation::standing(&mut conn, caller.user_id, conversation_id).await?;
    if standing.kind == store::conversation::DIRECT {
        block::refuse(&mut conn, conversation_id).await?;
    }
    // Of somebody without a stream the hub does not know how she wants to be seen.
    if !ctx.hub.knows(caller.user_id) {
        let own = store::user::own(&mut conn, caller.user_id).await?;
        if own.is_none_or(|own| user::status(&own, ctx.clock.now()).kind() == v1::StatusKind::Invisible) {
            return Ok(());
        }
    }
    ctx.hub.typing(conversation_id, caller.user_id, stopped);
    Ok(())
}

/// Whether somebody is at a device.
pub fn set_activity(ctx: &Ctx, caller: &Caller, session_id: &str, idle: bool) -> Result<()> {
    if ctx.hub.set_activity(caller.user_id, session_id, idle) { Ok(()) } else { Err(Error::NotFound("stream")) }
}

/// What a device shows.
pub fn set_view(ctx: &Ctx, caller: &Caller, session_id: &str, conversation_ids: &[i64]) -> Result<()> {
    if conversation_ids.len() > 8 {
        return Err(Error::field("conversation_ids", "must be at most 8"));
    }
    if ctx.hub.set_view(caller.user_id, session_id, conversation_ids) { Ok(()) } else { Err(Error::NotFound("stream")) }
}

/// The server's limits as the protocol has them.
pub fn limits(ctx: &Ctx) -> v1::ServerLimits {
    let number = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    let size = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    v1::ServerLimits {
        text_characters: size(ctx.limits.text_characters),
        text_bytes: size(ctx.limits.text_bytes),
        group_members: number(ctx.limits.group_members),
        small_group: number(ctx.limits.small_group),
        replay: number(ctx.limits.replay),
        reaction_kinds: size(ctx.limits.reaction_kinds),
        attachments: size(ctx.limits.attachments),
        file_bytes: i64::try_from(ctx.limits.file_bytes).unwrap_or(i64::MAX),
        user_bytes: ctx.limits.user_bytes,
        avatar_bytes: ctx.limits.avatar_bytes,
        mentions: size(ctx.limits.mentions),
        pins: number(ctx.limits.pins),
        blocks: number(ctx.limits.blocks),
        status_characters: size(ctx.limits.status_characters),
    }
}

/// The server's timings as the protocol has them.
pub fn timings(ctx: &Ctx) -> v1::ServerTimings {
    let span = |time: std::time::Duration| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Some(prost_types::Duration { seconds, nanos: i32::try_from(time.subsec_nanos()).unwrap_or(0) })
    };
    v1::ServerTimings {
        heartbeat: span(ctx.timings.heartbeat),
        timeout: span(ctx.timings.timeout),
        typing_repeat: span(ctx.timings.typing_repeat),
        typing_expires: span(ctx.timings.typing_expires),
        activity_repeat: span(ctx.timings.activity_repeat),
        idle_after: span(ctx.timings.idle_after),
    }
}
