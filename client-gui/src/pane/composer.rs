//! Where one writes. Enter sends, Shift+Enter breaks the line; the box grows with the text.

mod emotes;
pub mod tray;
mod view;

use iced::widget::text_editor::{self, Content, Edit};
use iced::widget::{Id, operation};
use iced::{Element, Task};
use rookery_client::{Api, Attachment};

use super::{emote_picker, gif_picker};
use crate::emote::Habits;
use crate::gallery::Gallery;
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

/// What the server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in characters.
    pub text: usize,
    /// The most files of a message.
    pub files: usize,
    /// The largest file, in bytes.
    pub file_bytes: u64,
}

/// The box of one conversation; kept while another one is shown.
#[derive(Debug)]
pub struct State {
    content: Content,
    purpose: Purpose,
    // The emotes whose names begin like the word that is being written.
    offered: Option<Offered>,
    picker: Option<emote_picker::State>,
    tray: tray::State,
    gifs: Option<gif_picker::State>,
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
    /// Among what goes along.
    Tray(tray::Message),
    /// Show the GIFs, or hide them.
    GifsToggled,
    /// Among the GIFs.
    Gifs(gif_picker::Message),
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
        /// What goes along.
        attachments: Vec<Attachment>,
    },
    /// Give a message this text.
    Save {
        /// Which.
        id: i64,
        /// What it says from now on.
        text: String,
    },
    /// Show GIFs ([`State::show_gifs`]).
    ShowGifs,
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
        Self {
            content: Content::new(),
            purpose: Purpose::Say,
            offered: None,
            picker: None,
            tray: tray::State::default(),
            gifs: None,
        }
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

    /// Handles a message.
    pub fn update(&mut self, message: Message, limits: Limits, habits: &mut Habits) -> Action {
        match message {
            Message::Edited(action) => self.perform(action, habits),
            Message::Submitted => self.submit(limits.text, habits),
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
            Message::Tray(message) => self.change_tray(message, limits),
            Message::GifsToggled if self.gifs.take().is_some() => Action::Stay,
            Message::GifsToggled => Action::ShowGifs,
            Message::Gifs(message) => self.choose_gif(message, habits),
            Message::Cancelled if self.purpose == Purpose::Say => Action::Leave,
            Message::Cancelled => {
                self.cancel();
                Action::Stay
            }
        }
    }

    fn perform(&mut self, action: text_editor::Action, habits: &mut Habits) -> Action {
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
        let editing = matches!(self.purpose, Purpose::Edit { .. });
        let says = !text.trim().is_empty();
        if text.chars().count() > limit || !(says || (!editing && !self.tray.is_empty())) {
            return Action::None;
        }
        let text = if says { text.to_owned() } else { String::new() };
        match std::mem::replace(&mut self.purpose, Purpose::Say) {
            Purpose::Say => {
                self.write("");
                Action::Send { text, reply_to: 0, attachments: self.tray.take() }
            }
            Purpose::Reply(reply_to) => {
                self.write("");
                Action::Send { text, reply_to, attachments: self.tray.take() }
            }
            Purpose::Edit { id, kept } => {
                self.write(&kept);
                Action::Save { id, text }
            }
        }
    }

    fn change_tray(&mut self, message: tray::Message, limits: Limits) -> Action {
        // Whoever puts something in goes on writing.
        let done = matches!(message, tray::Message::Added(_) | tray::Message::Removed(_) | tray::Message::PathClosed);
        let task = self.tray.update(message, limits).map(Message::Tray);
        Action::Run(if done { Task::batch([task, self.focus()]) } else { task })
    }

    /// Shows GIFs to send; they are asked for with this.
    pub fn show_gifs(&mut self, api: &Api, habits: &Habits) -> Task<Message> {
        self.offered = None;
        let (gifs, task) = gif_picker::State::new(api.clone(), habits.gifs.list());
        self.gifs = Some(gifs);
        task.map(Message::Gifs)
    }

    /// A GIF is a message of its own; what is being written stays.
    fn choose_gif(&mut self, message: gif_picker::Message, habits: &mut Habits) -> Action {
        let Some(gifs) = &mut self.gifs else {
            return Action::None;
        };
        match gifs.update(message) {
            gif_picker::Action::None => Action::None,
            gif_picker::Action::Run(task) => Action::Run(task.map(Message::Gifs)),
            gif_picker::Action::Close => {
                self.gifs = None;
                Action::Stay
            }
            gif_picker::Action::Choose(gif) => {
                self.gifs = None;
                habits.gifs.note(&gif);
                let reply_to = match self.purpose {
                    Purpose::Reply(id) => id,
                    Purpose::Say | Purpose::Edit { .. } => 0,
                };
                if reply_to != 0 {
                    self.purpose = Purpose::Say;
                }
                Action::Send { text: String::new(), reply_to, attachments: vec![Attachment::Gif(gif)] }
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
        limits: Limits,
        habits: &'a Habits,
        gallery: &'a Gallery,
    ) -> Element<'a, Message> {
        view::show(self, placeholder, subject, limits.text, habits, gallery)
    }
}

fn id() -> Id {
    Id::new("composer")
}

#[cfg(test)]
mod tests;
