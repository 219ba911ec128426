//! AccountService.

use rookery_api::v1::{
    self, RegisterRequest, RegisterResponse, SignInRequest, SignInResponse, SignOutRequest, SignOutResponse,
    account_service_server::AccountService,
};
use tonic::{Request, Response, Status};

use super::{
    Rpc, auth,
    browser::{self, Browser},
};
use crate::domain::account;

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        let browser = request.get_ref().browser.then(|| browser::of(&request).unwrap_or(Browser::STRICT));
        let account::SignedIn { token, user } = account::register(&self.ctx, request.into_inner()).await?;
        let mut response = Response::new(RegisterResponse { token: String::new(), user: Some(user) });
        match browser {
            Some(browser) => browser.sign_in(&mut response, &token),
            None => response.get_mut().token = token,
        }
        Ok(response)
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let browser = request.get_ref().browser.then(|| browser::of(&request).unwrap_or(Browser::STRICT));
        let account::SignedIn { token, user } = account::sign_in(&self.ctx, request.into_inner()).await?;
        let mut response = Response::new(SignInResponse { token: String::new(), user: Some(user) });
        match browser {
            Some(browser) => browser.sign_in(&mut response, &token),
            None => response.get_mut().token = token,
        }
        Ok(response)
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        let caller = self.signed_in(&request).await?;
        account::sign_out(&self.ctx, &caller, auth::token(request.metadata().as_ref())?).await?;
        let mut response = Response::new(SignOutResponse {});
        if let Some(browser) = browser::of(&request) {
            browser.sign_out(&mut response);
        }
        Ok(response)
    }
    async fn change_password(
        &self,
        request: Request<v1::ChangePasswordRequest>,
    ) -> Result<Response<v1::ChangePasswordResponse>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }

    async fn revoke_session(
        &self,
        request: Request<v1::RevokeSessionRequest>,
    ) -> Result<Response<v1::RevokeSessionResponse>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }

    async fn delete_account(
        &self,
        request: Request<v1::DeleteAccountRequest>,
    ) -> Result<Response<v1::DeleteAccountResponse>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }

    type ExportAccountStream = futures::stream::Empty<Result<v1::ExportAccountResponse, Status>>;

    async fn export_account(
        &self,
        request: Request<v1::ExportAccountRequest>,
    ) -> Result<Response<Self::ExportAccountStream>, Status> {
        self.person(&request).await?;
        Err(super::status::unimplemented())
    }
}
