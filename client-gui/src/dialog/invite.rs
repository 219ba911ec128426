//! "Invite": makes a code with which others join the group.

use iced::widget::{column, container, row, text};
use iced::{Center, Element, Fill, Task, clipboard};
use rookery_client::{Client, Error, v1};

use super::Step;
use crate::widget::{action, dialog};
use crate::{speech, theme};

/// The dialog.
#[derive(Debug)]
pub struct State {
    invite: Option<Result<String, String>>,
    copied: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The code is there.
    Created(Result<v1::CreateInviteResponse, Error>),
    /// To the clipboard with it.
    CopyWanted,
    /// Away with it.
    Closed,
}

impl State {
    /// Asks for a code at once.
    pub fn new(conversation_id: i64, client: &Client) -> (Self, Task<Message>) {
        let api = client.api().clone();
        let request = v1::CreateInviteRequest { conversation_id, ..v1::CreateInviteRequest::default() };
        let call = async move { api.create_invite(request).await };
        (Self { invite: None, copied: false }, Task::perform(call, Message::Created))
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, _client: &Client) -> Step<Message> {
        match message {
            Message::Created(Ok(answer)) => {
                self.invite = Some(Ok(answer.invite.map(|invite| invite.code).unwrap_or_default()));
                Step::None
            }
            Message::Created(Err(error)) => {
                self.invite = Some(Err(speech::sentence(&error.message)));
                Step::None
            }
            Message::CopyWanted => match &self.invite {
                Some(Ok(code)) => {
                    self.copied = true;
                    Step::Run(clipboard::write(code.clone()))
                }
                _ => Step::None,
            },
            Message::Closed => Step::Close,
        }
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let hint = text("Whoever has this code can join within 7 days: press “New group”, then “Join”.")
            .size(theme::NOTE)
            .style(theme::dim);
        let code: Element<'_, Message> = match &self.invite {
            None => text("…").size(theme::TITLE).into(),
            Some(Ok(code)) => text(code).size(theme::TITLE).font(theme::SEMIBOLD).into(),
            Some(Err(why)) => text(why).size(theme::NOTE).style(theme::danger).into(),
        };
        let ready = matches!(self.invite, Some(Ok(_)));
        let label = if self.copied { "Copied" } else { "Copy" };
        let copy = action(label, theme::button::primary, ready.then_some(Message::CopyWanted));
        let code = container(code)
            .width(Fill)
            .center_y(theme::CONTROL)
            .padding([0.0, theme::MEDIUM])
            .style(theme::surface::well);
        let line = row![code, copy].spacing(theme::SMALL).align_y(Center);
        dialog::card("Invite by code", column![hint, line].spacing(theme::LARGE), Message::Closed)
    }
}
