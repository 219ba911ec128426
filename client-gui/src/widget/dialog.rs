//! A card over everything else. A click beside it, or Escape, closes it.

use iced::widget::{button, center, column, container, mouse_area, opaque, row, stack, text};
use iced::{Center, Element, Fill};

use super::{icon, spring};
use crate::theme;

/// Lays a dialog over a screen.
pub fn over<'a, M: Clone + 'a>(below: impl Into<Element<'a, M>>, dialog: Element<'a, M>, close: M) -> Element<'a, M> {
    let veil = mouse_area(center(opaque(dialog)).padding(theme::HUGE).style(theme::surface::veil)).on_press(close);
    stack![below.into(), opaque(veil)].into()
}

/// The card itself: a title with a way out, and what it is about.
pub fn card<'a, M: Clone + 'a>(title: &'a str, content: impl Into<Element<'a, M>>, close: M) -> Element<'a, M> {
    let way_out = button(container(icon::Icon::Close.view(theme::ICON)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(close);
    let head = row![text(title).size(theme::TITLE).font(theme::SEMIBOLD), spring(), way_out].align_y(Center);
    container(column![head, content.into()].spacing(theme::LARGE))
        .width(theme::DIALOG)
        .padding(theme::HUGE)
        .style(theme::surface::card)
        .into()
}

/// The buttons at the lower right of a card.
pub fn buttons<'a, M: 'a>(buttons: impl IntoIterator<Item = Element<'a, M>>) -> Element<'a, M> {
    let mut line = row![spring()].spacing(theme::SMALL);
    for button in buttons {
        line = line.push(button);
    }
    line.into()
}
