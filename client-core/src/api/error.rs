//! Why a call failed, decoded from google.rpc's details.

use std::time::Duration;

use rookery_api::v1::ErrorReason;
use serde::Deserialize;
pub use tonic::Code;
use tonic::Status;
use tonic_types::StatusExt;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of failure.
    pub code: Code,
    /// The server's own reason; none if the failure is not the server's answer, or the reason is newer than this client.
    pub reason: Option<ErrorReason>,
    /// A sentence for people.
    pub message: String,
    /// Fields that break their rule: the field's name, and what is wrong.
    pub fields: Vec<(String, String)>,
    /// How long to wait before the same call may work.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// The server said no: nothing was stored, and repeating the call unchanged is of no use.
    pub fn is_no(&self) -> bool {
        use Code::{
            AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange, PermissionDenied,
            ResourceExhausted, Unauthenticated, Unimplemented,
        };
        // OUT_OF_RANGE is a "no" by its meaning; the server does not use it.
        matches!(
            self.code,
            InvalidArgument
                | NotFound
                | AlreadyExists
                | PermissionDenied
                | ResourceExhausted
                | FailedPrecondition
                | OutOfRange
                | Unimplemented
                | Unauthenticated
        )
    }

    /// Nobody knows what came of it: repeat it with the same request_id.
    pub fn is_maybe(&self) -> bool {
        !self.is_no()
    }

    /// The session has ended or the token is wrong: sign in again.
    pub fn is_signed_out(&self) -> bool {
        self.code == Code::Unauthenticated
    }

    pub(crate) fn invalid(field: &str, message: &str) -> Self {
        Self {
            code: Code::InvalidArgument,
            reason: None,
            message: message.to_owned(),
            fields: vec![(field.to_owned(), message.to_owned())],
            retry_after: None,
        }
    }

    pub(crate) fn timeout() -> Self {
        Self::unanswered(Code::DeadlineExceeded, "The server did not answer in time.")
    }

    pub(crate) fn incomplete() -> Self {
        Self::unanswered(Code::Internal, "The server's answer is incomplete.")
    }

    pub(crate) fn closed() -> Self {
        Self::unanswered(Code::Cancelled, "The connection was closed.")
    }

    pub(crate) fn unreachable() -> Self {
        Self::unanswered(Code::Unavailable, UNREACHABLE)
    }

    /// Something on this device, and not the server, says no.
    pub(crate) fn local(message: String) -> Self {
        Self { message, ..Self::unanswered(Code::FailedPrecondition, "") }
    }

    /// An answer over plain HTTP that is no success: the server's own JSON, or whatever a proxy before it says.
    pub(crate) fn from_http(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let words: Words = serde_json::from_slice(body).unwrap_or_default();
        let named = CODES.into_iter().find(|(_, name)| *name == words.code).map(|(code, _)| code);
        let (code, message) = match (named, status) {
            (Some(code), _) => (code, words.message.as_str()),
            (None, 400) => (Code::InvalidArgument, "The server did not understand this."),
            (None, 401) => (Code::Unauthenticated, "Sign in again."),
            (None, 403) => (Code::PermissionDenied, "This is not allowed."),
            (None, 404) => (Code::NotFound, "It is not there any more."),
            (None, 413) => (Code::ResourceExhausted, "The file is too large for this server."),
            (None, 429) => (Code::ResourceExhausted, "This is too much at once."),
            (None, _) => (Code::Unavailable, UNREACHABLE),
        };
        let reason = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", words.reason));
        Self { reason, retry_after, ..Self::unanswered(code, message) }
    }

    fn unanswered(code: Code, message: &str) -> Self {
        Self { code, reason: None, message: message.to_owned(), fields: Vec::new(), retry_after: None }
    }
}

const UNREACHABLE: &str = "The server cannot be reached.";

/// An error as JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    code: String,
    reason: String,
    message: String,
}

/// The codes by their names in JSON.
const CODES: [(Code, &str); 16] = [
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details
            .error_info()
            .filter(|info| info.domain == rookery_api::ERROR_DOMAIN)
            .and_then(|info| ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)));
        let fields = details.bad_request().map(|bad| &bad.field_violations[..]).unwrap_or_default();
        // tonic puts its own words for a broken connection into the message; they mean nothing to people.
        let message = match (status.code(), reason) {
            (Code::Unavailable | Code::Unknown | Code::Internal, None) => UNREACHABLE.to_owned(),
            _ => status.message().to_owned(),
        };
        Self {
            code: status.code(),
            reason,
            message,
            fields: fields.iter().map(|field| (field.field.clone(), field.description.clone())).collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rookery_api::v1::ErrorReason;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::Error;

    #[test]
    fn details_are_decoded() {
        let mut details = ErrorDetails::with_error_info("RATE_LIMITED", "rookery", std::collections::HashMap::new());
        details.set_retry_info(Some(Duration::from_secs(3)));
        details.add_bad_request_violation("text", "too long");
        let error = Error::from(Status::with_error_details(Code::ResourceExhausted, "Slow down.", details));
        assert_eq!(error.reason, Some(ErrorReason::RateLimited));
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        assert_eq!(error.fields, [("text".to_owned(), "too long".to_owned())]);
        assert_eq!(error.message, "Slow down.");
    }

    #[test]
    fn an_answer_over_http_is_as_good() {
        let words = br#"{"code":"RESOURCE_EXHAUSTED","reason":"LIMIT_REACHED","message":"Your files are too many."}"#;
        let error = Error::from_http(413, None, words);
        assert_eq!((error.code, error.reason), (Code::ResourceExhausted, Some(ErrorReason::LimitReached)));
        assert_eq!(error.message, "Your files are too many.");
        let wait = Some(Duration::from_secs(7));
        let limited = Error::from_http(429, wait, b"");
        assert!(limited.is_no() && limited.retry_after == wait);
        // What stands before the server speaks another language.
        for (status, code) in [(413, Code::ResourceExhausted), (502, Code::Unavailable), (302, Code::Unavailable)] {
            let error = Error::from_http(status, None, b"<html>");
            assert_eq!(error.code, code, "{status}");
            assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn no_and_maybe_are_told_apart_by_the_code() {
        for code in [3, 5, 6, 7, 8, 9, 11, 12, 16] {
            assert!(Error::from(Status::new(Code::from(code), "")).is_no(), "{code}");
        }
        for code in [1, 2, 4, 10, 13, 14, 15] {
            assert!(Error::from(Status::new(Code::from(code), "")).is_maybe(), "{code}");
        }
    }
}
