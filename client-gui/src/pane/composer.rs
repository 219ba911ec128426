//! Where one writes. Enter sends, Shift+Enter breaks the line; the box grows with the text.

mod emotes;
mod view;

use iced::widget::text_editor::{self, Content, Edit};
use iced::widget::{Id, operation};
use iced::{Element, Task};

use super::emote_picker;
use crate::emote::Habits;
use emotes::Offered;

/// What the text will be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// A message.
    Say,
    /// The answer to a message.
    Reply(i64),
    /// A message's new text; what had been written before comes back afterwards.
    Edit { id: i64, kept: String },
}

/// The box of one conversation; kept while another one is shown.
#[derive(Debug)]
pub struct State {
    content: Content,
    purpose: Purpose,
    // The emotes whose names begin like the word that is being written.
    offered: Option<Offered>,
    picker: Option<emote_picker::State>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The text or the cursor changed.
    Edited(text_editor::Action),
    /// Enter, or the button.
    Submitted,
    /// ↑ in the empty box.
    LastWanted,
    /// Escape, or the cross.
    Cancelled,
    /// Page up and page down.
    Paged(f32),
    /// Another one of the emotes that are offered.
    OfferMoved(isize),
    /// This one of them, or the one that is marked.
    OfferTaken(Option<usize>),
    /// None of them.
    OfferClosed,
    /// Show the emotes, or hide them.
    EmotesToggled,
    /// Among the emotes.
    Picker(emote_picker::Message),
}

impl Message {
    /// A letter was typed.
    #[must_use]
    pub fn insert(letter: char) -> Self {
        Self::Edited(text_editor::Action::Edit(Edit::Insert(letter)))
    }
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window.
    Run(Task<Message>),
    /// Tell the others that somebody types, or does so no more.
    Type {
        /// No more.
        stopped: bool,
    },
    /// Send this.
    Send {
        /// What it says.
        text: String,
        /// What it answers; 0 for nothing.
        reply_to: i64,
    },
    /// Give a message this text.
    Save {
        /// Which.
        id: i64,
        /// What it says from now on.
        text: String,
    },
    /// Edit the last message of one's own.
    EditLast,
    /// Scroll.
    Scroll(f32),
    /// Go on writing: something was cancelled, or put in.
    Stay,
    /// Escape, and there was nothing to cancel.
    Leave,
}

impl Default for State {
    fn default() -> Self {
        Self { content: Content::new(), purpose: Purpose::Say, offered: None, picker: None }
    }
}

impl State {
    /// Answers a message.
    pub fn reply(&mut self, id: i64) {
        self.cancel();
        self.purpose = Purpose::Reply(id);
    }

    /// Changes a message.
    pub fn edit(&mut self, id: i64, text: &str) {
        self.cancel();
        let kept = self.content.text();
        self.write(text);
        self.purpose = Purpose::Edit { id, kept };
    }

    /// Takes back what could not be sent, after what is being written.
    pub fn take_back(&mut self, text: &str, reply_to: i64) {
        self.cancel();
        let draft = self.content.text();
        let draft = draft.trim_end_matches('\n');
        let text = if draft.is_empty() { text.to_owned() } else { format!("{draft}\n{text}") };
        self.write(&text);
        if reply_to != 0 {
            self.purpose = Purpose::Reply(reply_to);
        }
    }

    /// The message that is answered or changed.
    #[must_use]
    pub fn subject(&self) -> Option<i64> {
        match self.purpose {
            Purpose::Say => None,
            Purpose::Reply(id) | Purpose::Edit { id, .. } => Some(id),
        }
    }

    /// Puts the cursor into it.
    pub fn focus<M: Send + 'static>(&self) -> Task<M> {
        operation::focus(id())
    }

    /// Handles a message; `limit` is the longest text that the server takes.
    pub fn update(&mut self, message: Message, limit: usize, habits: &mut Habits) -> Action {
        match message {
            Message::Edited(action) => self.perform(action, habits),
            Message::Submitted => self.submit(limit, habits),
            Message::LastWanted => Action::EditLast,
            Message::Paged(pages) => Action::Scroll(pages),
            Message::OfferMoved(step) => self.move_offer(step),
            Message::OfferTaken(which) => self.take_offer(which, habits),
            Message::OfferClosed => {
                self.offered = None;
                Action::None
            }
            Message::EmotesToggled => self.toggle_picker(habits),
            Message::Picker(message) => self.pick(message, habits),
            Message::Cancelled if self.purpose == Purpose::Say => Action::Leave,
            Message::Cancelled => {
                self.cancel();
                Action::Stay
            }
        }
    }

    fn perform(&mut self, action: text_editor::Action, habits: &Habits) -> Action {
        let typed =
            matches!(action, text_editor::Action::Edit(Edit::Insert(_) | Edit::Backspace | Edit::Delete | Edit::Enter));
        let changed = action.is_edit();
        let letter = emotes::letter(&action);
        self.content.perform(action);
        if let Some(letter) = letter {
            self.replace_written(letter, habits);
        }
        self.offer(changed, habits);
        let stopped = self.content.is_empty();
        // Pasting is not typing, and neither is correcting an old message.
        let counts = typed || (changed && stopped);
        if counts && !matches!(self.purpose, Purpose::Edit { .. }) { Action::Type { stopped } } else { Action::None }
    }

    fn submit(&mut self, limit: usize, habits: &Habits) -> Action {
        self.replace_last(habits);
        let text = self.content.text();
        let text = text.trim_end_matches('\n');
        if text.trim().is_empty() || text.chars().count() > limit {
            return Action::None;
        }
        let text = text.to_owned();
        match std::mem::replace(&mut self.purpose, Purpose::Say) {
            Purpose::Say => {
                self.write("");
                Action::Send { text, reply_to: 0 }
            }
            Purpose::Reply(reply_to) => {
                self.write("");
                Action::Send { text, reply_to }
            }
            Purpose::Edit { id, kept } => {
                self.write(&kept);
                Action::Save { id, text }
            }
        }
    }

    fn cancel(&mut self) {
        if let Purpose::Edit { kept, .. } = std::mem::replace(&mut self.purpose, Purpose::Say) {
            self.write(&kept);
        }
    }

    fn write(&mut self, text: &str) {
        self.offered = None;
        self.content = Content::with_text(text);
        self.content.perform(text_editor::Action::Move(text_editor::Motion::DocumentEnd));
    }

    /// Draws it. `subject` is who wrote the message that is answered or changed, and what it says.
    pub fn view<'a>(
        &'a self,
        placeholder: String,
        subject: Option<(&'a str, &'a str)>,
        limit: usize,
        habits: &'a Habits,
    ) -> Element<'a, Message> {
        view::show(self, placeholder, subject, limit, habits)
    }
}

fn id() -> Id {
    Id::new("composer")
}

#[cfg(test)]
mod tests;
