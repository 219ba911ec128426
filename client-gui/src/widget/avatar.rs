//! Somebody's picture, or initials on her colour where there is none or not yet, with a dot that tells whether she is
//! there.

mod dot;

use iced::widget::{container, pin, stack, text};
use iced::{Element, Theme};
use rookery_api::v1::{self, PresenceState};
use rookery_client::State as World;

use super::icon::Icon;
use super::picture::picture;
use crate::gallery::{Gallery, Order};
use crate::theme;

pub use dot::dot;

/// Whose picture it is.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// Her id.
    pub id: i64,
    /// Her name.
    pub name: &'a str,
    /// `User.avatar`.
    pub avatar: &'a str,
}

impl<'a> From<&'a v1::User> for Who<'a> {
    fn from(user: &'a v1::User) -> Self {
        Self { id: user.id, name: &user.display_name, avatar: &user.avatar }
    }
}

/// Somebody by her id, known or not.
#[must_use]
pub fn who(world: &World, id: i64) -> Who<'_> {
    world.user(id).map_or(Who { id, name: "Somebody", avatar: "" }, |user| user.as_ref().into())
}

/// Somebody's picture.
pub fn face<'a, M: 'a>(gallery: &'a Gallery, who: Who<'_>, size: f32) -> Element<'a, M> {
    let initials = || person(who.id, who.name, size);
    if who.avatar.is_empty() {
        return initials();
    }
    let order = Order::avatar(who.avatar, size);
    let there = gallery.peek(&order).is_some();
    let picture = picture(gallery, order, (size, size)).quiet();
    // Once it is there nothing shines through at its edge.
    if there { picture.into() } else { stack![initials(), picture].into() }
}

/// The same with a presence dot at its lower right.
pub fn present<'a, M: 'a>(
    gallery: &'a Gallery,
    who: Who<'_>,
    size: f32,
    presence: PresenceState,
    behind: fn(&Theme) -> container::Style,
) -> Element<'a, M> {
    dotted(face(gallery, who, size), size, presence, behind)
}

/// Initials on a coloured disc.
pub fn person<'a, M: 'a>(id: i64, name: &str, size: f32) -> Element<'a, M> {
    let letters = text(initials(name))
        .size((size * LETTERS).round())
        .font(theme::SEMIBOLD)
        .line_height(1.0)
        .style(theme::on_accent);
    disc(letters, theme::person(id), size)
}

fn dotted<'a, M: 'a>(
    picture: Element<'a, M>,
    size: f32,
    presence: PresenceState,
    behind: fn(&Theme) -> container::Style,
) -> Element<'a, M> {
    let at = size - theme::DOT + theme::HAIR;
    let dot = pin(dot(presence, behind)).x(at).y(at);
    // A little wider than the disc, so that the dot may stand over its edge.
    let room = size + theme::HAIR;
    stack![container(picture).width(room).height(room), dot].into()
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
