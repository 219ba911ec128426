//! The first screen: which server, and who. It asks; the application does.

use iced::widget::{Id, center, column, container, operation, row, text};
use iced::{Center, Element, Fill, Task};
use rookery_api::v1::ErrorReason;
use rookery_client::Error;

use crate::widget::field::Field;
use crate::widget::icon::Icon;
use crate::widget::{tab, wide_action};
use crate::{speech, theme};

/// Where a server of one's own listens.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7878";

/// The shortest password the protocol allows.
const SHORTEST_PASSWORD: usize = 8;
/// The shortest name the protocol allows.
const SHORTEST_NAME: usize = 2;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Come back.
    SignIn,
    /// Come for the first time.
    Register,
}

/// What somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the account is to be made.
    pub purpose: Purpose,
    /// The server's address.
    pub server: String,
    /// The login name.
    pub name: String,
    /// The password; never stored.
    pub password: String,
}

/// What is wrong, at its field.
#[derive(Debug, Default)]
struct Wrong {
    server: Option<String>,
    name: Option<String>,
    password: Option<String>,
    other: Option<String>,
}

/// The screen.
#[derive(Debug)]
pub struct State {
    purpose: Purpose,
    server: String,
    name: String,
    password: String,
    busy: bool,
    wrong: Wrong,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The other tab was chosen.
    PurposeChosen(Purpose),
    /// The address was changed.
    ServerChanged(String),
    /// The name was changed.
    NameChanged(String),
    /// The password was changed.
    PasswordChanged(String),
    /// Enter, or the button.
    Submitted,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window.
    Run(Task<Message>),
    /// Ask the server.
    SignIn(Credentials),
}

impl State {
    /// An empty form; the address as last time.
    #[must_use]
    pub fn new(server: Option<String>, purpose: Purpose) -> Self {
        Self {
            purpose,
            server: server.unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
            name: String::new(),
            password: String::new(),
            busy: false,
            wrong: Wrong::default(),
        }
    }

    /// The same form with a sentence of why it is shown (again).
    #[must_use]
    pub fn with_notice(mut self, notice: impl Into<String>) -> Self {
        self.wrong.other = Some(notice.into());
        self
    }

    /// Puts the cursor where typing begins.
    pub fn focus(&self) -> Task<Message> {
        operation::focus(name_id())
    }

    /// The server said no, or nothing.
    pub fn fail(&mut self, error: &Error) -> Task<Message> {
        self.busy = false;
        self.wrong = Wrong::default();
        for (field, why) in &error.fields {
            let why = speech::sentence(why);
            match field.as_str() {
                "name" => self.wrong.name = Some(why),
                "password" => self.wrong.password = Some(why),
                "url" => self.wrong.server = Some(why),
                _ => self.wrong.other = Some(why),
            }
        }
        if !error.fields.is_empty() {
            return self.focus_wrong();
        }
        let why = speech::sentence(&error.message);
        match error.reason {
            Some(ErrorReason::NameTaken) => self.wrong.name = Some(why),
            Some(ErrorReason::WrongCredentials) => self.wrong.password = Some(why),
            None if error.is_maybe() => self.wrong.server = Some(why),
            _ => self.wrong.other = Some(why),
        }
        self.focus_wrong()
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::PurposeChosen(purpose) => {
                self.purpose = purpose;
                self.wrong = Wrong::default();
                Action::Run(self.focus())
            }
            Message::ServerChanged(server) => {
                self.server = server;
                self.wrong.server = None;
                Action::None
            }
            Message::NameChanged(name) => {
                self.name = name;
                self.wrong.name = None;
                Action::None
            }
            Message::PasswordChanged(password) => {
                self.password = password;
                self.wrong.password = None;
                Action::None
            }
            Message::Submitted => self.submit(),
        }
    }

    fn submit(&mut self) -> Action {
        if self.busy {
            return Action::None;
        }
        self.wrong = self.check();
        if self.wrong.any() {
            return Action::Run(self.focus_wrong());
        }
        self.busy = true;
        Action::SignIn(Credentials {
            purpose: self.purpose,
            server: self.server.trim().to_owned(),
            name: self.name.trim().to_owned(),
            password: self.password.clone(),
        })
    }

    /// What needs no server to be seen.
    fn check(&self) -> Wrong {
        let mut wrong = Wrong::default();
        if self.server.trim().is_empty() {
            wrong.server = Some("Which server?".to_owned());
        }
        if self.name.trim().is_empty() {
            wrong.name = Some("What is your name?".to_owned());
        } else if self.purpose == Purpose::Register && self.name.trim().chars().count() < SHORTEST_NAME {
            wrong.name = Some(format!("At least {SHORTEST_NAME} characters."));
        }
        if self.password.is_empty() {
            wrong.password = Some("A password is needed.".to_owned());
        } else if self.purpose == Purpose::Register && self.password.chars().count() < SHORTEST_PASSWORD {
            wrong.password = Some(format!("At least {SHORTEST_PASSWORD} characters."));
        }
        wrong
    }

    fn focus_wrong(&self) -> Task<Message> {
        if self.wrong.server.is_some() {
            operation::focus(server_id())
        } else if self.wrong.name.is_some() {
            operation::focus(name_id())
        } else if self.wrong.password.is_some() {
            operation::focus(password_id())
        } else {
            Task::none()
        }
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let head = column![
            Icon::Bird.view(theme::ICON_LARGE).style(theme::accent),
            text("Rookery").size(theme::DISPLAY).font(theme::BOLD),
            text("Your chat, on your server.").size(theme::BODY).style(theme::dim),
        ]
        .spacing(theme::TINY)
        .width(Fill)
        .align_x(Center);
        let tabs = container(
            row![
                tab("Sign in", self.purpose == Purpose::SignIn, Message::PurposeChosen(Purpose::SignIn)),
                tab("Create account", self.purpose == Purpose::Register, Message::PurposeChosen(Purpose::Register)),
            ]
            .spacing(theme::TINY),
        )
        .padding(theme::TINY)
        .style(theme::surface::well);
        let other = self.wrong.other.as_deref().map(|why| {
            container(text(why).size(theme::NOTE))
                .width(Fill)
                .padding([theme::SMALL, theme::MEDIUM])
                .style(theme::surface::alarm)
        });
        let fields = column![
            Field {
                placeholder: DEFAULT_SERVER,
                ..self.field("Server", &self.server, &self.wrong.server, server_id(), Message::ServerChanged)
            }
            .view(),
            Field {
                placeholder: "ada",
                ..self.field("Name", &self.name, &self.wrong.name, name_id(), Message::NameChanged)
            }
            .view(),
            Field {
                placeholder: self.password_hint(),
                secret: true,
                ..self.field("Password", &self.password, &self.wrong.password, password_id(), Message::PasswordChanged)
            }
            .view(),
        ]
        .spacing(theme::LARGE);
        let submit =
            wide_action(self.submit_label(), theme::button::primary, (!self.busy).then_some(Message::Submitted));
        let card =
            container(column![head, column![tabs, other].spacing(theme::LARGE), fields, submit].spacing(theme::HUGE))
                .width(theme::CARD)
                .padding(theme::GIANT)
                .style(theme::surface::card);
        center(card).padding(theme::HUGE).style(theme::surface::side).into()
    }

    fn field<'a>(
        &self,
        label: &'a str,
        value: &'a str,
        error: &'a Option<String>,
        id: Id,
        changed: fn(String) -> Message,
    ) -> Field<'a, Message> {
        Field {
            error: error.as_deref(),
            id: Some(id),
            on_input: (!self.busy).then_some(changed),
            on_submit: Some(Message::Submitted),
            ..Field::new(label, value)
        }
    }

    fn password_hint(&self) -> &'static str {
        match self.purpose {
            Purpose::SignIn => "",
            Purpose::Register => "At least 8 characters",
        }
    }

    fn submit_label(&self) -> &'static str {
        match (self.purpose, self.busy) {
            (Purpose::SignIn, false) => "Sign in",
            (Purpose::SignIn, true) => "Signing in…",
            (Purpose::Register, false) => "Create account",
            (Purpose::Register, true) => "Creating account…",
        }
    }
}

impl Wrong {
    fn any(&self) -> bool {
        self.server.is_some() || self.name.is_some() || self.password.is_some() || self.other.is_some()
    }
}

fn server_id() -> Id {
    Id::new("sign-in-server")
}

fn name_id() -> Id {
    Id::new("sign-in-name")
}

fn password_id() -> Id {
    Id::new("sign-in-password")
}
