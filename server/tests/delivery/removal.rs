//! D04, E09, E10: rights end at once, also on a stream that is open.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::RngExt;
use rookery_client::{
    Api, Code, Error, EventStream,
    v1::{self, event::Kind},
};

use crate::{
    harness::{PASSWORD, Person, Served, in_full, patience},
    ledger::Ledger,
    on_both,
    traffic::{Writers, chance, people, within},
};

/// All numbered events of one conversation, and where it was said that it is gone; until nothing came for `quiet` after
/// that, or the stream ended.
struct Heard {
    positions: Vec<i64>,
    removed_after: Option<usize>,
    removed_at: Option<Instant>,
    elsewhere: usize,
}

async fn hear(stream: &mut EventStream, conversation_id: i64, quiet: Duration) -> Heard {
    let mut heard = Heard { positions: Vec::new(), removed_after: None, removed_at: None, elsewhere: 0 };
    while heard.removed_at.is_none_or(|at| at.elapsed() < quiet) {
        let Ok(next) = tokio::time::timeout(Duration::from_secs(20), stream.next()).await else { break };
        let Some(response) = next.unwrap() else { break };
        match response.event.unwrap().kind.unwrap() {
            Kind::ConversationRemoved(gone) if gone.conversation_id == conversation_id => {
                heard.removed_after = Some(heard.positions.len());
                heard.removed_at = Some(Instant::now());
            }
            Kind::ConversationChanged(changed) => {
                let id = changed.conversation.unwrap().id;
                assert!(heard.removed_at.is_none() || id != conversation_id, "told of the group after the removal");
            }
            _ if response.conversation_id == conversation_id && response.position > 0 => {
                heard.positions.push(response.position);
            }
            _ => heard.elsewhere += 1,
        }
    }
    heard
}

async fn subscribe(person: &Person) -> EventStream {
    let request = v1::SubscribeRequest { only: vec![v1::EventKind::Messages.into()], ..Default::default() };
    person.api.subscribe(request).await.unwrap()
}

async fn next(stream: &mut EventStream) -> Result<v1::SubscribeResponse, Error> {
    let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
    next.expect("the stream says nothing").transpose().expect("the stream ended in order")
}

async fn catch_up(stream: &mut EventStream) {
    while !matches!(next(stream).await.unwrap().event.unwrap().kind.unwrap(), Kind::CaughtUp(_)) {}
}

/// The numbers of what is said to all on a stream until it ends; how it ends, and when.
async fn hear_to_the_end(mut stream: EventStream) -> (Vec<i64>, Code, Instant) {
    let mut heard = Vec::new();
    loop {
        match next(&mut stream).await {
            Ok(response) if response.conversation_id == 1 && response.position > 0 => heard.push(response.position),
            Ok(_) => {}
            Err(error) => return (heard, error.code, Instant::now()),
        }
    }
}

/// The same person on one more device.
async fn device(server: &Served, of: &Person) -> Person {
    let request = v1::SignInRequest { name: of.name.clone(), password: PASSWORD.into(), ..Default::default() };
    let token = server.anonymous().sign_in(request).await.unwrap().token;
    Person { api: Api::new(&server.url(), Some(&token)).unwrap(), token, ..of.clone() }
}

/// What ends a session.
#[derive(Clone, Copy, Debug)]
enum Way {
    SignOut,
    RevokeOthers,
    ChangePassword,
    EndByAdmin,
}

const WAYS: [Way; 4] = [Way::SignOut, Way::RevokeOthers, Way::ChangePassword, Way::EndByAdmin];

impl Way {
    /// Ends the session of one of her devices: by itself, by another one of hers, or by an admin.
    async fn end(self, device: &Person, other: &Person, admin: &Person) {
        let ended = match self {
            Self::SignOut => device.api.sign_out(v1::SignOutRequest {}).await.map(drop),
            Self::RevokeOthers => {
                let revoke = v1::RevokeSessionRequest { session_id: String::new(), all_others: true };
                other.api.revoke_session(revoke).await.map(drop)
            }
            Self::ChangePassword => {
                let change = v1::ChangePasswordRequest {
                    password: PASSWORD.into(),
                    new_password: "another horse entirely".into(),
                    keep_tokens: false,
                };
                other.api.change_password(change).await.map(drop)
            }
            Self::EndByAdmin => admin.api.end_sessions(v1::EndSessionsRequest { user_id: device.id }).await.map(drop),
        };
        ended.unwrap();
    }
}

async fn remove(owner: &Person, conversation_id: i64, user_id: i64) {
    owner.api.remove_member(v1::RemoveMemberRequest { conversation_id, user_id }).await.map(drop).unwrap();
}

/// The id of the newest line of this kind.
async fn line(person: &Person, conversation_id: i64, kind: v1::SystemKind) -> i64 {
    let mut at = None;
    loop {
        let request = v1::ListMessagesRequest { conversation_id, page_size: 100, at };
        let page = person.api.list_messages(request).await.unwrap();
        let is_it = |message: &&v1::Message| message.system.as_ref().is_some_and(|line| line.kind() == kind);
        if let Some(found) = page.messages.iter().rev().find(is_it) {
            return found.id;
        }
        at = Some(v1::list_messages_request::At::Before(page.messages[0].id));
    }
}

on_both! {
    // D04
    async fn a_member_removed_while_streaming_hears_nothing_from_after_it(backend) {
        let server = Served::start(backend).await;
        hears_nothing_more(&server.url()).await;
        server.stop().await;
    }

    async fn a_member_removed_while_she_subscribes_hears_nothing_from_after_it(backend) {
        let rounds = if in_full() { 500 } else { 60 };
        let mut chance = chance("removal race");
        let server = Served::start(backend).await;
        let (owner, bob) = (server.user("owner").await, server.user("bob").await);
        let group = owner.group("group", &[], false).await;
        for round in 0..rounds {
            let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
            owner.api.add_members(add).await.map(drop).unwrap();
            let wait = Duration::from_micros(chance.random_range(0..4_000));
            let open = async {
                tokio::time::sleep(wait).await;
                subscribe(&bob).await
            };
            let ((), mut stream) = tokio::join!(remove(&owner, group, bob.id), open);
            let line = line(&owner, group, v1::SystemKind::Removed).await;
            for text in ["secret", "secret too"] {
                owner.say(group, text).await;
            }
            let end = owner.say(1, "end").await;
            loop {
                let response = next(&mut stream).await.unwrap();
                if let Some(Kind::Ready(ready)) = response.event.as_ref().and_then(|event| event.kind.as_ref()) {
                    let known = ready.conversations.iter().find(|conversation| conversation.id == group);
                    assert!(known.is_none_or(|known| known.position < line), "round {round}: Ready knows too much");
                    // The end may be part of Ready.
                    if ready.conversations.iter().any(|known| known.id == 1 && known.position >= end.id) {
                        break;
                    }
                }
                let of_group = response.conversation_id == group && response.position >= line;
                assert!(!of_group, "round {round}: removed at {line}, she is sent {response:?}");
                if response.conversation_id == 1 && response.position >= end.id {
                    break;
                }
            }
        }
        server.stop().await;
    }

    async fn a_member_who_leaves_is_out_on_all_her_devices_and_back_when_added(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[&bob], false).await;
        let mut streams = [subscribe(&bob).await, subscribe(&bob).await];
        for stream in &mut streams {
            catch_up(stream).await;
        }
        ada.say(group, "before").await;
        let leave = v1::LeaveGroupRequest { conversation_id: group, silent: false };
        bob.api.leave_group(leave).await.map(drop).unwrap();
        ada.say(group, "without him").await;
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.map(drop).unwrap();
        let last = ada.say(group, "with him").await;
        for stream in &mut streams {
            let mut heard = Vec::new();
            let mut removed = 0;
            loop {
                match next(stream).await.unwrap().event.unwrap().kind.unwrap() {
                    Kind::ConversationRemoved(_) => removed += 1,
                    Kind::MessageChanged(changed) => {
                        let message = changed.message.unwrap();
                        heard.push(message.text.clone());
                        if message.id == last.id {
                            break;
                        }
                    }
                    _ => {}
                }
            }
            assert_eq!(removed, 1);
            // Her joining line has no text; her leaving line is not for her any more.
            assert_eq!(heard, ["before", "", "with him"]);
        }
        drop(streams);
        server.stop().await;
    }

    async fn signing_out_ends_the_streams_of_that_session_alone(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let other = device(&server, &ada).await;
        let mut ended = [subscribe(&ada).await, subscribe(&ada).await];
        let mut going = subscribe(&other).await;
        catch_up(&mut going).await;
        ada.api.sign_out(v1::SignOutRequest {}).await.map(drop).unwrap();
        let begun = Instant::now();
        for stream in &mut ended {
            assert_eq!(ending(stream).await, Code::Unauthenticated);
        }
        let took = begun.elapsed();
        println!("{backend:?}: her streams ended after {took:?}");
        assert!(took <= patience(Duration::from_secs(2)), "it took {took:?}");
        let error = ada.api.get_user(v1::GetUserRequest::default()).await.unwrap_err();
        assert_eq!(error.code, Code::Unauthenticated);
        let sent = other.say(1, "still here").await;
        loop {
            let response = next(&mut going).await.unwrap();
            if response.conversation_id == 1 && response.position == sent.id {
                break;
            }
        }
        drop(going);
        server.stop().await;
    }

    // E09, E10
    async fn whatever_ends_a_session_ends_its_streams_with_nothing_from_after_it(backend) {
        let rounds = if in_full() { 10 } else { 1 };
        let mut chance = chance("ended sessions");
        let server = Served::start(backend).await;
        let admin = server.admin("rita").await;
        let writers = people(&server.url(), "writer", 4).await;
        let ledger = Arc::new(Ledger::default());
        let writing = Writers::start(&ledger, &writers, &[1], Duration::from_millis(2), &mut chance);
        let (mut slowest, mut events) = (Duration::ZERO, 0);
        for (number, way) in WAYS.repeat(rounds).into_iter().enumerate() {
            let ada = server.user(&format!("ada{number}")).await;
            let other = device(&server, &ada).await;
            let mut listening = Vec::new();
            for _ in 0..2 {
                let mut stream = subscribe(&ada).await;
                catch_up(&mut stream).await;
                listening.push(tokio::spawn(hear_to_the_end(stream)));
            }
            tokio::time::sleep(Duration::from_millis(chance.random_range(50..150))).await;
            way.end(&ada, &other, &admin).await;
            let ended = Instant::now();
            let after = admin.say(1, "from after it").await;
            for task in listening {
                let heard = tokio::time::timeout(Duration::from_secs(60), task).await;
                let (heard, code, at) = heard.unwrap_or_else(|_| panic!("{way:?}: a stream lives on")).unwrap();
                assert_eq!(code, Code::Unauthenticated, "{way:?}");
                let late = heard.iter().filter(|position| **position >= after.id).count();
                assert_eq!(late, 0, "{way:?}: she hears {late} events from after it");
                events += heard.len();
                slowest = slowest.max(at.saturating_duration_since(ended));
            }
        }
        writing.stop().await;
        println!("{backend:?}: {events} events, the last stream ended after {slowest:?}");
        assert!(events > WAYS.len() * rounds, "only {events} events: this shows nothing");
        assert!(slowest <= patience(Duration::from_secs(2)), "a stream ended only after {slowest:?}");
        server.stop().await;
    }

    async fn a_session_signed_out_while_it_is_used_for_the_first_time_is_dead(backend) {
        let rounds = if in_full() { 300 } else { 40 };
        let mut chance = chance("sign-out race");
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for round in 0..rounds {
            let request = v1::SignInRequest { name: "ada".into(), password: PASSWORD.into(), ..Default::default() };
            let token = server.anonymous().sign_in(request).await.unwrap().token;
            let api = Api::new(&server.url(), Some(&token)).unwrap();
            // Over a connection each, so that they come at the same time.
            let second = Api::new(&server.url(), Some(&token)).unwrap();
            second.get_server_info(v1::GetServerInfoRequest {}).await.map(drop).unwrap();
            api.get_server_info(v1::GetServerInfoRequest {}).await.map(drop).unwrap();
            let wait = Duration::from_micros(chance.random_range(0..3_000));
            let open = async {
                tokio::time::sleep(wait).await;
                second.subscribe(v1::SubscribeRequest::default()).await
            };
            let (out, stream) = tokio::join!(api.sign_out(v1::SignOutRequest {}), open);
            out.map(drop).unwrap();
            match stream {
                Ok(mut stream) => assert_eq!(ending(&mut stream).await, Code::Unauthenticated, "round {round}"),
                Err(error) => assert_eq!(error.code, Code::Unauthenticated, "round {round}"),
            }
            let newest = v1::ListMessagesRequest { conversation_id: 1, ..Default::default() };
            let error = second.list_messages(newest).await.map(drop).expect_err("the token lives on");
            assert_eq!(error.code, Code::Unauthenticated, "round {round}");
        }
        drop(ada);
        server.stop().await;
    }
}

/// The status with which a stream ends, soon.
async fn ending(stream: &mut EventStream) -> Code {
    let end = async {
        loop {
            if let Err(error) = next(stream).await {
                return error.code;
            }
        }
    };
    tokio::time::timeout(patience(Duration::from_secs(2)), end).await.expect("the stream lives on")
}

pub async fn hears_nothing_more(url: &str) {
    let mut chance = chance("removal");
    let writers = people(url, "writer", 8).await;
    let owner = Person::register(url, "owner").await;
    let mut slowest = Duration::ZERO;
    for round in 0..if in_full() { 50 } else { 5 } {
        let bob = Person::register(url, &format!("bob{round}")).await;
        let members: Vec<&Person> = writers.iter().chain([&bob]).collect();
        let group = owner.group("group", &members, false).await;
        let mut stream = subscribe(&bob).await;
        catch_up(&mut stream).await;
        let ledger = Arc::new(Ledger::default());
        let writing = Writers::start(&ledger, &writers, &[1, group], Duration::ZERO, &mut chance);
        let listening = tokio::spawn(async move { hear(&mut stream, group, Duration::from_millis(300)).await });
        within(Duration::from_secs(3), "some messages", async || ledger.acks() >= 60).await;
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..100))).await;
        let begun = Instant::now();
        remove(&owner, group, bob.id).await;
        let heard = listening.await.unwrap();
        writing.stop().await;
        let line = line(&owner, group, v1::SystemKind::Removed).await;
        assert_eq!(heard.removed_after, Some(heard.positions.len()), "the removal is not the last she hears of it");
        assert!(heard.positions.len() > 5, "she heard only {} events: this shows nothing", heard.positions.len());
        let last = *heard.positions.last().unwrap();
        assert!(last < line, "removed at {line}, she heard {last}");
        assert!(heard.elsewhere > 0, "the stream ended for other conversations too");
        slowest = slowest.max(heard.removed_at.unwrap().saturating_duration_since(begun));
    }
    println!("the slowest removal was heard of after {slowest:?}");
    assert!(slowest <= patience(Duration::from_secs(2)), "it took {slowest:?}");
}
