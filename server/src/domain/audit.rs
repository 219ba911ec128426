//! The audit log: each act of an admin leaves an entry in its own transaction.

use rookery_api::v1::AuditAction;

use super::{Result, writer::Work};
use crate::store;

/// Notes what was done, by whom (0: the operator) and to whom (0: nobody). Never a secret or a message's text.
pub async fn write(work: &mut Work, actor_id: i64, action: AuditAction, subject_id: i64, detail: &str) -> Result<()> {
    Ok(store::audit::insert(&mut work.tx, actor_id, i64::from(i32::from(action)), subject_id, detail).await?)
}
