//! AccountService.

use rookery_api::v1::{
    RegisterRequest, RegisterResponse, SignInRequest, SignInResponse, SignOutRequest, SignOutResponse,
    account_service_server::AccountService,
};
use tonic::{Request, Response, Status};

use super::{Rpc, auth};
use crate::domain::account;

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        let account::SignedIn { token, user } = account::register(&self.ctx, request.into_inner()).await?;
        Ok(Response::new(RegisterResponse { token, user: Some(user) }))
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let account::SignedIn { token, user } = account::sign_in(&self.ctx, request.into_inner()).await?;
        Ok(Response::new(SignInResponse { token, user: Some(user) }))
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        let caller = self.caller(&request).await?;
        account::sign_out(&self.ctx, &caller, auth::token(request.metadata())?).await?;
        Ok(Response::new(SignOutResponse {}))
    }
}
