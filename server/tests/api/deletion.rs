//! Deleting accounts: what goes, what stays, and that what was begun is ended.

use std::time::Duration;

use rookery_client::{
    Code,
    v1::{self, ErrorReason, MessagesFate, SystemKind, event::Kind},
};

use crate::{
    group::join,
    harness::{PASSWORD, Person, Process, Served, Store},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found, refused},
    session::{alive, device, ends_at_once, script},
};

fn deletion(password: &str, messages: MessagesFate) -> v1::DeleteAccountRequest {
    v1::DeleteAccountRequest { password: password.into(), messages: messages.into() }
}

async fn delete(person: &Person, fate: MessagesFate) {
    person.api.delete_account(deletion(PASSWORD, fate)).await.unwrap();
}

async fn upload(person: &Person, name: &str) -> String {
    let request = v1::UploadMediaRequest { name: name.into(), content: format!("{name} of hers").into() };
    person.api.upload_media(request).await.unwrap().media.unwrap().id
}

async fn show(person: &Person, conversation_id: i64, media_id: &str) -> v1::Message {
    let media_ids = vec![media_id.to_owned()];
    let request = v1::SendMessageRequest { conversation_id, media_ids, ..Default::default() };
    person.api.send_message(request).await.unwrap().message.unwrap()
}

async fn has(person: &Person, media_id: &str) -> bool {
    person.api.get_media(v1::GetMediaRequest { id: media_id.into() }).await.is_ok()
}

/// Waits until something is so that comes in the background.
async fn soon(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come");
}

async fn nothing_is_left_to_do(store: &Store) -> bool {
    store.texts("select cast(count(*) as text) from deletions").await == ["0"]
}

/// The names of members, in order.
async fn members(person: &Person, conversation_id: i64) -> (Vec<i64>, i32) {
    let request = v1::ListMembersRequest { conversation_id, ..Default::default() };
    let answer = person.api.list_members(request).await.unwrap();
    (answer.members.into_iter().map(|member| member.user.unwrap().id).collect(), answer.total)
}

on_both! {
    async fn nothing_of_her_is_left_but_that_she_was_there(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let phone = device(&server, &ada, "phone").await;
        let reader = script(&ada, &[v1::TokenScope::Read]).await;
        let profile = v1::UpdateProfileRequest {
            display_name: "Ada Lovelace".into(),
            about: "numbers".into(),
            color: "#112233".into(),
            ..Default::default()
        };
        ada.api.update_profile(profile).await.unwrap();
        let waiting = upload(&ada, "never sent").await;
        let shown = upload(&ada, "shown").await;
        show(&ada, 1, &shown).await;
        let said = ada.say(1, "it stays").await;
        let (on_phone, of_script) = (Listener::open(&phone).await, Listener::open(&reader).await);
        let mut bobs = Listener::open(&bob).await;

        bad_field(ada.api.delete_account(deletion(PASSWORD, MessagesFate::Unspecified)).await, "messages");
        let wrong = ada.api.delete_account(deletion("not the password", MessagesFate::Keep)).await;
        refused(wrong, Code::Unauthenticated, ErrorReason::WrongCredentials);
        assert!(alive(&phone).await);
        delete(&ada, MessagesFate::Keep).await;
        for person in [&ada, &phone, &reader] {
            assert!(!alive(person).await);
        }
        ends_at_once(on_phone).await;
        ends_at_once(of_script).await;
        let changed = bobs
            .until(|kind| if let Kind::UserChanged(changed) = kind { changed.user } else { None })
            .await;
        let named = (changed.name.as_str(), changed.display_name.as_str(), changed.deleted);
        assert_eq!((changed.id, named), (ada.id, ("Deleted user", "Deleted user", true)));
        let blank = v1::User {
            id: ada.id,
            name: "Deleted user".into(),
            display_name: "Deleted user".into(),
            created_at: changed.created_at,
            deleted: true,
            revision: changed.revision,
            ..Default::default()
        };
        assert_eq!(changed, blank);
        assert_eq!(bob.api.get_user(v1::GetUserRequest { user_id: ada.id }).await.unwrap().user.unwrap(), blank);
        let listed = bob.api.list_users(v1::ListUsersRequest::default()).await.unwrap().users;
        assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), [bob.id]);
        for filter in ["ada", "love", "deleted"] {
            let request = v1::ListUsersRequest { filter: filter.into(), ..Default::default() };
            assert!(bob.api.list_users(request).await.unwrap().users.is_empty());
        }
        // Nor does a search tell who she was.
        for query in ["from:ada", "mentions:ada"] {
            let request = v1::SearchMessagesRequest { query: query.into(), ..Default::default() };
            assert_eq!(bob.api.search_messages(request).await.unwrap().total, 0, "{query}");
        }
        // What she said stays, as that of somebody who is gone; her files that it shows, too.
        let kept = bob.messages(1).await;
        assert_eq!((kept.len(), &kept[1]), (2, &said));
        assert!(has(&bob, &shown).await);
        soon(async || nothing_is_left_to_do(&server.store).await).await;
        let owned = server.store.texts("select id from media order by id").await;
        assert_eq!(owned, [shown], "{waiting} is gone");
        // The name is nobody's, for ever.
        let again = v1::RegisterRequest { name: "Ada".into(), password: PASSWORD.into(), ..Default::default() };
        refused(server.anonymous().register(again).await, Code::AlreadyExists, ErrorReason::NameTaken);
        let sign_in = v1::SignInRequest { name: "ada".into(), password: PASSWORD.into(), ..Default::default() };
        refused(server.anonymous().sign_in(sign_in).await, Code::Unauthenticated, ErrorReason::WrongCredentials);
        let row = format!("select password_hash || about || color || avatar from users where id = {}", ada.id);
        assert_eq!(server.store.texts(&row).await, [""]);
        assert!(server.user("cleo").await.id > bob.id);
    }

    async fn her_last_hour_is_not_told_after_it(backend) {
        let server = Served::with(backend, |config| config.timings.grace = 1).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let hers = Listener::open(&ada).await;
        delete(&ada, MessagesFate::Keep).await;
        ends_at_once(hers).await;
        // Now it is noted when somebody went who had been there.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let answer = bob.api.get_user(v1::GetUserRequest { user_id: ada.id }).await.unwrap();
        let presence = v1::Presence { user_id: ada.id, state: v1::PresenceState::Offline.into(), last_seen_at: None };
        assert_eq!(answer.presence.unwrap(), presence);
        let late = v1::SetStatusRequest { kind: v1::StatusKind::Online.into(), ..Default::default() };
        refused(ada.api.set_status(late).await, Code::Unauthenticated, ErrorReason::Unauthenticated);
    }

    async fn she_leaves_her_conversations_by_the_rules(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let owned = ada.group("hers", &[&cleo], true).await;
        ada.api
            .add_members(v1::AddMembersRequest { conversation_id: owned, user_ids: vec![bob.id] })
            .await
            .unwrap();
        let other = bob.group("his", &[&ada], false).await;
        let alone = ada.group("alone", &[], true).await;
        let chat = bob.direct(&ada).await;
        let said = bob.say(chat, "Are you there?").await;
        let said_id = said.id;
        let never = cleo.direct(&ada).await;
        ada.api.block_user(v1::BlockUserRequest { user_id: cleo.id }).await.ok();
        let code = crate::invite::invite(&ada, other, 0, None).await.unwrap().code;
        let mut bobs = Listener::open(&bob).await;
        delete(&ada, MessagesFate::Keep).await;

        let mut lines = Vec::new();
        while lines.len() < 2 {
            let message = bobs.message().await;
            assert_eq!(message.author_id, ada.id);
            let line = message.system.unwrap();
            assert_eq!(line.kind(), SystemKind::Left);
            lines.push((message.conversation_id, line.new_owner_id));
        }
        lines.sort_unstable();
        assert_eq!(lines, [(owned, cleo.id), (other, 0)], "who has been there longest inherits");
        assert_eq!(members(&bob, owned).await, (vec![cleo.id, bob.id], 2));
        assert_eq!(members(&bob, other).await, (vec![bob.id], 1));
        assert_eq!(members(&bob, 1).await, (vec![bob.id, cleo.id], 2));
        assert!(bob.messages(1).await.is_empty(), "the global room tells nothing of it");
        not_found(bob.api.join_group(v1::JoinGroupRequest { by: Some(v1::join_group_request::By::ConversationId(alone)) }).await);
        let public = bob.api.list_public_groups(v1::ListPublicGroupsRequest::default()).await.unwrap().groups;
        assert_eq!(public.iter().map(|group| group.conversation_id).collect::<Vec<_>>(), [owned]);

        // A direct chat can be read, and no more than that.
        assert_eq!(bob.messages(chat).await, [said]);
        let opened = bob.api.open_direct(v1::OpenDirectRequest { user_id: ada.id }).await.unwrap().conversation.unwrap();
        assert_eq!((opened.id, opened.direct_user_ids), (chat, vec![ada.id, bob.id]));
        for (person, id) in [(&bob, chat), (&cleo, never)] {
            for reply_to in [0, 1] {
                let request = v1::SendMessageRequest { conversation_id: id, text: "hello?".into(), reply_to, ..Default::default() };
                refused(person.api.send_message(request).await, Code::FailedPrecondition, ErrorReason::WrongState);
            }
        }
        let edit = v1::EditMessageRequest { conversation_id: chat, id: said_id, text: "Oh.".into() };
        refused(bob.api.edit_message(edit).await, Code::FailedPrecondition, ErrorReason::WrongState);
        let react = v1::AddReactionRequest { conversation_id: chat, id: said_id, emote: "👍".into() };
        refused(bob.api.add_reaction(react).await, Code::FailedPrecondition, ErrorReason::WrongState);
        let typing = v1::SendTypingRequest { conversation_id: chat, stopped: false };
        refused(bob.api.send_typing(typing).await, Code::FailedPrecondition, ErrorReason::WrongState);
        let dan = server.user("dan").await;
        not_found(join(&dan, v1::join_group_request::By::Code(code)).await);
        let none = dan.api.open_direct(v1::OpenDirectRequest { user_id: ada.id }).await;
        refused(none, Code::FailedPrecondition, ErrorReason::WrongState);
        not_found(bob.api.add_members(v1::AddMembersRequest { conversation_id: other, user_ids: vec![ada.id] }).await);
        let with_her = v1::CreateGroupRequest { member_ids: vec![ada.id, cleo.id], ..Default::default() };
        not_found(bob.api.create_group(with_her).await);
        let left = format!("select cast(count(*) as text) from memberships where user_id = {}", ada.id);
        assert_eq!(server.store.texts(&left).await, ["0"]);
    }

    async fn what_she_wrote_is_erased_where_she_wishes_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("nest", &[&bob], true).await;
        let left = ada.group("left", &[&bob], true).await;
        let file = upload(&ada, "file").await;
        let both = upload(&ada, "twice").await;
        let with_file = show(&ada, group, &file).await;
        show(&ada, group, &both).await;
        show(&ada, left, &both).await;
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: left, silent: false }).await.unwrap();
        let answered = bob.say(group, "his own").await;
        let emote = v1::AddReactionRequest { conversation_id: group, id: with_file.id, emote: "👍".into() };
        bob.api.add_reaction(emote).await.unwrap();
        for number in 0..450 {
            let conversation_id = if number % 3 == 0 { 1 } else { group };
            ada.say(conversation_id, &format!("number {number}")).await;
        }
        let mut bobs = Listener::open(&bob).await;
        delete(&ada, MessagesFate::Erase).await;
        let mut gone = std::collections::BTreeMap::<i64, Vec<i64>>::new();
        let mut changed = std::collections::HashMap::<i64, i64>::new();
        while gone.values().map(Vec::len).sum::<usize>() < 453 {
            let message = bobs.message().await;
            let last = changed.insert(message.conversation_id, message.changed).unwrap_or(0);
            assert!(message.changed > last, "each is a change of its own, in order");
            if message.system.is_some() {
                continue;
            }
            let bare = v1::Message {
                conversation_id: message.conversation_id,
                id: message.id,
                author_id: ada.id,
                changed: message.changed,
                created_at: message.created_at,
                request_id: message.request_id.clone(),
                deleted: true,
                ..Default::default()
            };
            assert_eq!(message, bare);
            gone.entry(message.conversation_id).or_default().push(message.id);
        }
        assert!(gone.values().all(|ids| ids.is_sorted()));
        assert_eq!(gone.values().map(Vec::len).collect::<Vec<_>>(), [150, 302, 1]);
        soon(async || nothing_is_left_to_do(&server.store).await).await;
        for table in ["media", "attachments", "reactions"] {
            assert_eq!(server.store.texts(&format!("select cast(count(*) as text) from {table}")).await, ["0"]);
        }
        soon(async || std::fs::read_dir(server.store.dir.join("media")).unwrap().all(|part| {
            part.unwrap().path().read_dir().unwrap().next().is_none()
        }))
        .await;
        let stays: Vec<_> = bob.messages(group).await.into_iter().filter(|message| !message.deleted && message.system.is_none()).collect();
        assert!(stays.is_empty() || stays == [answered.clone()]);
        let his = v1::GetMessageRequest { conversation_id: group, id: answered.id };
        assert_eq!(bob.api.get_message(his).await.unwrap().message.unwrap(), answered);
        let mine = bob.api.get_conversation(v1::GetConversationRequest { conversation_id: group }).await.unwrap();
        assert_eq!(mine.conversation.unwrap().mine.unwrap().unread, 0, "what is gone is not unread");
    }

    async fn erasing_goes_on_after_the_server_was_killed(backend) {
        let store = Store::new(backend).await;
        let mut process = Process::start(&store);
        let ada = Person::register(&process.url(), "ada").await;
        let bob = Person::register(&process.url(), "bob").await;
        let group = ada.group("nest", &[&bob], true).await;
        let sends: Vec<_> = (0..900)
            .map(|number| {
                let (ada, id) = (ada.clone(), if number % 2 == 0 { 1 } else { group });
                tokio::spawn(async move { ada.say(id, &format!("number {number}")).await })
            })
            .collect();
        for send in sends {
            send.await.unwrap();
        }
        delete(&ada, MessagesFate::Erase).await;
        let count = "select cast(count(*) as text) from messages where system = 0 and not deleted";
        let left = async || -> i64 { store.texts(count).await[0].parse().unwrap() };
        let mut kills = 0;
        let mut before = 901;
        while kills < 3 {
            soon(async || left().await < before).await;
            process.kill();
            before = left().await;
            assert_eq!(before % 50, 0, "a transaction is done or not");
            kills += 1;
            process.restart();
        }
        soon(async || left().await == 0).await;
        soon(async || nothing_is_left_to_do(&store).await).await;
        let (position, highest) = (
            store.texts("select cast(position as text) from conversations order by id").await,
            store.texts("select cast(max(changed) as text) from messages group by conversation_id order by conversation_id").await,
        );
        assert_eq!(position, highest);
        let twice = "select cast(count(*) as text) from messages group by conversation_id, changed having count(*) > 1";
        assert!(store.texts(twice).await.is_empty());
        // Whoever kept a cursor hears of each.
        let bob = Person { api: rookery_client::Api::new(&process.url(), Some(&bob.token)).unwrap(), ..bob };
        let request = v1::ListChangesRequest { conversation_id: group, after: 451, page_size: 200 };
        assert!(bob.api.list_changes(request).await.unwrap().messages.iter().all(|message| message.deleted || message.system.is_some()));
    }

    async fn the_last_admin_stays(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        server.store.change("update users set admin = true where name = 'ada'").await;
        let answer = ada.api.delete_account(deletion(PASSWORD, MessagesFate::Keep)).await;
        refused(answer, Code::FailedPrecondition, ErrorReason::WrongState);
        assert!(alive(&ada).await);
        server.store.change("update users set admin = true where name = 'bob'").await;
        delete(&ada, MessagesFate::Keep).await;
        assert!(alive(&bob).await && !alive(&ada).await);
    }
}
