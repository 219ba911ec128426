//! Finds people by name while one types.

use std::time::Duration;

use iced::widget::{Id, button, column, container, operation, row, scrollable, text};
use iced::{Center, Element, Fill, Task};
use rookery_api::v1::{self, PresenceState};
use rookery_client::{Client, Error, State as World};

use crate::gallery::Gallery;
use crate::pane::sidebar::thin;
use crate::widget::field::Field;
use crate::widget::icon::Icon;
use crate::widget::{avatar, tag, way_to, words};
use crate::{speech, theme};

/// Somebody who types fast asks once.
const PAUSE: Duration = Duration::from_millis(120);
/// As many as one looks through; typing narrows them down.
const PAGE: i32 = 50;

/// The field and the list.
#[derive(Debug, Default)]
pub struct State {
    filter: String,
    found: Vec<v1::User>,
    error: Option<String>,
    busy: bool,
    search: Option<iced::task::Handle>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The filter was changed.
    FilterChanged(String),
    /// A stream has begun, which tells nothing of strangers.
    Begun,
    /// The answer.
    Listed(Result<v1::ListUsersResponse, Error>),
    /// Somebody was chosen.
    Chosen(i64),
    /// Show who somebody is.
    PersonWanted(i64),
    /// Enter.
    Submitted,
}

impl State {
    /// Everybody, to begin with.
    pub fn new(world: &World, client: &Client) -> (Self, Task<Message>) {
        let mut state = Self::default();
        let task = state.search(world, client, Duration::ZERO);
        (state, task)
    }

    /// Puts the cursor into the field.
    pub fn focus<M: Send + 'static>(&self) -> Task<M> {
        operation::focus(id())
    }

    /// The first who may be chosen: Enter takes her.
    pub fn first(&self, may: impl Fn(i64) -> bool) -> Option<i64> {
        self.found.iter().map(|user| user.id).find(|id| may(*id))
    }

    /// What the call that was made with a choice said.
    pub fn fail(&mut self, error: &Error) {
        self.error = Some(speech::sentence(&error.message));
    }

    /// Handles a message; a choice, Enter and who somebody is are the owner's matter.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Task<Message> {
        match message {
            Message::FilterChanged(filter) => {
                self.filter = filter;
                return self.search(world, client, PAUSE);
            }
            Message::Begun => return self.search(world, client, Duration::ZERO),
            Message::Listed(Ok(answer)) => {
                self.found = answer.users;
                self.error = None;
                self.busy = false;
            }
            Message::Listed(Err(error)) => {
                self.fail(&error);
                self.busy = false;
            }
            Message::Chosen(_) | Message::PersonWanted(_) | Message::Submitted => {}
        }
        Task::none()
    }

    fn search(&mut self, world: &World, client: &Client, pause: Duration) -> Task<Message> {
        self.busy = true;
        let request =
            v1::ListUsersRequest { filter: self.filter.trim().to_owned(), page_size: PAGE, page_token: String::new() };
        let (client, as_of) = (client.clone(), world.told());
        let call = async move {
            tokio::time::sleep(pause).await;
            let answer = client.api().list_users(request).await?;
            let (users, presences) = (answer.users.clone(), answer.presences.clone());
            client.learn_people(as_of, v1::GetUsersResponse { users, presences });
            Ok(answer)
        };
        let (task, handle) = Task::perform(call, Message::Listed).abortable();
        // Dropping the handle of the search before ends it.
        self.search = Some(handle.abort_on_drop());
        task
    }

    /// The field, the list, and what went wrong. `mark` says of a person how she is drawn; without it she is left out.
    pub fn view<'a>(
        &'a self,
        world: &'a World,
        gallery: &'a Gallery,
        mark: impl Fn(i64) -> Option<Mark> + 'a,
    ) -> Element<'a, Message> {
        let field = Field {
            placeholder: "Find people by name",
            id: Some(id()),
            error: self.error.as_deref(),
            on_input: Some(Message::FilterChanged),
            on_submit: Some(Message::Submitted),
            ..Field::new("", &self.filter)
        };
        let rows: Vec<_> = self
            .found
            .iter()
            .filter_map(|user| {
                let mark = mark(user.id)?;
                // The answer is in the world as well, where it is kept up to date.
                let user = world.user(user.id).map_or(user, |user| user.as_ref());
                Some(person(user, gallery, speech::presence_of(world, user.id), mark))
            })
            .collect();
        let list: Element<'a, Message> = if rows.is_empty() {
            let sentence = if self.busy { "Looking…" } else { "Nobody of that name" };
            container(text(sentence).size(theme::NOTE).style(theme::faint)).center(Fill).into()
        } else {
            scrollable(column(rows).padding(theme::TINY))
                .height(Fill)
                .width(Fill)
                .direction(thin())
                .style(theme::surface::scroll)
                .into()
        };
        let list = container(list).height(theme::DIALOG_LIST).width(Fill).style(theme::surface::well);
        column![field.view(), list].spacing(theme::MEDIUM).into()
    }
}

/// How somebody is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// To be chosen, which ends the choice.
    Plain,
    /// To be chosen among others.
    Open,
    /// Chosen.
    Taken,
    /// Not to be chosen: a member already.
    Inside,
}

fn person<'a>(user: &'a v1::User, gallery: &'a Gallery, presence: PresenceState, mark: Mark) -> Element<'a, Message> {
    let names = column![
        words::look(theme::BODY).font(theme::SEMIBOLD).one_line().view(&user.display_name),
        text(format!("@{}", user.name)).size(theme::CAPTION).style(theme::faint),
    ];
    let state = text(speech::presence(presence)).size(theme::CAPTION).style(theme::dim);
    let chosen: Option<Element<'a, Message>> = match mark {
        Mark::Plain => None,
        Mark::Inside => Some(tag("Member")),
        Mark::Open => Some(Icon::Add.view(theme::ICON).style(theme::faint).into()),
        Mark::Taken => Some(Icon::Check.view(theme::ICON).style(theme::accent).into()),
    };
    let face = avatar::present(gallery, user.into(), theme::AVATAR_SMALL, presence, theme::surface::raised);
    let content = row![
        way_to(face, Message::PersonWanted(user.id)),
        container(names).width(Fill).clip(true),
        (mark != Mark::Inside).then_some(state),
        chosen,
    ]
    .spacing(theme::MEDIUM)
    .align_y(Center);
    button(content)
        .width(Fill)
        .padding([theme::SMALL, theme::SMALL])
        .style(theme::button::row(mark == Mark::Taken))
        .on_press_maybe((mark != Mark::Inside).then_some(Message::Chosen(user.id)))
        .into()
}

fn id() -> Id {
    Id::new("people")
}
