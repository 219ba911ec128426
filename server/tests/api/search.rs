//! Searching messages: what is found, by whom, in which order, and that nothing else is.

use std::time::Duration;

use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rookery_client::{Code, Error, v1};
use v1::ErrorReason;

use crate::{
    attachment::{picture, show},
    gif::save,
    harness::{Backend, Person, Served, in_full, patience},
    media::keep,
    on_both,
    refusal::{bad_field, not_found, refused},
};

/// A server whose searches may take as long as a busy machine makes them.
async fn served(backend: Backend) -> Served {
    Served::with(backend, |config| config.limits.search_milliseconds = 20_000).await
}

async fn search(person: &Person, query: &str) -> Result<v1::SearchMessagesResponse, Error> {
    person.api.search_messages(v1::SearchMessagesRequest { query: query.into(), ..Default::default() }).await
}

fn texts(answer: &v1::SearchMessagesResponse) -> Vec<&str> {
    answer.messages.iter().map(|message| message.text.as_str()).collect()
}

/// Waits until a search finds these texts and no others, newest first: the index is a moment behind.
async fn finds(person: &Person, query: &str, wanted: &[&str]) {
    let mut answer = search(person, query).await.unwrap();
    for _ in 0..500 {
        if texts(&answer) == wanted && answer.total as usize == wanted.len() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = search(person, query).await.unwrap();
    }
    panic!("{query:?} finds {:?} ({}), not {wanted:?}", texts(&answer), answer.total);
}

async fn add(person: &Person, conversation_id: i64, other: &Person) {
    let request = v1::AddMembersRequest { conversation_id, user_ids: vec![other.id] };
    person.api.add_members(request).await.unwrap();
}

async fn remove(person: &Person, conversation_id: i64, other: &Person) {
    let request = v1::RemoveMemberRequest { conversation_id, user_id: other.id };
    person.api.remove_member(request).await.unwrap();
}

async fn edit(person: &Person, conversation_id: i64, id: i64, text: &str) {
    let request = v1::EditMessageRequest { conversation_id, id, text: text.into() };
    person.api.edit_message(request).await.unwrap();
}

async fn delete(person: &Person, conversation_id: i64, id: i64) {
    person.api.delete_message(v1::DeleteMessageRequest { conversation_id, id }).await.unwrap();
}

on_both! {
    async fn words_parts_beginnings_and_phrases_are_found(backend) {
        let server = served(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        for text in ["The quick brown fox", "Über die Brücke zum Café", "私は東京都に住む", "quickly, quick fox!", "c++ & :)"] {
            ada.say(chat, text).await;
        }
        ada.say(1, "a fox in the global room").await;
        finds(&bob, "quick", &["quickly, quick fox!", "The quick brown fox"]).await;
        for (query, wanted) in [
            ("QUI", &["quickly, quick fox!", "The quick brown fox"][..]),
            ("uick row", &["The quick brown fox"]),
            ("\"quick fox\"", &["quickly, quick fox!"]),
            ("\"Quick\" brown", &["The quick brown fox"]),
            ("\"quic\"", &[]),
            ("fox", &["a fox in the global room", "quickly, quick fox!", "The quick brown fox"]),
            ("f", &["a fox in the global room", "quickly, quick fox!", "The quick brown fox"]),
            ("qu br", &["The quick brown fox"]),
            ("ox", &[]),
            ("cafe brucke", &["Über die Brücke zum Café"]),
            ("ÜBER", &["Über die Brücke zum Café"]),
            ("京", &["私は東京都に住む"]),
            ("東京", &["私は東京都に住む"]),
            ("京都に", &["私は東京都に住む"]),
            ("都京", &[]),
            ("\"c++\"", &["c++ & :)"]),
            (":)", &["c++ & :)"]),
            ("nothing", &[]),
        ] {
            finds(&bob, query, wanted).await;
        }
        let answer = search(&bob, "brown").await.unwrap();
        assert_eq!(answer.messages[0], bob.messages(chat).await[0]);
        assert_eq!(answer.users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id]);
        // Only in one conversation.
        let inside = |conversation_id| v1::SearchMessagesRequest { query: "fox".into(), conversation_id, ..Default::default() };
        assert_eq!(texts(&ada.api.search_messages(inside(1)).await.unwrap()), ["a fox in the global room"]);
        let other = server.user("cleo").await;
        not_found(other.api.search_messages(inside(chat)).await);
        not_found(other.api.search_messages(inside(999)).await);
        finds(&other, "fox", &["a fox in the global room"]).await;
    }

    async fn edited_and_deleted_messages_are_found_as_they_are(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        let first = ada.say(1, "apple tart").await;
        let second = ada.say(1, "apple pie").await;
        finds(&ada, "apple", &["apple pie", "apple tart"]).await;
        edit(&ada, 1, first.id, "cherry tart").await;
        finds(&ada, "cherry", &["cherry tart"]).await;
        finds(&ada, "ap", &["apple pie"]).await;
        finds(&ada, "tart", &["cherry tart"]).await;
        delete(&ada, 1, second.id).await;
        // At once, whatever the index thinks.
        assert_eq!(texts(&search(&ada, "apple").await.unwrap()), [""; 0]);
        ada.say(1, "apple strudel").await;
        finds(&ada, "apple", &["apple strudel"]).await;
        finds(&ada, "from:ada", &["apple strudel", "cherry tart"]).await;
        // An edit keeps the place among all.
        edit(&ada, 1, first.id, "apple crumble").await;
        finds(&ada, "apple", &["apple strudel", "apple crumble"]).await;
    }

    async fn what_one_may_not_read_is_not_found_and_not_counted(backend) {
        let server = served(backend).await;
        let (ada, bob, eve) = (server.user("ada").await, server.user("bob").await, server.user("eve").await);
        let group = ada.group("Nest", &[&bob], false).await;
        let chat = ada.direct(&bob).await;
        ada.say(group, "marker before").await;
        ada.say(chat, "marker in private").await;
        ada.say(1, "marker for all").await;
        finds(&bob, "marker", &["marker for all", "marker in private", "marker before"]).await;
        for query in ["marker", "mark", "m", "\"marker\"", "from:ada", "marker from:ada", &format!("in:{group} marker")] {
            let wanted: &[&str] = if query.starts_with("in:") { &[] } else { &["marker for all"] };
            finds(&eve, query, wanted).await;
        }
        for query in [format!("in:{group}"), format!("in:{chat}"), "in:Nest".into(), "in:999".into()] {
            finds(&eve, &query, &[]).await;
        }
        // Who comes later sees what comes later.
        add(&ada, group, &eve).await;
        ada.say(group, "marker after").await;
        finds(&eve, "marker", &["marker after", "marker for all"]).await;
        // A removal acts at once, and a second coming shows no more than the first.
        remove(&ada, group, &eve).await;
        assert_eq!(texts(&search(&eve, "marker").await.unwrap()), ["marker for all"]);
        ada.say(group, "marker between").await;
        add(&ada, group, &eve).await;
        finds(&eve, "marker", &["marker for all"]).await;
        ada.say(group, "marker at last").await;
        finds(&eve, "marker", &["marker at last", "marker for all"]).await;
        finds(&bob, "marker", &["marker at last", "marker between", "marker after", "marker for all", "marker in private", "marker before"]).await;
        // A page's place in a conversation that is out of sight is none.
        let token = format!("{chat}.1");
        let request = v1::SearchMessagesRequest { query: "marker".into(), page_token: token, ..Default::default() };
        bad_field(eve.api.search_messages(request).await, "page_token");
    }

    async fn filters_narrow_alone_and_together(backend) {
        let server = served(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("Bob.B").await);
        let nest = ada.group("The Nest", &[&bob], false).await;
        let other = ada.group("Other", &[&bob], false).await;
        let chat = ada.direct(&bob).await;
        ada.say(nest, "one twig").await;
        bob.say(nest, "two twigs at https://twigs.example/2").await;
        bob.say(other, "three twigs").await;
        let still = picture(&ada, "twig.png").await;
        show(&ada, chat, "a picture", &[&still]).await;
        let file = keep(&ada, "a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
        show(&ada, chat, "a file", &[&file]).await;
        let gif = save(&bob, "builtin/party-popper").await;
        show(&bob, chat, "", &[&gif]).await;
        let mention = ada.say(nest, "for @bob.b and @everyone").await;
        bob.say(nest, "for @ada.").await;
        let (two, three) = ("two twigs at https://twigs.example/2", "three twigs");
        for (query, wanted) in [
            ("from:bob.b twig", &[three, two][..]),
            ("FROM:@BOB.B", &["for @ada.", "", three, two]),
            ("from:me twig", &["one twig"]),
            ("from:me from:bob.b twig", &[three, two, "one twig"]),
            ("from:nobody", &[]),
            (&format!("in:{nest} twig"), &[two, "one twig"]),
            ("in:\"the nest\" twig", &[two, "one twig"]),
            ("in:other in:\"The Nest\" twigs", &[three, two]),
            ("in:twigs", &[]),
            ("has:link", &[two]),
            ("has:picture", &["", "a picture"]),
            ("has:gif", &[""]),
            ("has:file", &["a file"]),
            ("has:file has:picture", &[]),
            ("has:picture from:ada a", &["a picture"]),
            ("before:2020-01-01 twig", &[]),
            ("after:2020-01-01 twig", &[three, two, "one twig"]),
            ("after:2020-01-01 before:2999-12-31 in:other", &[three]),
            ("after:2999-12-31", &[]),
            ("mentions:me", &["for @ada.", ]),
            ("mentions:@Bob.B", &["for @bob.b and @everyone"]),
            ("mentions:ada mentions:bob.b for", &[]),
            ("mentions:bob.b every from:me", &["for @bob.b and @everyone"]),
            ("mentions:nobody", &[]),
        ] {
            finds(&ada, query, wanted).await;
        }
        edit(&ada, nest, mention.id, "for nobody").await;
        finds(&ada, "mentions:bob.b", &[]).await;
        edit(&ada, nest, mention.id, "@bob.b again").await;
        finds(&ada, "mentions:bob.b", &["@bob.b again"]).await;
        let users = search(&ada, "mentions:bob.b").await.unwrap().users;
        assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id, bob.id]);
        let inside = v1::SearchMessagesRequest { query: "in:other twig".into(), conversation_id: nest, ..Default::default() };
        assert!(ada.api.search_messages(inside).await.unwrap().messages.is_empty());
        for query in ["has:house", "before:soon", "", " ", "from:", "-from:ada", &"x".repeat(257), &"x ".repeat(17), "a\0b"] {
            bad_field(search(&ada, query).await, "query");
        }
    }

    async fn ones_own_reactions_are_marked_in_each_conversation(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        let names: Vec<String> = (0..10).map(|n| format!("other{n}")).collect();
        let others = join_all(names.iter().map(|name| server.user(name))).await;
        let crowd = ada.group("crowd", &others.iter().collect::<Vec<_>>(), false).await;
        let alone = ada.group("alone", &[], false).await;
        let there = ada.say(crowd, "a heron there").await;
        let here = ada.say(alone, "a heron here").await;
        assert_eq!(there.id, here.id);
        let react = |person: &Person, conversation_id| {
            let (api, emote) = (person.api.clone(), "👍".to_owned());
            let request = v1::AddReactionRequest { conversation_id, id: there.id, emote };
            async move { api.add_reaction(request).await.unwrap() }
        };
        // Of so many a message names the first ten.
        for other in &others {
            react(other, crowd).await;
        }
        let mine = async || {
            let answer = search(&ada, "heron").await.unwrap();
            let of = |message: &v1::Message| message.reactions.iter().map(|reaction| reaction.mine).collect::<Vec<_>>();
            answer.messages.iter().map(of).collect::<Vec<_>>()
        };
        finds(&ada, "heron", &["a heron here", "a heron there"]).await;
        react(&ada, alone).await;
        assert_eq!(mine().await, [vec![true], vec![false]]);
        react(&ada, crowd).await;
        assert_eq!(mine().await, [vec![true], vec![true]]);
    }

    async fn pages_are_places_and_totals_are_exact_up_to_a_thousand(backend) {
        let server = served(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        for part in (0..999).collect::<Vec<_>>().chunks(100) {
            join_all(part.iter().map(|number| ada.say(if number % 2 == 0 { 1 } else { chat }, "needle"))).await;
        }
        let total = |answer: v1::SearchMessagesResponse| (answer.total, answer.total_is_more);
        for _ in 0..500 {
            if search(&bob, "needle").await.unwrap().total == 999 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for query in ["needle", "ne", "\"needle\"", "eedl from:ada"] {
            assert_eq!(total(search(&bob, query).await.unwrap()), (999, false), "{query}");
        }
        let mut request = v1::SearchMessagesRequest { query: "needle".into(), page_size: 100, ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = bob.api.search_messages(request.clone()).await.unwrap();
            seen.extend(page.messages.iter().map(|message| (message.conversation_id, message.id)));
            // What comes meanwhile does not move the pages.
            ada.say(1, "needle, too").await;
            if page.next_page_token.is_empty() {
                break;
            }
            assert_eq!(page.messages.len(), 100);
            assert_eq!(page.total, if seen.len() == 100 { 999 } else { 0 });
            request.page_token = page.next_page_token;
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (999, 999));
        for conversation in [1, chat] {
            let ids: Vec<i64> = seen.iter().filter(|place| place.0 == conversation).map(|place| place.1).collect();
            assert!(ids.is_sorted_by(|one, other| one > other), "newest first");
        }
        for _ in 0..500 {
            if total(search(&bob, "needle").await.unwrap()) == (1000, true) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(total(search(&bob, "needle").await.unwrap()), (1000, true));
        request.page_token = "x".into();
        bad_field(bob.api.search_messages(request.clone()).await, "page_token");
        request.page_size = -1;
        bad_field(bob.api.search_messages(request).await, "page_size");
    }

    async fn somebody_in_many_conversations_searches_them_all(backend) {
        let server = served(backend).await;
        let ada = server.user("ada").await;
        let mut groups = Vec::new();
        for part in (0..300).collect::<Vec<_>>().chunks(50) {
            let names: Vec<String> = part.iter().map(|number| format!("group {number}")).collect();
            groups.extend(join_all(names.iter().map(|name| ada.group(name, &[], false))).await);
        }
        ada.say(groups[7], "a needle").await;
        ada.say(groups[299], "another needle").await;
        // What is others' is not found, though hers is so much that the index is asked for all.
        let bob = server.user("bob").await;
        let other = bob.group("his", &[], false).await;
        bob.say(other, "a needle of his").await;
        finds(&bob, "needle", &["a needle of his"]).await;
        finds(&ada, "needle", &["another needle", "a needle"]).await;
        finds(&ada, "in:\"group 7\"", &["a needle"]).await;
    }

    async fn a_search_that_takes_too_long_is_told_so(backend) {
        let server = Served::with(backend, |config| config.limits.search_milliseconds = 1).await;
        let ada = server.user("ada").await;
        for _ in 0..30 {
            join_all((0..100).map(|_| ada.say(1, "one of very many"))).await;
        }
        let mut last = None;
        for _ in 0..200 {
            match search(&ada, "many").await {
                Err(error) => {
                    refused::<()>(Err(error), Code::ResourceExhausted, ErrorReason::LimitReached);
                    return;
                }
                Ok(answer) => last = Some((answer.total, answer.total_is_more)),
            }
        }
        // A machine that finds a thousand of them in a millisecond is none of ours.
        panic!("{last:?}");
    }

    // G03.
    async fn hostile_queries_find_nothing_or_are_refused(backend) {
        // In full by the limit that people's servers have: none of these queries is one that takes too long.
        let server = if in_full() { Served::start(backend).await } else { served(backend).await };
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        ada.say(chat, "AND OR NOT NEAR conv2 from1 hasfile secret \" ' * ^ : ( ) %").await;
        finds(&ada, "secret", &["AND OR NOT NEAR conv2 from1 hasfile secret \" ' * ^ : ( ) %"]).await;
        let eve = server.user("eve").await;
        let mut chance = StdRng::seed_from_u64(3);
        let count = if in_full() { 5000 } else { 300 };
        let pieces = [
            "\"", "*", "^", "NEAR(", "NEAR", "AND", "OR", "NOT", "(", ")", "+", "-", ":", "{", "}", "search:", "grams:", "rowid:", "conv2",
            "from1", "hasfile", " ", " ", " ", "'", "''", ";", "--", "/*", "\\", "%", "_", "\u{0}", "\u{202e}", "\u{feff}", "é", "e\u{301}",
            "\u{301}", "漢", "字", "🎉", "\n", "\t", "from:", "in:", "has:", "before:", "after:", "mentions:", "me", "2", "9223372036854775808",
            "-1", "1e9", "2026-02-30", "0000-00-00", "ﷺ", "İ", "ß", "'{}'", "$1", "select", "delete-all", "optimize", "a", "secret", "x",
        ];
        let mut slowest = Duration::ZERO;
        for number in 0..count {
            let length = if number % 50 == 0 { 10_000 } else { chance.random_range(1..20) };
            let query: String = (0..length).map(|_| pieces[chance.random_range(0..pieces.len())]).collect();
            let began = std::time::Instant::now();
            match search(&eve, &query).await {
                Ok(answer) => assert!(answer.messages.is_empty() && answer.total == 0, "{query:?} finds {:?}", texts(&answer)),
                Err(error) => {
                    refused::<()>(Err(error), Code::InvalidArgument, ErrorReason::InvalidField);
                }
            }
            slowest = slowest.max(began.elapsed());
        }
        println!("{backend:?}: {count} hostile queries, the slowest took {slowest:?}");
        // 200 ms are the query's; as much again is for the call about it.
        assert!(slowest < patience(Duration::from_millis(400)), "one took {slowest:?}");
    }
}
