//! B05: one order for all.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use rookery_client::v1;

use crate::{
    harness::{Served, in_full},
    ledger::Ledger,
    on_both,
    traffic::{Reader, Readers, branch, chance, people, request_id, send, stored},
};

const WRITERS: usize = 32;
const READERS: usize = 8;

on_both! {
    async fn all_readers_see_one_order_without_holes(backend) {
        let server = Served::start(backend).await;
        one_order(&server.url()).await;
        server.stop().await;
    }

    async fn edits_deletes_and_reactions_have_their_place_in_the_order(backend) {
        let mut chance = chance("order of changes");
        let server = Served::start(backend).await;
        let people = people(&server.url(), "person", 8).await;
        let ledger = Arc::new(Ledger::default());
        let reading =
            people.iter().map(|person| Reader::new(&person.api, &ledger, &person.name, BTreeMap::from([(1, 0)])));
        let reading = Readers::start(reading.collect());
        let rounds = if in_full() { 300 } else { 40 };
        join_all(people.iter().map(|person| {
            let (ledger, mut chance) = (ledger.clone(), branch(&mut chance));
            async move {
                for number in 0..rounds {
                    let request = v1::SendMessageRequest {
                        conversation_id: 1,
                        text: format!("{} {number}", person.name),
                        request_id: request_id(&mut chance),
                        ..Default::default()
                    };
                    let id = send(&ledger, (&person.api, person.id), request, || false).await.unwrap().id;
                    let (conversation_id, emote) = (1, "👍".to_owned());
                    match number % 4 {
                        0 => {
                            let text = format!("{} {number}, better", person.name);
                            let edit = v1::EditMessageRequest { conversation_id, id, text };
                            person.api.edit_message(edit).await.map(drop).unwrap();
                        }
                        1 => {
                            let delete = v1::DeleteMessageRequest { conversation_id, id };
                            person.api.delete_message(delete).await.map(drop).unwrap();
                        }
                        2 => {
                            let react = v1::AddReactionRequest { conversation_id, id: id.max(3) / 2, emote };
                            // The message may have been deleted meanwhile.
                            let _ = person.api.add_reaction(react).await;
                        }
                        _ => {}
                    }
                }
            }
        }))
        .await;
        let rows = stored(&people[0].api, &[1]).await;
        reading.finish(&rows).await;
        ledger.verify(&rows, true);
        server.stop().await;
    }
}

pub async fn one_order(url: &str) {
    let each: usize = if in_full() { 313 } else { 32 };
    let mut chance = chance("order");
    let writers = people(url, "writer", WRITERS).await;
    let readers = people(url, "reader", READERS).await;
    let ledger = Arc::new(Ledger::default());
    let reading =
        readers.iter().map(|person| Reader::new(&person.api, &ledger, &person.name, BTreeMap::from([(1, 0)])));
    let reading = Readers::start(reading.collect());
    join_all(writers.iter().map(|writer| {
        let (ledger, mut chance) = (ledger.clone(), branch(&mut chance));
        async move {
            for number in 0..each {
                let request = v1::SendMessageRequest {
                    conversation_id: 1,
                    text: format!("{} {number}", writer.name),
                    request_id: request_id(&mut chance),
                    ..Default::default()
                };
                send(&ledger, (&writer.api, writer.id), request, || false).await.unwrap();
            }
        }
    }))
    .await;
    let rows = stored(&readers[0].api, &[1]).await;
    reading.finish(&rows).await;
    ledger.verify(&rows, true);
    let ids: Vec<i64> = rows[&1].messages.iter().map(|message| message.id).collect();
    let whole: Vec<i64> = (1..=i64::try_from(WRITERS * each).unwrap()).collect();
    assert_eq!(ids, whole, "only messages were written here: their ids are all the numbers");
    // One after the other: a single writer's messages stand in the order of her sends.
    for writer in &writers {
        let own = rows[&1].messages.iter().filter(|message| message.author_id == writer.id);
        let said: Vec<String> = own.map(|message| message.text.clone()).collect();
        assert_eq!(said, (0..each).map(|number| format!("{} {number}", writer.name)).collect::<Vec<_>>());
    }
}
