//! Messages: read, edited, taken back.

use rookery_client::{Code, Error, v1};
use v1::{ErrorReason, list_messages_request::At};

use crate::{
    conversation::get,
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, denied, not_found, refused},
};

pub async fn edit(person: &Person, conversation_id: i64, id: i64, text: &str) -> Result<v1::Message, Error> {
    let request = v1::EditMessageRequest { conversation_id, id, text: text.into() };
    Ok(person.api.edit_message(request).await?.message.unwrap())
}

pub async fn delete(person: &Person, conversation_id: i64, id: i64) -> Result<v1::Message, Error> {
    let request = v1::DeleteMessageRequest { conversation_id, id };
    Ok(person.api.delete_message(request).await?.message.unwrap())
}

async fn fetch(person: &Person, conversation_id: i64, id: i64) -> v1::Message {
    person.api.get_message(v1::GetMessageRequest { conversation_id, id }).await.unwrap().message.unwrap()
}

async fn page(person: &Person, at: Option<At>, page_size: i32) -> v1::ListMessagesResponse {
    person.api.list_messages(v1::ListMessagesRequest { conversation_id: 1, at, page_size }).await.unwrap()
}

on_both! {
    async fn what_is_sent_is_listed(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sent = ada.say(1, "hello").await;
        assert_eq!(ada.messages(1).await, [sent]);
        server.stop().await;
    }

    async fn a_message_is_complete_and_names_its_author(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let sent = ada.say(1, "hello").await;
        assert_eq!((sent.conversation_id, sent.id, sent.changed, sent.author_id), (1, 1, 1, ada.id));
        assert!(!sent.deleted && sent.edited_at.is_none() && sent.system.is_none() && sent.reactions.is_empty());
        assert_eq!(sent.request_id.len(), 36, "the server makes an id where the client gave none");
        let answer = bob.api.get_message(v1::GetMessageRequest { conversation_id: 1, id: 1 }).await.unwrap();
        assert_eq!(answer.message.unwrap(), sent);
        assert_eq!(answer.users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id]);
        for (conversation_id, id) in [(1, 0), (1, -1), (1, 2), (1, i64::MAX), (0, 1), (999_999, 1), (-1, 1)] {
            not_found(bob.api.get_message(v1::GetMessageRequest { conversation_id, id }).await);
        }
    }

    async fn an_edit_keeps_the_place_and_takes_a_number(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let first = ada.say(1, "frist").await;
        bob.say(1, "second").await;
        let mut ears = Listener::open(&bob).await;
        let edited = edit(&ada, 1, first.id, "first").await.unwrap();
        assert_eq!((edited.id, edited.changed, edited.text.as_str()), (1, 3, "first"));
        assert!(edited.edited_at.is_some());
        assert_eq!((edited.created_at, &edited.request_id), (first.created_at, &first.request_id));
        let numbered = ears.numbered().await;
        assert_eq!((numbered.conversation_id, numbered.after, numbered.position), (1, 2, 3));
        assert_eq!(numbered.event.unwrap().kind.and_then(crate::listener::message_of).unwrap(), edited);
        assert_eq!(fetch(&bob, 1, first.id).await, edited);
        // The same text again is no change.
        assert_eq!(edit(&ada, 1, first.id, "first").await.unwrap(), edited);
        assert_eq!(get(&ada, 1).await.position, 3);
        denied(edit(&bob, 1, first.id, "mine now").await);
        for text in ["", "  ", "a\0b", &"x".repeat(4001)] {
            bad_field(edit(&ada, 1, first.id, text).await, "text");
        }
        not_found(edit(&ada, 1, 999, "x").await);
        delete(&ada, 1, first.id).await.unwrap();
        refused(edit(&ada, 1, first.id, "x").await, Code::FailedPrecondition, ErrorReason::WrongState);
    }

    async fn its_author_takes_a_message_back(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let sent = ada.say(1, "regret").await;
        edit(&ada, 1, sent.id, "regret!").await.unwrap();
        bob.api.add_reaction(v1::AddReactionRequest { conversation_id: 1, id: 1, emote: "👍".into() }).await.unwrap();
        let mut ears = Listener::open(&bob).await;
        denied(delete(&bob, 1, sent.id).await);
        let gone = delete(&ada, 1, sent.id).await.unwrap();
        assert!(gone.deleted && gone.text.is_empty() && gone.reactions.is_empty());
        assert_eq!((gone.id, gone.changed, gone.author_id), (1, 4, ada.id));
        assert_eq!(ears.message().await, gone);
        assert_eq!(delete(&ada, 1, sent.id).await.unwrap(), gone, "twice is no error");
        assert_eq!(get(&ada, 1).await.position, 4);
        assert_eq!(bob.messages(1).await, [gone]);
        let who = v1::ListReactionsRequest { conversation_id: 1, id: 1, emote: "👍".into(), ..Default::default() };
        assert!(bob.api.list_reactions(who).await.unwrap().users.is_empty());
        not_found(delete(&ada, 1, 999).await);
    }

    async fn a_groups_owner_takes_back_what_others_said_and_nobody_a_line(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let said = bob.say(group, "rude").await;
        denied(delete(&cleo, group, said.id).await);
        denied(edit(&ada, group, said.id, "kind").await);
        assert!(delete(&ada, group, said.id).await.unwrap().deleted);
        for person in [&ada, &bob] {
            denied(delete(person, group, 1).await);
            denied(edit(person, group, 1, "x").await);
            denied(
                person
                    .api
                    .add_reaction(v1::AddReactionRequest { conversation_id: group, id: 1, emote: "👍".into() })
                    .await,
            );
        }
        let chat = ada.direct(&bob).await;
        let said = bob.say(chat, "hm").await;
        denied(delete(&ada, chat, said.id).await);
    }

    async fn who_takes_back_and_who_edits_what_was_said(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let (stranger, root) = (server.user("stranger").await, server.admin("rita").await);
        let group = ada.group("g", &[&bob, &cleo, &root], false).await;
        let chat = bob.direct(&root).await;
        // In each place, who may take back what Bob said there; nobody else may edit it.
        for (place, may, may_not, outside) in [
            (1, vec![&bob, &root], vec![&ada, &cleo, &stranger], vec![]),
            (group, vec![&bob, &ada], vec![&cleo, &root], vec![&stranger]),
            (chat, vec![&bob], vec![&root], vec![&ada, &stranger]),
        ] {
            for person in may {
                let said = bob.say(place, "hm").await;
                for other in &may_not {
                    denied(delete(other, place, said.id).await);
                    denied(edit(other, place, said.id, "x").await);
                }
                for other in &outside {
                    not_found(delete(other, place, said.id).await);
                    not_found(edit(other, place, said.id, "x").await);
                }
                if person.id != bob.id {
                    denied(edit(person, place, said.id, "x").await);
                }
                let nobody = server.anonymous();
                let request = v1::DeleteMessageRequest { conversation_id: place, id: said.id };
                refused(nobody.delete_message(request).await, Code::Unauthenticated, ErrorReason::Unauthenticated);
                edit(&bob, place, said.id, "hm!").await.unwrap();
                assert!(delete(person, place, said.id).await.unwrap().deleted);
            }
        }
        // What an admin does to others is written down, once; what she does to her own words is not.
        let own = root.say(1, "mine").await;
        delete(&root, 1, own.id).await.unwrap();
        let said = bob.say(1, "rude").await;
        for _ in 0..2 {
            delete(&root, 1, said.id).await.unwrap();
        }
        let entries = root.api.list_audit_entries(v1::ListAuditEntriesRequest::default()).await.unwrap().entries;
        let deletions: Vec<_> =
            entries.iter().filter(|entry| entry.action() == v1::AuditAction::MessageDeleted).collect();
        assert_eq!(deletions.len(), 2, "{entries:?}");
        assert_eq!((deletions[0].actor_id, deletions[0].subject_id), (root.id, bob.id));
        assert!(!format!("{entries:?}").contains("rude"));
        // Who has left may not even take back her own.
        let said = bob.say(group, "bye").await;
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        not_found(delete(&bob, group, said.id).await);
        not_found(edit(&bob, group, said.id, "x").await);
    }

    async fn pages_lie_where_they_were_asked_for(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for n in 1..=10 {
            ada.say(1, &n.to_string()).await;
        }
        // Changes leave holes: ids go on at 13.
        delete(&ada, 1, 4).await.unwrap();
        edit(&ada, 1, 5, "five").await.unwrap();
        ada.say(1, "13").await;
        let all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13];
        let spots = [i64::MIN, -1, 0, 1, 2, 5, 9, 10, 11, 12, 13, 14, 99, i64::MAX];
        for size in [1, 2, 3, 4, 5, 11, 12, 100] {
            let take = size as usize;
            let newest = page(&ada, None, size).await;
            check(&newest, &all[all.len().saturating_sub(take)..], &all, size);
            for spot in spots {
                let below: Vec<i64> = all.iter().copied().filter(|id| *id < spot).collect();
                let found = page(&ada, Some(At::Before(spot)), size).await;
                check_at(
                    &found,
                    &below[below.len().saturating_sub(take)..],
                    &all,
                    spot - i64::from(spot > i64::MIN),
                    size,
                );
                let above: Vec<i64> = all.iter().copied().filter(|id| *id > spot).collect();
                let found = page(&ada, Some(At::After(spot)), size).await;
                check_at(&found, &above[..take.min(above.len())], &all, spot, size);
                let around = page(&ada, Some(At::Around(spot)), size).await;
                let upper: Vec<i64> = all.iter().copied().filter(|id| *id >= spot).take(take - take / 2).collect();
                let half = take / 2;
                let mut expected: Vec<i64> = below[below.len().saturating_sub(half)..].to_vec();
                expected.extend(upper);
                check_at(&around, &expected, &all, spot - i64::from(spot > i64::MIN), size);
            }
        }
        for size in [-1, i32::MIN] {
            let request = v1::ListMessagesRequest { conversation_id: 1, at: None, page_size: size };
            bad_field(ada.api.list_messages(request).await, "page_size");
        }
        assert_eq!(page(&ada, None, 0).await.messages.len(), 11);
        assert_eq!(page(&ada, None, i32::MAX).await.position, 13);
    }

    async fn a_page_has_at_most_a_hundred(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sends = (0..130).map(|n| {
            let ada = ada.clone();
            tokio::spawn(async move { ada.say(1, &n.to_string()).await })
        });
        for send in sends.collect::<Vec<_>>() {
            send.await.unwrap();
        }
        let found = page(&ada, None, 1000).await;
        assert_eq!(
            (found.messages.len(), found.messages[0].id, found.more_before, found.more_after),
            (100, 31, true, false)
        );
        let found = page(&ada, Some(At::After(0)), 0).await;
        assert_eq!(
            (found.messages.len(), found.messages[49].id, found.more_before, found.more_after),
            (50, 50, false, true)
        );
        assert_eq!(found.users.len(), 1);
    }
}

/// The page has these ids, and its flags tell the truth.
fn check(page: &v1::ListMessagesResponse, expected: &[i64], all: &[i64], size: i32) {
    check_at(page, expected, all, i64::MAX, size);
}

/// The same; of an empty page, the flags speak of the place behind `spot`.
fn check_at(page: &v1::ListMessagesResponse, expected: &[i64], all: &[i64], spot: i64, size: i32) {
    let ids: Vec<i64> = page.messages.iter().map(|message| message.id).collect();
    assert_eq!(ids, expected, "at {spot}, size {size}");
    let first = expected.first().copied().unwrap_or(spot.saturating_add(1));
    let last = expected.last().copied().unwrap_or(spot);
    let flags = (all.iter().any(|id| *id < first), all.iter().any(|id| *id > last));
    assert_eq!((page.more_before, page.more_after), flags, "at {spot}, size {size}: {ids:?}");
}
