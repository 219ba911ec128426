//! Plain HTTP on the same port: files, health for operators, the browser client, and an answer to everything else.

mod gif;
mod media;
mod web;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::util::MapRequestLayer;

use crate::{domain::Ctx, peer::Peer, rpc, store};

/// All routes that are not gRPC.
pub fn routes(ctx: Arc<Ctx>, plain_cookies: bool) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(media::routes())
        .merge(gif::routes())
        .layer(MapRequestLayer::new(move |request| rpc::recognize(request, plain_cookies)))
        .with_state(ctx)
}

/// Whether the server can do its work: the database answers.
async fn ready(State(ctx): State<Arc<Ctx>>) -> (StatusCode, &'static str) {
    let answer = async { store::server::ping(&mut ctx.db.reader().await?).await };
    match answer.await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

/// What nothing else answers: the browser client's files. A gRPC client must get a gRPC status, whatever it asked for.
pub async fn fallback(request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE);
    match *request.method() {
        _ if rpc::is_call(kind) => rpc::unknown_method(kind),
        Method::GET | Method::HEAD => {
            let tls = request.extensions().get().is_some_and(|peer: &Peer| peer.tls);
            web::get(request.uri().path(), request.headers(), tls)
        }
        _ => nothing(),
    }
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}
