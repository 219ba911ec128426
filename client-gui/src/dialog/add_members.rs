//! "Add people" to a group.

use std::collections::BTreeSet;

use iced::widget::column;
use iced::{Element, Task};
use rookery_client::{Client, Error, State as World, v1};

use super::Step;
use super::people::{self, Mark};
use crate::gallery::Gallery;
use crate::widget::{action, dialog};
use crate::{speech, theme};

/// The dialog.
#[derive(Debug)]
pub struct State {
    conversation_id: i64,
    people: people::State,
    chosen: BTreeSet<i64>,
    inside: BTreeSet<i64>,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// In the list.
    People(people::Message),
    /// The button.
    Submitted,
    /// The answer.
    Added(Result<(), Error>),
    /// Away with it.
    Closed,
}

impl State {
    /// Nobody is chosen yet; those who are inside are in the group already.
    pub fn new(conversation_id: i64, inside: BTreeSet<i64>, world: &World, client: &Client) -> (Self, Task<Message>) {
        let (people, task) = people::State::new(world, client);
        let tasks = Task::batch([task.map(Message::People), people.focus()]);
        (Self { conversation_id, people, chosen: BTreeSet::new(), inside, busy: false }, tasks)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Step<Message> {
        match message {
            Message::People(people::Message::PersonWanted(id)) => Step::Show(id),
            Message::People(people::Message::Chosen(id)) => {
                toggle(&mut self.chosen, id);
                Step::None
            }
            Message::People(message) => Step::Run(self.people.update(message, world, client).map(Message::People)),
            Message::Submitted => self.submit(client),
            Message::Added(Ok(())) | Message::Closed => Step::Close,
            Message::Added(Err(error)) => {
                self.busy = false;
                self.people.fail(&error);
                Step::None
            }
        }
    }

    fn submit(&mut self, client: &Client) -> Step<Message> {
        self.busy = true;
        let api = client.api().clone();
        let request = v1::AddMembersRequest {
            conversation_id: self.conversation_id,
            user_ids: self.chosen.iter().copied().collect(),
        };
        let call = async move { api.add_members(request).await.map(drop) };
        Step::Run(Task::perform(call, Message::Added))
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        let people = self.people.view(world, gallery, |id| {
            Some(if self.inside.contains(&id) { Mark::Inside } else { mark(&self.chosen, id) })
        });
        let count = i64::try_from(self.chosen.len()).unwrap_or_default();
        let label = match count {
            0 => "Add".to_owned(),
            count => format!("Add {}", speech::count(count, "person", "people")),
        };
        let ready = count > 0 && !self.busy;
        let buttons = dialog::buttons([
            action("Cancel", theme::button::secondary, Some(Message::Closed)).into(),
            action(label, theme::button::primary, ready.then_some(Message::Submitted)).into(),
        ]);
        let content = column![people.map(Message::People), buttons].spacing(theme::LARGE);
        dialog::card("Add people", content, Message::Closed)
    }
}

/// Chooses somebody, or no more.
pub fn toggle(chosen: &mut BTreeSet<i64>, id: i64) {
    if !chosen.remove(&id) {
        chosen.insert(id);
    }
}

/// How somebody is drawn among those who may be chosen.
#[must_use]
pub fn mark(chosen: &BTreeSet<i64>, id: i64) -> Mark {
    if chosen.contains(&id) { Mark::Taken } else { Mark::Open }
}
