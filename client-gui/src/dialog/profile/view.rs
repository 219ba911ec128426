//! The editor as it is drawn: the fields on the left, the card as others will see it on the right.

use iced::widget::{Space, button, column, container, image, row, scrollable, slider, text, text_editor, text_input};
use iced::{Center, Element, Fill, padding};
use rookery_client::State as World;

use super::portrait::{self, Chosen, Portrait};
use super::{ABOUT, ABOUT_MOST, Message, NAME, NAME_MOST, State};
use crate::gallery::Gallery;
use crate::pane::sidebar::thin;
use crate::widget::cropper::cropper;
use crate::widget::field::Field;
use crate::widget::profile::{Profile, profile};
use crate::widget::{action, avatar, dialog, spring};
use crate::{speech, theme};

pub(super) fn show<'a>(state: &'a State, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
    let name = Field {
        id: Some(NAME.into()),
        placeholder: &state.before.name,
        error: state.wrong.name.as_deref(),
        on_input: (!state.busy).then_some(Message::NameChanged),
        on_submit: Some(Message::Submitted),
        ..Field::new("Display name", &state.name)
    };
    let fields = column![picture(state, gallery).map(Message::Portrait), name.view(), about(state), color(state)]
        .spacing(theme::LARGE)
        .padding(padding::right(theme::MEDIUM));
    let fields = scrollable(fields).height(Fill).width(Fill).direction(thin()).style(theme::surface::scroll);
    let preview = column![label("Preview"), card(state, world, gallery)].spacing(theme::TINY + theme::HAIR);
    let halves = row![fields, preview].spacing(theme::LARGE).height(Fill);
    let content = column![halves, foot(state)].spacing(theme::LARGE);
    dialog::sized_card("Edit profile", content, Message::Closed, theme::EDITOR)
}

/// The card as it will be.
fn card<'a>(state: &'a State, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
    let name = state.name.trim();
    let shown = if name.is_empty() { &state.before.name } else { name };
    let color = state.color().unwrap_or_else(|| state.before.color.clone());
    let card = Profile {
        name: speech::cut(shown, NAME_MOST),
        login: state.before.name.clone(),
        about: state.about(),
        color: theme::banner(state.before.id, &color),
        presence: speech::own_presence(world),
        presence_words: speech::status(world.status().kind()).0.to_owned(),
        since: None,
    };
    profile(card, face(state, gallery, shown, theme::AVATAR_LARGE), None)
}

fn face<'a, M: 'a>(state: &'a State, gallery: &'a Gallery, name: &'a str, size: f32) -> Element<'a, M> {
    let avatar = match state.portrait.portrait() {
        Portrait::Chosen(chosen) => return image(chosen.preview()).width(size).height(size).into(),
        Portrait::Removed => "",
        Portrait::Kept => &state.before.avatar,
    };
    avatar::face(gallery, avatar::Who { id: state.before.id, name, avatar }, size)
}

/// The picture, and the square of a new one.
fn picture<'a>(state: &'a State, gallery: &'a Gallery) -> Element<'a, portrait::Message> {
    use portrait::Message as Picture;
    let part = &state.portrait;
    let has = match part.portrait() {
        Portrait::Kept => !state.before.avatar.is_empty(),
        Portrait::Removed => false,
        Portrait::Chosen(_) => true,
    };
    let changed = !matches!(part.portrait(), Portrait::Kept);
    let choose = if part.is_loading() { "Reading…" } else { "Choose picture" };
    let deeds = row![
        action(choose, theme::button::secondary, (!part.is_loading() && !state.busy).then_some(Picture::ChooseWanted)),
        has.then(|| action("Remove", theme::button::secondary, Some(Picture::RemoveWanted))),
        (changed && !has).then(|| action("Undo", theme::button::secondary, Some(Picture::KeepWanted))),
    ]
    .spacing(theme::SMALL);
    let hint = text("Or drop one on this window.").size(theme::CAPTION).style(theme::faint);
    let head =
        row![face(state, gallery, &state.name, theme::AVATAR_MIDDLE), column![deeds, hint].spacing(theme::SMALL)]
            .spacing(theme::LARGE)
            .align_y(Center);
    let square = match part.portrait() {
        Portrait::Chosen(chosen) => Some(square(chosen)),
        _ => None,
    };
    let path = part.path().map(path);
    let error = part.error().map(|error| text(error).size(theme::NOTE).style(theme::danger));
    column![label("Picture"), head, path, error, square].spacing(theme::SMALL).into()
}

/// Where the picture is, for those who know it.
fn path(value: &str) -> Element<'_, portrait::Message> {
    let field = text_input("Path of a picture", value)
        .id(portrait::PATH)
        .size(theme::BODY)
        .padding([theme::SMALL + theme::HAIR, theme::MEDIUM])
        .on_input(portrait::Message::PathChanged)
        .on_submit(portrait::Message::PathSubmitted)
        .style(theme::input::line(false));
    let open = action(
        "Open",
        theme::button::secondary,
        (!value.trim().is_empty()).then_some(portrait::Message::PathSubmitted),
    );
    row![field, open].spacing(theme::SMALL).align_y(Center).into()
}

fn square(chosen: &Chosen) -> Element<'_, portrait::Message> {
    let crop = chosen.crop();
    let view = cropper(chosen.handle().clone(), chosen.size(), crop, portrait::Message::Cropped);
    let zoom = slider(1.0..=crop.zoom_most(), crop.zoom(), portrait::Message::Zoomed)
        .step(ZOOM_STEP)
        .width(theme::CROPPER)
        .style(theme::input::zoom);
    let hint = text("Drag the picture; zoom with the wheel.").size(theme::CAPTION).style(theme::faint);
    column![view, zoom, hint].spacing(theme::SMALL).into()
}

fn about(state: &State) -> Element<'_, Message> {
    let length = state.about().chars().count();
    let over = length > ABOUT_MOST;
    let style = if over { theme::danger } else { theme::faint };
    let count = text(format!("{length}/{ABOUT_MOST}")).size(theme::CAPTION).style(style);
    let head = row![label("About you"), spring(), count].align_y(Center);
    let editor = text_editor::TextEditor::new(&state.about)
        .id(ABOUT)
        .placeholder("Optional: what others may know of you")
        .size(theme::BODY)
        .font(theme::REGULAR)
        .padding([theme::SMALL + theme::HAIR, theme::MEDIUM])
        .height(theme::ABOUT)
        .wrapping(text::Wrapping::WordOrGlyph)
        .style(theme::input::lines(over || state.wrong.about.is_some()))
        .on_action(Message::AboutEdited);
    let error = state.wrong.about.as_deref().map(|error| text(error).size(theme::NOTE).style(theme::danger));
    column![head, editor, error].spacing(theme::TINY + theme::HAIR).into()
}

fn color(state: &State) -> Element<'_, Message> {
    let swatches = theme::BANNERS.chunks(SWATCHES).map(|colors| {
        let swatches = colors.iter().filter_map(|color| swatch(state, color));
        row(swatches).spacing(theme::SMALL).into()
    });
    let field = text_input("#rrggbb", &state.color)
        .size(theme::BODY)
        .padding([theme::SMALL + theme::HAIR, theme::MEDIUM])
        .on_input_maybe((!state.busy).then_some(Message::ColorChanged))
        .on_submit(Message::Submitted)
        .style(theme::input::line(state.wrong.color.is_some()));
    let choice = row![column(swatches).spacing(theme::SMALL), field].spacing(theme::LARGE).align_y(Center);
    let error = state.wrong.color.as_deref().map(|error| text(error).size(theme::NOTE).style(theme::danger));
    column![label("Banner colour"), choice, error].spacing(theme::SMALL).into()
}

fn swatch<'a>(state: &State, color: &'static str) -> Option<Element<'a, Message>> {
    let chosen = state.color().as_deref() == Some(color);
    let swatch = button(Space::new())
        .width(theme::SWATCH)
        .height(theme::SWATCH)
        .padding(0)
        .style(theme::surface::swatch(theme::color_of(color)?, chosen))
        .on_press(Message::ColorChanged(color.to_owned()));
    Some(swatch.into())
}

/// The buttons, or the question about what would be lost.
fn foot(state: &State) -> Element<'_, Message> {
    if !state.leaving {
        let label = if state.busy { "Saving…" } else { "Save" };
        let ready = !state.busy && !state.portrait.is_loading();
        let wrong =
            state.wrong.other.as_deref().map(|why| text(why).size(theme::NOTE).style(theme::danger).width(Fill));
        let space = wrong.is_none().then(spring);
        return row![
            wrong,
            space,
            action("Cancel", theme::button::secondary, Some(Message::Closed)),
            action(label, theme::button::primary, ready.then_some(Message::Submitted)),
        ]
        .spacing(theme::SMALL)
        .align_y(Center)
        .into();
    }
    row![
        text("Discard your changes?").size(theme::BODY).width(Fill),
        action("Keep editing", theme::button::secondary, Some(Message::Stayed)),
        action("Discard", theme::button::danger, Some(Message::Discarded)),
    ]
    .spacing(theme::SMALL)
    .align_y(Center)
    .into()
}

fn label<'a, M: 'a>(label: &'a str) -> Element<'a, M> {
    container(text(label).size(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim)).into()
}

/// So many colours stand side by side.
const SWATCHES: usize = 6;
/// How fine the zoom's control is.
const ZOOM_STEP: f32 = 0.01;
