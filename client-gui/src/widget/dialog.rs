//! A card over everything else. A click beside it, or Escape, closes it.

use iced::widget::{button, center, column, container, mouse_area, opaque, row, text};
use iced::{Center, Element, Fill};

use super::{icon, spring};
use crate::theme;

/// A dialog on a veil, to be laid over a screen.
pub fn veiled<'a, M: Clone + 'a>(dialog: Element<'a, M>, close: M) -> Element<'a, M> {
    opaque(mouse_area(center(opaque(dialog)).padding(theme::HUGE).style(theme::surface::veil)).on_press(close))
}

/// The card itself: a title with a way out, and what it is about.
pub fn card<'a, M: Clone + 'a>(title: &'a str, content: impl Into<Element<'a, M>>, close: M) -> Element<'a, M> {
    frame(title, content, close).width(theme::DIALOG).into()
}

/// A larger one, of this size where there is so much room; its content fills it.
pub fn sized_card<'a, M: Clone + 'a>(
    title: &'a str,
    content: impl Into<Element<'a, M>>,
    close: M,
    (width, height): (f32, f32),
) -> Element<'a, M> {
    container(frame(title, content, close).width(Fill).height(Fill)).max_width(width).max_height(height).into()
}

fn frame<'a, M: Clone + 'a>(
    title: &'a str,
    content: impl Into<Element<'a, M>>,
    close: M,
) -> iced::widget::Container<'a, M> {
    let way_out = button(container(icon::Icon::Close.view(theme::ICON)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(close);
    let head = row![text(title).size(theme::TITLE).font(theme::SEMIBOLD), spring(), way_out].align_y(Center);
    container(column![head, content.into()].spacing(theme::LARGE)).padding(theme::HUGE).style(theme::surface::card)
}

/// The buttons at the lower right of a card.
pub fn buttons<'a, M: 'a>(buttons: impl IntoIterator<Item = Element<'a, M>>) -> Element<'a, M> {
    let mut line = row![spring()].spacing(theme::SMALL);
    for button in buttons {
        line = line.push(button);
    }
    line.into()
}
