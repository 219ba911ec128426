//! B07, B11 and B15: what somebody finds who was away, for however long and whatever happened meanwhile.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use rookery_client::v1::{self, event::Kind};

use crate::{
    harness::{PASSWORD, Person, Process, Served, Store, in_full, patience},
    ledger::Ledger,
    on_both,
    slow::resident,
    traffic::{End, Reader, branch, chance, people, request_id, send, stored},
};

/// What must not be found any more.
const WORDS: &str = "porcupine";

on_both! {
    // B07
    async fn whoever_was_away_hears_everything_once_also_from_far_behind(backend) {
        let (conversations, each) = if in_full() { (50, 2_000) } else { (50, 40) };
        let mut chance = chance("absence");
        let store = Store::new(backend).await;
        let mut server = Process::under(&store, &[], &format!("127.0.0.1:{}", crate::kill::port(&mut chance)));
        let people = people(&server.url(), "person", 4).await;
        let mut ids = vec![1];
        for number in 1..conversations {
            ids.push(people[0].group(&format!("group {number}"), &people.iter().collect::<Vec<_>>(), false).await);
        }
        let ledger = Arc::new(Ledger::default());
        let start: BTreeMap<i64, i64> = ids.iter().map(|id| (*id, 0)).collect();
        let mut reader = Reader::new(&people[1].api, &ledger, "who was away", start);
        let mut write = async |each: usize| {
            let mut dice = branch(&mut chance);
            for chunk in ids.chunks(10) {
                join_all(chunk.iter().map(|id| {
                    let (ledger, person, mut chance) = (ledger.clone(), &people[0], branch(&mut dice));
                    async move {
                        for number in 0..each {
                            let request = v1::SendMessageRequest {
                                conversation_id: *id,
                                text: format!("{number}"),
                                request_id: request_id(&mut chance),
                                ..Default::default()
                            };
                            send(&ledger, (&person.api, person.id), request, || false).await.unwrap();
                        }
                    }
                }))
                .await;
            }
        };
        let mut come_back = async |what: &str| {
            let goal = stored(&people[2].api, &ids).await.iter().map(|(id, stored)| (*id, stored.position)).collect();
            let begun = Instant::now();
            // More than a stream replays comes by pages, one conversation after the other.
            for _ in 0..2 * conversations {
                if let End::Enough = reader.read(|reader| reader.has(&goal)).await {
                    break;
                }
            }
            assert!(reader.has(&goal), "{what}: not everything came");
            let took = begun.elapsed();
            println!("{backend:?}, {what}: {took:?}, {} resets", reader.resets);
            assert!(took <= patience(Duration::from_secs(20)), "{what}: it took {took:?}");
        };
        for (what, seconds) in [("a second", 1), ("a minute", 60)] {
            write(2).await;
            if in_full() {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            come_back(what).await;
        }
        write(2).await;
        server.kill();
        server.restart();
        come_back("a restart").await;
        write(each).await;
        let memory = resident(&server);
        come_back("long").await;
        let grown = resident(&server).saturating_sub(memory);
        assert!(grown < 64 * 1024, "the server grew by {grown} KiB");
        ledger.verify(&stored(&people[2].api, &ids).await, true);
    }

    // B11
    async fn what_was_deleted_meanwhile_is_on_no_way_any_more(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[&bob], false).await;
        let before = ada.say(group, "before").await;
        let secret = ada.say(group, &format!("a {WORDS} of secrets")).await;
        let answer = v1::SendMessageRequest {
            conversation_id: group,
            text: "an answer".into(),
            reply_to: secret.id,
            ..Default::default()
        };
        bob.api.send_message(answer).await.map(drop).unwrap();
        let edit = v1::EditMessageRequest { conversation_id: group, id: secret.id, text: format!("no {WORDS}") };
        ada.api.edit_message(edit).await.map(drop).unwrap();
        let react = v1::AddReactionRequest { conversation_id: group, id: secret.id, emote: "👍".into() };
        bob.api.add_reaction(react).await.map(drop).unwrap();
        let delete = v1::DeleteMessageRequest { conversation_id: group, id: secret.id };
        ada.api.delete_message(delete).await.map(drop).unwrap();
        let mut said = Vec::new();
        for cursor in [before.id, 0] {
            let request = v1::SubscribeRequest { cursors: HashMap::from([(group, cursor)]), ..Default::default() };
            let mut stream = bob.api.subscribe(request).await.unwrap();
            loop {
                let response = stream.next().await.unwrap().unwrap();
                let over = matches!(response.event.as_ref().unwrap().kind, Some(Kind::CaughtUp(_)));
                said.push(format!("{response:?}"));
                if over {
                    break;
                }
            }
        }
        assert!(said.iter().any(|event| event.contains("deleted: true")), "there is no tombstone");
        said.push(format!("{:?}", bob.messages(group).await));
        let changes = v1::ListChangesRequest { conversation_id: group, after: 0, page_size: 100 };
        said.push(format!("{:?}", bob.api.list_changes(changes).await.unwrap()));
        let get = v1::GetMessageRequest { conversation_id: group, id: secret.id };
        said.push(format!("{:?}", bob.api.get_message(get).await.unwrap()));
        let list = v1::ListConversationsRequest::default();
        said.push(format!("{:?}", bob.api.list_conversations(list).await.unwrap()));
        for words in said {
            assert!(!words.contains(WORDS), "{words}");
        }
        server.stop().await;
    }

    // B15
    async fn what_is_as_large_as_can_be_stops_no_stream(backend) {
        let server = Served::start(backend).await;
        let crowd = people(&server.url(), "person", 12).await;
        let (ada, bob) = (&crowd[0], &crowd[1]);
        // The longest text, of characters that take four bytes each, and as many files as go with it, with the longest names.
        let text = "🦉".repeat(4_000);
        let mut media_ids = Vec::new();
        for number in 0..10 {
            let name = format!("{}{number}.bin", "é".repeat(97));
            let upload = v1::UploadMediaRequest { name, content: format!("file {number}").into_bytes() };
            media_ids.push(ada.api.upload_media(upload).await.unwrap().media.unwrap().id);
        }
        let send =
            v1::SendMessageRequest { conversation_id: 1, text: text.clone(), media_ids, ..Default::default() };
        let large = ada.api.send_message(send).await.unwrap().message.unwrap();
        // Each of the twenty kinds that a message takes, by everybody; in full 10,000 reactions of 500 people.
        let emotes = ["👍", "👎", "😀", "😂", "🎉", "🔥", "🚀", "👀", "🙏", "💯", "🍕", "☕", "🌍", "🐢", "🎵", "🏆", "⚽", "🧀", "🌻", "🦉"];
        let others = if in_full() { 500 - crowd.len() } else { 0 };
        react_past_the_server(&server.store, large.id, others, &emotes).await;
        join_all(crowd.iter().map(async |person| {
            for emote in emotes {
                let react = v1::AddReactionRequest { conversation_id: 1, id: large.id, emote: emote.into() };
                person.api.add_reaction(react).await.map(drop).unwrap();
            }
        }))
        .await;
        // And somebody who is no more.
        let gone = Person::register(&server.url(), "gone").await;
        gone.say(1, "the last word").await;
        let delete =
            v1::DeleteAccountRequest { password: PASSWORD.into(), messages: v1::MessagesFate::Keep.into() };
        gone.api.delete_account(delete).await.map(drop).unwrap();
        let last = ada.say(1, "after all of it").await;
        let ledger = Arc::new(Ledger::default());
        let mut reader = Reader::new(&bob.api, &ledger, "bob", BTreeMap::from([(1, 0)]));
        let end = reader.read(|reader| reader.cursors[&1] >= last.id).await;
        assert!(matches!(end, End::Enough), "{end:?}");
        let message = bob.api.get_message(v1::GetMessageRequest { conversation_id: 1, id: large.id }).await.unwrap();
        let message = message.message.unwrap();
        assert_eq!((message.text, message.attachments.len()), (text, 10));
        let reactions = message.reactions;
        assert_eq!(reactions.len(), emotes.len());
        let everybody = crowd.len() + others;
        assert!(reactions.iter().all(|reaction| reaction.count as usize == everybody), "{reactions:?}");
        server.stop().await;
    }
}

/// Reactions of so many more people, all of whom the server would have to hash a password for. What readers see of reactions is
/// counted anew with the next one.
async fn react_past_the_server(store: &Store, message_id: i64, people: usize, emotes: &[&str]) {
    if people == 0 {
        return;
    }
    let one = |number| format!("('crowd{number}', 'crowd{number}', 'crowd{number}', '', '', 0)");
    let users: Vec<String> = (0..people).map(one).collect();
    let columns = "name, name_key, display_name, search_key, password_hash, created_at";
    store.change(&format!("insert into users ({columns}) values {}", users.join(", "))).await;
    let emotes: Vec<String> = emotes.iter().map(|emote| format!("('{emote}')")).collect();
    let react = format!(
        "insert into reactions (conversation_id, message_id, emote, user_id, added) \
         select 1, {message_id}, column1, id, id from users cross join (values {}) as emotes where name like 'crowd%'",
        emotes.join(", ")
    );
    store.change(&react).await;
}
