//! Who calls: the bearer token in the call's metadata.

use std::sync::Arc;

use http::{Extensions, HeaderMap, header};
use rookery_api::v1::TokenScope;
use tonic::Request;

use super::{Rpc, rate};
use crate::{
    connection::Notes,
    domain::{Caller, Ctx, Error, Result, rate::Class, session},
};

/// The call's token. More than one is none: which of them a proxy has checked is not known.
pub(super) fn token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::Unauthenticated) };
    let value = value.to_str().map_err(|_| Error::Unauthenticated)?;
    let (scheme, token) = value.split_once(' ').ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Error::Unauthenticated) }
}

/// Who calls, from the metadata, if what she calls by may be used for this.
pub async fn caller_of(ctx: &Ctx, headers: &HeaderMap, extensions: &Extensions, scope: TokenScope) -> Result<Caller> {
    let caller = authenticate(ctx, headers, extensions).await?;
    caller.may(scope)?;
    Ok(caller)
}

/// Who calls, from the metadata. An address that sends many tokens that are none is told to wait; whoever else shares it is
/// let in by her own.
async fn authenticate(ctx: &Ctx, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller> {
    let caller = session::authenticate(ctx, token(headers)?).await;
    if matches!(caller, Err(Error::Unauthenticated)) {
        rate::charge_address(ctx, extensions, Class::BadTokens)?;
    }
    if let (Ok(caller), Some(notes)) = (&caller, extensions.get::<Arc<Notes>>()) {
        notes.called_by(caller.user_id);
    }
    caller
}

/// Where it is noted who calls, for those calls that find it out only at their end.
pub(super) fn notes<T>(request: &Request<T>) -> Option<Arc<Notes>> {
    request.extensions().get().cloned()
}

impl Rpc {
    /// Who calls, if what she calls by may be used for this.
    pub(super) async fn caller<T>(&self, request: &Request<T>, scope: TokenScope) -> Result<Caller> {
        let caller = caller_of(&self.ctx, request.metadata().as_ref(), request.extensions(), scope).await?;
        rate::charge(&self.ctx, &caller, request.extensions())?;
        Ok(caller)
    }

    /// Who calls, by whatever she does.
    pub(super) async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller> {
        let caller = authenticate(&self.ctx, request.metadata().as_ref(), request.extensions()).await?;
        rate::charge(&self.ctx, &caller, request.extensions())?;
        Ok(caller)
    }

    /// Who calls, which must be a person at a device: a script's token opens no other ways in.
    pub(super) async fn person<T>(&self, request: &Request<T>) -> Result<Caller> {
        let caller = self.signed_in(request).await?;
        caller.is_a_person()?;
        Ok(caller)
    }
}
