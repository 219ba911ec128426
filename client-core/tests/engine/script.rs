//! A server that says exactly what a test wants: its streams and its answers are given by hand.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rookery_client::v1::{
    self, conversation_service_server as conversations, event::Kind, event_service_server as events,
    message_service_server as messages, user_service_server as users,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

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
    /// How long pages are on their way.
    pub page_delay: Duration,
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
        let server = tonic::transport::Server::builder()
            .add_service(events::EventServiceServer::new(script.clone()))
            .add_service(messages::MessageServiceServer::new(script.clone()))
            .add_service(conversations::ConversationServiceServer::new(script.clone()))
            .add_service(users::UserServiceServer::new(script.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        let task = tokio::spawn(async move { server.await.unwrap() });
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

    fn next<T>(&self, pick: impl FnOnce(&mut Answers) -> Option<T>) -> Result<Response<T>, Status> {
        let answer = pick(&mut self.inner.answers.lock().unwrap());
        answer.map(Response::new).ok_or_else(|| Status::unavailable("nothing is written for this call"))
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
            Box::pin(async { Ok(Response::new(v1::$response::default())) })
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
        self.note("send_message", format!("{} {}", request.request_id, request.text));
        let answer = self.next(|answers| answers.sends.pop_front())?.into_inner();
        answer.map(Response::new)
    }

    async fn list_messages(
        &self,
        request: Request<v1::ListMessagesRequest>,
    ) -> Result<Response<v1::ListMessagesResponse>, Status> {
        self.note("list_messages", format!("{:?}", request.into_inner()));
        let answer = self.next(|answers| answers.pages.pop_front());
        let delay = self.inner.answers.lock().unwrap().page_delay;
        tokio::time::sleep(delay).await;
        answer
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        self.note("list_changes", request.into_inner().after.to_string());
        self.next(|answers| answers.changes.pop_front())
    }

    silent! {
        edit_message: EditMessageRequest -> EditMessageResponse,
        delete_message: DeleteMessageRequest -> DeleteMessageResponse,
        get_message: GetMessageRequest -> GetMessageResponse,
        add_reaction: AddReactionRequest -> AddReactionResponse,
        remove_reaction: RemoveReactionRequest -> RemoveReactionResponse,
        list_reactions: ListReactionsRequest -> ListReactionsResponse,
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
        self.next(|answers| answers.conversations.pop_front())
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
    }
}
