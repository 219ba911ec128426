//! The composer as it is drawn, and what keys mean in it.

use iced::advanced::text::highlighter::Format;
use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::widget::text_editor::{self, Binding, KeyPress};
use iced::widget::{button, column, container, row, text, tooltip};
use iced::{Center, Element, Fill};

use super::emotes::Offered;
use super::{Message, Purpose, State, id, tray};
use crate::emote::{Habits, Tone, catalogue};
use crate::gallery::Gallery;
use crate::pane::{emote_picker, gif_picker};
use crate::widget::icon::Icon;
use crate::widget::ink::Colour;
use crate::widget::popover::{Side, popover};
use crate::widget::{hint_over, icon_button, spring, words};
use crate::{speech, theme};

/// From here on the characters that are left are shown.
const COUNT_FROM: usize = 200;
/// How much of the view one key scrolls.
const PAGE: f32 = 0.9;

pub(super) fn show<'a>(
    state: &'a State,
    placeholder: String,
    subject: Option<(&'a str, &'a str)>,
    limit: usize,
    habits: &'a Habits,
    gallery: &'a Gallery,
) -> Element<'a, Message> {
    let empty = state.content.is_empty();
    let offering = state.offered.is_some();
    let editor = text_editor::TextEditor::new(&state.content)
        .id(id())
        .placeholder(placeholder)
        .size(theme::BODY)
        .font(theme::REGULAR)
        .padding([theme::SMALL + theme::HAIR, theme::TINY])
        .line_height(text::LineHeight::Absolute(theme::COMPOSER_LINE.into()))
        .max_height(theme::COMPOSER_LINE * theme::COMPOSER_LINES + theme::LARGE)
        .wrapping(text::Wrapping::WordOrGlyph)
        .style(theme::input::composer)
        .key_binding(move |press| bind(press, empty, offering))
        .on_action(Message::Edited)
        .highlight_with::<Colour>((), |(), _| Format { color: None, font: Some(theme::EMOJI) });
    let length = state.content.text().chars().count();
    let left = (length + COUNT_FROM > limit).then(|| count(limit, length));
    let editing = matches!(state.purpose, Purpose::Edit { .. });
    let ready = (!empty || (!editing && !state.tray.is_empty())) && length <= limit;
    let send = button(container(Icon::Send.view(theme::ICON)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(if ready { theme::button::primary } else { theme::button::quiet })
        .on_press_maybe(ready.then_some(Message::Submitted));
    let attach = icon_button(Icon::Attach, "Attach files", Message::Tray(tray::Message::PickWanted));
    let buttons = row![attach, gifs(state, gallery), emotes(state, habits), send]
        .spacing(theme::TINY)
        .padding([theme::TINY, 0.0]);
    let line = row![editor, left, buttons].spacing(theme::SMALL).align_y(iced::Bottom);
    // In a container, so that the editor keeps its place in the column, and with it its focus.
    let bar = container(subject.map(|(author, says)| bar(state, author, says)));
    let tray = container(state.tray.view(gallery).map(|tray| tray.map(Message::Tray)));
    let field = container(column![bar, tray, line])
        .width(Fill)
        .padding([theme::HAIR, theme::SMALL])
        .style(theme::surface::field);
    let offer = state.offered.as_ref().map(|offered| offer(offered, habits.tone));
    popover(field, offer, Side::Left).into()
}

/// The button that shows all emotes, and the emotes.
fn emotes<'a>(state: &'a State, habits: &'a Habits) -> Element<'a, Message> {
    let button = icon_button(Icon::Smile, "Emotes", Message::EmotesToggled);
    let picker = state.picker.as_ref().map(|picker| picker.view(habits).map(Message::Picker));
    popover(button, picker, Side::Right)
        .on_close(Message::Picker(emote_picker::Message::Closed))
        .keys(|key, modifiers| emote_picker::key(key, modifiers).map(Message::Picker))
        .into()
}

/// The button that shows GIFs, and the GIFs.
fn gifs<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, Message> {
    let sign = button(container(text("GIF").size(theme::CAPTION).font(theme::BOLD)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::quiet)
        .on_press(Message::GifsToggled);
    let picker = state.gifs.as_ref().map(|gifs| gifs.view(gallery).map(Message::Gifs));
    popover(hint_over(sign, "GIFs", tooltip::Position::Top), picker, Side::Right)
        .on_close(Message::Gifs(gif_picker::Message::Closed))
        .keys(|key, modifiers| gif_picker::key(key, modifiers).map(Message::Gifs))
        .into()
}

/// The emotes whose names begin like what is being written.
fn offer<'a>(offered: &Offered, tone: Tone) -> Element<'a, Message> {
    let rows = offered.emotes().iter().enumerate().map(|(place, emote)| {
        let code = catalogue::find(emote.as_str()).map_or("", |entry| entry.code.as_str());
        let code = words::look(theme::NOTE).one_line().view_owned(speech::cut(&format!(":{code}:"), theme::EMOTE_NAME));
        let names = row![words::emote(tone.of(emote), theme::EMOTE_SMALL), code];
        button(names.spacing(theme::MEDIUM).align_y(Center))
            .width(Fill)
            .padding([theme::TINY + theme::HAIR, theme::SMALL])
            .style(theme::button::row(place == offered.at()))
            .on_press(Message::OfferTaken(Some(place)))
            .into()
    });
    container(column(rows)).width(theme::COMPLETION).padding(theme::TINY).style(theme::surface::card).into()
}

fn bar<'a>(state: &State, author: &'a str, says: &'a str) -> Element<'a, Message> {
    let editing = matches!(state.purpose, Purpose::Edit { .. });
    let (icon, what) = if editing { (Icon::Edit, "Editing") } else { (Icon::Reply, "Replying to") };
    let says = container(words::look(theme::NOTE).style(theme::faint).one_line().view(says))
        .width(Fill)
        .height(theme::COMPOSER_LINE)
        .center_y(theme::COMPOSER_LINE)
        .clip(true);
    row![
        icon.view(theme::ICON_SMALL).style(theme::accent),
        text(what).size(theme::NOTE).style(theme::dim),
        (!editing).then(|| words::look(theme::NOTE).font(theme::SEMIBOLD).view(author)),
        says,
        spring_if(editing),
        icon_button(Icon::Close, "Cancel (Esc)", Message::Cancelled),
    ]
    .spacing(theme::SMALL)
    .padding(iced::padding::left(theme::TINY))
    .align_y(Center)
    .into()
}

fn spring_if<'a>(wanted: bool) -> Option<Element<'a, Message>> {
    wanted.then(spring).map(|spring| container(spring).width(0).into())
}

fn count<'a>(limit: usize, length: usize) -> Element<'a, Message> {
    let (label, style): (String, fn(&iced::Theme) -> text::Style) = match limit.checked_sub(length) {
        Some(left) => (left.to_string(), theme::faint),
        None => (format!("−{}", length - limit), theme::danger),
    };
    container(text(label).size(theme::CAPTION).style(style)).center_y(theme::CONTROL).into()
}

fn bind(press: KeyPress, empty: bool, offering: bool) -> Option<Binding<Message>> {
    if !matches!(press.status, text_editor::Status::Focused { .. }) {
        return None;
    }
    let plain = press.modifiers == Modifiers::empty();
    if offering && let Some(message) = choose(&press) {
        return Some(Binding::Custom(message));
    }
    match press.key.as_ref() {
        Key::Named(Named::Enter) if press.modifiers.shift() => Some(Binding::Enter),
        Key::Named(Named::Enter) => Some(Binding::Custom(Message::Submitted)),
        Key::Named(Named::ArrowUp) if plain && empty => Some(Binding::Custom(Message::LastWanted)),
        Key::Named(Named::Escape) => Some(Binding::Custom(Message::Cancelled)),
        Key::Named(Named::PageUp) => Some(Binding::Custom(Message::Paged(-PAGE))),
        Key::Named(Named::PageDown) => Some(Binding::Custom(Message::Paged(PAGE))),
        // Switching chats: for the window, not for the text.
        Key::Named(Named::ArrowUp | Named::ArrowDown) if press.modifiers.alt() => None,
        _ => match Binding::from_key_press(press)? {
            // A picture is no text; the tray looks whether there is one.
            Binding::Paste => {
                Some(Binding::Sequence(vec![Binding::Paste, Binding::Custom(Message::Tray(tray::Message::Pasted))]))
            }
            binding => Some(binding),
        },
    }
}

/// What keys mean while emotes are offered.
pub(super) fn choose(press: &KeyPress) -> Option<Message> {
    Some(match press.key.as_ref() {
        Key::Named(Named::Tab) if press.modifiers.shift() => Message::OfferMoved(-1),
        _ if press.modifiers != Modifiers::empty() => return None,
        Key::Named(Named::ArrowUp) => Message::OfferMoved(-1),
        Key::Named(Named::ArrowDown) => Message::OfferMoved(1),
        Key::Named(Named::Enter | Named::Tab) => Message::OfferTaken(None),
        Key::Named(Named::Escape) => Message::OfferClosed,
        _ => return None,
    })
}
