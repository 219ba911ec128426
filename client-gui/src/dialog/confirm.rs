//! Asks before something is done that cannot be taken back.

use iced::Element;
use iced::widget::{column, text};

use super::Step;
use crate::theme;
use crate::widget::{action, dialog};

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Delete a message.
    Delete {
        /// Where.
        conversation_id: i64,
        /// Which.
        id: i64,
    },
    /// Leave a group.
    Leave {
        /// Which.
        conversation_id: i64,
    },
    /// Remove somebody from a group.
    Remove {
        /// From where.
        conversation_id: i64,
        /// Whom.
        user_id: i64,
        /// What she is called.
        name: String,
    },
    /// Sign out of this device.
    SignOut,
}

/// The dialog.
#[derive(Debug)]
pub struct State(pub Deed);

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// Yes.
    Agreed,
    /// No.
    Closed,
}

impl State {
    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Step<Message> {
        match message {
            Message::Agreed => Step::Do(self.0.clone()),
            Message::Closed => Step::Close,
        }
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let (title, question, yes) = self.words();
        let buttons = dialog::buttons([
            action("Cancel", theme::button::secondary, Some(Message::Closed)).into(),
            action(yes, theme::button::danger, Some(Message::Agreed)).into(),
        ]);
        let content = column![text(question).size(theme::BODY).style(theme::dim), buttons].spacing(theme::HUGE);
        dialog::card(title, content, Message::Closed)
    }

    fn words(&self) -> (&'static str, String, &'static str) {
        match &self.0 {
            Deed::Delete { .. } => {
                ("Delete message", "It will be gone for everybody. This cannot be taken back.".to_owned(), "Delete")
            }
            Deed::Leave { .. } => (
                "Leave group",
                "You will no longer see its messages. To come back you need an invite, unless it is public.".to_owned(),
                "Leave",
            ),
            Deed::Remove { name, .. } => {
                ("Remove from group", format!("{name} can come back only when a member adds them again."), "Remove")
            }
            Deed::SignOut => (
                "Sign out",
                "What this device keeps of your chats is removed from it. Your account and messages stay on the server."
                    .to_owned(),
                "Sign out",
            ),
        }
    }
}
