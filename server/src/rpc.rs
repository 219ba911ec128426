//! Transport: one file per proto service. Parse, call the domain, reply; no rules here.

mod account;
mod admin;
mod auth;
mod browser;
mod conversation;
mod event;
mod frame;
mod gif;
mod media;
mod message;
mod rate;
mod server;
mod status;
mod user;

use std::sync::Arc;

use rookery_api::v1::{
    account_service_server::AccountServiceServer, admin_service_server::AdminServiceServer,
    conversation_service_server::ConversationServiceServer, event_service_server::EventServiceServer,
    gif_service_server::GifServiceServer, media_service_server::MediaServiceServer,
    message_service_server::MessageServiceServer, server_service_server::ServerServiceServer,
    user_service_server::UserServiceServer,
};
use tonic::service::Routes;
use tower::util::{MapRequestLayer, MapResponseLayer};

pub use auth::caller_of;
pub use browser::{UPLOAD_NAME, recognize};
pub use status::{is_call, late, over_http, refusal, unknown_method};

use crate::domain::{Ctx, media::LARGEST_BY_CALL};

/// Nothing that is sent by call is larger: the longest text is 16 KiB.
const LARGEST_MESSAGE: usize = 256 * 1024;
/// A file, and its name.
const LARGEST_UPLOAD: usize = LARGEST_BY_CALL + 64 * 1024;
/// Lists and Ready of people with very many conversations.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// One proto service's transport.
#[derive(Clone, Debug)]
struct Rpc {
    ctx: Arc<Ctx>,
}

/// All gRPC services, for gRPC and gRPC-web.
pub fn routes(
    ctx: &Arc<Ctx>,
    plain_streams: bool,
    plain_cookies: bool,
    reflected: bool,
) -> Result<axum::Router, Box<dyn std::error::Error>> {
    let rpc = Rpc { ctx: ctx.clone() };
    macro_rules! limited {
        ($service:ident) => {
            $service::new(rpc.clone())
                .max_decoding_message_size(LARGEST_MESSAGE)
                .max_encoding_message_size(LARGEST_ANSWER)
        };
    }
    let events = frame::Streams::new(limited!(EventServiceServer), ctx.clone(), plain_streams);
    let (health_reporter, health) = tonic_health::server::health_reporter();
    drop(health_reporter);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(rookery_api::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    // Not `Routes::default()`: its fallback and the web client's would collide.
    let mut routes = Routes::from(axum::Router::new())
        .add_service(limited!(ServerServiceServer))
        .add_service(limited!(AccountServiceServer))
        .add_service(limited!(UserServiceServer))
        .add_service(limited!(AdminServiceServer))
        .add_service(limited!(ConversationServiceServer))
        .add_service(limited!(MessageServiceServer))
        .add_service(limited!(MediaServiceServer).max_decoding_message_size(LARGEST_UPLOAD))
        .add_service(limited!(GifServiceServer))
        .add_service(events)
        .add_service(health);
    if reflected {
        // Both versions: old grpcurl and Python ask for v1alpha, buf for v1.
        routes = routes.add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?);
    }
    let complete = MapResponseLayer::new(status::complete);
    let recognize = MapRequestLayer::new(move |request| rate::classify(browser::recognize(request, plain_cookies)));
    Ok(routes.prepare().into_axum_router().layer(complete).layer(tonic_web::GrpcWebLayer::new()).layer(recognize))
}
