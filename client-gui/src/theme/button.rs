//! Styles of buttons.

use iced::widget::button::{Status, Style};
use iced::{Border, Color, Theme, border};

use super::{ROUND, ROUND_FULL, colors};

/// The one thing to do here.
#[must_use]
pub fn primary(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let background = match status {
        Status::Active | Status::Disabled => colors.accent,
        Status::Hovered | Status::Pressed => colors.accent_hover,
    };
    faded(filled(background, colors.on_accent), status)
}

/// What cannot be undone.
#[must_use]
pub fn danger(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let alpha = if matches!(status, Status::Hovered | Status::Pressed) { PRESSED } else { 1.0 };
    faded(filled(colors.danger_surface.scale_alpha(alpha), colors.on_accent), status)
}

/// What else can be done.
#[must_use]
pub fn secondary(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let background = match status {
        Status::Active | Status::Disabled => Color::TRANSPARENT,
        Status::Hovered | Status::Pressed => colors.hover,
    };
    let style = filled(background, colors.text);
    faded(Style { border: style.border.width(1).color(colors.line), ..style }, status)
}

/// An icon, or a row of a list: nothing until the pointer is there.
#[must_use]
pub fn quiet(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let (background, text) = match status {
        Status::Active | Status::Disabled => (Color::TRANSPARENT, colors.dim),
        Status::Hovered | Status::Pressed => (colors.hover, colors.text),
    };
    faded(filled(background, text), status)
}

/// The same for what hurts.
#[must_use]
pub fn quiet_danger(theme: &Theme, status: Status) -> Style {
    Style { text_color: colors(theme).danger, ..quiet(theme, status) }
}

/// A row of a list, chosen or not.
pub fn row(selected: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = colors(theme);
        let background = match status {
            _ if selected => colors.selected,
            Status::Active | Status::Disabled => Color::TRANSPARENT,
            Status::Hovered | Status::Pressed => colors.hover,
        };
        filled(background, colors.text)
    }
}

/// One of several views, chosen or not.
pub fn tab(selected: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = colors(theme);
        let hovered = matches!(status, Status::Hovered | Status::Pressed);
        let text = if selected || hovered { colors.text } else { colors.dim };
        let background = if selected { colors.selected } else { Color::TRANSPARENT };
        filled(background, text)
    }
}

/// Words that do something.
#[must_use]
pub fn link(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let text = match status {
        Status::Hovered | Status::Pressed => colors.text,
        Status::Active | Status::Disabled => colors.accent_text,
    };
    faded(filled(Color::TRANSPARENT, text), status)
}

/// A reaction, the user's own or not.
pub fn reaction(mine: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = colors(theme);
        let hovered = matches!(status, Status::Hovered | Status::Pressed);
        let (background, line, text) = if mine {
            (colors.selected, colors.accent, colors.accent_text)
        } else if hovered {
            (colors.hover, colors.faint, colors.text)
        } else {
            (colors.hover, colors.line, colors.dim)
        };
        Style { border: border::rounded(ROUND_FULL).width(1).color(line), ..filled(background, text) }
    }
}

/// A place to begin from; marked when the keys are there.
pub fn tile(marked: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = colors(theme);
        let hovered = marked || matches!(status, Status::Hovered | Status::Pressed);
        let (background, line) = if hovered { (colors.selected, colors.accent) } else { (colors.hover, colors.line) };
        Style { border: border::rounded(ROUND).width(1).color(line), ..filled(background, colors.text) }
    }
}

/// The mark of a favourite, on a picture.
pub fn star(favorite: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let hovered = matches!(status, Status::Hovered | Status::Pressed);
        let base = over_picture(theme, if hovered { Status::Active } else { status });
        let colors = colors(theme);
        let text_color = if favorite || hovered { colors.idle } else { colors.dim };
        Style { text_color, ..base }
    }
}

/// Lies on a picture.
#[must_use]
pub fn over_picture(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let background = match status {
        Status::Active | Status::Disabled => colors.floating,
        Status::Hovered | Status::Pressed => colors.accent,
    };
    Style { border: border::rounded(ROUND_FULL), ..filled(background, colors.text) }
}

/// Floats above the messages.
#[must_use]
pub fn floating(theme: &Theme, status: Status) -> Style {
    Style { border: border::rounded(ROUND_FULL), ..primary(theme, status) }
}

/// How much is left of what cannot be pressed now.
const DISABLED: f32 = 0.45;
/// How much is left of a colour under the pointer.
const PRESSED: f32 = 0.85;

fn filled(background: Color, text: Color) -> Style {
    Style {
        background: Some(background.into()),
        text_color: text,
        border: Border::default().rounded(ROUND),
        ..Style::default()
    }
}

fn faded(style: Style, status: Status) -> Style {
    if status != Status::Disabled {
        return style;
    }
    Style {
        background: style.background.map(|background| background.scale_alpha(DISABLED)),
        text_color: style.text_color.scale_alpha(DISABLED),
        ..style
    }
}
