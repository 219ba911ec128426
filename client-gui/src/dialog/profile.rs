//! "Edit profile": one's picture, what one is called, what one says of oneself, one's colour. What was changed is not
//! thrown away unasked.

pub mod portrait;
mod save;
mod view;

use iced::widget::operation;
use iced::widget::text_editor::{self, Content};
use iced::{Element, Task};
use rookery_client::{Client, Error, State as World, v1};

use super::Step;
use crate::gallery::Gallery;
use crate::{speech, theme};
use portrait::Portrait;

/// The longest display name.
const NAME_MOST: usize = 32;
/// The longest text about oneself.
const ABOUT_MOST: usize = 500;

/// The dialog.
#[derive(Debug)]
pub struct State {
    before: v1::User,
    portrait: portrait::State,
    name: String,
    about: Content,
    // As it is written; empty for the usual one.
    color: String,
    wrong: Wrong,
    leaving: bool,
    busy: bool,
}

/// What is wrong, at the field that it belongs to.
#[derive(Debug, Default)]
struct Wrong {
    name: Option<String>,
    about: Option<String>,
    color: Option<String>,
    /// Not any field's fault.
    other: Option<String>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// About the picture.
    Portrait(portrait::Message),
    /// The display name was changed.
    NameChanged(String),
    /// The text about oneself was changed, or the cursor in it.
    AboutEdited(text_editor::Action),
    /// The colour was changed.
    ColorChanged(String),
    /// Enter, or the button.
    Submitted,
    /// The answer.
    Saved(Result<(), Error>),
    /// Away with it, if nothing is lost by that.
    Closed,
    /// Go on editing.
    Stayed,
    /// Away with it, and with what was changed.
    Discarded,
}

impl State {
    /// The profile as it is.
    pub fn new(user: v1::User) -> (Self, Task<Message>) {
        let state = Self {
            portrait: portrait::State::default(),
            name: user.display_name.clone(),
            about: Content::with_text(&user.about),
            color: user.color.clone(),
            before: user,
            wrong: Wrong::default(),
            leaving: false,
            busy: false,
        };
        (state, operation::focus(NAME))
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Step<Message> {
        match message {
            Message::Portrait(message) => return Step::Run(self.portrait.update(message).map(Message::Portrait)),
            Message::NameChanged(name) => {
                self.name = name;
                self.wrong.name = None;
            }
            Message::AboutEdited(action) => {
                if action.is_edit() {
                    self.wrong.about = None;
                }
                self.about.perform(action);
            }
            Message::ColorChanged(color) => {
                self.color = color;
                self.wrong.color = None;
            }
            Message::Submitted => return self.submit(client),
            Message::Saved(Err(error)) => self.fail(&error),
            Message::Closed if self.has_changes() => self.leaving = true,
            Message::Saved(Ok(())) | Message::Closed | Message::Discarded => return Step::Close,
            Message::Stayed => self.leaving = false,
        }
        Step::None
    }

    /// Whether something would be lost by closing it.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes().is_empty()
    }

    fn about(&self) -> String {
        self.about.text().trim_end().to_owned()
    }

    /// The colour as the server knows it; none if it is no colour.
    fn color(&self) -> Option<String> {
        let color = self.color.trim().to_ascii_lowercase();
        if color.is_empty() {
            return Some(color);
        }
        let color = format!("#{}", color.trim_start_matches('#'));
        theme::color_of(&color).map(|_| color)
    }

    /// The fields that are no longer as they were.
    fn changes(&self) -> Vec<String> {
        let changed = [
            ("display_name", self.name.trim() != self.before.display_name),
            ("about", self.about() != self.before.about.trim_end()),
            ("color", self.color().is_none_or(|color| color != self.before.color)),
            ("avatar", !matches!(self.portrait.portrait(), Portrait::Kept)),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field.to_owned()).collect()
    }

    fn submit(&mut self, client: &Client) -> Step<Message> {
        let (display_name, about, color) = (self.name.trim().to_owned(), self.about(), self.color());
        self.wrong = Wrong {
            name: (!(1..=NAME_MOST).contains(&display_name.chars().count()))
                .then(|| format!("1 to {NAME_MOST} characters.")),
            about: (about.chars().count() > ABOUT_MOST).then(|| format!("At most {ABOUT_MOST} characters.")),
            color: color.is_none().then(|| "Six digits of 0-9 and a-f, as in #4f6be4.".to_owned()),
            other: None,
        };
        let fine = self.wrong.name.is_none() && self.wrong.about.is_none();
        let (Some(color), true) = (color, fine && !self.busy) else {
            return Step::None;
        };
        let paths = self.changes();
        if paths.is_empty() {
            return Step::Close;
        }
        self.busy = true;
        let mask = Some(prost_types::FieldMask { paths });
        // What is not in the mask does not count.
        let request = v1::UpdateProfileRequest { display_name, about, color, update_mask: mask, ..Default::default() };
        let saving = save::save(client.clone(), request, self.portrait.portrait().clone());
        Step::Run(Task::perform(saving, Message::Saved))
    }

    fn fail(&mut self, error: &Error) {
        self.busy = false;
        self.leaving = false;
        if error.fields.is_empty() {
            self.wrong.other = Some(speech::sentence(&error.message));
        }
        for (field, why) in &error.fields {
            let why = speech::sentence(why);
            match field.as_str() {
                "display_name" => self.wrong.name = Some(why),
                "about" => self.wrong.about = Some(why),
                "color" => self.wrong.color = Some(why),
                "avatar" => self.portrait.fail(why),
                _ => self.wrong.other = Some(why),
            }
        }
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery) -> Element<'a, Message> {
        view::show(self, world, gallery)
    }
}

const NAME: &str = "display-name";
const ABOUT: &str = "about";
