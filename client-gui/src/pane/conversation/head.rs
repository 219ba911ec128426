//! The head of a conversation: what it is called, and who is there.

use iced::widget::{column, container, responsive, row};
use iced::{Center, Element, Fill};
use jiff::Zoned;
use rookery_api::v1::ConversationKind;
use rookery_client::{Conversation, State as World};

use super::Message;
use crate::gallery::Gallery;
use crate::widget::icon::Icon;
use crate::widget::{avatar, head_button, way_to, words};
use crate::{clock, speech, theme};

/// Draws it.
pub(super) fn show<'a>(
    conversation: &'a Conversation,
    world: &'a World,
    gallery: &'a Gallery,
    now: &'a Zoned,
) -> Element<'a, Message> {
    let title = world.title(conversation);
    let picture = match conversation.kind() {
        ConversationKind::Global => avatar::everybody(theme::AVATAR_SMALL),
        ConversationKind::Direct => {
            let partner = conversation.partner_id(world.user_id()).unwrap_or_default();
            let presence = world.presence(partner);
            let who = avatar::who(world, partner);
            avatar::present(gallery, who, theme::AVATAR_SMALL, presence, theme::surface::base)
        }
        _ => avatar::group(conversation.id(), title, theme::AVATAR_SMALL),
    };
    let name = responsive(move |room| {
        let most = (room.width / theme::TITLE_LETTER) as usize;
        words::look(theme::TITLE).font(theme::SEMIBOLD).one_line().view_owned(speech::cut(title, most))
    });
    let words = column![
        container(name).height(theme::COMPOSER_LINE).clip(true),
        words::look(theme::CAPTION).style(theme::dim).one_line().view_owned(second_line(conversation, world, now)),
    ]
    .width(Fill);
    let members = (conversation.kind() != ConversationKind::Direct)
        .then(|| head_button(Icon::Group, "Members", Message::MembersToggled));
    let title = row![picture, words].spacing(theme::MEDIUM).align_y(Center);
    let title = match conversation.partner_id(world.user_id()) {
        Some(partner) => way_to(title, Message::PersonWanted(partner)),
        None => title.into(),
    };
    row![title, members]
        .spacing(theme::MEDIUM)
        .height(theme::HEADER)
        .padding([0.0, theme::LARGE])
        .align_y(Center)
        .into()
}

fn second_line(conversation: &Conversation, world: &World, now: &Zoned) -> String {
    match conversation.kind() {
        ConversationKind::Global => "Everybody on this server".to_owned(),
        ConversationKind::Direct => {
            let partner = conversation.partner_id(world.user_id()).unwrap_or_default();
            let state = speech::presence(world.presence(partner)).to_owned();
            let seen = world.last_seen(partner).map(|at| (at.seconds, at.nanos));
            let seen = clock::local(seen, now.time_zone()).map(|at| clock::seen(&at, now));
            seen.map_or(state.clone(), |seen| format!("{state}, {seen}"))
        }
        _ if conversation.public() => "Public group".to_owned(),
        _ => "Private group".to_owned(),
    }
}
