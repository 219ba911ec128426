//! "Rename group": its name, and for the owner whether it is public.

use iced::widget::{checkbox, column, operation};
use iced::{Element, Task};
use rookery_client::{Client, Conversation, Error, v1};

use super::Step;
use crate::widget::field::Field;
use crate::widget::{action, dialog};
use crate::{speech, theme};

/// The dialog.
#[derive(Debug)]
pub struct State {
    conversation_id: i64,
    name: String,
    before: String,
    public: bool,
    was_public: bool,
    owns: bool,
    wrong: Option<String>,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was changed.
    NameChanged(String),
    /// Public or not.
    PublicToggled(bool),
    /// Enter, or the button.
    Submitted,
    /// The answer.
    Renamed(Result<(), Error>),
    /// Away with it.
    Closed,
}

impl State {
    /// The name as it is.
    pub fn new(conversation: &Conversation, me: i64) -> (Self, Task<Message>) {
        let state = Self {
            conversation_id: conversation.id(),
            name: conversation.name().to_owned(),
            before: conversation.name().to_owned(),
            public: conversation.public(),
            was_public: conversation.public(),
            owns: conversation.owner_id() == me,
            wrong: None,
            busy: false,
        };
        (state, Task::batch([operation::focus(NAME), operation::select_all(NAME)]))
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Step<Message> {
        match message {
            Message::NameChanged(name) => {
                self.name = name;
                self.wrong = None;
                Step::None
            }
            Message::PublicToggled(public) => {
                self.public = public;
                Step::None
            }
            Message::Submitted => self.submit(client),
            Message::Renamed(Ok(())) | Message::Closed => Step::Close,
            Message::Renamed(Err(error)) => {
                self.busy = false;
                let why = error.fields.first().map_or(error.message.as_str(), |(_, why)| why);
                self.wrong = Some(speech::sentence(why));
                Step::None
            }
        }
    }

    fn submit(&mut self, client: &Client) -> Step<Message> {
        let name = self.name.trim().to_owned();
        if name.is_empty() {
            self.wrong = Some("A group needs a name.".to_owned());
        }
        if name.is_empty() || self.busy {
            return Step::None;
        }
        let mut paths = Vec::new();
        if name != self.before {
            paths.push("name".to_owned());
        }
        if self.public != self.was_public {
            paths.push("public".to_owned());
        }
        if paths.is_empty() {
            return Step::Close;
        }
        self.busy = true;
        let request = v1::UpdateGroupRequest {
            conversation_id: self.conversation_id,
            name,
            public: self.public,
            update_mask: Some(prost_types::FieldMask { paths }),
            ..v1::UpdateGroupRequest::default()
        };
        let api = client.api().clone();
        Step::Run(Task::perform(async move { api.update_group(request).await.map(drop) }, Message::Renamed))
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let name = Field {
            id: Some(NAME.into()),
            error: self.wrong.as_deref(),
            on_input: (!self.busy).then_some(Message::NameChanged),
            on_submit: Some(Message::Submitted),
            ..Field::new("Name", &self.name)
        };
        let public = self.owns.then(|| {
            checkbox(self.public)
                .label("Public: anybody may join")
                .text_size(theme::BODY)
                .size(theme::ICON)
                .spacing(theme::SMALL)
                .style(theme::input::check)
                .on_toggle(Message::PublicToggled)
        });
        let buttons = dialog::buttons([
            action("Cancel", theme::button::secondary, Some(Message::Closed)).into(),
            action("Save", theme::button::primary, (!self.busy).then_some(Message::Submitted)).into(),
        ]);
        let content = column![name.view(), public, buttons].spacing(theme::LARGE);
        dialog::card("Rename group", content, Message::Closed)
    }
}

const NAME: &str = "group-name";
