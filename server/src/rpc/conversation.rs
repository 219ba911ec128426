//! ConversationService.

use rookery_api::v1::{
    AddMembersRequest, AddMembersResponse, CreateGroupRequest, CreateGroupResponse, CreateInviteRequest,
    CreateInviteResponse, GetConversationRequest, GetConversationResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, LeaveGroupResponse, ListConversationsRequest, ListConversationsResponse, ListInvitesRequest,
    ListInvitesResponse, ListMembersRequest, ListMembersResponse, ListPublicGroupsRequest, ListPublicGroupsResponse,
    OpenDirectRequest, OpenDirectResponse, RemoveMemberRequest, RemoveMemberResponse, RevokeInviteRequest,
    RevokeInviteResponse, TokenScope, TransferOwnershipRequest, TransferOwnershipResponse, UpdateGroupRequest,
    UpdateGroupResponse, UpdateMembershipRequest, UpdateMembershipResponse,
    conversation_service_server::ConversationService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::{conversation, group, invite, membership};

#[tonic::async_trait]
impl ConversationService for Rpc {
    async fn list_conversations(
        &self,
        request: Request<ListConversationsRequest>,
    ) -> Result<Response<ListConversationsResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(conversation::list(&self.ctx, &caller, &request).await?))
    }

    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(conversation::get_with_users(&self.ctx, &caller, request.conversation_id).await?))
    }

    async fn open_direct(&self, request: Request<OpenDirectRequest>) -> Result<Response<OpenDirectResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let request = request.into_inner();
        let conversation = conversation::open_direct(&self.ctx, &caller, request.user_id).await?;
        Ok(Response::new(OpenDirectResponse { conversation: Some(conversation) }))
    }

    async fn create_group(
        &self,
        request: Request<CreateGroupRequest>,
    ) -> Result<Response<CreateGroupResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let conversation = group::create(&self.ctx, &caller, request).await?;
        Ok(Response::new(CreateGroupResponse { conversation: Some(conversation) }))
    }

    async fn update_group(
        &self,
        request: Request<UpdateGroupRequest>,
    ) -> Result<Response<UpdateGroupResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let conversation = group::update(&self.ctx, &caller, request).await?;
        Ok(Response::new(UpdateGroupResponse { conversation: Some(conversation) }))
    }

    async fn list_public_groups(
        &self,
        request: Request<ListPublicGroupsRequest>,
    ) -> Result<Response<ListPublicGroupsResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(group::list_public(&self.ctx, &caller, &request).await?))
    }

    async fn join_group(&self, request: Request<JoinGroupRequest>) -> Result<Response<JoinGroupResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let conversation = membership::join(&self.ctx, &caller, request).await?;
        Ok(Response::new(JoinGroupResponse { conversation: Some(conversation) }))
    }

    async fn create_invite(
        &self,
        request: Request<CreateInviteRequest>,
    ) -> Result<Response<CreateInviteResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let invite = invite::create(&self.ctx, &caller, &request).await?;
        Ok(Response::new(CreateInviteResponse { invite: Some(invite) }))
    }

    async fn add_members(&self, request: Request<AddMembersRequest>) -> Result<Response<AddMembersResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let conversation = membership::add(&self.ctx, &caller, &request).await?;
        Ok(Response::new(AddMembersResponse { conversation: Some(conversation) }))
    }

    async fn remove_member(
        &self,
        request: Request<RemoveMemberRequest>,
    ) -> Result<Response<RemoveMemberResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        membership::remove(&self.ctx, &caller, &request).await?;
        Ok(Response::new(RemoveMemberResponse {}))
    }

    async fn leave_group(&self, request: Request<LeaveGroupRequest>) -> Result<Response<LeaveGroupResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        membership::leave(&self.ctx, &caller, &request).await?;
        Ok(Response::new(LeaveGroupResponse {}))
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(conversation::members(&self.ctx, &caller, &request).await?))
    }

    async fn list_invites(
        &self,
        request: Request<ListInvitesRequest>,
    ) -> Result<Response<ListInvitesResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let request = request.into_inner();
        Ok(Response::new(invite::list(&self.ctx, &caller, &request).await?))
    }

    async fn revoke_invite(
        &self,
        request: Request<RevokeInviteRequest>,
    ) -> Result<Response<RevokeInviteResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        invite::revoke(&self.ctx, &caller, request).await?;
        Ok(Response::new(RevokeInviteResponse {}))
    }

    async fn transfer_ownership(
        &self,
        request: Request<TransferOwnershipRequest>,
    ) -> Result<Response<TransferOwnershipResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let conversation = group::transfer(&self.ctx, &caller, &request).await?;
        Ok(Response::new(TransferOwnershipResponse { conversation: Some(conversation) }))
    }

    async fn update_membership(
        &self,
        request: Request<UpdateMembershipRequest>,
    ) -> Result<Response<UpdateMembershipResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let request = request.into_inner();
        let mine = membership::update(&self.ctx, &caller, &request).await?;
        Ok(Response::new(UpdateMembershipResponse { mine: Some(mine) }))
    }
}
