//! AccountService.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use rookery_api::v1::{
    self, RegisterRequest, RegisterResponse, SignInRequest, SignInResponse, SignOutRequest, SignOutResponse,
    account_service_server::AccountService,
};
use tonic::{Request, Response, Status};

use super::{
    Rpc, auth,
    browser::{self, Browser},
    rate,
};
use crate::domain::{
    account, deletion,
    export::{self, Piece},
    password,
    rate::Class,
    session,
};

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        rate::charge_address(&self.ctx, request.extensions(), Class::Registrations)?;
        let browser = request.get_ref().browser.then(|| browser::of(&request).unwrap_or(Browser::STRICT));
        let notes = auth::notes(&request);
        let account::SignedIn { token, user } = account::register(&self.ctx, request.into_inner()).await?;
        notes.inspect(|notes| notes.called_by(user.id));
        let mut response = Response::new(RegisterResponse { token: String::new(), user: Some(user) });
        match browser {
            Some(browser) => browser.sign_in(&mut response, &token),
            None => response.get_mut().token = token,
        }
        Ok(response)
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        rate::charge_address(&self.ctx, request.extensions(), Class::SignIns)?;
        let browser = request.get_ref().browser.then(|| browser::of(&request).unwrap_or(Browser::STRICT));
        let notes = auth::notes(&request);
        let carried = auth::token(request.metadata().as_ref()).ok().map(str::to_owned);
        let signed_in = account::sign_in(&self.ctx, request.into_inner(), carried.as_deref()).await?;
        let account::SignedIn { token, user } = signed_in;
        notes.inspect(|notes| notes.called_by(user.id));
        let mut response = Response::new(SignInResponse { token: String::new(), user: Some(user) });
        match browser {
            Some(browser) => browser.sign_in(&mut response, &token),
            None => response.get_mut().token = token,
        }
        Ok(response)
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        let caller = self.signed_in(&request).await?;
        session::sign_out(&self.ctx, &caller).await?;
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
        let caller = self.person(&request).await?;
        password::change(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(v1::ChangePasswordResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let caller = self.person(&request).await?;
        let sessions = session::list(&self.ctx, &caller).await?;
        Ok(Response::new(v1::ListSessionsResponse { sessions }))
    }

    async fn revoke_session(
        &self,
        request: Request<v1::RevokeSessionRequest>,
    ) -> Result<Response<v1::RevokeSessionResponse>, Status> {
        let caller = self.person(&request).await?;
        let ended = session::revoke(&self.ctx, &caller, request.into_inner()).await?;
        Ok(Response::new(v1::RevokeSessionResponse { ended: i32::try_from(ended).unwrap_or(i32::MAX) }))
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let caller = self.person(&request).await?;
        let (token, session) = session::create_token(&self.ctx, &caller, request.get_ref()).await?;
        Ok(Response::new(v1::CreateTokenResponse { token, session: Some(session) }))
    }

    async fn delete_account(
        &self,
        request: Request<v1::DeleteAccountRequest>,
    ) -> Result<Response<v1::DeleteAccountResponse>, Status> {
        let caller = self.person(&request).await?;
        let browser = browser::of(&request);
        deletion::delete(&self.ctx, &caller, request.into_inner()).await?;
        let mut response = Response::new(v1::DeleteAccountResponse {});
        if let Some(browser) = browser {
            browser.sign_out(&mut response);
        }
        Ok(response)
    }

    type ExportAccountStream = Pin<Box<dyn Stream<Item = Result<v1::ExportAccountResponse, Status>> + Send>>;

    async fn export_account(
        &self,
        request: Request<v1::ExportAccountRequest>,
    ) -> Result<Response<Self::ExportAccountStream>, Status> {
        let caller = self.person(&request).await?;
        let pieces = export::export(&self.ctx, &caller)?;
        let answer = pieces.map(|piece| {
            let Piece { chunk, done, total } = piece?;
            Ok(v1::ExportAccountResponse { chunk, done, total })
        });
        Ok(Response::new(Box::pin(answer)))
    }
}
