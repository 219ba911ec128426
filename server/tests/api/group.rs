//! Groups: made, renamed, made public, found, joined.

use rookery_client::{Code, Error, v1};
use v1::{ConversationKind, ErrorReason, SystemKind, event::Kind, join_group_request::By};

use crate::{
    conversation::{get, ids},
    harness::{Person, Served, unique},
    invite::invite,
    listener::Listener,
    on_both,
    refusal::{bad_field, denied, not_found, refused},
};

pub async fn join(person: &Person, by: By) -> Result<v1::Conversation, Error> {
    let answer = person.api.join_group(v1::JoinGroupRequest { by: Some(by) }).await?;
    Ok(answer.conversation.unwrap())
}

pub async fn update(
    person: &Person,
    conversation_id: i64,
    name: &str,
    public: bool,
    paths: &[&str],
) -> Result<v1::Conversation, Error> {
    let request = v1::UpdateGroupRequest {
        conversation_id,
        name: name.into(),
        public,
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() }),
        ..Default::default()
    };
    Ok(person.api.update_group(request).await?.conversation.unwrap())
}

/// The kinds of the lines in a conversation, as a reader sees them.
pub async fn lines(person: &Person, conversation_id: i64) -> Vec<SystemKind> {
    person.messages(conversation_id).await.iter().filter_map(|m| m.system.as_ref().map(v1::SystemLine::kind)).collect()
}

async fn public_groups(person: &Person, filter: &str) -> Vec<v1::PublicGroup> {
    let request = v1::ListPublicGroupsRequest { filter: filter.into(), ..Default::default() };
    person.api.list_public_groups(request).await.unwrap().groups
}

on_both! {
    async fn a_group_is_made_with_its_members_and_they_hear_of_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let mut ears = Listener::open(&bob).await;
        let mut own = Listener::open(&ada).await;
        // The maker herself and doubled names count once.
        let request = v1::CreateGroupRequest {
            name: "  Walks ".into(),
            member_ids: vec![cleo.id, bob.id, ada.id, bob.id],
            ..Default::default()
        };
        let group = ada.api.create_group(request).await.unwrap().conversation.unwrap();
        assert_eq!(
            (group.kind(), group.name.as_str(), group.public, group.owner_id),
            (ConversationKind::Group, "Walks", false, ada.id)
        );
        assert_eq!(group.position, 1);
        let line = group.last_message.unwrap();
        let system = line.system.clone().unwrap();
        assert_eq!((line.id, line.author_id, line.text.as_str(), line.request_id.as_str()), (1, ada.id, "", ""));
        assert_eq!(
            (system.kind(), system.name.as_str(), system.user_ids),
            (SystemKind::Created, "Walks", vec![bob.id, cleo.id])
        );
        for (ears, person) in [(&mut ears, &bob), (&mut own, &ada)] {
            let changed = ears
                .until(|kind| if let Kind::ConversationChanged(changed) = kind { changed.conversation } else { None })
                .await;
            assert_eq!(
                (changed.id, changed.name.as_str(), changed.mine, changed.last_message),
                (group.id, "Walks", None, None)
            );
            assert_eq!(ears.message().await, line);
            assert_eq!(ids(person).await, [1, group.id]);
        }
        let mine = get(&cleo, group.id).await.mine.unwrap();
        assert_eq!((mine.visible_from, mine.unread), (1, 0));
    }

    async fn an_owner_may_keep_a_groups_name_picture_members_and_invites_to_herself(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let (dan, eve) = (server.user("dan").await, server.user("eve").await);
        let group = ada.group("g", &[&bob], false).await;
        assert!(!get(&bob, group).await.owner_manages);
        let before = invite(&bob, group, 0, None).await.unwrap().code;
        let mut ears = Listener::open(&bob).await;
        let keep = async |person: &Person, owner_manages: bool| {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["owner_manages".into()] });
            let request =
                v1::UpdateGroupRequest { conversation_id: group, owner_manages, update_mask, ..Default::default() };
            person.api.update_group(request).await.map(|answer| answer.conversation.unwrap())
        };
        let add = async |person: &Person, whom: &Person| {
            person.api.add_members(v1::AddMembersRequest { conversation_id: group, user_ids: vec![whom.id] }).await
        };
        let draw = async |person: &Person| update(person, group, "", false, &["icon"]).await;
        denied(keep(&bob, true).await);
        not_found(keep(&eve, true).await);
        let kept = keep(&ada, true).await.unwrap();
        assert_eq!((kept.owner_manages, kept.position), (true, 2));
        let told = |kind| if let Kind::ConversationChanged(changed) = kind { changed.conversation } else { None };
        assert!(ears.until(told).await.owner_manages);
        assert_eq!(keep(&ada, true).await.unwrap().position, 2, "as it was");
        denied(keep(&bob, false).await);
        denied(update(&bob, group, "other", false, &["name"]).await);
        denied(draw(&bob).await);
        denied(add(&bob, &cleo).await);
        denied(add(&bob, &ada).await);
        denied(invite(&bob, group, 0, None).await);
        for answer in [update(&eve, group, "other", false, &["name"]).await, draw(&eve).await] {
            not_found(answer);
        }
        not_found(add(&eve, &cleo).await);
        not_found(invite(&eve, group, 0, None).await);
        assert_eq!((get(&ada, group).await.name.as_str(), get(&ada, group).await.position), ("g", 2));
        // What is no management stays, and so do invites that were made before.
        bob.say(group, "hello").await;
        join(&eve, By::Code(before)).await.unwrap();
        // The owner does it all, and it is the owner's, whoever that is.
        update(&ada, group, "other", false, &["name"]).await.unwrap();
        draw(&ada).await.unwrap();
        add(&ada, &cleo).await.unwrap();
        invite(&ada, group, 0, None).await.unwrap();
        let transfer = v1::TransferOwnershipRequest { conversation_id: group, user_id: bob.id };
        assert!(ada.api.transfer_ownership(transfer).await.unwrap().conversation.unwrap().owner_manages);
        denied(update(&ada, group, "ada's", false, &["name"]).await);
        denied(add(&ada, &dan).await);
        update(&bob, group, "bob's", false, &["name"]).await.unwrap();
        assert!(!keep(&bob, false).await.unwrap().owner_manages);
        add(&eve, &dan).await.unwrap();
        invite(&cleo, group, 0, None).await.unwrap();
        let lines = lines(&ada, group).await;
        assert!(lines.contains(&SystemKind::OwnerManages) && lines.contains(&SystemKind::MembersManage), "{lines:?}");
        // So from the start.
        let request = v1::CreateGroupRequest { member_ids: vec![bob.id], owner_manages: true, ..Default::default() };
        let made = ada.api.create_group(request).await.unwrap().conversation.unwrap();
        assert!(made.owner_manages && get(&bob, made.id).await.owner_manages);
        denied(update(&bob, made.id, "other", false, &["name"]).await);
    }

    async fn the_same_request_makes_one_group(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let request = v1::CreateGroupRequest {
            name: "Once".into(),
            request_id: "0d4c9b52-7d43-4a0f-9d0a-4b3f4f5f6a01".into(),
            ..Default::default()
        };
        let repeats = (0..10).map(|_| {
            let (ada, request) = (ada.clone(), request.clone());
            tokio::spawn(async move { ada.api.create_group(request).await })
        });
        let mut made = Vec::new();
        for repeat in repeats.collect::<Vec<_>>() {
            match repeat.await.unwrap() {
                Ok(answer) => made.push(answer.conversation.unwrap().id),
                Err(error) => assert!(error.is_maybe(), "{error:?}"),
            }
        }
        made.dedup();
        assert_eq!(made.len(), 1);
        let again = ada.api.create_group(request.clone()).await.unwrap().conversation.unwrap();
        assert_eq!((again.id, ids(&ada).await), (made[0], vec![1, made[0]]));
        // Another person's request_id is another's.
        assert_ne!(bob.api.create_group(request.clone()).await.unwrap().conversation.unwrap().id, made[0]);
        let odd = v1::CreateGroupRequest { request_id: "no uuid".into(), ..request };
        bad_field(ada.api.create_group(odd).await, "request_id");
    }

    async fn a_group_without_a_name_is_called_by_its_members(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("  ", &[&bob], false).await;
        let name = get(&ada, group).await.name;
        assert!(name == "bob, ada" || name == "ada, bob", "{name}");
        let alone = ada.group("", &[], false).await;
        assert_eq!(get(&ada, alone).await.name, "ada");
        let mut crowd = Vec::new();
        for _ in 0..5 {
            crowd.push(server.user(&unique("a-very-long-name")).await);
        }
        let long = ada.group("", &crowd.iter().collect::<Vec<_>>(), false).await;
        assert_eq!(get(&ada, long).await.name.chars().count(), 64);
    }

    async fn a_group_that_cannot_be_made_leaves_nothing(backend) {
        let server = Served::with(backend, |config| config.limits.group_members = 3).await;
        let (ada, bob, cleo, dan) =
            (server.user("ada").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        for name in ["x\ny", &"x".repeat(65), "a\0b"] {
            bad_field(
                ada.api.create_group(v1::CreateGroupRequest { name: name.into(), ..Default::default() }).await,
                "name",
            );
        }
        for unknown in [0, -1, 999_999] {
            let request = v1::CreateGroupRequest { member_ids: vec![bob.id, unknown], ..Default::default() };
            not_found(ada.api.create_group(request).await);
        }
        let all = v1::CreateGroupRequest { member_ids: vec![bob.id, cleo.id, dan.id], ..Default::default() };
        refused(ada.api.create_group(all).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        assert_eq!(ids(&ada).await, [1]);
        let full = ada.group("full", &[&bob, &cleo], true).await;
        let add = v1::AddMembersRequest { conversation_id: full, user_ids: vec![dan.id] };
        refused(ada.api.add_members(add).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        refused(join(&dan, By::ConversationId(full)).await, Code::ResourceExhausted, ErrorReason::LimitReached);
        assert_eq!(get(&ada, full).await.position, 1, "a refusal writes nothing");
    }

    async fn any_member_renames_and_the_owner_alone_makes_public(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("First", &[&bob], false).await;
        let mut ears = Listener::open(&ada).await;
        let renamed = update(&bob, group, " Second ", false, &["name"]).await.unwrap();
        assert_eq!((renamed.name.as_str(), renamed.position), ("Second", 2));
        let line = ears.message().await.system.unwrap();
        assert_eq!((line.kind(), line.name.as_str()), (SystemKind::Renamed, "Second"));
        let changed =
            ears.until(|kind| if let Kind::ConversationChanged(c) = kind { c.conversation } else { None }).await;
        assert_eq!((changed.name.as_str(), changed.position), ("Second", 2));
        denied(update(&bob, group, "", true, &["public"]).await);
        denied(update(&bob, group, "Third", true, &["name", "public"]).await);
        assert_eq!(get(&ada, group).await.name, "Second", "a refusal changes nothing");
        // What is as it was writes no line.
        update(&ada, group, "Second", false, &["name", "public"]).await.unwrap();
        assert_eq!(get(&ada, group).await.position, 2);
        let public = update(&ada, group, "Third", true, &["name", "public"]).await.unwrap();
        assert_eq!((public.name.as_str(), public.public, public.position), ("Third", true, 4));
        update(&ada, group, "", false, &["public"]).await.unwrap();
        assert_eq!(
            lines(&bob, group).await,
            [
                SystemKind::Created,
                SystemKind::Renamed,
                SystemKind::Renamed,
                SystemKind::MadePublic,
                SystemKind::MadePrivate
            ]
        );
        for (name, paths) in [("", &["name"][..]), ("a\nb", &["name"]), (&"x".repeat(65), &["name"])] {
            bad_field(update(&ada, group, name, false, paths).await, "name");
        }
        for paths in [&[][..], &["owner_id"], &["name", ""], &["conversation_id"]] {
            bad_field(update(&ada, group, "x", false, paths).await, "update_mask");
        }
        not_found(update(&cleo, group, "x", false, &["name"]).await);
    }

    async fn public_groups_are_found_by_words_of_their_names(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let rooks = ada.group("Rook watchers", &[&bob], true).await;
        ada.group("Rook secrets", &[&bob], false).await;
        let other = ada.group("100% _wild_", &[], true).await;
        let found = public_groups(&bob, "WATCH").await;
        assert_eq!(found.len(), 1);
        let group = &found[0];
        assert_eq!(
            (group.conversation_id, group.name.as_str(), group.member_count, group.joined),
            (rooks, "Rook watchers", 2, true)
        );
        let found = public_groups(&bob, "").await;
        assert_eq!(
            found.iter().map(|group| (group.conversation_id, group.joined)).collect::<Vec<_>>(),
            [(other, false), (rooks, true)]
        );
        for (filter, count) in
            [("rook", 1), ("ook", 0), ("%", 0), ("_", 1), ("100%", 1), ("100_", 0), ("rook watch", 1)]
        {
            assert_eq!(public_groups(&bob, filter).await.len(), count, "{filter}");
        }
        update(&ada, other, "", false, &["public"]).await.unwrap();
        assert_eq!(public_groups(&bob, "").await.len(), 1);
        bad_field(
            ada.api
                .list_public_groups(v1::ListPublicGroupsRequest { filter: "x".repeat(65), ..Default::default() })
                .await,
            "filter",
        );
    }

    async fn a_page_token_tells_nothing_of_a_private_group(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let private = ada.group("Middle", &[], false).await;
        ada.group("Zebra", &[], true).await;
        let raw = crate::raw::Raw::new(server.address);
        let mut answers = Vec::new();
        for id in [private, 999_999] {
            let request = v1::ListPublicGroupsRequest { page_token: id.to_string(), ..Default::default() };
            let answer = raw.send(Some(&bob.token), "ConversationService/ListPublicGroups", &request).await;
            answers.push(answer.map_err(|status| crate::raw::seen(&status)));
        }
        assert_eq!(answers[0], answers[1]);
    }

    async fn a_public_group_is_joined_by_its_id(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("Open", &[], true).await;
        let private = ada.group("Closed", &[], false).await;
        ada.say(group, "early").await;
        let mut ears = Listener::open(&ada).await;
        let mut own = Listener::open(&bob).await;
        let joined = join(&bob, By::ConversationId(group)).await.unwrap();
        assert_eq!((joined.id, joined.position), (group, 3));
        let mine = joined.mine.unwrap();
        assert_eq!((mine.visible_from, mine.unread), (1, 0));
        let line = ears.message().await;
        assert_eq!((line.author_id, line.system.clone().unwrap().kind()), (bob.id, SystemKind::Joined));
        own.until(|kind| matches!(kind, Kind::ConversationChanged(_)).then_some(())).await;
        assert_eq!(own.message().await, line, "who joins hears from her own line on");
        let again = join(&bob, By::ConversationId(group)).await.unwrap();
        assert_eq!(again.position, 3, "joining twice is no error and no change");
        for id in [private, 1, 0, -5, 999_999] {
            not_found(join(&cleo, By::ConversationId(id)).await);
        }
        let nothing = cleo.api.join_group(v1::JoinGroupRequest { by: None }).await;
        bad_field(nothing, "conversation_id");
        assert_eq!(bob.messages(group).await.len(), 3);
    }
}
