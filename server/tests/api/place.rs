//! One's own place in a conversation: muted, hidden, and known to one's own devices alone.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use rookery_client::{Error, v1};
use rookery_server::domain::ctx::Clock;
use v1::event::Kind;

use crate::{
    conversation::{get, ids},
    harness::{Person, Served, Store},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found},
};

async fn update(
    person: &Person,
    conversation_id: i64,
    mute_for: Option<(i64, i32)>,
    hidden: Option<bool>,
) -> Result<v1::Membership, Error> {
    let mut paths = Vec::new();
    paths.extend(mute_for.map(|_| "mute_for".to_owned()));
    paths.extend(hidden.map(|_| "hidden".to_owned()));
    let request = v1::UpdateMembershipRequest {
        conversation_id,
        mute_for: mute_for.map(|(seconds, nanos)| prost_types::Duration { seconds, nanos }),
        hidden: hidden.unwrap_or_default(),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    Ok(person.api.update_membership(request).await?.mine.unwrap())
}

async fn hide(person: &Person, conversation_id: i64) -> v1::Membership {
    update(person, conversation_id, None, Some(true)).await.unwrap()
}

fn change(kind: Kind) -> Option<v1::MembershipChanged> {
    if let Kind::MembershipChanged(changed) = kind { Some(changed) } else { None }
}

on_both! {
    async fn a_conversation_is_muted_for_a_time_or_for_ever(backend) {
        let store = Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = Clock::new({
            let now = now.clone();
            move || now.load(Ordering::SeqCst)
        });
        let config = store.config();
        let server = Served::serve(store, &config, clock).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let chat = ada.direct(&bob).await;
        let (mut own, mut foreign) = (Listener::open(&ada).await, Listener::open(&bob).await);
        assert_eq!(get(&ada, group).await.mine.unwrap().muted_until, None);
        let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
        let for_ever = at(253_402_300_799, 0);
        for (life, until) in [
            ((900, 0), at(1_800_000_900, 0)),
            ((0, 1_000_000), at(1_800_000_000, 1_000_000)),
            ((365 * 86_400, 0), at(1_800_000_000 + 365 * 86_400, 0)),
            ((365 * 86_400, 1), for_ever),
            ((0, 0), None),
            ((i64::MAX, 999_999_999), for_ever),
            ((0, 0), None),
        ] {
            for id in [1, group, chat] {
                let before = get(&ada, id).await;
                let mine = update(&ada, id, Some(life), None).await.unwrap();
                assert_eq!(mine, v1::Membership { muted_until: until, ..before.mine.unwrap() });
                let after = get(&ada, id).await;
                assert_eq!((after.mine.unwrap(), after.position), (mine, before.position));
                let changed = own.until(change).await;
                assert_eq!((changed.conversation_id, changed.muted_until), (id, until));
            }
        }
        update(&ada, group, Some((0, 0)), None).await.unwrap();
        assert!(own.rest_of(change).await.is_empty(), "it was not muted");
        assert!(foreign.rest_of(change).await.is_empty(), "nobody else is told");
        for life in [(-1, 0), (0, -1), (1, 1_000_000_000), (i64::MIN, 0)] {
            bad_field(update(&ada, group, Some(life), None).await, "mute_for");
        }
        bad_field(update(&ada, group, None, None).await, "update_mask");
        let odd = v1::UpdateMembershipRequest {
            conversation_id: group,
            update_mask: Some(prost_types::FieldMask { paths: vec!["unread".into()] }),
            ..Default::default()
        };
        bad_field(ada.api.update_membership(odd).await, "update_mask");
        // It is the caller's alone, and is over when she leaves.
        update(&bob, group, Some((60, 0)), None).await.unwrap();
        assert_eq!(get(&ada, group).await.mine.unwrap().muted_until, None);
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        not_found(update(&bob, group, Some((60, 0)), None).await);
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.unwrap();
        assert_eq!(get(&bob, group).await.mine.unwrap().muted_until, None);
        let listed = Listener::open(&ada).await.ready.conversations;
        assert!(listed.iter().all(|conversation| conversation.mine.unwrap().muted_until.is_none()));
    }

    async fn a_hidden_chat_is_not_listed_until_somebody_writes_in_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        ada.say(chat, "one").await;
        let last = bob.say(chat, "two").await.id;
        let mut own = Listener::open(&ada).await;
        let mine = hide(&ada, chat).await;
        assert!(mine.hidden_through >= last);
        assert_eq!(own.until(change).await.hidden_through, mine.hidden_through);
        assert_eq!((ids(&ada).await, ids(&bob).await), (vec![1], vec![1, chat]));
        assert_eq!(get(&ada, chat).await.mine.unwrap(), mine, "it can be asked for");
        // What is not a new message leaves it hidden: an edit, a reaction, a deletion; reading and unread go on.
        let edit = v1::EditMessageRequest { conversation_id: chat, id: last, text: "two, edited".into() };
        bob.api.edit_message(edit).await.unwrap();
        let react = v1::AddReactionRequest { conversation_id: chat, id: 1, emote: "👍".into() };
        bob.api.add_reaction(react).await.unwrap();
        let read = v1::MarkReadRequest { conversation_id: chat, id: last };
        ada.api.mark_read(read).await.unwrap();
        let ready = Listener::open(&ada).await;
        assert_eq!(ready.ready.conversations.iter().map(|c| c.id).collect::<Vec<_>>(), [1]);
        // A new stream hears what happened there since it was hidden, and nothing of before.
        let replayed: Vec<i64> = ready.replayed.iter().map(|response| response.position).collect();
        assert_eq!(replayed, [last + 1, last + 2]);
        let new = bob.say(chat, "three").await;
        assert_eq!(own.message().await.changed, last + 1);
        assert_eq!(own.message().await.changed, last + 2);
        assert_eq!(own.message().await, new);
        assert_eq!(ids(&ada).await, [1, chat]);
        let ready = Listener::open(&ada).await;
        assert!(ready.ready.conversations.iter().any(|c| c.id == chat));
        assert_eq!(get(&ada, chat).await.mine.unwrap().unread, 1);
        assert_eq!(own.rest_of(change).await, [], "it comes back without a write");
        // Ones own message shows it, too.
        hide(&ada, chat).await;
        assert_eq!(ids(&ada).await, [1]);
        ada.say(chat, "four").await;
        assert_eq!(ids(&ada).await, [1, chat]);
    }

    async fn a_hidden_chat_is_shown_when_it_is_opened_or_asked_for(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        assert_eq!(hide(&ada, chat).await.hidden_through, 0, "there is nothing to hide");
        bob.say(chat, "one").await;
        assert_eq!(ids(&ada).await, [1, chat]);
        let mut own = Listener::open(&ada).await;
        hide(&ada, chat).await;
        let request = v1::OpenDirectRequest { user_id: bob.id };
        let opened = ada.api.open_direct(request).await.unwrap().conversation.unwrap();
        assert_eq!((opened.id, opened.mine.unwrap().hidden_through), (chat, 0));
        assert_eq!(ids(&ada).await, [1, chat]);
        hide(&ada, chat).await;
        // The other one opening it shows it to nobody else.
        bob.direct(&ada).await;
        assert_eq!(ids(&ada).await, [1]);
        assert_eq!(update(&ada, chat, Some((60, 0)), Some(false)).await.unwrap().hidden_through, 0);
        assert_eq!(ids(&ada).await, [1, chat]);
        let hidden: Vec<_> = own.rest_of(change).await.iter().map(|changed| changed.hidden_through > 0).collect();
        assert_eq!(hidden, [true, false, true, false]);
        let group = ada.group("g", &[&bob], false).await;
        for id in [1, group] {
            for hidden in [true, false] {
                bad_field(update(&ada, id, None, Some(hidden)).await, "hidden");
                bad_field(update(&ada, id, Some((60, 0)), Some(hidden)).await, "hidden");
            }
            assert_eq!(get(&ada, id).await.mine.unwrap().muted_until, None, "a refusal changes nothing");
        }
        let cleo = server.user("cleo").await;
        not_found(update(&cleo, chat, None, Some(true)).await);
    }

    async fn a_chat_that_was_hidden_long_ago_does_not_come_back_by_what_was_before(backend) {
        let server = Served::with(backend, |config| config.limits.replay = 5).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        for n in 0..20 {
            bob.say(chat, &n.to_string()).await;
        }
        hide(&ada, chat).await;
        assert!(Listener::open(&ada).await.replayed.is_empty());
        // One who kept its cursor goes on from there.
        let replayed = Listener::from(&ada, chat, 18).await.replayed;
        assert_eq!(replayed.iter().map(|response| response.position).collect::<Vec<_>>(), [19, 20]);
    }
}
