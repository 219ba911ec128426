//! Who calls: the bearer token in the call's metadata.

use http::{HeaderMap, header};
use tonic::Request;

use super::Rpc;
use crate::domain::{Caller, Ctx, Error, Result, account};

/// The call's token. More than one is none: which of them a proxy has checked is not known.
pub(super) fn token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::Unauthenticated) };
    let value = value.to_str().map_err(|_| Error::Unauthenticated)?;
    let (scheme, token) = value.split_once(' ').ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Error::Unauthenticated) }
}

/// Who calls, from the metadata.
pub async fn caller_of(ctx: &Ctx, headers: &HeaderMap) -> Result<Caller> {
    account::authenticate(ctx, token(headers)?).await
}

impl Rpc {
    /// Who calls.
    pub(super) async fn caller<T>(&self, request: &Request<T>) -> Result<Caller> {
        caller_of(&self.ctx, request.metadata().as_ref()).await
    }
}
