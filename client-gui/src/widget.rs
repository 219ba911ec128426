//! Small pieces that several screens use.

pub mod avatar;
pub mod cropper;
pub mod dialog;
pub mod field;
pub mod icon;
pub mod ink;
pub mod lens;
pub mod picture;
pub mod popover;
pub mod profile;
pub mod scroller;
pub mod words;

use iced::widget::{button, container, mouse_area, row, rule, space, text, tooltip};
use iced::{Center, Element, Fill, Length};

use crate::theme;
use icon::Icon;

/// A square button with an icon, which says in words what it does when the pointer rests on it.
pub fn icon_button<'a, M: Clone + 'a>(icon: Icon, hint: &'a str, message: M) -> Element<'a, M> {
    hint_over(square(icon, message), hint, tooltip::Position::Top)
}

/// The same in the head of a pane, where there is no room for words but below.
pub fn head_button<'a, M: Clone + 'a>(icon: Icon, hint: &'a str, message: M) -> Element<'a, M> {
    hint_over(square(icon, message), hint, tooltip::Position::Bottom)
}

fn square<'a, M: Clone + 'a>(icon: Icon, message: M) -> Element<'a, M> {
    button(container(icon.view(theme::ICON)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(message)
        .into()
}

/// Words that appear when the pointer rests on something.
pub fn hint_over<'a, M: 'a>(
    content: impl Into<Element<'a, M>>,
    hint: impl text::IntoFragment<'a>,
    position: tooltip::Position,
) -> Element<'a, M> {
    tooltip(content, container(text(hint).size(theme::CAPTION)).padding([theme::TINY, theme::SMALL]), position)
        .gap(theme::TINY)
        .delay(HINT_DELAY)
        .style(theme::surface::floating)
        .into()
}

/// Something that leads elsewhere when it is pressed, and looks as ever.
pub fn way_to<'a, M: Clone + 'a>(content: impl Into<Element<'a, M>>, message: M) -> Element<'a, M> {
    mouse_area(content).on_press(message).interaction(iced::mouse::Interaction::Pointer).into()
}

/// A button of words. Without a message it cannot be pressed.
pub fn action<'a, M: Clone + 'a>(
    label: impl text::IntoFragment<'a>,
    style: fn(&iced::Theme, button::Status) -> button::Style,
    message: Option<M>,
) -> button::Button<'a, M> {
    let label = text(label).size(theme::BODY).font(theme::SEMIBOLD).wrapping(text::Wrapping::None);
    button(container(label).center_y(Fill))
        .height(theme::CONTROL)
        .padding([0.0, theme::LARGE])
        .style(style)
        .on_press_maybe(message)
}

/// The same, as wide as there is room.
pub fn wide_action<'a, M: Clone + 'a>(
    label: impl text::IntoFragment<'a>,
    style: fn(&iced::Theme, button::Status) -> button::Style,
    message: Option<M>,
) -> Element<'a, M> {
    let label = text(label).size(theme::BODY).font(theme::SEMIBOLD);
    button(container(label).center(Fill))
        .width(Fill)
        .height(theme::CONTROL)
        .padding(0)
        .style(style)
        .on_press_maybe(message)
        .into()
}

/// One of several views side by side.
pub fn tab<'a, M: Clone + 'a>(label: &'a str, selected: bool, message: M) -> Element<'a, M> {
    let label = text(label).size(theme::BODY).font(theme::SEMIBOLD);
    button(container(label).center(Fill))
        .width(Fill)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::tab(selected))
        .on_press(message)
        .into()
}

/// A count that stands out, or nothing.
pub fn badge<'a, M: 'a>(count: i64) -> Option<Element<'a, M>> {
    if count <= 0 {
        return None;
    }
    let label = if count > BADGE_MOST { format!("{BADGE_MOST}+") } else { count.to_string() };
    let label = words::look(theme::CAPTION).font(theme::SEMIBOLD).style(theme::on_accent).view_owned(label);
    Some(container(label).padding([theme::HAIR, theme::SMALL]).style(theme::surface::badge).into())
}

/// A small word beside a name.
pub fn tag<'a, M: 'a>(label: &'a str) -> Element<'a, M> {
    container(text(label).size(theme::CAPTION).line_height(1.0))
        .padding([theme::HAIR, theme::TINY])
        .style(theme::surface::tag)
        .into()
}

/// A hairline from side to side.
pub fn line<'a, M: 'a>() -> Element<'a, M> {
    rule::horizontal(1).style(theme::surface::line).into()
}

/// A hairline from top to bottom.
pub fn upright<'a, M: 'a>() -> Element<'a, M> {
    rule::vertical(1).style(theme::surface::line).into()
}

/// Pushes what follows to the other side.
pub fn spring<'a, M: 'a>() -> Element<'a, M> {
    space().width(Fill).into()
}

/// What stands where there is nothing yet: a picture, a sentence, a hint.
pub fn empty<'a, M: 'a>(icon: Icon, title: &'a str, hint: &'a str) -> Element<'a, M> {
    let words = iced::widget::column![
        icon.view(theme::ICON_LARGE).style(theme::faint),
        text(title).size(theme::TITLE).font(theme::SEMIBOLD),
        text(hint).size(theme::NOTE).style(theme::dim).center(),
    ]
    .spacing(theme::SMALL)
    .align_x(Center);
    container(words).center(Fill).padding(theme::GIANT).into()
}

/// A fixed place on the right of a row, so that the columns of rows line up.
pub fn cell<'a, M: 'a>(content: impl Into<Element<'a, M>>, width: impl Into<Length>) -> Element<'a, M> {
    row![content.into()].width(width).into()
}

/// More than this is not counted out.
const BADGE_MOST: i64 = 99;
/// How long the pointer rests before words appear.
const HINT_DELAY: std::time::Duration = std::time::Duration::from_millis(400);
