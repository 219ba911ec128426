//! Admins: who is one, and what only they may do.

use rookery_api::v1::TokenScope;

use super::{Caller, Result};
use crate::store::{self, Conn};

/// Whether the caller is an admin, and calls by what may act as one: a device, or a token with that scope.
pub async fn is_admin(conn: &mut Conn, caller: &Caller) -> Result<bool> {
    Ok(caller.may(TokenScope::Admin).is_ok() && store::user::is_admin(conn, caller.user_id).await?)
}
