//! A message of one's own that is not sent yet: how far it is, and what can be done about it.

use iced::widget::{button, progress_bar, row, text};
use iced::{Center, Element};
use rookery_client::{Pending, PendingStatus};

use super::Message;
use crate::widget::icon::Icon;
use crate::{speech, theme};

/// Whether a message is on its way, and what to do when it is not. `upload` is how much of its files is on the server.
pub fn status(pending: &Pending, upload: Option<(u64, u64)>) -> Element<'_, Message> {
    let name = || pending.request_id.clone();
    let cancel = link("Cancel", Message::CancelWanted(name()));
    let line = match (&pending.status, upload) {
        (PendingStatus::Sending, Some((sent, total))) if total > 0 => row![
            progress_bar(0.0..=1.0, sent as f32 / total as f32)
                .length(theme::PROGRESS.0)
                .girth(theme::PROGRESS.1)
                .style(theme::surface::progress),
            text(speech::progress(sent, total)).size(theme::CAPTION).style(theme::faint),
            cancel,
        ],
        (PendingStatus::Sending, _) => row![
            Icon::Clock.view(theme::CAPTION).style(theme::faint),
            text("Sending…").size(theme::CAPTION).style(theme::faint),
            cancel,
        ],
        (PendingStatus::Failed(why), _) => {
            // Its files would be gone with it.
            let edit = pending.attachments.is_empty().then(|| link("Edit", Message::RewriteWanted(name())));
            row![
                Icon::Alert.view(theme::CAPTION).style(theme::danger),
                text(format!("Not sent. {}", speech::sentence(why))).size(theme::CAPTION).style(theme::danger),
                link("Retry", Message::RetryWanted(name())),
                edit,
                cancel,
            ]
        }
    };
    line.spacing(theme::SMALL).align_y(Center).into()
}

fn link<'a>(label: &'a str, message: Message) -> Element<'a, Message> {
    button(text(label).size(theme::CAPTION).font(theme::SEMIBOLD))
        .padding(0)
        .style(theme::button::link)
        .on_press(message)
        .into()
}
