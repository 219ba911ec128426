//! Does what was agreed to.

use iced::Task;
use rookery_client::{Client, v1};

use super::{Action, Message};
use crate::dialog::confirm::Deed;

/// Asks the server for it.
pub fn run(deed: Deed, client: &Client) -> Action {
    let client = client.clone();
    let task = match deed {
        Deed::SignOut => return Action::SignOut,
        Deed::Delete { conversation_id, id } => {
            Task::perform(async move { client.delete(conversation_id, id).await }, Message::Done)
        }
        Deed::Leave { conversation_id } => {
            Task::perform(async move { client.leave_group(conversation_id, false).await }, Message::Done)
        }
        Deed::Remove { conversation_id, user_id, .. } => {
            let request = v1::RemoveMemberRequest { conversation_id, user_id };
            let call = async move { client.api().remove_member(request).await.map(drop) };
            Task::perform(call, Message::Done)
        }
    };
    Action::Run(task)
}
