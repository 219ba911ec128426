//! A person's card: her colour, her picture, what she is called and what she says of herself. Drawn from words alone, so
//! that the editor of one's own profile can show it before anything is saved.

use iced::widget::{Space, column, container, pin, row, scrollable, stack, text};
use iced::{Center, Color, Element, Fill, padding};
use rookery_api::v1::PresenceState;

use super::avatar::dot;
use super::{line, words};
use crate::pane::sidebar::thin;
use crate::theme;

/// What is on the card.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What she is called.
    pub name: String,
    /// What she signs in with.
    pub login: String,
    /// What she says of herself.
    pub about: String,
    /// The banner's colour.
    pub color: Color,
    /// Whether she is there.
    pub presence: PresenceState,
    /// The same in words.
    pub presence_words: String,
    /// Since when she is here.
    pub since: Option<String>,
}

/// Draws it. `picture` is as large as `theme::AVATAR_LARGE`; `foot` is what can be done.
pub fn profile<'a, M: 'a>(profile: Profile, picture: Element<'a, M>, foot: Option<Element<'a, M>>) -> Element<'a, M> {
    let Profile { name, login, about, color, presence, presence_words, since } = profile;
    let banner =
        container(Space::new().width(Fill).height(Fill)).height(theme::BANNER).style(theme::surface::banner(color));
    let names = column![
        words::look(theme::HEADLINE).font(theme::BOLD).view_owned(name),
        words::look(theme::NOTE).style(theme::dim).view_owned(format!("@{login}")),
    ];
    let state = row![
        dot(presence, theme::surface::raised),
        words::look(theme::NOTE).style(theme::dim).view_owned(presence_words),
    ]
    .spacing(theme::SMALL)
    .align_y(Center);
    let about = (!about.trim().is_empty()).then(|| {
        let says =
            scrollable(container(words::look(theme::BODY).view_owned(about)).padding(padding::right(theme::SMALL)))
                .direction(thin())
                .style(theme::surface::scroll);
        part("About", container(says).max_height(theme::ABOUT_ROOM))
    });
    let since = since.map(|since| part("Here since", text(since).size(theme::BODY)));
    let facts = (about.is_some() || since.is_some()).then(line);
    let body = column![names, state, facts, about, since, foot]
        .spacing(theme::MEDIUM)
        .padding(padding::all(theme::LARGE).top(theme::AVATAR_LARGE / 2.0 + theme::AVATAR_RING + theme::MEDIUM));
    let ring = container(picture).padding(theme::AVATAR_RING).style(theme::surface::ring);
    let ring = pin(ring)
        .x(theme::LARGE - theme::AVATAR_RING)
        .y(theme::BANNER - theme::AVATAR_LARGE / 2.0 - theme::AVATAR_RING);
    container(stack![column![banner, body].width(Fill), ring])
        .width(theme::PROFILE_CARD)
        .padding(1)
        .style(theme::surface::card)
        .into()
}

fn part<'a, M: 'a>(label: &'a str, content: impl Into<Element<'a, M>>) -> Element<'a, M> {
    let label = text(label).size(theme::CAPTION).font(theme::SEMIBOLD).style(theme::faint);
    column![label, content.into()].spacing(theme::TINY).into()
}
