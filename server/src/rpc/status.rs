//! Errors on the wire: a gRPC code, one ErrorInfo, and what else helps the caller. The cause stays in the log.

use std::collections::HashMap;

use axum::body::Body;
use http::Response;
use rookery_api::{ERROR_DOMAIN, v1::ErrorReason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::LARGEST_MESSAGE;
use crate::{domain::Error, hub::Ending};

fn details(reason: ErrorReason) -> ErrorDetails {
    let name = reason.as_str_name();
    let name = name.strip_prefix("ERROR_REASON_").unwrap_or(name);
    ErrorDetails::with_error_info(name, ERROR_DOMAIN, HashMap::new())
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
            Error::NameTaken => {
                let mut details = details(ErrorReason::NameTaken);
                details.add_bad_request_violation("name", "is taken by another account");
                (Code::AlreadyExists, details)
            }
            Error::RequestIdReused { id } => {
                let mut details = details(ErrorReason::RequestIdReused);
                if let Some(info) = &mut details.error_info() {
                    let mut info = info.clone();
                    info.metadata.insert("id".into(), id.to_string());
                    details.set_error_info(info.reason, info.domain, info.metadata);
                }
                (Code::AlreadyExists, details)
            }
            Error::WrongState(_) => (Code::FailedPrecondition, details(ErrorReason::WrongState)),
            Error::Limit(_) => (Code::ResourceExhausted, details(ErrorReason::LimitReached)),
            Error::RateLimited(after) => {
                let mut details = details(ErrorReason::RateLimited);
                details.set_retry_info(Some(after));
                (Code::ResourceExhausted, details)
            }
            Error::RegistrationClosed => (Code::PermissionDenied, details(ErrorReason::RegistrationClosed)),
            Error::Unavailable(cause) => {
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
        Ending::Broken => (Code::Unavailable, ErrorReason::Unavailable, "the stream broke; connect again"),
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
    Error::Limit(format!("a request has at most {LARGEST_MESSAGE} bytes")).into()
}

/// Gives the gRPC library's own errors, which come before any call of ours, the form that all errors have.
pub(super) fn complete(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    if headers.contains_key("grpc-status-details-bin") {
        return response;
    }
    let status = match Status::from_header_map(headers).map(|status| status.code()) {
        // It calls a request that it cannot decode its own fault.
        Some(Code::Internal) => undecodable(),
        Some(Code::OutOfRange) => too_large(),
        Some(Code::Unimplemented) => unimplemented(),
        Some(Code::NotFound) => Error::NotFound("service").into(),
        _ => return response,
    };
    // A status that cannot be written leaves the answer as it was: it is an error already.
    let _ = status.add_header(headers);
    response
}
