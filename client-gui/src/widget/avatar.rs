//! Somebody's picture: initials on her colour, with a dot that tells whether she is there.

use iced::widget::{Space, container, pin, stack, text};
use iced::{Element, Fill, Theme};
use rookery_api::v1::PresenceState;

use super::icon::Icon;
use crate::theme;

/// Initials on a coloured disc.
pub fn person<'a, M: 'a>(id: i64, name: &str, size: f32) -> Element<'a, M> {
    let letters = text(initials(name))
        .size((size * LETTERS).round())
        .font(theme::SEMIBOLD)
        .line_height(1.0)
        .style(theme::on_accent);
    disc(letters, theme::person(id), size)
}

/// The same with a presence dot at its lower right.
pub fn with_presence<'a, M: 'a>(
    id: i64,
    name: &str,
    size: f32,
    presence: PresenceState,
    behind: fn(&Theme) -> container::Style,
) -> Element<'a, M> {
    let at = size - theme::DOT + theme::HAIR;
    let dot = pin(dot(presence, behind)).x(at).y(at);
    // A little wider than the disc, so that the dot may stand over its edge.
    let room = size + theme::HAIR;
    stack![container(person(id, name, size)).width(room).height(room), dot].into()
}

/// A group's picture.
pub fn group<'a, M: 'a>(id: i64, name: &str, size: f32) -> Element<'a, M> {
    person(id.wrapping_add(GROUP_SHIFT), name, size)
}

/// The global room's picture.
pub fn everybody<'a, M: 'a>(size: f32) -> Element<'a, M> {
    let picture = Icon::Globe.view((size * PICTURE).round()).style(theme::on_accent);
    container(picture).center_x(size).center_y(size).style(theme::surface::badge).into()
}

/// The first letters of the first two words.
#[must_use]
pub fn initials(name: &str) -> String {
    let letters: String = name
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

/// The letters' size as a share of the disc.
const LETTERS: f32 = 0.38;
/// The picture's size as a share of the disc.
const PICTURE: f32 = 0.5;
/// A group does not share the colour of the person with its id.
const GROUP_SHIFT: i64 = 3;

fn disc<'a, M: 'a>(content: iced::widget::Text<'a>, color: iced::Color, size: f32) -> Element<'a, M> {
    container(content).center_x(size).center_y(size).style(theme::surface::disc(color)).into()
}

/// The dot, cut out of what is behind it.
fn dot<'a, M: 'a>(presence: PresenceState, behind: fn(&Theme) -> container::Style) -> Element<'a, M> {
    let inner = container(Space::new().width(Fill).height(Fill)).style(move |theme: &Theme| {
        let colors = theme::colors(theme);
        let color = match presence {
            PresenceState::Online => colors.online,
            PresenceState::Idle => colors.idle,
            PresenceState::DoNotDisturb => colors.danger,
            PresenceState::Offline | PresenceState::Unspecified => colors.faint,
        };
        theme::surface::disc(color)(theme)
    });
    container(inner)
        .width(theme::DOT)
        .height(theme::DOT)
        .padding(theme::HAIR)
        .style(move |theme: &Theme| container::Style {
            border: iced::border::rounded(theme::ROUND_FULL),
            ..behind(theme)
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_the_first_letters_of_two_words() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials("jean-luc b. picard"), "JL");
        assert_eq!(initials("émile"), "É");
        assert_eq!(initials("🎉"), "?");
        assert_eq!(initials(""), "?");
    }
}
