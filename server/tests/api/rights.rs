//! D01: who may call what, all of it: each method of the protocol by each kind of caller, against a table that is read by
//! people. A method without a row, or without a request here, fails. ROOKERY_WRITE_RIGHTS=1 writes the table anew; then look
//! at what has changed in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use prost::Message;
use rookery_client::{Api, v1};
use rookery_server::domain::ctx::Clock;

use crate::{
    harness::{Backend, PASSWORD, Person, Served, Store},
    raw::{Raw, methods, name_of, reason},
};

const TABLE: &str = "tests/api/rights.txt";
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Who calls. In the group of the scene: `former` has left it, `removed` was removed, `admin` is the server's and was never in
/// it. `blocked` is in a direct chat with somebody who blocks her, which is what she asks for in place of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anonymous,
    Expired,
    Revoked,
    Disabled,
    Stranger,
    Former,
    Removed,
    Blocked,
    Member,
    Owner,
    Admin,
}

use Who::{Admin, Anonymous, Blocked, Disabled, Expired, Former, Member, Owner, Removed, Revoked, Stranger};

const ALL: [Who; 11] =
    [Anonymous, Expired, Revoked, Disabled, Stranger, Former, Removed, Blocked, Member, Owner, Admin];

/// A method, or one use of it where it matters whose or where.
const USES: [(&str, &str); 30] = [
    ("MessageService/SendMessage", "here"),
    ("MessageService/SendMessage", "in the global room"),
    ("MessageService/EditMessage", "own"),
    ("MessageService/EditMessage", "another's"),
    ("MessageService/DeleteMessage", "own"),
    ("MessageService/DeleteMessage", "another's"),
    ("MessageService/DeleteMessage", "in the global room"),
    ("MessageService/PinMessage", "here"),
    ("MessageService/PinMessage", "in the global room"),
    ("MessageService/SearchMessages", "here"),
    ("MessageService/SearchMessages", "everywhere"),
    ("ConversationService/JoinGroup", "private"),
    ("ConversationService/JoinGroup", "public"),
    ("ConversationService/JoinGroup", "by code"),
    ("ConversationService/UpdateGroup", "name"),
    ("ConversationService/UpdateGroup", "public"),
    ("ConversationService/UpdateGroup", "history"),
    ("ConversationService/UpdateGroup", "icon"),
    ("ConversationService/UpdateGroup", "owner_manages"),
    ("ConversationService/UpdateGroup", "name, kept"),
    ("ConversationService/UpdateGroup", "icon, kept"),
    ("ConversationService/CreateInvite", "open"),
    ("ConversationService/CreateInvite", "kept"),
    ("ConversationService/AddMembers", "open"),
    ("ConversationService/AddMembers", "kept"),
    ("ConversationService/RemoveMember", "a member"),
    ("ConversationService/RemoveMember", "the owner"),
    ("ConversationService/RemoveMember", "herself"),
    ("AccountService/RevokeSession", "another's"),
    ("AccountService/RevokeSession", "all other"),
];

const SCOPES: [v1::TokenScope; 4] =
    [v1::TokenScope::Read, v1::TokenScope::Write, v1::TokenScope::Manage, v1::TokenScope::Admin];

/// The people of all scenes.
struct Cast {
    server: Served,
    people: BTreeMap<Who, Person>,
    /// Another member, who wrote what is asked for; and who blocks.
    kim: Person,
    blocker: Person,
    /// Somebody to be added.
    newcomer: Person,
    direct: Places,
    gif_id: String,
    names: AtomicU64,
}

/// What may be asked for in one conversation.
#[derive(Clone, Default)]
struct Places {
    conversation_id: i64,
    /// A message of somebody else's, with a file.
    message_id: i64,
    media_id: String,
    /// A message of each one's own who could write one.
    own: BTreeMap<Who, i64>,
}

/// A group that nobody has changed yet.
struct Scene {
    group: Places,
    /// The same for the global room.
    global: Places,
    public_id: i64,
    code: String,
    /// For admins to deal with: an account, and a code to make one.
    subject: i64,
    registration_code: String,
}

impl Cast {
    async fn new(backend: Backend) -> Self {
        let shift = Arc::new(AtomicI64::new(-100 * DAY));
        let clock = {
            let (shift, system) = (shift.clone(), Clock::system());
            Clock::new(move || system.now() + shift.load(Ordering::Relaxed))
        };
        let store = Store::new(backend).await;
        let config = store.config();
        let server = Served::serve(store, &config, clock).await;
        let expired = server.user("expired").await;
        shift.store(0, Ordering::Relaxed);
        let mut people = BTreeMap::from([(Expired, expired)]);
        for (who, name) in [
            (Revoked, "revoked"),
            (Disabled, "disabled"),
            (Stranger, "stranger"),
            (Former, "former"),
            (Removed, "removed"),
            (Blocked, "blocked"),
            (Member, "member"),
            (Owner, "owner"),
        ] {
            people.insert(who, server.user(name).await);
        }
        people.insert(Admin, server.admin("rita").await);
        people[&Revoked].api.sign_out(v1::SignOutRequest {}).await.unwrap();
        let (kim, blocker) = (server.user("kim").await, server.user("blocker").await);
        let newcomer = server.user("newcomer").await;
        let mut cast = Self {
            server,
            people,
            kim,
            blocker,
            newcomer,
            direct: Places::default(),
            gif_id: String::new(),
            names: AtomicU64::new(0),
        };
        cast.update(cast.person(Disabled).id, "disabled").await;
        let blocked = cast.person(Blocked).id;
        let id = cast.blocker.direct(cast.person(Blocked)).await;
        cast.direct = cast.places(id, &cast.blocker, &[Blocked]).await;
        cast.blocker.api.block_user(v1::BlockUserRequest { user_id: blocked }).await.unwrap();
        let search = v1::SearchGifsRequest { query: "cat".into(), ..Default::default() };
        cast.gif_id = cast.kim.api.search_gifs(search).await.unwrap().gifs[0].id.clone();
        cast
    }

    fn person(&self, who: Who) -> &Person {
        &self.people[&who]
    }

    fn token(&self, who: Who) -> Option<&str> {
        self.people.get(&who).map(|person| person.token.as_str())
    }

    /// A new token of a script's.
    async fn script(&self, who: Who, scope: v1::TokenScope) -> String {
        let request =
            v1::CreateTokenRequest { name: "script".into(), scopes: vec![scope.into()], ..Default::default() };
        let api = &self.person(who).api;
        // There is room for a hundred of them.
        for old in api.list_sessions(v1::ListSessionsRequest {}).await.unwrap().sessions {
            if old.scopes == [i32::from(scope)] {
                let revoke = v1::RevokeSessionRequest { session_id: old.id, all_others: false };
                api.revoke_session(revoke).await.unwrap();
            }
        }
        api.create_token(request).await.unwrap().token
    }

    fn name(&self, word: &str) -> String {
        format!("{word}{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    async fn update(&self, user_id: i64, field: &str) {
        let request = v1::UpdateAccountRequest {
            user_id,
            disabled: field == "disabled",
            update_mask: Some(prost_types::FieldMask { paths: vec![field.into()] }),
            ..Default::default()
        };
        self.person(Admin).api.update_account(request).await.unwrap();
    }

    async fn account(&self, word: &str) -> i64 {
        let request =
            v1::CreateAccountRequest { name: self.name(word), password: PASSWORD.into(), ..Default::default() };
        self.person(Admin).api.create_account(request).await.unwrap().account.unwrap().user.unwrap().id
    }

    /// Writes what may be asked for: a message with a file by somebody else, and one each by some.
    async fn places(&self, conversation_id: i64, author: &Person, some: &[Who]) -> Places {
        let upload = v1::UploadMediaRequest { name: "a.txt".into(), content: self.name("words").into_bytes() };
        let media_id = author.api.upload_media(upload).await.unwrap().media.unwrap().id;
        let send = v1::SendMessageRequest {
            conversation_id,
            text: "words".into(),
            media_ids: vec![media_id.clone()],
            ..Default::default()
        };
        let message_id = author.api.send_message(send).await.unwrap().message.unwrap().id;
        let emote = "👍".to_owned();
        author.api.add_reaction(v1::AddReactionRequest { conversation_id, id: message_id, emote }).await.unwrap();
        let mut own = BTreeMap::new();
        for who in some {
            own.insert(*who, self.person(*who).say(conversation_id, "mine").await.id);
        }
        Places { conversation_id, message_id, media_id, own }
    }

    /// What a method is asked for.
    async fn scene(&self, method: &str, of: &str) -> Scene {
        let owner = self.person(Owner);
        let members = [&self.kim, self.person(Member), self.person(Former), self.person(Removed)];
        let id = owner.group("group", &members, false).await;
        let group = self.places(id, &self.kim, &[Owner, Member, Former, Removed]).await;
        let pin = v1::PinMessageRequest { conversation_id: id, id: group.message_id };
        owner.api.pin_message(pin).await.unwrap();
        let invite = v1::CreateInviteRequest { conversation_id: id, ..Default::default() };
        let code = owner.api.create_invite(invite).await.unwrap().invite.unwrap().code;
        let leave = v1::LeaveGroupRequest { conversation_id: id, silent: true };
        self.person(Former).api.leave_group(leave).await.unwrap();
        let remove = v1::RemoveMemberRequest { conversation_id: id, user_id: self.person(Removed).id };
        owner.api.remove_member(remove).await.unwrap();
        if of.ends_with("kept") {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["owner_manages".into()] });
            let keep =
                v1::UpdateGroupRequest { conversation_id: id, owner_manages: true, update_mask, ..Default::default() };
            owner.api.update_group(keep).await.unwrap();
        }
        let global = self.places(1, &self.kim, &[]).await;
        let public_id = self.kim.group("open", &[], true).await;
        let mut scene = Scene { group, global, public_id, code, subject: 0, registration_code: String::new() };
        if method.starts_with("AdminService/") {
            let invite = v1::CreateRegistrationInviteRequest::default();
            let made = self.person(Admin).api.create_registration_invite(invite).await.unwrap();
            scene.registration_code = made.invite.unwrap().code;
            scene.subject = self.account("subject").await;
        }
        scene
    }

    /// A request that makes sense for whoever may.
    fn request(&self, method: &str, of: &str, who: Who, scene: &Scene) -> Option<Vec<u8>> {
        let places = if who == Blocked { &self.direct } else { &scene.group };
        let other = if who == Blocked { self.blocker.id } else { self.kim.id };
        let (conversation_id, id) = (places.conversation_id, places.message_id);
        let own = places.own.get(&who).copied().unwrap_or(id);
        let here = if of == "in the global room" { &scene.global } else { places };
        let mask = |field: &str| Some(prost_types::FieldMask { paths: vec![field.into()] });
        let emote = || "👍".to_owned();
        let wrong = || "not my password".to_owned();
        let (service, name) = method.split_once('/')?;
        let bytes = match (service, name) {
            ("ServerService", "GetServerInfo") => v1::GetServerInfoRequest {}.encode_to_vec(),
            ("AccountService", name) => match name {
                "Register" => {
                    let name = self.name("new");
                    v1::RegisterRequest { name, password: PASSWORD.into(), ..Default::default() }.encode_to_vec()
                }
                "SignIn" => v1::SignInRequest { name: "kim".into(), password: PASSWORD.into(), ..Default::default() }
                    .encode_to_vec(),
                "SignOut" => v1::SignOutRequest {}.encode_to_vec(),
                // Whoever may is told that the password is wrong, and goes on.
                "ChangePassword" => {
                    v1::ChangePasswordRequest { password: wrong(), new_password: PASSWORD.into(), ..Default::default() }
                        .encode_to_vec()
                }
                "DeleteAccount" => {
                    let messages = v1::MessagesFate::Keep.into();
                    v1::DeleteAccountRequest { password: wrong(), messages }.encode_to_vec()
                }
                "ListSessions" => v1::ListSessionsRequest {}.encode_to_vec(),
                "RevokeSession" if of == "all other" => {
                    v1::RevokeSessionRequest { all_others: true, ..Default::default() }.encode_to_vec()
                }
                "RevokeSession" => {
                    v1::RevokeSessionRequest { session_id: "0".repeat(32), ..Default::default() }.encode_to_vec()
                }
                "CreateToken" => v1::CreateTokenRequest {
                    name: "script".into(),
                    scopes: vec![v1::TokenScope::Read.into()],
                    ..Default::default()
                }
                .encode_to_vec(),
                "ExportAccount" => v1::ExportAccountRequest::default().encode_to_vec(),
                _ => return None,
            },
            ("AdminService", name) => match name {
                "ListAccounts" => v1::ListAccountsRequest::default().encode_to_vec(),
                "CreateAccount" => {
                    let name = self.name("made");
                    v1::CreateAccountRequest { name, password: PASSWORD.into(), ..Default::default() }.encode_to_vec()
                }
                "UpdateAccount" => v1::UpdateAccountRequest {
                    user_id: scene.subject,
                    disabled: true,
                    update_mask: mask("disabled"),
                    ..Default::default()
                }
                .encode_to_vec(),
                "ResetPassword" => {
                    v1::ResetPasswordRequest { user_id: scene.subject, password: PASSWORD.into() }.encode_to_vec()
                }
                "EndSessions" => v1::EndSessionsRequest { user_id: scene.subject }.encode_to_vec(),
                "RemoveAccount" => {
                    let messages = v1::MessagesFate::Keep.into();
                    v1::RemoveAccountRequest { user_id: scene.subject, messages }.encode_to_vec()
                }
                "SetRegistration" => {
                    v1::SetRegistrationRequest { mode: v1::RegistrationMode::Open.into() }.encode_to_vec()
                }
                "CreateRegistrationInvite" => v1::CreateRegistrationInviteRequest::default().encode_to_vec(),
                "ListRegistrationInvites" => v1::ListRegistrationInvitesRequest::default().encode_to_vec(),
                "RevokeRegistrationInvite" => {
                    v1::RevokeRegistrationInviteRequest { code: scene.registration_code.clone() }.encode_to_vec()
                }
                "Announce" => v1::AnnounceRequest { text: "hear".into(), ..Default::default() }.encode_to_vec(),
                "ListAuditEntries" => v1::ListAuditEntriesRequest::default().encode_to_vec(),
                _ => return None,
            },
            ("ConversationService", name) => match name {
                "ListConversations" => v1::ListConversationsRequest::default().encode_to_vec(),
                "GetConversation" => v1::GetConversationRequest { conversation_id }.encode_to_vec(),
                "OpenDirect" => v1::OpenDirectRequest { user_id: other }.encode_to_vec(),
                "CreateGroup" => v1::CreateGroupRequest { name: "new".into(), ..Default::default() }.encode_to_vec(),
                "UpdateGroup" => {
                    let (public, history) = (true, v1::HistoryRule::All.into());
                    let update_mask = mask(of.split(',').next().unwrap_or_default());
                    v1::UpdateGroupRequest {
                        conversation_id,
                        name: "other".into(),
                        public,
                        history,
                        owner_manages: true,
                        update_mask,
                        ..Default::default()
                    }
                    .encode_to_vec()
                }
                "ListPublicGroups" => v1::ListPublicGroupsRequest::default().encode_to_vec(),
                "JoinGroup" if of == "by code" => {
                    let by = Some(v1::join_group_request::By::Code(scene.code.clone()));
                    v1::JoinGroupRequest { by }.encode_to_vec()
                }
                "JoinGroup" => {
                    let conversation_id = if of == "public" { scene.public_id } else { conversation_id };
                    let by = Some(v1::join_group_request::By::ConversationId(conversation_id));
                    v1::JoinGroupRequest { by }.encode_to_vec()
                }
                "CreateInvite" => v1::CreateInviteRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                "ListInvites" => v1::ListInvitesRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                "RevokeInvite" => v1::RevokeInviteRequest { conversation_id, code: scene.code.clone() }.encode_to_vec(),
                "AddMembers" => {
                    v1::AddMembersRequest { conversation_id, user_ids: vec![self.newcomer.id] }.encode_to_vec()
                }
                "RemoveMember" => {
                    let herself = self.people.get(&who).map_or(other, |person| person.id);
                    let user_id = match of {
                        "the owner" => self.person(Owner).id,
                        "herself" => herself,
                        _ => other,
                    };
                    v1::RemoveMemberRequest { conversation_id, user_id }.encode_to_vec()
                }
                "LeaveGroup" => v1::LeaveGroupRequest { conversation_id, silent: false }.encode_to_vec(),
                "TransferOwnership" => v1::TransferOwnershipRequest { conversation_id, user_id: other }.encode_to_vec(),
                "UpdateMembership" => {
                    let mute_for = Some(prost_types::Duration { seconds: 60, nanos: 0 });
                    v1::UpdateMembershipRequest {
                        conversation_id,
                        mute_for,
                        update_mask: mask("mute_for"),
                        ..Default::default()
                    }
                    .encode_to_vec()
                }
                "ListMembers" => v1::ListMembersRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                _ => return None,
            },
            ("EventService", name) => match name {
                "Subscribe" => v1::SubscribeRequest::default().encode_to_vec(),
                "SendTyping" => v1::SendTypingRequest { conversation_id, stopped: false }.encode_to_vec(),
                // Of a stream that nobody has: what is told of others' is the same.
                "SetActivity" => v1::SetActivityRequest { session_id: "0".repeat(32), idle: false }.encode_to_vec(),
                "SetView" => v1::SetViewRequest { session_id: "0".repeat(32), ..Default::default() }.encode_to_vec(),
                _ => return None,
            },
            ("GifService", name) => {
                let gif_id = self.gif_id.clone();
                match name {
                    "SearchGifs" => v1::SearchGifsRequest { query: "cat".into(), ..Default::default() }.encode_to_vec(),
                    "ListTrendingGifs" => v1::ListTrendingGifsRequest::default().encode_to_vec(),
                    "ListGifCategories" => v1::ListGifCategoriesRequest {}.encode_to_vec(),
                    "SaveGif" => v1::SaveGifRequest { gif_id }.encode_to_vec(),
                    "AddFavoriteGif" => v1::AddFavoriteGifRequest { gif_id }.encode_to_vec(),
                    "RemoveFavoriteGif" => v1::RemoveFavoriteGifRequest { gif_id }.encode_to_vec(),
                    "ListFavoriteGifs" => v1::ListFavoriteGifsRequest::default().encode_to_vec(),
                    _ => return None,
                }
            }
            ("MediaService", "UploadMedia") => {
                v1::UploadMediaRequest { name: "b".into(), content: b"bytes".to_vec() }.encode_to_vec()
            }
            ("MediaService", "GetMedia") => v1::GetMediaRequest { id: places.media_id.clone() }.encode_to_vec(),
            ("MessageService", name) => match name {
                "SendMessage" => {
                    let conversation_id = here.conversation_id;
                    v1::SendMessageRequest { conversation_id, text: "new".into(), ..Default::default() }.encode_to_vec()
                }
                "EditMessage" => {
                    let id = if of == "own" { own } else { id };
                    v1::EditMessageRequest { conversation_id, id, text: self.name("other") }.encode_to_vec()
                }
                "DeleteMessage" => {
                    let id = if of == "own" { own } else { here.message_id };
                    v1::DeleteMessageRequest { conversation_id: here.conversation_id, id }.encode_to_vec()
                }
                "GetMessage" => v1::GetMessageRequest { conversation_id, id }.encode_to_vec(),
                "ListMessages" => v1::ListMessagesRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                "ListChanges" => v1::ListChangesRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                "AddReaction" => v1::AddReactionRequest { conversation_id, id, emote: emote() }.encode_to_vec(),
                "RemoveReaction" => v1::RemoveReactionRequest { conversation_id, id, emote: emote() }.encode_to_vec(),
                "ListReactions" => {
                    v1::ListReactionsRequest { conversation_id, id, emote: emote(), ..Default::default() }
                        .encode_to_vec()
                }
                "PinMessage" => {
                    v1::PinMessageRequest { conversation_id: here.conversation_id, id: here.message_id }.encode_to_vec()
                }
                "UnpinMessage" => v1::UnpinMessageRequest { conversation_id, id }.encode_to_vec(),
                "ListPins" => v1::ListPinsRequest { conversation_id, ..Default::default() }.encode_to_vec(),
                "SearchMessages" => {
                    let conversation_id = if of == "everywhere" { 0 } else { conversation_id };
                    v1::SearchMessagesRequest { query: "words".into(), conversation_id, ..Default::default() }
                        .encode_to_vec()
                }
                "MarkRead" => v1::MarkReadRequest { conversation_id, id }.encode_to_vec(),
                "MarkUnread" => v1::MarkUnreadRequest { conversation_id, id }.encode_to_vec(),
                _ => return None,
            },
            ("UserService", name) => match name {
                "GetUser" => v1::GetUserRequest { user_id: other }.encode_to_vec(),
                "GetUsers" => v1::GetUsersRequest { user_ids: vec![other] }.encode_to_vec(),
                "ListUsers" => v1::ListUsersRequest::default().encode_to_vec(),
                "UpdateProfile" => {
                    v1::UpdateProfileRequest { about: "words".into(), update_mask: mask("about"), ..Default::default() }
                        .encode_to_vec()
                }
                "SetStatus" => {
                    v1::SetStatusRequest { kind: v1::StatusKind::Idle.into(), ..Default::default() }.encode_to_vec()
                }
                "BlockUser" => v1::BlockUserRequest { user_id: other }.encode_to_vec(),
                "UnblockUser" => v1::UnblockUserRequest { user_id: other }.encode_to_vec(),
                "ListBlocked" => v1::ListBlockedRequest::default().encode_to_vec(),
                _ => return None,
            },
            _ => return None,
        };
        Some(bytes)
    }
}

/// The words of the table: what was answered.
fn word(answer: &Result<Vec<u8>, tonic::Status>) -> String {
    match answer {
        Ok(_) => "ok".into(),
        Err(status) => match reason(status).as_str() {
            "UNAUTHENTICATED" => "-".into(),
            "NOT_FOUND" => "unknown".into(),
            "PERMISSION_DENIED" => "denied".into(),
            "BLOCKED" => "blocked".into(),
            "WRONG_STATE" => "state".into(),
            "WRONG_CREDENTIALS" => "password".into(),
            "INVALID_FIELD" => "invalid".into(),
            other => other.to_lowercase(),
        },
    }
}

fn reads(method: &str) -> bool {
    let name = method.split_once('/').map_or("", |(_, name)| name);
    ["Get", "List", "Search", "Subscribe"].iter().any(|word| name.starts_with(word))
}

/// Each row: a method, or a use of it, and the words of its cells.
async fn rows(backend: Backend) -> Vec<(String, Vec<String>)> {
    let cast = Cast::new(backend).await;
    let raw = Raw::new(cast.server.address);
    let mut rows = Vec::new();
    let mut used = BTreeSet::new();
    // In the same order always, whatever the order of files: services by name, each as it is written.
    let mut all = methods();
    all.sort_by_key(|method| method.parent_service().name().to_owned());
    for method in all {
        let name = name_of(&method);
        let uses: Vec<&str> = USES.iter().filter(|(known, _)| *known == name).map(|(_, of)| *of).collect();
        used.extend(uses.iter().map(|of| (name.clone(), *of)));
        for of in if uses.is_empty() { vec![""] } else { uses } {
            let mut cells = Vec::new();
            let mut scene = cast.scene(&name, of).await;
            for who in ALL {
                let body = cast.request(&name, of, who, &scene);
                let body = body.unwrap_or_else(|| panic!("{name} has no request in {}", file!()));
                let mut token = cast.token(who).map(str::to_owned);
                if name == "AccountService/SignOut" && who >= Stranger {
                    // A session of its own, which ends.
                    let of = &cast.person(who).name;
                    let request =
                        v1::SignInRequest { name: of.clone(), password: PASSWORD.into(), ..Default::default() };
                    token = Some(cast.server.anonymous().sign_in(request).await.unwrap().token);
                }
                let answer = raw.call(token.as_deref(), &name, body).await;
                cells.push(word(&answer));
                if answer.is_ok() && !reads(&name) {
                    scene = cast.scene(&name, of).await;
                }
            }
            // Which tokens of scripts may do it: those that are not refused as tokens.
            let mut scopes = Vec::new();
            let who = if name.starts_with("AdminService/") { Admin } else { Owner };
            for scope in SCOPES {
                let token = cast.script(who, scope).await;
                let body = cast.request(&name, of, who, &scene).unwrap();
                let answer = raw.call(Some(&token), &name, body).await;
                assert!(word(&answer) != "-", "{name}: a script's token is none");
                if word(&answer) != "token_scope" {
                    scopes.push(scope.as_str_name().trim_start_matches("TOKEN_SCOPE_").to_lowercase());
                }
                if answer.is_ok() && !reads(&name) {
                    scene = cast.scene(&name, of).await;
                }
            }
            cells.push(match scopes.len() {
                0 => "none".into(),
                4 => "any".into(),
                _ => scopes.join("+"),
            });
            rows.push((if of.is_empty() { name.clone() } else { format!("{name}: {of}") }, cells));
        }
    }
    let stale: Vec<_> = USES.iter().filter(|(name, of)| !used.contains(&((*name).to_owned(), *of))).collect();
    assert!(stale.is_empty(), "no such methods: {stale:?}");
    // Whoever is nobody stays nobody: what was done above has let none of them in.
    for who in [Expired, Revoked, Disabled] {
        let api = Api::new(&cast.server.url(), cast.token(who)).unwrap();
        assert!(api.list_sessions(v1::ListSessionsRequest {}).await.is_err(), "{who:?}");
    }
    cast.server.stop().await;
    rows
}

const HEAD: &str = "\
# Who may call what: checked, cell by cell, by rights.rs; written anew by ROOKERY_WRITE_RIGHTS=1.
#
# ok        done                                  -         UNAUTHENTICATED
# unknown   NOT_FOUND, as if it were not there    denied    PERMISSION_DENIED
# blocked   one of the two blocks the other       state     FAILED_PRECONDITION
# password  her own password was given wrong, as the test does: she may
# invalid   INVALID_ARGUMENT
#
# What is asked for is in a private group: `former` has left it, `removed` was removed from it, `admin` is the server's and
# was never in it. `blocked` asks for the same in a direct chat with somebody who blocks her. Where it says `kept`, the owner has
# kept the management of the group to herself. The last column: a script's token with which scope may do it.

";

fn table(rows: &[(String, Vec<String>)]) -> String {
    let heads = ALL.iter().map(|who| format!("{who:?}").to_lowercase()).chain(["script".to_owned()]);
    let heads: Vec<String> = heads.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let mut text = HEAD.to_owned();
    let mut service = "";
    let line = |name: &str, cells: &[String], text: &mut String| {
        let mut line = format!("{name:<width$}");
        for cell in cells {
            let _ = write!(line, "{cell:<11}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    for (name, cells) in rows {
        let of = name.split('/').next().unwrap_or_default();
        if of != service {
            if !service.is_empty() {
                text.push('\n');
            }
            line("#", &heads, &mut text);
            service = of;
        }
        line(name, cells, &mut text);
    }
    text
}

async fn matrix(backend: Backend) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    let found = table(&rows(backend).await);
    if std::env::var_os("ROOKERY_WRITE_RIGHTS").is_some() {
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let differs: Vec<_> = lines(&found)
        .into_iter()
        .filter(|line| !lines(&expected).contains(line))
        .chain(
            lines(&expected).into_iter().filter(|line| !lines(&found).contains(line)).map(|line| format!("not {line}")),
        )
        .collect();
    assert!(differs.is_empty() && found == expected, "{TABLE} says otherwise:\n{}", differs.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else_on_sqlite() {
    matrix(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else_on_postgres() {
    matrix(Backend::Postgres).await;
}
