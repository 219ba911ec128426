//! Errors on the wire: a gRPC code, one ErrorInfo, and what else helps the caller. The cause stays in the log.

use std::collections::HashMap;

use axum::body::Body;
use http::{HeaderValue, Response, header};
use rookery_api::{
    ERROR_DOMAIN,
    v1::{ErrorReason, TokenScope},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::LARGEST_MESSAGE;
use crate::{
    domain::{Error, error, media::LARGEST_BY_CALL},
    hub::Ending,
    meter,
};

fn details(reason: ErrorReason) -> ErrorDetails {
    let name = reason.as_str_name();
    let name = name.strip_prefix("ERROR_REASON_").unwrap_or(name);
    meter::refused(name);
    ErrorDetails::with_error_info(name, ERROR_DOMAIN, HashMap::new())
}

/// The same with one more thing said in the ErrorInfo's metadata.
fn with(mut details: ErrorDetails, key: &str, value: &str) -> ErrorDetails {
    if let Some(mut info) = details.error_info().cloned() {
        info.metadata.insert(key.into(), value.into());
        details.set_error_info(info.reason, info.domain, info.metadata);
    }
    details
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let (code, details) = match error {
            Error::Field { field, rule } => {
                let mut details = details(ErrorReason::InvalidField);
                details.add_bad_request_violation(field, rule);
                (Code::InvalidArgument, details)
            }
            Error::Unauthenticated => (Code::Unauthenticated, details(ErrorReason::Unauthenticated)),
            Error::WrongCredentials => (Code::Unauthenticated, details(ErrorReason::WrongCredentials)),
            Error::NotFound(_) => (Code::NotFound, details(ErrorReason::NotFound)),
            Error::Denied(_) => (Code::PermissionDenied, details(ErrorReason::PermissionDenied)),
            Error::Scope(scope) => {
                let name = scope.as_str_name().trim_start_matches("TOKEN_SCOPE_");
                let name = if scope == TokenScope::Unspecified { "none" } else { name };
                (Code::PermissionDenied, with(details(ErrorReason::TokenScope), "scope", name))
            }
            Error::Blocked => (Code::PermissionDenied, details(ErrorReason::Blocked)),
            Error::StorageFull => (Code::ResourceExhausted, details(ErrorReason::StorageFull)),
            Error::NameTaken => {
                let mut details = details(ErrorReason::NameTaken);
                details.add_bad_request_violation("name", "is taken by another account");
                (Code::AlreadyExists, details)
            }
            Error::RequestIdReused { id } => {
                (Code::AlreadyExists, with(details(ErrorReason::RequestIdReused), "id", &id.to_string()))
            }
            Error::WrongState(_) => (Code::FailedPrecondition, details(ErrorReason::WrongState)),
            Error::Limit(_) => (Code::ResourceExhausted, details(ErrorReason::LimitReached)),
            Error::RateLimited(after) => {
                let mut details = details(ErrorReason::RateLimited);
                details.set_retry_info(Some(after));
                (Code::ResourceExhausted, details)
            }
            Error::RegistrationClosed => (Code::PermissionDenied, details(ErrorReason::RegistrationClosed)),
            Error::Unavailable(cause) | Error::Disk(cause) => {
                tracing::warn!(cause, "unavailable");
                (Code::Unavailable, details(ErrorReason::Unavailable))
            }
            Error::Internal(cause) => {
                tracing::error!(cause, "internal error");
                (Code::Internal, details(ErrorReason::Internal))
            }
        };
        Self::with_error_details(code, message, details)
    }
}

/// An error as it is told over plain HTTP: the same words in JSON, and in `retry-after` when to come again.
pub fn over_http(error: Error) -> Response<Body> {
    let after = if let Error::RateLimited(after) = &error { Some(error::whole_seconds(*after)) } else { None };
    let (size, full) = (matches!(error, Error::Limit(_)), matches!(error, Error::StorageFull));
    let status = Status::from(error);
    let (code, number) = match status.code() {
        Code::InvalidArgument => ("INVALID_ARGUMENT", 400),
        Code::Unauthenticated => ("UNAUTHENTICATED", 401),
        Code::PermissionDenied => ("PERMISSION_DENIED", 403),
        Code::NotFound => ("NOT_FOUND", 404),
        Code::AlreadyExists => ("ALREADY_EXISTS", 409),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", 409),
        Code::ResourceExhausted if size => ("RESOURCE_EXHAUSTED", 413),
        Code::ResourceExhausted if full => ("RESOURCE_EXHAUSTED", 507),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", 429),
        Code::Unavailable => ("UNAVAILABLE", 503),
        _ => ("INTERNAL", 500),
    };
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let body = serde_json::json!({ "code": code, "reason": reason, "message": status.message() });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(number).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(after) = after {
        headers.insert(header::RETRY_AFTER, after.into());
    }
    response
}

/// The end of an event stream.
pub(super) fn ending(ending: Ending) -> Status {
    let (code, reason, message) = match ending {
        Ending::SlowReader => (
            Code::ResourceExhausted,
            ErrorReason::SlowReader,
            "the stream's reader did not keep up; connect again from the last cursors",
        ),
        Ending::SignedOut => (Code::Unauthenticated, ErrorReason::Unauthenticated, "the session has ended"),
        Ending::Stopping => (Code::Unavailable, ErrorReason::Unavailable, "the server is stopping; connect again"),
        Ending::Missed => (Code::Unavailable, ErrorReason::Unavailable, "the stream missed something; connect again"),
        Ending::Aged => (Code::Unavailable, ErrorReason::Unavailable, "the stream has had its time; connect again"),
        Ending::Broken | Ending::Gone => {
            (Code::Unavailable, ErrorReason::Unavailable, "the stream broke; connect again")
        }
    };
    Status::with_error_details(code, message, details(reason))
}

/// A method that the server does not know.
pub(super) fn unimplemented() -> Status {
    let message = "this server has no such method; list them by reflection";
    Status::with_error_details(Code::Unimplemented, message, details(ErrorReason::Unimplemented))
}

/// A message that cannot be decoded.
pub(super) fn undecodable() -> Status {
    Error::field("request", "could not be decoded: it is not the message that this method takes").into()
}

/// A message that is too large to be looked at.
pub(super) fn too_large() -> Status {
    Error::Limit(format!("a request has at most {LARGEST_MESSAGE} bytes, one with a file {LARGEST_BY_CALL}")).into()
}

/// A request whose end did not come, or came too slowly.
pub(super) fn incomplete() -> Status {
    let message = "the request did not come whole, or too slowly";
    Status::with_error_details(Code::Unavailable, message, details(ErrorReason::Unavailable))
}

/// Whether a request of this content type is a call, by gRPC or gRPC-web.
pub fn is_call(kind: Option<&HeaderValue>) -> bool {
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A status as the whole answer to a call, in the caller's own dialect.
fn told(status: Status, kind: Option<&HeaderValue>) -> Response<Body> {
    let mut response = status.into_http();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(kind) = kind.filter(|kind| kind.as_bytes().starts_with(b"application/grpc-web")) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    response
}

/// An error as the whole answer to a request of this content type.
pub fn refusal(error: Error, kind: Option<&HeaderValue>) -> Response<Body> {
    if is_call(kind) { told(error.into(), kind) } else { over_http(error) }
}

/// What is answered to a method that does not exist.
pub fn unknown_method(kind: Option<&HeaderValue>) -> Response<Body> {
    told(unimplemented(), kind)
}

/// A call was not answered in the time for it, which was the client's own or ours. Whether it was done is not known.
pub fn late(by_client: bool, kind: Option<&HeaderValue>) -> Response<Body> {
    let code = if by_client { Code::DeadlineExceeded } else { Code::Unavailable };
    let message = "the call was not answered in time; whether it was done is not known";
    told(Status::with_error_details(code, message, details(ErrorReason::Unavailable)), kind)
}

/// Gives the gRPC library's own errors, which come before any call of ours, the form that all errors have. What is answered to
/// one caller is nobody else's to keep.
pub(super) fn complete(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if headers.contains_key("grpc-status-details-bin") {
        return response;
    }
    let status = match Status::from_header_map(headers).map(|status| status.code()) {
        // It calls a request that it cannot decode its own fault.
        Some(Code::Internal) => undecodable(),
        Some(Code::OutOfRange) => too_large(),
        Some(Code::Unimplemented) => unimplemented(),
        Some(Code::NotFound) => Error::NotFound("service").into(),
        // The body broke off, or came too slowly.
        Some(Code::Unknown) => incomplete(),
        _ => return response,
    };
    // A status that cannot be written leaves the answer as it was: it is an error already.
    let _ = status.add_header(headers);
    response
}
