//! Who is there: online, idle, offline after a time of grace, over all devices.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rookery_client::{Api, v1};
use rookery_server::domain::ctx::Clock;
use v1::{PresenceState, StatusKind, event::Kind};

use crate::{
    harness::{Person, Process, Served, Store},
    listener::Listener,
    on_both,
    refusal::bad_field,
    session::by_hand,
    typing::{types, view},
};

async fn active(person: &Person, listener: &Listener, idle: bool) {
    let request = v1::SetActivityRequest { session_id: listener.ready.session_id.clone(), idle };
    person.api.set_activity(request).await.unwrap();
}

async fn state(of: &Person, to: &Person) -> v1::Presence {
    to.api.get_user(v1::GetUserRequest { user_id: of.id }).await.unwrap().presence.unwrap()
}

async fn choose(person: &Person, kind: StatusKind) {
    let status = person
        .api
        .set_status(v1::SetStatusRequest { kind: kind.into(), ..Default::default() })
        .await
        .unwrap()
        .status
        .unwrap();
    assert_eq!(status.kind(), kind);
}

fn status(kind: Kind) -> Option<StatusKind> {
    if let Kind::StatusChanged(changed) = kind { Some(changed.status?.kind()) } else { None }
}

fn presences(kind: Kind) -> Option<Vec<(i64, PresenceState)>> {
    let Kind::PresenceChanged(changed) = kind else { return None };
    Some(changed.presences.iter().map(|presence| (presence.user_id, presence.state())).collect())
}

on_both! {
    async fn a_stream_is_online_and_its_end_is_offline_after_a_grace(backend) {
        let server = Served::with(backend, |config| config.timings.grace = 2).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::Offline);
        let mut ears = Listener::open(&ada).await;
        assert!(ears.ready.presences.iter().all(|presence| presence.user_id != bob.id));
        let here = Listener::open(&bob).await;
        assert!(here.ready.presences.iter().any(|p| p.user_id == ada.id && p.state() == PresenceState::Online));
        ears.presence(&bob, PresenceState::Online).await;
        let now = state(&bob, &ada).await;
        assert_eq!((now.state(), now.last_seen_at), (PresenceState::Online, None));
        // A connection that comes back in time was never gone.
        drop(here);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let again = Listener::open(&bob).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let told: Vec<_> = ears.rest_of(presences).await.concat();
        assert!(!told.contains(&(bob.id, PresenceState::Offline)), "{told:?}");
        let left = Instant::now();
        drop(again);
        let told = ears.presence(&bob, PresenceState::Offline).await;
        assert!(told.last_seen_at.is_some(), "when she was last there is told with it");
        assert!(left.elapsed() >= Duration::from_millis(1900), "{:?}", left.elapsed());
        // When she was last there is written down just after.
        let mut seen = None;
        for _ in 0..50 {
            seen = state(&bob, &ada).await.last_seen_at;
            if seen.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(seen.is_some());
    }

    async fn the_best_of_the_devices_counts(backend) {
        let server = Served::with(backend, |config| config.timings.grace = 1).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&ada).await;
        let (desk, phone) = (Listener::open(&bob).await, Listener::open(&bob).await);
        ears.presence(&bob, PresenceState::Online).await;
        active(&bob, &desk, true).await;
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::Online, "the phone counts as active");
        active(&bob, &phone, true).await;
        ears.presence(&bob, PresenceState::Idle).await;
        active(&bob, &phone, false).await;
        ears.presence(&bob, PresenceState::Online).await;
        drop(phone);
        ears.presence(&bob, PresenceState::Idle).await;
        drop(desk);
        ears.presence(&bob, PresenceState::Offline).await;
    }

    async fn a_device_that_stops_reporting_is_gone(backend) {
        let server = Served::with(backend, |config| config.timings.activity_expires = 2).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&ada).await;
        let device = Listener::open(&bob).await;
        ears.presence(&bob, PresenceState::Online).await;
        active(&bob, &device, false).await;
        ears.presence(&bob, PresenceState::Offline).await;
        active(&bob, &device, false).await;
        ears.presence(&bob, PresenceState::Online).await;
        // ada's stream has never reported: a stream alone counts as online.
        assert_eq!(state(&ada, &bob).await.state(), PresenceState::Online);
    }

    async fn of_a_large_group_only_those_who_look_are_told(backend) {
        let server = Served::with(backend, |config| {
            config.limits.small_group = 2;
            config.timings.grace = 1;
        })
        .await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let _there = Listener::open(&cleo).await;
        let (mut looks, mut elsewhere) = (Listener::open(&ada).await, Listener::open(&ada).await);
        assert!(looks.ready.presences.is_empty());
        view(&ada, &looks, &[group]).await;
        // Whoever looks is told at once who is there.
        looks.presence(&cleo, PresenceState::Online).await;
        let here = Listener::open(&bob).await;
        looks.presence(&bob, PresenceState::Online).await;
        drop(here);
        looks.presence(&bob, PresenceState::Offline).await;
        assert!(elsewhere.rest_of(presences).await.is_empty());
        // A direct chat is small, whatever the limit; lists have everybody.
        let chat = ada.direct(&bob).await;
        ada.say(chat, "hi").await;
        let _here = Listener::open(&bob).await;
        elsewhere.presence(&bob, PresenceState::Online).await;
        let request = v1::ListMembersRequest { conversation_id: group, ..Default::default() };
        let states: Vec<_> =
            cleo.api.list_members(request).await.unwrap().presences.iter().map(v1::Presence::state).collect();
        assert_eq!(states, [PresenceState::Online; 3]);
    }

    async fn what_happens_in_a_large_group_within_a_second_is_told_in_one(backend) {
        let server = Served::with(backend, |config| {
            config.limits.small_group = 2;
            config.timings.grace = 0;
        })
        .await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo", "dan", "eve", "flo"] {
            people.push(server.user(name).await);
        }
        let group = people[0].group("g", &people[1..].iter().collect::<Vec<_>>(), false).await;
        let mut looks = Listener::open(&people[0]).await;
        view(&people[0], &looks, &[group]).await;
        looks.rest().await;
        let started = Instant::now();
        let mut there = Vec::new();
        for person in &people[1..] {
            there.push(Listener::open(person).await);
        }
        let mut events = Vec::new();
        let mut told = std::collections::HashMap::new();
        while told.len() < 5 {
            let next = looks.until(presences).await;
            events.push(next.len());
            told.extend(next.into_iter().filter(|(id, _)| *id != people[0].id));
        }
        assert!(told.values().all(|state| *state == PresenceState::Online), "{told:?}");
        // As many events at most as there were seconds, and one.
        assert!(events.len() as u64 <= started.elapsed().as_secs() + 2, "{events:?}");
        drop(there);
    }

    async fn strangers_are_not_told(backend) {
        let server = Served::with(backend, |config| config.limits.small_group = 2).await;
        let (ada, bob, _cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let mut ears = Listener::open(&ada).await;
        let _here = Listener::open(&bob).await;
        assert!(ears.rest_of(presences).await.concat().iter().all(|(id, _)| *id == ada.id));
        // Coming into one small group, the two learn of each other.
        ada.group("g", &[&bob], false).await;
        ears.presence(&bob, PresenceState::Online).await;
    }

    async fn a_chosen_status_stands_on_all_devices_and_after_a_restart(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&ada).await;
        let (mut desk, phone) = (Listener::open(&bob).await, Listener::open(&bob).await);
        assert_eq!(desk.ready.status.as_ref().unwrap().kind(), StatusKind::Online);
        ears.presence(&bob, PresenceState::Online).await;
        choose(&bob, StatusKind::DoNotDisturb).await;
        assert_eq!(desk.until(status).await, StatusKind::DoNotDisturb);
        ears.presence(&bob, PresenceState::DoNotDisturb).await;
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::DoNotDisturb);
        // Whatever her devices say.
        active(&bob, &desk, true).await;
        active(&bob, &phone, true).await;
        choose(&bob, StatusKind::Idle).await;
        ears.presence(&bob, PresenceState::Idle).await;
        active(&bob, &phone, false).await;
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::Idle);
        choose(&bob, StatusKind::Online).await;
        ears.presence(&bob, PresenceState::Online).await;
        choose(&bob, StatusKind::DoNotDisturb).await;
        assert!(ears.rest_of(status).await.is_empty(), "nobody else is told what she chose");
        for kind in [99, -1] {
            bad_field(bob.api.set_status(v1::SetStatusRequest { kind, ..Default::default() }).await, "kind");
        }
        drop((ears, desk, phone));
        let store = server.stop().await;
        let config = store.config();
        let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
        let again = |person: &Person| Person {
            api: rookery_client::Api::new(&server.url(), Some(&person.token)).unwrap(),
            ..person.clone()
        };
        let (ada, bob) = (again(&ada), again(&bob));
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::Offline, "she is not connected");
        let here = Listener::open(&bob).await;
        assert_eq!(here.ready.status.as_ref().unwrap().kind(), StatusKind::DoNotDisturb);
        assert_eq!(state(&bob, &ada).await.state(), PresenceState::DoNotDisturb);
    }

    async fn who_is_invisible_is_offline_to_everybody_since_she_hid(backend) {
        let server = Served::with(backend, |config| config.timings.grace = 1).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let mut ears = Listener::open(&ada).await;
        let here = Listener::open(&bob).await;
        ears.presence(&bob, PresenceState::Online).await;
        types(&bob, chat, false).await;
        assert_eq!(ears.typing().await.user_ids, [bob.id]);
        choose(&bob, StatusKind::Invisible).await;
        assert_eq!(ears.typing().await.user_ids, Vec::<i64>::new(), "what she types is not shown any more");
        let hid = ears.presence(&bob, PresenceState::Offline).await.last_seen_at.unwrap();
        let near = |at: prost_types::Timestamp| (at.seconds - hid.seconds).abs() <= 1;
        // She goes on typing, goes, comes back, comes into a group: nobody is told a word of it.
        types(&bob, chat, false).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        drop(here);
        types(&bob, chat, false).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let here = Listener::open(&bob).await;
        assert_eq!(here.ready.status.as_ref().unwrap().kind(), StatusKind::Invisible);
        ada.group("g", &[&bob], false).await;
        let heard = ears.rest().await;
        let told: Vec<_> = heard.iter().cloned().filter_map(presences).flatten().collect();
        assert!(told.iter().all(|(id, _)| *id != bob.id), "{told:?}");
        assert!(!heard.iter().any(|kind| matches!(kind, Kind::Typing(_))), "{heard:?}");
        let seen = state(&bob, &ada).await;
        assert!(seen.state() == PresenceState::Offline && near(seen.last_seen_at.unwrap()), "{seen:?} {hid:?}");
        let request = v1::GetUsersRequest { user_ids: vec![bob.id] };
        assert_eq!(ada.api.get_users(request).await.unwrap().presences, [seen]);
        let request = v1::ListUsersRequest { filter: "bob".into(), ..Default::default() };
        assert_eq!(ada.api.list_users(request).await.unwrap().presences, [seen]);
        assert!(Listener::open(&ada).await.ready.presences.iter().all(|presence| presence.user_id != bob.id));
        choose(&bob, StatusKind::Online).await;
        ears.presence(&bob, PresenceState::Online).await;
        types(&bob, chat, false).await;
        assert_eq!(ears.typing().await.user_ids, [bob.id]);
        drop(here);
    }

    async fn a_stop_is_not_when_she_came(backend) {
        let store = Store::new(backend).await;
        let mut server = Process::start(&store);
        let (ada, bob) = (Person::register(&server.url(), "ada").await, Person::register(&server.url(), "bob").await);
        let mut ears = Listener::open(&ada).await;
        let _here = Listener::open(&bob).await;
        ears.presence(&bob, PresenceState::Online).await;
        let came = Clock::system().now() / 1000;
        tokio::time::sleep(Duration::from_millis(3500)).await;
        server.signal("TERM");
        server.ended_within(Duration::from_secs(100)).expect("it stops");
        server.restart();
        let after = state(&bob, &ada).await.last_seen_at.unwrap().seconds - came;
        assert!(after >= 3, "she was there until the end, and is said to have gone {after} s after she came");
    }

    async fn a_crash_loses_no_more_than_a_minute_of_when_she_was_seen(backend) {
        let (server, now) = by_hand(backend).await;
        let (ada, bob, cleo, dan) =
            (server.user("ada").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        let mut ears = Listener::open(&ada).await;
        let _here = (Listener::open(&bob).await, Listener::open(&cleo).await, Listener::open(&dan).await);
        for person in [&bob, &cleo, &dan] {
            ears.presence(person, PresenceState::Online).await;
        }
        choose(&cleo, StatusKind::Invisible).await;
        ears.presence(&cleo, PresenceState::Offline).await;
        let hide = v1::SetStatusRequest { hide_last_seen: Some(true), ..Default::default() };
        dan.api.set_status(hide).await.unwrap();
        let came = now.fetch_add(61_000, Ordering::SeqCst);
        let rows = async || {
            server.store.texts("select coalesce(cast(last_seen_at as text), '') from users where id > 1 order by id").await
        };
        let (came, then) = (came.to_string(), (came + 61_000).to_string());
        let begun = Instant::now();
        while rows().await[0] != then {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", rows().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(rows().await[1..], [came.clone(), came], "of who does not want to be seen nothing is written");
        // What a crash leaves is what another server finds.
        let beside = Store { dir: server.store.dir.clone(), database: server.store.database.clone() };
        let config = beside.config();
        let after = Served::serve(beside, &config, Clock::new(move || now.load(Ordering::SeqCst))).await;
        let ada = Person { api: Api::new(&after.url(), Some(&ada.token)).unwrap(), ..ada };
        assert_eq!(state(&bob, &ada).await.last_seen_at.unwrap().seconds.to_string(), then[..then.len() - 3]);
    }
}
