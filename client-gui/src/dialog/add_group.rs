//! "New group": make one, or join one.

pub mod create;
pub mod join;

use iced::widget::{column, container, row};
use iced::{Element, Task};
use rookery_client::{Client, State as World};

use super::Step;
use crate::gallery::Gallery;
use crate::theme;
use crate::widget::{dialog, tab};

/// The dialog. Both tabs keep what was typed in them.
#[derive(Debug)]
pub struct State {
    tab: Tab,
    create: create::State,
    join: join::State,
}

/// Which half is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Make a group.
    Create,
    /// Join a group.
    Join,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A tab was chosen.
    TabChosen(Tab),
    /// In the first half.
    Create(create::Message),
    /// In the second half.
    Join(join::Message),
    /// Away with it.
    Closed,
}

impl State {
    /// The first half is open.
    pub fn new(world: &World, client: &Client) -> (Self, Task<Message>) {
        let (create, people) = create::State::new(world, client);
        let (join, groups) = join::State::new(client);
        let tasks = Task::batch([people.map(Message::Create), groups.map(Message::Join), create.focus()]);
        (Self { tab: Tab::Create, create, join }, tasks)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Step<Message> {
        match message {
            Message::TabChosen(tab) => {
                self.tab = tab;
                Step::Run(match tab {
                    Tab::Create => self.create.focus(),
                    Tab::Join => self.join.focus(),
                })
            }
            Message::Create(message) => map(self.create.update(message, world, client), Message::Create),
            Message::Join(message) => map(self.join.update(message, client), Message::Join),
            Message::Closed => Step::Close,
        }
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        let tabs = container(
            row![
                tab("Create", self.tab == Tab::Create, Message::TabChosen(Tab::Create)),
                tab("Join", self.tab == Tab::Join, Message::TabChosen(Tab::Join)),
            ]
            .spacing(theme::TINY),
        )
        .padding(theme::TINY)
        .style(theme::surface::well);
        let half = match self.tab {
            Tab::Create => self.create.view(world, gallery).map(Message::Create),
            Tab::Join => self.join.view().map(Message::Join),
        };
        dialog::card("New group", column![tabs, half].spacing(theme::LARGE), Message::Closed)
    }
}

fn map<A: Send + 'static>(step: Step<A>, wrap: fn(A) -> Message) -> Step<Message> {
    match step {
        Step::None => Step::None,
        Step::Run(task) => Step::Run(task.map(wrap)),
        Step::Close => Step::Close,
        Step::Open(id) => Step::Open(id),
        Step::Show(id) => Step::Show(id),
        Step::Do(deed) => Step::Do(deed),
    }
}
