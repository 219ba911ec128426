//! Unread counts against their definition, through random sends, edits, deletions, reads, departures and returns.

use rookery_client::v1;

use crate::{
    conversation::get,
    harness::{Person, Served, in_full},
    message::{delete, edit},
    on_both,
    read::{mark_read, mark_unread},
    send::Chance,
};

/// By definition: messages of others above the read position that are not deleted; lines do not count. And those of them that
/// mention her, or everyone.
async fn counted(person: &Person, group: i64, read_position: i64) -> (i64, i64) {
    let unread = |message: &&v1::Message| {
        message.id > read_position && message.author_id != person.id && !message.deleted && message.system.is_none()
    };
    let mentions = |message: &&v1::Message| message.mentions.iter().any(|m| m.user_id == person.id || m.user_id == 0);
    let all = crate::change::changes(person, group, 0, 200).await.0;
    let unread: Vec<_> = all.iter().filter(unread).collect();
    let number = |count: usize| i64::try_from(count).unwrap();
    (number(unread.len()), number(unread.into_iter().filter(mentions).count()))
}

async fn walk(server: &Served, seed: u64, steps: usize) {
    let mut chance = Chance(seed);
    let word = crate::harness::unique("w");
    let mut people = Vec::new();
    for name in ["a", "b", "c"] {
        people.push(server.user(&format!("{name}{word}")).await);
    }
    let group = people[0].group("g", &[&people[1], &people[2]], false).await;
    let mut away = None;
    for step in 0..steps {
        let who = chance.below(3) as usize;
        let person = &people[who];
        if away == Some(who) {
            let request = v1::AddMembersRequest { conversation_id: group, user_ids: vec![person.id] };
            people[(who + 1) % 3].api.add_members(request).await.unwrap();
            away = None;
        }
        let visible = person.messages(group).await;
        let some = visible[chance.below(visible.len() as u64) as usize].clone();
        let own = visible.iter().rev().find(|m| m.author_id == person.id && !m.deleted && m.system.is_none());
        let text = match chance.below(8) {
            n @ 0..=2 => format!("{step}, @{}", people[n as usize].name),
            3 => format!("@everyone @{} {step}", people[(who + 1) % 3].name),
            _ => format!("word {step}"),
        };
        let known = match chance.below(14) {
            0..=4 => {
                person.say(group, &text).await;
                None
            }
            12 | 13 => {
                if let Some(message) = own {
                    edit(person, group, message.id, &text).await.unwrap();
                }
                None
            }
            5 | 6 => {
                if let Some(message) = own {
                    delete(person, group, message.id).await.unwrap();
                }
                None
            }
            7 | 8 => Some(mark_read(person, group, some.id).await.unwrap()),
            9 | 10 => Some(mark_unread(person, group, some.id).await.unwrap()),
            _ if away.is_none() => {
                let leave = v1::LeaveGroupRequest { conversation_id: group, silent: chance.below(2) == 0 };
                person.api.leave_group(leave).await.unwrap();
                away = Some(who);
                None
            }
            _ => None,
        };
        for (n, person) in people.iter().enumerate() {
            if away == Some(n) {
                continue;
            }
            let mine = get(person, group).await.mine.unwrap();
            if n == who
                && let Some(known) = known
            {
                assert_eq!((mine.read_position, mine.unread), known, "seed {seed}, step {step}");
            }
            let expected = counted(person, group, mine.read_position).await;
            assert_eq!((mine.unread, mine.unread_mentions), expected, "seed {seed}, step {step}, person {n}");
        }
    }
}

on_both! {
    async fn unread_is_what_its_definition_counts(backend) {
        let server = Served::start(backend).await;
        let walks = if in_full() { 40 } else { 2 };
        for seed in 1..=walks {
            walk(&server, seed * 0x9e37_79b9, 60).await;
        }
    }
}
