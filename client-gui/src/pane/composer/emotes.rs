//! Emotes in the composer: those that are offered while one writes a name, names and emoticons that are replaced, and the
//! picker.

use std::sync::Arc;

use iced::widget::text_editor::{self, Cursor, Edit, Position};

use super::{Action, Message, State};
use crate::emote::completion::{self, Offer, Replacement};
use crate::emote::{Emote, Habits};
use crate::pane::emote_picker;

/// What is offered now.
#[derive(Debug)]
pub(super) struct Offered {
    line: usize,
    offer: Offer,
    at: usize,
}

impl Offered {
    pub(super) fn emotes(&self) -> &[Emote] {
        &self.offer.emotes
    }

    /// The one that Enter takes.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

/// The letter that was typed, as far as it may end a name or an emoticon.
pub(super) fn letter(action: &text_editor::Action) -> Option<char> {
    match action {
        text_editor::Action::Edit(Edit::Insert(letter)) => Some(*letter),
        text_editor::Action::Edit(Edit::Enter) => Some('\n'),
        _ => None,
    }
}

impl State {
    /// Puts an emote where the name or the emoticon stands that a letter has just ended.
    pub(super) fn replace_written(&mut self, letter: char, habits: &mut Habits) {
        let Position { line, column } = self.content.cursor().position;
        let written = |line: usize| self.content.line(line).map(|line| line.text.into_owned()).unwrap_or_default();
        let (line, replacement) = match letter {
            ':' => (line, completion::finished(&written(line), column, habits)),
            '\n' => {
                let Some(above) = line.checked_sub(1) else {
                    return;
                };
                let text = written(above);
                (above, completion::emoticon(&text, text.len(), habits))
            }
            letter if letter.is_whitespace() => {
                (line, completion::emoticon(&written(line), column - letter.len_utf8(), habits))
            }
            _ => return,
        };
        if let Some(replacement) = replacement {
            habits.note(replacement.emote);
            self.replace(line, replacement);
        }
    }

    /// The same for the emoticon at the end of what is sent.
    pub(super) fn replace_last(&mut self, habits: &Habits) {
        let Some(line) = self.content.line_count().checked_sub(1) else {
            return;
        };
        let text = self.content.line(line).map(|line| line.text.into_owned()).unwrap_or_default();
        if let Some(replacement) = completion::emoticon(&text, text.len(), habits) {
            self.replace(line, replacement);
        }
    }

    /// Leaves the cursor where it was in the text.
    fn replace(&mut self, line: usize, Replacement { range, emote }: Replacement) {
        let before = self.content.cursor().position;
        let place = |column| Position { line, column };
        self.content.move_to(Cursor { position: place(range.end), selection: Some(place(range.start)) });
        self.content.perform(text_editor::Action::Edit(Edit::Paste(Arc::new(emote.to_owned()))));
        let column = if before.line == line { before.column + emote.len() - range.len() } else { before.column };
        self.content.move_to(Cursor { position: Position { column, ..before }, selection: None });
    }

    /// Looks whether a name is being written; whoever only moves the cursor is not asked.
    pub(super) fn offer(&mut self, changed: bool, habits: &Habits) {
        let Cursor { position: Position { line, column }, selection } = self.content.cursor();
        let text = self.content.line(line).filter(|_| changed && selection.is_none());
        let offer = text.and_then(|text| completion::offer(&text.text, column, habits));
        self.offered = offer.map(|offer| Offered { line, offer, at: 0 });
    }

    pub(super) fn move_offer(&mut self, step: isize) -> Action {
        if let Some(offered) = &mut self.offered {
            let count = offered.offer.emotes.len();
            offered.at = (offered.at + count).saturating_add_signed(step) % count;
        }
        Action::None
    }

    pub(super) fn take_offer(&mut self, which: Option<usize>, habits: &mut Habits) -> Action {
        let Some(Offered { line, offer, at }) = self.offered.take() else {
            return Action::None;
        };
        if let Some(emote) = offer.emotes.get(which.unwrap_or(at)) {
            let emote = habits.tone.of(emote);
            habits.note(emote);
            self.replace(line, Replacement { range: offer.range, emote });
            self.content.perform(text_editor::Action::Edit(Edit::Insert(' ')));
        }
        Action::Stay
    }

    pub(super) fn toggle_picker(&mut self, habits: &Habits) -> Action {
        self.offered = None;
        if self.picker.take().is_some() {
            return Action::Stay;
        }
        let (picker, task) = emote_picker::State::new(habits);
        self.picker = Some(picker);
        Action::Run(task.map(Message::Picker))
    }

    pub(super) fn pick(&mut self, message: emote_picker::Message, habits: &mut Habits) -> Action {
        let Some(picker) = &mut self.picker else {
            return Action::None;
        };
        match picker.update(message, habits) {
            emote_picker::Action::None => return Action::None,
            emote_picker::Action::Run(task) => return Action::Run(task.map(Message::Picker)),
            emote_picker::Action::Choose(emote) => {
                self.content.perform(text_editor::Action::Edit(Edit::Paste(Arc::new(emote.to_owned()))));
            }
            emote_picker::Action::Close => {}
        }
        self.picker = None;
        Action::Stay
    }
}
