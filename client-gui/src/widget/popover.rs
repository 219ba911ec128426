//! What opens beside something and floats over everything else: the emote picker, menus. A click beside it closes it, and
//! it may take keys before anything else does.

use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, overlay, renderer};
use iced::keyboard::{self, Key, Modifiers};
use iced::{Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, Vector};

use crate::theme;

/// What a key means to the popover; none if it is for others.
type Keys<'a, Message> = Box<dyn Fn(&Key, Modifiers) -> Option<Message> + 'a>;

/// Which edges of the popover and of what it belongs to are one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left ones.
    Left,
    /// The right ones.
    Right,
}

/// Something, and what floats beside it while there is any.
pub struct Popover<'a, Message> {
    base: Element<'a, Message>,
    content: Option<Element<'a, Message>>,
    side: Side,
    on_close: Option<Message>,
    keys: Option<Keys<'a, Message>>,
}

/// Tells a popover from other widgets; what is remembered is in the widgets inside.
struct Open;

/// Lets `content` float above `base`, or below it where there is more room.
pub fn popover<'a, Message>(
    base: impl Into<Element<'a, Message>>,
    content: Option<Element<'a, Message>>,
    side: Side,
) -> Popover<'a, Message> {
    Popover { base: base.into(), content, side, on_close: None, keys: None }
}

impl<'a, Message> Popover<'a, Message> {
    /// What a click beside it means; such a click does nothing else then.
    #[must_use]
    pub fn on_close(self, message: Message) -> Self {
        Self { on_close: Some(message), ..self }
    }

    /// What keys mean while it is open, whatever has the focus.
    #[must_use]
    pub fn keys(self, keys: impl Fn(&Key, Modifiers) -> Option<Message> + 'a) -> Self {
        Self { keys: Some(Box::new(keys)), ..self }
    }
}

impl<Message: Clone> Widget<Message, Theme, Renderer> for Popover<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<Open>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Open)
    }

    fn children(&self) -> Vec<Tree> {
        let content = self.content.as_ref().map_or_else(Tree::empty, Tree::new);
        vec![Tree::new(&self.base), content]
    }

    fn diff(&self, tree: &mut Tree) {
        match (&self.content, tree.children.as_mut_slice()) {
            (Some(content), [base, open]) => {
                base.diff(&self.base);
                open.diff(content);
            }
            (None, [base, open]) => {
                base.diff(&self.base);
                *open = Tree::empty();
            }
            _ => tree.children = self.children(),
        }
    }

    fn size(&self) -> Size<Length> {
        self.base.as_widget().size()
    }

    fn size_hint(&self) -> Size<Length> {
        self.base.as_widget().size_hint()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        self.base.as_widget_mut().layout(&mut tree.children[0], renderer, limits)
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        self.base.as_widget_mut().operate(&mut tree.children[0], layout, renderer, operation);
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
        let base = &mut tree.children[0];
        self.base.as_widget_mut().update(base, event, layout, cursor, renderer, clipboard, shell, viewport);
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &Renderer,
    ) -> mouse::Interaction {
        self.base.as_widget().mouse_interaction(&tree.children[0], layout, cursor, viewport, renderer)
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
        self.base.as_widget().draw(&tree.children[0], renderer, theme, style, layout, cursor, viewport);
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, Renderer>> {
        let [base, open] = tree.children.as_mut_slice() else {
            return None;
        };
        // While it is open, words about what is below would only lie over it.
        let Some(content) = &mut self.content else {
            return self.base.as_widget_mut().overlay(base, layout, renderer, viewport, translation);
        };
        Some(overlay::Element::new(Box::new(Floating {
            anchor: layout.bounds() + translation,
            content,
            tree: open,
            side: self.side,
            on_close: self.on_close.as_ref(),
            keys: self.keys.as_ref(),
        })))
    }
}

impl<'a, Message: Clone + 'a> From<Popover<'a, Message>> for Element<'a, Message> {
    fn from(popover: Popover<'a, Message>) -> Self {
        Self::new(popover)
    }
}

struct Floating<'a, 'b, Message> {
    anchor: Rectangle,
    content: &'b mut Element<'a, Message>,
    tree: &'b mut Tree,
    side: Side,
    on_close: Option<&'b Message>,
    keys: Option<&'b Keys<'a, Message>>,
}

/// Where something of this size floats: above the anchor if there is room, else where there is more of it, and always
/// inside the window.
fn place(anchor: Rectangle, size: Size, window: Size, side: Side) -> Point {
    let above = anchor.y - theme::TINY - size.height;
    let below = anchor.y + anchor.height + theme::TINY;
    let room_below = window.height - below;
    let y = if above >= theme::TINY || anchor.y > room_below { above } else { below };
    let x = match side {
        Side::Left => anchor.x,
        Side::Right => anchor.x + anchor.width - size.width,
    };
    let inside = |at: f32, size: f32, window: f32| at.min(window - size - theme::TINY).max(theme::TINY).round();
    Point::new(inside(x, size.width, window.width), inside(y, size.height, window.height))
}

impl<Message: Clone> overlay::Overlay<Message, Theme, Renderer> for Floating<'_, '_, Message> {
    fn layout(&mut self, renderer: &Renderer, bounds: Size) -> layout::Node {
        let room = Size::new(bounds.width - theme::SMALL, bounds.height - theme::SMALL);
        let node = self.content.as_widget_mut().layout(self.tree, renderer, &layout::Limits::new(Size::ZERO, room));
        let at = place(self.anchor, node.size(), bounds, self.side);
        node.move_to(at)
    }

    fn draw(
        &self,
        renderer: &mut Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
    ) {
        self.content.as_widget().draw(self.tree, renderer, theme, style, layout, cursor, &layout.bounds());
    }

    fn operate(&mut self, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        self.content.as_widget_mut().operate(self.tree, layout, renderer, operation);
    }

    fn update(
        &mut self,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
    ) {
        if let (Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }), Some(keys)) = (event, self.keys)
            && let Some(message) = keys(key, *modifiers)
        {
            shell.publish(message);
            shell.capture_event();
            return;
        }
        let bounds = layout.bounds();
        self.content.as_widget_mut().update(self.tree, event, layout, cursor, renderer, clipboard, shell, &bounds);
        if let (Event::Mouse(mouse::Event::ButtonPressed(_)), Some(close)) = (event, self.on_close)
            && !cursor.is_over(bounds)
            && !shell.is_event_captured()
        {
            shell.publish(close.clone());
            shell.capture_event();
        }
    }

    fn mouse_interaction(&self, layout: Layout<'_>, cursor: mouse::Cursor, renderer: &Renderer) -> mouse::Interaction {
        if !cursor.is_over(layout.bounds()) {
            return mouse::Interaction::None;
        }
        // Never none: then what is below would be under the pointer, too.
        let inside = self.content.as_widget();
        inside.mouse_interaction(self.tree, layout, cursor, &layout.bounds(), renderer).max(mouse::Interaction::Idle)
    }

    fn overlay<'c>(
        &'c mut self,
        layout: Layout<'c>,
        renderer: &Renderer,
    ) -> Option<overlay::Element<'c, Message, Theme, Renderer>> {
        let bounds = layout.bounds();
        self.content.as_widget_mut().overlay(self.tree, layout, renderer, &bounds, Vector::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Size = Size::new(1000.0, 700.0);
    const SIZE: Size = Size::new(300.0, 400.0);

    fn at(anchor: Rectangle, side: Side) -> (f32, f32) {
        let point = place(anchor, SIZE, WINDOW, side);
        (point.x, point.y)
    }

    #[test]
    fn it_floats_above_or_where_there_is_room_and_never_leaves_the_window() {
        let button = |x, y| Rectangle::new(Point::new(x, y), Size::new(40.0, 40.0));
        assert_eq!(at(button(500.0, 600.0), Side::Left), (500.0, 196.0));
        assert_eq!(at(button(500.0, 600.0), Side::Right), (240.0, 196.0));
        assert_eq!(at(button(500.0, 100.0), Side::Left), (500.0, 144.0));
        assert_eq!(at(button(980.0, 600.0), Side::Left).0, 696.0);
        assert_eq!(at(button(4.0, 600.0), Side::Right).0, 4.0);
        assert_eq!(at(button(500.0, 350.0), Side::Left).1, 4.0);
    }
}
