//! A square view of a picture: it is dragged to where it is wanted, and the wheel zooms. A ring shows what others will see.

use iced::advanced::image::{FilterMethod, Handle, Image, Renderer as _};
use iced::advanced::renderer::{self, Quad};
use iced::advanced::widget::{Tree, tree};
use iced::advanced::{Clipboard, Layout, Renderer as _, Shell, Widget, layout, mouse};
use iced::{Background, Color, Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, border};

use crate::picture::crop::Crop;
use crate::theme;

/// The view.
pub struct Cropper<'a, Message> {
    handle: Handle,
    crop: Crop,
    size: (f32, f32),
    on_change: Box<dyn Fn(Crop) -> Message + 'a>,
}

/// A view of a picture of this size in pixels. The handle may be of a smaller copy.
pub fn cropper<'a, Message>(
    handle: Handle,
    (width, height): (u32, u32),
    crop: Crop,
    on_change: impl Fn(Crop) -> Message + 'a,
) -> Cropper<'a, Message> {
    Cropper { handle, crop, size: (width as f32, height as f32), on_change: Box::new(on_change) }
}

/// Where it was taken hold of.
#[derive(Debug, Default)]
struct Held(Option<Point>);

impl<Message> Widget<Message, Theme, Renderer> for Cropper<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<Held>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Held::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(theme::CROPPER.into(), theme::CROPPER.into())
    }

    fn layout(&mut self, _tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        layout::atomic(limits, theme::CROPPER, theme::CROPPER)
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
        let Event::Mouse(event) = event else {
            return;
        };
        let bounds = layout.bounds();
        let held = tree.state.downcast_mut::<Held>();
        match event {
            mouse::Event::ButtonPressed(mouse::Button::Left) if cursor.is_over(bounds) => {
                held.0 = cursor.position();
            }
            mouse::Event::CursorMoved { position } if held.0.is_some() => {
                let from = held.0.replace(*position).unwrap_or(*position);
                let moved = *position - from;
                self.change(self.crop.dragged((moved.x / bounds.width, moved.y / bounds.height)), shell);
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) if held.0.is_some() => held.0 = None,
            mouse::Event::WheelScrolled { delta } if cursor.is_over(bounds) => {
                let Some(at) = cursor.position_in(bounds) else {
                    return;
                };
                let notches = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y,
                    mouse::ScrollDelta::Pixels { y, .. } => y / NOTCH,
                };
                let still = (at.x / bounds.width, at.y / bounds.height);
                self.change(self.crop.zoomed(self.crop.zoom() * STEP.powf(notches), still), shell);
            }
            _ => return,
        }
        shell.capture_event();
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _viewport: &Rectangle,
        _renderer: &Renderer,
    ) -> mouse::Interaction {
        match tree.state.downcast_ref::<Held>().0 {
            Some(_) => mouse::Interaction::Grabbing,
            None if cursor.is_over(layout.bounds()) => mouse::Interaction::Grab,
            None => mouse::Interaction::None,
        }
    }

    fn draw(
        &self,
        _tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _style: &renderer::Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let Some(visible) = bounds.intersection(viewport) else {
            return;
        };
        let colors = theme::colors(theme);
        let scale = bounds.width / self.crop.side();
        let (x, y) = self.crop.corner();
        let at = Point::new(bounds.x - x * scale, bounds.y - y * scale);
        let whole = Rectangle::new(at, Size::new(self.size.0 * scale, self.size.1 * scale));
        // For what is transparent.
        renderer.fill_quad(Quad { bounds, ..Quad::default() }, colors.base);
        let image = Image::new(self.handle.clone()).filter_method(FilterMethod::Linear);
        renderer.with_layer(visible, |renderer| renderer.draw_image(image, whole, visible));
        renderer.with_layer(visible, |renderer| {
            let ring = |bounds, color| Quad {
                bounds,
                border: border::rounded(theme::ROUND_FULL).width(theme::HAIR).color(color),
                ..Quad::default()
            };
            let clear = Background::Color(Color::TRANSPARENT);
            renderer.fill_quad(ring(bounds, colors.veil), clear);
            renderer.fill_quad(ring(bounds.shrink(theme::HAIR), colors.on_accent), clear);
        });
    }
}

impl<Message> Cropper<'_, Message> {
    fn change(&self, crop: Crop, shell: &mut Shell<'_, Message>) {
        if crop != self.crop {
            shell.publish((self.on_change)(crop));
        }
    }
}

impl<'a, Message: 'a> From<Cropper<'a, Message>> for Element<'a, Message> {
    fn from(cropper: Cropper<'a, Message>) -> Self {
        Self::new(cropper)
    }
}

/// How much closer one notch of the wheel brings it.
const STEP: f32 = 1.15;
/// So many pixels of a touch pad are a notch.
const NOTCH: f32 = 60.0;
