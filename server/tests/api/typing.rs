//! Who is typing: told at once to those who look, kept nowhere.

use std::time::Duration;

use rookery_client::v1;
use v1::event::Kind;

use crate::{
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found},
};

pub async fn types(person: &Person, conversation_id: i64, stopped: bool) {
    person.api.send_typing(v1::SendTypingRequest { conversation_id, stopped }).await.unwrap();
}

fn typing_of(kind: Kind) -> Option<Vec<i64>> {
    if let Kind::Typing(typing) = kind { Some(typing.user_ids) } else { None }
}

pub async fn view(person: &Person, listener: &Listener, conversation_ids: &[i64]) {
    let request = v1::SetViewRequest {
        session_id: listener.ready.session_id.clone(),
        conversation_ids: conversation_ids.to_vec(),
    };
    person.api.set_view(request).await.unwrap();
}

on_both! {
    async fn a_small_group_sees_who_types_and_nobody_outside(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob], false).await;
        let (mut inside, mut outside) = (Listener::open(&bob).await, Listener::open(&cleo).await);
        types(&ada, group, false).await;
        let typing = inside.typing().await;
        assert_eq!((typing.conversation_id, typing.user_ids), (group, vec![ada.id]));
        types(&bob, group, false).await;
        assert_eq!(inside.typing().await.user_ids, [bob.id, ada.id], "newest first");
        types(&ada, group, true).await;
        assert_eq!(inside.typing().await.user_ids, [bob.id]);
        types(&ada, group, true).await;
        assert!(inside.rest_of(typing_of).await.is_empty(), "stopping twice is no news");
        assert!(outside.rest_of(typing_of).await.is_empty());
        not_found(cleo.api.send_typing(v1::SendTypingRequest { conversation_id: group, stopped: false }).await);
        let mut late = Listener::open(&bob).await;
        assert!(late.replayed.is_empty() && late.rest_of(typing_of).await.is_empty(), "typing is never replayed");
    }

    async fn typing_ends_by_itself_and_too_many_repeats_do_nothing(backend) {
        let server = Served::with(backend, |config| config.timings.typing_expires = 3).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let mut ears = Listener::open(&bob).await;
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            types(&ada, chat, false).await;
        }
        assert_eq!(ears.typing().await.user_ids, [ada.id]);
        assert_eq!(ears.typing().await.user_ids, Vec::<i64>::new());
        let taken = begun.elapsed();
        assert!(taken >= Duration::from_millis(2900) && taken < Duration::from_secs(8), "{taken:?}");
    }

    async fn a_message_ends_its_authors_typing(backend) {
        let server = Served::with(backend, |config| config.timings.typing_expires = 30).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let mut ears = Listener::open(&bob).await;
        types(&ada, group, false).await;
        assert_eq!(ears.typing().await.user_ids, [ada.id]);
        ada.say(group, "done").await;
        ears.message().await;
        types(&cleo, group, false).await;
        assert_eq!(ears.typing().await.user_ids, [cleo.id], "ada is off the list");
        // A client drops its author with the message; typing anew is news again, however soon.
        types(&ada, group, false).await;
        assert_eq!(ears.typing().await.user_ids, [ada.id, cleo.id]);
    }

    async fn a_large_group_tells_only_those_who_look(backend) {
        let server = Served::with(backend, |config| config.limits.small_group = 2).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo", "dan", "eve", "flo"] {
            people.push(server.user(name).await);
        }
        let group = people[0].group("g", &people[1..].iter().collect::<Vec<_>>(), false).await;
        let (mut looks, mut elsewhere) = (Listener::open(&people[0]).await, Listener::open(&people[1]).await);
        view(&people[0], &looks, &[group]).await;
        view(&people[1], &elsewhere, &[1]).await;
        for person in &people[1..] {
            types(person, group, false).await;
        }
        let mut told = looks.typing().await.user_ids;
        while told.len() < 4 {
            told = looks.typing().await.user_ids;
        }
        let newest: Vec<i64> = people[2..].iter().rev().map(|person| person.id).collect();
        // Over a second or two they are joined; at most four are named.
        while told != newest {
            assert!(told.len() <= 4);
            told = looks.typing().await.user_ids;
        }
        assert!(elsewhere.rest_of(typing_of).await.is_empty());
        view(&people[0], &looks, &[]).await;
        types(&people[5], group, true).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(looks.rest_of(typing_of).await.is_empty(), "who looks away hears nothing more");
    }

    async fn what_a_device_shows_is_said_of_its_own_stream(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let ears = Listener::open(&ada).await;
        let set = |session_id: &str, count: usize| v1::SetViewRequest {
            session_id: session_id.into(),
            conversation_ids: vec![1; count],
        };
        let own = ears.ready.session_id.clone();
        assert!(own.len() == 32 && own.chars().all(|c| c.is_ascii_hexdigit()));
        ada.api.set_view(set(&own, 8)).await.unwrap();
        bad_field(ada.api.set_view(set(&own, 9)).await, "conversation_ids");
        let foreign = v1::SetViewRequest { session_id: own.clone(), conversation_ids: vec![999_999, -1, 0] };
        ada.api.set_view(foreign).await.unwrap();
        for (person, session_id) in
            [(&bob, own.as_str()), (&ada, ""), (&ada, "00000000000000000000000000000000"), (&ada, "\0")]
        {
            not_found(person.api.set_view(set(session_id, 1)).await);
            not_found(
                person.api.set_activity(v1::SetActivityRequest { session_id: session_id.into(), idle: false }).await,
            );
        }
        drop(ears);
    }

    async fn a_stream_carries_only_the_kinds_that_were_asked_for(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let only = |kinds: &[v1::EventKind]| v1::SubscribeRequest {
            only: kinds.iter().map(|kind| i32::from(*kind)).collect(),
            ..Default::default()
        };
        let mut typing = Listener::with(&bob, only(&[v1::EventKind::Typing])).await;
        let mut messages = Listener::with(&bob, only(&[v1::EventKind::Messages])).await;
        let mut presence = Listener::with(&bob, only(&[v1::EventKind::Presence])).await;
        let one = v1::SubscribeRequest { conversation_ids: vec![1], ..Default::default() };
        let mut elsewhere = Listener::with(&bob, one).await;
        let _here = Listener::open(&ada).await;
        types(&ada, chat, false).await;
        ada.say(chat, "hi").await;
        let (typing, messages, presence, elsewhere) =
            (typing.rest().await, messages.rest().await, presence.rest().await, elsewhere.rest().await);
        assert!(!typing.is_empty() && typing.iter().all(|kind| matches!(kind, Kind::Typing(_))), "{typing:?}");
        assert!(matches!(messages[..], [Kind::MessageChanged(_)]), "{messages:?}");
        assert!(
            !presence.is_empty() && presence.iter().all(|kind| matches!(kind, Kind::PresenceChanged(_))),
            "{presence:?}"
        );
        assert!(elsewhere.iter().all(|kind| matches!(kind, Kind::PresenceChanged(_))), "{elsewhere:?}");
        for kind in [0, -1, 4, i32::MAX] {
            let request = v1::SubscribeRequest { only: vec![kind], ..Default::default() };
            bad_field(bob.api.subscribe(request).await, "only");
        }
        let request = v1::SubscribeRequest { conversation_ids: (0..1001).collect(), ..Default::default() };
        bad_field(bob.api.subscribe(request).await, "conversation_ids");
        let request = v1::SubscribeRequest { cursors: (0..10_001).map(|id| (id, 0)).collect(), ..Default::default() };
        bad_field(bob.api.subscribe(request).await, "cursors");
    }
}
