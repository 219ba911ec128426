//! The handle with which a program tells the engine what its user does.

use std::{sync::Arc, time::Duration};

use rookery_api::v1::{self, event::Kind, join_group_request::By};
use tokio::sync::{mpsc, oneshot};

use crate::{
    ambient::Ambient,
    api::{Api, Error},
    media::MediaStore,
    outbox::Attachment,
    update::{PageAt, Update},
};

/// What the user does. Cheap to clone. Methods without `async` return at once and never fail: what comes of them is told
/// by updates. The others ask the server; what changed is also told by an update, before they return.
#[derive(Clone, Debug)]
pub struct Client {
    api: Api,
    commands: mpsc::UnboundedSender<Command>,
    ambient: Ambient,
    media: MediaStore,
}

/// What the handle asks of the engine.
#[derive(Debug)]
pub(crate) enum Command {
    Open(i64),
    Load(i64, PageAt),
    LoadOlder(i64),
    LoadNewer(i64),
    LoadReply(i64, i64),
    Follow(i64, bool),
    Send(Draft),
    Retry(String),
    EditFailed(String, Draft),
    Cancel(String),
    MarkRead(i64, i64),
    MarkUnread(i64, i64, oneshot::Sender<Result<(), Error>>),
    Typing(i64, bool),
    SetView(Vec<i64>),
    SetActivity(bool),
    Reconnect,
    /// Something that an answer to this client said; confirmed once the update is out.
    Learn(Update, oneshot::Sender<()>),
}

/// A message that the user wrote just now.
#[derive(Debug)]
pub(crate) struct Draft {
    pub request_id: String,
    pub conversation_id: i64,
    pub text: String,
    pub reply_to: i64,
    pub attachments: Vec<Attachment>,
}

impl Client {
    pub(crate) fn new(api: Api, commands: mpsc::UnboundedSender<Command>, ambient: Ambient, media: MediaStore) -> Self {
        Self { api, commands, ambient, media }
    }

    /// All calls of the protocol, as this user.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The files of the server, as this user.
    pub fn media(&self) -> &MediaStore {
        &self.media
    }

    /// Shows a conversation: its newest messages are loaded, from the disk at once where they are there. The last few
    /// conversations that were opened stay loaded. Opening one that is loaded leaves it where it is.
    pub fn open(&self, conversation_id: i64) {
        self.tell(Command::Open(conversation_id));
    }

    /// Loads the page before the loaded run. Does nothing while it is on its way, and where there is none.
    pub fn load_older(&self, conversation_id: i64) {
        self.tell(Command::LoadOlder(conversation_id));
    }

    /// Loads the page after the loaded run. Does nothing while it is on its way, and where there is none.
    pub fn load_newer(&self, conversation_id: i64) {
        self.tell(Command::LoadNewer(conversation_id));
    }

    /// Replaces the loaded run by the messages around one of them, unless it is loaded already.
    pub fn load_around(&self, conversation_id: i64, message_id: i64) {
        self.tell(Command::Load(conversation_id, PageAt::Around(message_id)));
    }

    /// Replaces the loaded run by the newest messages, unless it ends with them already. The view follows the end.
    pub fn jump_to_present(&self, conversation_id: i64) {
        self.tell(Command::Load(conversation_id, PageAt::Newest));
    }

    /// Loads a message that a loaded one answers ([`crate::Conversation::message`] has it then).
    pub fn load_reply(&self, conversation_id: i64, message_id: i64) {
        self.tell(Command::LoadReply(conversation_id, message_id));
    }

    /// Says whether the view of a conversation stands at its end. While it does not, messages that arrive take nothing
    /// away at the top. To be called when it changes.
    pub fn follow(&self, conversation_id: i64, following: bool) {
        self.tell(Command::Follow(conversation_id, following));
    }

    /// Sends a message, now or as soon as there is a connection, also after a restart: it is on the disk before its
    /// bubble shows. `reply_to` is 0 for none. Gives its request_id.
    pub fn send(&self, conversation_id: i64, text: impl Into<String>, reply_to: i64) -> String {
        self.send_with(conversation_id, text, reply_to, Vec::new())
    }

    /// Sends a message with files; the text may be empty then. They are copied into the profile before the bubble shows,
    /// so that nothing of it depends on the originals. Gives its request_id.
    pub fn send_with(
        &self,
        conversation_id: i64,
        text: impl Into<String>,
        reply_to: i64,
        attachments: Vec<Attachment>,
    ) -> String {
        let draft = Draft { attachments, ..self.draft(conversation_id, text.into(), reply_to) };
        let request_id = draft.request_id.clone();
        self.tell(Command::Send(draft));
        request_id
    }

    /// Tries a failed message again.
    pub fn retry(&self, request_id: impl Into<String>) {
        self.tell(Command::Retry(request_id.into()));
    }

    /// Sends another text in place of a failed message, with the same files. Gives the new request_id.
    pub fn edit_failed(&self, request_id: impl Into<String>, text: impl Into<String>) -> String {
        let draft = self.draft(0, text.into(), 0);
        let new = draft.request_id.clone();
        self.tell(Command::EditFailed(request_id.into(), draft));
        new
    }

    /// Takes a message out of the outbox; an upload stops at once. One that is on its way right now, or whose outcome is not known, may still
    /// arrive.
    pub fn cancel(&self, request_id: impl Into<String>) {
        self.tell(Command::Cancel(request_id.into()));
    }

    /// The user has seen a message: to be called while the end of an open conversation is in view and the window has the
    /// focus, as often as one likes.
    pub fn mark_read(&self, conversation_id: i64, message_id: i64) {
        self.tell(Command::MarkRead(conversation_id, message_id));
    }

    /// It counts as unread again from a message on, on all devices: a ReadChanged tells so, soon after this returns. What
    /// was still to be told of reading is not told.
    pub async fn mark_unread(&self, conversation_id: i64, message_id: i64) -> Result<(), Error> {
        let (done, told) = oneshot::channel();
        self.tell(Command::MarkUnread(conversation_id, message_id, done));
        told.await.unwrap_or_else(|_| Err(Error::closed()))
    }

    /// The user types: to be called for every change of the draft, and with `stopped` when it became empty.
    pub fn typing(&self, conversation_id: i64, stopped: bool) {
        self.tell(Command::Typing(conversation_id, stopped));
    }

    /// The conversations that the window shows, at most 8; to be called when they change.
    pub fn set_view(&self, conversation_ids: Vec<i64>) {
        self.tell(Command::SetView(conversation_ids));
    }

    /// Whether nobody has touched the device for a while ([`v1::ServerTimings::idle_after`]); to be called when it
    /// changes, and once at the start.
    pub fn set_activity(&self, idle: bool) {
        self.tell(Command::SetActivity(idle));
    }

    /// Tries to connect now instead of waiting, and looks at once whether a connection is dead: after a sleep of the
    /// device, or by hand.
    pub fn reconnect(&self) {
        self.tell(Command::Reconnect);
    }

    /// Chooses how the user wants to be seen, on all her devices, for a time or until she chooses otherwise.
    pub async fn set_status(&self, kind: v1::StatusKind, holds: Option<Duration>) -> Result<(), Error> {
        let kind_expires_in = span("kind_expires_in", holds)?;
        let request = v1::SetStatusRequest { kind: kind.into(), kind_expires_in, ..v1::SetStatusRequest::default() };
        self.choose(request).await
    }

    /// Says what the user is doing, for a time or until she says something else; an empty text takes it back.
    pub async fn set_status_text(&self, text: impl Into<String>, holds: Option<Duration>) -> Result<(), Error> {
        let expires_in = span("expires_in", holds)?;
        self.choose(v1::SetStatusRequest { text: Some(text.into()), expires_in, ..v1::SetStatusRequest::default() })
            .await
    }

    /// Whether nobody is told when the user was last connected.
    pub async fn hide_last_seen(&self, hide: bool) -> Result<(), Error> {
        self.choose(v1::SetStatusRequest { hide_last_seen: Some(hide), ..v1::SetStatusRequest::default() }).await
    }

    async fn choose(&self, request: v1::SetStatusRequest) -> Result<(), Error> {
        let status = self.api.set_status(request).await?.status;
        self.learn_event(Kind::StatusChanged(v1::StatusChanged { status })).await;
        Ok(())
    }

    /// Hands over people and presences that a call of the program's own gave; `as_of` is what [`crate::State::told`] was
    /// when it was made. What is known to be newer stays.
    pub fn learn_people(&self, as_of: u64, answer: v1::GetUsersResponse) {
        let (done, _) = oneshot::channel();
        self.tell(Command::Learn(Update::UsersLoaded { as_of, answer: Arc::new(answer) }, done));
    }

    /// Ends the session on the server. What is on this device is [`crate::Profile::sign_out`]'s matter.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.api.sign_out(v1::SignOutRequest {}).await.map(drop)
    }

    /// The direct chat with somebody; it can be opened when this returns its id.
    pub async fn open_direct(&self, user_id: i64) -> Result<i64, Error> {
        let answer = self.api.open_direct(v1::OpenDirectRequest { user_id }).await?;
        self.learn_conversation(answer.conversation).await
    }

    /// Makes a group; it can be opened when this returns its id.
    pub async fn create_group(
        &self,
        name: impl Into<String>,
        member_ids: Vec<i64>,
        public: bool,
    ) -> Result<i64, Error> {
        let request_id = self.request_id();
        let request =
            v1::CreateGroupRequest { name: name.into(), member_ids, public, request_id, owner_manages: false };
        self.learn_conversation(self.api.create_group(request).await?.conversation).await
    }

    /// Joins a public group; it can be opened when this returns its id.
    pub async fn join_public(&self, conversation_id: i64) -> Result<i64, Error> {
        self.join(By::ConversationId(conversation_id)).await
    }

    /// Joins a group with the code of an invite; it can be opened when this returns its id.
    pub async fn join_by_code(&self, code: impl Into<String>) -> Result<i64, Error> {
        self.join(By::Code(code.into())).await
    }

    async fn join(&self, by: By) -> Result<i64, Error> {
        let answer = self.api.join_group(v1::JoinGroupRequest { by: Some(by) }).await?;
        self.learn_conversation(answer.conversation).await
    }

    /// Leaves a group.
    pub async fn leave_group(&self, conversation_id: i64, silent: bool) -> Result<(), Error> {
        self.api.leave_group(v1::LeaveGroupRequest { conversation_id, silent }).await?;
        self.learn_event(Kind::ConversationRemoved(v1::ConversationRemoved { conversation_id })).await;
        Ok(())
    }

    /// Gives no notice of a conversation for a time, but for mentions; nothing ends that, more than a year is for ever.
    pub async fn mute(&self, conversation_id: i64, mute_for: Duration) -> Result<(), Error> {
        let seconds = i64::try_from(mute_for.as_secs()).unwrap_or(i64::MAX);
        let mute_for = prost_types::Duration { seconds, nanos: i32::try_from(mute_for.subsec_nanos()).unwrap_or(0) };
        let request = v1::UpdateMembershipRequest { mute_for: Some(mute_for), ..Default::default() };
        self.place("mute_for", v1::UpdateMembershipRequest { conversation_id, ..request }).await
    }

    /// Takes a direct chat off the list until somebody writes in it. [`Self::open_direct`] shows it again.
    pub async fn hide(&self, conversation_id: i64) -> Result<(), Error> {
        let request = v1::UpdateMembershipRequest { conversation_id, hidden: true, ..Default::default() };
        self.place("hidden", request).await
    }

    async fn place(&self, path: &str, request: v1::UpdateMembershipRequest) -> Result<(), Error> {
        let conversation_id = request.conversation_id;
        let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        let answer = self.api.update_membership(v1::UpdateMembershipRequest { update_mask, ..request }).await?;
        let v1::Membership { muted_until, hidden_through, .. } = answer.mine.ok_or_else(Error::incomplete)?;
        let changed = v1::MembershipChanged { conversation_id, muted_until, hidden_through };
        self.learn_event(Kind::MembershipChanged(changed)).await;
        Ok(())
    }

    /// Blocks somebody: nobody writes in their direct chat any more, and neither sees the other typing or present.
    pub async fn block(&self, user_id: i64) -> Result<(), Error> {
        self.api.block_user(v1::BlockUserRequest { user_id }).await?;
        self.learn_event(Kind::BlockChanged(v1::BlockChanged { user_id, blocked: true })).await;
        Ok(())
    }

    /// Takes that back.
    pub async fn unblock(&self, user_id: i64) -> Result<(), Error> {
        self.api.unblock_user(v1::UnblockUserRequest { user_id }).await?;
        self.learn_event(Kind::BlockChanged(v1::BlockChanged { user_id, blocked: false })).await;
        Ok(())
    }

    /// Changes the text of a message of the user's own.
    pub async fn edit(&self, conversation_id: i64, id: i64, text: impl Into<String>) -> Result<(), Error> {
        let request = v1::EditMessageRequest { conversation_id, id, text: text.into() };
        self.learn_message(self.api.edit_message(request).await?.message).await
    }

    /// Takes a message back.
    pub async fn delete(&self, conversation_id: i64, id: i64) -> Result<(), Error> {
        let request = v1::DeleteMessageRequest { conversation_id, id };
        self.learn_message(self.api.delete_message(request).await?.message).await
    }

    /// Reacts to a message, or takes the reaction back.
    pub async fn react(
        &self,
        conversation_id: i64,
        id: i64,
        emote: impl Into<String>,
        stands: bool,
    ) -> Result<(), Error> {
        let emote = emote.into();
        let message = if stands {
            self.api.add_reaction(v1::AddReactionRequest { conversation_id, id, emote }).await?.message
        } else {
            self.api.remove_reaction(v1::RemoveReactionRequest { conversation_id, id, emote }).await?.message
        };
        self.learn_message(message).await
    }

    /// Pins a message, or unpins it.
    pub async fn pin(&self, conversation_id: i64, id: i64, stands: bool) -> Result<(), Error> {
        let message = if stands {
            self.api.pin_message(v1::PinMessageRequest { conversation_id, id }).await?.message
        } else {
            self.api.unpin_message(v1::UnpinMessageRequest { conversation_id, id }).await?.message
        };
        self.learn_message(message).await
    }

    async fn learn_conversation(&self, conversation: Option<v1::Conversation>) -> Result<i64, Error> {
        let conversation = conversation.ok_or_else(Error::incomplete)?;
        let id = conversation.id;
        let answer = v1::GetConversationResponse { conversation: Some(conversation), users: Vec::new() };
        self.learn(Update::ConversationLoaded(Arc::new(answer))).await;
        Ok(id)
    }

    async fn learn_message(&self, message: Option<v1::Message>) -> Result<(), Error> {
        let message = message.ok_or_else(Error::incomplete)?;
        self.learn(Update::MessageLoaded(Arc::new(message))).await;
        Ok(())
    }

    async fn learn_event(&self, kind: Kind) {
        let event = Some(v1::Event { kind: Some(kind) });
        let response = v1::SubscribeResponse { event, ..v1::SubscribeResponse::default() };
        self.learn(Update::EventReceived(Arc::new(response))).await;
    }

    async fn learn(&self, update: Update) {
        let (done, told) = oneshot::channel();
        self.tell(Command::Learn(update, done));
        // An engine that is gone has nobody to tell.
        let _ = told.await;
    }

    fn tell(&self, command: Command) {
        // As above: after the end of the stream of updates there is nothing to do.
        let _ = self.commands.send(command);
    }

    fn draft(&self, conversation_id: i64, text: String, reply_to: i64) -> Draft {
        Draft { request_id: self.request_id(), conversation_id, text, reply_to, attachments: Vec::new() }
    }

    fn request_id(&self) -> String {
        (self.ambient.request_id)().to_string()
    }
}

/// A time as the protocol has it.
fn span(field: &'static str, holds: Option<Duration>) -> Result<Option<prost_types::Duration>, Error> {
    let span = |holds: Duration| holds.try_into().map_err(|_| Error::invalid(field, "This is too long."));
    holds.map(span).transpose()
}
