//! People: profiles and lists of them.

use rookery_client::v1;
use v1::event::Kind;

use crate::{
    harness::{PASSWORD, Person, Served},
    listener::Listener,
    on_both,
    refusal::{bad_field, not_found},
};

async fn names(person: &Person, filter: &str) -> Vec<String> {
    let request = v1::ListUsersRequest { filter: filter.into(), ..Default::default() };
    let answer = person.api.list_users(request).await.unwrap();
    assert_eq!(answer.users.len(), answer.presences.len());
    for (user, presence) in answer.users.iter().zip(&answer.presences) {
        assert_eq!(user.id, presence.user_id);
    }
    answer.users.into_iter().map(|user| user.name).collect()
}

async fn shown_as(person: &Person, display_name: &str) {
    let request = v1::UpdateProfileRequest { display_name: display_name.into(), ..Default::default() };
    person.api.update_profile(request).await.unwrap();
}

on_both! {
    async fn a_user_is_found_by_id(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let answer = ada.api.get_user(v1::GetUserRequest { user_id: bob.id }).await.unwrap();
        let (user, presence) = (answer.user.unwrap(), answer.presence.unwrap());
        assert_eq!((user.id, user.name.as_str()), (bob.id, "bob"));
        assert_eq!(
            (presence.user_id, presence.state(), presence.last_seen_at),
            (bob.id, v1::PresenceState::Offline, None)
        );
        for user_id in [-1, 999_999, i64::MAX, i64::MIN] {
            not_found(ada.api.get_user(v1::GetUserRequest { user_id }).await);
        }
    }

    async fn several_users_come_by_id_and_without_those_who_do_not_exist(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let request = v1::GetUsersRequest { user_ids: vec![bob.id, 999_999, ada.id, bob.id, -3] };
        let answer = ada.api.get_users(request).await.unwrap();
        assert_eq!(answer.users.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id, bob.id]);
        assert_eq!(answer.presences.iter().map(|presence| presence.user_id).collect::<Vec<_>>(), [ada.id, bob.id]);
        for count in [0, 101] {
            bad_field(ada.api.get_users(v1::GetUsersRequest { user_ids: vec![1; count] }).await, "user_ids");
        }
    }

    async fn a_filter_finds_the_beginnings_of_words(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for name in ["Bob", "bert", "carl_x", "carlyx"] {
            server.user(name).await;
        }
        let dora = server.user("dora").await;
        let request = v1::UpdateProfileRequest { display_name: "The Bärbel 50%".into(), ..Default::default() };
        dora.api.update_profile(request).await.unwrap();
        assert_eq!(names(&ada, "").await, ["ada", "bert", "Bob", "carl_x", "carlyx", "dora"]);
        assert_eq!(names(&ada, "B").await, ["bert", "Bob", "dora"]);
        assert_eq!(names(&ada, "bÄR").await, ["dora"]);
        assert_eq!(names(&ada, "arbel").await, Vec::<String>::new());
        // What means "anything" in a pattern means itself.
        assert_eq!(names(&ada, "carl_").await, ["carl_x"]);
        assert_eq!(names(&ada, "50%").await, ["dora"]);
        for nothing in ["%", "_", "\\", "%b", "'"] {
            assert_eq!(names(&ada, nothing).await, Vec::<String>::new(), "{nothing}");
        }
        for filter in ["x".repeat(65), "a\0".into()] {
            bad_field(ada.api.list_users(v1::ListUsersRequest { filter, ..Default::default() }).await, "filter");
        }
    }

    async fn each_change_of_a_profile_has_a_higher_revision(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let rita = server.admin("rita").await;
        let revision = async || {
            let answer = bob.api.get_user(v1::GetUserRequest { user_id: ada.id }).await.unwrap();
            answer.user.unwrap().revision
        };
        let mut last = revision().await;
        // How she wants to be seen is nobody's to know, not even that she chose.
        for (kind, hide_last_seen) in [(v1::StatusKind::Invisible, true), (v1::StatusKind::Online, false)] {
            let kind = kind.into();
            let request = v1::SetStatusRequest { kind, hide_last_seen: Some(hide_last_seen), ..Default::default() };
            ada.api.set_status(request).await.unwrap();
            assert_eq!(revision().await, last);
        }
        let mut ears = Listener::open(&bob).await;
        for change in 0..4 {
            match change {
                0 => shown_as(&ada, "Ada L.").await,
                1 => {
                    let request = v1::SetStatusRequest { text: Some("reads".into()), ..Default::default() };
                    ada.api.set_status(request).await.unwrap();
                }
                2 => {
                    let request = v1::UpdateAccountRequest {
                        user_id: ada.id,
                        admin: true,
                        update_mask: Some(prost_types::FieldMask { paths: vec!["admin".into()] }),
                        ..Default::default()
                    };
                    rita.api.update_account(request).await.unwrap();
                }
                _ => {
                    let request = v1::DeleteAccountRequest {
                        password: PASSWORD.into(),
                        messages: v1::MessagesFate::Keep.into(),
                    };
                    ada.api.delete_account(request).await.unwrap();
                }
            }
            let changed = ears.until(|kind| if let Kind::UserChanged(changed) = kind { changed.user } else { None }).await;
            assert!(changed.revision > last, "{change}: {} after {last}", changed.revision);
            last = changed.revision;
            assert_eq!(revision().await, last, "{change}");
        }
    }

    async fn a_profile_changes_for_everybody_at_once(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut ears = Listener::open(&bob).await;
        shown_as(&ada, " Ada L. ").await;
        let changed = ears.until(|kind| if let Kind::UserChanged(changed) = kind { changed.user } else { None }).await;
        assert_eq!((changed.id, changed.display_name.as_str(), changed.about.as_str()), (ada.id, "Ada L.", ""));
        assert_eq!(bob.api.get_user(v1::GetUserRequest { user_id: ada.id }).await.unwrap().user.unwrap(), changed);
        shown_as(&ada, "Ada L.").await;
        assert!(ears.rest_of(|kind| matches!(kind, Kind::UserChanged(_)).then_some(())).await.is_empty());
    }

    async fn the_mask_says_what_to_change(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let update = |display_name: &str, about: &str, paths: &[&str]| {
            let request = v1::UpdateProfileRequest {
                display_name: display_name.into(),
                about: about.into(),
                update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() }),
                ..Default::default()
            };
            let ada = ada.clone();
            async move { ada.api.update_profile(request).await }
        };
        let shape = |answer: Result<v1::UpdateProfileResponse, rookery_client::Error>| {
            let user = answer.unwrap().user.unwrap();
            (user.display_name, user.about)
        };
        assert_eq!(shape(update("Ada", "engines", &["about"]).await), ("ada".into(), "engines".into()));
        assert_eq!(shape(update("Ada", "", &["display_name"]).await), ("Ada".into(), "engines".into()));
        // Without a mask, what is empty stays.
        assert_eq!(shape(update("", "", &[]).await), ("Ada".into(), "engines".into()));
        assert_eq!(shape(update("", "notes", &[]).await), ("Ada".into(), "notes".into()));
        assert_eq!(shape(update("", "", &["about"]).await), ("Ada".into(), String::new()));
        assert_eq!(shape(update("", &"é".repeat(500), &["about"]).await).1.chars().count(), 500);
        bad_field(update("", "", &["display_name"]).await, "display_name");
        bad_field(update("x\ny", "", &["display_name"]).await, "display_name");
        bad_field(update(&"x".repeat(33), "", &[]).await, "display_name");
        bad_field(update("", &"x".repeat(501), &[]).await, "about");
        bad_field(update("", "a\0b", &[]).await, "about");
        for path in ["name", "id", "", "display_name.x", "*"] {
            bad_field(update("x", "y", &[path]).await, "update_mask");
        }
        // One bad path among good ones: nothing changes.
        bad_field(update("Other", "", &["display_name", "name"]).await, "update_mask");
        assert_eq!(shape(update("", "", &[]).await).0, "Ada");
    }
}
