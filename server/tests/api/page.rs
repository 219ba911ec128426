//! Lists that come in pages: every one of them, with the same rules.

use rookery_client::{Error, v1};

use crate::{
    harness::{Person, Served},
    on_both,
    refusal::bad_field,
};

/// Reads a list to its end in pages of a size; the keys of its entries, and how many pages it took.
async fn read<F, T>(size: i32, list: F) -> (Vec<i64>, usize)
where
    F: Fn(i32, String) -> T,
    T: Future<Output = Result<(Vec<i64>, String), Error>>,
{
    let (mut keys, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let (page, next) = list(size, token).await.unwrap();
        assert!(page.len() <= size.unsigned_abs() as usize, "more than was asked for");
        keys.extend(page);
        pages += 1;
        if next.is_empty() {
            return (keys, pages);
        }
        token = next;
    }
}

/// Whatever the size, the pages together are the list; bad sizes and foreign tokens are refused.
async fn holds<F, T>(expected: &[i64], list: F)
where
    F: Fn(i32, String) -> T,
    T: Future<Output = Result<(Vec<i64>, String), Error>>,
{
    for size in [1, 2, 3, 7, 100] {
        let (keys, pages) = read(size, &list).await;
        assert_eq!(keys, expected, "in pages of {size}");
        assert_eq!(pages, expected.len().div_ceil(size.unsigned_abs() as usize).max(1));
    }
    assert_eq!(list(0, String::new()).await.unwrap().0, expected, "0 is the usual size");
    assert_eq!(list(i32::MAX, String::new()).await.unwrap().0, expected, "more than the most is the most");
    for size in [-1, i32::MIN] {
        bad_field(list(size, String::new()).await, "page_size");
    }
    bad_field(list(1, "a\0b".into()).await, "page_token");
}

async fn crowd(server: &Served) -> Vec<Person> {
    let mut people = Vec::new();
    for name in ["ada", "Bob", "cleo", "Dan", "eve", "Flo", "gus"] {
        people.push(server.user(name).await);
    }
    people
}

on_both! {
    async fn users_and_members_come_in_pages(backend) {
        let server = Served::start(backend).await;
        let people = crowd(&server).await;
        let ids: Vec<i64> = people.iter().map(|person| person.id).collect();
        let ada = &people[0];
        holds(&ids, |page_size, page_token| async move {
            let answer =
                ada.api.list_users(v1::ListUsersRequest { page_size, page_token, ..Default::default() }).await?;
            Ok((answer.users.iter().map(|user| user.id).collect(), answer.next_page_token))
        })
        .await;
        let group = ada.group("g", &people[1..4].iter().collect::<Vec<_>>(), false).await;
        let user_ids = vec![ids[6], ids[4], ids[5]];
        ada.api.add_members(v1::AddMembersRequest { conversation_id: group, user_ids }).await.unwrap();
        for conversation_id in [1, group] {
            holds(&ids, |page_size, page_token| async move {
                let request = v1::ListMembersRequest { conversation_id, page_size, page_token };
                let answer = ada.api.list_members(request).await?;
                assert_eq!(answer.total, 7);
                assert_eq!(answer.members.len(), answer.presences.len());
                let ids = answer.members.iter().map(|member| member.user.as_ref().unwrap().id).collect();
                Ok((ids, answer.next_page_token))
            })
            .await;
        }
        let odd = v1::ListMembersRequest { conversation_id: group, page_token: "1.x".into(), page_size: 0 };
        bad_field(ada.api.list_members(odd).await, "page_token");
    }

    async fn conversations_and_public_groups_come_in_pages(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut own = vec![1];
        let mut public = Vec::new();
        for name in ["b", "a", "c", "a", "Ab"] {
            let id = ada.group(name, &[], true).await;
            own.push(id);
            public.push((name.to_lowercase(), id));
        }
        ada.group("secret", &[&bob], false).await;
        own.push(own[5] + 1);
        public.sort();
        holds(&own, |page_size, page_token| {
            let ada = &ada;
            async move {
                let answer = ada.api.list_conversations(v1::ListConversationsRequest { page_size, page_token }).await?;
                let ids = answer.conversations.iter().map(|conversation| conversation.id).collect();
                Ok((ids, answer.next_page_token))
            }
        })
        .await;
        let public: Vec<i64> = public.into_iter().map(|(_, id)| id).collect();
        let list = |page_size, page_token| {
            let bob = &bob;
            async move {
                let request = v1::ListPublicGroupsRequest { page_size, page_token, ..Default::default() };
                let answer = bob.api.list_public_groups(request).await?;
                Ok((answer.groups.iter().map(|group| group.conversation_id).collect(), answer.next_page_token))
            }
        };
        holds(&public, list).await;
        // The group that a page ended with may be gone when the next one is asked for.
        let (_, token) = list(2, String::new()).await.unwrap();
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: public[1], silent: false }).await.unwrap();
        assert_eq!(list(100, token).await.unwrap().0, public[2..]);
    }

    async fn who_reacted_comes_in_pages(backend) {
        let server = Served::start(backend).await;
        let mut people = crowd(&server).await;
        let id = people[0].say(1, "look").await.id;
        people.rotate_left(3);
        for person in &people {
            let request = v1::AddReactionRequest { conversation_id: 1, id, emote: "👍".into() };
            person.api.add_reaction(request).await.unwrap();
        }
        let ids: Vec<i64> = people.iter().map(|person| person.id).collect();
        let ada = &people[0];
        holds(&ids, |page_size, page_token| async move {
            let request =
                v1::ListReactionsRequest { conversation_id: 1, id, emote: "👍".into(), page_size, page_token };
            let answer = ada.api.list_reactions(request).await?;
            Ok((answer.users.iter().map(|user| user.id).collect(), answer.next_page_token))
        })
        .await;
    }
}
