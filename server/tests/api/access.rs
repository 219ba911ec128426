//! Who may call at all, and that what one may not know of looks like what does not exist.

use prost_reflect::{DynamicMessage, MessageDescriptor, Value};
use rookery_client::v1;
use tonic::Code;

use crate::{
    harness::Served,
    on_both,
    raw::{Raw, methods, name_of, reason, seen},
};

/// What needs no token.
const OPEN: [&str; 3] = ["ServerService/GetServerInfo", "AccountService/Register", "AccountService/SignIn"];

/// A well-formed request that says something, about one conversation where it has such a field.
pub fn filled(descriptor: MessageDescriptor, conversation_id: i64) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut set = |name: &str, value: Value| {
        if descriptor.get_field_by_name(name).is_some_and(|field| field.is_list() == matches!(value, Value::List(_))) {
            let _ = message.try_set_field_by_name(name, value);
        }
    };
    set("id", Value::I64(2));
    set("text", Value::String("words".into()));
    set("query", Value::String("words".into()));
    set("emote", Value::String("👍".into()));
    set("name", Value::String("Name".into()));
    set("user_id", Value::I64(1));
    set("user_ids", Value::List(vec![Value::I64(1)]));
    if let Some(mask) = filled_mask(&descriptor) {
        set("update_mask", mask);
    }
    set("conversation_id", Value::I64(conversation_id));
    message
}

/// Names the first field that may be changed.
fn filled_mask(descriptor: &MessageDescriptor) -> Option<Value> {
    let field = descriptor.get_field_by_name("update_mask")?;
    let mut fields = descriptor.fields().filter(|field| field.name() != "conversation_id");
    let mask = prost_types::FieldMask { paths: vec![fields.next()?.name().to_owned()] };
    let mut message = DynamicMessage::new(field.kind().as_message()?.clone());
    message.transcode_from(&mask).ok()?;
    Some(Value::Message(message))
}

on_both! {
    async fn nothing_but_coming_in_works_without_a_token(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let raw = Raw::new(server.address);
        let ended =
            v1::SignInRequest { name: "ada".into(), password: crate::harness::PASSWORD.into(), ..Default::default() };
        let ended = ada.api.sign_in(ended).await.unwrap().token;
        ada.api.with_token(Some(&ended)).unwrap().sign_out(v1::SignOutRequest {}).await.unwrap();
        let other_case = ada.token.to_uppercase();
        let longer = format!("{}0", ada.token);
        let invented = format!("rk_{}", "0".repeat(64));
        let tokens = [
            None,
            Some(""),
            Some("x"),
            Some(other_case.as_str()),
            Some(&longer),
            Some(&invented),
            Some(&ended),
            Some(&ada.token[3..]),
        ];
        for method in methods() {
            let name = name_of(&method);
            let request = filled(method.input(), 1);
            let mut answers = Vec::new();
            for token in tokens {
                let answer = raw.call(token, &name, prost::Message::encode_to_vec(&request)).await;
                if OPEN.contains(&name.as_str()) {
                    assert!(answer.is_ok() || reason(&answer.unwrap_err()) != "UNAUTHENTICATED", "{name}");
                    continue;
                }
                let status = answer.expect_err(&name);
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::Unauthenticated, "UNAUTHENTICATED"),
                    "{name}"
                );
                answers.push(seen(&status));
            }
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{name} tells tokens apart");
        }
    }

    async fn what_one_may_not_know_of_looks_like_what_is_not_there(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo, dan) =
            (server.user("ada").await, server.user("bob").await, server.user("cleo").await, server.user("dan").await);
        let group = ada.group("secret", &[&bob, &cleo], false).await;
        ada.say(group, "words").await;
        ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id }).await.unwrap();
        cleo.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, silent: false }).await.unwrap();
        let ended = dan.group("ended", &[], true).await;
        dan.api.leave_group(v1::LeaveGroupRequest { conversation_id: ended, silent: false }).await.unwrap();
        let chat = ada.direct(&cleo).await;
        ada.say(chat, "one").await;
        ada.say(chat, "two").await;
        let raw = Raw::new(server.address);
        let mut looked = 0;
        for method in methods() {
            let name = name_of(&method);
            if method.input().get_field_by_name("conversation_id").is_none() {
                continue;
            }
            looked += 1;
            let mut answers = Vec::new();
            // A stranger, one who was removed, one who left; a group that has ended; numbers that nothing has.
            let cases = [
                (&dan, 999_999),
                (&dan, group),
                (&bob, group),
                (&cleo, group),
                (&dan, ended),
                (&dan, chat),
                (&dan, 0),
                (&dan, -1),
                (&dan, i64::MAX),
            ];
            for (person, conversation_id) in cases {
                // To search nowhere in particular is to search everywhere.
                if conversation_id == 0 && name == "MessageService/SearchMessages" {
                    continue;
                }
                let request = filled(method.input(), conversation_id);
                let answer = raw.call(Some(&person.token), &name, prost::Message::encode_to_vec(&request)).await;
                let status = answer.expect_err(&name);
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::NotFound, "NOT_FOUND"),
                    "{name} of {conversation_id}"
                );
                answers.push(seen(&status));
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{name}: {answers:?}");
        }
        assert!(looked >= 20, "only {looked} methods name a conversation");
    }

    async fn a_message_from_before_one_came_looks_like_none(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[], false).await;
        let early = ada.say(group, "early").await.id;
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![bob.id] };
        ada.api.add_members(add).await.unwrap();
        let raw = Raw::new(server.address);
        let mut looked = 0;
        for method in methods() {
            let name = name_of(&method);
            let input = method.input();
            // MarkRead takes any number: nothing is told.
            let names = |field| input.get_field_by_name(field).is_some();
            if !names("conversation_id") || !names("id") || name == "MessageService/MarkRead" {
                continue;
            }
            looked += 1;
            let mut answers = Vec::new();
            for id in [999_999, early, 1, 0, -1, i64::MAX, i64::MIN] {
                let mut request = filled(input.clone(), group);
                request.set_field_by_name("id", Value::I64(id));
                let status = raw.call(Some(&bob.token), &name, prost::Message::encode_to_vec(&request)).await;
                let status = status.expect_err(&name);
                assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"), "{name} of {id}");
                answers.push(seen(&status));
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{name}: {answers:?}");
        }
        assert!(looked >= 7, "only {looked} methods name a message");
    }

    // D02: an id of hers beside one of somebody else's, in every pair that there is; with all that travels beside the answer.
    async fn an_id_of_another_place_looks_like_one_of_no_place(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (mine, hers) = (bob.group("mine", &[], false).await, ada.group("hers", &[], false).await);
        bob.say(mine, "words").await;
        let upload = v1::UploadMediaRequest { name: "a.png".into(), content: crate::corpus::png(8, 8) };
        let file = ada.api.upload_media(upload).await.unwrap().media.unwrap().id;
        let mut last = 0;
        for _ in 0..9 {
            last = ada.say(hers, "words").await.id;
        }
        let code = async |person: &crate::harness::Person, conversation_id| {
            let request = v1::CreateInviteRequest { conversation_id, ..Default::default() };
            person.api.create_invite(request).await.unwrap().invite.unwrap().code
        };
        let hers_code = code(&ada, hers).await;
        code(&bob, mine).await;
        let session = ada.api.list_sessions(v1::ListSessionsRequest {}).await.unwrap().sessions[0].id.clone();
        // A file is known by 32 hexadecimal digits, and so is a session.
        let none = "0123456789abcdef".repeat(2);
        let send = |reply_to: i64, media: Option<&str>| v1::SendMessageRequest {
            conversation_id: mine,
            text: "words".into(),
            reply_to,
            media_ids: media.map(str::to_owned).into_iter().collect(),
            ..Default::default()
        };
        let mask = |field: &str| Some(prost_types::FieldMask { paths: vec![field.into()] });
        let group = |icon: &str| {
            let update_mask = mask("icon");
            v1::UpdateGroupRequest { conversation_id: mine, icon: icon.into(), update_mask, ..Default::default() }
        };
        let profile = |avatar: &str| {
            let update_mask = mask("avatar");
            v1::UpdateProfileRequest { avatar: avatar.into(), update_mask, ..Default::default() }
        };
        let revoke = |code: &str| v1::RevokeInviteRequest { conversation_id: mine, code: code.into() };
        let end = |session_id: &str| v1::RevokeSessionRequest { session_id: session_id.into(), ..Default::default() };
        let media = |id: &str| v1::GetMediaRequest { id: id.into() };
        let get = |id: i64| v1::GetMessageRequest { conversation_id: mine, id };
        let pin = |id: i64| v1::PinMessageRequest { conversation_id: mine, id };
        use prost::Message;
        let pairs = [
            ("MediaService/GetMedia", media(&file).encode_to_vec(), media(&none).encode_to_vec()),
            ("MessageService/GetMessage", get(last).encode_to_vec(), get(999_999).encode_to_vec()),
            ("MessageService/PinMessage", pin(last).encode_to_vec(), pin(999_999).encode_to_vec()),
            ("MessageService/SendMessage", send(last, None).encode_to_vec(), send(999_999, None).encode_to_vec()),
            ("MessageService/SendMessage", send(0, Some(&file)).encode_to_vec(), send(0, Some(&none)).encode_to_vec()),
            ("ConversationService/UpdateGroup", group(&file).encode_to_vec(), group(&none).encode_to_vec()),
            ("ConversationService/RevokeInvite", revoke(&hers_code).encode_to_vec(), revoke("abcdefghjkmn").encode_to_vec()),
            ("UserService/UpdateProfile", profile(&file).encode_to_vec(), profile(&none).encode_to_vec()),
            ("AccountService/RevokeSession", end(&session).encode_to_vec(), end(&none).encode_to_vec()),
        ];
        let raw = Raw::new(server.address);
        for (name, another, random) in pairs {
            let mut answers = Vec::new();
            for body in [another, random] {
                let status = raw.call(Some(&bob.token), name, body).await.expect_err(name);
                assert!(["NOT_FOUND", "INVALID_FIELD"].contains(&reason(&status).as_str()), "{name}: {status:?}");
                let mut beside = status.metadata().clone().into_headers();
                beside.remove("date");
                let mut beside: Vec<String> = beside.iter().map(|(key, value)| format!("{key}: {value:?}")).collect();
                beside.sort();
                answers.push((seen(&status), beside));
            }
            assert_eq!(answers[0], answers[1], "{name} tells another's from nobody's");
        }
        // Nothing of hers has changed.
        assert_eq!(ada.api.list_sessions(v1::ListSessionsRequest {}).await.unwrap().sessions.len(), 1);
        let invites = v1::ListInvitesRequest { conversation_id: hers, ..Default::default() };
        assert_eq!(ada.api.list_invites(invites).await.unwrap().invites.len(), 1);
        server.stop().await;
    }

    async fn a_cursor_for_what_one_may_not_read_is_taken_away(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("secret", &[], false).await;
        let cursors = [(group, 0), (999_999, 5), (-1, 1), (1, 0)].into();
        let request = v1::SubscribeRequest { cursors, ..Default::default() };
        let listener = crate::listener::Listener::with(&bob, request).await;
        let mut removed: Vec<i64> = listener
            .replayed
            .iter()
            .filter_map(|response| match response.event.as_ref()?.kind.as_ref()? {
                v1::event::Kind::ConversationRemoved(removed) => Some(removed.conversation_id),
                _ => None,
            })
            .collect();
        removed.sort_unstable();
        assert_eq!(removed, [-1, group, 999_999]);
    }
}
