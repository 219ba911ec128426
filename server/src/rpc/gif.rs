//! GifService.

use rookery_api::v1::{
    AddFavoriteGifRequest, AddFavoriteGifResponse, ListFavoriteGifsRequest, ListFavoriteGifsResponse,
    ListGifCategoriesRequest, ListGifCategoriesResponse, ListTrendingGifsRequest, ListTrendingGifsResponse,
    RemoveFavoriteGifRequest, RemoveFavoriteGifResponse, SaveGifRequest, SaveGifResponse, SearchGifsRequest,
    SearchGifsResponse, TokenScope, gif_service_server::GifService,
};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::gif;

#[tonic::async_trait]
impl GifService for Rpc {
    async fn search_gifs(&self, request: Request<SearchGifsRequest>) -> Result<Response<SearchGifsResponse>, Status> {
        self.caller(&request, TokenScope::Read).await?;
        let (gifs, next_page_token) = gif::search(&self.ctx, &request.into_inner()).await?;
        Ok(Response::new(SearchGifsResponse { gifs, next_page_token }))
    }

    async fn list_trending_gifs(
        &self,
        request: Request<ListTrendingGifsRequest>,
    ) -> Result<Response<ListTrendingGifsResponse>, Status> {
        self.caller(&request, TokenScope::Read).await?;
        let (gifs, next_page_token) = gif::trending(&self.ctx, &request.into_inner()).await?;
        Ok(Response::new(ListTrendingGifsResponse { gifs, next_page_token }))
    }

    async fn list_gif_categories(
        &self,
        request: Request<ListGifCategoriesRequest>,
    ) -> Result<Response<ListGifCategoriesResponse>, Status> {
        self.caller(&request, TokenScope::Read).await?;
        Ok(Response::new(gif::categories(&self.ctx).await?))
    }

    async fn save_gif(&self, request: Request<SaveGifRequest>) -> Result<Response<SaveGifResponse>, Status> {
        self.caller(&request, TokenScope::Write).await?;
        let media = gif::save(&self.ctx, &request.into_inner().gif_id).await?;
        Ok(Response::new(SaveGifResponse { media: Some(media) }))
    }

    async fn add_favorite_gif(
        &self,
        request: Request<AddFavoriteGifRequest>,
    ) -> Result<Response<AddFavoriteGifResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        gif::add_favorite(&self.ctx, &caller, &request.into_inner().gif_id).await?;
        Ok(Response::new(AddFavoriteGifResponse {}))
    }

    async fn remove_favorite_gif(
        &self,
        request: Request<RemoveFavoriteGifRequest>,
    ) -> Result<Response<RemoveFavoriteGifResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Manage).await?;
        gif::remove_favorite(&self.ctx, &caller, &request.into_inner().gif_id).await?;
        Ok(Response::new(RemoveFavoriteGifResponse {}))
    }

    async fn list_favorite_gifs(
        &self,
        request: Request<ListFavoriteGifsRequest>,
    ) -> Result<Response<ListFavoriteGifsResponse>, Status> {
        let caller = self.caller(&request, TokenScope::Read).await?;
        let (gifs, next_page_token) = gif::favorites(&self.ctx, &caller, &request.into_inner()).await?;
        Ok(Response::new(ListFavoriteGifsResponse { gifs, next_page_token }))
    }
}
