//! Styles of what is written into.

use iced::widget::{checkbox, slider, text_editor, text_input};
use iced::{Background, Border, Color, Theme, border};

use super::{ROUND, SMALL, TINY, colors};

/// A field of one line; `wrong` when what is in it was refused.
pub fn line(wrong: bool) -> impl Fn(&Theme, text_input::Status) -> text_input::Style {
    move |theme, status| {
        let colors = colors(theme);
        let edge = match status {
            _ if wrong => colors.danger,
            text_input::Status::Focused { .. } => colors.accent_text,
            text_input::Status::Hovered => colors.faint,
            text_input::Status::Active | text_input::Status::Disabled => colors.line,
        };
        text_input::Style {
            background: Background::Color(colors.base),
            border: border::rounded(ROUND).width(1).color(edge),
            icon: colors.faint,
            placeholder: colors.faint,
            value: colors.text,
            selection: colors.selected,
        }
    }
}

/// A field of several lines; `wrong` when what is in it was refused.
pub fn lines(wrong: bool) -> impl Fn(&Theme, text_editor::Status) -> text_editor::Style {
    move |theme, status| {
        let colors = colors(theme);
        let edge = match status {
            _ if wrong => colors.danger,
            text_editor::Status::Focused { .. } => colors.accent_text,
            text_editor::Status::Hovered => colors.faint,
            text_editor::Status::Active | text_editor::Status::Disabled => colors.line,
        };
        text_editor::Style {
            background: Background::Color(colors.base),
            border: border::rounded(ROUND).width(1).color(edge),
            placeholder: colors.faint,
            value: colors.text,
            selection: colors.selected,
        }
    }
}

/// The composer's editor; its frame belongs to the pane.
#[must_use]
pub fn composer(theme: &Theme, _status: text_editor::Status) -> text_editor::Style {
    let colors = colors(theme);
    text_editor::Style {
        background: Background::Color(Color::TRANSPARENT),
        border: Border::default(),
        placeholder: colors.faint,
        value: colors.text,
        selection: colors.selected,
    }
}

/// More or less of something.
#[must_use]
pub fn zoom(theme: &Theme, status: slider::Status) -> slider::Style {
    let colors = colors(theme);
    let held = matches!(status, slider::Status::Hovered | slider::Status::Dragged);
    slider::Style {
        rail: slider::Rail {
            backgrounds: (colors.accent.into(), colors.line.into()),
            width: TINY,
            border: border::rounded(TINY),
        },
        handle: slider::Handle {
            shape: slider::HandleShape::Circle { radius: SMALL },
            background: if held { colors.accent_hover } else { colors.accent }.into(),
            border_width: 0.0,
            border_color: Color::TRANSPARENT,
        },
    }
}

/// A yes or no.
#[must_use]
pub fn check(theme: &Theme, status: checkbox::Status) -> checkbox::Style {
    let colors = colors(theme);
    let (checked, hovered) = match status {
        checkbox::Status::Active { is_checked } | checkbox::Status::Disabled { is_checked } => (is_checked, false),
        checkbox::Status::Hovered { is_checked } => (is_checked, true),
    };
    let edge = if checked || hovered { colors.accent } else { colors.faint };
    checkbox::Style {
        background: Background::Color(if checked { colors.accent } else { Color::TRANSPARENT }),
        icon_color: colors.on_accent,
        border: border::rounded(TINY).width(1).color(edge),
        text_color: Some(colors.text),
    }
}
