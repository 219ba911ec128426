//! Mentions: who is meant in a text, who may call everyone, and how many unread messages mention somebody.

use rookery_client::{
    text::{self, Block, Span},
    v1,
};
use v1::event::Kind;

use crate::{
    change::changes,
    conversation::get,
    harness::{Person, Served},
    listener::Listener,
    message::{delete, edit},
    on_both,
    send::Chance,
};

/// (user, start, length) of each.
pub fn mentions(message: &v1::Message) -> Vec<(i64, i32, i32)> {
    message.mentions.iter().map(|mention| (mention.user_id, mention.start, mention.length)).collect()
}

/// How many unread messages there are, and how many of them mention her.
async fn unread(person: &Person, conversation_id: i64) -> (i64, i64) {
    let mine = get(person, conversation_id).await.mine.unwrap();
    (mine.unread, mine.unread_mentions)
}

async fn mark_read(person: &Person, conversation_id: i64, id: i64) -> (i64, i64, i64) {
    let answer = person.api.mark_read(v1::MarkReadRequest { conversation_id, id }).await.unwrap();
    (answer.read_position, answer.unread, answer.unread_mentions)
}

async fn mark_unread(person: &Person, conversation_id: i64, id: i64) -> (i64, i64, i64) {
    let answer = person.api.mark_unread(v1::MarkUnreadRequest { conversation_id, id }).await.unwrap();
    (answer.read_position, answer.unread, answer.unread_mentions)
}

on_both! {
    async fn a_members_name_in_a_text_is_kept_as_who_is_meant(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("Ada.L").await, server.user("bob").await);
        let (cleo, adal) = (server.user("cleo").await, server.user("ada").await);
        let group = ada.group("g", &[&bob, &adal], false).await;
        let mut ears = Listener::open(&bob).await;
        let sent = bob.say(group, "é @ADA.l, @ada.lo @Bob. @cleo @nobody `@bob` x@bob").await;
        let expected = [(ada.id, 2, 6), (adal.id, 10, 4), (bob.id, 18, 4)];
        assert_eq!(mentions(&sent), expected, "the longest name that ends a word; strangers are plain text");
        assert_eq!(mentions(&ears.message().await), expected, "live");
        assert_eq!(mentions(&ada.messages(group).await[1]), expected, "in history");
        assert_eq!(mentions(&changes(&ada, group, 1, 10).await.0[0]), expected, "in changes");
        // Everybody who is mentioned comes with the page.
        let page = v1::ListMessagesRequest { conversation_id: group, ..Default::default() };
        let users = ada.api.list_messages(page).await.unwrap().users;
        assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id, bob.id, adal.id]);
        let one = v1::GetMessageRequest { conversation_id: group, id: sent.id };
        assert_eq!(ada.api.get_message(one).await.unwrap().users.len(), 3);
        // Another display name changes nothing of it.
        let mask = Some(prost_types::FieldMask { paths: vec!["display_name".into()] });
        let rename =
            v1::UpdateProfileRequest { display_name: "Countess".into(), update_mask: mask, ..Default::default() };
        ada.api.update_profile(rename).await.unwrap();
        assert_eq!(mentions(&ada.messages(group).await[1]), expected);
        // Who has gone is no member any more; who has come is one.
        ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: adal.id }).await.unwrap();
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![cleo.id] };
        ada.api.add_members(add).await.unwrap();
        assert_eq!(mentions(&bob.say(group, "@ada @cleo").await), [(cleo.id, 5, 5)]);
        // In the global room everybody is there, in a direct chat the two.
        assert_eq!(mentions(&bob.say(1, "@ada @cleo").await), [(adal.id, 0, 4), (cleo.id, 5, 5)]);
        let chat = bob.direct(&cleo).await;
        assert_eq!(mentions(&bob.say(chat, "@ada @cleo @bob").await), [(cleo.id, 5, 5), (bob.id, 11, 4)]);
    }

    async fn a_repeat_answers_with_the_mentions_of_the_first(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let request = v1::SendMessageRequest {
            conversation_id: 1,
            text: "@bob".into(),
            request_id: "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001".into(),
            ..Default::default()
        };
        let first = ada.api.send_message(request.clone()).await.unwrap();
        assert_eq!(ada.api.send_message(request).await.unwrap(), first);
        assert_eq!(mentions(&first.message.unwrap()), [(bob.id, 0, 4)]);
        assert_eq!(unread(&bob, 1).await, (1, 1));
    }

    async fn a_message_mentions_at_most_as_many_as_the_limit_says(backend) {
        let server = Served::with(backend, |config| config.limits.mentions = 3).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let sent = ada.say(1, &"@bob ".repeat(9)).await;
        assert_eq!(mentions(&sent), [(bob.id, 0, 4), (bob.id, 5, 4), (bob.id, 10, 4)]);
        let limits = ada.api.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().limits.unwrap();
        assert_eq!(limits.mentions, 3);
        // Many names of nobody, in many sends at once.
        let flood: String = (0..800).map(|n| format!("@{n:x} ")).collect();
        let sends = (0..20).map(|_| {
            let (ada, flood) = (ada.clone(), flood.clone());
            tokio::spawn(async move { ada.say(1, &flood).await })
        });
        for send in sends.collect::<Vec<_>>() {
            assert_eq!(mentions(&send.await.unwrap()), []);
        }
    }

    async fn everyone_is_called_by_those_who_may(backend) {
        let server = Served::with(backend, |config| config.limits.small_group = 3).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (cleo, dan) = (server.user("cleo").await, server.user("dan").await);
        let root = server.admin("rita").await;
        let called = [(0, 0, 9)];
        let group = ada.group("g", &[&bob, &cleo], false).await;
        assert_eq!(mentions(&bob.say(group, "@Everyone!").await), called, "any member of a small group");
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![dan.id] };
        ada.api.add_members(add).await.unwrap();
        assert_eq!(mentions(&bob.say(group, "@everyone").await), [], "it has grown");
        assert_eq!(mentions(&ada.say(group, "@everyone").await), called, "its owner");
        assert_eq!(mentions(&bob.say(1, "@everyone").await), []);
        assert_eq!(mentions(&root.say(1, "@everyone").await), called, "an admin, in the global room");
        let chat = root.direct(&bob).await;
        assert_eq!(mentions(&root.say(chat, "@everyone").await), [], "never in a direct chat");
        let said = bob.say(1, "x").await;
        assert_eq!(mentions(&edit(&bob, 1, said.id, "@everyone").await.unwrap()), [], "an edit gives no other right");
        let said = root.say(1, "x").await;
        assert_eq!(mentions(&edit(&root, 1, said.id, "@everyone").await.unwrap()), called);
    }

    async fn unread_mentions_are_exact(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob, &cleo], false).await;
        let first = ada.say(group, "@bob").await;
        ada.say(group, "nobody").await;
        let both = ada.say(group, "@everyone, also @bob @bob").await;
        bob.say(group, "@bob to myself, @everyone").await;
        assert_eq!(unread(&bob, group).await, (3, 2), "once for each message, never for one's own");
        assert_eq!(unread(&cleo, group).await, (4, 2));
        assert_eq!(unread(&ada, group).await, (1, 1));
        let mut phone = Listener::open(&bob).await;
        assert_eq!(phone.ready.conversations.iter().find(|c| c.id == group).unwrap().mine.unwrap().unread_mentions, 2);
        assert_eq!(mark_read(&bob, group, first.id).await, (first.id, 2, 1));
        let heard = phone.until(|kind| if let Kind::ReadChanged(read) = kind { Some(read) } else { None }).await;
        assert_eq!((heard.unread, heard.unread_mentions), (2, 1));
        assert_eq!(mark_read(&bob, group, first.id).await, (first.id, 2, 1), "no step forward");
        assert_eq!(mark_unread(&bob, group, first.id).await, (first.id - 1, 3, 2));
        let heard = phone.until(|kind| if let Kind::ReadChanged(read) = kind { Some(read) } else { None }).await;
        assert_eq!((heard.unread, heard.unread_mentions), (3, 2));
        // Edits put names in and take them out; a deletion takes them all.
        edit(&ada, group, first.id, "nobody").await.unwrap();
        assert_eq!(unread(&bob, group).await, (3, 1));
        edit(&ada, group, first.id, "@cleo").await.unwrap();
        assert_eq!((unread(&bob, group).await, unread(&cleo, group).await), ((3, 1), (4, 3)));
        let gone = delete(&ada, group, both.id).await.unwrap();
        assert_eq!(mentions(&gone), []);
        assert_eq!((unread(&bob, group).await, unread(&cleo, group).await), ((2, 0), (3, 2)));
        assert_eq!(mark_read(&cleo, group, i64::MAX).await.2, 0);
    }

    async fn who_comes_in_has_no_mentions_from_before(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], true).await;
        let early = ada.say(group, "@bob").await;
        assert_eq!(unread(&bob, group).await, (1, 1));
        bob.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        ada.say(group, "@everyone").await;
        let by = Some(v1::join_group_request::By::ConversationId(group));
        bob.api.join_group(v1::JoinGroupRequest { by }).await.unwrap();
        assert_eq!(unread(&bob, group).await, (0, 0));
        ada.say(group, "@bob").await;
        assert_eq!(unread(&bob, group).await, (1, 1));
        // A public group's history is open: going back to it counts what is read there.
        assert_eq!(mark_unread(&bob, group, early.id).await.2, 3);
    }

    async fn every_mention_that_is_found_is_drawn(backend) {
        const PARTS: [&str; 30] = [
            "@bob", "@Bob", "@b_o_b", "@everyone", "@cleo", " ", " ", "\n", "`", "``", "```", "\n```", "```\n", "> ", "\n> ", "- ",
            "*", "_", "||", "\\", "[", "](https://x.org/", ")", "https://x.org/", "<", ".", "a", "é🙂", "漢", "\r\n",
        ];
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let line = server.user("b_o_b").await;
        let group = ada.group("g", &[&bob, &line], false).await;
        let mut chance = Chance(7);
        let mut found = 0;
        for _ in 0..200 {
            let text: String =
                (0..chance.below(24)).map(|_| PARTS[usize::try_from(chance.below(30)).unwrap()]).collect();
            let sent = ada.say(group, &format!("x {text}")).await;
            assert_eq!(drawn(&text::parse(&sent.text, &sent.mentions)), mentions(&sent).len(), "{:?}", sent.text);
            found += sent.mentions.len();
        }
        assert!(found > 100, "only {found} were found");
    }
}

/// How many mentions are in a tree.
fn drawn(blocks: &[Block]) -> usize {
    fn in_spans(spans: &[Span]) -> usize {
        let each = spans.iter().map(|span| match span {
            Span::Mention { .. } => 1,
            Span::Bold(spans) | Span::Italic(spans) | Span::Strike(spans) | Span::Spoiler(spans) => in_spans(spans),
            // What is mentioned in a label is drawn as a part of it.
            Span::Link(link) => in_spans(&link.spans),
            Span::Text(_) | Span::Code(_) => 0,
        });
        each.sum()
    }
    let each = blocks.iter().map(|block| match block {
        Block::Paragraph(spans) => in_spans(spans),
        Block::Code { .. } => 0,
        Block::Quote(blocks) => drawn(blocks),
        Block::List(items) => items.iter().map(|item| in_spans(&item.spans)).sum(),
    });
    each.sum()
}
