//! Joins a group: a public one from the list, or any with the code of an invite.

use std::time::Duration;

use iced::widget::{button, column, container, operation, row, scrollable, text};
use iced::{Center, Element, Fill, Task};
use rookery_client::{Client, Error, v1};

use crate::dialog::Step;
use crate::pane::sidebar::thin;
use crate::widget::field::Field;
use crate::widget::{action, avatar, tag, words};
use crate::{speech, theme};

/// Somebody who types fast asks once.
const PAUSE: Duration = Duration::from_millis(120);

/// The half.
#[derive(Debug, Default)]
pub struct State {
    code: String,
    code_wrong: Option<String>,
    filter: String,
    groups: Vec<v1::PublicGroup>,
    groups_wrong: Option<String>,
    looking: bool,
    busy: bool,
    search: Option<iced::task::Handle>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The code was changed.
    CodeChanged(String),
    /// Enter, or the button beside the code.
    CodeSubmitted,
    /// The filter was changed.
    FilterChanged(String),
    /// The answer to it.
    Listed(Result<v1::ListPublicGroupsResponse, Error>),
    /// A group was chosen.
    Chosen(i64),
    /// The answer to a code.
    JoinedByCode(Result<i64, Error>),
    /// The answer to a choice.
    Joined(Result<i64, Error>),
}

impl State {
    /// All public groups, to begin with.
    pub fn new(client: &Client) -> (Self, Task<Message>) {
        let mut state = Self::default();
        let task = state.search(client, Duration::ZERO);
        (state, task)
    }

    /// Puts the cursor into the field for a code.
    pub fn focus<M: Send + 'static>(&self) -> Task<M> {
        operation::focus(CODE)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Step<Message> {
        match message {
            Message::CodeChanged(code) => {
                self.code = code;
                self.code_wrong = None;
            }
            Message::CodeSubmitted => return self.join_by_code(client),
            Message::FilterChanged(filter) => {
                self.filter = filter;
                return Step::Run(self.search(client, PAUSE));
            }
            Message::Listed(answer) => {
                self.looking = false;
                match answer {
                    Ok(answer) => self.groups = answer.groups,
                    Err(error) => self.groups_wrong = Some(speech::sentence(&error.message)),
                }
            }
            Message::Chosen(id) => return self.join(id, client),
            Message::Joined(Ok(id)) | Message::JoinedByCode(Ok(id)) => return Step::Open(id),
            Message::Joined(Err(error)) => {
                self.busy = false;
                self.groups_wrong = Some(speech::sentence(&error.message));
            }
            Message::JoinedByCode(Err(error)) => {
                self.busy = false;
                self.code_wrong = Some(speech::sentence(&error.message));
            }
        }
        Step::None
    }

    fn join_by_code(&mut self, client: &Client) -> Step<Message> {
        let code = self.code.trim().to_owned();
        if code.is_empty() {
            self.code_wrong = Some("Paste the code that you were given.".to_owned());
        }
        if code.is_empty() || self.busy {
            return Step::None;
        }
        self.busy = true;
        let client = client.clone();
        Step::Run(Task::perform(async move { client.join_by_code(code).await }, Message::JoinedByCode))
    }

    fn join(&mut self, id: i64, client: &Client) -> Step<Message> {
        if self.groups.iter().any(|group| group.conversation_id == id && group.joined) {
            return Step::Open(id);
        }
        if self.busy {
            return Step::None;
        }
        self.busy = true;
        let client = client.clone();
        Step::Run(Task::perform(async move { client.join_public(id).await }, Message::Joined))
    }

    fn search(&mut self, client: &Client, pause: Duration) -> Task<Message> {
        self.looking = true;
        self.groups_wrong = None;
        let filter = self.filter.trim().to_owned();
        let api = client.api().clone();
        let call = async move {
            tokio::time::sleep(pause).await;
            let request = v1::ListPublicGroupsRequest { filter, ..v1::ListPublicGroupsRequest::default() };
            api.list_public_groups(request).await
        };
        let (task, handle) = Task::perform(call, Message::Listed).abortable();
        self.search = Some(handle.abort_on_drop());
        task
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let code = Field {
            placeholder: "12 letters and digits",
            error: self.code_wrong.as_deref(),
            on_input: (!self.busy).then_some(Message::CodeChanged),
            on_submit: Some(Message::CodeSubmitted),
            id: Some(CODE.into()),
            ..Field::new("With an invite code", &self.code)
        };
        let join = action("Join", theme::button::secondary, (!self.busy).then_some(Message::CodeSubmitted));
        // The button stands beside the field, which begins below its label.
        let join = column![text(" ").size(theme::NOTE), join].spacing(theme::TINY + theme::HAIR);
        let code = row![code.view(), join].spacing(theme::SMALL);
        let filter = Field {
            placeholder: "Find groups by name",
            error: self.groups_wrong.as_deref(),
            on_input: Some(Message::FilterChanged),
            ..Field::new("Public groups", &self.filter)
        };
        let list: Element<'_, Message> = if self.groups.is_empty() {
            let sentence = if self.looking { "Looking…" } else { "No public groups" };
            container(text(sentence).size(theme::NOTE).style(theme::faint)).center(Fill).into()
        } else {
            scrollable(column(self.groups.iter().map(group)).padding(theme::TINY))
                .height(Fill)
                .width(Fill)
                .direction(thin())
                .style(theme::surface::scroll)
                .into()
        };
        let list = container(list).height(theme::DIALOG_LIST).width(Fill).style(theme::surface::well);
        column![code, column![filter.view(), list].spacing(theme::MEDIUM)].spacing(theme::HUGE).into()
    }
}

fn group(group: &v1::PublicGroup) -> Element<'_, Message> {
    let members = speech::count(group.member_count.into(), "member", "members");
    let names = column![
        words::look(theme::BODY)
            .font(theme::SEMIBOLD)
            .one_line()
            .view_owned(speech::cut(&group.name, theme::GROUP_NAME)),
        text(members).size(theme::CAPTION).style(theme::faint),
    ];
    let content = row![
        avatar::group(group.conversation_id, &group.name, theme::AVATAR_SMALL),
        container(names).width(Fill).clip(true),
        group.joined.then(|| tag("Joined")),
    ]
    .spacing(theme::MEDIUM)
    .align_y(Center);
    button(content)
        .width(Fill)
        .padding([theme::SMALL, theme::SMALL])
        .style(theme::button::row(false))
        .on_press(Message::Chosen(group.conversation_id))
        .into()
}

const CODE: &str = "invite-code";
