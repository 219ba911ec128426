//! "Your profile": what one is called, and what one says of oneself. What was changed is not thrown away unasked.

use iced::widget::text_editor::{self, Content};
use iced::widget::{column, container, operation, row, text};
use iced::{Center, Element, Fill, Task};
use rookery_client::{Client, Error, v1};

use super::Step;
use crate::widget::field::Field;
use crate::widget::{action, avatar, dialog, spring, words};
use crate::{speech, theme};

/// The longest display name.
const NAME_MOST: usize = 32;
/// The longest text about oneself.
const ABOUT_MOST: usize = 500;

/// The dialog.
#[derive(Debug)]
pub struct State {
    before: v1::User,
    name: String,
    about: Content,
    name_wrong: Option<String>,
    about_wrong: Option<String>,
    leaving: bool,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The display name was changed.
    NameChanged(String),
    /// The text about oneself was changed, or the cursor in it.
    AboutEdited(text_editor::Action),
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
            name: user.display_name.clone(),
            about: Content::with_text(&user.about),
            before: user,
            name_wrong: None,
            about_wrong: None,
            leaving: false,
            busy: false,
        };
        (state, operation::focus(NAME))
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Step<Message> {
        match message {
            Message::NameChanged(name) => {
                self.name = name;
                self.name_wrong = None;
            }
            Message::AboutEdited(action) => {
                if action.is_edit() {
                    self.about_wrong = None;
                }
                self.about.perform(action);
            }
            Message::Submitted => return self.submit(client),
            Message::Saved(Err(error)) => self.fail(&error),
            Message::Closed if !self.changes().is_empty() => self.leaving = true,
            Message::Saved(Ok(())) | Message::Closed | Message::Discarded => return Step::Close,
            Message::Stayed => self.leaving = false,
        }
        Step::None
    }

    fn about(&self) -> String {
        self.about.text().trim_end().to_owned()
    }

    /// The fields that are no longer as they were.
    fn changes(&self) -> Vec<String> {
        let name = (self.name.trim() != self.before.display_name).then(|| "display_name".to_owned());
        let about = (self.about() != self.before.about.trim_end()).then(|| "about".to_owned());
        name.into_iter().chain(about).collect()
    }

    fn submit(&mut self, client: &Client) -> Step<Message> {
        let (display_name, about) = (self.name.trim().to_owned(), self.about());
        if !(1..=NAME_MOST).contains(&display_name.chars().count()) {
            self.name_wrong = Some(format!("1 to {NAME_MOST} characters."));
        }
        if about.chars().count() > ABOUT_MOST {
            self.about_wrong = Some(format!("At most {ABOUT_MOST} characters."));
        }
        if self.name_wrong.is_some() || self.about_wrong.is_some() || self.busy {
            return Step::None;
        }
        let paths = self.changes();
        if paths.is_empty() {
            return Step::Close;
        }
        self.busy = true;
        let mask = Some(prost_types::FieldMask { paths });
        let request = v1::UpdateProfileRequest { display_name, about, update_mask: mask, ..Default::default() };
        let api = client.api().clone();
        Step::Run(Task::perform(async move { api.update_profile(request).await.map(drop) }, Message::Saved))
    }

    fn fail(&mut self, error: &Error) {
        self.busy = false;
        self.leaving = false;
        let about = error.fields.iter().find(|(field, _)| field == "about");
        if let Some((_, why)) = about {
            self.about_wrong = Some(speech::sentence(why));
            return;
        }
        let why = error.fields.first().map_or(error.message.as_str(), |(_, why)| why);
        self.name_wrong = Some(speech::sentence(why));
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let who = row![
            avatar::person(self.before.id, &self.name, theme::AVATAR),
            column![
                words::look(theme::BODY)
                    .font(theme::SEMIBOLD)
                    .one_line()
                    .view_owned(speech::cut(&self.name, NAME_MOST)),
                text(format!("@{}", self.before.name)).size(theme::CAPTION).style(theme::faint),
            ],
        ]
        .spacing(theme::MEDIUM)
        .align_y(Center);
        let name = Field {
            id: Some(NAME.into()),
            placeholder: &self.before.name,
            error: self.name_wrong.as_deref(),
            on_input: (!self.busy).then_some(Message::NameChanged),
            on_submit: Some(Message::Submitted),
            ..Field::new("Display name", &self.name)
        };
        let content = column![container(who).clip(true), name.view(), self.about_field(), self.foot()];
        dialog::card("Your profile", content.spacing(theme::LARGE), Message::Closed)
    }

    fn about_field(&self) -> Element<'_, Message> {
        let length = self.about().chars().count();
        let over = length > ABOUT_MOST;
        let style = if over { theme::danger } else { theme::faint };
        let head = row![
            text("About you").size(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim),
            spring(),
            text(format!("{length}/{ABOUT_MOST}")).size(theme::CAPTION).style(style),
        ]
        .align_y(Center);
        let editor = text_editor::TextEditor::new(&self.about)
            .id(ABOUT)
            .placeholder("Optional: what others may know of you")
            .size(theme::BODY)
            .font(theme::REGULAR)
            .padding([theme::SMALL + theme::HAIR, theme::MEDIUM])
            .height(theme::ABOUT)
            .wrapping(text::Wrapping::WordOrGlyph)
            .style(theme::input::lines(over || self.about_wrong.is_some()))
            .on_action(Message::AboutEdited);
        let error = self.about_wrong.as_deref().map(|error| text(error).size(theme::NOTE).style(theme::danger));
        column![head, editor, error].spacing(theme::TINY + theme::HAIR).into()
    }

    /// The buttons, or the question about what would be lost.
    fn foot(&self) -> Element<'_, Message> {
        if !self.leaving {
            return dialog::buttons([
                action("Cancel", theme::button::secondary, Some(Message::Closed)).into(),
                action("Save", theme::button::primary, (!self.busy).then_some(Message::Submitted)).into(),
            ]);
        }
        row![
            text("Discard your changes?").size(theme::BODY).width(Fill),
            action("Keep editing", theme::button::secondary, Some(Message::Stayed)),
            action("Discard", theme::button::danger, Some(Message::Discarded)),
        ]
        .spacing(theme::SMALL)
        .align_y(Center)
        .into()
    }
}

const NAME: &str = "display-name";
const ABOUT: &str = "about";
