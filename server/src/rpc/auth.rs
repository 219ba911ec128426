//! Who calls: the bearer token in the call's metadata.

use tonic::{Request, metadata::MetadataMap};

use super::Rpc;
use crate::domain::{Caller, Ctx, Error, Result, account};

/// The call's token. More than one is none: which of them a proxy has checked is not known.
pub(super) fn token(metadata: &MetadataMap) -> Result<&str> {
    let mut values = metadata.get_all("authorization").iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::Unauthenticated) };
    let value = value.to_str().map_err(|_| Error::Unauthenticated)?;
    let (scheme, token) = value.split_once(' ').ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Error::Unauthenticated) }
}

/// Who calls, from the metadata.
pub(super) async fn caller_of(ctx: &Ctx, metadata: &MetadataMap) -> Result<Caller> {
    account::authenticate(ctx, token(metadata)?).await
}

impl Rpc {
    /// Who calls.
    pub(super) async fn caller<T>(&self, request: &Request<T>) -> Result<Caller> {
        caller_of(&self.ctx, request.metadata()).await
    }
}
