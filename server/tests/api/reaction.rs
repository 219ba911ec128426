//! Reactions.

use rookery_client::{Code, Error, v1};
use v1::{ErrorReason, event::Kind};

use crate::{
    conversation::get,
    harness::{Person, Served, unique},
    listener::Listener,
    message::delete,
    on_both,
    refusal::{bad_field, not_found, refused},
};

async fn add(person: &Person, id: i64, emote: &str) -> Result<v1::Message, Error> {
    let request = v1::AddReactionRequest { conversation_id: 1, id, emote: emote.into() };
    Ok(person.api.add_reaction(request).await?.message.unwrap())
}

async fn remove(person: &Person, id: i64, emote: &str) -> Result<v1::Message, Error> {
    let request = v1::RemoveReactionRequest { conversation_id: 1, id, emote: emote.into() };
    Ok(person.api.remove_reaction(request).await?.message.unwrap())
}

fn shape(message: &v1::Message) -> Vec<(&str, i32, Vec<i64>, bool)> {
    message.reactions.iter().map(|r| (r.emote.as_str(), r.count, r.user_ids.clone(), r.mine)).collect()
}

on_both! {
    async fn reactions_stand_in_the_order_of_their_first_use(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let id = ada.say(1, "news").await.id;
        let mut ears = Listener::open(&bob).await;
        add(&ada, id, "👍").await.unwrap();
        add(&bob, id, "🎉").await.unwrap();
        let message = add(&bob, id, "👍").await.unwrap();
        assert_eq!(shape(&message), [("👍", 2, vec![ada.id, bob.id], true), ("🎉", 1, vec![bob.id], true)]);
        assert_eq!((message.id, message.changed), (1, 4));
        let seen = &ada.messages(1).await[0];
        assert_eq!(shape(seen), [("👍", 2, vec![ada.id, bob.id], true), ("🎉", 1, vec![bob.id], false)]);
        // Twice is no error and no change.
        assert_eq!(add(&bob, id, "👍").await.unwrap(), message);
        assert_eq!(get(&ada, 1).await.position, 4);
        // Live, nobody's own are marked; the user hears of her own by an event of her own.
        let mut told = Vec::new();
        let mut own = Vec::new();
        for kind in ears.rest().await {
            match kind {
                Kind::MessageChanged(changed) => told.push(changed.message.unwrap()),
                Kind::ReactionChanged(changed) => own.push((changed.message_id, changed.emote, changed.mine)),
                _ => {}
            }
        }
        assert_eq!(told.iter().map(|m| m.changed).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(told.iter().flat_map(|m| &m.reactions).all(|reaction| !reaction.mine));
        assert_eq!(own, [(1, "🎉".into(), true), (1, "👍".into(), true)]);
        // Replayed, they are marked.
        let replay = Listener::from(&bob, 1, 3).await.replayed;
        let message = replay[0].event.clone().unwrap().kind.and_then(crate::listener::message_of).unwrap();
        assert!(message.reactions.iter().all(|reaction| reaction.mine));
        // The first use of what stands counts: gone and back again is last.
        remove(&ada, id, "👍").await.unwrap();
        let message = remove(&bob, id, "👍").await.unwrap();
        assert_eq!(shape(&message), [("🎉", 1, vec![bob.id], true)]);
        let message = add(&ada, id, "👍").await.unwrap();
        assert_eq!(shape(&message), [("🎉", 1, vec![bob.id], false), ("👍", 1, vec![ada.id], true)]);
        let position = get(&ada, 1).await.position;
        remove(&bob, id, "👍").await.unwrap();
        assert_eq!(get(&ada, 1).await.position, position, "taking back what is not there is no change");
    }

    async fn a_message_names_the_first_ten_and_the_list_all(backend) {
        let server = Served::start(backend).await;
        let mut people = Vec::new();
        for _ in 0..12 {
            people.push(server.user(&unique("fan")).await);
        }
        let id = people[0].say(1, "hit").await.id;
        people.reverse();
        for person in &people {
            add(person, id, "❤️").await.unwrap();
        }
        let all: Vec<i64> = people.iter().map(|person| person.id).collect();
        for (n, person) in people.iter().enumerate() {
            let found = person.messages(1).await;
            assert_eq!(shape(&found[0]), [("❤️", 12, all[..10].to_vec(), true)], "person {n}");
        }
        let stranger = server.user("stranger").await;
        assert!(!stranger.messages(1).await[0].reactions[0].mine);
        let request = v1::ListReactionsRequest {
            conversation_id: 1,
            id,
            emote: "❤️".into(),
            page_size: 100,
            ..Default::default()
        };
        let listed: Vec<i64> =
            stranger.api.list_reactions(request).await.unwrap().users.iter().map(|user| user.id).collect();
        assert_eq!(listed, all);
        let message = remove(&people[3], id, "❤️").await.unwrap();
        let rest: Vec<i64> = all.iter().copied().filter(|id| *id != people[3].id).take(10).collect();
        assert_eq!(shape(&message), [("❤️", 11, rest, false)]);
    }

    async fn a_message_takes_twenty_kinds(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let id = ada.say(1, "many").await.id;
        for n in 0..20 {
            add(&ada, id, &format!(":{n}:")).await.unwrap();
        }
        refused(add(&bob, id, ":20:").await, Code::ResourceExhausted, ErrorReason::LimitReached);
        let message = add(&bob, id, ":19:").await.unwrap();
        assert_eq!(message.reactions.len(), 20);
        assert_eq!(message.reactions[19].count, 2);
        remove(&ada, id, ":0:").await.unwrap();
        add(&bob, id, ":20:").await.unwrap();
    }

    async fn what_is_no_emote_is_refused(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let id = ada.say(1, "x").await.id;
        for emote in ["", " ", "a b", "a\n", "\0", "\u{a0}", "\u{85}", &"x".repeat(33), &"👍".repeat(9)] {
            bad_field(add(&ada, id, emote).await, "emote");
            bad_field(remove(&ada, id, emote).await, "emote");
            let request =
                v1::ListReactionsRequest { conversation_id: 1, id, emote: emote.into(), ..Default::default() };
            bad_field(ada.api.list_reactions(request).await, "emote");
        }
        for emote in ["👨‍👩‍👧‍👦", "'", "\"", "\\", "%", &"👍".repeat(8)] {
            let message = add(&ada, id, emote).await.unwrap();
            assert_eq!(message.reactions.last().unwrap().emote, emote);
        }
        for id in [0, -1, 999] {
            not_found(add(&ada, id, "👍").await);
            not_found(remove(&ada, id, "👍").await);
        }
        delete(&ada, 1, id).await.unwrap();
        refused(add(&ada, id, "👍").await, Code::FailedPrecondition, ErrorReason::WrongState);
        assert!(remove(&ada, id, "👍").await.unwrap().deleted);
    }
}
