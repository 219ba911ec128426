//! Who is in a group: added, removed, leaving, inheriting.

use rookery_client::{Code, v1};
use v1::{ErrorReason, SystemKind, event::Kind};

use crate::{
    conversation::{get, ids},
    group::lines,
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, denied, not_found, refused},
};

async fn add(
    person: &Person,
    conversation_id: i64,
    people: &[&Person],
) -> Result<v1::Conversation, rookery_client::Error> {
    let user_ids = people.iter().map(|person| person.id).collect();
    let answer = person.api.add_members(v1::AddMembersRequest { conversation_id, user_ids }).await?;
    Ok(answer.conversation.unwrap())
}

async fn leave(person: &Person, conversation_id: i64, silent: bool) {
    person.api.leave_group(v1::LeaveGroupRequest { conversation_id, silent }).await.unwrap();
}

async fn members(person: &Person, conversation_id: i64) -> Vec<v1::Member> {
    let request = v1::ListMembersRequest { conversation_id, ..Default::default() };
    let answer = person.api.list_members(request).await.unwrap();
    assert_eq!(answer.total as usize, answer.members.len());
    answer.members
}

fn removed(kind: Kind) -> Option<i64> {
    if let Kind::ConversationRemoved(removed) = kind { Some(removed.conversation_id) } else { None }
}

on_both! {
    async fn any_member_adds_and_those_who_are_in_stay(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo, dan) =
            (server.user("ada").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        let group = ada.group("g", &[&bob], false).await;
        let mut ears = Listener::open(&ada).await;
        let mut own = Listener::open(&dan).await;
        let after = add(&bob, group, &[&dan, &ada, &bob, &cleo, &dan]).await.unwrap();
        assert_eq!(after.position, 2);
        let line = ears.message().await;
        assert_eq!(line.author_id, bob.id);
        let system = line.system.clone().unwrap();
        assert_eq!((system.kind(), system.user_ids), (SystemKind::Added, vec![cleo.id, dan.id]));
        let shown = own.until(|kind| if let Kind::ConversationChanged(c) = kind { c.conversation } else { None }).await;
        assert_eq!(shown.id, group);
        assert_eq!(own.message().await, line, "the joining line is the first that she may read");
        assert_eq!(add(&bob, group, &[&dan, &bob]).await.unwrap().position, 2, "nobody new: nothing written");
        let list = members(&dan, group).await;
        assert_eq!(
            list.iter().map(|m| m.user.as_ref().unwrap().id).collect::<Vec<_>>(),
            [ada.id, bob.id, cleo.id, dan.id]
        );
        assert_eq!(list.iter().map(|m| m.owner).collect::<Vec<_>>(), [true, false, false, false]);
        assert!(list.iter().all(|member| member.joined_at.is_some()));
        let unknown = v1::AddMembersRequest { conversation_id: group, user_ids: vec![999_999] };
        not_found(ada.api.add_members(unknown).await);
        for user_ids in [vec![], vec![ada.id; 101]] {
            bad_field(
                ada.api.add_members(v1::AddMembersRequest { conversation_id: group, user_ids }).await,
                "user_ids",
            );
        }
    }

    async fn the_owner_removes_and_the_removed_one_hears_nothing_more(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let mut gone = Listener::open(&bob).await;
        let mut stays = Listener::open(&cleo).await;
        let remove = |user_id| v1::RemoveMemberRequest { conversation_id: group, user_id };
        denied(bob.api.remove_member(remove(cleo.id)).await);
        denied(bob.api.remove_member(remove(bob.id)).await);
        refused(ada.api.remove_member(remove(ada.id)).await, Code::FailedPrecondition, ErrorReason::WrongState);
        for nobody in [999_999, 0, -1] {
            not_found(ada.api.remove_member(remove(nobody)).await);
        }
        ada.api.remove_member(remove(bob.id)).await.unwrap();
        not_found(ada.api.remove_member(remove(bob.id)).await);
        ada.say(group, "without bob").await;
        assert_eq!(gone.until(removed).await, group);
        let later = gone.rest().await;
        assert!(
            later.iter().all(|kind| !matches!(kind, Kind::MessageChanged(_) | Kind::ConversationChanged(_))),
            "{later:?}"
        );
        let line = stays.message().await;
        let system = line.system.unwrap();
        assert_eq!((line.author_id, system.kind(), system.user_ids), (ada.id, SystemKind::Removed, vec![bob.id]));
        assert_eq!(stays.message().await.text, "without bob");
        assert_eq!(ids(&bob).await, [1]);
        assert_eq!(members(&ada, group).await.len(), 2);
    }

    async fn when_the_owner_leaves_the_oldest_member_inherits(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        // cleo was there before bob, though bob's account is older.
        let group = ada.group("g", &[&cleo], false).await;
        add(&ada, group, &[&bob]).await.unwrap();
        let mut ears = Listener::open(&bob).await;
        let mut own = Listener::open(&ada).await;
        leave(&ada, group, false).await;
        let line = ears.message().await.system.unwrap();
        assert_eq!((line.kind(), line.new_owner_id), (SystemKind::Left, cleo.id));
        let changed =
            ears.until(|kind| if let Kind::ConversationChanged(c) = kind { c.conversation } else { None }).await;
        assert_eq!(changed.owner_id, cleo.id);
        assert_eq!(own.until(removed).await, group);
        assert_eq!(get(&bob, group).await.owner_id, cleo.id);
        not_found(ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await);
        leave(&bob, group, false).await;
        assert_eq!(ears.until(removed).await, group);
        let line = cleo.messages(group).await.pop().unwrap().system.unwrap();
        assert_eq!((line.kind(), line.new_owner_id), (SystemKind::Left, 0));
    }

    async fn somebody_who_is_shut_out_inherits_only_where_nobody_else_is(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let operator = server.admin("rita").await;
        let group = ada.group("g", &[&cleo], false).await;
        add(&ada, group, &[&bob]).await.unwrap();
        let mask = prost_types::FieldMask { paths: vec!["disabled".into()] };
        let shut_out =
            v1::UpdateAccountRequest { user_id: cleo.id, disabled: true, update_mask: Some(mask), ..Default::default() };
        operator.api.update_account(shut_out).await.unwrap();
        leave(&ada, group, false).await;
        assert_eq!(get(&bob, group).await.owner_id, bob.id);
    }

    async fn nobody_hands_a_group_over_to_somebody_who_is_shut_out(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, rita) = (server.user("ada").await, server.user("bob").await, server.admin("rita").await);
        let group = ada.group("g", &[&bob], false).await;
        let disable = async |disabled| {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["disabled".into()] });
            let request = v1::UpdateAccountRequest { user_id: bob.id, disabled, update_mask, ..Default::default() };
            rita.api.update_account(request).await.unwrap();
        };
        let transfer = async || {
            let request = v1::TransferOwnershipRequest { conversation_id: group, user_id: bob.id };
            ada.api.transfer_ownership(request).await
        };
        disable(true).await;
        let position = get(&ada, group).await.position;
        refused(transfer().await, Code::FailedPrecondition, ErrorReason::WrongState);
        let still = get(&ada, group).await;
        assert_eq!((still.owner_id, still.position), (ada.id, position));
        disable(false).await;
        assert_eq!(transfer().await.unwrap().conversation.unwrap().owner_id, bob.id);
    }

    async fn the_owner_hands_a_group_over_to_a_member(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob], false).await;
        let to = |user_id| v1::TransferOwnershipRequest { conversation_id: group, user_id };
        let mut ears = Listener::open(&bob).await;
        // Nobody raises herself.
        denied(bob.api.transfer_ownership(to(bob.id)).await);
        denied(bob.api.transfer_ownership(to(999_999)).await);
        not_found(cleo.api.transfer_ownership(to(cleo.id)).await);
        for nobody in [cleo.id, 999_999, 0, -1] {
            not_found(ada.api.transfer_ownership(to(nobody)).await);
        }
        denied(ada.api.transfer_ownership(v1::TransferOwnershipRequest { conversation_id: 1, user_id: bob.id }).await);
        let same = ada.api.transfer_ownership(to(ada.id)).await.unwrap().conversation.unwrap();
        assert_eq!((same.owner_id, same.position), (ada.id, 1), "she is the owner: nothing happens");
        let given = ada.api.transfer_ownership(to(bob.id)).await.unwrap().conversation.unwrap();
        assert_eq!((given.owner_id, given.position), (bob.id, 2));
        let line = ears.message().await;
        let system = line.system.unwrap();
        assert_eq!((line.author_id, system.kind(), system.new_owner_id), (ada.id, SystemKind::OwnerChanged, bob.id));
        let changed =
            ears.until(|kind| if let Kind::ConversationChanged(c) = kind { c.conversation } else { None }).await;
        assert_eq!(changed.owner_id, bob.id);
        // Whom a page's lines name is in the page, also who owns it now.
        let request = v1::ListMessagesRequest { conversation_id: group, page_size: 1, ..Default::default() };
        let page = bob.api.list_messages(request).await.unwrap();
        assert_eq!(page.users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id, bob.id]);
        // What was hers alone is his now.
        denied(ada.api.transfer_ownership(to(ada.id)).await);
        denied(ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id }).await);
        denied(crate::group::update(&ada, group, "", true, &["public"]).await);
        crate::group::update(&bob, group, "", true, &["public"]).await.unwrap();
        bob.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: ada.id }).await.unwrap();
        not_found(bob.api.transfer_ownership(to(ada.id)).await);
    }

    async fn a_silent_leave_is_a_line_of_its_own_kind(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        leave(&bob, group, true).await;
        assert_eq!(lines(&ada, group).await, [SystemKind::Created, SystemKind::LeftSilently]);
        assert_eq!(members(&ada, group).await.len(), 1);
    }

    async fn when_the_last_one_leaves_the_group_ends(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[], true).await;
        leave(&ada, group, false).await;
        for person in [&ada, &bob] {
            not_found(person.api.get_conversation(v1::GetConversationRequest { conversation_id: group }).await);
            not_found(crate::group::join(person, v1::join_group_request::By::ConversationId(group)).await);
            let found = person.api.list_public_groups(v1::ListPublicGroupsRequest::default()).await.unwrap();
            assert!(found.groups.is_empty());
        }
        not_found(add(&ada, group, &[&bob]).await);
    }
}
