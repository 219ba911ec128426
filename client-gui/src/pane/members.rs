//! Who is in a conversation, and what can be done with a group.

use std::collections::BTreeSet;

use iced::widget::{button, column, container, hover, right_center, row, scrollable, text, tooltip};
use iced::{Center, Element, Fill, Task};
use rookery_api::v1::{self, ConversationKind};
use rookery_client::{Client, Conversation, Error, State as World};

use super::sidebar::thin;
use crate::gallery::Gallery;
use crate::widget::icon::Icon;
use crate::widget::{avatar, head_button, hint_over, icon_button, line, spring, words};
use crate::{speech, theme};

/// How many members one call brings.
const PAGE: i32 = 100;

/// The pane.
#[derive(Debug, Default)]
pub struct State {
    conversation_id: i64,
    members: Vec<v1::Member>,
    total: i32,
    next: String,
    error: Option<String>,
    busy: bool,
    load: Option<iced::task::Handle>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A page arrived; it begins with the token it was asked with.
    Loaded(String, Result<v1::ListMembersResponse, Error>),
    /// More, please.
    MoreWanted,
    /// A member was chosen.
    Chosen(i64),
    /// Remove somebody.
    RemoveWanted(i64),
    /// Add people.
    AddWanted,
    /// Make an invite.
    InviteWanted,
    /// Change the name.
    RenameWanted,
    /// Leave.
    LeaveWanted,
    /// Hide the pane.
    Closed,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Ask the server.
    Run(Task<Message>),
    /// Show who somebody is.
    Show(i64),
    /// Ask whether somebody is to be removed.
    ConfirmRemove(i64, String),
    /// Show the dialog for adding people.
    Add,
    /// Show the dialog for an invite.
    Invite,
    /// Show the dialog for the name.
    Rename,
    /// Ask whether to leave.
    ConfirmLeave,
    /// Hide the pane.
    Close,
}

impl State {
    /// The members of a conversation.
    pub fn new(conversation_id: i64, world: &World, client: &Client) -> (Self, Task<Message>) {
        let mut state = Self { conversation_id, ..Self::default() };
        let task = state.reload(world, client);
        (state, task)
    }

    /// Somebody came or went, or may have.
    pub fn reload(&mut self, world: &World, client: &Client) -> Task<Message> {
        self.load(String::new(), world, client)
    }

    /// Who is in it, as far as is known.
    pub fn ids(&self) -> BTreeSet<i64> {
        self.members.iter().filter_map(|member| member.user.as_ref()).map(|user| user.id).collect()
    }

    /// Ends the load before: its answer would be older.
    fn load(&mut self, token: String, world: &World, client: &Client) -> Task<Message> {
        let request = v1::ListMembersRequest {
            conversation_id: self.conversation_id,
            page_size: PAGE,
            page_token: token.clone(),
        };
        let (client, as_of) = (client.clone(), world.told());
        let call = async move {
            let page = client.api().list_members(request).await?;
            let users = page.members.iter().filter_map(|member| member.user.clone()).collect();
            let presences = page.presences.clone();
            client.learn_people(as_of, v1::GetUsersResponse { users, presences });
            Ok(page)
        };
        let (task, handle) = Task::perform(call, move |answer| Message::Loaded(token.clone(), answer)).abortable();
        self.busy = true;
        self.load = Some(handle.abort_on_drop());
        task
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, world: &World, client: &Client) -> Action {
        match message {
            Message::Loaded(token, Ok(page)) => {
                self.busy = false;
                if token.is_empty() {
                    self.members.clear();
                }
                self.members.extend(page.members);
                self.total = page.total;
                self.next = page.next_page_token;
                self.error = None;
                Action::None
            }
            Message::Loaded(_, Err(error)) => {
                self.busy = false;
                self.error = Some(speech::sentence(&error.message));
                Action::None
            }
            // The page to go on from may just be changing.
            Message::MoreWanted if self.busy => Action::None,
            Message::MoreWanted => Action::Run(self.load(self.next.clone(), world, client)),
            Message::Chosen(id) => Action::Show(id),
            Message::RemoveWanted(id) => {
                let user = self.members.iter().filter_map(|member| member.user.as_ref());
                let name = user.into_iter().find(|user| user.id == id).map(|user| user.display_name.clone());
                Action::ConfirmRemove(id, name.unwrap_or_default())
            }
            Message::AddWanted => Action::Add,
            Message::InviteWanted => Action::Invite,
            Message::RenameWanted => Action::Rename,
            Message::LeaveWanted => Action::ConfirmLeave,
            Message::Closed => Action::Close,
        }
    }

    /// Draws it.
    pub fn view<'a>(
        &'a self,
        conversation: &'a Conversation,
        world: &'a World,
        gallery: &'a Gallery,
    ) -> Element<'a, Message> {
        let group = conversation.kind() == ConversationKind::Group;
        let head = row![
            text("Members").size(theme::TITLE).font(theme::SEMIBOLD),
            text(self.total).size(theme::NOTE).style(theme::faint),
            spring(),
            head_button(Icon::Close, "Hide", Message::Closed),
        ]
        .spacing(theme::SMALL)
        .height(theme::HEADER)
        .padding([0.0, theme::LARGE])
        .align_y(Center);
        let deeds = group.then(|| {
            column![
                deed(Icon::AddGroup, "Add people", Message::AddWanted, theme::button::quiet),
                deed(Icon::Invite, "Invite by code", Message::InviteWanted, theme::button::quiet),
                deed(Icon::Edit, "Rename group", Message::RenameWanted, theme::button::quiet),
            ]
            .padding([theme::TINY, theme::SMALL])
        });
        let owns = group && conversation.owner_id() == world.user_id();
        let members = self.members.iter().filter_map(|member| self.member(member, world, gallery, owns));
        let more = (!self.next.is_empty()).then(|| deed(Icon::Down, "More", Message::MoreWanted, theme::button::quiet));
        let error = self
            .error
            .as_deref()
            .map(|error| container(text(error).size(theme::NOTE).style(theme::danger)).padding(theme::SMALL));
        let list = scrollable(column![error, column(members), more].padding([theme::TINY, theme::SMALL]))
            .height(Fill)
            .width(Fill)
            .direction(thin())
            .style(theme::surface::scroll);
        let leave = group.then(|| {
            column![
                line(),
                container(deed(Icon::Leave, "Leave group", Message::LeaveWanted, theme::button::quiet_danger))
                    .padding(theme::SMALL),
            ]
        });
        container(column![head, line(), deeds, group.then(line), list, leave])
            .width(theme::MEMBERS)
            .height(Fill)
            .style(theme::surface::side)
            .into()
    }

    fn member<'a>(
        &'a self,
        member: &'a v1::Member,
        world: &'a World,
        gallery: &'a Gallery,
        owns: bool,
    ) -> Option<Element<'a, Message>> {
        let user = member.user.as_ref()?;
        let me = user.id == world.user_id();
        let presence = speech::presence_of(world, user.id);
        // The answer is in the world as well, where it is kept up to date.
        let user = world.user(user.id).map_or(user, |user| user.as_ref());
        let owner = member.owner.then(|| {
            hint_over(Icon::Owner.view(theme::ICON_SMALL).style(theme::accent), "Owner", tooltip::Position::Top)
        });
        let most = if me || member.owner { theme::MEMBER_NAME.1 } else { theme::MEMBER_NAME.0 };
        let name = words::look(theme::BODY).one_line().view_owned(speech::cut(&user.display_name, most));
        let you = me.then(|| text("you").size(theme::CAPTION).style(theme::faint));
        let state = text(speech::presence(presence)).size(theme::CAPTION).style(theme::faint);
        let names = column![row![container(name).clip(true), you, owner].spacing(theme::SMALL).align_y(Center), state,];
        let face = avatar::present(gallery, user.into(), theme::AVATAR_SMALL, presence, theme::surface::side);
        let content = row![face, names].spacing(theme::MEDIUM).align_y(Center);
        let person = button(content)
            .width(Fill)
            .padding([theme::TINY, theme::SMALL])
            .style(theme::button::row(false))
            .on_press(Message::Chosen(user.id));
        let remove = (owns && !me).then(|| icon_button(Icon::Close, "Remove", Message::RemoveWanted(user.id)));
        // Only under the pointer: a column of crosses would look like an invitation.
        Some(match remove {
            Some(remove) => hover(person, right_center(remove)),
            None => person.into(),
        })
    }
}

fn deed<'a>(
    icon: Icon,
    label: &'a str,
    message: Message,
    style: fn(&iced::Theme, button::Status) -> button::Style,
) -> Element<'a, Message> {
    let content = row![icon.view(theme::ICON), text(label).size(theme::BODY)].spacing(theme::MEDIUM).align_y(Center);
    button(content).width(Fill).padding([theme::SMALL, theme::SMALL]).style(style).on_press(message).into()
}
