//! Invites: codes that lead into a group.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use rookery_client::{Code, Error, v1};
use rookery_server::{Server, domain::ctx::Clock};
use v1::{ErrorReason, join_group_request::By};

use crate::{
    conversation::{get, ids},
    group::join,
    harness::{Person, Served, Store, unique},
    on_both,
    raw::{Raw, seen},
    refusal::{bad_field, denied, not_found, refused},
};

pub async fn invite(
    person: &Person,
    conversation_id: i64,
    max_uses: i32,
    seconds: Option<i64>,
) -> Result<v1::Invite, Error> {
    let expires_in = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
    let request = v1::CreateInviteRequest { conversation_id, max_uses, expires_in };
    Ok(person.api.create_invite(request).await?.invite.unwrap())
}

async fn invites(person: &Person, conversation_id: i64) -> Vec<v1::Invite> {
    let request = v1::ListInvitesRequest { conversation_id, ..Default::default() };
    person.api.list_invites(request).await.unwrap().invites
}

on_both! {
    async fn any_member_invites_and_the_code_lets_in(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob], false).await;
        let made = invite(&bob, group, 0, None).await.unwrap();
        assert_eq!((made.conversation_id, made.creator_id, made.max_uses, made.uses), (group, bob.id, 0, 0));
        assert!(made.code.len() == 12 && made.code.chars().all(|c| c.is_ascii_alphanumeric()));
        let (created, expires) = (made.created_at.unwrap(), made.expires_at.unwrap());
        assert_eq!(expires.seconds - created.seconds, 7 * 86_400);
        not_found(invite(&cleo, group, 0, None).await);
        // As people type it.
        let typed = format!(" {} ", made.code.to_uppercase());
        let joined = join(&cleo, By::Code(typed)).await.unwrap();
        assert_eq!((joined.id, joined.mine.unwrap().visible_from), (group, 2));
        assert_eq!(get(&ada, group).await.position, 2);
        join(&cleo, By::Code(made.code)).await.unwrap();
        assert_eq!(get(&ada, group).await.position, 2, "joining twice changes nothing");
    }

    async fn a_bad_invite_is_not_made(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let group = ada.group("g", &[], false).await;
        for uses in [-1, 1001, i32::MIN] {
            bad_field(invite(&ada, group, uses, None).await, "max_uses");
        }
        for seconds in [0, -1, 365 * 86_400 + 1, i64::MAX, i64::MIN] {
            bad_field(invite(&ada, group, 0, Some(seconds)).await, "expires_in");
        }
        for (uses, seconds) in [(1000, 365 * 86_400), (1, 1)] {
            invite(&ada, group, uses, Some(seconds)).await.unwrap();
        }
        not_found(invite(&ada, 999_999, 0, None).await);
    }

    async fn codes_that_do_not_hold_all_look_the_same(backend) {
        let store = Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = Clock::new({
            let now = now.clone();
            move || now.load(Ordering::SeqCst)
        });
        let config = store.config();
        let server = Served::serve(store, &config, clock).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[], false).await;
        let ended = ada.group("ended", &[], false).await;
        let in_time = invite(&ada, group, 0, Some(60)).await.unwrap().code;
        let used_up = invite(&ada, group, 1, None).await.unwrap().code;
        let of_ended = invite(&ada, ended, 0, None).await.unwrap().code;
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: ended, silent: false }).await.unwrap();
        join(&bob, By::Code(used_up.clone())).await.unwrap();
        now.fetch_add(59_999, Ordering::SeqCst);
        let dan = server.user("dan").await;
        join(&dan, By::Code(in_time.clone())).await.unwrap();
        now.fetch_add(1, Ordering::SeqCst);
        let raw = Raw::new(server.address);
        let mut answers = Vec::new();
        for code in [
            in_time,
            used_up.clone(),
            of_ended,
            "abcdefghjkmn".into(),
            "x".repeat(5000),
            "a\0b".into(),
            String::new(),
            "%".into(),
        ] {
            let request = v1::JoinGroupRequest { by: Some(By::Code(code)) };
            let status = raw.send(Some(&cleo.token), "ConversationService/JoinGroup", &request).await.unwrap_err();
            answers.push(seen(&status));
        }
        assert_eq!(answers[0].0, tonic::Code::NotFound);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(ids(&cleo).await, [1]);
        join(&bob, By::Code(used_up)).await.unwrap();
        // What does not hold any more is cleared away in time.
        let store = server.stop().await;
        let server = Server::open(&store.config(), Clock::new(move || now.load(Ordering::SeqCst))).await.unwrap();
        server.sweep().await.unwrap();
        drop(server);
        assert_eq!(store.texts("select cast(count(*) as text) from invites").await, ["1"]);
    }

    async fn invites_that_hold_are_listed_to_their_makers_and_all_to_the_owner(backend) {
        let store = Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = Clock::new({
            let now = now.clone();
            move || now.fetch_add(1, Ordering::SeqCst)
        });
        let config = store.config();
        let server = Served::serve(store, &config, clock).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let other = ada.group("other", &[], false).await;
        invite(&ada, other, 0, None).await.unwrap();
        let brief = invite(&bob, group, 0, Some(60)).await.unwrap();
        let single = invite(&bob, group, 1, None).await.unwrap();
        let (first, second) = (invite(&ada, group, 0, None).await.unwrap(), invite(&bob, group, 2, None).await.unwrap());
        assert_eq!(invites(&ada, group).await, [second.clone(), first.clone(), single.clone(), brief.clone()]);
        assert_eq!(invites(&bob, group).await, [second.clone(), single.clone(), brief.clone()]);
        assert_eq!(invites(&cleo, group).await, []);
        // Page by page, all of them once.
        let (mut token, mut pages) = (String::new(), Vec::new());
        loop {
            let request = v1::ListInvitesRequest { conversation_id: group, page_size: 3, page_token: token };
            let page = ada.api.list_invites(request).await.unwrap();
            pages.push(page.invites.len());
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(pages, [3, 1]);
        for page_token in ["x", "1", "x.y", "1.a\0"] {
            let request = v1::ListInvitesRequest { conversation_id: group, page_token: page_token.into(), page_size: 0 };
            bad_field(ada.api.list_invites(request).await, "page_token");
        }
        // Used up and expired ones hold no more.
        let (dan, eve) = (server.user("dan").await, server.user("eve").await);
        join(&dan, By::Code(single.code)).await.unwrap();
        join(&dan, By::Code(second.code.clone())).await.unwrap();
        join(&eve, By::Code(second.code.clone())).await.unwrap();
        now.fetch_add(61_000, Ordering::SeqCst);
        let used = v1::Invite { uses: 1, ..second };
        assert_eq!(invites(&ada, group).await, [used, first], "who is in it already used nothing");
        let stranger = server.user("stranger").await;
        let request = |conversation_id| v1::ListInvitesRequest { conversation_id, ..Default::default() };
        not_found(stranger.api.list_invites(request(group)).await);
        denied(ada.api.list_invites(request(1)).await);
    }

    async fn of_what_holds_one_member_has_so_many_in_each_group(backend) {
        let server = Served::with(backend, |config| config.limits.invites = 2).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let other = ada.group("other", &[], false).await;
        let single = invite(&ada, group, 1, None).await.unwrap();
        let second = invite(&ada, group, 0, None).await.unwrap();
        let full = async || refused(invite(&ada, group, 0, None).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        full().await;
        invite(&ada, other, 0, None).await.unwrap();
        invite(&bob, group, 0, None).await.unwrap();
        // What is used up or was revoked does not count.
        join(&server.user("cleo").await, By::Code(single.code)).await.unwrap();
        invite(&ada, group, 0, None).await.unwrap();
        full().await;
        let request = v1::RevokeInviteRequest { conversation_id: group, code: second.code };
        ada.api.revoke_invite(request).await.unwrap();
        invite(&ada, group, 0, None).await.unwrap();
        full().await;
    }

    async fn an_invite_is_ended_by_its_maker_or_the_owner(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo, dan) =
            (server.user("ada").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let other = ada.group("other", &[&bob], false).await;
        let of_bob = invite(&bob, group, 0, None).await.unwrap().code;
        let of_ada = invite(&ada, group, 0, None).await.unwrap().code;
        let revoke = async |person: &Person, conversation_id: i64, code: &str| {
            let request = v1::RevokeInviteRequest { conversation_id, code: code.into() };
            person.api.revoke_invite(request).await
        };
        // Whoever may not end it learns nothing of it.
        let raw = Raw::new(server.address);
        let mut answers = Vec::new();
        for code in [of_ada.as_str(), &of_bob, "abcdefghjkmn", "", "a\0b"] {
            let request = v1::RevokeInviteRequest { conversation_id: group, code: code.into() };
            let status = raw.send(Some(&cleo.token), "ConversationService/RevokeInvite", &request).await.unwrap_err();
            answers.push(seen(&status));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        not_found(revoke(&bob, group, &of_ada).await);
        not_found(revoke(&ada, other, &of_bob).await);
        not_found(revoke(&dan, group, &of_bob).await);
        revoke(&bob, group, &format!(" {} ", of_bob.to_uppercase())).await.unwrap();
        not_found(revoke(&bob, group, &of_bob).await);
        not_found(join(&dan, By::Code(of_bob)).await);
        let again = invite(&bob, group, 0, None).await.unwrap().code;
        revoke(&ada, group, &again).await.unwrap();
        not_found(join(&dan, By::Code(again)).await);
        assert_eq!(invites(&ada, group).await.len(), 1);
        join(&dan, By::Code(of_ada)).await.unwrap();
    }

    async fn of_fifty_at_once_one_gets_in_with_a_code_for_one(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let group = ada.group("g", &[], false).await;
        let code = invite(&ada, group, 1, None).await.unwrap().code;
        let mut people = Vec::new();
        for _ in 0..50 {
            people.push(server.user(&unique("guest")).await);
        }
        let joins = people.into_iter().map(|person| {
            let code = code.clone();
            tokio::spawn(async move { join(&person, By::Code(code)).await })
        });
        let mut joined = 0;
        for attempt in joins.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(_) => joined += 1,
                refusal => not_found(refusal),
            }
        }
        assert_eq!(joined, 1);
        let request = v1::ListMembersRequest { conversation_id: group, ..Default::default() };
        assert_eq!(ada.api.list_members(request).await.unwrap().total, 2);
        assert_eq!(get(&ada, group).await.position, 2);
    }

    async fn who_was_removed_gets_in_again_only_by_a_member(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], true).await;
        let code = invite(&cleo, group, 0, None).await.unwrap().code;
        ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id }).await.unwrap();
        denied(join(&bob, By::ConversationId(group)).await);
        denied(join(&bob, By::Code(code.clone())).await);
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        cleo.api.add_members(add).await.unwrap();
        bob.say(group, "back").await;
        // Forgiven: leaving by herself, she may come again.
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        join(&bob, By::Code(code.clone())).await.unwrap();
        // What somebody made goes with her when she is removed, not when she leaves.
        let dan = server.user("dan").await;
        ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: cleo.id }).await.unwrap();
        not_found(join(&dan, By::Code(code)).await);
        let code = invite(&bob, group, 0, None).await.unwrap().code;
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        join(&dan, By::Code(code)).await.unwrap();
    }
}
