//! AdminService.

use rookery_api::v1::{self, admin_service_server::AdminService};
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl AdminService for Rpc {
    async fn list_accounts(
        &self,
        _request: Request<v1::ListAccountsRequest>,
    ) -> Result<Response<v1::ListAccountsResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn create_account(
        &self,
        _request: Request<v1::CreateAccountRequest>,
    ) -> Result<Response<v1::CreateAccountResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn update_account(
        &self,
        _request: Request<v1::UpdateAccountRequest>,
    ) -> Result<Response<v1::UpdateAccountResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn reset_password(
        &self,
        _request: Request<v1::ResetPasswordRequest>,
    ) -> Result<Response<v1::ResetPasswordResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn end_sessions(
        &self,
        _request: Request<v1::EndSessionsRequest>,
    ) -> Result<Response<v1::EndSessionsResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn remove_account(
        &self,
        _request: Request<v1::RemoveAccountRequest>,
    ) -> Result<Response<v1::RemoveAccountResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn set_registration(
        &self,
        _request: Request<v1::SetRegistrationRequest>,
    ) -> Result<Response<v1::SetRegistrationResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn create_registration_invite(
        &self,
        _request: Request<v1::CreateRegistrationInviteRequest>,
    ) -> Result<Response<v1::CreateRegistrationInviteResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn list_registration_invites(
        &self,
        _request: Request<v1::ListRegistrationInvitesRequest>,
    ) -> Result<Response<v1::ListRegistrationInvitesResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn revoke_registration_invite(
        &self,
        _request: Request<v1::RevokeRegistrationInviteRequest>,
    ) -> Result<Response<v1::RevokeRegistrationInviteResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn announce(&self, _request: Request<v1::AnnounceRequest>) -> Result<Response<v1::AnnounceResponse>, Status> {
        Err(super::status::unimplemented())
    }

    async fn list_audit_entries(
        &self,
        _request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        Err(super::status::unimplemented())
    }
}
