//! Subscribe's answer as a body of its own: the hub's frames go to the wire as they are, without being decoded and encoded
//! for each reader. Parsing, authentication and errors are as everywhere.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use futures::Stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prost::Message;
use rookery_api::v1::{SubscribeRequest, TokenScope, event_service_server};
use tonic::{Status, body::Body, server::NamedService};
use tower::Service;

use super::{LARGEST_MESSAGE, Rpc, auth, rate, status};
use crate::{
    domain::{Ctx, event},
    hub::Session,
};

/// What a stream's reader takes from it. When it goes, the hub forgets the stream.
pub(super) struct Reader {
    ctx: Arc<Ctx>,
    session: Arc<Session>,
    ended: bool,
}

impl Reader {
    pub(super) fn new(ctx: Arc<Ctx>, session: Arc<Session>) -> Self {
        Self { ctx, session, ended: false }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.session.end(crate::hub::Ending::Gone);
        self.ctx.hub.forget(&self.session);
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match self.session.poll_next(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(frames)) => Poll::Ready(Some(Ok(frames))),
            Poll::Ready(Err(ending)) => {
                self.ended = true;
                Poll::Ready(Some(Err(status::ending(ending))))
            }
        }
    }
}

/// A reader as the body of an HTTP answer: frames, then the status as trailers.
struct FrameBody(Reader);

impl http_body::Body for FrameBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match std::task::ready!(Pin::new(&mut self.0).poll_next(cx)) {
            None => Poll::Ready(None),
            Some(Ok(frames)) => Poll::Ready(Some(Ok(Frame::data(frames)))),
            Some(Err(status)) => {
                let mut trailers = http::HeaderMap::new();
                Poll::Ready(match status.add_header(&mut trailers) {
                    Ok(()) => Some(Ok(Frame::trailers(trailers))),
                    Err(status) => Some(Err(status)),
                })
            }
        }
    }
}

type EventServer = event_service_server::EventServiceServer<Rpc>;

/// EventService with Subscribe answered by frames.
#[derive(Clone)]
pub(super) struct Streams {
    others: EventServer,
    ctx: Arc<Ctx>,
    /// Leave Subscribe to tonic too.
    plain: bool,
}

const SUBSCRIBE: &str = "/rookery.v1.EventService/Subscribe";

impl Streams {
    pub(super) fn new(others: EventServer, ctx: Arc<Ctx>, plain: bool) -> Self {
        Self { others, ctx, plain }
    }
}

impl NamedService for Streams {
    const NAME: &'static str = EventServer::NAME;
}

impl Service<Request<Body>> for Streams {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if self.plain || request.uri().path() != SUBSCRIBE {
            return Box::pin(self.others.call(request));
        }
        let ctx = self.ctx.clone();
        Box::pin(async move { Ok(subscribe(ctx, request).await.unwrap_or_else(Status::into_http)) })
    }
}

async fn subscribe(ctx: Arc<Ctx>, request: Request<Body>) -> Result<Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let caller = auth::caller_of(&ctx, &head.headers, &head.extensions, TokenScope::Read).await?;
    rate::charge(&ctx, &caller, &head.extensions)?;
    let bytes = Limited::new(body, LARGEST_MESSAGE).collect().await.map_err(incomplete)?.to_bytes();
    let session = event::subscribe(&ctx, &caller, decode(bytes)?).await?;
    let mut response = Response::new(Body::new(FrameBody(Reader::new(ctx, session))));
    response.headers_mut().insert(http::header::CONTENT_TYPE, tonic::metadata::GRPC_CONTENT_TYPE);
    Ok(response)
}

fn incomplete(error: Box<dyn std::error::Error + Send + Sync>) -> Status {
    if error.is::<LengthLimitError>() { status::too_large() } else { status::incomplete() }
}

/// The one message of a request: a prefix of five bytes, then the message. Compression was never offered.
fn decode(mut bytes: Bytes) -> Result<SubscribeRequest, Status> {
    if bytes.len() < 5 {
        return Err(status::undecodable());
    }
    let compressed = bytes.get_u8() != 0;
    let length = bytes.get_u32() as usize;
    if compressed {
        return Err(status::unimplemented());
    }
    if length != bytes.len() {
        return Err(status::undecodable());
    }
    SubscribeRequest::decode(bytes).map_err(|_| status::undecodable())
}
