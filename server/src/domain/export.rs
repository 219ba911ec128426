//! Exports: all that is a user's own as one zip archive, made while it is read: neither the whole of it nor the whole of
//! anything in it is ever in memory. What is in it is what the API tells her, as JSON.

use std::{
    collections::{BTreeSet, HashSet},
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use prost_reflect::{DescriptorPool, DynamicMessage};
use rookery_api::v1;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use zip::{
    CompressionMethod, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use super::{Caller, Ctx, Error, Result, block, conversation, gif, message, session, user};
use crate::store::{self, conversation::GLOBAL};

/// How much is sent at once: a multiple of three, so that pieces in base64 can be joined.
const PIECE: usize = 192 * 1024;
/// How many rows are read at once.
const PAGE: i64 = 200;
/// When who exports already may ask again.
const BUSY: Duration = Duration::from_secs(10);

static PROTOCOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(rookery_api::DESCRIPTORS).expect("the protocol describes itself"));

const README: &str = "\
This is what a Rookery server has of you: your profile, your settings, your conversations, your messages and your files.

profile.json         your account, as everybody sees it
settings.json        what only you see: status, blocked people, favourite GIFs, sessions and tokens (without their secrets)
conversations.json   the conversations that you are in, with your place in them
people.json          everybody whom the messages name by an id
messages/ID.json     the messages of the conversation with that id, oldest first: of your direct chats and groups all that
                     you may read; of the global room, and of groups that you have left, those that you wrote
files/ID/NAME        the files that you brought; messages name them as attachments by the same id

Everything is JSON as the server's API answers it (proto/rookery/v1, docs/api.md): times are in UTC, 64-bit numbers are
texts, and what is empty, zero or false is left out.
";

/// A piece of an archive.
#[derive(Debug)]
pub struct Piece {
    pub chunk: Vec<u8>,
    /// How many of `total` messages and files are in the pieces so far.
    pub done: i64,
    pub total: i64,
}

/// Who exports just now.
#[derive(Debug, Default)]
pub struct Exports(Mutex<HashSet<i64>>);

/// The one export of an account.
struct Turn {
    ctx: Arc<Ctx>,
    user_id: i64,
}

impl Turn {
    fn take(ctx: &Arc<Ctx>, user_id: i64) -> Option<Self> {
        let first = ctx.exports.0.lock().unwrap_or_else(PoisonError::into_inner).insert(user_id);
        first.then(|| Self { ctx: ctx.clone(), user_id })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.ctx.exports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.user_id);
    }
}

/// All that is the caller's own. It is made as fast as it is read, and no further when nobody reads it any more.
pub fn export(ctx: &Arc<Ctx>, caller: &Caller) -> Result<impl Stream<Item = Result<Piece>> + Send + use<>> {
    let turn = Turn::take(ctx, caller.user_id).ok_or(Error::RateLimited(BUSY))?;
    let (pieces, mut receiver) = mpsc::channel(1);
    let caller = caller.clone();
    tokio::spawn(async move {
        let mut archive = Archive::new(&turn.ctx, caller, pieces.clone());
        let outcome = tokio::select! {
            outcome = archive.write() => outcome,
            () = pieces.closed() => return,
        };
        if let Err(error) = outcome {
            let _ = pieces.send(Err(error)).await;
        }
    });
    Ok(futures::stream::poll_fn(move |cx| receiver.poll_recv(cx)))
}

/// What the archive writes into, and pieces are taken from.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|buffer| buffer.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A list of JSON values in a file of the archive.
struct List {
    first: bool,
}

struct Archive<'ctx> {
    ctx: &'ctx Ctx,
    caller: Caller,
    pieces: mpsc::Sender<Result<Piece>>,
    zip: ZipWriter<StreamWriter<Buffer>>,
    buffer: Buffer,
    people: BTreeSet<i64>,
    done: i64,
    total: i64,
}

fn fault(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("an export could not be written: {error}"))
}

/// A message of the protocol as JSON, as grpcurl and others print it.
fn as_json(name: &str, message: &impl prost::Message) -> Result<Value> {
    let descriptor = PROTOCOL.get_message_by_name(&format!("rookery.v1.{name}"));
    let descriptor = descriptor.ok_or_else(|| fault(format!("there is no {name}")))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).map_err(fault)?;
    serde_json::to_value(message).map_err(fault)
}

fn all_as_json<'all, M: prost::Message + 'all>(
    name: &str,
    messages: impl IntoIterator<Item = &'all M>,
) -> Result<Vec<Value>> {
    messages.into_iter().map(|message| as_json(name, message)).collect()
}

impl<'ctx> Archive<'ctx> {
    fn new(ctx: &'ctx Ctx, caller: Caller, pieces: mpsc::Sender<Result<Piece>>) -> Self {
        let buffer = Buffer::default();
        let zip = ZipWriter::new_stream(buffer.clone());
        Self { ctx, caller, pieces, zip, buffer, people: BTreeSet::new(), done: 0, total: 0 }
    }

    async fn write(&mut self) -> Result<()> {
        let user_id = self.caller.user_id;
        let mut conn = self.ctx.db.reader().await?;
        let row = store::user::get(&mut conn, user_id).await?.ok_or(Error::Unauthenticated)?;
        let mut conversations = Vec::new();
        for place in store::conversation::standings(&mut conn, user_id).await? {
            match conversation::get(&mut conn, user_id, place.id).await {
                Ok(conversation) => conversations.push(conversation),
                // She left it meanwhile.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let whole: Vec<&v1::Conversation> =
            conversations.iter().filter(|conversation| i64::from(conversation.kind) != GLOBAL).collect();
        let mut own = store::message::written(&mut conn, user_id).await?;
        own.retain(|(id, _)| whole.iter().all(|conversation| conversation.id != *id));
        self.total = store::export::files(&mut conn, user_id).await? + own.iter().map(|(_, count)| count).sum::<i64>();
        for conversation in &whole {
            let from = conversation.mine.as_ref().map_or(1, |mine| mine.visible_from);
            self.total += store::export::messages(&mut conn, conversation.id, from, conversation.position).await?;
        }
        drop(conn);

        self.file("README.txt", README.as_bytes())?;
        self.json("profile.json", &as_json("User", &user::api(row, self.ctx.clock.now()))?)?;
        let settings = self.settings().await?;
        self.json("settings.json", &settings)?;
        self.json("conversations.json", &all_as_json("Conversation", &conversations)?.into())?;
        self.people.extend(conversation::named(&conversations));
        for conversation in whole {
            self.conversation(conversation).await?;
        }
        for (id, _) in own {
            self.own_messages(id).await?;
        }
        self.people().await?;
        self.files().await?;
        // What changed meanwhile was counted before.
        self.total = self.done;
        let zip = std::mem::replace(&mut self.zip, ZipWriter::new_stream(Buffer::default()));
        zip.finish().map_err(fault)?;
        self.hand_over(1).await
    }

    /// Sends what is there in whole pieces, or at the end (`least` 1) all of it.
    async fn hand_over(&mut self, least: usize) -> Result<()> {
        while self.buffer.with(|buffer| buffer.len()) >= least {
            let chunk = self.buffer.with(|buffer| {
                let rest = buffer.split_off(buffer.len().min(PIECE));
                std::mem::replace(buffer, rest)
            });
            let piece = Piece { chunk, done: self.done, total: self.total };
            // Nobody reads any more: then this is dropped at once.
            let _ = self.pieces.send(Ok(piece)).await;
        }
        Ok(())
    }

    /// Sends what has become whole pieces, if the session that asked has not ended.
    async fn go_on(&mut self) -> Result<()> {
        self.hand_over(PIECE).await?;
        session::still_open(self.ctx, &self.caller).await
    }

    fn begin(&mut self, name: &str, large: bool) -> Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        self.zip.start_file(name, options).map_err(fault)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.zip.write_all(bytes).map_err(fault)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name, false)?;
        self.add(bytes)
    }

    fn json(&mut self, name: &str, value: &Value) -> Result<()> {
        self.begin(name, false)?;
        serde_json::to_writer_pretty(&mut self.zip, value).map_err(fault)
    }

    fn begin_list(&mut self, name: &str) -> Result<List> {
        self.begin(name, true)?;
        Ok(List { first: true })
    }

    fn add_to(&mut self, list: &mut List, value: &Value) -> Result<()> {
        self.add(if std::mem::take(&mut list.first) { b"[\n" } else { b",\n" })?;
        serde_json::to_writer(&mut self.zip, value).map_err(fault)
    }

    fn end_list(&mut self, list: &List) -> Result<()> {
        self.add(if list.first { b"[]\n" } else { b"\n]\n" })
    }

    async fn settings(&mut self) -> Result<Value> {
        let mut conn = self.ctx.db.reader().await?;
        let own = store::user::own(&mut conn, self.caller.user_id).await?.ok_or(Error::Unauthenticated)?;
        drop(conn);
        let status = user::status(&own, self.ctx.clock.now());
        let (mut favorites, mut request) = (Vec::new(), v1::ListFavoriteGifsRequest::default());
        loop {
            let (gifs, next) = gif::favorites(self.ctx, &self.caller, &request).await?;
            favorites.extend(all_as_json("Gif", &gifs)?);
            request.page_token = next;
            if request.page_token.is_empty() {
                break;
            }
        }
        let (mut blocked, mut request) = (Vec::new(), v1::ListBlockedRequest::default());
        loop {
            let page = block::list(self.ctx, &self.caller, &request).await?;
            blocked.extend(all_as_json("BlockedUser", &page.blocked)?);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        Ok(json!({
            "status": as_json("Status", &status)?,
            "favoriteGifs": favorites,
            "blocked": blocked,
            "sessions": all_as_json("Session", &session::list(self.ctx, &self.caller).await?)?,
        }))
    }

    fn messages(&mut self, list: &mut List, messages: &[v1::Message]) -> Result<()> {
        self.people.extend(message::named(messages));
        for message in messages {
            self.add_to(list, &as_json("Message", message)?)?;
            self.done += 1;
        }
        Ok(())
    }

    /// A conversation as she may read it, up to where it was when this began.
    async fn conversation(&mut self, conversation: &v1::Conversation) -> Result<()> {
        let (id, reader) = (conversation.id, self.caller.user_id);
        let mut list = self.begin_list(&format!("messages/{id}.json"))?;
        let mut after = 0;
        while after < conversation.position {
            let mut conn = self.ctx.db.reader().await?;
            // None: she left it meanwhile.
            let Some(page) = store::history::after(&mut conn, reader, id, after, PAGE).await? else { break };
            let rows: Vec<_> = page.rows.into_iter().filter(|row| row.id <= conversation.position).collect();
            let Some(last) = rows.last() else { break };
            after = last.id;
            let messages = message::all_for_reader(&mut conn, reader, rows).await?;
            drop(conn);
            self.messages(&mut list, &messages)?;
            self.go_on().await?;
        }
        self.end_list(&list)
    }

    /// What she wrote in a conversation that is not hers as a whole.
    async fn own_messages(&mut self, id: i64) -> Result<()> {
        let mut list = self.begin_list(&format!("messages/{id}.json"))?;
        let ids = store::message::written_in(&mut self.ctx.db.reader().await?, id, self.caller.user_id).await?;
        for ids in ids.chunks(PAGE as usize) {
            let keys: Vec<_> = ids.iter().map(|message| (id, *message)).collect();
            let mut conn = self.ctx.db.reader().await?;
            let mut rows = store::message::get_many(&mut conn, &keys).await?;
            rows.retain(|row| !row.deleted);
            rows.sort_unstable_by_key(|row| row.id);
            let messages = message::all_for_reader(&mut conn, self.caller.user_id, rows).await?;
            drop(conn);
            self.messages(&mut list, &messages)?;
            self.go_on().await?;
        }
        self.end_list(&list)
    }

    async fn people(&mut self) -> Result<()> {
        let mut list = self.begin_list("people.json")?;
        let ids: Vec<i64> = std::mem::take(&mut self.people).into_iter().collect();
        for ids in ids.chunks(usize::try_from(PAGE).unwrap_or(1)) {
            let users = user::list_of(&mut self.ctx.db.reader().await?, ids, self.ctx.clock.now()).await?;
            for value in all_as_json("User", &users)? {
                self.add_to(&mut list, &value)?;
            }
            self.go_on().await?;
        }
        self.end_list(&list)
    }

    async fn files(&mut self) -> Result<()> {
        let mut after = String::new();
        loop {
            let mut conn = self.ctx.db.reader().await?;
            let ids = store::export::file_ids(&mut conn, self.caller.user_id, &after, PAGE).await?;
            drop(conn);
            let Some(last) = ids.last() else { return Ok(()) };
            after.clone_from(last);
            for id in ids {
                self.media(&id).await?;
                self.done += 1;
            }
        }
    }

    /// One file; one that has gone meanwhile is left out.
    async fn media(&mut self, id: &str) -> Result<()> {
        let row = store::media::get(&mut self.ctx.db.reader().await?, id).await?;
        let blobs = &self.ctx.files.blobs;
        let (Some(row), Ok(size)) = (row, blobs.size(id).await) else { return Ok(()) };
        let Ok(mut bytes) = blobs.stream(id, 0..size).await else { return Ok(()) };
        self.begin(&format!("files/{id}/{}", row.name), false)?;
        while let Some(part) = bytes.next().await {
            self.add(&part?)?;
            self.go_on().await?;
        }
        Ok(())
    }
}
