//! Who calls: the bearer token in the call's metadata.

use http::{HeaderMap, header};
use rookery_api::v1::TokenScope;
use tonic::Request;

use super::Rpc;
use crate::domain::{Caller, Ctx, Error, Result, session};

/// The call's token. More than one is none: which of them a proxy has checked is not known.
pub(super) fn token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::Unauthenticated) };
    let value = value.to_str().map_err(|_| Error::Unauthenticated)?;
    let (scheme, token) = value.split_once(' ').ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Error::Unauthenticated) }
}

/// Who calls, from the metadata, if what she calls by may be used for this.
pub async fn caller_of(ctx: &Ctx, headers: &HeaderMap, scope: TokenScope) -> Result<Caller> {
    let caller = session::authenticate(ctx, token(headers)?).await?;
    caller.may(scope)?;
    Ok(caller)
}

impl Rpc {
    /// Who calls, if what she calls by may be used for this.
    pub(super) async fn caller<T>(&self, request: &Request<T>, scope: TokenScope) -> Result<Caller> {
        caller_of(&self.ctx, request.metadata().as_ref(), scope).await
    }

    /// Who calls, by whatever she does.
    pub(super) async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller> {
        session::authenticate(&self.ctx, token(request.metadata().as_ref())?).await
    }

    /// Who calls, which must be a person at a device: a script's token opens no other ways in.
    pub(super) async fn person<T>(&self, request: &Request<T>) -> Result<Caller> {
        let caller = self.signed_in(request).await?;
        caller.is_a_person()?;
        Ok(caller)
    }
}
