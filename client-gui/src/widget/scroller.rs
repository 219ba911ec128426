//! The scrolled list of messages. It holds its place by a row and not by pixels: whatever is loaded, dropped or changed
//! above or below, the row that is looked at stays where it is. At the end it stays at the end.

use std::collections::HashMap;

use iced::advanced::layout::{self, Layout};
use iced::advanced::renderer::{self, Quad};
use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Renderer as _, Shell, Widget, mouse, overlay};
use iced::{Element, Event, Fill, Length, Point, Rectangle, Renderer, Size, Theme, Vector, border, window};

use crate::theme;

/// Names a row; rows come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub i64, pub u32);

/// Where the view stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// At the last row.
    pub at_end: bool,
    /// Near the first row that is there.
    pub near_start: bool,
    /// Near the last row that is there.
    pub near_end: bool,
}

/// Where to go. A new `turn` makes it happen once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Command {
    /// Counts commands.
    pub turn: u64,
    /// Which.
    pub target: Target,
}

/// See [`Command`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// The last row, and to stay there.
    End,
    /// A row, in the middle; as soon as it is there.
    Row(Key),
    /// Up or down by so many heights of the view.
    Pages(f32),
}

/// The list.
pub struct Scroller<'a, Message> {
    list: i64,
    keys: Vec<Key>,
    rows: Vec<Element<'a, Message>>,
    complete: bool,
    command: Option<Command>,
    on_move: Box<dyn Fn(Place) -> Message + 'a>,
}

/// A list of rows. `list` names it: another one begins at its end. It is `complete` when nothing comes after its last
/// row; only then does the view stay at the end by itself.
pub fn scroller<'a, Message>(
    list: i64,
    rows: Vec<(Key, Element<'a, Message>)>,
    complete: bool,
    command: Option<Command>,
    on_move: impl Fn(Place) -> Message + 'a,
) -> Scroller<'a, Message> {
    let (keys, rows) = rows.into_iter().unzip();
    Scroller { list, keys, rows, complete, command, on_move: Box::new(on_move) }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Anchor {
    End,
    /// The lower edge of a row, below the upper edge of the view. The lower edge, because a row may lose its head when
    /// older ones of the same author come before it.
    Row(Key, f32),
}

#[derive(Debug)]
struct State {
    list: i64,
    anchor: Anchor,
    turn: u64,
    keys: Vec<Key>,
    // Of each row, its lower edge below the upper edge of the first.
    edges: Vec<f32>,
    height: f32,
    offset: f32,
    grabbed: Option<f32>,
    told: Option<(Place, Option<Key>, Option<Key>)>,
}

impl State {
    fn new(list: i64) -> Self {
        Self {
            list,
            anchor: Anchor::End,
            turn: 0,
            keys: Vec::new(),
            edges: Vec::new(),
            height: 0.0,
            offset: 0.0,
            grabbed: None,
            told: None,
        }
    }

    fn total(&self) -> f32 {
        self.edges.last().copied().unwrap_or_default()
    }

    /// The largest offset; below zero when all fits, and then the rows stand at the bottom.
    fn last_offset(&self) -> f32 {
        self.total() - self.height
    }

    fn clamp(&self, offset: f32) -> f32 {
        let last = self.last_offset();
        offset.clamp(last.min(0.0), last)
    }

    /// Goes to an offset and takes hold of the row that is there.
    fn scroll_to(&mut self, offset: f32, complete: bool) {
        self.offset = self.clamp(offset);
        if complete && self.offset >= self.last_offset() - 1.0 {
            self.anchor = Anchor::End;
            return;
        }
        let visible = self.edges.iter().position(|edge| *edge > self.offset);
        let steady = visible.and_then(|first| (first..self.keys.len()).find(|index| self.keys[*index].1 > 0));
        if let Some(index) = steady.or(visible) {
            self.anchor = Anchor::Row(self.keys[index], self.edges[index] - self.offset);
        }
    }

    /// The offset that keeps the anchor where it was.
    fn settle(&mut self) {
        let offset = match self.anchor {
            Anchor::End => self.last_offset(),
            Anchor::Row(key, edge) => match self.keys.iter().position(|other| *other >= key) {
                Some(index) => self.edges[index] - edge,
                None => self.last_offset(),
            },
        };
        self.offset = self.clamp(offset);
    }

    fn obey(&mut self, command: Option<Command>, complete: bool) {
        let Some(command) = command.filter(|command| command.turn != self.turn) else {
            return;
        };
        match command.target {
            Target::End => {
                self.anchor = Anchor::End;
                self.offset = self.last_offset();
            }
            Target::Pages(pages) => self.scroll_to(self.offset + pages * self.height, complete),
            Target::Row(key) => {
                let Some(index) = self.keys.iter().position(|other| *other == key) else {
                    // Not loaded yet: the command stays open.
                    return;
                };
                self.scroll_to(self.edges[index] - self.height / 2.0, complete);
            }
        }
        self.turn = command.turn;
    }

    fn place(&self) -> Place {
        let below = self.last_offset() - self.offset;
        Place {
            at_end: below < theme::END_SLACK,
            near_start: self.offset < theme::ANTICIPATION,
            near_end: below < theme::ANTICIPATION,
        }
    }

    fn thumb(&self, bounds: Rectangle) -> Option<Rectangle> {
        let last = self.last_offset();
        if last <= 0.0 {
            return None;
        }
        let height = (bounds.height * self.height / self.total()).max(theme::GIANT);
        let y = bounds.y + (bounds.height - height) * (self.offset / last);
        let x = bounds.x + bounds.width - theme::SCROLL_BAR - theme::HAIR;
        Some(Rectangle { x, y, width: theme::SCROLL_BAR, height })
    }

    fn drag(&mut self, bounds: Rectangle, y: f32, complete: bool) {
        let (Some(thumb), Some(grip)) = (self.thumb(bounds), self.grabbed) else {
            return;
        };
        let way = (bounds.height - thumb.height).max(1.0);
        let share = (y - grip - bounds.y) / way;
        self.scroll_to(share * self.last_offset(), complete);
    }
}

/// How far one notch of a wheel goes.
const NOTCH: f32 = 60.0;

impl<Message> Widget<Message, Theme, Renderer> for Scroller<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State { keys: self.keys.clone(), ..State::new(self.list) })
    }

    fn children(&self) -> Vec<Tree> {
        self.rows.iter().map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        let state = tree.state.downcast_mut::<State>();
        if state.list != self.list {
            *state = State { turn: state.turn, ..State::new(self.list) };
            tree.children.clear();
        }
        if state.keys == self.keys && tree.children.len() == self.rows.len() {
            for (child, row) in tree.children.iter_mut().zip(&self.rows) {
                child.diff(row);
            }
            return;
        }
        // Each row keeps its own state, wherever it moves to.
        let mut known: HashMap<Key, Tree> = state.keys.drain(..).zip(tree.children.drain(..)).collect();
        let children = self.keys.iter().zip(&self.rows).map(|(key, row)| match known.remove(key) {
            Some(mut child) => {
                child.diff(row);
                child
            }
            None => Tree::new(row),
        });
        tree.children = children.collect();
        state.keys.clone_from(&self.keys);
    }

    fn size(&self) -> Size<Length> {
        Size::new(Fill, Fill)
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let size = limits.max();
        let inner = layout::Limits::new(Size::ZERO, Size::new(size.width, f32::INFINITY));
        let nodes: Vec<_> = self
            .rows
            .iter_mut()
            .zip(&mut tree.children)
            .map(|(row, tree)| row.as_widget_mut().layout(tree, renderer, &inner))
            .collect();
        let state = tree.state.downcast_mut::<State>();
        state.height = size.height;
        state.edges.clear();
        let mut edge = 0.0;
        for node in &nodes {
            edge += node.size().height;
            state.edges.push(edge);
        }
        state.settle();
        state.obey(self.command, self.complete);
        let mut y = -state.offset;
        let placed = nodes.into_iter().map(|node| {
            let height = node.size().height;
            let node = node.move_to(Point::new(0.0, y.round()));
            y += height;
            node
        });
        layout::Node::with_children(size, placed.collect())
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        operation.container(None, layout.bounds());
        operation.traverse(&mut |operation| {
            let rows = self.rows.iter_mut().zip(&mut tree.children).zip(layout.children());
            for ((row, tree), layout) in rows {
                row.as_widget_mut().operate(tree, layout, renderer, operation);
            }
        });
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let state = tree.state.downcast_mut::<State>();
        if self.drag(state, event, bounds, cursor, shell) {
            return;
        }
        let inner = within(cursor, bounds);
        let visible = bounds.intersection(viewport).unwrap_or(bounds);
        let rows = self.rows.iter_mut().zip(&mut tree.children).zip(layout.children());
        for ((row, tree), layout) in rows {
            row.as_widget_mut().update(tree, event, layout, inner, renderer, clipboard, shell, &visible);
        }
        let state = tree.state.downcast_mut::<State>();
        match event {
            Event::Mouse(mouse::Event::WheelScrolled { delta })
                if cursor.is_over(bounds) && !shell.is_event_captured() =>
            {
                let distance = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => y * NOTCH,
                    mouse::ScrollDelta::Pixels { y, .. } => *y,
                };
                state.scroll_to(state.offset - distance, self.complete);
                shell.capture_event();
                moved(shell);
            }
            Event::Window(window::Event::RedrawRequested(_)) => {
                let now = (state.place(), self.keys.first().copied(), self.keys.last().copied());
                if state.told != Some(now) {
                    state.told = Some(now);
                    shell.publish((self.on_move)(now.0));
                }
            }
            _ => {}
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &Renderer,
    ) -> mouse::Interaction {
        let inner = within(cursor, layout.bounds());
        let rows = self.rows.iter().zip(&tree.children).zip(layout.children());
        rows.map(|((row, tree), layout)| row.as_widget().mouse_interaction(tree, layout, inner, viewport, renderer))
            .max()
            .unwrap_or_default()
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let Some(visible) = bounds.intersection(viewport) else {
            return;
        };
        let inner = within(cursor, bounds);
        renderer.with_layer(visible, |renderer| {
            let rows = self.rows.iter().zip(&tree.children).zip(layout.children());
            for ((row, tree), layout) in rows.filter(|(_, layout)| layout.bounds().intersects(&visible)) {
                row.as_widget().draw(tree, renderer, theme, style, layout, inner, &visible);
            }
        });
        let state = tree.state.downcast_ref::<State>();
        let Some(thumb) = state.thumb(bounds) else {
            return;
        };
        let colors = theme::colors(theme);
        let held = state.grabbed.is_some() || cursor.is_over(rail(bounds));
        let color = if held { colors.faint } else { colors.line };
        renderer.with_layer(visible, |renderer| {
            let border = border::rounded(theme::ROUND_FULL);
            renderer.fill_quad(Quad { bounds: thumb, border, ..Quad::default() }, color);
        });
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, Renderer>> {
        overlay::from_children(&mut self.rows, tree, layout, renderer, viewport, translation)
    }
}

impl<Message> Scroller<'_, Message> {
    /// The scroll bar; true if the event was for it.
    fn drag(
        &self,
        state: &mut State,
        event: &Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
        shell: &mut Shell<'_, Message>,
    ) -> bool {
        let Event::Mouse(event) = event else {
            return false;
        };
        match event {
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let (Some(at), Some(thumb)) = (cursor.position_over(rail(bounds)), state.thumb(bounds)) else {
                    return false;
                };
                let on_thumb = (thumb.y..thumb.y + thumb.height).contains(&at.y);
                state.grabbed = Some(if on_thumb { at.y - thumb.y } else { thumb.height / 2.0 });
                state.drag(bounds, at.y, self.complete);
            }
            mouse::Event::CursorMoved { position } if state.grabbed.is_some() => {
                state.drag(bounds, position.y, self.complete);
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) if state.grabbed.is_some() => state.grabbed = None,
            _ => return false,
        }
        shell.capture_event();
        moved(shell);
        true
    }
}

impl<'a, Message: 'a> From<Scroller<'a, Message>> for Element<'a, Message> {
    fn from(scroller: Scroller<'a, Message>) -> Self {
        Self::new(scroller)
    }
}

fn rail(bounds: Rectangle) -> Rectangle {
    let width = theme::MEDIUM;
    Rectangle { x: bounds.x + bounds.width - width, width, ..bounds }
}

fn within(cursor: mouse::Cursor, bounds: Rectangle) -> mouse::Cursor {
    if cursor.is_over(bounds) { cursor } else { mouse::Cursor::Unavailable }
}

fn moved<Message>(shell: &mut Shell<'_, Message>) {
    shell.invalidate_layout();
    shell.request_redraw();
}

#[cfg(test)]
mod tests;
