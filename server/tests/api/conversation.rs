//! The global room, direct chats and lists of conversations.

use rookery_client::{Code, v1};
use v1::{ConversationKind, ErrorReason, event::Kind};

use crate::{
    harness::{Person, Served},
    listener::{Listener, message_of},
    on_both,
    refusal::{bad_field, denied, not_found, refused},
};

pub async fn listed(person: &Person) -> Vec<v1::Conversation> {
    person.api.list_conversations(v1::ListConversationsRequest::default()).await.unwrap().conversations
}

pub async fn ids(person: &Person) -> Vec<i64> {
    listed(person).await.iter().map(|conversation| conversation.id).collect()
}

pub async fn get(person: &Person, conversation_id: i64) -> v1::Conversation {
    let request = v1::GetConversationRequest { conversation_id };
    person.api.get_conversation(request).await.unwrap().conversation.unwrap()
}

fn appeared(kind: Kind) -> Option<i64> {
    match kind {
        Kind::ConversationChanged(changed) => changed.conversation.map(|conversation| conversation.id),
        Kind::MessageChanged(changed) => changed.message.map(|message| message.conversation_id),
        Kind::ConversationRemoved(removed) => Some(removed.conversation_id),
        _ => None,
    }
}

on_both! {
    async fn everybody_is_in_the_global_room_and_stays(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        ada.say(1, "before bob").await;
        let bob = server.user("bob").await;
        let room = get(&bob, 1).await;
        assert_eq!((room.kind(), room.public, room.owner_id), (ConversationKind::Global, false, 0));
        assert!(!room.name.is_empty() && room.direct_user_ids.is_empty() && room.created_at.is_some());
        let mine = room.mine.unwrap();
        // All of it may be read, and what was there before counts as read. Coming writes no line.
        assert_eq!((mine.visible_from, mine.read_position, mine.unread), (1, 1, 0));
        assert_eq!(bob.messages(1).await.len(), 1);
        assert_eq!(room.last_message.unwrap().text, "before bob");
        assert_eq!(listed(&bob).await[0].kind(), ConversationKind::Global);
        denied(bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: 1, silent: false }).await);
        denied(bob.api.remove_member(v1::RemoveMemberRequest { conversation_id: 1, user_id: ada.id }).await);
        denied(bob.api.create_invite(v1::CreateInviteRequest { conversation_id: 1, ..Default::default() }).await);
        denied(bob.api.add_members(v1::AddMembersRequest { conversation_id: 1, user_ids: vec![ada.id] }).await);
        let rename = v1::UpdateGroupRequest {
            conversation_id: 1,
            name: "Mine".into(),
            update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
            ..Default::default()
        };
        denied(bob.api.update_group(rename).await);
    }

    async fn a_direct_chat_is_one_for_each_pair(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let opens = (0..20).map(|n| {
            let (one, other) = if n % 2 == 0 { (ada.clone(), bob.clone()) } else { (bob.clone(), ada.clone()) };
            tokio::spawn(async move { one.direct(&other).await })
        });
        let mut found = Vec::new();
        for open in opens.collect::<Vec<_>>() {
            found.push(open.await.unwrap());
        }
        found.dedup();
        assert_eq!(found.len(), 1);
        let chat = get(&ada, found[0]).await;
        assert_eq!((chat.kind(), chat.name.as_str(), chat.owner_id), (ConversationKind::Direct, "", 0));
        assert_eq!(chat.direct_user_ids, [ada.id.min(bob.id), ada.id.max(bob.id)]);
        assert_eq!((chat.position, chat.last_message, chat.public), (0, None, false));
        assert_ne!(ada.direct(&cleo).await, found[0]);
        not_found(cleo.api.get_conversation(v1::GetConversationRequest { conversation_id: found[0] }).await);
        bad_field(ada.api.open_direct(v1::OpenDirectRequest { user_id: ada.id }).await, "user_id");
        for user_id in [0, -1, 999_999, i64::MAX] {
            not_found(ada.api.open_direct(v1::OpenDirectRequest { user_id }).await);
        }
        denied(ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: found[0], silent: true }).await);
        let add = v1::AddMembersRequest { conversation_id: found[0], user_ids: vec![cleo.id] };
        denied(ada.api.add_members(add).await);
        not_found(
            cleo.api
                .join_group(v1::JoinGroupRequest { by: Some(v1::join_group_request::By::ConversationId(found[0])) })
                .await,
        );
        let members = v1::ListMembersRequest { conversation_id: found[0], ..Default::default() };
        let members = bob.api.list_members(members).await.unwrap();
        assert_eq!(members.total, 2);
        assert!(members.members.iter().all(|member| !member.owner));
    }

    async fn a_direct_chat_shows_itself_with_its_first_message_and_live(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut early = Listener::open(&bob).await;
        let chat = ada.direct(&bob).await;
        let mut late = Listener::open(&bob).await;
        assert!(early.rest_of(appeared).await.is_empty(), "opening alone tells the other side nothing");
        assert_eq!((ids(&ada).await, ids(&bob).await), (vec![1], vec![1]));
        assert_eq!(late.ready.conversations.len(), 1);
        let sent = ada.say(chat, "hello bob").await;
        let begun = std::time::Instant::now();
        for ears in [&mut early, &mut late] {
            let numbered = ears.numbered().await;
            assert_eq!((numbered.conversation_id, numbered.after, numbered.position), (chat, 0, 1));
            assert_eq!(numbered.event.unwrap().kind.and_then(message_of).unwrap(), sent);
        }
        assert!(begun.elapsed().as_millis() < 1000, "{:?}", begun.elapsed());
        assert_eq!((ids(&ada).await, ids(&bob).await), (vec![1, chat], vec![1, chat]));
        let answer = bob.api.get_conversation(v1::GetConversationRequest { conversation_id: chat }).await.unwrap();
        let shown = answer.conversation.unwrap();
        assert_eq!(shown.last_message, Some(sent));
        assert_eq!(shown.mine.unwrap().unread, 1);
        let mut users: Vec<i64> = answer.users.iter().map(|user| user.id).collect();
        users.sort_unstable();
        assert_eq!(users, [ada.id, bob.id]);
        assert_eq!(bob.direct(&ada).await, chat);
    }

    async fn a_last_message_is_cut_at_200_characters(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        ada.say(1, &"é".repeat(200)).await;
        assert_eq!(get(&ada, 1).await.last_message.unwrap().text.chars().count(), 200);
        ada.say(1, &"🦜".repeat(201)).await;
        assert_eq!(get(&ada, 1).await.last_message.unwrap().text, "🦜".repeat(200));
        assert_eq!(listed(&ada).await[0].last_message.as_ref().unwrap().text, "🦜".repeat(200));
    }

    async fn a_list_names_each_person_once(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let chat = ada.direct(&bob).await;
        ada.say(chat, "one").await;
        ada.group("g", &[&cleo], false).await;
        bob.say(1, "two").await;
        let answer = ada.api.list_conversations(v1::ListConversationsRequest::default()).await.unwrap();
        let mut users: Vec<i64> = answer.users.iter().map(|user| user.id).collect();
        users.sort_unstable();
        // cleo is named by the line that made the group.
        assert_eq!(users, [ada.id, bob.id, cleo.id]);
        let ready = Listener::open(&ada).await.ready;
        assert_eq!(ready.conversations, answer.conversations);
        assert_eq!(ready.user.unwrap().id, ada.id);
    }

    async fn changing_a_conversation_needs_a_known_one(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for conversation_id in [0, -1, 999_999, i64::MAX, i64::MIN] {
            not_found(ada.api.get_conversation(v1::GetConversationRequest { conversation_id }).await);
            not_found(ada.api.list_members(v1::ListMembersRequest { conversation_id, ..Default::default() }).await);
            let request = v1::SendMessageRequest { conversation_id, text: "x".into(), ..Default::default() };
            refused(ada.api.send_message(request).await, Code::NotFound, ErrorReason::NotFound);
        }
    }
}
