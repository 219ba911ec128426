//! How everything looks: colours, the spacing grid, type sizes and the style of each kind of surface. Views hold no
//! colour and no number of their own.

pub mod button;
pub mod input;
pub mod surface;

use iced::font::{Style, Weight};
use iced::theme::{Palette, palette};
use iced::widget::text;
use iced::{Color, Font, Theme, color};

/// The 4-pixel grid.
pub const HAIR: f32 = 2.0;
/// One step of the grid.
pub const TINY: f32 = 4.0;
/// Between things that belong together.
pub const SMALL: f32 = 8.0;
/// Inside controls.
pub const MEDIUM: f32 = 12.0;
/// Around panes.
pub const LARGE: f32 = 16.0;
/// Inside cards.
pub const HUGE: f32 = 24.0;
/// Around what stands alone.
pub const GIANT: f32 = 32.0;

/// Badges and times.
pub const CAPTION: f32 = 12.0;
/// Times in the narrow column of pictures.
pub const SMALL_TIME: f32 = 11.0;
/// Second lines, labels.
pub const NOTE: f32 = 13.0;
/// What people read.
pub const BODY: f32 = 15.0;
/// The name on somebody's card.
pub const HEADLINE: f32 = 20.0;
/// Names of panes and dialogs.
pub const TITLE: f32 = 17.0;
/// The name on the first screen.
pub const DISPLAY: f32 = 28.0;
/// A message of nothing but a few emoji.
pub const JUMBO: f32 = 40.0;

/// Icons in buttons.
pub const ICON: f32 = 18.0;
/// Icons beside small text.
pub const ICON_SMALL: f32 = 14.0;
/// The picture of an empty place.
pub const ICON_LARGE: f32 = 40.0;

/// Corners of controls.
pub const ROUND: f32 = 8.0;
/// Corners of cards.
pub const ROUND_LARGE: f32 = 12.0;
/// A pill or a circle, whatever its size.
pub const ROUND_FULL: f32 = 999.0;

/// The chat list.
pub const SIDEBAR: f32 = 296.0;
/// How wide a letter of a title is, about.
pub const TITLE_LETTER: f32 = 9.5;
/// So many letters of a chat's name fit into a row of the chat list.
pub const CHAT_NAME: usize = 19;
/// So many letters of a group's name fit into a row of a dialog.
pub const GROUP_NAME: usize = 38;
/// So many letters of a message fit into a row of the chat list, and so many beside a count.
pub const PREVIEW: (usize, usize) = (28, 24);
/// So many letters of a name fit into a row of the members, and so many beside "you" and the sign of the owner.
pub const MEMBER_NAME: (usize, usize) = (20, 15);
/// The members of a group.
pub const MEMBERS: f32 = 248.0;
/// The head of each pane; all are equally high, so that their lower edges make one line.
pub const HEADER: f32 = 60.0;
/// The card of the first screen.
pub const CARD: f32 = 400.0;
/// A dialog.
pub const DIALOG: f32 = 440.0;
/// The list inside a dialog; fixed, so that results do not move the buttons below.
pub const DIALOG_LIST: f32 = 236.0;
/// The box for some lines about oneself.
pub const ABOUT: f32 = 112.0;
/// The square button that holds an icon.
pub const ICON_BUTTON: f32 = 36.0;
/// The square buttons that appear over a message.
pub const ICON_BUTTON_SMALL: f32 = 26.0;
/// The line below the conversation that says who types; its height is always there.
pub const TYPING_LINE: f32 = 24.0;
/// A day divider or system line at least.
pub const DIVIDER: f32 = 36.0;
/// Avatars in the message list and in rows.
pub const AVATAR: f32 = 40.0;
/// Avatars in narrow rows.
pub const AVATAR_SMALL: f32 = 32.0;
/// The picture of a quoted author.
pub const AVATAR_TINY: f32 = 16.0;
/// The presence dot.
pub const DOT: f32 = 14.0;
/// What is bitten out of the dot of those who are idle.
pub const DOT_BITE: f32 = 7.0;
/// The bar in the dot of those who do not want to be disturbed.
pub const DOT_BAR: (f32, f32) = (6.0, 2.0);
/// The view of a picture of which a square is chosen.
pub const CROPPER: f32 = 256.0;
/// The card that tells who somebody is.
pub const PROFILE_CARD: f32 = 320.0;
/// The band of colour at its top.
pub const BANNER: f32 = 84.0;
/// One's picture where it is changed.
pub const AVATAR_MIDDLE: f32 = 64.0;
/// The picture on it, and the ring around.
pub const AVATAR_LARGE: f32 = 88.0;
/// See `AVATAR_LARGE`.
pub const AVATAR_RING: f32 = 4.0;
/// What somebody says of herself takes so much room at most.
pub const ABOUT_ROOM: f32 = 168.0;
/// The dialog in which one's own profile is changed, where there is so much room.
pub const EDITOR: (f32, f32) = (760.0, 660.0);
/// A colour to choose.
pub const SWATCH: f32 = 28.0;
/// The menu at one's own name.
pub const MENU: f32 = 272.0;
/// A control of one line.
pub const CONTROL: f32 = 40.0;
/// The composer's lines, and how many of them it grows to.
pub const COMPOSER_LINE: f32 = 22.0;
/// See `COMPOSER_LINE`.
pub const COMPOSER_LINES: f32 = 8.0;
/// The square around an emote in the picker.
pub const EMOTE_CELL: f32 = 40.0;
/// An emote in the picker.
pub const EMOTE: f32 = 26.0;
/// An emote in a row of words.
pub const EMOTE_SMALL: f32 = 18.0;
/// So many emotes stand side by side.
pub const EMOTE_COLUMNS: usize = 9;
/// The emotes that are in view.
pub const EMOTE_GRID: f32 = 292.0;
/// The emote under the pointer, shown larger below the others, and the room for it.
pub const EMOTE_SHOWN: (f32, f32) = (30.0, 44.0);
/// So many letters of an emote's name fit below the others.
pub const EMOTE_NAME: usize = 30;
/// The list of names that fit while one writes.
pub const COMPLETION: f32 = 320.0;
/// Text is never wider than this: long lines are hard to read.
pub const MEASURE: f32 = 760.0;
/// The room of a picture among the messages.
pub const PICTURE: (f32, f32) = (400.0, 300.0);
/// The same for each of several, which stand in rows.
pub const PICTURES: (f32, f32) = (300.0, 148.0);
/// A file among the messages.
pub const FILE_CARD: f32 = 360.0;
/// So many letters of its name fit into it.
pub const FILE_NAME: usize = 26;
/// The picture of a file's sort.
pub const ICON_FILE: f32 = 26.0;
/// How long and how high it is shown how much of a file is sent.
pub const PROGRESS: (f32, f32) = (160.0, 6.0);
/// How large a picture is drawn, in words.
pub const PERCENT: f32 = 56.0;
/// A file that goes with the next message.
pub const CHIP: f32 = 232.0;
/// Its picture.
pub const CHIP_PICTURE: f32 = 44.0;
/// So many letters of its name fit into it.
pub const CHIP_NAME: usize = 18;
/// The picker of GIFs.
pub const GIF_PANEL: (f32, f32) = (420.0, 440.0);
/// What is seen of its grid.
pub const GIF_GRID: (f32, f32) = (388.0, 360.0);
/// How high a row of it is, about.
pub const GIF_ROW: f32 = 128.0;
/// A place to begin from, two in each row.
pub const GIF_TILE: (f32, f32) = (192.0, 60.0);
/// Its picture.
pub const GIF_TILE_PICTURE: f32 = 48.0;
/// How far before the end the next page of GIFs is asked for.
pub const GIF_ANTICIPATION: f32 = 240.0;
/// How far before the end of what is loaded the next page is asked for.
pub const ANTICIPATION: f32 = 600.0;
/// So near to the end counts as being there.
pub const END_SLACK: f32 = 24.0;
/// Width of the scroll bar.
pub const SCROLL_BAR: f32 = 6.0;
/// The smallest window that still works.
pub const WINDOW_MINIMUM: (f32, f32) = (760.0, 600.0);
/// The window at its first start.
pub const WINDOW: (f32, f32) = (1100.0, 740.0);

/// Text as it is read.
pub const REGULAR: Font = Font::with_name("Inter");
/// Names, buttons, titles.
pub const SEMIBOLD: Font = Font { weight: Weight::Semibold, ..REGULAR };
/// The largest titles, and counts.
pub const BOLD: Font = Font { weight: Weight::Bold, ..REGULAR };
/// What is no longer there.
pub const ITALIC: Font = Font { style: Style::Italic, ..REGULAR };
/// Emoji in colour.
pub const EMOJI: Font = Font::with_name("Twemoji Mozilla");
/// Icons; see `widget::icon`.
pub const ICONS: Font = Font::with_name("lucide");

/// Dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
}

impl Mode {
    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }

    /// Its colours.
    #[must_use]
    pub fn colors(self) -> &'static Colors {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
        }
    }

    /// As iced wants it.
    #[must_use]
    pub fn theme(self) -> Theme {
        let colors = self.colors();
        let base = Palette {
            background: colors.base,
            text: colors.text,
            primary: colors.accent,
            success: colors.online,
            warning: colors.idle,
            danger: colors.danger,
        };
        let dark = self == Self::Dark;
        Theme::custom_with_fn("Rookery", base, move |palette| palette::Extended {
            is_dark: dark,
            ..palette::Extended::generate(palette)
        })
    }
}

/// All colours of a mode.
#[derive(Debug)]
pub struct Colors {
    /// Behind the conversation.
    pub base: Color,
    /// Behind the chat list and the members.
    pub side: Color,
    /// Cards, dialogs, what floats.
    pub raised: Color,
    /// Small things over other things.
    pub floating: Color,
    /// Where one writes.
    pub field: Color,
    /// Hairlines.
    pub line: Color,
    /// Under the pointer.
    pub hover: Color,
    /// What is chosen.
    pub selected: Color,
    /// What is read.
    pub text: Color,
    /// What is read second.
    pub dim: Color,
    /// Times and hints.
    pub faint: Color,
    /// The one accent, as a surface.
    pub accent: Color,
    /// The same under the pointer.
    pub accent_hover: Color,
    /// The accent as text.
    pub accent_text: Color,
    /// On the accent.
    pub on_accent: Color,
    /// Errors and what cannot be undone.
    pub danger: Color,
    /// The same as a surface.
    pub danger_surface: Color,
    /// Somebody is there.
    pub online: Color,
    /// Somebody is away.
    pub idle: Color,
    /// Behind a dialog.
    pub veil: Color,
    /// Behind a picture that is looked at.
    pub night: Color,
}

const DARK: Colors = Colors {
    base: color!(0x1b1d23),
    side: color!(0x15171c),
    raised: color!(0x24272f),
    floating: color!(0x2f333e),
    field: color!(0x24272f),
    line: color!(0x2c3039),
    hover: color!(0xffffff, 0.045),
    selected: color!(0x7d93ff, 0.16),
    text: color!(0xe9ebf0),
    dim: color!(0xa3aab8),
    faint: color!(0x858d9c),
    accent: color!(0x4f6be4),
    accent_hover: color!(0x5d79f0),
    accent_text: color!(0x93a6ff),
    on_accent: color!(0xffffff),
    danger: color!(0xf2777a),
    danger_surface: color!(0xc43d45),
    online: color!(0x46b77b),
    idle: color!(0xe0a63f),
    veil: color!(0x07080a, 0.62),
    night: color!(0x0b0c0f),
};

const LIGHT: Colors = Colors {
    base: color!(0xffffff),
    side: color!(0xf4f5f8),
    raised: color!(0xffffff),
    floating: color!(0xffffff),
    field: color!(0xf4f5f8),
    line: color!(0xe1e4ea),
    hover: color!(0x101828, 0.045),
    selected: color!(0x4f6be4, 0.13),
    text: color!(0x1b1e25),
    dim: color!(0x565e6c),
    faint: color!(0x6b7280),
    accent: color!(0x4560dc),
    accent_hover: color!(0x3751ca),
    accent_text: color!(0x3a54cf),
    on_accent: color!(0xffffff),
    danger: color!(0xc5303a),
    danger_surface: color!(0xc5303a),
    online: color!(0x2f9e62),
    idle: color!(0xc98a17),
    veil: color!(0x1b1e25, 0.38),
    night: color!(0x0b0c0f),
};

/// The colours of initials, the same in both modes: white is readable on each.
const PEOPLE: [Color; 10] = [
    color!(0xb8527a),
    color!(0xb25b34),
    color!(0x8d6b1f),
    color!(0x4e8440),
    color!(0x2c8562),
    color!(0x26808f),
    color!(0x3d74b8),
    color!(0x6564c4),
    color!(0x8f55b0),
    color!(0xb04a5a),
];

/// The colours that are offered for a banner.
pub const BANNERS: [&str; 12] = [
    "#b8527a", "#b25b34", "#8d6b1f", "#4e8440", "#2c8562", "#26808f", "#3d74b8", "#4f6be4", "#6564c4", "#8f55b0",
    "#b04a5a", "#4a5160",
];

/// A colour as `User.color` says it; none if it says nothing.
#[must_use]
pub fn color_of(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    // A sign is no digit, though numbers may have one.
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then_some(Color::from_rgb8(part(0)?, part(2)?, part(4)?))
}

/// The colour of somebody's banner: the one she chose, or that of her initials.
#[must_use]
pub fn banner(id: i64, color: &str) -> Color {
    color_of(color).unwrap_or_else(|| person(id))
}

/// The colours of a theme made by [`Mode::theme`].
#[must_use]
pub fn colors(theme: &Theme) -> &'static Colors {
    if theme.extended_palette().is_dark { &DARK } else { &LIGHT }
}

/// Somebody's colour, for ever the same.
#[must_use]
pub fn person(id: i64) -> Color {
    // Neighbouring ids come from people who registered together and talk together: spread them.
    let index = id.unsigned_abs().wrapping_mul(7) % PEOPLE.len() as u64;
    PEOPLE[usize::try_from(index).unwrap_or_default()]
}

/// Second lines.
#[must_use]
pub fn dim(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).dim) }
}

/// Times and hints.
#[must_use]
pub fn faint(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).faint) }
}

/// What the eye should find.
#[must_use]
pub fn accent(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).accent_text) }
}

/// What went wrong.
#[must_use]
pub fn danger(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).danger) }
}

/// On the accent, and on somebody's colour.
#[must_use]
pub fn on_accent(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).on_accent) }
}

/// What is read first.
#[must_use]
pub fn strong(theme: &Theme) -> text::Style {
    text::Style { color: Some(colors(theme).text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_digits_are_a_colour() {
        assert_eq!(color_of("#ff8000"), Some(Color::from_rgb8(255, 128, 0)));
        assert_eq!(color_of("#FF8000"), color_of("#ff8000"));
        for wrong in ["", "#", "ff8000", "#ff800", "#ff80000", "#+f80+0", "#gg0000", "#éé00", "red"] {
            assert_eq!(color_of(wrong), None, "{wrong}");
        }
        assert!(BANNERS.iter().all(|color| color_of(color).is_some()));
        assert_eq!(banner(7, ""), person(7));
    }
}
