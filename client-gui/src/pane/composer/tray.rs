//! What goes with the next message: files of this device, pictures from the clipboard.

mod pick;
mod view;

use std::path::PathBuf;
use std::sync::Arc;

use iced::widget::{Id, operation};
use iced::{Element, Task};
use rookery_client::Attachment;

use super::Limits;
use crate::gallery::{Bytes, Gallery};
use crate::speech;

pub use pick::{Found, Picked};

/// The files, and what is wrong with those that cannot go.
#[derive(Debug, Default)]
pub struct State {
    items: Vec<Item>,
    problem: Option<String>,
    // Where there is no dialog to choose files in: what is written into a field instead.
    path: Option<String>,
    number: u64,
    // Ends the dialog's task with this.
    picking: Option<iced::task::Handle>,
}

/// A file.
#[derive(Debug)]
struct Item {
    number: u64,
    name: String,
    size: u64,
    content: Content,
}

/// Where its bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// On the disk.
    File(PathBuf),
    /// In memory alone.
    Bytes(Bytes),
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// Choose files.
    PickWanted,
    /// They are chosen.
    Picked(Picked),
    /// What is written into the field for a path.
    PathChanged(String),
    /// It is complete.
    PathSubmitted,
    /// It is not wanted any more.
    PathClosed,
    /// Files were dropped onto the window.
    Dropped(PathBuf),
    /// What was pasted may be a picture.
    Pasted,
    /// It is known how large they are; or why they cannot go.
    Added(Vec<Result<Found, String>>),
    /// It is not to go.
    Removed(u64),
    /// The problem was read.
    ProblemClosed,
}

impl State {
    /// Whether nothing goes along.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, limits: Limits) -> Task<Message> {
        match message {
            Message::PickWanted => {
                let (task, handle) = Task::perform(pick::ask(), Message::Picked).abortable();
                self.picking = Some(handle.abort_on_drop());
                return task;
            }
            Message::Picked(Picked::Files(paths)) => return look_at(paths),
            Message::Picked(Picked::Nothing) => {}
            Message::Picked(Picked::NoDialog) => {
                self.path = Some(String::new());
                return operation::focus(PATH);
            }
            Message::PathChanged(path) => self.path = Some(path),
            Message::PathSubmitted => {
                let path = self.path.take().unwrap_or_default();
                return look_at(pick::written(&path).into_iter().collect());
            }
            Message::PathClosed => self.path = None,
            Message::Dropped(path) => return look_at(vec![path]),
            Message::Pasted => {
                return Task::perform(pick::paste(), |found| Message::Added(found.into_iter().collect()));
            }
            Message::Added(found) => self.add(found, limits),
            Message::Removed(number) => {
                self.items.retain(|item| item.number != number);
                self.problem = None;
            }
            Message::ProblemClosed => self.problem = None,
        }
        Task::none()
    }

    fn add(&mut self, found: Vec<Result<Found, String>>, limits: Limits) {
        self.problem = None;
        for found in found {
            match found.and_then(|found| self.check(found, limits)) {
                Ok(Found { name, size, content }) => {
                    self.number += 1;
                    self.items.push(Item { number: self.number, name, size, content });
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
    }

    /// What the server would say, said before anything is sent.
    fn check(&self, found: Found, limits: Limits) -> Result<Found, String> {
        if found.size == 0 {
            return Err(format!("“{}” is empty.", found.name));
        }
        if found.size > limits.file_bytes {
            return Err(format!("“{}” is larger than {}.", found.name, speech::size(limits.file_bytes)));
        }
        if self.items.len() >= limits.files {
            return Err(format!("At most {} files go with one message.", limits.files));
        }
        Ok(found)
    }

    /// Everything, to be sent.
    pub fn take(&mut self) -> Vec<Attachment> {
        self.problem = None;
        let items = std::mem::take(&mut self.items);
        let attachment = |item: Item| match item.content {
            Content::File(path) => Attachment::File(path),
            Content::Bytes(Bytes(bytes)) => Attachment::Bytes { name: item.name, bytes: Arc::unwrap_or_clone(bytes) },
        };
        items.into_iter().map(attachment).collect()
    }

    /// Draws it; nothing while there is nothing.
    pub fn view<'a>(&'a self, gallery: &'a Gallery) -> Option<Element<'a, Message>> {
        view::show(self, gallery)
    }
}

fn look_at(paths: Vec<PathBuf>) -> Task<Message> {
    if paths.is_empty() { Task::none() } else { Task::perform(pick::look_at(paths), Message::Added) }
}

const PATH: Id = Id::new("attach-path");

#[cfg(test)]
mod tests;
