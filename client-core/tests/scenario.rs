//! The reducer's scenarios, one table for every client: tests/scenarios/*.json, where README.md says how to read them.
//! The browser client runs the same ones by the same names.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use rookery_client::{
    Changed, Changes, Connection, Conversation, Mine, Offline, Page, PageAt, Pending, PendingStatus, Restored,
    RestoredConversation, Run, State, Unread, Update,
    v1::{self, event::Kind},
};
use serde_json::{Value, json};

#[test]
fn every_scenario_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let base: Vec<Value> = read(&folder.join("base.json"));
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json") && !path.ends_with("base.json"));
    files.sort();
    let (mut run, mut wrong) = (0, Vec::new());
    for file in files {
        for scenario in read(&file) {
            run += 1;
            let name = format!("{}: {}", file.file_stem().unwrap().to_string_lossy(), text(&scenario["name"]));
            let mut state = State::default();
            let base = if scenario["bare"] == true { &[][..] } else { &base };
            for update in base.iter().chain(list(&scenario["updates"])) {
                state.apply(&to_update(update));
            }
            let mut differences = Vec::new();
            compare(&describe(&state), &scenario["expect"], String::new(), &mut differences);
            wrong.extend(differences.into_iter().map(|difference| format!("{name}{difference}")));
        }
    }
    assert!(run >= 40, "only {run} scenarios were found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn read(path: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All that is expected has to be there; what is not mentioned is free.
fn compare(found: &Value, expected: &Value, place: String, differences: &mut Vec<String>) {
    match expected {
        Value::Object(fields) => {
            for (name, expected) in fields {
                compare(&found[name], expected, format!("{place} / {name}"), differences);
            }
        }
        _ if found != expected => differences.push(format!("{place}: {found} where {expected} is expected")),
        _ => {}
    }
}

/// When the scenarios play, for texts that end.
const NOW: i64 = 1_000_000;

fn describe(state: &State) -> Value {
    let connection = match state.connection() {
        Connection::Connecting => "connecting",
        Connection::CatchingUp => "catchingUp",
        Connection::Online => "online",
        Connection::Offline(_) => "offline",
        Connection::SignedOut => "signedOut",
    };
    let by_id = |conversation: &Conversation| (conversation.id().to_string(), conversation_value(state, conversation));
    let user = |user: &Arc<v1::User>| {
        let presence = state.presence(user.id).as_str_name().trim_start_matches("PRESENCE_STATE_");
        (
            user.id.to_string(),
            json!({ "name": user.display_name, "presence": presence, "says": state.status_text(user.id, NOW) }),
        )
    };
    let upload = |pending: &Arc<Pending>| {
        let (sent, total) = state.upload(&pending.request_id)?;
        Some((pending.request_id.clone(), json!([sent, total])))
    };
    json!({
        "connection": connection,
        "me": state.user_id(),
        "says": state.status().text,
        "hidesLastSeen": state.status().hide_last_seen,
        "status": state.status().kind().as_str_name().trim_start_matches("STATUS_KIND_"),
        "uploads": state.all_pending().filter_map(upload).collect::<serde_json::Map<_, _>>(),
        "unread": state.unread(),
        "blocked": state.blocked().collect::<Vec<_>>(),
        "opened": state.opened(),
        "chats": state.chats().iter().map(|chat| chat.id()).collect::<Vec<_>>(),
        "conversations": state.conversations().map(by_id).collect::<serde_json::Map<_, _>>(),
        "users": state.users().map(user).collect::<serde_json::Map<_, _>>(),
    })
}

fn conversation_value(state: &State, conversation: &Conversation) -> Value {
    let last = conversation.last_message().map(|message| message.id);
    let waiting = state.pending(conversation.id()).iter().map(|pending| match &pending.status {
        PendingStatus::Sending => format!("{} sending", pending.request_id),
        PendingStatus::Failed(why) => format!("{} failed: {why}", pending.request_id),
    });
    json!({
        "title": state.title(conversation),
        "name": conversation.name(),
        "owner": conversation.owner_id(),
        "icon": conversation.icon(),
        "history": conversation.history().as_str_name().trim_start_matches("HISTORY_RULE_"),
        "ownerManages": conversation.owner_manages(),
        "cursor": conversation.cursor(),
        "unread": conversation.unread(),
        "unreadMentions": conversation.unread_mentions(),
        "pinned": conversation.pinned().collect::<Vec<_>>(),
        "mutedUntil": conversation.muted_until().map(|at| at.seconds),
        "hidden": conversation.is_hidden(),
        "readPosition": conversation.read_position(),
        "lastMessage": last,
        "typing": conversation.typing(),
        "following": conversation.following(),
        "loading": conversation.loading().len(),
        "failed": conversation.failed().map(|(_, why)| why),
        "pending": waiting.collect::<Vec<_>>(),
        "run": conversation.run().map(run_value),
    })
}

fn run_value(run: &Run) -> Value {
    let reactions = |message: &v1::Message| -> Vec<_> {
        let own = |reaction: &v1::Reaction| if reaction.mine { "mine" } else { "others" };
        let each = message.reactions.iter();
        each.map(|reaction| format!("{} {} {}", reaction.emote, reaction.count, own(reaction))).collect()
    };
    let names = |message: &v1::Message| -> Value { message.attachments.iter().map(|file| file.name.clone()).collect() };
    let mentions =
        |message: &v1::Message| -> Value { message.mentions.iter().map(|mention| mention.user_id).collect() };
    let messages = || run.messages().map(|message| (message.id.to_string(), message));
    let texts =
        messages().map(|(id, message)| (id, if message.deleted { Value::Null } else { message.text.clone().into() }));
    json!({
        "ids": run.messages().map(|message| message.id).collect::<Vec<_>>(),
        "count": run.len(),
        "first": run.first_id(),
        "last": run.last_id(),
        "moreBefore": run.more_before(),
        "moreAfter": run.more_after(),
        "texts": texts.collect::<serde_json::Map<_, _>>(),
        "attachments": messages().map(|(id, message)| (id, names(message))).collect::<serde_json::Map<_, _>>(),
        "mentions": messages().map(|(id, message)| (id, mentions(message))).collect::<serde_json::Map<_, _>>(),
        "reactions": messages().map(|(id, message)| (id, reactions(message).into())).collect::<serde_json::Map<_, _>>(),
    })
}

fn to_update(value: &Value) -> Update {
    let (kind, value) = value.as_object().and_then(|fields| fields.iter().next()).expect("an update has a kind");
    let conversation_id = || number(&value["conversationId"]);
    match kind.as_str() {
        "ready" => event(0, 0, 0, Kind::Ready(proto("Ready", value))),
        "caughtUp" => event(0, 0, 0, Kind::CaughtUp(v1::CaughtUp {})),
        "event" => Update::EventReceived(Arc::new(proto("SubscribeResponse", value))),
        // A message in the stream, the next change of its conversation after `after`.
        "message" => {
            let after = value["after"].as_i64();
            let mut fields = value.clone();
            fields.as_object_mut().unwrap().remove("after");
            let message: v1::Message = proto("Message", &fields);
            let (id, position) = (message.conversation_id, message.changed);
            let changed = v1::MessageChanged { message: Some(message) };
            event(id, after.unwrap_or(position - 1), position, Kind::MessageChanged(changed))
        }
        "changes" => {
            let mut fields = value.clone();
            fields.as_object_mut().unwrap().remove("conversationId");
            let answer: v1::ListChangesResponse = proto("ListChangesResponse", &fields);
            let v1::ListChangesResponse { position, messages, users, .. } = answer;
            Update::ChangesLoaded(Arc::new(Changes { conversation_id: conversation_id(), position, messages, users }))
        }
        "conversation" => Update::ConversationLoaded(Arc::new(proto("GetConversationResponse", value))),
        "users" => {
            let mut fields = value.clone();
            let as_of =
                fields.as_object_mut().unwrap().remove("asOf").and_then(|count| count.as_u64()).unwrap_or(u64::MAX);
            Update::UsersLoaded { as_of, answer: Arc::new(proto("GetUsersResponse", &fields)) }
        }
        "pageRequested" => Update::PageRequested { conversation_id: conversation_id(), at: page_at(&value["at"]) },
        "pageFailed" => {
            let why = text(&value["why"]).to_owned();
            Update::PageFailed { conversation_id: conversation_id(), at: page_at(&value["at"]), why }
        }
        "page" => Update::PageLoaded(Arc::new(Page {
            conversation_id: conversation_id(),
            at: page_at(&value["at"]),
            messages: messages(conversation_id(), &value["messages"]),
            users: Vec::new(),
            more_before: value["moreBefore"] == true,
            more_after: value["moreAfter"] == true,
            changes: changes(conversation_id(), &value["changes"]),
        })),
        "answer" => Update::MessageLoaded(Arc::new(proto("Message", value))),
        "opened" => Update::ConversationOpened(number(value)),
        "following" => {
            Update::FollowingChanged { conversation_id: conversation_id(), following: value["following"] == true }
        }
        "read" => Update::ReadMoved {
            conversation_id: conversation_id(),
            read_position: number(&value["readPosition"]),
            unread: value["unread"].as_i64().map(|messages| {
                let mentions = value["unreadMentions"].as_i64().unwrap_or(0);
                Unread { messages, mentions }
            }),
        },
        "pending" => Update::PendingChanged(pending(value)),
        "pendingRemoved" => Update::PendingRemoved {
            conversation_id: conversation_id(),
            request_id: text(&value["requestId"]).to_owned(),
        },
        "uploadProgressed" => Update::UploadProgressed {
            conversation_id: conversation_id(),
            request_id: text(&value["requestId"]).to_owned(),
            sent: number(&value["sent"]).unsigned_abs(),
            total: number(&value["total"]).unsigned_abs(),
        },
        "typingExpired" => Update::TypingExpired(number(value)),
        "offline" => {
            let offline = Offline { retry_at: std::time::Instant::now(), why: String::new() };
            Update::ConnectionChanged(Connection::Offline(offline))
        }
        "restored" => {
            let kept = |value: &Value| RestoredConversation {
                conversation: proto("Conversation", &value["conversation"]),
                cursor: value["cursor"].as_i64(),
            };
            Update::Restored(Arc::new(Restored {
                user_id: number(&value["userId"]),
                history_id: text(&value["historyId"]).to_owned(),
                conversations: list(&value["conversations"]).iter().map(kept).collect(),
                users: list(&value["users"]).iter().map(|user| proto("User", user)).collect(),
                blocked: list(&value["blocked"]).iter().map(number).collect(),
                pending: list(&value["pending"]).iter().map(pending).collect(),
            }))
        }
        other => panic!("no update is called {other}"),
    }
}

fn event(conversation_id: i64, after: i64, position: i64, kind: Kind) -> Update {
    let event = Some(v1::Event { kind: Some(kind) });
    Update::EventReceived(Arc::new(v1::SubscribeResponse { conversation_id, after, position, event }))
}

fn pending(value: &Value) -> Arc<Pending> {
    let failed = value["failed"].as_str().map(|why| PendingStatus::Failed(why.to_owned()));
    Arc::new(Pending {
        request_id: text(&value["requestId"]).to_owned(),
        conversation_id: number(&value["conversationId"]),
        text: String::new(),
        reply_to: 0,
        attachments: Vec::new(),
        written_at: SystemTime::UNIX_EPOCH,
        status: failed.unwrap_or(PendingStatus::Sending),
    })
}

fn page_at(value: &Value) -> PageAt {
    match value {
        Value::Object(at) if at.contains_key("before") => PageAt::Before(number(&at["before"])),
        Value::Object(at) if at.contains_key("after") => PageAt::After(number(&at["after"])),
        Value::Object(at) => PageAt::Around(number(&at["around"])),
        _ => PageAt::Newest,
    }
}

/// Messages in full, or `[from, to]`: one of user 2 for each number.
fn messages(conversation_id: i64, value: &Value) -> Vec<Arc<v1::Message>> {
    match list(value) {
        [from, to] if from.is_i64() => (number(from)..=number(to))
            .map(|id| Arc::new(v1::Message { conversation_id, id, changed: id, author_id: 2, ..Default::default() }))
            .collect(),
        all => all.iter().map(|message| Arc::new(proto("Message", message))).collect(),
    }
}

/// The same, as live events.
fn changes(conversation_id: i64, value: &Value) -> Vec<Changed> {
    let messages = messages(conversation_id, value).into_iter();
    messages.map(|message| Changed { message, mine: Mine::Untold }).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// A message of the protocol from proto3 JSON.
fn proto<T: prost::Message + Default>(name: &str, value: &Value) -> T {
    let pool = DescriptorPool::decode(rookery_api::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name(&format!("rookery.v1.{name}")).unwrap();
    let message =
        DynamicMessage::deserialize(descriptor, value).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
    T::decode(&message.encode_to_vec()[..]).unwrap()
}
