//! B01 to B04: one request_id is one message, for ever.

use std::collections::HashSet;

use futures::future::join_all;
use rookery_client::{
    Code, Error,
    v1::{self, ErrorReason},
};

use crate::{
    harness::{Person, Served, in_full},
    on_both,
};

const ID: &str = "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001";

fn request(conversation_id: i64, text: &str, reply_to: i64) -> v1::SendMessageRequest {
    v1::SendMessageRequest { conversation_id, text: text.into(), request_id: ID.into(), reply_to, ..Default::default() }
}

async fn send(person: &Person, request: v1::SendMessageRequest) -> Result<v1::Message, Error> {
    person.api.send_message(request).await.map(|answer| answer.message.unwrap())
}

fn assert_reused(answer: Result<v1::Message, Error>) {
    let error = answer.unwrap_err();
    assert_eq!((error.code, error.reason), (Code::AlreadyExists, Some(ErrorReason::RequestIdReused)));
}

on_both! {
    // B01
    async fn a_request_id_sent_a_hundred_times_at_once_is_one_message(backend) {
        let server = Served::start(backend).await;
        one_message(&server.url()).await;
        server.stop().await;
    }

    async fn a_request_id_with_other_content_is_refused_and_stores_nothing(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let before = ada.say(1, "before").await;
        let sent = send(&ada, request(1, "one", 0)).await.unwrap();
        for other in [request(1, "two", 0), request(1, "one", before.id), request(1, "One", 0), request(1, "one ", 0)] {
            assert_reused(send(&ada, other).await);
        }
        assert_eq!(ada.messages(1).await, [before.clone(), sent.clone()]);
        // The same two at one moment: one of them is the message.
        let id = "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a002";
        let at_once = ["left", "right"].repeat(20);
        let answers = join_all(at_once.iter().map(|text| {
            send(&ada, v1::SendMessageRequest { request_id: id.into(), ..request(1, text, 0) })
        })).await;
        let stored = ada.messages(1).await;
        assert_eq!(stored.len(), 3);
        for (text, answer) in at_once.iter().zip(answers) {
            if *text == stored[2].text { assert_eq!(answer.unwrap(), stored[2]) } else { assert_reused(answer) }
        }
        server.stop().await;
    }

    async fn the_refusal_of_a_reused_request_id_names_the_first_message(backend) {
        use rookery_api::v1::message_service_client::MessageServiceClient;
        use tonic_types::StatusExt;
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        ada.say(1, "before").await;
        let sent = send(&ada, request(1, "one", 0)).await.unwrap();
        let mut client = MessageServiceClient::new(
            tonic::transport::Channel::from_shared(server.url()).unwrap().connect_lazy(),
        );
        let mut raw = tonic::Request::new(request(1, "two", 0));
        raw.metadata_mut().insert("authorization", format!("Bearer {}", ada.token).parse().unwrap());
        let status = client.send_message(raw).await.unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().metadata["id"], sent.id.to_string());
        drop(client);
        server.stop().await;
    }

    async fn a_request_id_counts_for_its_sender_and_conversation_alone(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[&bob], false).await;
        let mut places = HashSet::new();
        for person in [&ada, &bob] {
            for conversation in [1, group] {
                let sent = send(person, request(conversation, "hello", 0)).await.unwrap();
                assert_eq!((sent.author_id, sent.conversation_id), (person.id, conversation));
                places.insert((conversation, sent.id));
            }
        }
        assert_eq!(places.len(), 4);
        server.stop().await;
    }

    async fn a_bad_request_id_is_refused_and_an_empty_one_is_made(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let bad = [
            "x",
            "00000000-0000-0000-0000-000000000000",
            "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a0",
            "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a00100",
            "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a00g",
            "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001 ",
        ];
        for id in bad {
            let request = v1::SendMessageRequest { request_id: id.into(), ..request(1, "hello", 0) };
            let error = send(&ada, request).await.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{id:?}");
            assert_eq!(error.fields[0].0, "request_id", "{id:?}");
        }
        assert!(ada.messages(1).await.is_empty());
        let made = [ada.say(1, "hello").await, ada.say(1, "hello").await];
        assert_ne!(made[0].request_id, made[1].request_id);
        assert!(made.iter().all(|message| uuid::Uuid::try_parse(&message.request_id).is_ok()));
        server.stop().await;
    }

    async fn a_request_id_is_the_same_in_any_case(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sent = send(&ada, request(1, "hello", 0)).await.unwrap();
        let loud = v1::SendMessageRequest { request_id: ID.to_uppercase(), ..request(1, "hello", 0) };
        assert_eq!(send(&ada, loud).await.unwrap(), sent);
        server.stop().await;
    }

    async fn a_repeated_request_id_answers_the_message_as_it_now_is(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sent = send(&ada, request(1, "hello", 0)).await.unwrap();
        let edit = v1::EditMessageRequest { conversation_id: 1, id: sent.id, text: "better".into() };
        let edited = ada.api.edit_message(edit).await.unwrap().message.unwrap();
        let again = send(&ada, request(1, "hello", 0)).await.unwrap();
        assert_eq!(again, edited);
        assert_eq!((again.id, again.text.as_str()), (sent.id, "better"));
        // What it was edited to is not what was sent.
        assert_reused(send(&ada, request(1, "better", 0)).await);
        let delete = v1::DeleteMessageRequest { conversation_id: 1, id: sent.id };
        let deleted = ada.api.delete_message(delete).await.unwrap().message.unwrap();
        let again = send(&ada, request(1, "hello", 0)).await.unwrap();
        assert_eq!(again, deleted);
        assert!(again.deleted && again.text.is_empty());
        assert_reused(send(&ada, request(1, "other", 0)).await);
        assert_eq!(ada.messages(1).await, [deleted]);
        server.stop().await;
    }

    async fn a_request_id_is_answered_also_to_somebody_who_has_left(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[&bob], false).await;
        let sent = send(&bob, request(group, "hello", 0)).await.unwrap();
        let leave = v1::LeaveGroupRequest { conversation_id: group, silent: false };
        bob.api.leave_group(leave).await.map(drop).unwrap();
        assert_eq!(send(&bob, request(group, "hello", 0)).await.unwrap(), sent);
        assert_reused(send(&bob, request(group, "other", 0)).await);
        let fresh = v1::SendMessageRequest { request_id: String::new(), ..request(group, "hello", 0) };
        assert_eq!(send(&bob, fresh).await.unwrap_err().code, Code::NotFound);
        // Removed is as left.
        let kim = server.user("kim").await;
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![kim.id] };
        ada.api.add_members(add).await.map(drop).unwrap();
        let sent = send(&kim, request(group, "me too", 0)).await.unwrap();
        let remove = v1::RemoveMemberRequest { conversation_id: group, user_id: kim.id };
        ada.api.remove_member(remove).await.map(drop).unwrap();
        assert_eq!(send(&kim, request(group, "me too", 0)).await.unwrap(), sent);
        server.stop().await;
    }

    async fn a_refused_request_id_can_be_used_again(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("group", &[], false).await;
        assert_eq!(send(&bob, request(group, "hello", 0)).await.unwrap_err().code, Code::NotFound);
        assert_eq!(send(&bob, request(1, "", 0)).await.unwrap_err().code, Code::InvalidArgument);
        assert_eq!(send(&bob, request(1, "hello", 999)).await.unwrap_err().code, Code::NotFound);
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.map(drop).unwrap();
        for conversation in [1, group] {
            let sent = send(&bob, request(conversation, "hello", 0)).await.unwrap();
            assert_eq!(sent.request_id, ID);
        }
        server.stop().await;
    }

    async fn a_request_id_outlives_a_restart_of_the_server(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sent = send(&ada, request(1, "hello", 0)).await.unwrap();
        let store = server.stop().await;
        let config = store.config();
        let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
        let api = rookery_client::Api::new(&server.url(), Some(&ada.token)).unwrap();
        let again = Person { api, ..ada };
        assert_eq!(send(&again, request(1, "hello", 0)).await.unwrap(), sent);
        assert_reused(send(&again, request(1, "other", 0)).await);
        server.stop().await;
    }
}

pub async fn one_message(url: &str) {
    let ada = Person::register(url, "ada").await;
    for round in 0..if in_full() { 50 } else { 5 } {
        let request = v1::SendMessageRequest {
            request_id: format!("6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7b{round:03}"),
            ..request(1, "once", 0)
        };
        // Half of them over a connection each.
        let others =
            join_all((0..50).map(|_| async { rookery_client::Api::new(url, Some(&ada.token)).unwrap() })).await;
        let apis = others.iter().chain(std::iter::repeat_n(&ada.api, 50));
        let answers = join_all(apis.map(|api| api.send_message(request.clone()))).await;
        let messages: HashSet<_> = answers
            .into_iter()
            .map(|answer| answer.unwrap().message.unwrap())
            .map(|message| (message.id, message.text, message.changed))
            .collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(ada.messages(1).await.len(), round + 1);
    }
}
