//! What somebody may read who came later: nothing from before, on no way.

use rookery_client::v1;
use v1::{HistoryRule, SystemKind, event::Kind, join_group_request::By, list_messages_request::At};

use crate::{
    conversation::get,
    group::{join, update},
    harness::{Person, Served},
    invite::invite,
    listener::Listener,
    on_both,
    refusal::{bad_field, denied, not_found},
};

async fn react(
    person: &Person,
    conversation_id: i64,
    id: i64,
) -> Result<v1::AddReactionResponse, rookery_client::Error> {
    person.api.add_reaction(v1::AddReactionRequest { conversation_id, id, emote: "👀".into() }).await
}

async fn edit(person: &Person, conversation_id: i64, id: i64, text: &str) -> v1::Message {
    let request = v1::EditMessageRequest { conversation_id, id, text: text.into() };
    person.api.edit_message(request).await.unwrap().message.unwrap()
}

on_both! {
    async fn what_was_before_is_not_there_on_any_way(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&cleo], false).await;
        let file = crate::attachment::picture(&ada, "old.png").await;
        let early = crate::attachment::show(&ada, group, "secret of old, @bob @everyone", &[&file]).await;
        ada.api.pin_message(v1::PinMessageRequest { conversation_id: group, id: early.id }).await.unwrap();
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        let line = added(&ada, add).await;
        assert_eq!(line, 4);
        // Nothing after the line yet: the line is the last message, and nothing is unread.
        let seen = get(&bob, group).await;
        assert_eq!(seen.last_message.unwrap().id, line);
        let mine = seen.mine.unwrap();
        assert_eq!((mine.visible_from, mine.read_position, mine.unread, mine.unread_mentions), (line, line, 0, 0));
        let mut live = Listener::open(&bob).await;
        // Changes of old messages move her cursor and say no more.
        edit(&ada, group, early.id, "secret, edited").await;
        let numbered = live.numbered().await;
        assert_eq!((numbered.conversation_id, numbered.after, numbered.position), (group, line, line + 1));
        assert!(matches!(numbered.event.unwrap().kind, Some(Kind::Skipped(_))));
        react(&cleo, group, early.id).await.unwrap();
        assert!(matches!(live.next().await, Kind::Skipped(_)));
        // An answer to an old message names it, and tells nothing of it.
        let answer = v1::SendMessageRequest {
            conversation_id: group,
            text: "for all".into(),
            reply_to: early.id,
            ..Default::default()
        };
        let new = ada.api.send_message(answer).await.unwrap().message.unwrap();
        assert_eq!(new.reply_to, early.id);
        assert_eq!(live.message().await, new);

        let ids = |messages: &[v1::Message]| messages.iter().map(|message| message.id).collect::<Vec<_>>();
        for at in [
            None,
            Some(At::Before(i64::MAX)),
            Some(At::Before(100)),
            Some(At::After(0)),
            Some(At::After(-7)),
            Some(At::Around(2)),
        ] {
            let request = v1::ListMessagesRequest { conversation_id: group, at, page_size: 50 };
            let page = bob.api.list_messages(request).await.unwrap();
            assert_eq!(ids(&page.messages), [line, new.id], "{at:?}");
            assert!(!page.more_before && !page.more_after, "{at:?}");
        }
        for at in [At::Before(line), At::Before(2), At::Before(i64::MIN)] {
            let request = v1::ListMessagesRequest { conversation_id: group, at: Some(at), page_size: 50 };
            let page = bob.api.list_messages(request).await.unwrap();
            assert!(page.messages.is_empty() && !page.more_before && page.more_after, "{at:?}");
        }
        let changes = v1::ListChangesRequest { conversation_id: group, after: 0, page_size: 0 };
        let changes = bob.api.list_changes(changes).await.unwrap();
        assert_eq!((ids(&changes.messages), changes.position), (vec![line, new.id], new.id));
        let replay = Listener::from(&bob, group, 0).await.replayed;
        let told: Vec<i64> = replay
            .iter()
            .filter_map(|r| r.event.clone()?.kind)
            .filter_map(crate::listener::message_of)
            .map(|message| message.id)
            .collect();
        assert_eq!(told, [line, new.id]);
        assert_eq!(replay.iter().map(|response| response.position).max(), Some(new.id));

        let (conversation_id, id, emote) = (group, early.id, String::from("👀"));
        not_found(bob.api.get_message(v1::GetMessageRequest { conversation_id, id }).await);
        not_found(bob.api.edit_message(v1::EditMessageRequest { conversation_id, id, text: "x".into() }).await);
        not_found(bob.api.delete_message(v1::DeleteMessageRequest { conversation_id, id }).await);
        not_found(react(&bob, group, id).await);
        not_found(
            bob.api.remove_reaction(v1::RemoveReactionRequest { conversation_id, id, emote: emote.clone() }).await,
        );
        not_found(
            bob.api.list_reactions(v1::ListReactionsRequest { conversation_id, id, emote, ..Default::default() }).await,
        );
        not_found(bob.api.mark_unread(v1::MarkUnreadRequest { conversation_id, id }).await);
        let reply = v1::SendMessageRequest { conversation_id, text: "re".into(), reply_to: id, ..Default::default() };
        not_found(bob.api.send_message(reply).await);
        assert_eq!(get(&bob, group).await.mine.unwrap().unread, 1);
        // Reading at a place from before her changes nothing.
        let read = bob.api.mark_read(v1::MarkReadRequest { conversation_id, id }).await.unwrap();
        assert_eq!((read.read_position, read.unread), (line, 1));
        // Its file, its pin, its words.
        not_found(bob.api.get_media(v1::GetMediaRequest { id: file.id.clone() }).await);
        for path in [format!("/media/{}", file.id), format!("/media/{}/thumbnail", file.id)] {
            assert_eq!(crate::exchange::get(server.address, &bob.token, &path).await.status, 404);
            assert_eq!(crate::exchange::get(server.address, &cleo.token, &path).await.status, 200);
        }
        let pins = async |person: &Person| {
            let request = v1::ListPinsRequest { conversation_id, ..Default::default() };
            person.api.list_pins(request).await.unwrap().messages.len()
        };
        assert_eq!((pins(&bob).await, pins(&cleo).await), (0, 1));
        not_found(bob.api.pin_message(v1::PinMessageRequest { conversation_id, id }).await);
        not_found(bob.api.unpin_message(v1::UnpinMessageRequest { conversation_id, id }).await);
        let found = async |person: &Person, query: &str| {
            let request = v1::SearchMessagesRequest { query: query.into(), ..Default::default() };
            let answer = person.api.search_messages(request).await.unwrap();
            assert_eq!(answer.total as usize, answer.messages.len());
            ids(&answer.messages)
        };
        let start = std::time::Instant::now();
        // Words are found a moment later.
        while found(&cleo, "\"for all\"").await != [new.id] || found(&cleo, "secret").await != [early.id] {
            assert!(start.elapsed().as_secs() < 20, "nothing is found");
        }
        assert_eq!(found(&bob, "\"for all\"").await, [new.id]);
        assert!(found(&bob, "secret").await.is_empty());
        assert!(found(&bob, "has:picture").await.is_empty() && found(&bob, "mentions:me").await.is_empty());
    }

    async fn coming_again_begins_again(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        ada.say(group, "with bob").await;
        let own = bob.say(group, "mine").await;
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        ada.say(group, "without bob").await;
        let position = added(&ada, v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] }).await;
        let seen: Vec<i64> = bob.messages(group).await.iter().map(|message| message.id).collect();
        assert_eq!(seen, [position]);
        let id = own.id;
        not_found(bob.api.delete_message(v1::DeleteMessageRequest { conversation_id: group, id }).await);
        // A cursor from the first time: what lies between is skipped.
        let replay = Listener::from(&bob, group, own.id).await.replayed;
        let told: Vec<i64> = replay
            .iter()
            .filter_map(|r| r.event.clone()?.kind)
            .filter_map(crate::listener::message_of)
            .map(|m| m.id)
            .collect();
        assert_eq!(told, [position]);
    }

    async fn a_group_that_was_private_keeps_its_past_when_it_opens(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[], false).await;
        ada.say(group, "private talk").await;
        update(&ada, group, "", true, &["public"]).await.unwrap();
        let joined = join(&bob, By::ConversationId(group)).await.unwrap();
        assert_eq!(joined.mine.unwrap().visible_from, joined.position);
        assert!(bob.messages(group).await.iter().all(|message| message.text.is_empty()));
        // One that was public from the start is open to read.
        let open = ada.group("o", &[], true).await;
        ada.say(open, "public talk").await;
        join(&bob, By::ConversationId(open)).await.unwrap();
        assert_eq!(bob.messages(open).await[1].text, "public talk");
        // Closing it closes its past too, for those who come later.
        update(&ada, open, "", false, &["public"]).await.unwrap();
        let code = invite(&ada, open, 0, None).await.unwrap().code;
        let late = join(&cleo, By::Code(code)).await.unwrap();
        assert_eq!(late.mine.unwrap().visible_from, late.position);
        assert_eq!(bob.messages(open).await[1].text, "public talk");
    }

    async fn the_owner_says_what_newcomers_may_read(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (cleo, dan, eve) = (server.user("cleo").await, server.user("dan").await, server.user("eve").await);
        let group = ada.group("g", &[&bob], false).await;
        assert_eq!(get(&ada, group).await.history(), HistoryRule::SinceJoining);
        ada.say(group, "of old").await;
        let rule = async |person: &Person, history: HistoryRule| {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["history".into()] });
            let request = v1::UpdateGroupRequest {
                conversation_id: group,
                history: history.into(),
                update_mask,
                ..Default::default()
            };
            person.api.update_group(request).await
        };
        denied(rule(&bob, HistoryRule::All).await);
        bad_field(rule(&ada, HistoryRule::Unspecified).await, "history");
        not_found(rule(&eve, HistoryRule::All).await);
        let opened = rule(&ada, HistoryRule::All).await.unwrap().conversation.unwrap();
        assert_eq!((opened.history(), opened.position), (HistoryRule::All, 3));
        assert_eq!(rule(&ada, HistoryRule::All).await.unwrap().conversation.unwrap().position, 3, "as it was");
        let position = added(&ada, v1::AddMembersRequest { conversation_id: group, user_ids: vec![cleo.id] }).await;
        let mine = get(&cleo, group).await.mine.unwrap();
        assert_eq!((mine.visible_from, mine.read_position, mine.unread), (1, position, 0));
        assert_eq!(cleo.messages(group).await[1].text, "of old");
        // Closing changes nothing for those who are in it.
        rule(&ada, HistoryRule::SinceJoining).await.unwrap();
        let late = added(&ada, v1::AddMembersRequest { conversation_id: group, user_ids: vec![dan.id] }).await;
        assert_eq!(get(&dan, group).await.mine.unwrap().visible_from, late);
        assert_eq!(get(&cleo, group).await.mine.unwrap().visible_from, 1);
        assert_eq!(
            crate::group::lines(&ada, group).await,
            [
                SystemKind::Created,
                SystemKind::HistoryOpened,
                SystemKind::Added,
                SystemKind::HistoryClosed,
                SystemKind::Added
            ]
        );
        // An open group that becomes public closes; said in one breath, the owner's word counts.
        rule(&ada, HistoryRule::All).await.unwrap();
        update(&ada, group, "", true, &["public"]).await.unwrap();
        assert_eq!(get(&ada, group).await.history(), HistoryRule::SinceJoining);
        update(&ada, group, "", false, &["public"]).await.unwrap();
        let request = v1::UpdateGroupRequest {
            conversation_id: group,
            public: true,
            history: HistoryRule::All.into(),
            update_mask: Some(prost_types::FieldMask { paths: vec!["public".into(), "history".into()] }),
            ..Default::default()
        };
        let both = ada.api.update_group(request).await.unwrap().conversation.unwrap();
        assert_eq!((both.public, both.history()), (true, HistoryRule::All));
        join(&eve, By::ConversationId(group)).await.unwrap();
        assert_eq!(eve.messages(group).await[1].text, "of old");
        // Coming again, she is a newcomer like any other.
        rule(&ada, HistoryRule::SinceJoining).await.unwrap();
        eve.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        let again = join(&eve, By::ConversationId(group)).await.unwrap();
        assert_eq!(again.mine.unwrap().visible_from, again.position);
        assert_eq!(eve.messages(group).await.len(), 1);
        assert_eq!(get(&ada, 1).await.history(), HistoryRule::All);
        let chat = ada.direct(&bob).await;
        assert_eq!(get(&ada, chat).await.history(), HistoryRule::Unspecified);
    }
}

/// Adds, and answers the conversation's position then.
async fn added(person: &Person, request: v1::AddMembersRequest) -> i64 {
    person.api.add_members(request).await.unwrap().conversation.unwrap().position
}
