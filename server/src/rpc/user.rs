//! UserService.

use rookery_api::v1::{
    GetUserRequest, GetUserResponse, GetUsersRequest, GetUsersResponse, ListUsersRequest, ListUsersResponse,
    SetStatusRequest, SetStatusResponse, UpdateProfileRequest, UpdateProfileResponse, user_service_server::UserService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::user;

#[tonic::async_trait]
impl UserService for Rpc {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let caller = self.caller(&request).await?;
        let (user, presence) = user::get(&self.ctx, &caller, request.into_inner().user_id).await?;
        Ok(Response::new(GetUserResponse { user: Some(user), presence: Some(presence) }))
    }

    async fn get_users(&self, request: Request<GetUsersRequest>) -> Result<Response<GetUsersResponse>, Status> {
        self.caller(&request).await?;
        let (users, presences) = user::get_many(&self.ctx, &request.into_inner().user_ids).await?;
        Ok(Response::new(GetUsersResponse { users, presences }))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        self.caller(&request).await?;
        Ok(Response::new(user::list(&self.ctx, &request.into_inner()).await?))
    }

    async fn update_profile(
        &self,
        request: Request<UpdateProfileRequest>,
    ) -> Result<Response<UpdateProfileResponse>, Status> {
        let caller = self.caller(&request).await?;
        let user = user::update(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(UpdateProfileResponse { user: Some(user) }))
    }

    async fn set_status(&self, request: Request<SetStatusRequest>) -> Result<Response<SetStatusResponse>, Status> {
        let caller = self.caller(&request).await?;
        let status = user::set_status(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(SetStatusResponse { status: Some(status) }))
    }
}
