//! The picker as it is drawn.

use iced::widget::{Space, button, column, container, mouse_area, row, scrollable, space, text, text_input, tooltip};
use iced::{Center, Element, Fill};

use super::grid::{Row, Section};
use super::{GRID, Message, SEARCH, State};
use crate::emote::catalogue::{self, Group};
use crate::emote::{Habits, Tone};
use crate::pane::sidebar::thin;
use crate::widget::icon::Icon;
use crate::widget::{hint_over, spring, words};
use crate::{speech, theme};

pub(super) fn show<'a>(state: &'a State, habits: &'a Habits) -> Element<'a, Message> {
    let search = text_input("Find an emote", &state.query)
        .id(SEARCH)
        .size(theme::BODY)
        .padding([theme::SMALL, theme::MEDIUM])
        .on_input(Message::QueryChanged)
        .style(theme::input::line(false));
    let content = column![search, tabs(state), cells(state, habits), foot(state, habits)].spacing(theme::SMALL);
    container(content)
        .width(theme::EMOTE_CELL * theme::EMOTE_COLUMNS as f32 + theme::MEDIUM * 2.0 + theme::SMALL)
        .padding(theme::MEDIUM)
        .style(theme::surface::card)
        .into()
}

/// The parts of all emotes; while one searches there are none, but their place stays.
fn tabs(state: &State) -> Element<'_, Message> {
    let here = state.grid.section_at(state.offset);
    let tabs = state.grid.sections().map(|section| {
        let (icon, name) = picture(section);
        let tab = button(container(icon.view(theme::ICON)).center(Fill))
            .width(Fill)
            .height(theme::ICON_BUTTON)
            .padding(0)
            .style(theme::button::tab(here == Some(section)))
            .on_press(Message::SectionChosen(section));
        hint_over(tab, name, tooltip::Position::Top)
    });
    let tabs = row(tabs).spacing(theme::HAIR).height(theme::ICON_BUTTON).align_y(Center);
    let found = (state.grid.sections().next().is_none()).then(|| {
        let found = i64::try_from(state.grid.cells().len()).unwrap_or_default();
        text(speech::count(found, "emote", "emotes")).size(theme::NOTE).style(theme::dim)
    });
    tabs.push(found).into()
}

fn picture(section: Section) -> (Icon, &'static str) {
    let Section::Group(group) = section else {
        return (Icon::History, "Used often");
    };
    let icon = match group {
        Group::SmileysAndEmotion => Icon::Smile,
        Group::PeopleAndBody => Icon::Hand,
        Group::AnimalsAndNature => Icon::Paw,
        Group::FoodAndDrink => Icon::Food,
        Group::TravelAndPlaces => Icon::Car,
        Group::Activities => Icon::Volleyball,
        Group::Objects => Icon::Bulb,
        Group::Symbols => Icon::Hash,
        Group::Flags => Icon::Flag,
    };
    (icon, catalogue::title(group))
}

/// The rows that are in view, between room for all others.
fn cells<'a>(state: &'a State, habits: &Habits) -> Element<'a, Message> {
    if state.grid.cells().is_empty() {
        let nothing = text("No emote of that name").size(theme::NOTE).style(theme::faint);
        return container(nothing).center(Fill).height(theme::EMOTE_GRID).into();
    }
    let visible = state.grid.visible(state.offset);
    let all = state.grid.rows().len();
    let room = |rows: usize| Space::new().height(rows as f32 * theme::EMOTE_CELL);
    let rows = state.grid.rows()[visible.clone()].iter().map(|line| match line {
        Row::Title(title) => container(text(*title).size(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim))
            .center_y(theme::EMOTE_CELL)
            .padding([0.0, theme::TINY])
            .into(),
        Row::Cells(cells) => row(cells.clone().map(|place| cell(state, place, habits.tone))).into(),
    });
    let rows = column![room(visible.start)].extend(rows).push(room(all - visible.end)).width(Fill);
    scrollable(rows)
        .id(GRID)
        .height(theme::EMOTE_GRID)
        .width(Fill)
        .direction(thin())
        .style(theme::surface::scroll)
        .on_scroll(|view| Message::Scrolled(view.absolute_offset().y))
        .into()
}

fn cell<'a>(state: &State, place: usize, tone: Tone) -> Element<'a, Message> {
    let emote = state.grid.cells()[place];
    let cell = button(container(words::emote(tone.of(emote), theme::EMOTE)).center(Fill))
        .width(theme::EMOTE_CELL)
        .height(theme::EMOTE_CELL)
        .padding(0)
        .style(theme::button::row(state.at == Some(place)))
        .on_press(Message::Chosen(place));
    mouse_area(cell).on_enter(Message::Pointed(place)).into()
}

/// What the one under the pointer is called, and what can be set.
fn foot<'a>(state: &'a State, habits: &'a Habits) -> Element<'a, Message> {
    let shown = if state.choosing_tone { tones(habits.tone) } else { shown(state, habits.tone) };
    let tone = button(container(words::emote(hand(habits.tone), theme::EMOTE_SMALL)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::tab(state.choosing_tone))
        .on_press(Message::TonesToggled);
    let emoticons = button(container(text(":)").size(theme::BODY).font(theme::SEMIBOLD)).center(Fill))
        .width(theme::ICON_BUTTON)
        .height(theme::ICON_BUTTON)
        .padding(0)
        .style(theme::button::tab(habits.emoticons))
        .on_press(Message::EmoticonsToggled);
    let hint = if habits.emoticons { ":) becomes 🙂 as you write" } else { ":) stays as it is" };
    row![
        shown,
        spring(),
        hint_over(emoticons, hint, tooltip::Position::Top),
        hint_over(tone, "Skin tone", tooltip::Position::Top),
    ]
    .spacing(theme::TINY)
    .height(theme::EMOTE_SHOWN.1)
    .align_y(Center)
    .into()
}

fn shown<'a>(state: &'a State, tone: Tone) -> Element<'a, Message> {
    let Some(entry) = state.at.and_then(|place| state.emote(place)).and_then(|emote| catalogue::find(emote.as_str()))
    else {
        return text("Choose an emote").size(theme::NOTE).style(theme::faint).into();
    };
    let names = column![
        text(speech::cut(&sentence(entry.emote.name()), theme::EMOTE_NAME)).size(theme::NOTE).font(theme::SEMIBOLD),
        words::look(theme::CAPTION)
            .style(theme::faint)
            .one_line()
            .view_owned(speech::cut(&format!(":{}:", entry.code), theme::EMOTE_NAME)),
    ];
    let emote = container(words::emote(tone.of(entry.emote), theme::EMOTE_SHOWN.0)).center_x(theme::EMOTE_SHOWN.1);
    row![emote, names].spacing(theme::SMALL).align_y(Center).into()
}

fn tones<'a>(chosen: Tone) -> Element<'a, Message> {
    let tones = Tone::ALL.map(|tone| {
        let choice = button(container(words::emote(hand(tone), theme::EMOTE_SMALL)).center(Fill))
            .width(theme::ICON_BUTTON)
            .height(theme::ICON_BUTTON)
            .padding(0)
            .style(theme::button::tab(tone == chosen))
            .on_press(Message::ToneChosen(tone));
        hint_over(choice, tone.name(), tooltip::Position::Top)
    });
    row(tones).push(space()).into()
}

/// The hand that shows a skin tone.
fn hand(tone: Tone) -> &'static str {
    catalogue::find("✋").map_or("✋", |entry| tone.of(entry.emote))
}

fn sentence(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
