//! All emotes to choose from. It chooses and nothing else: what becomes of the emote is its owner's matter.

pub mod grid;
mod view;

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::widget::operation::AbsoluteOffset;
use iced::widget::{Id, operation};
use iced::{Element, Task};

use crate::emote::{Emote, Habits, Tone, search};
use crate::theme;
use grid::{Grid, Section, Step};

/// The picker.
#[derive(Debug)]
pub struct State {
    query: String,
    grid: Grid,
    // The one under the pointer, or that the keys chose.
    at: Option<usize>,
    offset: f32,
    choosing_tone: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// What is looked for was changed.
    QueryChanged(String),
    /// The pointer came over one.
    Pointed(usize),
    /// One was chosen.
    Chosen(usize),
    /// Enter.
    Submitted,
    /// An arrow.
    Moved(Step),
    /// The view moved.
    Scrolled(f32),
    /// To a part of them.
    SectionChosen(Section),
    /// Show the skin tones, or hide them.
    TonesToggled,
    /// A skin tone was chosen.
    ToneChosen(Tone),
    /// Emoticons are to be replaced from now on, or no more.
    EmoticonsToggled,
    /// Escape, or a click beside it.
    Closed,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window.
    Run(Task<Message>),
    /// Use this one; it is noted already.
    Choose(&'static str),
    /// Close it.
    Close,
}

impl State {
    /// All of them; the task puts the cursor into the search.
    pub fn new(habits: &Habits) -> (Self, Task<Message>) {
        let state = Self { query: String::new(), grid: Grid::all(habits), at: None, offset: 0.0, choosing_tone: false };
        (state, operation::focus(SEARCH))
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, habits: &mut Habits) -> Action {
        match message {
            Message::QueryChanged(query) => return self.look_for(query, habits),
            Message::Pointed(cell) => self.at = Some(cell),
            Message::Chosen(cell) => return self.choose(Some(cell), habits),
            Message::Submitted => return self.choose(self.at.or(Some(0)), habits),
            Message::Moved(step) => return self.step(step),
            Message::Scrolled(offset) => self.offset = offset,
            Message::SectionChosen(section) => {
                return self.scroll(self.grid.row_of_section(section) as f32 * theme::EMOTE_CELL);
            }
            Message::TonesToggled => self.choosing_tone = !self.choosing_tone,
            Message::ToneChosen(tone) => {
                habits.tone = tone;
                self.choosing_tone = false;
            }
            Message::EmoticonsToggled => habits.emoticons = !habits.emoticons,
            Message::Closed => return Action::Close,
        }
        Action::None
    }

    fn look_for(&mut self, query: String, habits: &Habits) -> Action {
        self.query = query;
        self.grid = match self.query.trim() {
            "" => Grid::all(habits),
            query => Grid::found(search::search(query, habits)),
        };
        // Enter takes the best one.
        self.at = (!self.query.trim().is_empty() && self.emote(0).is_some()).then_some(0);
        self.scroll(0.0)
    }

    fn choose(&self, cell: Option<usize>, habits: &mut Habits) -> Action {
        let Some(emote) = cell.and_then(|cell| self.emote(cell)) else {
            return Action::None;
        };
        let emote = habits.tone.of(emote);
        habits.note(emote);
        Action::Choose(emote)
    }

    fn step(&mut self, step: Step) -> Action {
        self.at = self.grid.step(self.at, step);
        let Some(row) = self.at.map(|cell| self.grid.row_of(cell)) else {
            return Action::None;
        };
        let (top, bottom) = (row as f32 * theme::EMOTE_CELL, (row + 1) as f32 * theme::EMOTE_CELL);
        // With the title above the first row, as far as there is one.
        let top = if row == 1 { 0.0 } else { top };
        match self.offset {
            offset if offset > top => self.scroll(top),
            offset if offset + theme::EMOTE_GRID < bottom => self.scroll(bottom - theme::EMOTE_GRID),
            _ => Action::None,
        }
    }

    fn scroll(&mut self, offset: f32) -> Action {
        let last = (self.grid.rows().len() as f32 * theme::EMOTE_CELL - theme::EMOTE_GRID).max(0.0);
        self.offset = offset.clamp(0.0, last);
        Action::Run(operation::scroll_to(GRID, AbsoluteOffset { x: 0.0, y: self.offset }))
    }

    fn emote(&self, cell: usize) -> Option<Emote> {
        self.grid.cells().get(cell).copied()
    }

    /// Draws it.
    pub fn view<'a>(&'a self, habits: &'a Habits) -> Element<'a, Message> {
        view::show(self, habits)
    }
}

/// What a key means while the picker is open.
#[must_use]
pub fn key(key: &Key, modifiers: Modifiers) -> Option<Message> {
    if modifiers.command() || modifiers.alt() {
        return None;
    }
    Some(match key.as_ref() {
        Key::Named(Named::ArrowLeft) => Message::Moved(Step::Left),
        Key::Named(Named::ArrowRight) => Message::Moved(Step::Right),
        Key::Named(Named::ArrowUp) => Message::Moved(Step::Up),
        Key::Named(Named::ArrowDown) => Message::Moved(Step::Down),
        Key::Named(Named::Enter) => Message::Submitted,
        Key::Named(Named::Escape) => Message::Closed,
        _ => return None,
    })
}

const SEARCH: Id = Id::new("emote-search");
const GRID: Id = Id::new("emote-grid");
