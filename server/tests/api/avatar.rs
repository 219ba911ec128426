//! Avatars and the colours of profiles.

use rookery_client::v1;
use v1::event::Kind;

use crate::{
    corpus,
    exchange::get,
    harness::{Person, Served},
    listener::Listener,
    media::keep,
    on_both,
    refusal::{bad_field, not_found},
};

fn only(path: &str) -> v1::UpdateProfileRequest {
    let update_mask = Some(prost_types::FieldMask { paths: vec![path.into()] });
    v1::UpdateProfileRequest { update_mask, ..Default::default() }
}

async fn wear(person: &Person, avatar: &str) -> Result<v1::User, rookery_client::Error> {
    let request = v1::UpdateProfileRequest { avatar: avatar.into(), ..only("avatar") };
    Ok(person.api.update_profile(request).await?.user.unwrap())
}

on_both! {
    async fn everybody_sees_an_avatar_and_hears_of_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut listener = Listener::open(&bob).await;
        let media = keep(&ada, "me.png", corpus::png(64, 64)).await.unwrap();
        let path = format!("/media/{}/thumbnail", media.id);
        assert_eq!(get(server.address, &bob.token, &path).await.status, 404, "not yet");
        let request = v1::UpdateProfileRequest { avatar: media.id.clone(), color: "#1F8FB3".into(), ..Default::default() };
        let user = ada.api.update_profile(request).await.unwrap().user.unwrap();
        assert_eq!((user.avatar.as_str(), user.color.as_str()), (media.id.as_str(), "#1f8fb3"));
        let heard = listener.until(|kind| if let Kind::UserChanged(changed) = kind { changed.user } else { None }).await;
        assert_eq!(heard, user);
        assert_eq!(get(server.address, &bob.token, &path).await.status, 200);
        // Wherever people are listed.
        ada.say(1, "hello").await;
        let people = bob.api.list_messages(v1::ListMessagesRequest { conversation_id: 1, ..Default::default() }).await;
        assert!(people.unwrap().users.contains(&user));
        let got = bob.api.get_user(v1::GetUserRequest { user_id: ada.id }).await.unwrap().user.unwrap();
        assert_eq!(got, user);
        let members = v1::ListMembersRequest { conversation_id: 1, ..Default::default() };
        let members = bob.api.list_members(members).await.unwrap().members;
        assert!(members.iter().any(|member| member.user.as_ref() == Some(&user)));
        let react = v1::AddReactionRequest { conversation_id: 1, id: 1, emote: "👍".into() };
        ada.api.add_reaction(react).await.unwrap();
        let reactions = v1::ListReactionsRequest { conversation_id: 1, id: 1, emote: "👍".into(), ..Default::default() };
        assert_eq!(bob.api.list_reactions(reactions).await.unwrap().users, [user]);
    }

    async fn an_avatar_that_is_replaced_goes_unless_a_message_shows_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let first = keep(&ada, "a.png", corpus::png(64, 64)).await.unwrap();
        let second = keep(&ada, "b.png", corpus::png(32, 32)).await.unwrap();
        wear(&ada, &first.id).await.unwrap();
        wear(&ada, &first.id).await.unwrap();
        wear(&ada, &second.id).await.unwrap();
        let known = async |id: &str| ada.api.get_media(v1::GetMediaRequest { id: id.into() }).await;
        not_found(known(&first.id).await);
        let private = ada.group("g", &[], false).await;
        crate::attachment::show(&ada, private, "", &[&second]).await;
        assert_eq!(wear(&ada, "").await.unwrap().avatar, "");
        assert_eq!(known(&second.id).await.unwrap().media.unwrap(), second);
        let path = format!("/media/{}", second.id);
        assert_eq!(get(server.address, &bob.token, &path).await.status, 404, "it is nobody's avatar any more");
        crate::attachment::left(&server, |files| files.iter().all(|name| name.starts_with(&second.id))).await;
    }

    async fn an_avatar_is_a_picture_of_ones_own_and_small(backend) {
        let server = Served::with(backend, |config| config.limits.avatar_bytes = 5000).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let file = keep(&ada, "a.txt", b"words".to_vec()).await.unwrap().id;
        let foreign = keep(&bob, "b.png", corpus::png(8, 8)).await.unwrap().id;
        let large = keep(&ada, "c.png", corpus::noise(60, 60)).await.unwrap();
        assert!(large.size > 5000);
        for id in [file.as_str(), &foreign, &large.id, &"0".repeat(32), "x", "a\0b"] {
            bad_field(wear(&ada, id).await, "avatar");
        }
        let tint = async |color: &str| {
            ada.api.update_profile(v1::UpdateProfileRequest { color: color.into(), ..only("color") }).await
        };
        for color in ["red", "#12345", "#1234567", "#12345g", "123456", "#\u{e9}123", "#12\u{0}456"] {
            bad_field(tint(color).await, "color");
        }
        assert_eq!(tint("#ABCDEF").await.unwrap().user.unwrap().color, "#abcdef");
        assert_eq!(tint("").await.unwrap().user.unwrap().color, "");
    }

    async fn the_thumbnail_of_an_avatar_is_a_square(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let media = keep(&ada, "wide.jpg", corpus::jpeg(900, 300)).await.unwrap();
        let thumbnail = async || {
            let answer = get(server.address, &ada.token, &format!("/media/{}/thumbnail", media.id)).await;
            let image = image::load_from_memory(&answer.body).unwrap();
            (answer.header("etag").to_owned(), image.width(), image.height())
        };
        let (before, width, height) = thumbnail().await;
        assert_eq!((width, height), (480, 160));
        wear(&ada, &media.id).await.unwrap();
        let (after, width, height) = thumbnail().await;
        assert_eq!((width, height, before != after), (160, 160, true));
    }
}
