//! The main window as it is drawn.

use iced::widget::{button, column, container, row, stack, text};
use iced::{Center, Element, Fill, padding};
use rookery_client::Connection;

use super::{Message, State};
use crate::dialog::{self, card};
use crate::pane::sidebar;
use crate::theme::{self, Mode};
use crate::widget::icon::Icon;
use crate::widget::{dialog as overlay, empty, upright, words};

pub(super) fn show(state: &State, mode: Mode) -> Element<'_, Message> {
    let list = sidebar::View {
        world: &state.world,
        gallery: &state.gallery,
        menu: state.menu,
        open: state.open.as_ref().map(crate::pane::conversation::State::id),
        now: &state.now,
        mode,
        note: state.note,
    };
    let middle = container(stack![conversation(state, mode), banner(state), note(state), drop_hint(state)])
        .width(Fill)
        .height(Fill)
        .style(theme::surface::base);
    let right = members(state);
    let edge = right.is_some().then(upright);
    let screen = row![list.show().map(Message::Sidebar), upright(), middle, edge, right];
    let dialog = state.dialog.as_ref().map(|open| {
        let card = open.view(&state.world, &state.gallery).map(Message::Dialog);
        overlay::veiled(card, Message::Dialog(dialog::Message::Closed))
    });
    let card = state.card.as_ref().map(|card| {
        let card = card.view(&state.world, &state.gallery, &state.now).map(Message::Card);
        overlay::veiled(card, Message::Card(card::Message::Closed))
    });
    let viewer = state.viewer.as_ref().map(|viewer| viewer.view(&state.gallery).map(Message::Viewer));
    // The same depth with and without something above: else the panes would forget where they were.
    stack![screen, dialog, viewer, card].into()
}

fn conversation(state: &State, mode: Mode) -> Element<'_, Message> {
    let open = state.open.as_ref().and_then(|open| Some((open, state.composers.get(&open.id())?)));
    match open {
        Some((open, composer)) => open
            .view(composer, &state.habits, &state.world, &state.gallery, &state.now, mode)
            .map(Message::Conversation),
        None => match state.world.connection() {
            Connection::Online => empty(Icon::Message, "No chat is open", "Choose one on the left."),
            _ => empty(Icon::Bird, "One moment", "Your chats are on their way."),
        },
    }
}

fn members(state: &State) -> Option<Element<'_, Message>> {
    let open = state.open.as_ref()?;
    let conversation = state.world.conversation(open.id())?;
    let members = state.members.as_ref()?;
    Some(members.view(conversation, &state.world, &state.gallery).map(Message::Members))
}

/// Where files go that are held over the window.
fn drop_hint(state: &State) -> Option<Element<'_, Message>> {
    let open = state.open.as_ref().filter(|_| state.dropping)?;
    let title = state.world.title(state.world.conversation(open.id())?);
    let words = column![
        Icon::Upload.view(theme::ICON_LARGE).style(theme::accent),
        words::look(theme::TITLE).font(theme::SEMIBOLD).view_owned(format!("Drop to attach for {title}")),
    ]
    .spacing(theme::MEDIUM)
    .align_x(Center);
    let card = container(words).padding(theme::GIANT).style(theme::surface::card);
    Some(container(card).center(Fill).style(theme::surface::veil).into())
}

/// What has become of a file.
fn note(state: &State) -> Option<Element<'_, Message>> {
    let (sentence, _) = state.note_of_file.as_ref()?;
    let notice = container(words::look(theme::NOTE).view(sentence))
        .padding([theme::SMALL, theme::LARGE])
        .style(theme::surface::notice);
    let above_composer = padding::bottom(theme::HEADER + theme::HUGE);
    Some(container(notice).center_x(Fill).align_bottom(Fill).padding(above_composer).into())
}

/// A word about the connection, over the messages, so that nothing moves.
fn banner(state: &State) -> Option<Element<'_, Message>> {
    let (icon, sentence, retry) = match state.world.connection() {
        Connection::Offline(offline) => (Icon::Offline, sidebar::retry(offline.retry_at), true),
        Connection::Connecting if state.was_online => (Icon::Offline, "Connecting…".to_owned(), false),
        Connection::CatchingUp if state.was_online => (Icon::Clock, "Catching up…".to_owned(), false),
        Connection::Online if state.resumed_at.is_some() => (Icon::Check, "Connected again".to_owned(), false),
        _ => return None,
    };
    let retry = retry.then(|| {
        button(text("Try now").size(theme::NOTE).font(theme::SEMIBOLD))
            .padding(0)
            .style(theme::button::link)
            .on_press(Message::RetryWanted)
    });
    let content =
        row![icon.view(theme::ICON_SMALL).style(theme::dim), words::look(theme::NOTE).view_owned(sentence), retry]
            .spacing(theme::SMALL)
            .align_y(Center);
    let notice = container(content).padding([theme::SMALL, theme::LARGE]).style(theme::surface::notice);
    let below_head = padding::top(theme::HEADER + theme::SMALL);
    Some(container(notice).center_x(Fill).padding(below_head).into())
}
