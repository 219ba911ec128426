//! Sending: what may be said, and that it is said once.

use rookery_client::{Code, Error, v1};
use v1::ErrorReason;

use crate::{
    harness::{Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found, refused},
};

const ID: &str = "7a1d3c52-90ab-4cde-8f01-23456789abcd";

async fn send(person: &Person, text: &str, request_id: &str, reply_to: i64) -> Result<v1::Message, Error> {
    let request = v1::SendMessageRequest {
        conversation_id: 1,
        text: text.into(),
        request_id: request_id.into(),
        reply_to,
        ..Default::default()
    };
    Ok(person.api.send_message(request).await?.message.unwrap())
}

/// A small generator of numbers: the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Any character but U+0000, the odd ones more often than they deserve.
    pub fn character(&mut self) -> char {
        const ODD: [char; 16] = [
            '\'',
            '"',
            '\\',
            '\u{1}',
            '\u{7f}',
            '\u{85}',
            '\u{200d}',
            '\u{202e}',
            '\u{feff}',
            '\u{fffd}',
            '\u{ffff}',
            '\u{10ffff}',
            '\u{300}',
            '🏳',
            '\r',
            '%',
        ];
        match self.below(3) {
            0 => ODD[self.below(16) as usize],
            1 => char::from(1 + self.below(126) as u8),
            _ => loop {
                if let Some(c) = char::from_u32(1 + self.below(0x0010_ffff) as u32) {
                    break c;
                }
            },
        }
    }
}

on_both! {
    async fn every_text_comes_back_byte_for_byte(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&bob).await;
        let mut chance = Chance(0x5eed);
        let mut sent = Vec::new();
        for n in 0..150 {
            let length = 1 + chance.below(if n % 10 == 0 { 3000 } else { 40 });
            let text: String = (0..length).map(|_| chance.character()).collect();
            if text.trim().is_empty() || text.len() > 16 * 1024 {
                continue;
            }
            let message = send(&ada, &text, "", 0).await.unwrap();
            assert_eq!(message.text, text);
            assert_eq!(ears.message().await.text, text);
            sent.push(text);
        }
        let mut listed = Vec::new();
        let mut after = 0;
        loop {
            let request = v1::ListChangesRequest { conversation_id: 1, after, ..Default::default() };
            let page = bob.api.list_changes(request).await.unwrap();
            listed.extend(page.messages.into_iter().map(|message| message.text));
            after = page.position;
            if !page.more {
                break;
            }
        }
        assert_eq!(listed, sent);
    }

    async fn many_texts_at_once_come_back_too(backend) {
        // Groups of sends are stored by other texts than lone ones.
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let mut chance = Chance(0xbeef);
        let sends = (0..200).map(|n| {
            let ada = ada.clone();
            let text: String = std::iter::once('x').chain((0..30).map(|_| chance.character())).collect();
            let reply_to = i64::from(n > 150);
            tokio::spawn(async move {
                let message = send(&ada, &text, "", if reply_to == 1 { 1 } else { 0 }).await.unwrap();
                assert_eq!(message.text, text);
                (message.id, message)
            })
        });
        let mut sent = std::collections::BTreeMap::new();
        send(&ada, "first", "", 0).await.unwrap();
        for task in sends.collect::<Vec<_>>() {
            let (id, message) = task.await.unwrap();
            assert!(sent.insert(id, message).is_none(), "two messages with one id");
        }
        for (id, message) in sent {
            let request = v1::GetMessageRequest { conversation_id: 1, id };
            assert_eq!(ada.api.get_message(request).await.unwrap().message.unwrap(), message);
        }
    }

    async fn limits_hold_exactly_at_the_edge(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        // 4,000 characters of four bytes are 16,000 bytes; 16 KiB are reached by no 4,000 characters of one byte.
        for text in ["🦜".repeat(4000), "x".repeat(4000), "x".into(), "\u{a0}x".into()] {
            assert_eq!(send(&ada, &text, "", 0).await.unwrap().text, text);
        }
        for text in [
            "x".repeat(4001),
            "🦜".repeat(4001),
            String::new(),
            " \n\t\u{a0}\u{2003}".into(),
            "a\0b".into(),
            "\0".into(),
        ] {
            bad_field(send(&ada, &text, "", 0).await, "text");
        }
        let server = Served::with(backend, |config| config.limits.text_bytes = 10).await;
        let ada = server.user("ada").await;
        send(&ada, "ééééé", "", 0).await.unwrap();
        bad_field(send(&ada, "éééééx", "", 0).await, "text");
    }

    async fn the_same_request_id_is_the_same_message(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&bob).await;
        let sends = (0..20).map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { send(&ada, "once", ID, 0).await.unwrap() })
        });
        for task in sends.collect::<Vec<_>>() {
            let message = task.await.unwrap();
            assert_eq!((message.id, message.request_id.as_str()), (1, ID));
        }
        assert_eq!(ears.rest_of(crate::listener::message_of).await.len(), 1);
        assert_eq!(ada.messages(1).await.len(), 1);
        // Written in another form it is the same id.
        assert_eq!(send(&ada, "once", &ID.to_uppercase(), 0).await.unwrap().id, 1);
        // Another text, or another message answered, is another content.
        for (text, reply_to) in [("twice", 0), ("once", 1)] {
            refused(send(&ada, text, ID, reply_to).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        }
        // Ids are one sender's own, and one conversation's.
        assert_eq!(send(&bob, "once", ID, 0).await.unwrap().id, 2);
        let group = ada.group("g", &[], false).await;
        let request =
            v1::SendMessageRequest { conversation_id: group, text: "x".into(), request_id: ID.into(), ..Default::default() };
        ada.api.send_message(request).await.unwrap();
        for bad in [
            "x",
            "7a1d3c52",
            "00000000-0000-0000-0000-000000000000",
            &"a".repeat(1000),
            "7a1d3c52-90ab-4cde-8f01-23456789abcg",
        ] {
            bad_field(send(&ada, "x", bad, 0).await, "request_id");
        }
    }

    async fn a_reused_request_id_names_what_it_made(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        send(&ada, "first", "", 0).await.unwrap();
        send(&ada, "second", ID, 0).await.unwrap();
        let raw = crate::raw::Raw::new(server.address);
        let request =
            v1::SendMessageRequest { conversation_id: 1, text: "other".into(), request_id: ID.into(), ..Default::default() };
        let status = raw.send(Some(&ada.token), "MessageService/SendMessage", &request).await.unwrap_err();
        let details = tonic_types::StatusExt::get_error_details(&status);
        assert_eq!(details.error_info().unwrap().metadata["id"], "2");
    }

    async fn a_repeat_answers_the_message_as_it_now_is(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = bob.group("g", &[&ada], false).await;
        let request =
            v1::SendMessageRequest { conversation_id: group, text: "v1".into(), request_id: ID.into(), ..Default::default() };
        let id = ada.api.send_message(request.clone()).await.unwrap().message.unwrap().id;
        let edit = v1::EditMessageRequest { conversation_id: group, id, text: "v2".into() };
        ada.api.edit_message(edit).await.unwrap();
        let now = ada.api.send_message(request.clone()).await.unwrap().message.unwrap();
        assert_eq!((now.id, now.text.as_str()), (id, "v2"));
        bob.api.delete_message(v1::DeleteMessageRequest { conversation_id: group, id }).await.unwrap();
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        // Who has left still learns what became of her send; a new one is refused.
        let now = ada.api.send_message(request.clone()).await.unwrap().message.unwrap();
        assert!(now.deleted && now.text.is_empty() && now.id == id);
        not_found(ada.api.send_message(v1::SendMessageRequest { request_id: String::new(), ..request }).await);
    }

    async fn an_answer_names_a_message_of_the_same_conversation(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let first = ada.say(1, "question").await;
        assert_eq!(first.reply_to, 0);
        let answer = send(&bob, "answer", "", first.id).await.unwrap();
        assert_eq!(answer.reply_to, first.id);
        let group = ada.group("g", &[], false).await;
        for text in ["a", "b", "c"] {
            ada.say(group, text).await;
        }
        for reply_to in [3, 999_999, i64::MAX] {
            not_found(send(&bob, "x", "", reply_to).await);
        }
        for reply_to in [-1, i64::MIN] {
            bad_field(send(&bob, "x", "", reply_to).await, "reply_to");
        }
        // A tombstone and a line can be answered: they are there.
        ada.api.delete_message(v1::DeleteMessageRequest { conversation_id: 1, id: first.id }).await.unwrap();
        assert_eq!(send(&bob, "late", "", first.id).await.unwrap().reply_to, first.id);
        let request =
            v1::SendMessageRequest { conversation_id: group, text: "re".into(), reply_to: 1, ..Default::default() };
        assert_eq!(ada.api.send_message(request).await.unwrap().message.unwrap().reply_to, 1);
    }

    async fn times_never_go_back(backend) {
        use std::sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        };
        let store = crate::harness::Store::new(backend).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_123));
        let clock = {
            let now = now.clone();
            rookery_server::domain::ctx::Clock::new(move || now.load(Ordering::SeqCst))
        };
        let config = store.config();
        let server = Served::serve(store, &config, clock).await;
        let ada = server.user("ada").await;
        let mut times = Vec::new();
        for step in [0, 5000, -86_400_000, 1, 86_400_000] {
            now.fetch_add(step, Ordering::SeqCst);
            let time = ada.say(1, "tick").await.created_at.unwrap();
            times.push(time.seconds * 1000 + i64::from(time.nanos) / 1_000_000);
        }
        assert_eq!(
            times,
            [1_800_000_000_123, 1_800_000_005_123, 1_800_000_005_123, 1_800_000_005_123, 1_800_000_005_124]
        );
    }
}
