//! A picture to be looked at closely: it fills its place, a wheel or a key makes it larger where the pointer is, and it can
//! be dragged about. Where it stands is its own affair; it tells how large it is drawn.

mod aim;

use iced::advanced::image::{Image, Renderer as _};
use iced::advanced::layout::{self, Layout};
use iced::advanced::widget::{Tree, tree};
use iced::advanced::{Clipboard, Renderer as _, Shell, Widget, mouse, renderer};
use iced::keyboard::{self, Key};
use iced::{Element, Event, Fill, Length, Point, Rectangle, Renderer, Size, Theme, window};

use super::picture::Reel;
use crate::gallery::{Gallery, Look, Order};
use aim::Aim;

/// How large to draw it. A new `turn` makes it happen once.
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
    /// All of it in the place.
    Fit,
    /// Each pixel as it is.
    Actual,
    /// Larger or smaller by so much.
    By(f32),
}

/// The picture.
pub struct Lens<'a, Message> {
    gallery: &'a Gallery,
    order: Order,
    // What is drawn until all of it is there.
    small: Order,
    size: Size,
    command: Option<Command>,
    on_zoom: Box<dyn Fn(f32) -> Message + 'a>,
    on_leave: Message,
}

/// A picture of this size in pixels, and a smaller version of it. `on_zoom` hears how large it is drawn, `on_leave` that
/// somebody pressed beside it.
pub fn lens<'a, Message>(
    gallery: &'a Gallery,
    (order, small): (Order, Order),
    size: (f32, f32),
    command: Option<Command>,
    on_zoom: impl Fn(f32) -> Message + 'a,
    on_leave: Message,
) -> Lens<'a, Message> {
    Lens { gallery, order, small, size: size.into(), command, on_zoom: Box::new(on_zoom), on_leave }
}

#[derive(Debug)]
struct State {
    order: Order,
    aim: Aim,
    turn: u64,
    grabbed: Option<Point>,
    told: Option<f32>,
    reel: Reel,
}

impl State {
    fn new(order: Order, turn: u64) -> Self {
        Self { order, aim: Aim::Fit, turn, grabbed: None, told: None, reel: Reel::default() }
    }

    fn obey(&mut self, command: Option<Command>, size: Size, bounds: Rectangle) {
        if let Some(command) = command.filter(|command| command.turn != self.turn) {
            self.turn = command.turn;
            self.aim = self.aim.turned(command.target, bounds.center(), size, bounds);
        }
    }
}

impl<Message: Clone> Widget<Message, Theme, Renderer> for Lens<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::new(self.order.clone(), self.command.map_or(0, |command| command.turn)))
    }

    fn diff(&self, tree: &mut Tree) {
        let state = tree.state.downcast_mut::<State>();
        if state.order != self.order {
            *state = State::new(self.order.clone(), state.turn);
        }
    }

    fn size(&self) -> Size<Length> {
        Size::new(Fill, Fill)
    }

    fn layout(&mut self, tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let state = tree.state.downcast_mut::<State>();
        state.obey(self.command, self.size, Rectangle::with_size(limits.max()));
        layout::Node::new(limits.max())
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _renderer: &Renderer,
        _clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        _viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let state = tree.state.downcast_mut::<State>();
        match event {
            Event::Window(window::Event::RedrawRequested(now)) => {
                let zoom = state.aim.scale(self.size, bounds);
                if state.told.replace(zoom) != Some(zoom) {
                    shell.publish((self.on_zoom)(zoom));
                }
                let picture = self.gallery.peek(&self.order).filter(|picture| picture.moves() && self.gallery.plays());
                match picture {
                    Some(picture) => shell.request_redraw_at(state.reel.advance(picture.frames(), *now)),
                    None => state.reel.stop(),
                }
            }
            Event::Mouse(event) => self.point(state, event, bounds, cursor, shell),
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) if !modifiers.alt() => {
                let target = match key.as_ref() {
                    Key::Character("+" | "=") => Target::By(STEP),
                    Key::Character("-") => Target::By(1.0 / STEP),
                    Key::Character("0") => Target::Fit,
                    Key::Character("1") => Target::Actual,
                    _ => return,
                };
                state.aim = state.aim.turned(target, bounds.center(), self.size, bounds);
                shell.capture_event();
                shell.request_redraw();
            }
            _ => {}
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _viewport: &Rectangle,
        _renderer: &Renderer,
    ) -> mouse::Interaction {
        let state = tree.state.downcast_ref::<State>();
        if state.grabbed.is_some() {
            mouse::Interaction::Grabbing
        } else if cursor.is_over(state.aim.place(self.size, layout.bounds())) {
            mouse::Interaction::Grab
        } else {
            mouse::Interaction::default()
        }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        _theme: &Theme,
        _style: &renderer::Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        _viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let state = tree.state.downcast_ref::<State>();
        let picture = match self.gallery.look(&self.order) {
            Look::There(picture) => Some(picture),
            Look::Waiting | Look::Missing => self.gallery.peek(&self.small),
        };
        let Some(picture) = picture else { return };
        let place = state.aim.place(self.size, bounds);
        let image = Image::new(picture.handle(state.reel.frame(), place.width)).snap(true);
        renderer.with_layer(bounds, |renderer| renderer.draw_image(image, place, bounds));
    }
}

impl<Message: Clone> Lens<'_, Message> {
    fn point(
        &self,
        state: &mut State,
        event: &mouse::Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
        shell: &mut Shell<'_, Message>,
    ) {
        match event {
            mouse::Event::WheelScrolled { delta } => {
                let Some(at) = cursor.position_over(bounds) else { return };
                let lines = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y,
                    mouse::ScrollDelta::Pixels { y, .. } => *y / LINE,
                };
                state.aim = state.aim.turned(Target::By(STEP.powf(lines)), at, self.size, bounds);
            }
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let Some(at) = cursor.position_over(bounds) else { return };
                if !state.aim.place(self.size, bounds).contains(at) {
                    shell.publish(self.on_leave.clone());
                }
                state.grabbed = Some(at);
            }
            mouse::Event::CursorMoved { position } => {
                let Some(from) = state.grabbed else { return };
                state.grabbed = Some(*position);
                state.aim = state.aim.moved(*position - from, self.size, bounds);
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) if state.grabbed.is_some() => state.grabbed = None,
            _ => return,
        }
        shell.capture_event();
        shell.request_redraw();
    }
}

/// One notch, or one key.
const STEP: f32 = 1.25;
/// So many pixels of a smooth wheel are a notch.
const LINE: f32 = 60.0;

impl<'a, Message: Clone + 'a> From<Lens<'a, Message>> for Element<'a, Message> {
    fn from(lens: Lens<'a, Message>) -> Self {
        Element::new(lens)
    }
}
