//! Text that people wrote: emoji in colour, wherever they stand.

mod tame;

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use iced::widget::{Text, rich_text, span, text};
use iced::{Color, Element, Font, Theme};

use crate::{emoji, theme};

/// How a stretch of people's text looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    size: f32,
    font: Font,
    style: Option<fn(&Theme) -> text::Style>,
    wrapping: text::Wrapping,
    behind: Option<(&'static str, Color)>,
}

/// Text of this size, wrapped where needed.
#[must_use]
pub fn look(size: f32) -> Look {
    Look { size, font: theme::REGULAR, style: None, wrapping: text::Wrapping::WordOrGlyph, behind: None }
}

impl Look {
    /// In another font.
    #[must_use]
    pub fn font(self, font: Font) -> Self {
        Self { font, ..self }
    }

    /// In another colour.
    #[must_use]
    pub fn style(self, style: fn(&Theme) -> text::Style) -> Self {
        Self { style: Some(style), ..self }
    }

    /// On one line, cut where the room ends.
    #[must_use]
    pub fn one_line(self) -> Self {
        Self { wrapping: text::Wrapping::None, ..self }
    }

    /// With a small word behind it.
    #[must_use]
    pub fn behind(self, word: &'static str, color: Color) -> Self {
        Self { behind: Some((word, color)), ..self }
    }

    /// Draws it.
    pub fn view<'a, M: 'a>(self, content: &'a str) -> Element<'a, M> {
        self.draw(Cow::Borrowed(content))
    }

    /// Draws words that were made for this.
    pub fn view_owned<'a, M: 'a>(self, content: String) -> Element<'a, M> {
        self.draw(Cow::Owned(content))
    }

    fn draw<'a, M: 'a>(self, content: Cow<'a, str>) -> Element<'a, M> {
        let content = tame::tame(content);
        let style = self.style.unwrap_or(theme::strong);
        let shade = shade(&content);
        let style = move |theme: &Theme| shaded(style(theme), shade);
        if self.behind.is_none() && !emoji::any(&content) {
            return text(content).size(self.size).font(self.font).wrapping(self.wrapping).style(style).into();
        }
        let runs = emoji::runs(&content).into_iter().map(|run| {
            let font = if run.emoji { theme::EMOJI } else { self.font };
            let words: Cow<'a, str> = match &content {
                Cow::Borrowed(all) => Cow::Borrowed(&all[run.range]),
                Cow::Owned(all) => Cow::Owned(all[run.range].to_owned()),
            };
            span::<(), Font>(words).font(font)
        });
        let behind = self.behind.map(|(word, color)| span(word).size(theme::CAPTION).color(color));
        rich_text(runs.chain(behind).collect::<Vec<_>>())
            .size(self.size)
            .font(self.font)
            .wrapping(self.wrapping)
            .style(style)
            .into()
    }
}

/// One emote, as a picture.
pub fn emote<'a>(emote: impl Into<Cow<'a, str>>, size: f32) -> Text<'a, Theme> {
    let emote = emote.into();
    let shade = shade(&emote);
    text(emote).font(theme::EMOJI).size(size).line_height(1.0).style(move |theme| shaded(theme::strong(theme), shade))
}

/// A difference of colour that nobody sees, another one for each text. iced's software renderer (0.14) takes two texts of
/// one size for the same (`Paragraph::eq` does not look at the letters) and would leave "12" where "21" should be.
fn shade(content: &str) -> f32 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    (hasher.finish() % SHADES) as f32 * SHADE
}

fn shaded(style: text::Style, shade: f32) -> text::Style {
    let color = style.color.map(|color| Color { b: color.b - shade, ..color });
    text::Style { color }
}

/// So many differences there are.
const SHADES: u64 = 1_000;
/// All of them together are less than a quarter of a step of the screen.
const SHADE: f32 = 1e-6;
