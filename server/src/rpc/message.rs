//! MessageService.

use rookery_api::v1::{
    self, AddReactionRequest, AddReactionResponse, DeleteMessageRequest, DeleteMessageResponse, EditMessageRequest,
    EditMessageResponse, GetMessageRequest, GetMessageResponse, ListChangesRequest, ListChangesResponse,
    ListMessagesRequest, ListMessagesResponse, ListPinsRequest, ListPinsResponse, ListReactionsRequest,
    ListReactionsResponse, MarkReadRequest, MarkReadResponse, MarkUnreadRequest, MarkUnreadResponse, PinMessageRequest,
    PinMessageResponse, RemoveReactionRequest, RemoveReactionResponse, SendMessageRequest, SendMessageResponse,
    TokenScope, UnpinMessageRequest, UnpinMessageResponse, message_service_server::MessageService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::{message, pin, reaction, read, search};

#[tonic::async_trait]
impl MessageService for Rpc {
    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let message = message::send(&self.ctx, &caller, request).await?;
        Ok(Response::new(SendMessageResponse { message: Some(message) }))
    }

    async fn edit_message(
        &self,
        request: Request<EditMessageRequest>,
    ) -> Result<Response<EditMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let message = message::edit(&self.ctx, &caller, request).await?;
        Ok(Response::new(EditMessageResponse { message: Some(message) }))
    }

    async fn delete_message(
        &self,
        request: Request<DeleteMessageRequest>,
    ) -> Result<Response<DeleteMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let message = message::delete(&self.ctx, &caller, &request).await?;
        Ok(Response::new(DeleteMessageResponse { message: Some(message) }))
    }

    async fn get_message(&self, request: Request<GetMessageRequest>) -> Result<Response<GetMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(message::get(&self.ctx, &caller, &request).await?))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(message::list(&self.ctx, &caller, &request).await?))
    }

    async fn list_changes(
        &self,
        request: Request<ListChangesRequest>,
    ) -> Result<Response<ListChangesResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(message::changes(&self.ctx, &caller, &request).await?))
    }

    async fn add_reaction(
        &self,
        request: Request<AddReactionRequest>,
    ) -> Result<Response<AddReactionResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let at = (request.conversation_id, request.id);
        let message = reaction::react(&self.ctx, &caller, at, request.emote, true).await?;
        Ok(Response::new(AddReactionResponse { message: Some(message) }))
    }

    async fn remove_reaction(
        &self,
        request: Request<RemoveReactionRequest>,
    ) -> Result<Response<RemoveReactionResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let at = (request.conversation_id, request.id);
        let message = reaction::react(&self.ctx, &caller, at, request.emote, false).await?;
        Ok(Response::new(RemoveReactionResponse { message: Some(message) }))
    }

    async fn list_reactions(
        &self,
        request: Request<ListReactionsRequest>,
    ) -> Result<Response<ListReactionsResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(reaction::list(&self.ctx, &caller, &request).await?))
    }

    async fn mark_read(&self, request: Request<MarkReadRequest>) -> Result<Response<MarkReadResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let read = read::mark_read(&self.ctx, &caller, request.conversation_id, request.id).await?;
        let read::Read { position, unread, mentions } = read;
        Ok(Response::new(MarkReadResponse { read_position: position, unread, unread_mentions: mentions }))
    }

    async fn mark_unread(&self, request: Request<MarkUnreadRequest>) -> Result<Response<MarkUnreadResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let read = read::mark_unread(&self.ctx, &caller, request.conversation_id, request.id).await?;
        let read::Read { position, unread, mentions } = read;
        Ok(Response::new(MarkUnreadResponse { read_position: position, unread, unread_mentions: mentions }))
    }

    async fn pin_message(&self, request: Request<PinMessageRequest>) -> Result<Response<PinMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let PinMessageRequest { conversation_id, id } = request.into_inner();
        let message = pin::pin(&self.ctx, &caller, (conversation_id, id), true).await?;
        Ok(Response::new(PinMessageResponse { message: Some(message) }))
    }

    async fn unpin_message(
        &self,
        request: Request<UnpinMessageRequest>,
    ) -> Result<Response<UnpinMessageResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let UnpinMessageRequest { conversation_id, id } = request.into_inner();
        let message = pin::pin(&self.ctx, &caller, (conversation_id, id), false).await?;
        Ok(Response::new(UnpinMessageResponse { message: Some(message) }))
    }

    async fn list_pins(&self, request: Request<ListPinsRequest>) -> Result<Response<ListPinsResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(pin::list(&self.ctx, &caller, &request).await?))
    }

    async fn search_messages(
        &self,
        request: Request<v1::SearchMessagesRequest>,
    ) -> Result<Response<v1::SearchMessagesResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        Ok(Response::new(search::search(&self.ctx, &caller, request.into_inner()).await?))
    }
}
