//! Styles of surfaces: panes, cards, badges, lines. No shadows: iced's software renderer (0.14) paints them again over
//! what has not changed, and they grow darker with each key.

use iced::widget::{button, container, progress_bar, rule, scrollable};
use iced::{Background, Border, Color, Theme, border};

use super::{HAIR, ROUND, ROUND_FULL, ROUND_LARGE, TINY, colors};

/// Behind the conversation.
#[must_use]
pub fn base(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { text_color: Some(colors.text), ..plain(colors.base) }
}

/// Behind the chat list and the members.
#[must_use]
pub fn side(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { text_color: Some(colors.text), ..plain(colors.side) }
}

/// The colour of a card, as something is cut out of it.
#[must_use]
pub fn raised(theme: &Theme) -> container::Style {
    plain(colors(theme).raised)
}

/// What floats above everything: dialogs and the card of the first screen.
#[must_use]
pub fn card(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.text),
        border: border::rounded(ROUND_LARGE).width(1).color(colors.line),
        ..plain(colors.raised)
    }
}

/// The band of colour at the top of somebody's card; its corners are the card's, less the line around it.
pub fn banner(color: Color) -> impl Fn(&Theme) -> container::Style {
    move |_| container::Style { border: border::rounded(border::top(ROUND_LARGE - 1.0)), ..plain(color) }
}

/// Around the picture on a card, cut out of its banner.
#[must_use]
pub fn ring(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(ROUND_FULL), ..plain(colors(theme).raised) }
}

/// A colour to choose, chosen or not.
pub fn swatch(color: Color, chosen: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| {
        let colors = colors(theme);
        let edge = match status {
            _ if chosen => colors.text,
            button::Status::Hovered | button::Status::Pressed => colors.faint,
            button::Status::Active | button::Status::Disabled => Color::TRANSPARENT,
        };
        button::Style {
            background: Some(color.into()),
            border: border::rounded(ROUND_FULL).width(HAIR).color(edge),
            ..button::Style::default()
        }
    }
}

/// Small floating things: tooltips, the buttons over a message.
#[must_use]
pub fn floating(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.text),
        border: border::rounded(ROUND).width(1).color(colors.line),
        ..plain(colors.floating)
    }
}

/// Behind a dialog.
#[must_use]
pub fn veil(theme: &Theme) -> container::Style {
    plain(colors(theme).veil)
}

/// Behind a picture that is looked at.
#[must_use]
pub fn dark(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { text_color: Some(colors.text), ..plain(colors.night) }
}

/// Around what the keys have chosen.
#[must_use]
pub fn marked(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { border: border::rounded(ROUND).width(2).color(colors.accent), ..container::Style::default() }
}

/// How much of something is done.
#[must_use]
pub fn progress(theme: &Theme) -> progress_bar::Style {
    let colors = colors(theme);
    progress_bar::Style {
        background: Background::Color(colors.line),
        bar: Background::Color(colors.accent),
        border: border::rounded(ROUND_FULL),
    }
}

/// Where one writes, drawn around an editor that has no frame of its own.
#[must_use]
pub fn field(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { border: border::rounded(ROUND_LARGE).width(1).color(colors.line), ..plain(colors.field) }
}

/// The list inside a dialog.
#[must_use]
pub fn well(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { border: border::rounded(ROUND).width(1).color(colors.line), ..plain(Color::TRANSPARENT) }
}

/// A message under the pointer.
#[must_use]
pub fn hovered(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(ROUND), ..plain(colors(theme).hover) }
}

/// A message that was jumped to.
#[must_use]
pub fn found(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(ROUND), ..plain(colors(theme).selected) }
}

/// A place that comes with nothing of its own.
#[must_use]
pub fn clear(_theme: &Theme) -> container::Style {
    plain(Color::TRANSPARENT)
}

/// How many are unread.
#[must_use]
pub fn badge(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { text_color: Some(colors.on_accent), border: border::rounded(ROUND_FULL), ..plain(colors.accent) }
}

/// A small word beside a name.
#[must_use]
pub fn tag(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style { text_color: Some(colors.dim), border: border::rounded(TINY), ..plain(colors.hover) }
}

/// A notice that does not hurt: the connection, the place of the token.
#[must_use]
pub fn notice(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.text),
        border: border::rounded(ROUND_FULL).width(1).color(colors.line),
        ..plain(colors.raised)
    }
}

/// Something failed.
#[must_use]
pub fn alarm(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.danger),
        border: border::rounded(ROUND),
        ..plain(colors.danger.scale_alpha(ALARM))
    }
}

/// A circle in somebody's colour.
pub fn disc(color: Color) -> impl Fn(&Theme) -> container::Style {
    move |_| container::Style { border: border::rounded(ROUND_FULL), ..plain(color) }
}

/// The line beside a quoted message.
#[must_use]
pub fn quote(theme: &Theme) -> rule::Style {
    line_of(colors(theme).faint)
}

/// A hairline.
#[must_use]
pub fn line(theme: &Theme) -> rule::Style {
    line_of(colors(theme).line)
}

/// The line above the first new message.
#[must_use]
pub fn new_line(theme: &Theme) -> rule::Style {
    line_of(colors(theme).accent)
}

/// Scroll bars: hardly there until they are used.
#[must_use]
pub fn scroll(theme: &Theme, status: scrollable::Status) -> scrollable::Style {
    let colors = colors(theme);
    let hovered = matches!(
        status,
        scrollable::Status::Dragged { .. } | scrollable::Status::Hovered { is_vertical_scrollbar_hovered: true, .. }
    );
    let scroller = if hovered { colors.faint } else { colors.line };
    let rail = scrollable::Rail {
        background: None,
        border: Border::default(),
        scroller: scrollable::Scroller { background: Background::Color(scroller), border: border::rounded(ROUND_FULL) },
    };
    scrollable::Style { vertical_rail: rail, horizontal_rail: rail, ..scrollable::default(theme, status) }
}

/// How much of the alarm's colour its background has.
const ALARM: f32 = 0.12;

fn plain(color: Color) -> container::Style {
    container::Style { background: Some(color.into()), ..container::Style::default() }
}

fn line_of(color: Color) -> rule::Style {
    rule::Style { color, radius: 0.into(), fill_mode: rule::FillMode::Full, snap: true }
}
