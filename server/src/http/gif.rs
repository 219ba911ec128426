//! Previews of GIFs over plain HTTP, so that no client asks a third party.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use super::media::{Answer, headers, is_known};
use rookery_api::v1::TokenScope;

use crate::{
    domain::{Ctx, gif},
    rpc,
};

/// A piece never changes; who may see it is everybody who is signed in.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=86400");

pub(super) fn routes() -> Router<Arc<Ctx>> {
    Router::new().route("/gif/{provider}/{name}", get(preview))
}

async fn preview(
    State(ctx): State<Arc<Ctx>>,
    Path((provider, name)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let caller = rpc::caller_of(&ctx, request.headers(), request.extensions(), TokenScope::Read).await?;
    let picture = gif::preview(&ctx, &caller, &provider, &name).await?;
    let mut headers = headers(picture.content_type, &format!("\"{name}\""));
    headers.insert(header::CACHE_CONTROL, CACHE);
    if is_known(request.headers(), &headers) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, picture.bytes).into_response())
}
