//! The presence dot, cut out of what is behind it. Each state has a shape of its own, for those who see no difference
//! between the colours: a disc, a crescent, a disc with a bar, a ring.

use iced::widget::{Space, container, pin, stack};
use iced::{Color, Element, Fill, Theme};
use rookery_api::v1::PresenceState;

use crate::theme;

/// A surface, of which only the colour counts here.
type Surface = fn(&Theme) -> container::Style;

/// The dot.
pub fn dot<'a, M: 'a>(presence: PresenceState, behind: Surface) -> Element<'a, M> {
    let side = theme::DOT - 2.0 * theme::HAIR;
    let disc = piece(side, side, move |theme| color(theme, presence));
    let cut = move |width, height, x, y| {
        let piece = piece(width, height, move |theme| ground(theme, behind));
        pin(piece).x(x).y(y)
    };
    let inner: Element<'a, M> = match presence {
        PresenceState::Online => disc,
        PresenceState::Idle => stack![disc, cut(theme::DOT_BITE, theme::DOT_BITE, -1.0, -1.0)].into(),
        PresenceState::DoNotDisturb => {
            let (width, height) = theme::DOT_BAR;
            stack![disc, cut(width, height, (side - width) / 2.0, (side - height) / 2.0)].into()
        }
        PresenceState::Offline | PresenceState::Unspecified => {
            let hole = side - 2.0 * theme::HAIR;
            stack![disc, cut(hole, hole, theme::HAIR, theme::HAIR)].into()
        }
    };
    container(inner)
        .width(theme::DOT)
        .height(theme::DOT)
        .padding(theme::HAIR)
        .clip(true)
        .style(move |theme: &Theme| theme::surface::disc(ground(theme, behind))(theme))
        .into()
}

fn color(theme: &Theme, presence: PresenceState) -> Color {
    let colors = theme::colors(theme);
    match presence {
        PresenceState::Online => colors.online,
        PresenceState::Idle => colors.idle,
        PresenceState::DoNotDisturb => colors.danger,
        PresenceState::Offline | PresenceState::Unspecified => colors.faint,
    }
}

fn ground(theme: &Theme, behind: Surface) -> Color {
    match behind(theme).background {
        Some(iced::Background::Color(color)) => color,
        _ => Color::TRANSPARENT,
    }
}

fn piece<'a, M: 'a>(width: f32, height: f32, color: impl Fn(&Theme) -> Color + 'a) -> Element<'a, M> {
    container(Space::new().width(Fill).height(Fill))
        .width(width)
        .height(height)
        .style(move |theme: &Theme| theme::surface::disc(color(theme))(theme))
        .into()
}
