//! What is asked over everything else, one at a time.

pub mod add_chat;
pub mod add_group;
pub mod add_members;
pub mod card;
pub mod confirm;
pub mod invite;
pub mod people;
pub mod profile;
pub mod rename;

use std::path::PathBuf;

use iced::{Element, Task};
use rookery_client::{Client, State as World};

use crate::gallery::Gallery;
use confirm::Deed;

/// The dialog that is open.
#[derive(Debug)]
pub enum State {
    /// Whom to write to.
    AddChat(add_chat::State),
    /// Make or join a group.
    AddGroup(add_group::State),
    /// Whom to add to a group.
    AddMembers(add_members::State),
    /// A code for a group.
    Invite(invite::State),
    /// Another name for a group.
    Rename(rename::State),
    /// What one is called.
    Profile(Box<profile::State>),
    /// Really?
    Confirm(confirm::State),
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// In "New chat".
    AddChat(add_chat::Message),
    /// In "New group".
    AddGroup(add_group::Message),
    /// In "Add people".
    AddMembers(add_members::Message),
    /// In "Invite".
    Invite(invite::Message),
    /// In "Rename".
    Rename(rename::Message),
    /// In "Your profile".
    Profile(profile::Message),
    /// In a question.
    Confirm(confirm::Message),
    /// Escape, the cross, or a click beside it.
    Closed,
    /// A stream has begun: who is listed has to be asked for anew.
    Begun,
    /// A file was dropped on the window.
    FileDropped(PathBuf),
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the server or the window.
    Run(Task<Message>),
    /// Close it.
    Close,
    /// Close it and open a conversation.
    Open(i64),
    /// Show who somebody is, above it.
    Show(i64),
    /// Close it and do what was asked.
    Do(Deed),
}

/// What a dialog's own messages lead to.
#[derive(Debug)]
pub enum Step<M> {
    /// Nothing.
    None,
    /// Something for the server or the window.
    Run(Task<M>),
    /// Close it.
    Close,
    /// Close it and open a conversation.
    Open(i64),
    /// Show who somebody is, above it.
    Show(i64),
    /// Close it and do what was asked.
    Do(Deed),
}

impl<M: Send + 'static> Step<M> {
    fn lift(self, wrap: fn(M) -> Message) -> Action {
        match self {
            Self::None => Action::None,
            Self::Run(task) => Action::Run(task.map(wrap)),
            Self::Close => Action::Close,
            Self::Open(id) => Action::Open(id),
            Self::Show(id) => Action::Show(id),
            Self::Do(deed) => Action::Do(deed),
        }
    }
}

impl State {
    /// Handles a message. One for another dialog than the open one came too late.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Action {
        match (self, message) {
            // It may have something to lose.
            (Self::Profile(state), Message::Closed) => {
                state.update(profile::Message::Closed, client).lift(Message::Profile)
            }
            (Self::Profile(state), Message::FileDropped(path)) => {
                let dropped = profile::Message::Portrait(profile::portrait::Message::Dropped(path));
                state.update(dropped, client).lift(Message::Profile)
            }
            (_, Message::Closed) => Action::Close,
            (Self::AddChat(state), Message::Begun) => {
                let begun = add_chat::Message::People(people::Message::Begun);
                state.update(begun, world, client).lift(Message::AddChat)
            }
            (Self::AddGroup(state), Message::Begun) => {
                let begun = add_group::create::Message::People(people::Message::Begun);
                state.update(add_group::Message::Create(begun), world, client).lift(Message::AddGroup)
            }
            (Self::AddMembers(state), Message::Begun) => {
                let begun = add_members::Message::People(people::Message::Begun);
                state.update(begun, world, client).lift(Message::AddMembers)
            }
            (Self::AddChat(state), Message::AddChat(message)) => {
                state.update(message, world, client).lift(Message::AddChat)
            }
            (Self::AddGroup(state), Message::AddGroup(message)) => {
                state.update(message, world, client).lift(Message::AddGroup)
            }
            (Self::AddMembers(state), Message::AddMembers(message)) => {
                state.update(message, world, client).lift(Message::AddMembers)
            }
            (Self::Invite(state), Message::Invite(message)) => state.update(message, client).lift(Message::Invite),
            (Self::Rename(state), Message::Rename(message)) => state.update(message, client).lift(Message::Rename),
            (Self::Profile(state), Message::Profile(message)) => state.update(message, client).lift(Message::Profile),
            (Self::Confirm(state), Message::Confirm(message)) => state.update(message).lift(Message::Confirm),
            _ => Action::None,
        }
    }

    /// Whether something would be lost by closing it.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        matches!(self, Self::Profile(state) if state.has_changes())
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        match self {
            Self::AddChat(state) => state.view(world, gallery).map(Message::AddChat),
            Self::AddGroup(state) => state.view(world, gallery).map(Message::AddGroup),
            Self::AddMembers(state) => state.view(world, gallery).map(Message::AddMembers),
            Self::Invite(state) => state.view().map(Message::Invite),
            Self::Rename(state) => state.view().map(Message::Rename),
            Self::Profile(state) => state.view(world, gallery).map(Message::Profile),
            Self::Confirm(state) => state.view().map(Message::Confirm),
        }
    }
}
