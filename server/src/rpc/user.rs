//! UserService.

use rookery_api::v1::{
    BlockUserRequest, BlockUserResponse, GetUserRequest, GetUserResponse, GetUsersRequest, GetUsersResponse,
    ListBlockedRequest, ListBlockedResponse, ListUsersRequest, ListUsersResponse, SetStatusRequest, SetStatusResponse,
    TokenScope, UnblockUserRequest, UnblockUserResponse, UpdateProfileRequest, UpdateProfileResponse,
    user_service_server::UserService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::{block, user};

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let (user, presence) = user::get(&self.ctx, &caller, request.into_inner().user_id).await?;
        Ok(Response::new(GetUserResponse { user: Some(user), presence: Some(presence) }))
    }

    async fn get_users(&self, request: Request<GetUsersRequest>) -> Result<Response<GetUsersResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let (users, presences) = user::get_many(&self.ctx, &caller, &request.into_inner().user_ids).await?;
        Ok(Response::new(GetUsersResponse { users, presences }))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        Ok(Response::new(user::list(&self.ctx, &caller, &request.into_inner()).await?))
    }

    async fn update_profile(
        &self,
        request: Request<UpdateProfileRequest>,
    ) -> Result<Response<UpdateProfileResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let user = user::update(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(UpdateProfileResponse { user: Some(user) }))
    }

    async fn set_status(&self, request: Request<SetStatusRequest>) -> Result<Response<SetStatusResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        let status = user::set_status(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(SetStatusResponse { status: Some(status) }))
    }

    async fn block_user(&self, request: Request<BlockUserRequest>) -> Result<Response<BlockUserResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        block::add(&self.ctx, &caller, request.into_inner().user_id).await?;
        Ok(Response::new(BlockUserResponse {}))
    }

    async fn unblock_user(
        &self,
        request: Request<UnblockUserRequest>,
    ) -> Result<Response<UnblockUserResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        block::remove(&self.ctx, &caller, request.into_inner().user_id).await?;
        Ok(Response::new(UnblockUserResponse {}))
    }

    async fn list_blocked(
        &self,
        request: Request<ListBlockedRequest>,
    ) -> Result<Response<ListBlockedResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        Ok(Response::new(block::list(&self.ctx, &caller, &request.into_inner()).await?))
    }
}
