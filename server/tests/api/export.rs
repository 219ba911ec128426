//! The export of what is one's own, compared with what the API says.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    time::Duration,
};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use rookery_client::{
    Code,
    v1::{self, ErrorReason},
};
use serde_json::Value;

use crate::{
    harness::{Person, Served},
    on_both,
    refusal::refused,
};

/// The whole archive, and how far each piece said it was.
async fn export(person: &Person) -> (Vec<u8>, Vec<(i64, i64)>) {
    let mut stream = person.api.export_account(v1::ExportAccountRequest {}).await.unwrap();
    let (mut bytes, mut steps, mut last) = (Vec::new(), Vec::new(), 0);
    while let Some(piece) = stream.next().await.unwrap() {
        assert!(!piece.chunk.is_empty() && piece.chunk.len() <= 192 * 1024);
        assert_eq!(last % 3, 0, "pieces in base64 can be joined");
        last = piece.chunk.len();
        bytes.extend(piece.chunk);
        steps.push((piece.done, piece.total));
    }
    (bytes, steps)
}

fn unpack(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        // Its checksum is looked at while it is read.
        file.read_to_end(&mut content).unwrap();
        assert!(files.insert(file.name().unwrap().into_owned(), content).is_none());
    }
    files
}

/// What grpcurl would print.
fn json(name: &str, message: &impl Message) -> Value {
    let pool = DescriptorPool::decode(rookery_api::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name(&format!("rookery.v1.{name}")).unwrap();
    serde_json::to_value(DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap()).unwrap()
}

fn all<'all, M: Message + 'all>(name: &str, messages: impl IntoIterator<Item = &'all M>) -> Value {
    messages.into_iter().map(|message| json(name, message)).collect()
}

async fn upload(person: &Person, name: &str, content: &[u8]) -> String {
    let request = v1::UploadMediaRequest { name: name.into(), content: content.to_vec() };
    person.api.upload_media(request).await.unwrap().media.unwrap().id
}

/// All that somebody may read of a conversation.
async fn whole(person: &Person, conversation_id: i64) -> Vec<v1::Message> {
    let mut messages: Vec<v1::Message> = Vec::new();
    loop {
        let at = Some(v1::list_messages_request::At::After(messages.last().map_or(0, |last| last.id)));
        let request = v1::ListMessagesRequest { conversation_id, page_size: 100, at };
        let page = person.api.list_messages(request).await.unwrap();
        messages.extend(page.messages);
        if !page.more_after {
            return messages;
        }
    }
}

on_both! {
    async fn it_is_what_the_api_says(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let secret = bob.group("secret", &[], false).await;
        bob.say(secret, "before she came").await;
        bob.api.add_members(v1::AddMembersRequest { conversation_id: secret, user_ids: vec![ada.id] }).await.unwrap();
        bob.say(secret, "after she came").await;
        let chat = ada.direct(&bob).await;
        let picture = upload(&ada, "notes of today.txt", b"some notes").await;
        let waiting = upload(&ada, "never sent.bin", &vec![7; 900_000]).await;
        let bobs = upload(&bob, "his.txt", b"his notes").await;
        for (person, id) in [(&ada, &picture), (&bob, &bobs)] {
            let request = v1::SendMessageRequest { conversation_id: chat, media_ids: vec![id.clone()], ..Default::default() };
            person.api.send_message(request).await.unwrap();
        }
        let first = v1::AddReactionRequest { conversation_id: chat, id: 1, emote: "👍".into() };
        ada.api.add_reaction(first.clone()).await.unwrap();
        bob.api.add_reaction(first).await.unwrap();
        for number in 0..230 {
            (if number % 2 == 0 { &ada } else { &bob }).say(chat, &format!("“{number}” \\ \u{1f426}\n")).await;
        }
        let edit = v1::EditMessageRequest { conversation_id: chat, id: 5, text: "edited".into() };
        let author = if whole(&bob, chat).await[3].author_id == ada.id { &ada } else { &bob };
        author.api.edit_message(v1::EditMessageRequest { id: whole(&bob, chat).await[3].id, ..edit }).await.unwrap();
        let mine = ada.say(1, "hers in the global room").await;
        bob.say(1, "his in the global room").await;
        let gone = ada.say(1, "taken back").await;
        ada.api.delete_message(v1::DeleteMessageRequest { conversation_id: 1, id: gone.id }).await.unwrap();
        let left = cleo.group("left", &[&ada], true).await;
        let said = ada.say(left, "said before she left").await;
        cleo.say(left, "not hers").await;
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: left, silent: false }).await.unwrap();
        ada.api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id: "builtin/heart".into() }).await.unwrap();
        ada.api.block_user(v1::BlockUserRequest { user_id: cleo.id }).await.unwrap();
        // A chat in which nothing was said is no list's, and hers all the same.
        let empty = cleo.direct(&ada).await;

        let (bytes, steps) = export(&ada).await;
        assert!(steps.is_sorted() && steps.len() > 3, "{steps:?}");
        let (done, total) = *steps.last().unwrap();
        assert_eq!(done, total);
        assert!(steps.iter().all(|(_, all)| *all == total), "{steps:?}");
        let files = unpack(bytes);
        let read = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap_or_else(|why| panic!("{name}: {why}")) };
        let user = ada.api.get_user(v1::GetUserRequest::default()).await.unwrap().user.unwrap();
        assert_eq!(read("profile.json"), json("User", &user));
        let mut conversations = Vec::new();
        for conversation_id in [1, secret, chat, empty] {
            let request = v1::GetConversationRequest { conversation_id };
            conversations.push(ada.api.get_conversation(request).await.unwrap().conversation.unwrap());
        }
        conversations.sort_by_key(|conversation| conversation.id);
        assert_eq!(read("conversations.json"), all("Conversation", &conversations));
        let mut expected = vec!["README.txt", "profile.json", "settings.json", "conversations.json", "people.json"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let mut messages = 0;
        for (id, list) in [
            (secret, whole(&ada, secret).await),
            (chat, whole(&ada, chat).await),
            (empty, Vec::new()),
            (1, vec![mine]),
            (left, vec![said]),
        ] {
            let name = format!("messages/{id}.json");
            assert_eq!(read(&name), all("Message", &list), "{name}");
            messages += i64::try_from(list.len()).unwrap();
            expected.push(name);
        }
        assert!(!String::from_utf8_lossy(&files[&format!("messages/{secret}.json")]).contains("before she came"));
        assert_eq!(done, messages + 2, "two files of hers");
        for (id, name, content) in [
            (&picture, "notes of today.txt", b"some notes".to_vec()),
            (&waiting, "never sent.bin", vec![7; 900_000]),
        ] {
            let name = format!("files/{id}/{name}");
            assert!(files[&name] == content, "{name}");
            expected.push(name);
        }
        expected.sort();
        assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected);
        let users = v1::GetUsersRequest { user_ids: vec![ada.id, bob.id, cleo.id] };
        assert_eq!(read("people.json"), all("User", &ada.api.get_users(users).await.unwrap().users));
        let settings = read("settings.json");
        assert_eq!(settings["favoriteGifs"][0]["id"], "builtin/heart");
        assert_eq!(settings["blocked"][0]["user"]["name"], "cleo");
        assert_eq!(settings["status"]["kind"], "STATUS_KIND_ONLINE");
        assert_eq!(settings["sessions"].as_array().unwrap().len(), 1);
        let token = ada.token.trim_start_matches("rk_").as_bytes();
        assert!(files.values().all(|content| !content.windows(token.len()).any(|window| window == token)));
    }

    async fn there_is_one_at_a_time_and_it_ends_with_whoever_asked(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        for number in 0..4 {
            upload(&ada, &format!("{number}.bin"), &vec![number; 3 << 20]).await;
        }
        let request = v1::ExportAccountRequest {};
        let mut stream = ada.api.export_account(request).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert!(first.done < first.total, "it is made as fast as it is read");
        let error = refused(ada.api.export_account(request).await, Code::ResourceExhausted, ErrorReason::RateLimited);
        assert!(error.retry_after.is_some_and(|after| !after.is_zero()));
        export(&bob).await;
        drop(stream);
        let mut tries = 0;
        let mut stream = loop {
            match ada.api.export_account(request).await {
                Ok(stream) => break stream,
                Err(error) if tries < 100 => assert_eq!(error.reason, Some(ErrorReason::RateLimited)),
                Err(error) => panic!("it goes on without a reader: {error:?}"),
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        stream.next().await.unwrap().unwrap();
        ada.api.sign_out(v1::SignOutRequest {}).await.unwrap();
        let end = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an ended session had all of it"),
                Err(error) => break error,
            }
        };
        assert_eq!((end.code, end.reason), (Code::Unauthenticated, Some(ErrorReason::Unauthenticated)));
    }
}
