//! Files of messages: sent with them, shown with them everywhere, and seen by those alone who may read them.

use rookery_client::{Code, Error, v1};
use v1::ErrorReason;

use crate::{
    corpus,
    exchange::{get, upload},
    harness::{Person, Served},
    listener::{Listener, message_of},
    media::keep,
    on_both,
    refusal::{bad_field, not_found, refused},
};

pub async fn picture(person: &Person, name: &str) -> v1::Media {
    keep(person, name, corpus::png(40, 20)).await.unwrap()
}

fn request(conversation_id: i64, text: &str, media: &[&v1::Media]) -> v1::SendMessageRequest {
    let media_ids = media.iter().map(|media| media.id.clone()).collect();
    v1::SendMessageRequest { conversation_id, text: text.into(), media_ids, ..Default::default() }
}

pub async fn show(person: &Person, conversation_id: i64, text: &str, media: &[&v1::Media]) -> v1::Message {
    person.api.send_message(request(conversation_id, text, media)).await.unwrap().message.unwrap()
}

async fn try_send(person: &Person, request: v1::SendMessageRequest) -> Result<v1::SendMessageResponse, Error> {
    person.api.send_message(request).await
}

/// How a GET of a file is answered, and of its thumbnail alike; what the call says fits.
async fn look(server: &Served, person: &Person, media: &v1::Media) -> u16 {
    let path = format!("/media/{}", media.id);
    let status = get(server.address, &person.token, &path).await.status;
    let thumbnail = get(server.address, &person.token, &format!("{path}/thumbnail")).await.status;
    let call = person.api.get_media(v1::GetMediaRequest { id: media.id.clone() }).await;
    assert_eq!((status == 200, thumbnail), (call.is_ok(), status));
    if status != 200 {
        assert_eq!(status, 404);
        not_found(call);
    }
    status
}

on_both! {
    async fn a_message_shows_its_files_in_order_wherever_it_is_read(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let mut listener = Listener::from(&bob, chat, 0).await;
        let (first, second) = (picture(&ada, "b.png").await, keep(&ada, "a.pdf", b"%PDF-1.7".to_vec()).await.unwrap());
        assert_eq!((first.content_type.as_str(), second.content_type.as_str()), ("image/png", "application/pdf"));
        let sent = show(&ada, chat, "", &[&first, &second]).await;
        let both = vec![first.clone(), second.clone()];
        assert_eq!((sent.text.as_str(), &sent.attachments), ("", &both));
        assert_eq!(listener.message().await.attachments, both, "live");
        assert_eq!(bob.messages(chat).await[0].attachments, both, "history");
        let one = v1::GetMessageRequest { conversation_id: chat, id: sent.id };
        assert_eq!(bob.api.get_message(one).await.unwrap().message.unwrap(), sent);
        let changes = v1::ListChangesRequest { conversation_id: chat, after: 0, ..Default::default() };
        assert_eq!(bob.api.list_changes(changes).await.unwrap().messages[0].attachments, both, "changes");
        let replayed = Listener::from(&bob, chat, 0).await.replayed;
        let replayed = replayed.into_iter().find_map(|event| message_of(event.event?.kind?)).unwrap();
        assert_eq!(replayed.attachments, both, "replayed");
        let listed = bob.api.list_conversations(v1::ListConversationsRequest::default()).await.unwrap();
        let listed = listed.conversations.into_iter().find(|c| c.id == chat).unwrap();
        assert_eq!(listed.last_message.unwrap().attachments, both, "last message");
        // With a text, as an answer, and among others that are stored with it.
        let third = picture(&ada, "c.png").await;
        let answer = v1::SendMessageRequest { reply_to: sent.id, ..request(chat, "look", &[&third]) };
        let sends = (try_send(&ada, answer), try_send(&ada, request(chat, "x", &[])), try_send(&bob, request(chat, "y", &[])));
        let (answered, ..) = futures::join!(sends.0, sends.1, sends.2);
        let answered = answered.unwrap().message.unwrap();
        assert_eq!((answered.text.as_str(), answered.attachments), ("look", vec![third]));
        // Reactions and edits leave them.
        let react = v1::AddReactionRequest { conversation_id: chat, id: sent.id, emote: "👍".into() };
        assert_eq!(bob.api.add_reaction(react).await.unwrap().message.unwrap().attachments, both);
    }

    async fn a_repeat_is_the_same_only_with_the_same_files(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let (first, second) = (picture(&ada, "a.png").await, picture(&ada, "b.png").await);
        let id = "8a7f4c1e-5d2b-4e6a-9c3f-1b2d3e4f5a6b";
        let with = |media: &[&v1::Media]| v1::SendMessageRequest { request_id: id.into(), ..request(1, "x", media) };
        let sent = try_send(&ada, with(&[&first, &second])).await.unwrap();
        assert_eq!(try_send(&ada, with(&[&first, &second])).await.unwrap(), sent);
        for media in [&[&second, &first][..], &[&first], &[]] {
            refused(try_send(&ada, with(media)).await, Code::AlreadyExists, ErrorReason::RequestIdReused);
        }
        // Also when it is gone: the repeat is its tombstone.
        let id = sent.message.unwrap().id;
        ada.api.delete_message(v1::DeleteMessageRequest { conversation_id: 1, id }).await.unwrap();
        let again = try_send(&ada, with(&[&first, &second])).await.unwrap().message.unwrap();
        assert!(again.deleted && again.attachments.is_empty());
    }

    async fn only_ones_own_files_are_sent_few_and_each_once(backend) {
        let server = Served::with(backend, |config| config.limits.attachments = 3).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (own, foreign) = (picture(&ada, "a.png").await, picture(&bob, "b.png").await);
        for id in [&foreign.id, "0".repeat(32).as_str(), "", "x", "../../etc/passwd", &own.id.to_uppercase(), "a\0b"] {
            let media_ids = vec![own.id.clone(), id.to_owned()];
            not_found(try_send(&ada, v1::SendMessageRequest { media_ids, ..request(1, "x", &[]) }).await);
        }
        bad_field(try_send(&ada, request(1, "x", &[&own, &own])).await, "media_ids");
        bad_field(try_send(&ada, request(1, "x", &[&own, &own, &own, &own])).await, "media_ids");
        bad_field(try_send(&ada, request(1, "  ", &[&own])).await, "text");
        bad_field(try_send(&ada, request(1, "", &[])).await, "text");
        not_found(try_send(&ada, request(999, "x", &[&own])).await);
        assert_eq!(ada.messages(1).await.len(), 0, "nothing of this was stored");
        // What somebody else has sent is still not the reader's to send.
        show(&bob, 1, "", &[&foreign]).await;
        not_found(try_send(&ada, request(1, "mine now", &[&foreign])).await);
        show(&ada, 1, "x", &[&own]).await;
        show(&ada, 1, "again", &[&own]).await;
    }

    async fn a_text_may_be_taken_away_only_from_a_message_with_files(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let media = picture(&ada, "a.png").await;
        let (with, without) = (show(&ada, 1, "look", &[&media]).await, ada.say(1, "words").await);
        let edit = |id, text: &str| v1::EditMessageRequest { conversation_id: 1, id, text: text.into() };
        let edited = ada.api.edit_message(edit(with.id, "")).await.unwrap().message.unwrap();
        assert_eq!((edited.text.as_str(), edited.attachments), ("", vec![media]));
        bad_field(ada.api.edit_message(edit(without.id, "")).await, "text");
        bad_field(ada.api.edit_message(edit(with.id, " ")).await, "text");
    }

    async fn a_file_is_seen_by_those_alone_who_may_read_a_message_with_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let (eve, late) = (server.user("eve").await, server.user("late").await);
        let media = picture(&ada, "a.png").await;
        // Nobody but who brought it, until it is sent.
        assert_eq!((look(&server, &ada, &media).await, look(&server, &bob, &media).await), (200, 404));
        let group = ada.group("g", &[&bob], false).await;
        let sent = show(&ada, group, "", &[&media]).await;
        let see = async || {
            (look(&server, &ada, &media).await, look(&server, &bob, &media).await,
             look(&server, &eve, &media).await, look(&server, &late, &media).await)
        };
        assert_eq!(see().await, (200, 200, 404, 404));
        // Whoever joins a private group reads on from there.
        let add = v1::AddMembersRequest { conversation_id: group, user_ids: vec![late.id] };
        ada.api.add_members(add).await.unwrap();
        assert_eq!(see().await, (200, 200, 404, 404));
        // Who has left, or was removed, sees it no more: who brought it neither.
        let remove = v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id };
        ada.api.remove_member(remove).await.unwrap();
        assert_eq!(see().await, (200, 404, 404, 404));
        ada.api.leave_group(v1::LeaveGroupRequest { conversation_id: group, ..Default::default() }).await.unwrap();
        assert_eq!(see().await, (404, 404, 404, 404));
        // Unknown, not allowed, no id at all: all alike, but for the id that was asked for.
        let path = format!("/media/{}", media.id);
        let foreign = get(server.address, &eve.token, &path).await;
        for other in ["0".repeat(32), "x".into(), "..%2f..%2frookery.db".into(), "%00".into(), "a".repeat(3000)] {
            let unknown = get(server.address, &eve.token, &format!("/media/{other}")).await;
            assert_eq!((unknown.status, &unknown.body), (404, &foreign.body), "{other}");
        }
        for token in ["rk_wrong", ""] {
            let answer = get(server.address, token, &path).await;
            assert_eq!((answer.status, answer.text("code").as_str()), (401, "UNAUTHENTICATED"));
        }
        assert!(sent.id > 0);
    }

    async fn a_deleted_message_takes_its_files_with_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat = ada.direct(&bob).await;
        let (alone, twice) = (picture(&ada, "a.png").await, picture(&ada, "b.png").await);
        let first = show(&ada, chat, "", &[&alone, &twice]).await;
        let second = show(&ada, 1, "again", &[&twice]).await;
        let delete = |conversation_id, id| v1::DeleteMessageRequest { conversation_id, id };
        let gone = ada.api.delete_message(delete(chat, first.id)).await.unwrap().message.unwrap();
        assert!(gone.deleted && gone.attachments.is_empty());
        assert!(bob.messages(chat).await[0].attachments.is_empty());
        for person in [&ada, &bob] {
            assert_eq!((look(&server, person, &alone).await, look(&server, person, &twice).await), (404, 200));
        }
        not_found(try_send(&ada, request(1, "x", &[&alone])).await);
        ada.api.delete_message(delete(1, second.id)).await.unwrap();
        assert_eq!(look(&server, &ada, &twice).await, 404);
        // The bytes go, too.
        left(&server, |files| files.is_empty()).await;
    }

    async fn somebody_elses_message_is_not_changed_by_a_race_of_sends_and_deletions(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let groups = [ada.group("a", &[], false).await, ada.group("b", &[], false).await];
        for round in 0..30 {
            let media = picture(&ada, "a.png").await;
            let first = show(&ada, groups[round % 2], "", &[&media]).await;
            let other = groups[(round + 1) % 2];
            let delete = v1::DeleteMessageRequest { conversation_id: first.conversation_id, id: first.id };
            let (sent, deleted) = futures::join!(
                try_send(&ada, request(other, "", &[&media])),
                ada.api.delete_message(delete)
            );
            deleted.unwrap();
            // Either it was in time, and then it is there, or it was told that it was not.
            let seen = look(&server, &ada, &media).await;
            assert_eq!(seen == 200, sent.is_ok(), "round {round}: {sent:?}");
        }
    }
}

/// Waits until the files that lie in the folder are as they should be: they go after a commit.
pub async fn left(server: &Served, right: impl Fn(&[String]) -> bool) {
    for _ in 0..200 {
        if right(&files(server)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?} are left", files(server));
}

/// The files that lie in the folder.
fn files(server: &Served) -> Vec<String> {
    let entries = |folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries(server.store.dir.join("media"));
    folders.flat_map(entries).map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_an_upload_over_http_can_send_it() {
    let server = Served::start(crate::harness::Backend::Sqlite).await;
    let ada = server.user("ada").await;
    let kept = upload(server.address, &ada.token, "a.png", &corpus::png(4, 4)).await;
    let media = v1::Media { id: kept.text("id"), ..Default::default() };
    let sent = show(&ada, 1, "", &[&media]).await;
    assert_eq!((sent.attachments[0].width, sent.attachments[0].name.as_str()), (4, "a.png"));
}
