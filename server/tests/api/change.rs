//! ListChanges: how a script catches up.

use rookery_client::v1;

use crate::{
    harness::{Person, Served},
    message::{delete, edit},
    on_both,
    refusal::{bad_field, not_found},
    send::Chance,
};

/// Everything after a position, in pages of a size.
pub async fn changes(person: &Person, conversation_id: i64, after: i64, page_size: i32) -> (Vec<v1::Message>, i64) {
    let mut found: Vec<v1::Message> = Vec::new();
    let mut after = after;
    loop {
        let request = v1::ListChangesRequest { conversation_id, after, page_size };
        let page = person.api.list_changes(request).await.unwrap();
        assert!(page.position >= after && page.messages.len() <= page_size.unsigned_abs() as usize);
        let last = page.messages.last().map_or(after, |message| message.changed);
        if page.more {
            assert_eq!(page.position, last, "while there is more, the position is the last message's");
            assert_eq!(page.messages.len(), page_size as usize);
        }
        for message in &page.messages {
            assert!(message.changed > after && page.users.iter().any(|user| user.id == message.author_id));
        }
        found.extend(page.messages);
        after = page.position;
        if !page.more {
            assert!(found.is_sorted_by_key(|message| message.changed));
            return (found, after);
        }
    }
}

on_both! {
    async fn paging_to_the_end_gives_what_the_list_gives(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let mut chance = Chance(42);
        let mut known: Vec<(i64, Vec<v1::Message>)> = Vec::new();
        for n in 0..60 {
            let person = if chance.below(2) == 0 { &ada } else { &bob };
            let own: Vec<i64> = ada
                .messages(group)
                .await
                .iter()
                .filter(|m| m.author_id == person.id && !m.deleted && m.system.is_none())
                .map(|m| m.id)
                .collect();
            let some = own.get(chance.below(own.len().max(1) as u64) as usize).copied();
            match (chance.below(5), some) {
                (0, Some(id)) => drop(edit(person, group, id, &format!("edited {n}")).await.unwrap()),
                (1, Some(id)) => drop(delete(person, group, id).await.unwrap()),
                (2, Some(id)) => {
                    let request = v1::AddReactionRequest { conversation_id: group, id, emote: "👍".into() };
                    drop(person.api.add_reaction(request).await.unwrap());
                }
                _ => drop(person.say(group, &format!("message {n}")).await),
            }
            if n % 20 == 0 {
                let (messages, position) = changes(&bob, group, 0, 200).await;
                known.push((position, messages));
            }
        }
        let list = bob.messages(group).await;
        for size in [1, 2, 7, 200] {
            let (mut all, position) = changes(&bob, group, 0, size).await;
            assert_eq!(position, list.iter().map(|message| message.changed).max().unwrap());
            all.sort_by_key(|message| message.id);
            assert_eq!(all, list);
            // What was known at some time, with what came since laid over it, is the list too.
            for (position, messages) in &known {
                let mut state: std::collections::BTreeMap<i64, v1::Message> =
                    messages.iter().map(|message| (message.id, message.clone())).collect();
                for message in changes(&bob, group, *position, size).await.0 {
                    state.insert(message.id, message);
                }
                // Who reacted is the reader's own view in both.
                assert_eq!(state.into_values().collect::<Vec<_>>(), list);
            }
        }
    }

    async fn the_end_is_the_end(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        ada.say(1, "one").await;
        for after in [1, 2, 999, i64::MAX] {
            let (messages, position) = changes(&ada, 1, after, 10).await;
            assert!(messages.is_empty());
            assert!(position == 1 || position == after, "{position}");
        }
        let ask = |conversation_id, after, page_size| {
            let ada = ada.clone();
            async move { ada.api.list_changes(v1::ListChangesRequest { conversation_id, after, page_size }).await }
        };
        bad_field(ask(1, -1, 0).await, "after");
        bad_field(ask(1, 0, -1).await, "page_size");
        not_found(ask(999_999, 0, 0).await);
    }
}
