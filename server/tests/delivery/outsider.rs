//! D03: whatever happens in a private group, nothing of it is on the wire of somebody outside, whatever she listens to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use rookery_client::{Api, v1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    harness::{Person, Served, in_full},
    on_both,
    traffic::within,
};

/// In every text, name and file of the group. Nothing on the way is compressed, so bytes are found as they are.
const MARK: &str = "zyxqmarker";

/// A wire on which all that comes from the server is kept.
struct Wire {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = heard.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
                    let down = async {
                        let mut buffer = vec![0; 16 * 1024];
                        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
                            kept.lock().unwrap().extend_from_slice(&buffer[..count]);
                            if to_client.write_all(&buffer[..count]).await.is_err() {
                                break;
                            }
                        }
                    };
                    tokio::select! {
                        _ = up => {}
                        () = down => {}
                    }
                });
            }
        });
        Self { address, heard }
    }

    fn has(&self, words: &str) -> bool {
        self.heard.lock().unwrap().windows(words.len()).any(|bytes| bytes == words.as_bytes())
    }

    /// Somebody's calls over this wire.
    fn api(&self, person: &Person) -> Api {
        Api::new(&format!("http://{}", self.address), Some(&person.token)).unwrap()
    }
}

/// Listens to all that there is, in every way of asking, until the test is over.
async fn listen(api: &Api, group: i64) {
    let only = |kind: v1::EventKind| v1::SubscribeRequest { only: vec![kind.into()], ..Default::default() };
    let requests = [
        v1::SubscribeRequest::default(),
        v1::SubscribeRequest { cursors: [(group, 0), (1, 0)].into(), ..Default::default() },
        v1::SubscribeRequest { conversation_ids: vec![group], ..Default::default() },
        only(v1::EventKind::Messages),
        only(v1::EventKind::Typing),
        only(v1::EventKind::Presence),
    ];
    for request in requests {
        let mut stream = api.subscribe(request).await.unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = stream.next().await {} });
    }
}

/// Ten changes of the group, of every kind that there is.
async fn change(owner: &Person, friend: &Person, group: i64, round: usize) {
    let mark = |word: &str| format!("{MARK} {word} {round}");
    let (api, conversation_id) = (&owner.api, group);
    let upload = v1::UploadMediaRequest { name: format!("{}.txt", mark("file")), content: mark("bytes").into_bytes() };
    let media_id = api.upload_media(upload).await.unwrap().media.unwrap().id;
    let send = v1::SendMessageRequest {
        conversation_id,
        text: format!("{} @friend", mark("text")),
        media_ids: vec![media_id],
        ..Default::default()
    };
    let id = api.send_message(send).await.unwrap().message.unwrap().id;
    friend.api.send_typing(v1::SendTypingRequest { conversation_id, stopped: false }).await.map(drop).unwrap();
    let text = mark("edited");
    api.edit_message(v1::EditMessageRequest { conversation_id, id, text }).await.map(drop).unwrap();
    let emote = "👍".to_owned();
    let react = v1::AddReactionRequest { conversation_id, id, emote: emote.clone() };
    friend.api.add_reaction(react).await.map(drop).unwrap();
    friend.api.remove_reaction(v1::RemoveReactionRequest { conversation_id, id, emote }).await.map(drop).unwrap();
    api.pin_message(v1::PinMessageRequest { conversation_id, id }).await.map(drop).unwrap();
    friend.api.mark_read(v1::MarkReadRequest { conversation_id, id }).await.map(drop).unwrap();
    let update_mask = Some(prost_types::FieldMask { paths: vec!["name".into()] });
    let rename = v1::UpdateGroupRequest { conversation_id, name: mark("name"), update_mask, ..Default::default() };
    api.update_group(rename).await.map(drop).unwrap();
    let remove = v1::RemoveMemberRequest { conversation_id, user_id: friend.id };
    api.remove_member(remove).await.map(drop).unwrap();
    let add = v1::AddMembersRequest { conversation_id, user_ids: vec![friend.id] };
    api.add_members(add).await.map(drop).unwrap();
    if round.is_multiple_of(2) {
        api.delete_message(v1::DeleteMessageRequest { conversation_id, id }).await.map(drop).unwrap();
    }
}

on_both! {
    async fn nothing_of_a_private_group_is_on_the_wire_of_somebody_outside(backend) {
        let rounds = if in_full() { 100 } else { 20 };
        let server = Served::start(backend).await;
        let (owner, friend) = (server.user("owner").await, server.user("friend").await);
        let (outsider, removed) = (server.user("outsider").await, server.user("removed").await);
        let group = owner.group("a name from before", &[&friend, &removed], false).await;
        let remove = v1::RemoveMemberRequest { conversation_id: group, user_id: removed.id };
        owner.api.remove_member(remove).await.map(drop).unwrap();
        let mut wires = Vec::new();
        for person in [&outsider, &removed, &friend] {
            let wire = Wire::to(server.address).await;
            let api = wire.api(person);
            listen(&api, group).await;
            wires.push((wire, api));
        }
        for round in 0..rounds {
            change(&owner, &friend, group, round).await;
            let (_, api) = &wires[round % 2];
            // What she asks for meanwhile tells her nothing, either.
            let search = v1::SearchMessagesRequest { query: MARK.into(), ..Default::default() };
            assert!(api.search_messages(search).await.unwrap().messages.is_empty());
            let list = api.list_conversations(v1::ListConversationsRequest::default()).await.unwrap();
            assert!(list.conversations.iter().all(|conversation| conversation.id != group));
            let public = v1::ListPublicGroupsRequest::default();
            assert!(api.list_public_groups(public).await.unwrap().groups.is_empty());
            let changes = v1::ListChangesRequest { conversation_id: group, ..Default::default() };
            assert!(api.list_changes(changes).await.is_err());
        }
        // What is said to all comes last, on every stream of hers.
        owner.say(1, "the very end").await;
        for (wire, _) in &wires {
            within(Duration::from_secs(3), "the end is heard", async || wire.has("the very end")).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let [outside, out, inside] = &wires[..] else { unreachable!("there are three") };
        assert!(inside.0.has(MARK), "a member hears nothing, either: this shows nothing");
        for (wire, _) in [outside, out] {
            let heard = wire.heard.lock().unwrap().len();
            assert!(!wire.has(MARK), "of {heard} bytes some are of the group");
        }
        drop(wires);
        server.stop().await;
    }
}
