//! "New chat": find somebody, and write to her.

use iced::{Element, Task};
use rookery_client::{Client, Error, State as World};

use super::Step;
use super::people::{self, Mark};
use crate::gallery::Gallery;
use crate::widget::dialog;

/// The dialog.
#[derive(Debug)]
pub struct State {
    people: people::State,
    me: i64,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// In the list.
    People(people::Message),
    /// The chat is there.
    Opened(Result<i64, Error>),
    /// Away with it.
    Closed,
}

impl State {
    /// Everybody but oneself.
    pub fn new(world: &World, client: &Client) -> (Self, Task<Message>) {
        let (people, task) = people::State::new(world, client);
        let tasks = Task::batch([task.map(Message::People), people.focus()]);
        (Self { people, me: world.user_id(), busy: false }, tasks)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Step<Message> {
        match message {
            Message::People(people::Message::PersonWanted(id)) => Step::Show(id),
            Message::People(people::Message::Chosen(id)) => self.open(id, client),
            // The first of the list.
            Message::People(people::Message::Submitted) => match self.people.first(|id| id != self.me) {
                Some(id) => self.open(id, client),
                None => Step::None,
            },
            Message::People(message) => Step::Run(self.people.update(message, world, client).map(Message::People)),
            Message::Opened(Ok(id)) => Step::Open(id),
            Message::Opened(Err(error)) => {
                self.busy = false;
                self.people.fail(&error);
                Step::None
            }
            Message::Closed => Step::Close,
        }
    }

    fn open(&mut self, id: i64, client: &Client) -> Step<Message> {
        if self.busy {
            return Step::None;
        }
        self.busy = true;
        let client = client.clone();
        Step::Run(Task::perform(async move { client.open_direct(id).await }, Message::Opened))
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        let me = self.me;
        let people = self.people.view(world, gallery, move |id| (id != me).then_some(Mark::Plain)).map(Message::People);
        dialog::card("New chat", people, Message::Closed)
    }
}
