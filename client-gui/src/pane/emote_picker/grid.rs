//! Emotes in rows of equal height, so that only those in view need to be drawn, and how the arrows move among them.

use std::ops::Range;

use crate::emote::catalogue::{self, Group};
use crate::emote::{Emote, Habits};
use crate::theme;

/// A part of all emotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What the user uses.
    Recent,
    /// What belongs together.
    Group(Group),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// What the rows below are.
    Title(&'static str),
    /// So many cells side by side.
    Cells(Range<usize>),
}

/// Where an arrow points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One back.
    Left,
    /// One on.
    Right,
    /// To the row above.
    Up,
    /// To the row below.
    Down,
}

/// The rows.
#[derive(Debug, Default)]
pub struct Grid {
    rows: Vec<Row>,
    cells: Vec<Emote>,
    sections: Vec<(Section, usize)>,
}

impl Grid {
    /// All emotes, those in use first.
    #[must_use]
    pub fn all(habits: &Habits) -> Self {
        let mut grid = Self::default();
        let recent: Vec<_> = habits.frequent().take(RECENT_ROWS * theme::EMOTE_COLUMNS).collect();
        if !recent.is_empty() {
            grid.push(Section::Recent, "Used often", recent);
        }
        for group in Group::iter() {
            let emotes = catalogue::all().iter().map(|entry| entry.emote).filter(|emote| emote.group() == group);
            grid.push(Section::Group(group), catalogue::title(group), emotes);
        }
        grid
    }

    /// What was looked for.
    #[must_use]
    pub fn found(emotes: Vec<Emote>) -> Self {
        let mut grid = Self::default();
        grid.fill(emotes);
        grid
    }

    fn push(&mut self, section: Section, title: &'static str, emotes: impl IntoIterator<Item = Emote>) {
        self.sections.push((section, self.rows.len()));
        self.rows.push(Row::Title(title));
        self.fill(emotes);
    }

    fn fill(&mut self, emotes: impl IntoIterator<Item = Emote>) {
        let mut start = self.cells.len();
        self.cells.extend(emotes);
        while start < self.cells.len() {
            let end = (start + theme::EMOTE_COLUMNS).min(self.cells.len());
            self.rows.push(Row::Cells(start..end));
            start = end;
        }
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All emotes; a cell is a place among them.
    #[must_use]
    pub fn cells(&self) -> &[Emote] {
        &self.cells
    }

    /// The sections that it has.
    pub fn sections(&self) -> impl Iterator<Item = Section> {
        self.sections.iter().map(|(section, _)| *section)
    }

    /// The rows that are in view, at an offset from the top.
    #[must_use]
    pub fn visible(&self, offset: f32) -> Range<usize> {
        let first = (offset / theme::EMOTE_CELL) as usize;
        let last = ((offset + theme::EMOTE_GRID) / theme::EMOTE_CELL).ceil() as usize;
        first.min(self.rows.len())..last.min(self.rows.len())
    }

    /// The section that begins an offset from the top, or goes on there.
    #[must_use]
    pub fn section_at(&self, offset: f32) -> Option<Section> {
        // The row that is at least half in view.
        let row = (offset / theme::EMOTE_CELL).round() as usize;
        self.sections.iter().rev().find(|(_, first)| *first <= row).map(|(section, _)| *section)
    }

    /// Where a section begins.
    #[must_use]
    pub fn row_of_section(&self, section: Section) -> usize {
        self.sections.iter().find(|(other, _)| *other == section).map_or(0, |(_, row)| *row)
    }

    /// The row of a cell.
    #[must_use]
    pub fn row_of(&self, cell: usize) -> usize {
        self.rows.iter().position(|row| matches!(row, Row::Cells(cells) if cells.contains(&cell))).unwrap_or(0)
    }

    /// The cell that an arrow leads to; the first one from nowhere, and none where there is none.
    #[must_use]
    pub fn step(&self, from: Option<usize>, step: Step) -> Option<usize> {
        let last = self.cells.len().checked_sub(1)?;
        let Some(from) = from.map(|from| from.min(last)) else {
            return Some(0);
        };
        let rows: Vec<&Range<usize>> = self
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Cells(cells) => Some(cells),
                Row::Title(_) => None,
            })
            .collect();
        let row = rows.iter().position(|cells| cells.contains(&from))?;
        let column = from - rows[row].start;
        let beside = |row: usize| rows.get(row).map(|cells| (cells.start + column).min(cells.end - 1));
        Some(match step {
            Step::Left => from.saturating_sub(1),
            Step::Right => (from + 1).min(last),
            Step::Up => row.checked_sub(1).and_then(beside).unwrap_or(from),
            Step::Down => beside(row + 1).unwrap_or(from),
        })
    }
}

/// So many rows of what the user uses.
const RECENT_ROWS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emote_has_a_cell_and_only_some_rows_are_in_view() {
        let grid = Grid::all(&Habits::default());
        assert_eq!(grid.cells().len(), catalogue::all().len());
        assert_eq!(grid.rows()[0], Row::Title("Smileys"));
        assert!(grid.rows().len() > 200);
        assert!(grid.visible(0.0).len() < 10 && grid.visible(1234.0).len() < 10);
        assert_eq!(grid.visible(1e9).len(), 0);
        assert_eq!(grid.visible(40.0).start, 1);
        assert_eq!(grid.sections().count(), 9);
    }

    #[test]
    fn what_is_used_stands_at_the_top() {
        let mut habits = Habits::default();
        habits.note("🦔");
        let grid = Grid::all(&habits);
        assert_eq!(grid.cells()[0].as_str(), "🦔");
        assert_eq!(grid.section_at(0.0), Some(Section::Recent));
        let food = Section::Group(Group::FoodAndDrink);
        let row = grid.row_of_section(food);
        assert_eq!(grid.rows()[row], Row::Title("Food and drink"));
        assert_eq!(grid.section_at(row as f32 * theme::EMOTE_CELL), Some(food));
    }

    #[test]
    fn arrows_go_over_titles_and_stop_at_the_edges() {
        let mut habits = Habits::default();
        habits.note("🦔");
        habits.note("🎉");
        let grid = Grid::all(&habits);
        assert_eq!(grid.step(None, Step::Down), Some(0));
        assert_eq!(grid.step(Some(0), Step::Left), Some(0));
        assert_eq!(grid.step(Some(1), Step::Down), Some(3), "the second of the row below the title");
        assert_eq!(grid.step(Some(8), Step::Up), Some(1), "a shorter row ends earlier");
        assert_eq!(grid.step(Some(1), Step::Up), Some(1));
        let last = grid.cells().len() - 1;
        assert_eq!(grid.step(Some(last), Step::Right), Some(last));
        assert_eq!(grid.step(Some(last), Step::Down), Some(last));
        assert_eq!(Grid::found(Vec::new()).step(None, Step::Down), None);
    }
}
