//! Who somebody is: her card, over everything else, also over another dialog.

use iced::widget::{column, text};
use iced::{Element, Task};
use jiff::Zoned;
use rookery_api::v1::{self, PresenceState};
use rookery_client::{Client, Error, State as World};

use crate::gallery::Gallery;
use crate::widget::profile::{Profile, profile};
use crate::widget::{avatar, wide_action};
use crate::{clock, speech, theme};

/// The card.
#[derive(Debug)]
pub struct State {
    id: i64,
    error: Option<String>,
    busy: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// What the server knows of her is known here, or why not.
    Loaded(Result<(), Error>),
    /// Write to her.
    MessageWanted,
    /// The direct chat is there.
    Opened(Result<i64, Error>),
    /// Change one's own profile.
    EditWanted,
    /// Escape, or a click beside it.
    Closed,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the server.
    Run(Task<Message>),
    /// Close it.
    Close,
    /// Close it and open a conversation.
    Open(i64),
    /// Close it and change one's own profile.
    Edit,
}

impl State {
    /// Somebody's; what is known is shown at once, the rest as it comes.
    pub fn new(id: i64, world: &World, client: &Client) -> (Self, Task<Message>) {
        let state = Self { id, error: None, busy: false };
        let task = state.load(world, client);
        (state, task)
    }

    /// Asks who she is. To be called again after a new start, which tells nothing of strangers.
    pub fn load(&self, world: &World, client: &Client) -> Task<Message> {
        let (client, user_id, as_of) = (client.clone(), self.id, world.told());
        let call = async move {
            let v1::GetUserResponse { user, presence } = client.api().get_user(v1::GetUserRequest { user_id }).await?;
            let (users, presences) = (user.into_iter().collect(), presence.into_iter().collect());
            client.learn_people(as_of, v1::GetUsersResponse { users, presences });
            Ok(())
        };
        Task::perform(call, Message::Loaded)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Action {
        match message {
            Message::Loaded(Ok(())) => self.error = None,
            Message::Loaded(Err(error)) => self.error = Some(speech::sentence(&error.message)),
            Message::MessageWanted if !self.busy => {
                self.busy = true;
                let (client, id) = (client.clone(), self.id);
                return Action::Run(Task::perform(async move { client.open_direct(id).await }, Message::Opened));
            }
            Message::MessageWanted => {}
            Message::Opened(Ok(id)) => return Action::Open(id),
            Message::Opened(Err(error)) => {
                self.busy = false;
                self.error = Some(speech::sentence(&error.message));
            }
            Message::EditWanted => return Action::Edit,
            Message::Closed => return Action::Close,
        }
        Action::None
    }

    /// Draws it.
    pub fn view<'a>(&'a self, world: &'a World, gallery: &'a Gallery, now: &Zoned) -> Element<'a, Message> {
        let user = world.user(self.id);
        let (name, login, about) = user
            .map_or(("…", "…", ""), |user| (user.display_name.as_str(), user.name.as_str(), user.about.as_str()));
        let color = user.map_or("", |user| user.color.as_str());
        let made = user.and_then(|user| user.created_at).map(|at| (at.seconds, at.nanos));
        let presence = speech::presence_of(world, self.id);
        let card = Profile {
            name: name.to_owned(),
            login: login.to_owned(),
            about: about.to_owned(),
            color: theme::banner(self.id, color),
            presence,
            presence_words: self.presence_words(presence, world, now),
            since: clock::local(made, now.time_zone()).map(|at| clock::month(&at)),
        };
        let picture = avatar::face(gallery, avatar::who(world, self.id), theme::AVATAR_LARGE);
        let error = self.error.as_deref().map(|error| text(error).size(theme::NOTE).style(theme::danger));
        let deed = if self.id == world.user_id() {
            wide_action("Edit profile", theme::button::secondary, Some(Message::EditWanted))
        } else {
            wide_action("Message", theme::button::primary, (!self.busy).then_some(Message::MessageWanted))
        };
        profile(card, picture, Some(column![error, deed].spacing(theme::SMALL).into()))
    }

    fn presence_words(&self, presence: PresenceState, world: &World, now: &Zoned) -> String {
        let word = speech::presence(presence);
        if self.id == world.user_id() {
            return speech::status(world.status().kind()).0.to_owned();
        }
        let seen =
            world.last_seen(self.id).filter(|_| presence == PresenceState::Offline).map(|at| (at.seconds, at.nanos));
        match clock::local(seen, now.time_zone()) {
            Some(at) => format!("{word}, {}", clock::seen(&at, now)),
            None => word.to_owned(),
        }
    }
}
