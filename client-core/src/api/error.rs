//! Why a call failed, decoded from google.rpc's details.

use std::time::Duration;

use rookery_api::v1::ErrorReason;
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

    fn unanswered(code: Code, message: &str) -> Self {
        Self { code, reason: None, message: message.to_owned(), fields: Vec::new(), retry_after: None }
    }
}

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
            (Code::Unavailable | Code::Unknown | Code::Internal, None) => "The server cannot be reached.".to_owned(),
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
    fn no_and_maybe_are_told_apart_by_the_code() {
        for code in [3, 5, 6, 7, 8, 9, 11, 12, 16] {
            assert!(Error::from(Status::new(Code::from(code), "")).is_no(), "{code}");
        }
        for code in [1, 2, 4, 10, 13, 14, 15] {
            assert!(Error::from(Status::new(Code::from(code), "")).is_maybe(), "{code}");
        }
    }
}
