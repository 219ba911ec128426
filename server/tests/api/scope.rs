//! What a script's token may be used for. A method without a row here fails the test: whoever adds one decides.

use prost::Message;
use prost_reflect::DynamicMessage;
use rookery_client::v1::{self, TokenScope};

use crate::{
    exchange::try_ask,
    harness::Served,
    on_both,
    raw::{Raw, methods, name_of, reason},
    session::script,
};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    /// Everybody: it needs no token.
    Everybody,
    /// Whoever has a token, of whatever scope.
    Any,
    /// A person at a device, and no script.
    Person,
    /// A script whose token has this scope.
    Scope(TokenScope),
}

use May::{Any, Everybody, Person};

const READ: May = May::Scope(TokenScope::Read);
const WRITE: May = May::Scope(TokenScope::Write);
const MANAGE: May = May::Scope(TokenScope::Manage);
const ADMIN: May = May::Scope(TokenScope::Admin);

const TABLE: &[(&str, May, &[&str])] = &[
    ("ServerService", Everybody, &["GetServerInfo"]),
    ("AccountService", Everybody, &["Register", "SignIn"]),
    ("AccountService", Any, &["SignOut"]),
    (
        "AccountService",
        Person,
        &["ChangePassword", "ListSessions", "RevokeSession", "CreateToken", "DeleteAccount", "ExportAccount"],
    ),
    ("UserService", READ, &["GetUser", "GetUsers", "ListUsers", "ListBlocked"]),
    ("UserService", MANAGE, &["UpdateProfile", "SetStatus", "BlockUser", "UnblockUser"]),
    (
        "ConversationService",
        READ,
        &["ListConversations", "GetConversation", "ListPublicGroups", "ListMembers", "ListInvites"],
    ),
    ("ConversationService", WRITE, &["OpenDirect"]),
    (
        "ConversationService",
        MANAGE,
        &[
            "CreateGroup",
            "UpdateGroup",
            "JoinGroup",
            "CreateInvite",
            "RevokeInvite",
            "AddMembers",
            "RemoveMember",
            "LeaveGroup",
            "TransferOwnership",
            "UpdateMembership",
        ],
    ),
    (
        "MessageService",
        READ,
        &["GetMessage", "ListMessages", "ListChanges", "ListReactions", "ListPins", "SearchMessages"],
    ),
    (
        "MessageService",
        WRITE,
        &[
            "SendMessage",
            "EditMessage",
            "DeleteMessage",
            "AddReaction",
            "RemoveReaction",
            "PinMessage",
            "UnpinMessage",
            "MarkRead",
            "MarkUnread",
        ],
    ),
    ("EventService", READ, &["Subscribe", "SetActivity", "SetView"]),
    ("EventService", WRITE, &["SendTyping"]),
    ("MediaService", READ, &["GetMedia"]),
    ("MediaService", WRITE, &["UploadMedia"]),
    ("GifService", READ, &["SearchGifs", "ListTrendingGifs", "ListGifCategories", "ListFavoriteGifs"]),
    ("GifService", WRITE, &["SaveGif"]),
    ("GifService", MANAGE, &["AddFavoriteGif", "RemoveFavoriteGif"]),
    (
        "AdminService",
        ADMIN,
        &[
            "ListAccounts",
            "CreateAccount",
            "UpdateAccount",
            "ResetPassword",
            "EndSessions",
            "RemoveAccount",
            "SetRegistration",
            "CreateRegistrationInvite",
            "ListRegistrationInvites",
            "RevokeRegistrationInvite",
            "Announce",
            "ListAuditEntries",
        ],
    ),
];

fn may(name: &str) -> May {
    let (service, method) = name.split_once('/').unwrap();
    let rows: Vec<May> = TABLE
        .iter()
        .filter(|(other, _, methods)| *other == service && methods.contains(&method))
        .map(|(_, may, _)| *may)
        .collect();
    assert_eq!(rows.len(), 1, "{name} has {} rows: say who may call it", rows.len());
    rows[0]
}

on_both! {
    async fn a_token_may_do_what_its_scopes_say_and_nothing_else(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        server.store.change("update users set admin = true").await;
        let raw = Raw::new(server.address);
        let methods = methods();
        let rows: usize = TABLE.iter().map(|(_, _, methods)| methods.len()).sum();
        assert_eq!(rows, methods.len(), "a row stands for what is not there");
        let scopes = [TokenScope::Read, TokenScope::Write, TokenScope::Manage, TokenScope::Admin];
        for method in &methods {
            let name = name_of(method);
            let request = DynamicMessage::new(method.input()).encode_to_vec();
            for scope in scopes {
                // SignOut ends the token: each call has one of its own.
                let token = script(&ada, &[scope]).await.token;
                let answer = raw.call(Some(&token), &name, request.clone()).await;
                let refused = answer.as_ref().err().filter(|status| reason(status) == "TOKEN_SCOPE");
                let let_in = match may(&name) {
                    May::Everybody | May::Any => true,
                    May::Person => false,
                    May::Scope(needed) => needed == scope,
                };
                assert_eq!(refused.is_none(), let_in, "{name} by a token to {}: {answer:?}", scope.as_str_name());
                let status = refused.map(|status| status.code());
                assert!(status.is_none_or(|code| code == tonic::Code::PermissionDenied));
                ada.api
                    .revoke_session(v1::RevokeSessionRequest { all_others: true, ..Default::default() })
                    .await
                    .unwrap();
            }
            // A device may call all of it.
            if name != "AccountService/SignOut" {
                let answer = raw.call(Some(&ada.token), &name, request).await;
                assert!(answer.is_ok() || reason(&answer.unwrap_err()) != "TOKEN_SCOPE", "{name}");
            }
        }
    }

    async fn files_over_http_ask_for_the_same_scopes(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let all = [TokenScope::Read, TokenScope::Write, TokenScope::Manage, TokenScope::Admin];
        let request = v1::UploadMediaRequest { name: "notes.txt".into(), content: b"some notes".to_vec() };
        let id = ada.api.upload_media(request).await.unwrap().media.unwrap().id;
        for scope in all {
            let token = script(&ada, &[scope]).await.token;
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str()), ("x-rookery-name", "a.txt")];
            let path = format!("/media/{id}");
            let get = try_ask(server.address, "GET", &path, &headers[..1], b"").await.unwrap().status;
            let post = try_ask(server.address, "POST", "/media", &headers, b"some bytes").await.unwrap().status;
            assert_eq!(get, if scope == TokenScope::Read { 200 } else { 403 });
            assert_eq!(post, if scope == TokenScope::Write { 200 } else { 403 });
        }
    }
}
