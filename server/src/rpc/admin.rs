//! AdminService.

use rookery_api::v1::{self, admin_service_server::AdminService};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::{
    self,
    admin::{self, Actor},
    audit, registration,
};

impl Rpc {
    /// The admin who calls, and what for; of others the attempt is noted.
    async fn admin<T>(&self, request: Request<T>, method: &'static str) -> domain::Result<(Actor, T)> {
        let caller = self.signed_in(&request).await?;
        admin::authorize(&self.ctx, &caller, method).await?;
        Ok((Actor::Admin(caller), request.into_inner()))
    }
}

#[tonic::async_trait]
impl AdminService for Rpc {
    async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<Response<v1::ListAccountsResponse>, Status> {
        let (_, request) = self.admin(request, "ListAccounts").await?;
        Ok(Response::new(admin::list(&self.ctx, &request).await?))
    }

    async fn create_account(
        &self,
        request: Request<v1::CreateAccountRequest>,
    ) -> Result<Response<v1::CreateAccountResponse>, Status> {
        let (actor, request) = self.admin(request, "CreateAccount").await?;
        Ok(Response::new(admin::create(&self.ctx, &actor, request).await?))
    }

    async fn update_account(
        &self,
        request: Request<v1::UpdateAccountRequest>,
    ) -> Result<Response<v1::UpdateAccountResponse>, Status> {
        let (actor, request) = self.admin(request, "UpdateAccount").await?;
        let account = admin::update(&self.ctx, &actor, request.user_id, admin::change(&request)?).await?;
        Ok(Response::new(v1::UpdateAccountResponse { account: Some(account) }))
    }

    async fn reset_password(
        &self,
        request: Request<v1::ResetPasswordRequest>,
    ) -> Result<Response<v1::ResetPasswordResponse>, Status> {
        let (actor, request) = self.admin(request, "ResetPassword").await?;
        let password = admin::reset_password(&self.ctx, &actor, request).await?;
        Ok(Response::new(v1::ResetPasswordResponse { password }))
    }

    async fn end_sessions(
        &self,
        request: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsResponse>, Status> {
        let (actor, request) = self.admin(request, "EndSessions").await?;
        let ended = admin::sign_out(&self.ctx, &actor, request.user_id).await?;
        Ok(Response::new(v1::EndSessionsResponse { ended: i32::try_from(ended).unwrap_or(i32::MAX) }))
    }

    async fn remove_account(
        &self,
        request: Request<v1::RemoveAccountRequest>,
    ) -> Result<Response<v1::RemoveAccountResponse>, Status> {
        let (actor, request) = self.admin(request, "RemoveAccount").await?;
        admin::remove(&self.ctx, &actor, request.user_id, request.messages()).await?;
        Ok(Response::new(v1::RemoveAccountResponse {}))
    }

    async fn set_registration(
        &self,
        request: Request<v1::SetRegistrationRequest>,
    ) -> Result<Response<v1::SetRegistrationResponse>, Status> {
        let (actor, request) = self.admin(request, "SetRegistration").await?;
        let mode = registration::set_mode(&self.ctx, &actor, registration::given(request.mode)?).await?;
        Ok(Response::new(v1::SetRegistrationResponse { mode: mode.into() }))
    }

    async fn create_registration_invite(
        &self,
        request: Request<v1::CreateRegistrationInviteRequest>,
    ) -> Result<Response<v1::CreateRegistrationInviteResponse>, Status> {
        let (actor, request) = self.admin(request, "CreateRegistrationInvite").await?;
        let invite = registration::invite(&self.ctx, &actor, &request).await?;
        Ok(Response::new(v1::CreateRegistrationInviteResponse { invite: Some(invite) }))
    }

    async fn list_registration_invites(
        &self,
        request: Request<v1::ListRegistrationInvitesRequest>,
    ) -> Result<Response<v1::ListRegistrationInvitesResponse>, Status> {
        let (_, request) = self.admin(request, "ListRegistrationInvites").await?;
        Ok(Response::new(registration::list(&self.ctx, &request).await?))
    }

    async fn revoke_registration_invite(
        &self,
        request: Request<v1::RevokeRegistrationInviteRequest>,
    ) -> Result<Response<v1::RevokeRegistrationInviteResponse>, Status> {
        let (actor, request) = self.admin(request, "RevokeRegistrationInvite").await?;
        registration::revoke(&self.ctx, &actor, &request.code).await?;
        Ok(Response::new(v1::RevokeRegistrationInviteResponse {}))
    }

    async fn announce(&self, request: Request<v1::AnnounceRequest>) -> Result<Response<v1::AnnounceResponse>, Status> {
        let (actor, request) = self.admin(request, "Announce").await?;
        let message = admin::announce(&self.ctx, &actor, request).await?;
        Ok(Response::new(v1::AnnounceResponse { message: Some(message) }))
    }

    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let (_, request) = self.admin(request, "ListAuditEntries").await?;
        Ok(Response::new(audit::list(&self.ctx, &request).await?))
    }
}
