//! The application: which screen is shown, and what belongs to none of them (signing in and out, the theme, keys).

mod session;

use std::time::Duration;

use iced::keyboard::key::Named;
use iced::keyboard::{self, Key};
use iced::widget::operation;
use iced::{Element, Event, Subscription, Task, Theme, event, window};
use jiff::Zoned;
use rookery_client::{Error, Profile, Session};

use crate::pane::viewer;
use crate::screen::{chat, sign_in};
use crate::settings::Settings;
use crate::widget::icon::Icon;
use crate::{activity, token, widget};

use session::SignedIn;

/// How often times are drawn anew while nothing else happens.
const PULSE: Duration = Duration::from_secs(20);
/// The same while seconds are counted on the screen.
const COUNTDOWN: Duration = Duration::from_secs(1);

/// The application.
#[derive(Debug)]
pub struct App {
    profile: Profile,
    settings: Settings,
    // From the command line.
    asked_server: Option<String>,
    screen: Screen,
    // Ends the engine when it is dropped.
    engine: Option<iced::task::Handle>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
enum Screen {
    /// The token is being fetched, or thrown away.
    Waiting(&'static str),
    SignIn(sign_in::State),
    Chat(chat::State),
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// On the first screen.
    SignIn(sign_in::Message),
    /// On the main screen.
    Chat(chat::Message),
    /// The token of last time, if it could be had.
    TokenLoaded(Session, Option<(String, token::Place)>),
    /// The server's answer to signing in, or the disk's.
    SignedIn(Result<SignedIn, Error>),
    /// The session is over and the token forgotten.
    SignedOut,
    /// Tab; backwards with Shift.
    Tabbed(bool),
    /// The window is to be closed.
    CloseWanted(window::Id),
}

impl App {
    /// Starts with what the profile remembers.
    pub fn new(profile: Profile, server: Option<String>) -> (Self, Task<Message>) {
        let settings = Settings::load(profile.folder());
        let session =
            profile.session().filter(|session| server.as_ref().is_none_or(|server| session.server == *server));
        let screen = Screen::Waiting("One moment");
        let mut app = Self { profile, settings, asked_server: None, screen, engine: None };
        app.asked_server = server;
        let task = match session {
            Some(session) => {
                let profile = app.profile.clone();
                Task::perform(token::load(profile, session.clone()), move |token| {
                    Message::TokenLoaded(session.clone(), token)
                })
            }
            None => app.ask(None),
        };
        (app, task)
    }

    /// The window's title.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.screen {
            Screen::Chat(chat) if chat.world().unread() > 0 => format!("({}) Rookery", chat.world().unread()),
            _ => "Rookery".to_owned(),
        }
    }

    /// The window's theme.
    #[must_use]
    pub fn theme(&self) -> Theme {
        self.settings.mode.theme()
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::SignIn(message) => self.sign_in(message),
            Message::Chat(message) => self.chat(message),
            Message::TokenLoaded(session, Some((token, place))) => self.start(SignedIn { session, token, place }),
            Message::TokenLoaded(..) => self.ask(Some("Your sign-in could not be found. Please sign in again.")),
            Message::SignedIn(Ok(signed_in)) => {
                self.settings.server = Some(signed_in.session.server.clone());
                self.settings.save(self.profile.folder());
                self.start(signed_in)
            }
            Message::SignedIn(Err(error)) => match &mut self.screen {
                Screen::SignIn(screen) => screen.fail(&error).map(Message::SignIn),
                _ => Task::none(),
            },
            Message::SignedOut => {
                if let Err(error) = self.profile.sign_out() {
                    tracing::warn!(%error, "what this device kept could not all be removed");
                }
                self.ask(None)
            }
            // A card has no fields: the cursor would go where nobody sees it.
            Message::Tabbed(_) if matches!(&self.screen, Screen::Chat(chat) if chat.shows_card()) => Task::none(),
            Message::Tabbed(false) => operation::focus_next(),
            Message::Tabbed(true) => operation::focus_previous(),
            Message::CloseWanted(window) => self.close(window),
        }
    }

    /// Closes the window, unless something would be lost by that: then it is asked about.
    fn close(&mut self, window: window::Id) -> Task<Message> {
        match &mut self.screen {
            Screen::Chat(chat) if chat.has_changes() => self.chat(chat::Message::Escaped),
            _ => window::close(window),
        }
    }

    /// Shows the first screen.
    fn ask(&mut self, notice: Option<&str>) -> Task<Message> {
        self.engine = None;
        // Who has been here has an account.
        let purpose = match self.settings.server {
            Some(_) => sign_in::Purpose::SignIn,
            None => sign_in::Purpose::Register,
        };
        let mut screen = sign_in::State::new(self.asked_server.clone().or(self.settings.server.clone()), purpose);
        if let Some(notice) = notice {
            screen = screen.with_notice(notice);
        }
        let focus = screen.focus();
        let inquiry = screen.question().map(|server| inquire(&mut screen, server));
        self.screen = Screen::SignIn(screen);
        focus.chain(inquiry.unwrap_or_else(Task::none)).map(Message::SignIn)
    }

    /// Starts the engine and shows the main screen.
    fn start(&mut self, signed_in: SignedIn) -> Task<Message> {
        let note = signed_in.place == token::Place::File && !self.settings.note_read;
        match session::start(signed_in, self.profile.clone()) {
            Ok((client, updates)) => {
                let (task, handle) = updates.abortable();
                self.engine = Some(handle.abort_on_drop());
                let mut screen = chat::State::new(client, Zoned::now(), note).with_habits(self.settings.emotes.clone());
                let pictures = screen.fetch_pictures().map(Message::Chat);
                self.screen = Screen::Chat(screen);
                Task::batch([task.map(|updates| Message::Chat(chat::Message::Updated(updates))), pictures])
            }
            Err(error) => self.ask(Some(&error.message)),
        }
    }

    fn sign_in(&mut self, message: sign_in::Message) -> Task<Message> {
        let Screen::SignIn(screen) = &mut self.screen else {
            return Task::none();
        };
        match screen.update(message) {
            sign_in::Action::None => Task::none(),
            sign_in::Action::Run(task) => task.map(Message::SignIn),
            sign_in::Action::Inquire(server, first) => {
                let inquiry = inquire(screen, server);
                Task::batch([first, inquiry]).map(Message::SignIn)
            }
            sign_in::Action::SignIn(credentials) => {
                Task::perform(session::sign_in(credentials, self.profile.clone()), Message::SignedIn)
            }
        }
    }

    fn chat(&mut self, message: chat::Message) -> Task<Message> {
        let Screen::Chat(screen) = &mut self.screen else {
            return Task::none();
        };
        let action = screen.update(message);
        if *screen.habits() != self.settings.emotes {
            self.settings.emotes = screen.habits().clone();
            self.settings.save(self.profile.folder());
        }
        match action {
            chat::Action::None => Task::none(),
            chat::Action::Run(task) => task.map(Message::Chat),
            chat::Action::ToggleMode => {
                self.settings.mode = self.settings.mode.toggled();
                self.settings.save(self.profile.folder());
                Task::none()
            }
            chat::Action::CloseNote => {
                self.settings.note_read = true;
                self.settings.save(self.profile.folder());
                Task::none()
            }
            chat::Action::SignOut => {
                let client = screen.client().clone();
                self.engine = None;
                self.screen = Screen::Waiting("Signing out");
                Task::perform(session::sign_out(Some(client), self.profile.clone()), |()| Message::SignedOut)
            }
            chat::Action::SignedOut => {
                let forget = session::sign_out(None, self.profile.clone());
                let ask = self.ask(Some("Your session has ended. Please sign in again."));
                Task::batch([ask, Task::perform(forget, |()| ()).discard()])
            }
        }
    }

    /// What it listens to.
    pub fn subscription(&self) -> Subscription<Message> {
        let close = window::close_requests().map(Message::CloseWanted);
        let keys = event::listen_with(key).map(|key| match key {
            Pressed::Tab(back) => Message::Tabbed(back),
            Pressed::Chat(message) => Message::Chat(*message),
        });
        let Screen::Chat(chat) = &self.screen else {
            return Subscription::batch([close, keys]);
        };
        let pulse = if chat.is_counting() { COUNTDOWN } else { PULSE };
        Subscription::batch([
            close,
            keys,
            iced::time::every(pulse).map(|_| Message::Chat(chat::Message::Ticked(Zoned::now()))),
            activity::returns().map(|()| Message::Chat(chat::Message::Returned)),
        ])
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        match &self.screen {
            Screen::Waiting(why) => {
                iced::widget::container(widget::empty(Icon::Bird, why, "")).style(crate::theme::surface::side).into()
            }
            Screen::SignIn(screen) => screen.view().map(Message::SignIn),
            Screen::Chat(screen) => screen.view(self.settings.mode).map(Message::Chat),
        }
    }
}

/// Asks a server what it asks of new accounts. No answer is one, too: the form stays as it is.
fn inquire(screen: &mut sign_in::State, server: String) -> Task<sign_in::Message> {
    let (task, handle) = Task::future(session::info(server))
        .and_then(|info| Task::done(sign_in::Message::Told(Box::new(info))))
        .abortable();
    screen.asked(handle);
    task
}

/// A key that belongs to no field.
enum Pressed {
    Tab(bool),
    Chat(Box<chat::Message>),
}

/// A key, or what happens to the window, that is for the chat.
fn for_chat(message: chat::Message) -> Option<Pressed> {
    Some(Pressed::Chat(Box::new(message)))
}

fn key(event: Event, status: event::Status, _window: window::Id) -> Option<Pressed> {
    match event {
        Event::Window(window::Event::Focused) => for_chat(chat::Message::FocusChanged(true)),
        Event::Window(window::Event::Unfocused) => for_chat(chat::Message::FocusChanged(false)),
        Event::Window(window::Event::FileHovered(_)) => for_chat(chat::Message::FilesHovered(true)),
        Event::Window(window::Event::FilesHoveredLeft) => for_chat(chat::Message::FilesHovered(false)),
        Event::Window(window::Event::FileDropped(path)) => for_chat(chat::Message::FileDropped(path)),
        Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, text, .. }) => {
            let free = status == event::Status::Ignored;
            match key.as_ref() {
                Key::Named(Named::Tab) if free => Some(Pressed::Tab(modifiers.shift())),
                Key::Named(Named::Escape) if free => for_chat(chat::Message::Escaped),
                Key::Named(Named::Escape) => for_chat(chat::Message::FieldEscaped),
                Key::Character(_) | Key::Named(Named::Space) if free && !modifiers.command() && !modifiers.alt() => {
                    for_chat(chat::Message::Typed(text?.to_string()))
                }
                Key::Character("k") if modifiers.command() => for_chat(chat::Message::SwitcherWanted),
                Key::Named(Named::ArrowLeft | Named::ArrowRight) if free && modifiers.is_empty() => {
                    viewer::State::key(&key).and_then(|message| for_chat(chat::Message::Viewer(message)))
                }
                Key::Named(Named::ArrowUp) if modifiers.alt() => for_chat(chat::Message::ChatStepped(-1)),
                Key::Named(Named::ArrowDown) if modifiers.alt() => for_chat(chat::Message::ChatStepped(1)),
                _ => None,
            }
        }
        _ => None,
    }
}
