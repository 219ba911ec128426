//! What people say of what they are doing, and whether it is told when they were here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::v1;
use rookery_server::domain::ctx::Clock;
use v1::{PresenceState, SetStatusRequest, Status, StatusKind, User, event::Kind};

use crate::{
    harness::{Person, Served, Store},
    listener::Listener,
    on_both,
    refusal::bad_field,
};

async fn set(person: &Person, request: SetStatusRequest) -> Status {
    person.api.set_status(request).await.unwrap().status.unwrap()
}

fn says(text: &str, seconds: Option<i64>) -> SetStatusRequest {
    let expires_in = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
    SetStatusRequest { text: Some(text.into()), expires_in, ..Default::default() }
}

fn shown(kind: StatusKind, seconds: i64) -> SetStatusRequest {
    let kind_expires_in = Some(prost_types::Duration { seconds, nanos: 0 });
    SetStatusRequest { kind: kind.into(), kind_expires_in, ..Default::default() }
}

/// The same person at a server that was started anew.
fn again(person: &Person, server: &Served) -> Person {
    Person { api: server.anonymous().with_token(Some(&person.token)).unwrap(), ..person.clone() }
}

async fn seen(of: &Person, by: &Person) -> (User, v1::Presence) {
    let answer = by.api.get_user(v1::GetUserRequest { user_id: of.id }).await.unwrap();
    (answer.user.unwrap(), answer.presence.unwrap())
}

fn profile(kind: Kind) -> Option<User> {
    if let Kind::UserChanged(changed) = kind { changed.user } else { None }
}

fn own(kind: Kind) -> Option<Status> {
    if let Kind::StatusChanged(changed) = kind { changed.status } else { None }
}

on_both! {
    async fn what_one_says_is_told_to_everybody_and_the_choice_to_ones_own_devices(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (mut ears, mut phone) = (Listener::open(&ada).await, Listener::open(&bob).await);
        let status = set(&bob, says("  out for lunch 🍜 ", None)).await;
        assert_eq!((status.text.as_str(), status.text_expires_at, status.kind()), ("out for lunch 🍜", None, StatusKind::Online));
        assert_eq!(phone.until(own).await, status);
        let told = ears.until(profile).await;
        assert_eq!((told.id, told.status_text.as_str(), told.status_expires_at), (bob.id, "out for lunch 🍜", None));
        assert_eq!(seen(&bob, &ada).await.0, told);
        assert_eq!(Listener::open(&bob).await.ready.status.unwrap(), status);
        // What is left out stays, and what stays is told to nobody.
        let hidden = set(&bob, SetStatusRequest { kind: StatusKind::DoNotDisturb.into(), ..Default::default() }).await;
        assert_eq!((hidden.text.as_str(), hidden.kind()), ("out for lunch 🍜", StatusKind::DoNotDisturb));
        assert_eq!(set(&bob, SetStatusRequest::default()).await, hidden);
        assert_eq!(set(&bob, says("out for lunch 🍜", None)).await, hidden);
        assert!(ears.rest_of(profile).await.is_empty());
        assert!(ears.rest_of(own).await.is_empty());
        assert_eq!(set(&bob, says("", None)).await.text, "");
        assert_eq!(ears.until(profile).await.status_text, "");
        for text in ["a\nb", "a\0b", "a\u{202e}b", &"x".repeat(129)] {
            bad_field(bob.api.set_status(says(text, None)).await, "text");
        }
        for seconds in [0, -1, 365 * 86_400 + 1, i64::MAX, i64::MIN] {
            bad_field(bob.api.set_status(says("x", Some(seconds))).await, "expires_in");
        }
        bad_field(bob.api.set_status(says("", Some(60))).await, "expires_in");
        bad_field(bob.api.set_status(SetStatusRequest { text: None, ..says("", Some(60)) }).await, "expires_in");
        assert_eq!(set(&bob, says(&"é".repeat(128), Some(365 * 86_400))).await.text.chars().count(), 128);
    }

    async fn a_text_that_has_ended_is_served_nowhere(backend) {
        let store = Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = now.clone();
        let config = store.config();
        let server = Served::serve(store, &config, Clock::new(move || clock.load(Ordering::SeqCst))).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let status = set(&bob, says("back at three", Some(60))).await;
        let ends = prost_types::Timestamp { seconds: 1_700_000_060, nanos: 0 };
        assert_eq!(status.text_expires_at, Some(ends));
        bob.say(1, "bye").await;
        let everywhere = async || {
            let history = v1::ListMessagesRequest { conversation_id: 1, ..Default::default() };
            let page = ada.api.list_messages(history).await.unwrap().users;
            let many = ada.api.get_users(v1::GetUsersRequest { user_ids: vec![bob.id] }).await.unwrap().users;
            let list = v1::ListUsersRequest { filter: "bob".into(), ..Default::default() };
            let list = ada.api.list_users(list).await.unwrap().users;
            let ready = Listener::open(&ada).await.ready.users;
            let own = Listener::open(&bob).await.ready;
            let mine = own.status.unwrap();
            let mut found: Vec<_> = [page, many, list, ready, own.user.into_iter().collect()]
                .into_iter()
                .map(|users| users.into_iter().find(|user| user.id == bob.id).unwrap())
                .map(|user| (user.status_text, user.status_expires_at))
                .collect();
            let user = seen(&bob, &ada).await.0;
            found.extend([(user.status_text, user.status_expires_at), (mine.text, mine.text_expires_at)]);
            found
        };
        assert!(everywhere().await.iter().all(|found| *found == ("back at three".into(), Some(ends))));
        now.fetch_add(59_999, Ordering::SeqCst);
        assert!(everywhere().await.iter().all(|found| found.0 == "back at three"));
        now.fetch_add(1, Ordering::SeqCst);
        let ended = everywhere().await;
        assert!(ended.iter().all(|found| *found == (String::new(), None)), "{ended:?}");
    }

    async fn a_kind_that_has_ended_is_told_to_all_at_once_and_over_a_restart(backend) {
        let store = Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = || {
            let now = now.clone();
            Clock::new(move || now.load(Ordering::SeqCst))
        };
        let config = store.config();
        let server = Served::serve(store, &config, clock()).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (mut ears, mut phone) = (Listener::open(&ada).await, Listener::open(&bob).await);
        ears.presence(&bob, PresenceState::Online).await;
        let ends = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_700_000_000 + seconds, nanos: 0 });
        let chosen = set(&bob, shown(StatusKind::Invisible, 60)).await;
        assert_eq!((chosen.kind(), chosen.kind_expires_at), (StatusKind::Invisible, ends(60)));
        assert_eq!(phone.until(own).await, chosen);
        ears.presence(&bob, PresenceState::Offline).await;
        // A text, or another wish, changes nothing of it.
        let busy = set(&bob, says("busy", None)).await;
        assert_eq!((busy.kind(), busy.kind_expires_at), (StatusKind::Invisible, ends(60)));
        assert_eq!(phone.until(own).await, busy);
        now.fetch_add(59_999, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(seen(&bob, &ada).await.1.state(), PresenceState::Offline);
        now.fetch_add(1, Ordering::SeqCst);
        ears.presence(&bob, PresenceState::Online).await;
        let left = Status { kind: StatusKind::Online.into(), kind_expires_at: None, ..busy };
        assert_eq!(phone.until(own).await, left);
        assert_eq!(seen(&bob, &ada).await.1.state(), PresenceState::Online);
        assert_eq!(set(&bob, SetStatusRequest::default()).await, left);
        // One that is replaced ends nothing.
        set(&bob, shown(StatusKind::Idle, 60)).await;
        let forever = SetStatusRequest { kind: StatusKind::DoNotDisturb.into(), ..Default::default() };
        assert_eq!(set(&bob, forever.clone()).await.kind_expires_at, None);
        ears.presence(&bob, PresenceState::DoNotDisturb).await;
        now.fetch_add(60_000, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(seen(&bob, &ada).await.1.state(), PresenceState::DoNotDisturb);
        let short = set(&bob, shown(StatusKind::DoNotDisturb, 60)).await;
        assert_eq!(short.kind_expires_at, ends(180));
        let store = server.stop().await;
        let server = Served::serve(store, &config, clock()).await;
        let (ada, bob) = (again(&ada, &server), again(&bob, &server));
        let (mut ears, phone) = (Listener::open(&ada).await, Listener::open(&bob).await);
        assert_eq!(phone.ready.status, Some(short));
        ears.presence(&bob, PresenceState::DoNotDisturb).await;
        let store = server.stop().await;
        now.fetch_add(60_000, Ordering::SeqCst);
        let server = Served::serve(store, &config, clock()).await;
        let (ada, bob) = (again(&ada, &server), again(&bob, &server));
        let (mut ears, phone) = (Listener::open(&ada).await, Listener::open(&bob).await);
        assert_eq!(phone.ready.status, Some(left));
        ears.presence(&bob, PresenceState::Online).await;
    }

    async fn only_a_kind_that_was_chosen_can_end(backend) {
        let server = Served::start(backend).await;
        let bob = server.user("bob").await;
        for seconds in [0, -1, 365 * 86_400 + 1, i64::MAX, i64::MIN] {
            bad_field(bob.api.set_status(shown(StatusKind::Idle, seconds)).await, "kind_expires_in");
        }
        for kind in [StatusKind::Unspecified, StatusKind::Online] {
            bad_field(bob.api.set_status(shown(kind, 60)).await, "kind_expires_in");
        }
        assert!(set(&bob, shown(StatusKind::Idle, 365 * 86_400)).await.kind_expires_at.is_some());
        let online = SetStatusRequest { kind: StatusKind::Online.into(), ..Default::default() };
        assert_eq!(set(&bob, online).await.kind_expires_at, None);
    }

    async fn who_does_not_want_it_told_was_seen_by_nobody(backend) {
        let server = Served::with(backend, |config| config.timings.grace = 1).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&ada).await;
        drop(Listener::open(&bob).await);
        assert!(ears.presence(&bob, PresenceState::Offline).await.last_seen_at.is_some());
        let hide = |hide| SetStatusRequest { hide_last_seen: Some(hide), ..Default::default() };
        assert!(set(&bob, hide(true)).await.hide_last_seen);
        assert_eq!(seen(&bob, &ada).await.1.last_seen_at, None);
        let here = Listener::open(&bob).await;
        assert!(here.ready.status.as_ref().unwrap().hide_last_seen);
        ears.presence(&bob, PresenceState::Online).await;
        // Neither when she goes nor when she hides, and neither is news of it while she is away.
        drop(here);
        assert_eq!(ears.presence(&bob, PresenceState::Offline).await.last_seen_at, None);
        let here = Listener::open(&bob).await;
        ears.presence(&bob, PresenceState::Online).await;
        set(&bob, SetStatusRequest { kind: StatusKind::Invisible.into(), ..Default::default() }).await;
        assert_eq!(ears.presence(&bob, PresenceState::Offline).await.last_seen_at, None);
        set(&bob, hide(false)).await;
        assert!(ears.rest_of(|kind| matches!(kind, Kind::PresenceChanged(_)).then_some(())).await.is_empty());
        drop(here);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let (_, presence) = seen(&bob, &ada).await;
        assert!(presence.state() == PresenceState::Offline && presence.last_seen_at.is_some(), "{presence:?}");
        let list = v1::ListUsersRequest { filter: "bob".into(), ..Default::default() };
        assert_eq!(ada.api.list_users(list).await.unwrap().presences, [presence]);
    }
}
