//! The first screen: which server, and who. It asks; the application does.

use iced::widget::{Id, center, column, container, operation, row, text};
use iced::{Center, Element, Fill, Task, task};
use rookery_api::v1::{ErrorReason, GetServerInfoResponse, RegistrationMode};
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
    /// The code that lets her in where one is needed; may be empty.
    pub invite: String,
}

/// Whether a new account takes a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// It does not, as far as is known.
    Unasked,
    /// Whoever has the one that the server printed becomes its admin.
    Welcome,
    /// There is no other way in.
    Needed,
}

/// What is wrong, at its field.
#[derive(Debug, Default)]
struct Wrong {
    server: Option<String>,
    name: Option<String>,
    password: Option<String>,
    invite: Option<String>,
    other: Option<String>,
}

/// The screen.
#[derive(Debug)]
pub struct State {
    purpose: Purpose,
    server: String,
    name: String,
    password: String,
    invite: String,
    code: Code,
    /// The question that the server is being asked; another one takes its place.
    asking: Option<task::Handle>,
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
    /// The invite code was changed.
    InviteChanged(String),
    /// The server said what it asks of new accounts.
    Told(Box<GetServerInfoResponse>),
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
    /// Ask this server what it asks of new accounts, after what was to be run.
    Inquire(String, Task<Message>),
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
            invite: String::new(),
            code: Code::Unasked,
            asking: None,
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

    /// The server that is to be asked what it asks of new accounts.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        (self.purpose == Purpose::Register).then(|| self.server.trim().to_owned())
    }

    /// It is being asked; what it was asked before does not count any more.
    pub fn asked(&mut self, handle: task::Handle) {
        self.asking = Some(handle.abort_on_drop());
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
            Some(ErrorReason::RegistrationClosed) => {
                if self.code == Code::Unasked {
                    self.code = Code::Needed;
                }
                self.wrong.invite = Some(why);
            }
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
                self.inquire(self.focus())
            }
            Message::ServerChanged(server) => {
                self.server = server;
                self.wrong.server = None;
                self.code = Code::Unasked;
                self.inquire(Task::none())
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
            Message::InviteChanged(invite) => {
                self.invite = invite;
                self.wrong.invite = None;
                Action::None
            }
            Message::Told(info) => {
                self.code = match info.registration() {
                    _ if info.unclaimed => Code::Welcome,
                    RegistrationMode::Invite => Code::Needed,
                    _ => Code::Unasked,
                };
                Action::None
            }
            Message::Submitted => self.submit(),
        }
    }

    fn inquire(&self, first: Task<Message>) -> Action {
        match self.question() {
            Some(server) => Action::Inquire(server, first),
            None => Action::Run(first),
        }
    }

    /// Whether a code can be given.
    fn takes_code(&self) -> bool {
        self.purpose == Purpose::Register && self.code != Code::Unasked
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
            invite: if self.takes_code() { self.invite.trim().to_owned() } else { String::new() },
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
        if self.purpose == Purpose::Register && self.code == Code::Needed && self.invite.trim().is_empty() {
            wrong.invite = Some("An invite code is needed.".to_owned());
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
        } else if self.wrong.invite.is_some() {
            operation::focus(invite_id())
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
            self.takes_code().then(|| {
                Field {
                    placeholder: self.code_hint(),
                    ..self.field("Invite code", &self.invite, &self.wrong.invite, invite_id(), Message::InviteChanged)
                }
                .view()
            }),
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

    fn code_hint(&self) -> &'static str {
        match self.code {
            Code::Welcome => "Printed by the server: makes you admin",
            Code::Needed | Code::Unasked => "From whoever runs the server",
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
        self.server.is_some()
            || self.name.is_some()
            || self.password.is_some()
            || self.invite.is_some()
            || self.other.is_some()
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

fn invite_id() -> Id {
    Id::new("sign-in-invite")
}
