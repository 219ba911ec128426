//! GIFs in rows that are all as wide as the grid, each row as high as its GIFs need it; and how the arrows move there.

use std::ops::Range;

use rookery_client::v1;

use crate::pane::emote_picker::grid::Step;
use crate::theme;

/// The rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    rows: Vec<Range<usize>>,
    // Of each GIF.
    sizes: Vec<(f32, f32)>,
}

impl Rows {
    /// Puts GIFs into rows.
    #[must_use]
    pub fn of(gifs: &[v1::Gif]) -> Self {
        let (room, usual) = (theme::GIF_GRID.0, theme::GIF_ROW);
        let mut rows = Self::default();
        let mut start = 0;
        while start < gifs.len() {
            let mut end = start;
            let mut shares = 0.0;
            // As many as fill the row at the usual height.
            while end < gifs.len() && shares * usual + gaps(end - start) < room {
                shares += share(&gifs[end]);
                end += 1;
            }
            let full = (room - gaps(end - start)) / shares;
            // The last row may end early, but is no higher than the others.
            let height = full.min(usual * HIGHEST).floor();
            rows.sizes.extend(gifs[start..end].iter().map(|gif| ((share(gif) * height).floor().min(room), height)));
            rows.rows.push(start..end);
            start = end;
        }
        rows
    }

    /// Tiles, two in each row.
    #[must_use]
    pub fn tiles(count: usize) -> Self {
        let rows = (0..count).step_by(2).map(|start| start..(start + 2).min(count)).collect();
        Self { rows, sizes: vec![theme::GIF_TILE; count] }
    }

    /// The rows, as places among the GIFs.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        self.rows.iter().cloned()
    }

    /// How large a GIF is drawn.
    #[must_use]
    pub fn size(&self, cell: usize) -> (f32, f32) {
        self.sizes.get(cell).copied().unwrap_or_default()
    }

    /// Where a GIF's row begins and ends, from the top.
    #[must_use]
    pub fn edges(&self, cell: usize) -> Option<(f32, f32)> {
        let mut top = 0.0;
        for row in &self.rows {
            let height = self.size(row.start).1;
            if row.contains(&cell) {
                return Some((top, top + height));
            }
            top += height + theme::TINY;
        }
        None
    }

    /// The GIF that an arrow leads to; the first one from nowhere.
    #[must_use]
    pub fn step(&self, from: Option<usize>, step: Step) -> Option<usize> {
        let last = self.sizes.len().checked_sub(1)?;
        let Some(from) = from.map(|from| from.min(last)) else {
            return Some(0);
        };
        let row = self.rows.iter().position(|row| row.contains(&from))?;
        Some(match step {
            Step::Left => from.saturating_sub(1),
            Step::Right => (from + 1).min(last),
            Step::Up => row.checked_sub(1).map_or(from, |above| self.nearest(above, self.middle(from))),
            Step::Down if row + 1 < self.rows.len() => self.nearest(row + 1, self.middle(from)),
            Step::Down => from,
        })
    }

    fn middle(&self, cell: usize) -> f32 {
        let row = self.rows.iter().find(|row| row.contains(&cell)).cloned().unwrap_or_default();
        let before: f32 = (row.start..cell).map(|other| self.size(other).0 + theme::TINY).sum();
        before + self.size(cell).0 / 2.0
    }

    fn nearest(&self, row: usize, x: f32) -> usize {
        let away = |cell: &usize| (self.middle(*cell) - x).abs();
        let cells = self.rows[row].clone();
        let start = cells.start;
        cells.min_by(|one, other| away(one).total_cmp(&away(other))).unwrap_or(start)
    }
}

/// How wide a GIF of the height 1 is. One that is thinner than a pencil, or says nothing of itself, is given a place all
/// the same.
fn share(gif: &v1::Gif) -> f32 {
    if gif.width <= 0 || gif.height <= 0 {
        return 1.0;
    }
    (gif.width as f32 / gif.height as f32).clamp(0.4, 3.0)
}

fn gaps(cells: usize) -> f32 {
    cells.saturating_sub(1) as f32 * theme::TINY
}

/// A row is at most so many times as high as usual.
const HIGHEST: f32 = 1.1;

#[cfg(test)]
mod tests {
    use super::*;

    fn gifs(sizes: &[(i32, i32)]) -> Vec<v1::Gif> {
        sizes.iter().map(|(width, height)| v1::Gif { width: *width, height: *height, ..v1::Gif::default() }).collect()
    }

    #[test]
    fn each_row_is_as_wide_as_the_grid_but_the_last() {
        let rows = Rows::of(&gifs(&[(128, 128), (480, 270), (128, 128), (200, 300), (400, 100), (1, 9_000), (0, 0)]));
        let widths: Vec<f32> =
            rows.iter().map(|row| row.clone().map(|cell| rows.size(cell).0).sum::<f32>() + gaps(row.len())).collect();
        assert!(widths.iter().all(|width| *width <= theme::GIF_GRID.0), "{widths:?}");
        let (_, full) = widths.split_last().unwrap();
        assert!(full.iter().all(|width| *width > theme::GIF_GRID.0 - 8.0), "{widths:?}");
        assert!(rows.iter().all(|row| rows.size(row.start).1 <= theme::GIF_ROW * HIGHEST));
        assert_eq!(rows.iter().map(|row| row.len()).sum::<usize>(), 7);
    }

    #[test]
    fn arrows_lead_to_what_stands_there() {
        let rows = Rows::of(&gifs(&[(128, 128); 7]));
        assert_eq!(rows.iter().next(), Some(0..3));
        assert_eq!(rows.step(None, Step::Down), Some(0));
        assert_eq!(rows.step(Some(1), Step::Down), Some(4));
        assert_eq!(rows.step(Some(5), Step::Down), Some(6));
        assert_eq!(rows.step(Some(6), Step::Down), Some(6));
        assert_eq!(rows.step(Some(4), Step::Up), Some(1));
        assert_eq!(rows.step(Some(2), Step::Right), Some(3));
        assert_eq!(rows.step(Some(0), Step::Left), Some(0));
        assert_eq!(Rows::default().step(None, Step::Down), None);
        let (top, bottom) = rows.edges(4).unwrap();
        assert!(top > 0.0 && bottom > top);
    }
}
