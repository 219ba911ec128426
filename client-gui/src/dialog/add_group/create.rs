//! Makes a group: a name, who is in it, and whether anybody may join.

use std::collections::BTreeSet;

use iced::widget::{checkbox, column, operation, row, text};
use iced::{Center, Element, Fill, Task};
use rookery_client::{Client, Error, State as World};

use crate::dialog::add_members::{mark, toggle};
use crate::dialog::{Step, people};
use crate::gallery::Gallery;
use crate::widget::action;
use crate::widget::field::Field;
use crate::{speech, theme};

/// The half.
#[derive(Debug)]
pub struct State {
    name: String,
    wrong: Option<String>,
    public: bool,
    people: people::State,
    chosen: BTreeSet<i64>,
    me: i64,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was changed.
    NameChanged(String),
    /// Public or not.
    PublicToggled(bool),
    /// In the list.
    People(people::Message),
    /// Enter, or the button.
    Submitted,
    /// The answer.
    Created(Result<i64, Error>),
}

impl State {
    /// Nobody is chosen yet.
    pub fn new(world: &World, client: &Client) -> (Self, Task<Message>) {
        let (people, task) = people::State::new(world, client);
        let (me, chosen) = (world.user_id(), BTreeSet::new());
        let state = Self { name: String::new(), wrong: None, public: false, people, chosen, me, busy: false };
        (state, task.map(Message::People))
    }

    /// Puts the cursor into the field for the name.
    pub fn focus<M: Send + 'static>(&self) -> Task<M> {
        operation::focus(NAME)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Step<Message> {
        match message {
            Message::NameChanged(name) => {
                self.name = name;
                self.wrong = None;
            }
            Message::PublicToggled(public) => self.public = public,
            Message::People(people::Message::PersonWanted(id)) => return Step::Show(id),
            Message::People(people::Message::Chosen(id)) => toggle(&mut self.chosen, id),
            Message::People(message) => {
                return Step::Run(self.people.update(message, world, client).map(Message::People));
            }
            Message::Submitted => return self.submit(client),
            Message::Created(Ok(id)) => return Step::Open(id),
            Message::Created(Err(error)) => self.fail(&error),
        }
        Step::None
    }

    fn submit(&mut self, client: &Client) -> Step<Message> {
        if self.busy {
            return Step::None;
        }
        if self.name.trim().is_empty() && self.chosen.is_empty() {
            self.wrong = Some("Give it a name, or choose people.".to_owned());
            return Step::None;
        }
        self.busy = true;
        let (client, name) = (client.clone(), self.name.trim().to_owned());
        let (members, public) = (self.chosen.iter().copied().collect(), self.public);
        let call = async move { client.create_group(name, members, public).await };
        Step::Run(Task::perform(call, Message::Created))
    }

    fn fail(&mut self, error: &Error) {
        self.busy = false;
        match error.fields.iter().find(|(field, _)| field == "name") {
            Some((_, why)) => self.wrong = Some(speech::sentence(why)),
            None => self.people.fail(error),
        }
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        let name = Field {
            id: Some(NAME.into()),
            placeholder: "Optional: else the members' names",
            error: self.wrong.as_deref(),
            on_input: (!self.busy).then_some(Message::NameChanged),
            on_submit: Some(Message::Submitted),
            ..Field::new("Name", &self.name)
        };
        let people = self.people.view(world, gallery, |id| (id != self.me).then(|| mark(&self.chosen, id)));
        // Typing may have hidden some of those who are chosen.
        let label = match self.chosen.len() {
            0 => "People".to_owned(),
            count => format!("People: {count} chosen"),
        };
        let label = text(label).size(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim);
        let public = checkbox(self.public)
            .label("Public: anybody may join")
            .text_size(theme::BODY)
            .size(theme::ICON)
            .spacing(theme::SMALL)
            .style(theme::input::check)
            .on_toggle(Message::PublicToggled)
            .width(Fill);
        let create = action("Create group", theme::button::primary, (!self.busy).then_some(Message::Submitted));
        column![
            name.view(),
            column![label, people.map(Message::People)].spacing(theme::TINY + theme::HAIR),
            row![public, create].spacing(theme::SMALL).align_y(Center),
        ]
        .spacing(theme::LARGE)
        .into()
    }
}

const NAME: &str = "new-group-name";
