//! EventService. Subscribe is answered by `frame`, which hands the hub's bytes on as they are; the stream of messages here
//! is the same thing by tonic's own means, kept to measure the one against the other.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use prost::Message;
use rookery_api::v1::{
    SendTypingRequest, SendTypingResponse, SetActivityRequest, SetActivityResponse, SetViewRequest, SetViewResponse,
    SubscribeRequest, SubscribeResponse, TokenScope, event_service_server::EventService,
};
use tonic::{Request, Response, Status};

use super::{Rpc, frame::Reader};
use crate::domain::{Error, event};

#[tonic::async_trait]
impl EventService for Rpc {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let session = event::subscribe(&self.ctx, &caller, request.into_inner()).await?;
        let frames = Reader::new(self.ctx.clone(), session);
        let messages = frames.flat_map(|frames| stream::iter(messages(frames)));
        Ok(Response::new(Box::pin(messages)))
    }

    async fn send_typing(&self, request: Request<SendTypingRequest>) -> Result<Response<SendTypingResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        event::typing(&self.ctx, &caller, request.conversation_id, request.stopped).await?;
        Ok(Response::new(SendTypingResponse {}))
    }

    async fn set_activity(
        &self,
        request: Request<SetActivityRequest>,
    ) -> Result<Response<SetActivityResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        event::set_activity(&self.ctx, &caller, &request.session_id, request.idle)?;
        Ok(Response::new(SetActivityResponse {}))
    }

    async fn set_view(&self, request: Request<SetViewRequest>) -> Result<Response<SetViewResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        event::set_view(&self.ctx, &caller, &request.session_id, &request.conversation_ids)?;
        Ok(Response::new(SetViewResponse {}))
    }
}

/// Takes frames apart again.
fn messages(frames: Result<bytes::Bytes, Status>) -> Vec<Result<SubscribeResponse, Status>> {
    let mut rest = match frames {
        Ok(frames) => frames,
        Err(status) => return vec![Err(status)],
    };
    let mut messages = Vec::new();
    while rest.len() >= 5 {
        let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
        let frame = rest.split_to((5 + length).min(rest.len()));
        messages.push(SubscribeResponse::decode(frame.slice(5..)).map_err(|_| broken()));
    }
    messages
}

fn broken() -> Status {
    Error::Internal("a frame of the hub's could not be decoded".into()).into()
}
