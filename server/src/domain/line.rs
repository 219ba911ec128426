//! System lines: a change of a conversation is a message in it, so that it has a number like any other.

use rookery_api::v1::{self, SystemKind};

use super::{
    Ctx, Result, conversation, message,
    writer::{Effect, Work},
};
use crate::store;

/// A line to be written.
#[derive(Debug, Default)]
pub struct Line<'a> {
    pub kind: SystemKind,
    pub user_ids: &'a [i64],
    pub name: &'a str,
    pub new_owner_id: i64,
    /// A UUID of the server's own.
    pub request_id: &'a str,
}

/// Takes the conversation's next number and writes a line there.
pub async fn write(work: &mut Work, conversation_id: i64, author_id: i64, line: &Line<'_>) -> Result<v1::Message> {
    store::conversation::advance(&mut work.tx, conversation_id).await?;
    let subjects = if line.user_ids.is_empty() { String::new() } else { serde_json::json!(line.user_ids).to_string() };
    let new = store::message::NewLine {
        author_id,
        request_id: line.request_id,
        system: i64::from(i32::from(line.kind)),
        text: line.name,
        subjects: &subjects,
        new_owner_id: line.new_owner_id,
    };
    let row = store::message::insert_line(&mut work.tx, conversation_id, &new).await?;
    let message = message::api(row);
    work.publish(Effect::Message(message.clone()));
    Ok(message)
}

/// Makes the conversation known as it now is, after the lines that changed it.
pub async fn announce(work: &mut Work, conversation_id: i64) -> Result<()> {
    if let Some(row) = store::conversation::get(work.tx.read(), conversation_id).await? {
        work.publish(Effect::Conversation(conversation::api(row)));
    }
    Ok(())
}

/// A UUID for a line.
pub fn request_id(ctx: &Ctx) -> String {
    ctx.dice.uuid().to_string()
}
