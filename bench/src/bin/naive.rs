//! The naive server: what one writes first. tonic and tokio's broadcast, a clone and an encoding for each reader, nothing
//! stored, no rights checked. Speaks as much of the protocol as the load generator needs.

use std::{
    collections::HashMap,
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, routing::post};
use futures::{Stream, StreamExt, stream};
use rookery_api::v1::{self, event::Kind};
use tokio::sync::broadcast;
use tonic::{Request, Response, Status, body::Body, metadata::MetadataMap, server::Grpc, service::Routes};
use tonic_prost::ProstCodec;
use tower::service_fn;

const GLOBAL: i64 = 1;

struct Room {
    position: i64,
    members: Vec<i64>,
    events: broadcast::Sender<v1::SubscribeResponse>,
}

impl Room {
    fn new(members: Vec<i64>) -> Self {
        Self { position: 0, members, events: broadcast::channel(4096).0 }
    }
}

#[derive(Default)]
struct State {
    rooms: HashMap<i64, Room>,
    users: i64,
}

#[derive(Clone, Default)]
struct Naive(Arc<Mutex<State>>);

type Events = std::pin::Pin<Box<dyn Stream<Item = Result<v1::SubscribeResponse, Status>> + Send>>;

impl Naive {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, name: String) -> v1::RegisterResponse {
        let mut state = self.lock();
        state.users += 1;
        let user = v1::User { id: state.users, display_name: name.clone(), name, ..Default::default() };
        v1::RegisterResponse { token: state.users.to_string(), user: Some(user) }
    }

    fn open_direct(&self, caller: i64, other: i64) -> v1::OpenDirectResponse {
        let (low, high) = (caller.min(other), caller.max(other));
        let id = low * 1_000_000 + high;
        self.lock().rooms.entry(id).or_insert_with(|| Room::new(vec![low, high]));
        let conversation = v1::Conversation { id, direct_user_ids: vec![low, high], ..Default::default() };
        v1::OpenDirectResponse { conversation: Some(conversation) }
    }

    fn send(&self, author_id: i64, request: v1::SendMessageRequest) -> Result<v1::SendMessageResponse, Status> {
        let mut state = self.lock();
        let room = state.rooms.get_mut(&request.conversation_id).ok_or_else(|| Status::not_found("conversation"))?;
        room.position += 1;
        let message = v1::Message {
            conversation_id: request.conversation_id,
            id: room.position,
            changed: room.position,
            author_id,
            text: request.text,
            // A real time is twelve bytes; any will do.
            created_at: Some(prost_types::Timestamp { seconds: 1_800_000_000, nanos: 123_000_000 }),
            request_id: request.request_id,
            ..Default::default()
        };
        let changed = v1::MessageChanged { message: Some(message.clone()) };
        // Nobody listens: nobody has to be told.
        let _ = room.events.send(event(request.conversation_id, room.position, Kind::MessageChanged(changed)));
        Ok(v1::SendMessageResponse { message: Some(message) })
    }

    fn subscribe(&self, caller: i64) -> Events {
        let state = self.lock();
        let rooms = state.rooms.iter().filter(|(id, room)| **id == GLOBAL || room.members.contains(&caller));
        let mut live: Vec<_> = rooms
            .map(|(_, room)| {
                let next = |mut events: broadcast::Receiver<_>| async {
                    match events.recv().await {
                        Ok(event) => Some((Ok(event), events)),
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            Some((Err(Status::resource_exhausted("too slow")), events))
                        }
                        Err(broadcast::error::RecvError::Closed) => None,
                    }
                };
                stream::unfold(room.events.subscribe(), next).boxed()
            })
            .collect();
        let first = [Kind::Ready(v1::Ready::default()), Kind::CaughtUp(v1::CaughtUp {})];
        let first = stream::iter(first.map(|kind| Ok(event(0, 0, kind))));
        // One room needs no merging, which is not free.
        match (live.len(), live.pop()) {
            (1, Some(room)) => Box::pin(first.chain(room)),
            (_, last) => Box::pin(first.chain(stream::select_all(live.into_iter().chain(last)))),
        }
    }
}

fn event(conversation_id: i64, position: i64, kind: Kind) -> v1::SubscribeResponse {
    let event = Some(v1::Event { kind: Some(kind) });
    v1::SubscribeResponse { conversation_id, after: (position - 1).max(0), position, event }
}

fn caller(metadata: &MetadataMap) -> Result<i64, Status> {
    let token = metadata.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    token.and_then(|token| token.parse().ok()).ok_or_else(|| Status::unauthenticated("no token"))
}

/// A route for one unary method.
macro_rules! unary {
    ($naive:expr, |$state:ident, $caller:ident, $request:ident: $Request:ty| $answer:expr) => {{
        let naive = $naive.clone();
        post(move |request: http::Request<axum::body::Body>| async move {
            let service = service_fn(move |request: Request<$Request>| {
                let $state = naive.clone();
                async move {
                    let $caller = caller(request.metadata()).unwrap_or(0);
                    let $request = request.into_inner();
                    Ok::<_, Status>(Response::new($answer))
                }
            });
            Grpc::new(ProstCodec::default()).unary(service, request.map(Body::new)).await
        })
    }};
}

fn routes(naive: &Naive) -> Router {
    let streams = naive.clone();
    let subscribe = post(move |request: http::Request<axum::body::Body>| async move {
        let service = service_fn(move |request: Request<v1::SubscribeRequest>| {
            let naive = streams.clone();
            async move { Ok::<_, Status>(Response::new(naive.subscribe(caller(request.metadata())?))) }
        });
        Grpc::new(ProstCodec::default()).server_streaming(service, request.map(Body::new)).await
    });
    let register = unary!(naive, |naive, _caller, request: v1::RegisterRequest| naive.register(request.name));
    let open =
        unary!(naive, |naive, caller, request: v1::OpenDirectRequest| naive.open_direct(caller, request.user_id));
    let send = unary!(naive, |naive, caller, request: v1::SendMessageRequest| naive.send(caller, request)?);
    let mark = unary!(naive, |_naive, _caller, request: v1::MarkReadRequest| v1::MarkReadResponse {
        read_position: request.id,
        unread: 0,
        unread_mentions: 0,
    });
    Router::new()
        .route("/rookery.v1.AccountService/Register", register)
        .route("/rookery.v1.ConversationService/OpenDirect", open)
        .route("/rookery.v1.MessageService/SendMessage", send)
        .route("/rookery.v1.MessageService/MarkRead", mark)
        .route("/rookery.v1.EventService/Subscribe", subscribe)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Ends with the program that started it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let naive = Naive::default();
    naive.lock().rooms.insert(GLOBAL, Room::new(Vec::new()));
    let incoming = tonic::transport::server::TcpIncoming::bind("127.0.0.1:0".parse()?)?.with_nodelay(Some(true));
    println!("The naive server is ready: http://{}", incoming.local_addr()?);
    tonic::transport::Server::builder().add_routes(Routes::from(routes(&naive))).serve_with_incoming(incoming).await?;
    Ok(())
}
