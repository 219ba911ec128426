//! AccountService.

use rookery_api::v1::{
    RegisterRequest, RegisterResponse, SignInRequest, SignInResponse, SignOutRequest, SignOutResponse,
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
        let caller = self.caller(&request).await?;
        account::sign_out(&self.ctx, &caller, auth::token(request.metadata().as_ref())?).await?;
        let mut response = Response::new(SignOutResponse {});
        if let Some(browser) = browser::of(&request) {
            browser.sign_out(&mut response);
        }
        Ok(response)
    }
}
