//! Pins: who may, what may be pinned, and who sees it.

use rookery_client::{Code, Error, v1};
use v1::ErrorReason;

use crate::{
    conversation::get,
    harness::{Person, Served},
    listener::Listener,
    message::{delete, edit},
    on_both,
    refusal::{bad_field, denied, not_found, refused},
};

pub async fn pin(person: &Person, conversation_id: i64, id: i64) -> Result<v1::Message, Error> {
    let request = v1::PinMessageRequest { conversation_id, id };
    Ok(person.api.pin_message(request).await?.message.unwrap())
}

pub async fn unpin(person: &Person, conversation_id: i64, id: i64) -> Result<v1::Message, Error> {
    let request = v1::UnpinMessageRequest { conversation_id, id };
    Ok(person.api.unpin_message(request).await?.message.unwrap())
}

async fn page(person: &Person, conversation_id: i64, page_size: i32, page_token: &str) -> (Vec<i64>, Vec<i64>, String) {
    let request = v1::ListPinsRequest { conversation_id, page_size, page_token: page_token.into() };
    let answer = person.api.list_pins(request).await.unwrap();
    let ids = answer.messages.iter().map(|message| message.id).collect();
    (ids, answer.users.iter().map(|user| user.id).collect(), answer.next_page_token)
}

async fn pins(person: &Person, conversation_id: i64) -> Vec<i64> {
    page(person, conversation_id, 0, "").await.0
}

on_both! {
    async fn a_pin_is_a_change_of_its_message(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let said = ada.say(group, "the rules").await;
        ada.say(group, "chatter").await;
        let mut ears = Listener::open(&ada).await;
        let pinned = pin(&bob, group, said.id).await.unwrap();
        assert_eq!((pinned.id, pinned.changed, pinned.text.as_str()), (said.id, 4, "the rules"));
        assert!(pinned.edited_at.is_none(), "it is no edit");
        let what = pinned.pin.unwrap();
        assert!(what.user_id == bob.id && what.pinned_at.is_some());
        let heard = ears.numbered().await;
        assert_eq!((heard.conversation_id, heard.after, heard.position), (group, 3, 4));
        assert_eq!(heard.event.unwrap().kind.and_then(crate::listener::message_of).unwrap(), pinned);
        assert_eq!(pin(&ada, group, said.id).await.unwrap(), pinned, "twice is no error, and the first one's");
        assert_eq!(ada.messages(group).await[1], pinned);
        assert_eq!(page(&ada, group, 0, "").await, (vec![said.id], vec![ada.id, bob.id], String::new()));
        // What is pinned may still be edited.
        assert!(edit(&ada, group, said.id, "the new rules").await.unwrap().pin.is_some());
        let unpinned = unpin(&ada, group, said.id).await.unwrap();
        assert!(unpinned.pin.is_none() && unpinned.changed == 6);
        assert_eq!(unpin(&bob, group, said.id).await.unwrap(), unpinned, "there is none: no error");
        assert_eq!(get(&ada, group).await.position, 6);
        assert_eq!(pins(&bob, group).await, [] as [i64; 0]);
    }

    async fn who_may_pin_and_what(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let root = server.admin("rita").await;
        // In the global room admins alone.
        let said = ada.say(1, "here").await;
        for person in [&ada, &bob] {
            denied(pin(person, 1, said.id).await);
        }
        pin(&root, 1, said.id).await.unwrap();
        denied(unpin(&ada, 1, said.id).await);
        assert_eq!(pins(&cleo, 1).await, [said.id], "everybody sees it");
        unpin(&root, 1, said.id).await.unwrap();
        // In groups any member, an admin who is none not.
        let group = ada.group("g", &[&bob], false).await;
        let said = ada.say(group, "here").await;
        for person in [&cleo, &root] {
            not_found(pin(person, group, said.id).await);
            not_found(unpin(person, group, said.id).await);
            not_found(person.api.list_pins(v1::ListPinsRequest { conversation_id: group, ..Default::default() }).await);
        }
        denied(pin(&ada, group, 1).await);
        for id in [0, -1, 99, i64::MAX] {
            not_found(pin(&ada, group, id).await);
        }
        // In direct chats both.
        let chat = ada.direct(&bob).await;
        let said = ada.say(chat, "here").await;
        pin(&bob, chat, said.id).await.unwrap();
        unpin(&ada, chat, said.id).await.unwrap();
        pin(&ada, chat, said.id).await.unwrap();
        // Deleting unpins, and what is deleted cannot be pinned.
        assert!(delete(&ada, chat, said.id).await.unwrap().pin.is_none());
        assert_eq!(pins(&bob, chat).await, [] as [i64; 0]);
        refused(pin(&bob, chat, said.id).await, Code::FailedPrecondition, ErrorReason::WrongState);
        assert!(unpin(&bob, chat, said.id).await.unwrap().deleted);
        let nobody = v1::PinMessageRequest { conversation_id: chat, id: said.id };
        refused(server.anonymous().pin_message(nobody).await, Code::Unauthenticated, ErrorReason::Unauthenticated);
    }

    async fn pins_are_listed_last_pinned_first_up_to_the_limit(backend) {
        let server = Served::with(backend, |config| config.limits.pins = 5).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        for n in 1..=6 {
            ada.say(chat, &n.to_string()).await;
        }
        for id in [3, 1, 5, 2, 4] {
            pin(&bob, chat, id).await.unwrap();
            // Each at a time of its own.
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
        refused(pin(&bob, chat, 6).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        pin(&bob, chat, 3).await.unwrap();
        let (first, _, token) = page(&ada, chat, 2, "").await;
        let (second, _, token) = page(&ada, chat, 2, &token).await;
        let (third, _, end) = page(&ada, chat, 2, &token).await;
        assert_eq!((first, second, third, end.as_str()), (vec![4, 2], vec![5, 1], vec![3], ""));
        unpin(&ada, chat, 5).await.unwrap();
        pin(&ada, chat, 6).await.unwrap();
        assert_eq!(pins(&ada, chat).await, [6, 4, 2, 1, 3]);
        let bad = |page_size, token: &str| v1::ListPinsRequest { conversation_id: chat, page_size, page_token: token.into() };
        bad_field(ada.api.list_pins(bad(-1, "")).await, "page_size");
        bad_field(ada.api.list_pins(bad(0, "x")).await, "page_token");
    }

    async fn pins_from_before_she_came_are_not_hers_to_see(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[], false).await;
        let early = ada.say(group, "secret").await;
        pin(&ada, group, early.id).await.unwrap();
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.unwrap();
        let late = ada.say(group, "welcome").await;
        pin(&ada, group, late.id).await.unwrap();
        assert_eq!((pins(&ada, group).await, pins(&bob, group).await), (vec![late.id, early.id], vec![late.id]));
        not_found(unpin(&bob, group, early.id).await);
        let mut ears = Listener::open(&bob).await;
        unpin(&ada, group, early.id).await.unwrap();
        assert!(matches!(ears.next().await, v1::event::Kind::Skipped(_)));
    }
}
