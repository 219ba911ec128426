//! A server that says exactly what a test wants: its streams and its answers are given by hand.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request as HttpRequest, State},
    http::{Method, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response as HttpResponse},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use rookery_client::v1::{
    self, conversation_service_server as conversations, event::Kind, event_service_server as events,
    gif_service_server as gifs, media_service_server as media, message_service_server as messages,
    user_service_server as users,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, service::Routes};

/// The server. Streams come to the test as they are opened; calls are answered from what the test put there.
#[derive(Clone)]
pub struct Script {
    inner: Arc<Inner>,
}

struct Inner {
    streams: mpsc::UnboundedSender<Stream>,
    calls: Mutex<Vec<Call>>,
    answers: Mutex<Answers>,
}

/// What calls are answered with, the first first; without an answer a call is UNAVAILABLE.
#[derive(Default)]
pub struct Answers {
    pub changes: VecDeque<v1::ListChangesResponse>,
    pub conversations: VecDeque<v1::GetConversationResponse>,
    pub pages: VecDeque<v1::ListMessagesResponse>,
    pub sends: VecDeque<Result<v1::SendMessageResponse, Status>>,
    pub uploads: VecDeque<Upload>,
    pub saved_gifs: VecDeque<Result<v1::SaveGifResponse, Status>>,
    /// What is at a path, always.
    pub files: HashMap<String, Bytes>,
    pub quotes: VecDeque<v1::GetMessageResponse>,
    /// How long a call of this name is on its way.
    pub delays: HashMap<&'static str, Duration>,
}

/// What comes of a `POST /media`.
pub enum Upload {
    /// The file is there, under this id.
    Kept(u8),
    /// A status, how long to wait, and a JSON.
    Refused(u16, Option<u32>, &'static str),
    /// The connection is cut after so many bytes.
    Cut(usize),
    /// After so many bytes nothing more is read, and nothing is said.
    Hangs(usize),
}

/// The id of the file that [`Upload::Kept`] answers.
pub fn media_id(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

/// A call that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: &'static str,
    pub at: Instant,
    pub what: String,
}

/// A stream that was opened.
pub struct Stream {
    pub request: v1::SubscribeRequest,
    pub out: mpsc::Sender<Result<v1::SubscribeResponse, Status>>,
}

impl Stream {
    pub async fn tell(&self, conversation_id: i64, after: i64, position: i64, kind: Kind) {
        let event = Some(v1::Event { kind: Some(kind) });
        let response = v1::SubscribeResponse { conversation_id, after, position, event };
        self.out.send(Ok(response)).await.expect("the client listens");
    }

    pub async fn message(&self, after: i64, message: v1::Message) {
        let (id, position) = (message.conversation_id, message.changed);
        self.tell(id, after, position, Kind::MessageChanged(v1::MessageChanged { message: Some(message) })).await;
    }
}

impl Script {
    pub async fn start() -> (Self, String, mpsc::UnboundedReceiver<Stream>, JoinHandle<()>) {
        let (streams, opened) = mpsc::unbounded_channel();
        let inner = Inner { streams, calls: Mutex::default(), answers: Mutex::default() };
        let script = Self { inner: Arc::new(inner) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Routes::new(events::EventServiceServer::new(script.clone()))
            .add_service(messages::MessageServiceServer::new(script.clone()))
            .add_service(conversations::ConversationServiceServer::new(script.clone()))
            .add_service(users::UserServiceServer::new(script.clone()))
            .add_service(media::MediaServiceServer::new(script.clone()))
            .add_service(gifs::GifServiceServer::new(script.clone()))
            .into_axum_router()
            .reset_fallback()
            .merge(Router::new().fallback(http).with_state(script.clone()));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (script, url, opened, task)
    }

    pub fn answer(&self, set: impl FnOnce(&mut Answers)) {
        set(&mut self.inner.answers.lock().unwrap());
    }

    /// The calls of one name that came so far.
    pub fn calls(&self, name: &str) -> Vec<Call> {
        self.inner.calls.lock().unwrap().iter().filter(|call| call.name == name).cloned().collect()
    }

    fn note(&self, name: &'static str, what: String) {
        self.inner.calls.lock().unwrap().push(Call { name, at: Instant::now(), what });
    }

    async fn delay(&self, name: &str) {
        let delay = self.inner.answers.lock().unwrap().delays.get(name).copied();
        tokio::time::sleep(delay.unwrap_or_default()).await;
    }

    fn next<T>(&self, pick: impl FnOnce(&mut Answers) -> Option<T>) -> Result<Response<T>, Status> {
        let answer = pick(&mut self.inner.answers.lock().unwrap());
        answer.map(Response::new).ok_or_else(|| Status::unavailable("nothing is written for this call"))
    }
}

/// Files over plain HTTP.
async fn http(State(script): State<Script>, request: HttpRequest) -> HttpResponse {
    let [token, name, size] = ["authorization", "x-rookery-name", "content-length"].map(|name| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    });
    assert_eq!(token, "Bearer token");
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    if method == Method::GET {
        script.note("get", path.clone());
        let file = script.inner.answers.lock().unwrap().files.get(&path).cloned();
        tokio::time::sleep(Duration::from_millis(50)).await;
        return file.map_or(StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response);
    }
    assert_eq!((method, path.as_str()), (Method::POST, "/media"));
    let upload = script.inner.answers.lock().unwrap().uploads.pop_front();
    let upload = upload.unwrap_or(Upload::Refused(503, None, ""));
    let most = match upload {
        Upload::Cut(most) | Upload::Hangs(most) => most,
        Upload::Kept(_) | Upload::Refused(..) => usize::MAX,
    };
    let (mut body, mut content) = (request.into_body().into_data_stream(), Vec::new());
    while content.len() < most
        && let Some(Ok(bytes)) = body.next().await
    {
        content.extend_from_slice(&bytes);
    }
    let text = String::from_utf8_lossy(&content[..content.len().min(10)]).into_owned();
    script.note("upload", format!("{name} {size} {text}"));
    match upload {
        Upload::Kept(number) => {
            assert_eq!(content.len().to_string(), size);
            format!(r#"{{"id":"{}","kind":"MEDIA_KIND_FILE","size":"{size}"}}"#, media_id(number)).into_response()
        }
        Upload::Refused(status, after, words) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), words).into_response();
            response.headers_mut().extend(after.map(|after| (RETRY_AFTER, after.into())));
            response
        }
        Upload::Cut(_) => {
            Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))])).into_response()
        }
        Upload::Hangs(_) => std::future::pending().await,
    }
}

/// A call that no test needs an answer to.
macro_rules! silent {
    ($($method:ident: $request:ident -> $response:ident,)*) => {$(
        fn $method<'life, 'wait>(
            &'life self,
            request: Request<v1::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<v1::$response>, Status>> + Send + 'wait>>
        where
            'life: 'wait,
        {
            self.note(stringify!($method), format!("{:?}", request.into_inner()));
            Box::pin(async {
                self.delay(stringify!($method)).await;
                Ok(Response::new(v1::$response::default()))
            })
        }
    )*};
}

#[tonic::async_trait]
impl events::EventService for Script {
    type SubscribeStream = ReceiverStream<Result<v1::SubscribeResponse, Status>>;

    async fn subscribe(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let (out, stream) = mpsc::channel(100);
        let opened = Stream { request: request.into_inner(), out };
        self.inner.streams.send(opened).map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    silent! {
        send_typing: SendTypingRequest -> SendTypingResponse,
        set_activity: SetActivityRequest -> SetActivityResponse,
        set_view: SetViewRequest -> SetViewResponse,
    }
}

#[tonic::async_trait]
impl messages::MessageService for Script {
    async fn send_message(
        &self,
        request: Request<v1::SendMessageRequest>,
    ) -> Result<Response<v1::SendMessageResponse>, Status> {
        let request = request.into_inner();
        let media_ids = request.media_ids.iter().map(|id| format!(" {}", &id[..2]));
        self.note("send_message", format!("{} {}{}", request.request_id, request.text, media_ids.collect::<String>()));
        let answer = self.next(|answers| answers.sends.pop_front())?.into_inner();
        answer.map(Response::new)
    }

    async fn list_messages(
        &self,
        request: Request<v1::ListMessagesRequest>,
    ) -> Result<Response<v1::ListMessagesResponse>, Status> {
        self.note("list_messages", format!("{:?}", request.into_inner()));
        let answer = self.next(|answers| answers.pages.pop_front());
        self.delay("list_messages").await;
        answer
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        self.note("list_changes", request.into_inner().after.to_string());
        let answer = self.next(|answers| answers.changes.pop_front());
        self.delay("list_changes").await;
        answer
    }

    async fn get_message(
        &self,
        request: Request<v1::GetMessageRequest>,
    ) -> Result<Response<v1::GetMessageResponse>, Status> {
        self.note("get_message", request.into_inner().id.to_string());
        let answer = self.next(|answers| answers.quotes.pop_front());
        self.delay("get_message").await;
        answer
    }

    silent! {
        edit_message: EditMessageRequest -> EditMessageResponse,
        delete_message: DeleteMessageRequest -> DeleteMessageResponse,
        add_reaction: AddReactionRequest -> AddReactionResponse,
        remove_reaction: RemoveReactionRequest -> RemoveReactionResponse,
        list_reactions: ListReactionsRequest -> ListReactionsResponse,
        pin_message: PinMessageRequest -> PinMessageResponse,
        unpin_message: UnpinMessageRequest -> UnpinMessageResponse,
        list_pins: ListPinsRequest -> ListPinsResponse,
        search_messages: SearchMessagesRequest -> SearchMessagesResponse,
        mark_read: MarkReadRequest -> MarkReadResponse,
        mark_unread: MarkUnreadRequest -> MarkUnreadResponse,
    }
}

#[tonic::async_trait]
impl conversations::ConversationService for Script {
    async fn get_conversation(
        &self,
        request: Request<v1::GetConversationRequest>,
    ) -> Result<Response<v1::GetConversationResponse>, Status> {
        self.note("get_conversation", request.into_inner().conversation_id.to_string());
        let answer = self.next(|answers| answers.conversations.pop_front());
        self.delay("get_conversation").await;
        answer
    }

    silent! {
        list_conversations: ListConversationsRequest -> ListConversationsResponse,
        open_direct: OpenDirectRequest -> OpenDirectResponse,
        create_group: CreateGroupRequest -> CreateGroupResponse,
        update_group: UpdateGroupRequest -> UpdateGroupResponse,
        list_public_groups: ListPublicGroupsRequest -> ListPublicGroupsResponse,
        join_group: JoinGroupRequest -> JoinGroupResponse,
        create_invite: CreateInviteRequest -> CreateInviteResponse,
        add_members: AddMembersRequest -> AddMembersResponse,
        remove_member: RemoveMemberRequest -> RemoveMemberResponse,
        leave_group: LeaveGroupRequest -> LeaveGroupResponse,
        list_members: ListMembersRequest -> ListMembersResponse,
        list_invites: ListInvitesRequest -> ListInvitesResponse,
        revoke_invite: RevokeInviteRequest -> RevokeInviteResponse,
        transfer_ownership: TransferOwnershipRequest -> TransferOwnershipResponse,
        update_membership: UpdateMembershipRequest -> UpdateMembershipResponse,
    }
}

#[tonic::async_trait]
impl users::UserService for Script {
    silent! {
        get_user: GetUserRequest -> GetUserResponse,
        get_users: GetUsersRequest -> GetUsersResponse,
        list_users: ListUsersRequest -> ListUsersResponse,
        update_profile: UpdateProfileRequest -> UpdateProfileResponse,
        set_status: SetStatusRequest -> SetStatusResponse,
        block_user: BlockUserRequest -> BlockUserResponse,
        unblock_user: UnblockUserRequest -> UnblockUserResponse,
        list_blocked: ListBlockedRequest -> ListBlockedResponse,
    }
}

#[tonic::async_trait]
impl media::MediaService for Script {
    silent! {
        upload_media: UploadMediaRequest -> UploadMediaResponse,
        get_media: GetMediaRequest -> GetMediaResponse,
    }
}

#[tonic::async_trait]
impl gifs::GifService for Script {
    async fn save_gif(&self, request: Request<v1::SaveGifRequest>) -> Result<Response<v1::SaveGifResponse>, Status> {
        self.note("save_gif", request.into_inner().gif_id);
        let answer = self.next(|answers| answers.saved_gifs.pop_front())?.into_inner();
        answer.map(Response::new)
    }

    silent! {
        search_gifs: SearchGifsRequest -> SearchGifsResponse,
        list_trending_gifs: ListTrendingGifsRequest -> ListTrendingGifsResponse,
        list_gif_categories: ListGifCategoriesRequest -> ListGifCategoriesResponse,
        add_favorite_gif: AddFavoriteGifRequest -> AddFavoriteGifResponse,
        remove_favorite_gif: RemoveFavoriteGifRequest -> RemoveFavoriteGifResponse,
        list_favorite_gifs: ListFavoriteGifsRequest -> ListFavoriteGifsResponse,
    }
}
