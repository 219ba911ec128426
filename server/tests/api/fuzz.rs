//! Every method with odd input: found by reflection, so that a new method is tried without being named here. Whatever
//! comes, the server answers with a proper refusal, never with a fault of its own, and its data stays whole.

use std::{sync::Arc, time::Duration};

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, MethodDescriptor, Value};
use rookery_client::v1;
use sqlx::Connection;
use tonic::Code;

use crate::{
    corpus,
    harness::{PASSWORD, Person, Process, Store, fault, in_full, promote},
    listener::Listener,
    on_both,
    raw::{Raw, methods, name_of, reason},
    send::Chance,
};

/// So many calls of a method run side by side.
const LANES: u64 = 4;

/// Methods that no guess gets through: they ask for a password, or for a secret of somebody's.
const CLOSED: [&str; 5] = [
    "AccountService/SignIn",
    "AccountService/SignOut",
    "AccountService/ChangePassword",
    "AccountService/DeleteAccount",
    "AccountService/RevokeSession",
];

/// What masks may name.
const MASKED: [&str; 8] = ["name", "public", "about", "display_name", "disabled", "admin", "mute_for", "hidden"];

/// What a guess may name that exists.
#[derive(Clone)]
struct World {
    people: Vec<i64>,
    /// Those who are not to be guessed by chance.
    spared: [i64; 5],
    conversations: Vec<i64>,
    words: Vec<String>,
    media: Vec<String>,
}

fn one<T: Clone>(of: &[T], chance: &mut Chance) -> T {
    of[chance.below(of.len() as u64) as usize].clone()
}

impl World {
    fn number(chance: &mut Chance) -> i64 {
        const EDGES: [i64; 12] =
            [0, -1, 1, 2, i64::MAX, i64::MIN, i32::MAX as i64, i32::MIN as i64, 1 << 53, 100, 1001, 4_000_000_000];
        match chance.below(3) {
            0 => one(&EDGES, chance),
            1 => 1 + chance.below(12).cast_signed(),
            _ => chance.next().cast_signed() >> chance.below(64),
        }
    }

    fn stranger(&self, chance: &mut Chance) -> i64 {
        let number = Self::number(chance);
        if self.spared.contains(&number) { number + 1_000_000 } else { number }
    }

    /// A number that often means something in a field of this name: without it every call would end at its first check.
    fn id(&self, field: &str, chance: &mut Chance) -> i64 {
        match field {
            _ if chance.below(4) == 0 => self.stranger(chance),
            // The newest is there in any case; what came before may have ended the others.
            "conversation_id" | "conversation_ids" if chance.below(2) == 0 => {
                self.conversations[self.conversations.len() - 1]
            }
            "conversation_id" | "conversation_ids" => one(&self.conversations, chance),
            "user_id" | "user_ids" | "member_ids" => one(&self.people, chance),
            "id" | "reply_to" | "message_id" => 1 + chance.below(4).cast_signed(),
            _ => self.stranger(chance),
        }
    }

    fn text(&self, chance: &mut Chance) -> String {
        match chance.below(10) {
            0 | 1 => String::new(),
            2..=5 => one(&self.words, chance),
            6 => "\0".repeat(1 + chance.below(3) as usize),
            7 => "x".repeat(one(&[1, 31, 33, 65, 501, 4001, 20_000], chance)),
            8 => Self::number(chance).to_string(),
            _ => (0..chance.below(40)).map(|_| chance.character()).collect(),
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn value(&self, field: &FieldDescriptor, chance: &mut Chance) -> Value {
        match field.kind() {
            Kind::Bool => Value::Bool(chance.below(2) == 0),
            Kind::Int32 => Value::I32(Self::number(chance) as i32),
            Kind::Int64 => Value::I64(self.id(field.name(), chance)),
            Kind::String if matches!(field.name(), "media_ids" | "avatar" | "id") && chance.below(2) == 0 => {
                Value::String(one(&self.media, chance))
            }
            Kind::String if field.name() == "paths" && chance.below(2) == 0 => {
                Value::String(one(&MASKED, chance).to_owned())
            }
            Kind::String if field.name() == "gif_id" && chance.below(2) == 0 => {
                Value::String(one(&["builtin/cat", "builtin/heart"], chance).to_owned())
            }
            Kind::String => Value::String(self.text(chance)),
            Kind::Bytes => Value::Bytes(self.text(chance).into()),
            Kind::Enum(_) => Value::EnumNumber(Self::number(chance) as i32 % 8),
            Kind::Message(descriptor) => Value::Message(self.message(descriptor, chance)),
            kind => panic!("{kind:?}: teach this test what to guess for it"),
        }
    }

    fn message(&self, descriptor: MessageDescriptor, chance: &mut Chance) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            if chance.below(5) == 0 {
                continue;
            }
            // Texts in a list are few, so that the request is not refused for its size alone.
            let longest = if field.kind() == Kind::String { 3 } else { 1001 };
            let length = one(&[0, 1, 1, 3, 101, 1001], chance).min(longest);
            let value = if field.is_map() {
                let entries = (0..length)
                    .map(|_| (MapKey::I64(self.id("conversation_id", chance)), Value::I64(Self::number(chance))));
                Value::Map(entries.collect())
            } else if field.is_list() {
                Value::List((0..length).map(|_| self.value(&field, chance)).collect())
            } else {
                self.value(&field, chance)
            };
            message.set_field(&field, value);
        }
        message
    }
}

/// An answer that is allowed: anything but a fault of the server, and every error in its full form.
#[track_caller]
fn allowed(name: &str, answer: &Result<Vec<u8>, tonic::Status>) {
    if let Err(status) = answer {
        let faults = [Code::Unknown, Code::Internal, Code::Unavailable, Code::DataLoss];
        assert!(!faults.contains(&status.code()), "{name}: {status:?}");
        assert!(!reason(status).is_empty(), "{name}");
    }
}

/// At every commit a conversation's position is its newest change, and counts are what they count.
async fn assert_whole(store: &Store) {
    const WRONG: &str = "select count(*) from conversations c where c.position <> coalesce((select max(m.changed) from \
        messages m where m.conversation_id = c.id), 0) \
        or c.members <> (select count(*) from memberships p where p.conversation_id = c.id) \
        or c.messages <> (select count(*) from messages m where m.conversation_id = c.id and m.system = 0)";
    let wrong: i64 = if store.database.is_empty() {
        let mut conn = sqlx::SqliteConnection::connect(&store.dir.join("rookery.db").to_string_lossy()).await.unwrap();
        let sound: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut conn).await.unwrap();
        assert_eq!(sound, "ok");
        sqlx::query_scalar(WRONG).fetch_one(&mut conn).await.unwrap()
    } else {
        let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
        sqlx::query_scalar(WRONG).fetch_one(&mut conn).await.unwrap()
    };
    assert_eq!(wrong, 0, "conversations whose counters are wrong");
}

/// Who is called as.
struct Callers {
    ada: Person,
    bob: Person,
    /// An admin.
    rita: Person,
}

/// The same account, with another session if hers has ended: some of what is tried ends sessions.
async fn signed_in(person: &Person, url: &str) -> Person {
    if person.api.get_user(v1::GetUserRequest::default()).await.is_ok() {
        return person.clone();
    }
    let request = v1::SignInRequest { name: person.name.clone(), password: PASSWORD.into(), ..Default::default() };
    let api = rookery_client::Api::new(url, None).unwrap();
    let token = api.sign_in(request).await.unwrap().token;
    Person { api: api.with_token(Some(&token)).unwrap(), token, ..person.clone() }
}

/// In KiB.
fn resident(process: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Calls a method with guesses; how many were accepted.
async fn attack(
    method: MethodDescriptor,
    world: Arc<World>,
    callers: Arc<Callers>,
    raw: Raw,
    rounds: u64,
    seed: u64,
) -> u64 {
    let name = name_of(&method);
    let mut chance = Chance(seed);
    let mut accepted = 0;
    for round in 0..rounds {
        let body = world.message(method.input(), &mut chance).encode_to_vec();
        let admins = name.starts_with("AdminService/");
        let token = match round % 8 {
            0 => None,
            // Signing out would end the test's own session.
            _ if name == "AccountService/SignOut" => Some("rk_nothing"),
            1 => Some(callers.bob.token.as_str()),
            3 => Some(callers.rita.token.as_str()),
            _ if admins => Some(callers.rita.token.as_str()),
            _ => Some(callers.ada.token.as_str()),
        };
        let call = tokio::time::timeout(Duration::from_secs(60), raw.call(token, &name, body));
        let answer = call.await.unwrap_or_else(|_| panic!("{name} does not answer"));
        allowed(&name, &answer);
        let absent = answer.as_ref().is_err_and(|status| status.code() == Code::Unimplemented);
        accepted += u64::from(answer.is_ok() || absent);
    }
    accepted
}

on_both! {
    async fn whatever_is_sent_the_server_answers_well(backend) {
        let store = Store::new(backend).await;
        let log = store.dir.join("stderr");
        let script = "exec \"$@\" 2>\"$0\"";
        let mut server = Process::under(&store, &["sh", "-c", script, &log.to_string_lossy()], "127.0.0.1:0");
        let url = server.url();
        // Those whom an admin may disable and remove have the low numbers that are guessed most.
        let mut prey = Vec::new();
        for n in 0..13 {
            prey.push(Person::register(&url, &format!("prey{n}")).await.id);
        }
        let mut callers = Callers {
            ada: Person::register(&url, "ada").await,
            bob: Person::register(&url, "bob").await,
            rita: Person::register(&url, "rita").await,
        };
        promote(&store, callers.rita.id).await;
        let (cleo, dora) = (Person::register(&url, "cleo").await, Person::register(&url, "dora").await);
        let Callers { ada, bob, .. } = &callers;
        let mut conversations = vec![1, ada.direct(bob).await];
        for n in 0..10 {
            conversations.push(ada.group(&format!("nest {n}"), &[bob], n % 2 == 0).await);
        }
        for conversation in &conversations {
            for n in 0..3 {
                ada.say(*conversation, &format!("message {n}")).await;
            }
        }
        // What belongs to others stays as it is.
        let apart = [cleo.direct(&dora).await, cleo.group("apart", &[&dora], false).await];
        for conversation in apart {
            for n in 0..20 {
                cleo.say(conversation, &format!("ours {n}")).await;
            }
        }
        let theirs = async || (dora.messages(apart[0]).await, dora.messages(apart[1]).await);
        let before = theirs().await;
        let mut words = [
            "name", "public", "about", "display_name", "👍", "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001", "2.1", "message",
            "from:bob message",
        ]
        .map(str::to_owned)
        .to_vec();
        words.push(crate::invite::invite(ada, conversations[3], 0, None).await.unwrap().code);
        let mut media = Vec::new();
        for (person, content) in [(ada, corpus::png(8, 8)), (ada, b"words".to_vec()), (bob, corpus::jpeg(8, 8))] {
            media.push(crate::media::keep(person, "file", content).await.unwrap().id);
        }
        let spared = [ada, bob, &callers.rita, &cleo, &dora].map(|person| person.id);
        let people = vec![ada.id, bob.id];
        let world = World { people, spared, conversations, words, media };
        let on_prey = World { people: prey, ..world.clone() };
        let rounds = if in_full() { 10_000 } else { 1000 };
        let mut at_first = 0;
        // A first lap fills what is kept in memory on purpose.
        for (lap, rounds) in [(0, rounds / 20), (1, rounds)] {
            for (number, method) in methods().into_iter().enumerate() {
                let name = name_of(&method);
                // Whom it removed is gone for the second lap.
                if lap == 0 && name == "AdminService/RemoveAccount" {
                    continue;
                }
                callers = Callers {
                    ada: signed_in(&callers.ada, &url).await,
                    bob: signed_in(&callers.bob, &url).await,
                    rita: signed_in(&callers.rita, &url).await,
                };
                let open = v1::SetRegistrationRequest { mode: v1::RegistrationMode::Open.into() };
                callers.rita.api.set_registration(open).await.unwrap();
                let current = Arc::new(Callers { ada: callers.ada.clone(), bob: callers.bob.clone(), rita: callers.rita.clone() });
                let ears = Listener::open(&callers.ada).await;
                let group = callers.ada.group("anew", &[&callers.bob], false).await;
                callers.ada.say(group, "message").await;
                let code = match name.as_str() {
                    "ConversationService/RevokeInvite" => {
                        Some(crate::invite::invite(&callers.ada, group, 0, None).await.unwrap().code)
                    }
                    "AdminService/RevokeRegistrationInvite" => {
                        let invite = v1::CreateRegistrationInviteRequest::default();
                        let made = callers.rita.api.create_registration_invite(invite).await.unwrap();
                        Some(made.invite.unwrap().code)
                    }
                    _ => None,
                };
                let mut world = if name.starts_with("AdminService/") { on_prey.clone() } else { world.clone() };
                world.conversations.push(group);
                world.words.push(ears.ready.session_id.clone());
                // One of many words: chance alone would hardly find it.
                if let Some(code) = code {
                    world.words = vec![code, "other".into()];
                }
                let world = Arc::new(world);
                // A password that is looked at, or made, costs its hash: minutes in all, which the short form has not.
                let dear = ["SignIn", "ResetPassword", "CreateAccount", "Register"].iter().any(|dear| name.ends_with(dear));
                let rounds = if dear && !in_full() { rounds / 10 } else { rounds };
                let lanes = (0..LANES).map(|lane| {
                    let seed = 0x0dd_ba11 + (number as u64 * LANES + lane) * 7919 + lap;
                    let (world, callers, raw) = (world.clone(), current.clone(), Raw::new(server.address));
                    tokio::spawn(attack(method.clone(), world, callers, raw, rounds / LANES, seed))
                });
                let mut accepted = 0;
                for lane in lanes.collect::<Vec<_>>() {
                    accepted += lane.await.unwrap();
                }
                println!("{name}: {accepted} of {rounds} accepted");
                // What is refused each time tries only the first check.
                assert!(accepted > 0 || lap == 0 || CLOSED.contains(&name.as_str()), "{name} was never let in");
            }
            if lap == 0 {
                at_first = resident(server.id());
            }
        }
        let grown = resident(server.id()) - at_first;
        println!("{grown} KiB more in memory");
        assert!(grown < 50 * 1024, "{grown} KiB");
        assert!(before == theirs().await, "what belongs to others has changed");
        server.signal("TERM");
        assert_eq!(server.ended_within(Duration::from_secs(20)), Some(Some(0)));
        fault::none_in(&log);
        assert_whole(&store).await;
    }

    async fn what_is_no_message_is_refused(backend) {
        let store = Store::new(backend).await;
        let server = Process::start(&store);
        let ada = Person::register(&server.url(), "ada").await;
        let raw = Raw::new(server.address);
        let mut chance = Chance(0xbad);
        let bad_utf8 = [0x0a, 2, 0xff, 0xfe].to_vec();
        for method in methods() {
            let name = name_of(&method);
            for round in 0..30 {
                let body = match round {
                    0 => bad_utf8.clone(),
                    1 => vec![0xff; 300_000],
                    2 => vec![0; 10],
                    _ => (0..chance.below(60)).map(|_| chance.next() as u8).collect(),
                };
                let token = if name == "AccountService/SignOut" { None } else { Some(ada.token.as_str()) };
                let answer = raw.call(token, &name, body).await;
                allowed(&name, &answer);
                if round == 1 {
                    assert!(answer.is_err(), "{name} takes anything of any size");
                }
            }
        }
        // Text that is not UTF-8 is told as what it is: a bad request.
        let mut body = vec![0x08, 1, 0x12, 2];
        body.extend([0xff, 0xfe]);
        let status = raw.call(Some(&ada.token), "MessageService/SendMessage", body).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
        let status = raw.call(Some(&ada.token), "MessageService/SendMessage", vec![0; 300_000]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "LIMIT_REACHED"));
        assert!(ada.api.get_user(v1::GetUserRequest::default()).await.is_ok());
    }
}
