//! MediaService.

use rookery_api::v1::{
    GetMediaRequest, GetMediaResponse, TokenScope, UploadMediaRequest, UploadMediaResponse,
    media_service_server::MediaService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::media;

#[tonic::async_trait]
impl MediaService for Rpc {
    async fn upload_media(
        &self,
        request: Request<UploadMediaRequest>,
    ) -> Result<Response<UploadMediaResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Write).await?;
        let UploadMediaRequest { name, content } = request.into_inner();
        let media = media::keep(&self.ctx, &caller, &name, content.into()).await?;
        Ok(Response::new(UploadMediaResponse { media: Some(media) }))
    }

    async fn get_media(&self, request: Request<GetMediaRequest>) -> Result<Response<GetMediaResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let media = media::get(&self.ctx, &caller, &request.into_inner().id).await?;
        Ok(Response::new(GetMediaResponse { media: Some(media) }))
    }
}
