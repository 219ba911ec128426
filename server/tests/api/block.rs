//! Blocks: nobody writes in a direct chat with one, neither sees the other type or be there, groups know nothing of it.

use std::time::Duration;

use rookery_client::{Code, Error, v1};
use v1::{ErrorReason, PresenceState, event::Kind};

use crate::{
    conversation::get,
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, denied, not_found, refused},
    typing::{types, view},
};

pub async fn block(person: &Person, other: &Person) {
    person.api.block_user(v1::BlockUserRequest { user_id: other.id }).await.unwrap();
}

async fn unblock(person: &Person, other: &Person) {
    person.api.unblock_user(v1::UnblockUserRequest { user_id: other.id }).await.unwrap();
}

async fn blocked(person: &Person) -> Vec<i64> {
    let list = person.api.list_blocked(v1::ListBlockedRequest::default()).await.unwrap().blocked;
    assert!(list.iter().all(|blocked| blocked.blocked_at.is_some()));
    list.into_iter().map(|blocked| blocked.user.unwrap().id).collect()
}

#[track_caller]
fn no<T: std::fmt::Debug>(answer: Result<T, Error>) {
    refused(answer, Code::PermissionDenied, ErrorReason::Blocked);
}

fn change(kind: Kind) -> Option<v1::BlockChanged> {
    if let Kind::BlockChanged(changed) = kind { Some(changed) } else { None }
}

async fn send(person: &Person, conversation_id: i64, text: &str) -> Result<v1::SendMessageResponse, Error> {
    let request = v1::SendMessageRequest { conversation_id, text: text.into(), ..Default::default() };
    person.api.send_message(request).await
}

/// What the presence of somebody is to a reader, by every call that tells it.
async fn presence(of: &Person, to: &Person, conversation_id: i64) -> v1::Presence {
    let one = to.api.get_user(v1::GetUserRequest { user_id: of.id }).await.unwrap().presence.unwrap();
    let request = v1::GetUsersRequest { user_ids: vec![of.id] };
    assert_eq!(to.api.get_users(request).await.unwrap().presences, [one]);
    let request = v1::ListUsersRequest { filter: of.name.clone(), ..Default::default() };
    assert_eq!(to.api.list_users(request).await.unwrap().presences, [one]);
    let request = v1::ListMembersRequest { conversation_id, ..Default::default() };
    let members = to.api.list_members(request).await.unwrap();
    assert!(members.presences.contains(&one));
    one
}

fn nothing_of(person: &Person) -> v1::Presence {
    v1::Presence { user_id: person.id, state: PresenceState::Offline.into(), last_seen_at: None }
}

on_both! {
    async fn in_a_direct_chat_with_a_block_nobody_writes_and_both_read(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let (of_ada, of_bob) = (ada.say(chat, "one").await.id, bob.say(chat, "two").await.id);
        let third = bob.say(chat, "three").await.id;
        let emote = String::from("👍");
        let react = |id| v1::AddReactionRequest { conversation_id: chat, id, emote: emote.clone() };
        bob.api.add_reaction(react(of_ada)).await.unwrap();
        let known = v1::SendMessageRequest {
            conversation_id: chat,
            text: "acknowledged".into(),
            request_id: "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001".into(),
            ..Default::default()
        };
        let sent = bob.api.send_message(known.clone()).await.unwrap();
        block(&ada, &bob).await;
        let position = get(&ada, chat).await.position;
        for (person, own, foreign) in [(&ada, of_ada, of_bob), (&bob, of_bob, of_ada)] {
            no(send(person, chat, "alone").await);
            let reply = v1::SendMessageRequest {
                conversation_id: chat,
                text: "re".into(),
                reply_to: foreign,
                ..Default::default()
            };
            no(person.api.send_message(reply).await);
            // Among others that wait together, of whom only these are refused.
            let sends = (send(person, chat, "x"), send(person, 1, "y"), send(person, chat, "z"), send(person, 1, "w"));
            let (first, second, third, fourth) = futures::join!(sends.0, sends.1, sends.2, sends.3);
            no(first);
            no(third);
            second.and(fourth).unwrap();
            let edit = v1::EditMessageRequest { conversation_id: chat, id: own, text: "other".into() };
            no(person.api.edit_message(edit).await);
            no(person.api.add_reaction(react(foreign)).await);
            let reaction = v1::RemoveReactionRequest { conversation_id: chat, id: of_ada, emote: emote.clone() };
            no(person.api.remove_reaction(reaction).await);
            no(person.api.pin_message(v1::PinMessageRequest { conversation_id: chat, id: own }).await);
            no(person.api.unpin_message(v1::UnpinMessageRequest { conversation_id: chat, id: own }).await);
            no(person.api.send_typing(v1::SendTypingRequest { conversation_id: chat, stopped: false }).await);
            // What is not there is told first, as everywhere.
            not_found(person.api.add_reaction(react(999)).await);
        }
        assert_eq!(get(&ada, chat).await.position, position);
        // Who has an acknowledgement already gets it again.
        assert_eq!(bob.api.send_message(known.clone()).await.unwrap(), sent);
        let other = v1::SendMessageRequest { text: "another".into(), ..known };
        refused(bob.api.send_message(other).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        // Reading goes on, and one's own words may be taken back.
        assert_eq!(bob.messages(chat).await.len(), 4);
        assert_eq!(ada.messages(chat).await.len(), 4);
        let read = v1::MarkReadRequest { conversation_id: chat, id: third };
        assert_eq!(ada.api.mark_read(read).await.unwrap().read_position, third);
        let unread = v1::MarkUnreadRequest { conversation_id: chat, id: of_bob };
        assert_eq!(ada.api.mark_unread(unread).await.unwrap().unread, 3);
        let delete = |id| v1::DeleteMessageRequest { conversation_id: chat, id };
        assert!(bob.api.delete_message(delete(third)).await.unwrap().message.unwrap().deleted);
        denied(bob.api.delete_message(delete(of_ada)).await);
        assert_eq!(bob.direct(&ada).await, chat, "opening it tells nothing");
        unblock(&ada, &bob).await;
        send(&bob, chat, "again").await.unwrap();
        send(&ada, chat, "again").await.unwrap();
        bob.api.add_reaction(react(of_ada)).await.unwrap();
    }

    async fn a_chat_is_free_again_when_neither_blocks_the_other(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        // There may be no chat yet.
        block(&ada, &bob).await;
        block(&ada, &bob).await;
        let chat = bob.direct(&ada).await;
        no(send(&bob, chat, "x").await);
        block(&bob, &ada).await;
        unblock(&ada, &bob).await;
        unblock(&ada, &bob).await;
        no(send(&ada, chat, "x").await);
        no(send(&bob, chat, "x").await);
        unblock(&bob, &ada).await;
        send(&ada, chat, "x").await.unwrap();
        // Others' chats are none of it, and groups neither.
        block(&ada, &bob).await;
        let (free, group) = (bob.direct(&cleo).await, ada.group("g", &[&cleo], false).await);
        send(&bob, free, "x").await.unwrap();
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.unwrap();
        let mut ears = Listener::open(&ada).await;
        let said = bob.say(group, "hello all").await;
        assert_eq!(ears.message().await, said);
        assert_eq!(get(&ada, group).await.mine.unwrap().unread, 1);
        let react = v1::AddReactionRequest { conversation_id: group, id: said.id, emote: "👍".into() };
        ada.api.add_reaction(react).await.unwrap();
        types(&bob, group, false).await;
    }

    async fn nothing_is_sent_behind_a_block(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        for _ in 0..10 {
            let spam = (0..8).map(|_| {
                let bob = bob.clone();
                tokio::spawn(async move { while send(&bob, chat, "spam").await.is_ok() {} })
            });
            let spam: Vec<_> = spam.collect();
            tokio::time::sleep(Duration::from_millis(30)).await;
            block(&ada, &bob).await;
            let position = get(&ada, chat).await.position;
            assert!(position > 0);
            for spam in spam {
                spam.await.unwrap();
            }
            assert_eq!(get(&ada, chat).await.position, position);
            unblock(&ada, &bob).await;
        }
    }

    async fn who_is_blocked_is_listed_and_told_to_ones_own_devices(backend) {
        let server = Served::with(backend, |config| config.limits.blocks = 3).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (cleo, dan, eve) = (server.user("cleo").await, server.user("dan").await, server.user("eve").await);
        let (mut own, mut foreign) = (Listener::open(&ada).await, Listener::open(&bob).await);
        assert!(own.ready.blocked_user_ids.is_empty());
        for person in [&dan, &bob, &cleo] {
            block(&ada, person).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert_eq!(own.until(change).await, v1::BlockChanged { user_id: person.id, blocked: true });
        }
        let beyond = ada.api.block_user(v1::BlockUserRequest { user_id: eve.id }).await;
        refused(beyond, Code::ResourceExhausted, ErrorReason::LimitReached);
        block(&ada, &bob).await;
        assert_eq!(blocked(&ada).await, [cleo.id, bob.id, dan.id]);
        assert!(blocked(&bob).await.is_empty());
        let (mut token, mut found) = (String::new(), Vec::new());
        loop {
            let page = ada.api.list_blocked(v1::ListBlockedRequest { page_size: 1, page_token: token }).await.unwrap();
            found.extend(page.blocked.into_iter().map(|blocked| blocked.user.unwrap().id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, [cleo.id, bob.id, dan.id]);
        assert_eq!(Listener::open(&ada).await.ready.blocked_user_ids, [bob.id, cleo.id, dan.id]);
        assert!(Listener::open(&bob).await.ready.blocked_user_ids.is_empty());
        unblock(&ada, &bob).await;
        let told = own.rest_of(change).await;
        assert_eq!(told.last(), Some(&v1::BlockChanged { user_id: bob.id, blocked: false }));
        block(&ada, &eve).await;
        assert!(foreign.rest_of(change).await.is_empty(), "she is not told");
        bad_field(ada.api.block_user(v1::BlockUserRequest { user_id: ada.id }).await, "user_id");
        for user_id in [0, -1, 999_999, i64::MAX, i64::MIN] {
            not_found(ada.api.block_user(v1::BlockUserRequest { user_id }).await);
            ada.api.unblock_user(v1::UnblockUserRequest { user_id }).await.unwrap();
        }
        let odd = v1::ListBlockedRequest { page_token: "x".into(), page_size: 0 };
        bad_field(ada.api.list_blocked(odd).await, "page_token");
    }

    async fn neither_sees_the_other_type_or_be_there_anywhere(backend) {
        let server = Served::with(backend, |config| {
            config.limits.small_group = 4;
            config.timings.grace = 1;
        })
        .await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let (dan, eve) = (server.user("dan").await, server.user("eve").await);
        let small = ada.group("small", &[&bob, &cleo], false).await;
        let large = ada.group("large", &[&bob, &cleo, &dan, &eve], false).await;
        let (mut of_ada, mut of_bob) = (Listener::open(&ada).await, Listener::open(&bob).await);
        let mut of_cleo = Listener::open(&cleo).await;
        of_ada.presence(&bob, PresenceState::Online).await;
        of_ada.presence(&cleo, PresenceState::Online).await;
        types(&bob, small, false).await;
        assert_eq!(of_ada.typing().await.user_ids, [bob.id]);
        block(&ada, &bob).await;
        // What the two were shown of each other is over at once.
        let typing = of_ada.typing().await;
        assert_eq!((typing.conversation_id, typing.user_ids), (small, vec![]));
        assert_eq!(of_ada.presence(&bob, PresenceState::Offline).await, nothing_of(&bob));
        assert_eq!(of_bob.presence(&ada, PresenceState::Offline).await, nothing_of(&ada));
        for (one, other) in [(&ada, &bob), (&bob, &ada)] {
            assert_eq!(presence(one, other, small).await, nothing_of(one));
            assert_eq!(presence(one, &cleo, small).await.state(), PresenceState::Online);
            assert_eq!(presence(one, one, small).await.state(), PresenceState::Online);
        }
        // Live, in small groups and in large ones, whoever looks: she comes and goes, types and stops.
        view(&ada, &of_ada, &[large]).await;
        view(&bob, &of_bob, &[large]).await;
        view(&cleo, &of_cleo, &[large]).await;
        of_ada.rest().await;
        of_bob.rest().await;
        of_cleo.rest().await;
        for (mover, mut mine) in [(&bob, of_bob), (&ada, of_ada)] {
            let other = if mover.id == bob.id { &ada } else { &bob };
            let mut ears = Listener::open(other).await;
            assert!(ears.ready.presences.iter().all(|presence| presence.user_id != mover.id));
            assert!(ears.ready.presences.iter().any(|presence| presence.user_id == cleo.id));
            view(other, &ears, &[large]).await;
            types(mover, small, false).await;
            types(mover, large, false).await;
            types(mover, small, true).await;
            let status = v1::SetStatusRequest { kind: v1::StatusKind::Idle.into(), ..Default::default() };
            mover.api.set_status(status).await.unwrap();
            of_cleo.presence(mover, PresenceState::Idle).await;
            let status = v1::SetStatusRequest { kind: v1::StatusKind::Online.into(), ..Default::default() };
            mover.api.set_status(status).await.unwrap();
            // In the middle of it another types: the two in one list, of which one is not shown.
            types(&cleo, large, false).await;
            mine.rest().await;
            drop(mine);
            tokio::time::sleep(Duration::from_millis(2500)).await;
            let told = ears.rest().await;
            let of_mover = told.iter().filter(|kind| match kind {
                Kind::Typing(typing) => typing.user_ids.contains(&mover.id),
                Kind::PresenceChanged(changed) => changed.presences.iter().any(|p| p.user_id == mover.id),
                _ => false,
            });
            assert_eq!(of_mover.count(), 0, "{told:?}");
            let typing: Vec<_> = told.into_iter().filter_map(|kind| match kind {
                Kind::Typing(mut typing) => {
                        // She may be among them herself.
                        typing.user_ids.retain(|id| *id != other.id);
                        Some((typing.conversation_id, typing.user_ids))
                    }
                _ => None,
            })
            .collect();
            assert_eq!(typing[0], (large, vec![cleo.id]));
            assert!(typing.iter().all(|(id, _)| *id == large), "not even that something happened is told");
            types(&cleo, large, true).await;
            of_cleo.presence(mover, PresenceState::Offline).await;
            assert_eq!(presence(mover, other, small).await, nothing_of(mover), "nor when she was last seen");
            assert!(presence(mover, &cleo, small).await.last_seen_at.is_some());
        }
        // A block on who is away is no news; without one they see each other again.
        let (mut of_ada, mut of_bob) = (Listener::open(&ada).await, Listener::open(&bob).await);
        assert!(of_ada.ready.presences.iter().all(|presence| presence.user_id != bob.id));
        unblock(&ada, &bob).await;
        of_ada.presence(&bob, PresenceState::Online).await;
        of_bob.presence(&ada, PresenceState::Online).await;
        types(&bob, small, false).await;
        assert_eq!(of_ada.typing().await.user_ids, [bob.id]);
        assert_eq!(presence(&bob, &ada, small).await.state(), PresenceState::Online);
        drop(of_bob);
        let gone = of_ada.presence(&bob, PresenceState::Offline).await;
        assert!(gone.last_seen_at.is_some());
        block(&ada, &bob).await;
        let told = of_ada.rest_of(|kind| if let Kind::PresenceChanged(changed) = kind { Some(changed) } else { None });
        assert!(told.await.is_empty());
    }
}
