//! What goes along, as it is drawn above the text.

use iced::widget::{button, column, container, row, space, text, text_input};
use iced::{Center, Element, Fill};

use super::{Content, Item, Message, PATH, State};
use crate::gallery::{Gallery, Order, Source};
use crate::pane::message::attachment;
use crate::picture::Shape;
use crate::widget::icon::Icon;
use crate::widget::picture::picture;
use crate::widget::{action, icon_button, words};
use crate::{speech, theme};

pub(super) fn show<'a>(state: &'a State, gallery: &'a Gallery) -> Option<Element<'a, Message>> {
    if state.items.is_empty() && state.problem.is_none() && state.path.is_none() {
        return None;
    }
    let chips = (!state.items.is_empty()).then(|| {
        let chips = state.items.iter().map(|item| chip(item, gallery));
        row(chips).spacing(theme::SMALL).wrap().vertical_spacing(theme::SMALL)
    });
    let problem = state.problem.as_deref().map(problem);
    let path = state.path.as_deref().map(path);
    Some(column![path, problem, chips].spacing(theme::SMALL).padding([theme::SMALL, 0.0]).into())
}

fn chip<'a>(item: &'a Item, gallery: &'a Gallery) -> Element<'a, Message> {
    let look: Element<'a, Message> = if attachment::icon(&item.name) == Icon::Picture {
        let source = match &item.content {
            Content::File(path) => Source::File(path.clone()),
            Content::Bytes(bytes) => Source::Bytes(bytes.clone()),
        };
        let side = theme::CHIP_PICTURE as u16;
        let order = Order { source, shape: Shape::Card { width: side, height: side } };
        picture(gallery, order, (theme::CHIP_PICTURE, theme::CHIP_PICTURE)).into()
    } else {
        container(attachment::icon(&item.name).view(theme::ICON_FILE).style(theme::accent))
            .center(theme::CHIP_PICTURE)
            .into()
    };
    let names = column![
        words::look(theme::NOTE)
            .font(theme::SEMIBOLD)
            .one_line()
            .view_owned(speech::file_name(&item.name, theme::CHIP_NAME)),
        text(speech::size(item.size)).size(theme::CAPTION).style(theme::faint),
    ]
    .spacing(theme::HAIR);
    let remove = button(container(Icon::Close.view(theme::ICON_SMALL)).center(Fill))
        .width(theme::ICON_BUTTON_SMALL)
        .height(theme::ICON_BUTTON_SMALL)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(Message::Removed(item.number));
    let content = row![look, container(names).width(Fill).clip(true), remove].spacing(theme::SMALL).align_y(Center);
    container(content).width(theme::CHIP).padding(theme::TINY).style(theme::surface::well).into()
}

fn problem(sentence: &str) -> Element<'_, Message> {
    let content = row![
        Icon::Alert.view(theme::ICON_SMALL),
        words::look(theme::NOTE).style(theme::danger).view(sentence),
        space().width(Fill),
        icon_button(Icon::Close, "Close", Message::ProblemClosed),
    ]
    .spacing(theme::SMALL)
    .align_y(Center);
    container(content).padding(iced::padding::left(theme::MEDIUM)).style(theme::surface::alarm).into()
}

/// Where there is no dialog to choose a file in.
fn path(written: &str) -> Element<'_, Message> {
    let field = text_input("Path of a file, as in ~/picture.png; or drop files onto the window", written)
        .id(PATH)
        .size(theme::BODY)
        .padding([theme::SMALL, theme::MEDIUM])
        .on_input(Message::PathChanged)
        .on_submit(Message::PathSubmitted)
        .style(theme::input::line(false));
    let ready = (!written.trim().is_empty()).then_some(Message::PathSubmitted);
    row![
        field,
        action("Attach", theme::button::primary, ready),
        icon_button(Icon::Close, "Close", Message::PathClosed),
    ]
    .spacing(theme::SMALL)
    .align_y(Center)
    .into()
}
