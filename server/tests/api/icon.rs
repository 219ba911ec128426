//! The pictures of groups: who may give one, who sees it, and when its file goes.

use rookery_client::{Error, v1};
use v1::{SystemKind, event::Kind, join_group_request::By};

use crate::{
    attachment::{left, show},
    conversation::get,
    corpus,
    exchange::get as fetch,
    group::{join, lines, update},
    harness::{Person, Served},
    listener::Listener,
    media::keep,
    on_both,
    refusal::{bad_field, not_found},
};

async fn draw(person: &Person, conversation_id: i64, icon: &str) -> Result<v1::Conversation, Error> {
    let request = v1::UpdateGroupRequest {
        conversation_id,
        icon: icon.into(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["icon".into()] }),
        ..Default::default()
    };
    Ok(person.api.update_group(request).await?.conversation.unwrap())
}

/// Whether somebody may have the picture and its thumbnail; by call and over HTTP it is the same.
async fn sees(server: &Served, person: &Person, id: &str) -> bool {
    let whole = fetch(server.address, &person.token, &format!("/media/{id}")).await.status;
    let thumbnail = fetch(server.address, &person.token, &format!("/media/{id}/thumbnail")).await.status;
    let call = person.api.get_media(v1::GetMediaRequest { id: id.into() }).await;
    assert_eq!((whole, call.is_ok()), (thumbnail, whole == 200));
    assert!(whole == 200 || whole == 404);
    whole == 200
}

on_both! {
    async fn any_member_gives_a_group_a_picture_and_its_members_see_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob, cleo) = (server.user("ada").await, server.user("bob").await, server.user("cleo").await);
        let group = ada.group("g", &[&bob], false).await;
        let mut ears = Listener::open(&ada).await;
        let wide = keep(&bob, "rook.jpg", corpus::jpeg(900, 300)).await.unwrap();
        assert!(!sees(&server, &ada, &wide.id).await, "not yet");
        let drawn = draw(&bob, group, &wide.id).await.unwrap();
        assert_eq!((drawn.icon.as_str(), drawn.position), (wide.id.as_str(), 2));
        assert_eq!(ears.message().await.system.unwrap().kind(), SystemKind::IconChanged);
        let told = ears.until(|kind| if let Kind::ConversationChanged(c) = kind { c.conversation } else { None }).await;
        assert_eq!((told.icon.as_str(), told.position), (wide.id.as_str(), 2));
        assert!(sees(&server, &ada, &wide.id).await && !sees(&server, &cleo, &wide.id).await);
        let thumbnail = fetch(server.address, &ada.token, &format!("/media/{}/thumbnail", wide.id)).await;
        let thumbnail = image::load_from_memory(&thumbnail.body).unwrap();
        assert_eq!(thumbnail.width(), thumbnail.height());
        // The same again changes nothing, whoever says it of her own picture.
        assert_eq!(draw(&bob, group, &wide.id).await.unwrap().position, 2);
        // Of a public group everybody sees it, also in the list.
        update(&ada, group, "", true, &["public"]).await.unwrap();
        assert!(sees(&server, &cleo, &wide.id).await);
        let list = cleo.api.list_public_groups(v1::ListPublicGroupsRequest::default()).await.unwrap().groups;
        assert_eq!(list[0].icon, wide.id);
        update(&ada, group, "", false, &["public"]).await.unwrap();
        assert!(!sees(&server, &cleo, &wide.id).await);
        ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id }).await.unwrap();
        assert!(sees(&server, &bob, &wide.id).await, "it is her own upload");
        not_found(draw(&bob, group, "").await);
    }

    async fn an_icon_goes_when_it_is_replaced_or_the_group_ends_unless_something_shows_it(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], true).await;
        let mut pictures = Vec::new();
        for side in [8, 16, 24, 32] {
            pictures.push(keep(&ada, "a.png", corpus::png(side, side)).await.unwrap());
        }
        let known = async |n: usize| ada.api.get_media(v1::GetMediaRequest { id: pictures[n].id.clone() }).await;
        draw(&ada, group, &pictures[0].id).await.unwrap();
        draw(&ada, group, &pictures[1].id).await.unwrap();
        not_found(known(0).await);
        show(&ada, group, "", &[&pictures[1]]).await;
        assert_eq!(draw(&ada, group, "").await.unwrap().icon, "");
        known(1).await.unwrap();
        // Held by two groups, it goes with the second.
        let other = ada.group("o", &[], false).await;
        draw(&ada, group, &pictures[2].id).await.unwrap();
        draw(&ada, other, &pictures[2].id).await.unwrap();
        draw(&ada, group, &pictures[3].id).await.unwrap();
        known(2).await.unwrap();
        let leave = |conversation_id| v1::LeaveGroupRequest { conversation_id, silent: false };
        ada.api.leave_group(leave(other)).await.unwrap();
        not_found(known(2).await);
        ada.api.leave_group(leave(group)).await.unwrap();
        assert!(sees(&server, &bob, &pictures[3].id).await, "the group goes on");
        bob.api.leave_group(leave(group)).await.unwrap();
        not_found(known(3).await);
        let shown = &pictures[1].id;
        left(&server, |files| files.iter().all(|name| name.starts_with(shown))).await;
    }

    async fn an_icon_is_a_picture_of_ones_own_and_small(backend) {
        let server = Served::with(backend, |config| config.limits.avatar_bytes = 5000).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let group = ada.group("g", &[&bob], false).await;
        let file = keep(&ada, "a.txt", b"words".to_vec()).await.unwrap().id;
        let foreign = keep(&bob, "b.png", corpus::png(8, 8)).await.unwrap().id;
        let large = keep(&ada, "c.png", corpus::noise(60, 60)).await.unwrap().id;
        for id in [file.as_str(), &foreign, &large, &"0".repeat(32), "x", "a\0b"] {
            bad_field(draw(&ada, group, id).await, "icon");
        }
        assert_eq!(lines(&ada, group).await, [SystemKind::Created]);
        // A sweep leaves an icon; who comes in by a code sees it.
        let small = keep(&ada, "d.png", corpus::png(8, 8)).await.unwrap().id;
        draw(&ada, group, &small).await.unwrap();
        let code = crate::invite::invite(&bob, group, 0, None).await.unwrap().code;
        let cleo = server.user("cleo").await;
        assert!(!sees(&server, &cleo, &small).await);
        assert_eq!(join(&cleo, By::Code(code)).await.unwrap().icon, small);
        assert!(sees(&server, &cleo, &small).await);
        assert_eq!(get(&cleo, group).await.icon, small);
    }
}
