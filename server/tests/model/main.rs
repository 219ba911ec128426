//! The client's promise: what it has kept, after any actions, cuts and resumes, is what a fresh look at the server shows.

#![allow(clippy::unwrap_used)]

#[path = "../harness/device.rs"]
mod device;
#[path = "../harness/harness.rs"]
mod harness;

use std::{collections::BTreeMap, sync::Arc};

use device::Device;
use futures::StreamExt;
use harness::{Backend, Person, Served};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use rookery_client::{Api, State, v1};

const GLOBAL: i64 = 1;
const PEOPLE: usize = 3;

/// How many cases of how many steps.
fn size() -> (u64, usize) {
    if harness::in_full() { (2000, 50) } else { (60, 30) }
}

/// What a person can see, in a form that two ways of looking can be compared in.
#[derive(Debug, PartialEq)]
struct Picture {
    chats: BTreeMap<i64, Chat>,
    /// Whom she blocks.
    blocked: Vec<i64>,
    /// The newest messages of the conversation that is open.
    open: Vec<Seen>,
}

/// A chat as it is listed.
#[derive(Debug, PartialEq)]
struct Chat {
    name: String,
    owner: i64,
    public: bool,
    history: v1::HistoryRule,
    read_position: i64,
    unread: i64,
    muted_until: Option<prost_types::Timestamp>,
    last: Option<Seen>,
}

/// A message as it is drawn: id, version, author, text, deleted, answered message, reactions.
type Seen = (i64, i64, i64, String, bool, i64, Vec<(String, i32, Vec<i64>, bool)>);

fn seen(message: &v1::Message) -> Seen {
    let reactions = message.reactions.iter();
    let reactions = reactions.map(|r| (r.emote.clone(), r.count, r.user_ids.clone(), r.mine)).collect();
    let text = match &message.system {
        Some(line) => format!("{:?}", line),
        None => message.text.clone(),
    };
    (message.id, message.changed, message.author_id, text, message.deleted, message.reply_to, reactions)
}

/// Lists call the chat by its last message; whether its reactions are one's own does not show there.
fn preview(message: &v1::Message) -> Seen {
    let mut seen = seen(message);
    seen.6.clear();
    seen
}

/// What the client has kept. Where it has loaded only the newest messages, `newest` says how many there are.
fn kept(state: &State, open: i64, newest: &mut usize) -> Picture {
    let mut chats = BTreeMap::new();
    for chat in state.chats() {
        let last = chat.last_message().filter(|_| chat.kind() != v1::ConversationKind::Unspecified);
        if chat.kind() == v1::ConversationKind::Direct && last.is_none() {
            continue;
        }
        let of = Chat {
            name: chat.name().to_owned(),
            owner: chat.owner_id(),
            public: chat.public(),
            history: chat.history(),
            read_position: chat.read_position(),
            unread: chat.unread(),
            muted_until: chat.muted_until().copied(),
            last: last.map(|message| preview(message)),
        };
        chats.insert(chat.id(), of);
    }
    let run = state.conversation(open).and_then(|chat| chat.run());
    let messages: Vec<Seen> = run.map(|run| run.messages().map(|message| seen(message)).collect()).unwrap_or_default();
    if run.is_some_and(|run| run.more_before()) {
        *newest = (*newest).min(messages.len());
    }
    let skip = messages.len().saturating_sub(*newest);
    Picture { chats, blocked: state.blocked().collect(), open: messages[skip..].to_vec() }
}

/// What the server shows to somebody who has just come.
async fn fresh(person: &Person, open: i64) -> Picture {
    let request = v1::ListConversationsRequest { page_size: 100, ..Default::default() };
    let list = person.api.list_conversations(request).await.unwrap();
    assert_eq!(list.next_page_token, "", "the model stays small");
    let mut chats = BTreeMap::new();
    for chat in list.conversations {
        let mine = chat.mine.unwrap();
        let of = Chat {
            owner: chat.owner_id,
            public: chat.public,
            history: chat.history(),
            read_position: mine.read_position,
            unread: mine.unread,
            muted_until: mine.muted_until,
            last: chat.last_message.as_ref().map(preview),
            name: chat.name,
        };
        chats.insert(chat.id, of);
    }
    let list = person.api.list_blocked(v1::ListBlockedRequest::default()).await.unwrap().blocked;
    let mut blocked: Vec<i64> = list.into_iter().map(|blocked| blocked.user.unwrap().id).collect();
    blocked.sort_unstable();
    let mut messages = Vec::new();
    if chats.contains_key(&open) {
        messages = person.messages(open).await.iter().map(seen).collect();
    }
    Picture { chats, blocked, open: messages }
}

/// One person in the model.
struct Player {
    person: Person,
    profile: String,
    device: Option<Device>,
    open: i64,
    /// The last send, to be repeated.
    last: Option<v1::SendMessageRequest>,
}

impl Player {
    async fn compare(&mut self, log: &[String]) {
        let (Some(device), person, open) = (&mut self.device, &self.person, self.open) else { return };
        let start = std::time::Instant::now();
        loop {
            let calm = device.reaches(|state| {
                *state.connection() == rookery_client::Connection::Online
                    && state.all_pending().all(|pending| pending.status != rookery_client::PendingStatus::Sending)
            });
            let _ = calm.await;
            let mut server = fresh(person, open).await;
            let state: Arc<State> = device.state();
            let mut newest = server.open.len();
            let client = kept(&state, open, &mut newest);
            server.open.drain(..server.open.len() - newest);
            // A conversation that is not open any more on this device has no messages loaded.
            let same_messages = client.open == server.open || !state.opened().contains(&open);
            if client.chats == server.chats && client.blocked == server.blocked && same_messages {
                return;
            }
            if start.elapsed() > device::PATIENCE {
                panic!("{} has kept {client:#?}\nbut a fresh look shows {server:#?}\nafter {log:#?}", person.name);
            }
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
    }
}

async fn direct(api: &Api, user_id: i64) -> i64 {
    api.open_direct(v1::OpenDirectRequest { user_id }).await.unwrap().conversation.unwrap().id
}

/// Hides a chat, or mutes it for an hour, by another device than the model's.
async fn place_in(api: &Api, conversation_id: i64, path: &str) -> Result<(), rookery_client::Error> {
    let request = v1::UpdateMembershipRequest {
        conversation_id,
        hidden: true,
        mute_for: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.into()] }),
    };
    api.update_membership(request).await.map(drop)
}

struct Model {
    server: Served,
    players: Vec<Player>,
    groups: Vec<i64>,
    rng: StdRng,
    log: Vec<String>,
}

impl Model {
    async fn new(backend: Backend, seed: u64) -> Self {
        let server = Served::start(backend).await;
        let mut players = Vec::new();
        for name in ["ada", "bob", "cyd"] {
            let person = server.user(name).await;
            let device = Device::start(&server.store.dir, &server.url(), &person, name).await;
            device.client.open(GLOBAL);
            players.push(Player { person, profile: name.into(), device: Some(device), open: GLOBAL, last: None });
        }
        Self { server, players, groups: Vec::new(), rng: StdRng::seed_from_u64(seed), log: Vec::new() }
    }

    /// Two new groups: one private, one public.
    async fn begin(&mut self) {
        let [ada, bob, _] = &self.players[..] else { unreachable!("there are three") };
        let private = ada.person.group("private", &[&bob.person], false).await;
        let public = bob.person.group("public", &[], true).await;
        self.groups = vec![private, public];
        self.log = vec![format!("groups {private} {public}")];
    }

    fn any(&mut self, among: &[i64]) -> i64 {
        *among.choose(&mut self.rng).unwrap()
    }

    /// One random thing that one of them does. What the server refuses is part of the game.
    async fn step(&mut self) {
        let who = self.rng.random_range(0..PEOPLE);
        let other = self.players[(who + self.rng.random_range(1..PEOPLE)) % PEOPLE].person.id;
        let person = self.players[who].person.clone();
        let api = &person.api;
        let places = [GLOBAL, self.groups[0], self.groups[1]];
        let place = self.any(&places);
        let group = self.any(&places[1..]);
        let number: u32 = self.rng.random();
        let known = match api
            .list_messages(v1::ListMessagesRequest { conversation_id: place, page_size: 8, ..Default::default() })
            .await
        {
            Ok(page) => page.messages,
            Err(_) => Vec::new(),
        };
        let some = known.choose(&mut self.rng).cloned();
        let what = self.rng.random_range(0..27);
        self.log.push(format!(
            "{} does {what} in {place} or {group}, with {other} and {:?}",
            person.name,
            some.as_ref().map(|m| m.id)
        ));
        let refused = match (what, some) {
            (0..=3, _) => {
                let player = &mut self.players[who];
                let text = format!("said {number}");
                if let Some(device) = &player.device {
                    device.client.send(place, text, 0);
                } else {
                    let request = v1::SendMessageRequest {
                        conversation_id: place,
                        text,
                        request_id: uuid::Builder::from_random_bytes(u128::from(number).to_be_bytes())
                            .into_uuid()
                            .to_string(),
                        ..Default::default()
                    };
                    player.last = Some(request.clone());
                    let _ = api.send_message(request).await;
                }
                Ok(())
            }
            (4, Some(message)) => api
                .send_message(v1::SendMessageRequest {
                    conversation_id: place,
                    text: format!("answer {number}"),
                    reply_to: message.id,
                    ..Default::default()
                })
                .await
                .map(drop),
            (5, _) => match self.players[who].last.clone() {
                Some(request) => api.send_message(request).await.map(drop),
                None => Ok(()),
            },
            (6, Some(message)) => api
                .edit_message(v1::EditMessageRequest {
                    conversation_id: place,
                    id: message.id,
                    text: format!("edited {number}"),
                })
                .await
                .map(drop),
            (7, Some(message)) => {
                api.delete_message(v1::DeleteMessageRequest { conversation_id: place, id: message.id }).await.map(drop)
            }
            (8, Some(message)) => api
                .add_reaction(v1::AddReactionRequest {
                    conversation_id: place,
                    id: message.id,
                    emote: ["👍", "🎉"][number as usize % 2].into(),
                })
                .await
                .map(drop),
            (9, Some(message)) => api
                .remove_reaction(v1::RemoveReactionRequest {
                    conversation_id: place,
                    id: message.id,
                    emote: ["👍", "🎉"][number as usize % 2].into(),
                })
                .await
                .map(drop),
            (10, Some(message)) => {
                api.mark_read(v1::MarkReadRequest { conversation_id: place, id: message.id }).await.map(drop)
            }
            (11, Some(message)) => {
                api.mark_unread(v1::MarkUnreadRequest { conversation_id: place, id: message.id }).await.map(drop)
            }
            (12, _) => api
                .leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: number.is_multiple_of(2) })
                .await
                .map(drop),
            (13, _) => api
                .join_group(v1::JoinGroupRequest { by: Some(v1::join_group_request::By::ConversationId(group)) })
                .await
                .map(drop),
            (14, _) => {
                api.add_members(v1::AddMembersRequest { conversation_id: group, user_ids: vec![other] }).await.map(drop)
            }
            (15, _) => {
                api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: other }).await.map(drop)
            }
            (16, _) => api
                .update_group(v1::UpdateGroupRequest {
                    conversation_id: group,
                    name: format!("name {}", number % 100),
                    public: number.is_multiple_of(2),
                    update_mask: Some(prost_types::FieldMask {
                        paths: vec![["name", "public"][number as usize / 2 % 2].into()],
                    }),
                    ..Default::default()
                })
                .await
                .map(drop),
            (17, _) => {
                let id = direct(api, other).await;
                api.send_message(v1::SendMessageRequest {
                    conversation_id: id,
                    text: format!("between us {number}"),
                    ..Default::default()
                })
                .await
                .map(drop)
            }
            (18, _) => {
                // Gone, or back with what the disk has kept.
                let player = &mut self.players[who];
                match player.device.take() {
                    Some(device) => device.end().await,
                    None => {
                        let device = Device::again(&self.server.store.dir, &player.profile).await;
                        device.client.open(player.open);
                        player.device = Some(device);
                    }
                }
                Ok(())
            }
            (19, _) => {
                let player = &mut self.players[who];
                if let Some(device) = &player.device {
                    device.client.open(place);
                    player.open = place;
                }
                Ok(())
            }
            (20, _) => {
                // Its device says so, or another one.
                let id = direct(api, other).await;
                match &self.players[who].device {
                    Some(device) if number.is_multiple_of(2) => device.client.hide(id).await,
                    _ => place_in(api, id, "hidden").await,
                }
            }
            (21, _) => {
                // What happens in a chat that is hidden for one of the two, and is no new message.
                let id = direct(api, other).await;
                let request = v1::ListMessagesRequest { conversation_id: id, page_size: 8, ..Default::default() };
                let messages = api.list_messages(request).await.unwrap().messages;
                match messages.choose(&mut self.rng) {
                    Some(message) if message.author_id == person.id => {
                        let text = format!("edited {number}");
                        api.edit_message(v1::EditMessageRequest { conversation_id: id, id: message.id, text })
                            .await
                            .map(drop)
                    }
                    Some(message) => {
                        let emote = "👀".into();
                        api.add_reaction(v1::AddReactionRequest { conversation_id: id, id: message.id, emote })
                            .await
                            .map(drop)
                    }
                    None => Ok(()),
                }
            }
            (22, _) => match &self.players[who].device {
                Some(device) => device.client.mute(place, std::time::Duration::from_secs((number % 3).into())).await,
                None => place_in(api, place, "mute_for").await,
            },
            (23, _) => match &self.players[who].device {
                Some(device) => device.client.block(other).await,
                None => api.block_user(v1::BlockUserRequest { user_id: other }).await.map(drop),
            },
            (24, _) => match &self.players[who].device {
                Some(device) => device.client.unblock(other).await,
                None => api.unblock_user(v1::UnblockUserRequest { user_id: other }).await.map(drop),
            },
            (25, _) => {
                let request = v1::TransferOwnershipRequest { conversation_id: group, user_id: other };
                api.transfer_ownership(request).await.map(drop)
            }
            (26, _) => {
                let rule = if number.is_multiple_of(2) { v1::HistoryRule::All } else { v1::HistoryRule::SinceJoining };
                let update_mask = Some(prost_types::FieldMask { paths: vec!["history".into()] });
                let history = rule.into();
                let request =
                    v1::UpdateGroupRequest { conversation_id: group, history, update_mask, ..Default::default() };
                api.update_group(request).await.map(drop)
            }
            _ => Ok(()),
        };
        if let Err(error) = refused {
            assert!(error.is_no(), "{error:?} after {:#?}", self.log);
        }
    }

    /// Each client that runs comes to show what a fresh look shows.
    async fn compare(&mut self) {
        let log = &self.log;
        futures::future::join_all(self.players.iter_mut().map(|player| player.compare(log))).await;
    }

    async fn play(&mut self, steps: usize) {
        self.begin().await;
        self.compare().await;
        for _ in 0..steps {
            self.step().await;
            self.compare().await;
        }
    }
}

on_both! {
    async fn what_a_client_has_kept_is_what_a_fresh_one_sees(backend) {
        let (cases, steps) = size();
        let seed: u64 = std::env::var("ROOKERY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
        println!("ROOKERY_SEED={seed} repeats this run");
        // A server and its people serve ten cases: what earlier ones left behind is part of the later ones. Most of the time
        // all wait for each other, so several servers are played with at once.
        let rounds = (0..cases.div_ceil(10)).map(|round| async move {
            let mut model = Model::new(backend, seed.wrapping_add(round)).await;
            for _ in 0..10.min(cases - round * 10) {
                model.play(steps).await;
            }
            for player in &mut model.players {
                if let Some(device) = player.device.take() {
                    device.end().await;
                }
            }
            model.server.stop().await;
        });
        futures::stream::iter(rounds).buffer_unordered(6).collect::<()>().await;
    }
}
