//! How a test looks at a "no".

use rookery_client::{Code, Error, v1::ErrorReason};

/// The call failed with this code and this reason.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, code: Code, reason: ErrorReason) -> Error {
    let error = answer.expect_err("the call should have been refused");
    assert_eq!((error.code, error.reason), (code, Some(reason)), "{error:?}");
    error
}

/// The call failed because of one field, which the error names.
#[track_caller]
pub fn bad_field<T: std::fmt::Debug>(answer: Result<T, Error>, field: &str) {
    let error = refused(answer, Code::InvalidArgument, ErrorReason::InvalidField);
    assert_eq!(error.fields.len(), 1, "{error:?}");
    assert_eq!(error.fields[0].0, field, "{error:?}");
    assert!(!error.fields[0].1.is_empty(), "the rule is not told");
}

/// There is no such thing, or none that the caller may know of.
#[track_caller]
pub fn not_found<T: std::fmt::Debug>(answer: Result<T, Error>) {
    refused(answer, Code::NotFound, ErrorReason::NotFound);
}

/// The caller may not.
#[track_caller]
pub fn denied<T: std::fmt::Debug>(answer: Result<T, Error>) {
    refused(answer, Code::PermissionDenied, ErrorReason::PermissionDenied);
}
