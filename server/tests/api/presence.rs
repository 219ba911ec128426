//! Who is there: online, idle, offline after a time of grace, over all devices.

use std::time::{Duration, Instant};

use rookery_client::v1;
use v1::{PresenceState, event::Kind};

use crate::{
    harness::{Person, Served},
    listener::Listener,
    on_both,
    typing::view,
};

async fn active(person: &Person, listener: &Listener, idle: bool) {
    let request = v1::SetActivityRequest { session_id: listener.ready.session_id.clone(), idle };
    person.api.set_activity(request).await.unwrap();
}

async fn state(of: &Person, to: &Person) -> v1::Presence {
    to.api.get_user(v1::GetUserRequest { user_id: of.id }).await.unwrap().presence.unwrap()
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
}
