//! ServerService.

use rookery_api::v1::{
    GetServerInfoRequest, GetServerInfoResponse, RegistrationMode, server_service_server::ServerService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::event;

#[tonic::async_trait]
impl ServerService for Rpc {
    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        let registration = self.ctx.registration.mode();
        Ok(Response::new(GetServerInfoResponse {
            registration: registration.into(),
            unclaimed: self.ctx.registration.unclaimed(self.ctx.clock.now()),
            name: self.ctx.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            history_id: self.ctx.history_id.clone(),
            registration_open: registration == RegistrationMode::Open,
            limits: Some(event::limits(&self.ctx)),
            timings: Some(event::timings(&self.ctx)),
        }))
    }
}
