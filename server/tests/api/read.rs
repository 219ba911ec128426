//! Read positions: forward by MarkRead, back by MarkUnread, and the user's other devices.

use rookery_client::{Error, v1};
use v1::event::Kind;

use crate::{
    conversation::get,
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found},
};

pub async fn mark_read(person: &Person, conversation_id: i64, id: i64) -> Result<(i64, i64), Error> {
    let answer = person.api.mark_read(v1::MarkReadRequest { conversation_id, id }).await?;
    Ok((answer.read_position, answer.unread))
}

pub async fn mark_unread(person: &Person, conversation_id: i64, id: i64) -> Result<(i64, i64), Error> {
    let answer = person.api.mark_unread(v1::MarkUnreadRequest { conversation_id, id }).await?;
    Ok((answer.read_position, answer.unread))
}

async fn unread(person: &Person) -> i64 {
    get(person, 1).await.mine.unwrap().unread
}

on_both! {
    async fn reading_moves_forward_and_marking_unread_back(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        for n in 1..=5 {
            ada.say(1, &n.to_string()).await;
        }
        assert_eq!((unread(&ada).await, unread(&bob).await), (0, 5), "own messages are not unread");
        assert_eq!(mark_read(&bob, 1, 2).await.unwrap(), (2, 3));
        assert_eq!(mark_read(&bob, 1, 1).await.unwrap(), (2, 3), "never back");
        assert_eq!(mark_read(&bob, 1, 0).await.unwrap(), (2, 3));
        assert_eq!(mark_read(&bob, 1, i64::MAX).await.unwrap(), (5, 0), "what lies beyond the end is the end");
        ada.say(1, "6").await;
        assert_eq!(unread(&bob).await, 1);
        assert_eq!(mark_unread(&bob, 1, 4).await.unwrap(), (3, 3));
        assert_eq!(mark_unread(&bob, 1, 6).await.unwrap(), (3, 3), "never forward");
        assert_eq!(mark_unread(&bob, 1, 1).await.unwrap(), (0, 6));
        // Sending does not read.
        bob.say(1, "7").await;
        assert_eq!(unread(&bob).await, 6);
        assert_eq!(mark_read(&bob, 1, 7).await.unwrap(), (7, 0));
        for id in [-1, i64::MIN] {
            bad_field(mark_read(&bob, 1, id).await, "id");
        }
        for id in [0, -1, 8, i64::MAX, i64::MIN] {
            not_found(mark_unread(&bob, 1, id).await);
        }
        not_found(mark_read(&bob, 999_999, 1).await);
        not_found(mark_unread(&bob, 999_999, 1).await);
    }

    async fn a_users_other_devices_hear_of_it_and_nobody_else(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        ada.say(1, "one").await;
        ada.say(1, "two").await;
        let (mut desk, mut phone, mut other) =
            (Listener::open(&bob).await, Listener::open(&bob).await, Listener::open(&ada).await);
        let counter = desk.ready.conversations[0].mine.unwrap();
        assert_eq!((counter.read_position, counter.unread), (0, 2));
        mark_read(&bob, 1, 1).await.unwrap();
        mark_unread(&bob, 1, 1).await.unwrap();
        mark_read(&bob, 1, 2).await.unwrap();
        mark_read(&bob, 1, 2).await.unwrap();
        let mut numbers = Vec::new();
        for ears in [&mut desk, &mut phone] {
            let mut heard = Vec::new();
            while heard.len() < 3 {
                let numbered = ears.numbered().await;
                if let Some(Kind::ReadChanged(read)) = numbered.event.unwrap().kind {
                    assert_eq!((numbered.conversation_id, numbered.after), (0, numbered.position - 1));
                    numbers.push(numbered.position);
                    heard.push((read.conversation_id, read.read_position, read.unread, read.as_of));
                }
            }
            assert_eq!(heard, [(1, 1, 1, 2), (1, 0, 2, 2), (1, 2, 0, 2)]);
            assert!(ears.rest_of(|kind| matches!(kind, Kind::ReadChanged(_)).then_some(())).await.is_empty());
        }
        assert_eq!(numbers[..3], numbers[3..]);
        assert!(
            numbers[..3].windows(2).all(|pair| pair[1] == pair[0] + 1),
            "the user's own events are numbered without holes"
        );
        assert!(other.rest_of(|kind| matches!(kind, Kind::ReadChanged(_)).then_some(())).await.is_empty());
    }

    async fn deleted_messages_and_lines_are_not_unread(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let ids = [ada.say(group, "a").await.id, ada.say(group, "b").await.id];
        crate::group::update(&ada, group, "other", false, &["name"]).await.unwrap();
        assert_eq!(get(&bob, group).await.mine.unwrap().unread, 2);
        for id in ids {
            let edited = crate::message::edit(&ada, group, id, "edited").await.unwrap();
            assert_eq!(edited.id, id);
        }
        assert_eq!(get(&bob, group).await.mine.unwrap().unread, 2, "an edit makes nothing unread");
        crate::message::delete(&ada, group, ids[0]).await.unwrap();
        assert_eq!(get(&bob, group).await.mine.unwrap().unread, 1);
        // A line can be the place to which one goes back.
        mark_read(&bob, group, 1000).await.unwrap();
        assert_eq!(mark_unread(&bob, group, 4).await.unwrap(), (3, 0));
        assert_eq!(mark_unread(&bob, group, 1).await.unwrap(), (0, 1));
    }
}
