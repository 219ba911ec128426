//! The picker of GIFs as it is drawn.

use iced::widget::{button, column, container, mouse_area, row, scrollable, space, stack, text, text_input, tooltip};
use iced::{Center, Element, Fill, mouse};
use rookery_client::v1;

use super::{GRID, Message, SEARCH, Shown, State, Tile};
use crate::gallery::{Gallery, Order, Source};
use crate::pane::sidebar::thin;
use crate::picture::Shape;
use crate::theme;
use crate::widget::icon::Icon;
use crate::widget::picture::picture;
use crate::widget::{hint_over, icon_button, words};

pub(super) fn show<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, Message> {
    let home = state.home.as_ref();
    let placeholder = home.map(|home| home.placeholder.as_str()).filter(|words| !words.is_empty());
    let search = text_input(placeholder.unwrap_or("Search GIFs"), &state.query)
        .id(SEARCH)
        .size(theme::BODY)
        .padding([theme::SMALL, theme::MEDIUM])
        .on_input(Message::QueryChanged)
        .style(theme::input::line(false));
    let back = (state.shown != Shown::Home).then(|| icon_button(Icon::Left, "Back", Message::Wanted(Shown::Home)));
    // In a container, so that the field keeps its place, and with it the cursor.
    let head = row![container(back), search].align_y(Center);
    let attribution = home.map(|home| home.attribution.as_str()).filter(|words| !words.is_empty());
    let attribution =
        attribution.map(|words| container(text(words).size(theme::CAPTION).style(theme::faint)).align_right(Fill));
    container(column![head, body(state, gallery), attribution].spacing(theme::SMALL))
        .width(theme::GIF_PANEL.0)
        .height(theme::GIF_PANEL.1)
        .padding(theme::MEDIUM)
        .style(theme::surface::card)
        .into()
}

fn body<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, Message> {
    let nothing = state.gifs.is_empty() && (state.shown != Shown::Home || state.home.is_none());
    if let Some(error) = state.error.as_deref().filter(|_| nothing) {
        return failed(error);
    }
    if nothing {
        let words = match &state.shown {
            _ if state.busy => "Loading…".to_owned(),
            Shown::Home => "Loading…".to_owned(),
            Shown::Favorites => "Mark a GIF with the star to find it here.".to_owned(),
            Shown::Found(words) => format!("No GIFs for “{words}”."),
            Shown::Trending | Shown::Recent => "There are no GIFs yet.".to_owned(),
        };
        let words = words_of(words);
        return container(words).center(Fill).into();
    }
    let content = if state.shown == Shown::Home { tiles(state, gallery) } else { grid(state, gallery) };
    let more = state.error.as_deref().map(failed);
    let content = column![content, more].spacing(theme::SMALL).width(theme::GIF_GRID.0);
    scrollable(content)
        .id(GRID)
        .width(Fill)
        .height(Fill)
        .direction(thin())
        .on_scroll(Message::Scrolled)
        .style(theme::surface::scroll)
        .into()
}

fn words_of<'a>(sentence: String) -> Element<'a, Message> {
    words::look(theme::NOTE).style(theme::dim).view_owned(sentence)
}

fn failed(error: &str) -> Element<'_, Message> {
    let retry = button(text("Try again").size(theme::NOTE).font(theme::SEMIBOLD))
        .padding(0)
        .style(theme::button::link)
        .on_press(Message::RetryWanted);
    let content = column![words::look(theme::NOTE).style(theme::danger).view(error), retry].spacing(theme::SMALL);
    container(content.align_x(Center)).center(Fill).padding(theme::LARGE).into()
}

/// Where to begin.
fn tiles<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, Message> {
    let mut rows = column![].spacing(theme::TINY);
    let mut line = row![].spacing(theme::TINY);
    let tiles = state.tiles();
    let last = tiles.len() - 1;
    for (cell, tile) in tiles.into_iter().enumerate() {
        line = line.push(self::tile(tile, state.at == Some(cell), cell, gallery));
        if cell % 2 == 1 || cell == last {
            rows = rows.push(std::mem::replace(&mut line, row![].spacing(theme::TINY)));
        }
    }
    rows.into()
}

fn tile<'a>(tile: Tile<'a>, marked: bool, cell: usize, gallery: &'a Gallery) -> Element<'a, Message> {
    let side = theme::GIF_TILE_PICTURE;
    let look: Element<'a, Message> = match tile.gif {
        Some(gif) => picture(gallery, order(gif, (side, side)), (side, side)).into(),
        None => {
            let icon = if tile.shown == Shown::Favorites { Icon::Star } else { Icon::Trending };
            container(icon.view(theme::ICON_FILE).style(theme::accent)).center(side).into()
        }
    };
    let name = container(words::look(theme::NOTE).font(theme::SEMIBOLD).view(tile.name)).width(Fill).clip(true);
    let content = row![look, name].spacing(theme::SMALL).height(Fill).align_y(Center);
    button(content)
        .width(theme::GIF_TILE.0)
        .height(theme::GIF_TILE.1)
        .padding([0.0, theme::SMALL])
        .style(theme::button::tile(marked))
        .on_press(Message::Chosen(cell))
        .into()
}

fn grid<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, Message> {
    let rows = state.rows.iter().map(|cells| {
        let cells = cells.filter_map(|cell| Some(self::cell(state, cell, state.gifs.get(cell)?, gallery)));
        row(cells).spacing(theme::TINY).into()
    });
    column(rows).spacing(theme::TINY).into()
}

fn cell<'a>(state: &'a State, cell: usize, gif: &'a v1::Gif, gallery: &'a Gallery) -> Element<'a, Message> {
    let size = state.rows.size(cell);
    let shown = picture(gallery, order(gif, size), size);
    let favorite = state.is_favorite(&gif.id);
    let marked = state.at == Some(cell);
    let frame = marked.then(|| container(space().width(Fill).height(Fill)).style(theme::surface::marked));
    let star = (favorite || marked).then(|| container(star(cell, favorite)).align_right(Fill).padding(theme::TINY));
    mouse_area(stack![shown, frame, star].width(size.0).height(size.1))
        .on_press(Message::Chosen(cell))
        .on_enter(Message::Pointed(cell))
        .on_exit(Message::Left(cell))
        .interaction(mouse::Interaction::Pointer)
        .into()
}

fn star<'a>(cell: usize, favorite: bool) -> Element<'a, Message> {
    let hint = if favorite { "Take the star away" } else { "Favourite" };
    let star = button(container(Icon::Star.view(theme::ICON_SMALL)).center(Fill))
        .width(theme::ICON_BUTTON_SMALL)
        .height(theme::ICON_BUTTON_SMALL)
        .padding(0)
        .style(theme::button::star(favorite))
        .on_press(Message::Starred(cell));
    hint_over(star, hint, tooltip::Position::Left)
}

fn order(gif: &v1::Gif, (width, height): (f32, f32)) -> Order {
    Order { source: Source::Preview(gif.clone()), shape: Shape::Card { width: width as u16, height: height as u16 } }
}
