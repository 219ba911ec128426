//! A picture of the gallery. Its place is as large before it is there as afterwards. One that moves does so only where it
//! is in view and while somebody looks at the window: else nothing is drawn anew.

mod reel;

use iced::advanced::image::{FilterMethod, Image, Renderer as _};
use iced::advanced::layout::{self, Layout};
use iced::advanced::renderer::{self, Quad};
use iced::advanced::text::{self, Renderer as _};
use iced::advanced::widget::{Tree, tree};
use iced::advanced::{Clipboard, Renderer as _, Shell, Widget, mouse};
use iced::{Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, border, window};

use super::icon::Icon;
use crate::gallery::{Gallery, Look, Order};
use crate::theme;
pub use reel::Reel;

/// The picture.
pub struct Picture<'a> {
    gallery: &'a Gallery,
    order: Order,
    size: Size,
    thumbhash: &'a [u8],
    quiet: bool,
}

/// A picture in a place of this size.
pub fn picture(gallery: &Gallery, order: Order, size: (f32, f32)) -> Picture<'_> {
    Picture { gallery, order, size: size.into(), thumbhash: &[], quiet: false }
}

impl<'a> Picture<'a> {
    /// Draws a blurred image until it is there.
    #[must_use]
    pub fn thumbhash(self, thumbhash: &'a [u8]) -> Self {
        Self { thumbhash, ..self }
    }

    /// Draws nothing until it is there: something else stands behind it.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    fn draw_place(&self, renderer: &mut Renderer, theme: &Theme, bounds: Rectangle, missing: bool) {
        if self.quiet {
            return;
        }
        let colors = theme::colors(theme);
        let blurred = self.gallery.blur(self.thumbhash, (bounds.width, bounds.height));
        match blurred {
            Some(blurred) => renderer.draw_image(Image::new(blurred), bounds, bounds),
            None => {
                let border = border::rounded(theme::ROUND);
                renderer.fill_quad(Quad { bounds, border, ..Quad::default() }, colors.hover);
            }
        }
        if missing {
            let size = theme::ICON.min(bounds.height);
            renderer.fill_text(sign(size), bounds.center(), colors.faint, bounds);
        }
    }
}

/// What stands where a picture cannot be had.
fn sign(size: f32) -> text::Text {
    text::Text {
        content: Icon::NoPicture.character().to_string(),
        bounds: Size::new(size, size),
        size: size.into(),
        line_height: 1.0.into(),
        font: theme::ICONS,
        align_x: text::Alignment::Center,
        align_y: iced::alignment::Vertical::Center,
        shaping: text::Shaping::Basic,
        wrapping: text::Wrapping::None,
    }
}

impl<Message> Widget<Message, Theme, Renderer> for Picture<'_> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<Reel>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Reel::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(self.size.width.into(), self.size.height.into())
    }

    fn layout(&mut self, _tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        layout::atomic(limits, self.size.width, self.size.height)
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        _renderer: &Renderer,
        _clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let Event::Window(window::Event::RedrawRequested(now)) = event else {
            return;
        };
        let reel = tree.state.downcast_mut::<Reel>();
        let seen = layout.bounds().intersects(viewport) && self.gallery.plays();
        match self.gallery.peek(&self.order).filter(|picture| seen && picture.moves()) {
            Some(picture) => shell.request_redraw_at(reel.advance(picture.frames(), *now)),
            None => reel.stop(),
        }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _style: &renderer::Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        if !bounds.intersects(viewport) {
            return;
        }
        let picture = match self.gallery.look(&self.order) {
            Look::There(picture) => picture,
            Look::Waiting => return self.draw_place(renderer, theme, bounds, false),
            Look::Missing => return self.draw_place(renderer, theme, bounds, true),
        };
        let frame = tree.state.downcast_ref::<Reel>().frame();
        let image = Image::new(picture.handle(frame, bounds.width)).filter_method(FilterMethod::Linear).snap(true);
        renderer.draw_image(image, within(bounds, picture.size()), bounds);
    }
}

/// In the middle of its place, in its own proportions.
fn within(bounds: Rectangle, (width, height): (u32, u32)) -> Rectangle {
    let (width, height) = (width as f32, height as f32);
    let scale = (bounds.width / width).min(bounds.height / height);
    let size = Size::new((width * scale).round(), (height * scale).round());
    let corner = Point::new(bounds.center_x() - size.width / 2.0, bounds.center_y() - size.height / 2.0);
    Rectangle::new(Point::new(corner.x.round(), corner.y.round()), size)
}

impl<'a, Message: 'a> From<Picture<'a>> for Element<'a, Message> {
    fn from(picture: Picture<'a>) -> Self {
        Element::new(picture)
    }
}
