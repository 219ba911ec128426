//! Emoji in colour where one writes, as they will be where it is read.

use std::ops::Range;

use iced::advanced::text::Highlighter;

use crate::emoji;

/// Finds the emoji in each line of an editor.
#[derive(Debug)]
pub struct Colour {
    line: usize,
}

impl Highlighter for Colour {
    type Settings = ();
    type Highlight = ();
    type Iterator<'a> = std::vec::IntoIter<(Range<usize>, ())>;

    fn new((): &()) -> Self {
        Self { line: 0 }
    }

    fn update(&mut self, (): &()) {
        self.line = 0;
    }

    fn change_line(&mut self, line: usize) {
        self.line = self.line.min(line);
    }

    fn highlight_line(&mut self, line: &str) -> Self::Iterator<'_> {
        self.line += 1;
        let runs = if emoji::any(line) { emoji::runs(line) } else { Vec::new() };
        let found: Vec<_> = runs.into_iter().filter(|run| run.emoji).map(|run| (run.range, ())).collect();
        found.into_iter()
    }

    fn current_line(&self) -> usize {
        self.line
    }
}
