//! The dialogs: what they show, what can be pressed, and how they end.

use iced_test::selector;
use rookery::dialog::{Message as Dialog, add_group::join};
use rookery::dialog::{add_chat, add_group, add_members, confirm, invite, people, rename};
use rookery::pane::{conversation, members, message, sidebar};
use rookery::screen::chat::{Action, Message};
use rookery::theme::Mode;
use rookery_client::{Code, Error, v1};

use crate::window::Window;
use crate::world::{self, ADA, BO, GROUP, ME, user};
use crate::{look, picture};

/// With the group open, its members beside it.
fn in_group(name: &str) -> Window {
    let mut window = Window::new(name);
    window.click("Bird watching");
    window.tell(world::opened(GROUP, Vec::new()));
    window.state.update(Message::Conversation(conversation::Message::MembersToggled));
    let member = |id, name, shown, owner| v1::Member { user: Some(user(id, name, shown)), owner, joined_at: None };
    let page = v1::ListMembersResponse {
        members: vec![member(ME, "max", "Max Frisch", true), member(ADA, "ada", "Ada Lovelace", false)],
        total: 2,
        ..v1::ListMembersResponse::default()
    };
    window.state.update(Message::Members(members::Message::Loaded(String::new(), Ok(page))));
    window
}

fn found() -> people::Message {
    let users = vec![user(ME, "max", "Max Frisch"), user(ADA, "ada", "Ada Lovelace"), user(BO, "bo", "Bo Diddley")];
    let presences = vec![v1::Presence::default(); users.len()];
    people::Message::Listed(Ok(v1::ListUsersResponse { users, presences, next_page_token: String::new() }))
}

fn no(message: &str, fields: &[(&str, &str)]) -> Error {
    let fields = fields.iter().map(|(field, why)| ((*field).to_owned(), (*why).to_owned())).collect();
    Error { code: Code::InvalidArgument, reason: None, message: message.into(), fields, retry_after: None }
}

fn say(window: &mut Window, message: Dialog) {
    window.state.update(Message::Dialog(message));
}

fn look_at(window: &Window, name: &str) {
    for (end, mode) in [("dark", Mode::Dark), ("light", Mode::Light)] {
        picture(&mut look(window.state.view(mode)), &format!("{name}-{end}"), mode);
    }
}

/// Types into a field: each key is a message of its own, and the view is drawn anew after it.
fn fill(window: &mut Window, field: &'static str, text: &str) {
    for letter in text.chars() {
        window.act(|ui| {
            ui.click(selector::id(field)).unwrap();
            ui.typewrite(&letter.to_string());
        });
    }
}

#[test]
fn a_new_chat_offers_everybody_but_oneself() {
    let mut window = Window::new("new-chat");
    window.state.update(Message::Sidebar(sidebar::Message::ChatWanted));
    window.shows("Looking…");
    say(&mut window, Dialog::AddChat(add_chat::Message::People(found())));
    window.shows("@ada");
    window.shows("@bo");
    window.hides("@max");
    look_at(&window, "new-chat");
    window.click("@bo");
    say(&mut window, Dialog::AddChat(add_chat::Message::Opened(Err(no("the server is busy", &[])))));
    window.shows("The server is busy.");
}

#[test]
fn who_is_listed_is_asked_for_again_after_a_new_start() {
    let mut window = Window::new("listed");
    let asks = |window: &mut Window| {
        let action = window.state.update(Message::Updated(world::updates()));
        matches!(action, Action::Run(task) if task.units() == 1)
    };
    assert!(!asks(&mut window), "nobody is listed");
    for wanted in [sidebar::Message::ChatWanted, sidebar::Message::GroupWanted] {
        window.state.update(Message::Sidebar(wanted));
        assert!(asks(&mut window));
    }
    window.state.update(Message::Sidebar(sidebar::Message::SignOutWanted));
    assert!(!asks(&mut window), "a question lists nobody");
}

#[test]
fn a_new_group_counts_who_is_chosen() {
    let mut window = Window::new("create-group");
    window.state.update(Message::Sidebar(sidebar::Message::GroupWanted));
    say(&mut window, Dialog::AddGroup(add_group::Message::Create(add_group::create::Message::People(found()))));
    window.shows("People");
    window.click("@ada");
    window.click("@bo");
    window.shows("People: 2 chosen");
    look_at(&window, "create-group");
    window.click("@bo");
    window.shows("People: 1 chosen");
    window.click("Create group");
    let refused = Err(no("bad name", &[("name", "is too long")]));
    say(&mut window, Dialog::AddGroup(add_group::Message::Create(add_group::create::Message::Created(refused))));
    window.shows("Is too long.");
}

#[test]
fn a_public_group_is_joined_from_the_list() {
    let mut window = Window::new("public-list");
    window.state.update(Message::Sidebar(sidebar::Message::GroupWanted));
    window.click("Join");
    let group = |id, name: &str, joined| v1::PublicGroup {
        conversation_id: id,
        name: name.into(),
        member_count: 3,
        joined,
        icon: String::new(),
    };
    let groups =
        vec![group(GROUP, "Bird watching", true), group(99, "Astronomy for long evenings in the garden", false)];
    let list = v1::ListPublicGroupsResponse { groups, next_page_token: String::new() };
    say(&mut window, Dialog::AddGroup(add_group::Message::Join(join::Message::Listed(Ok(list)))));
    window.shows("Astronomy for long evenings in the gar…");
    window.shows("Joined");
    look_at(&window, "public-list");
    window.click("Astronomy for long evenings in the gar…");
    let refused = join::Message::Joined(Err(no("you were removed", &[])));
    say(&mut window, Dialog::AddGroup(add_group::Message::Join(refused)));
    window.shows("You were removed.");
}

#[test]
fn a_code_that_leads_nowhere_is_said_at_its_field() {
    let mut window = Window::new("code");
    window.state.update(Message::Sidebar(sidebar::Message::GroupWanted));
    window.state.update(Message::Dialog(Dialog::AddGroup(add_group::Message::TabChosen(add_group::Tab::Join))));
    fill(&mut window, "invite-code", "abc");
    say(&mut window, Dialog::AddGroup(add_group::Message::Join(join::Message::CodeSubmitted)));
    let refused = join::Message::JoinedByCode(Err(no("there is no such invite", &[])));
    say(&mut window, Dialog::AddGroup(add_group::Message::Join(refused)));
    window.shows("There is no such invite.");
}

#[test]
fn who_is_in_a_group_cannot_be_added_again() {
    let mut window = in_group("add-people");
    window.click("Add people");
    say(&mut window, Dialog::AddMembers(add_members::Message::People(found())));
    window.shows("Member");
    window.click("@ada");
    window.hides("Add 1 person");
    window.click("@bo");
    window.shows("Add 1 person");
    look_at(&window, "add-people");
    window.click("Add 1 person");
    say(&mut window, Dialog::AddMembers(add_members::Message::Added(Err(no("the group is full", &[])))));
    window.shows("The group is full.");
    say(&mut window, Dialog::AddMembers(add_members::Message::Added(Ok(()))));
    window.hides("The group is full.");
}

#[test]
fn a_group_needs_a_name() {
    let mut window = in_group("rename");
    window.click("Rename group");
    window.shows("Public: anybody may join");
    look_at(&window, "rename");
    say(&mut window, Dialog::Rename(rename::Message::NameChanged("  ".into())));
    window.click("Save");
    window.shows("A group needs a name.");
    say(&mut window, Dialog::Rename(rename::Message::NameChanged("Heron watching".into())));
    window.hides("A group needs a name.");
    window.click("Save");
    say(&mut window, Dialog::Rename(rename::Message::Renamed(Ok(()))));
    window.hides("Public: anybody may join");
}

#[test]
fn leaving_and_removing_are_asked_about() {
    let mut window = in_group("leave");
    window.click("Leave group");
    window.shows("Leave");
    look_at(&window, "leave");
    window.click("Cancel");
    window.hides("Leave");
    window.state.update(Message::Members(members::Message::RemoveWanted(ADA)));
    window.shows("Ada Lovelace can come back only when a member adds them again.");
    look_at(&window, "remove");
    let done = window.act(|ui| {
        ui.click("Remove").unwrap();
    });
    assert!(done.iter().any(|action| matches!(action, Action::Run(_))));
    window.hides("Remove");
}

#[test]
fn an_invite_is_copied() {
    let mut window = in_group("invite");
    window.click("Invite by code");
    let invite = v1::Invite { code: "abcdef123456".into(), ..v1::Invite::default() };
    let answer = v1::CreateInviteResponse { invite: Some(invite) };
    say(&mut window, Dialog::Invite(invite::Message::Created(Ok(answer))));
    window.shows("abcdef123456");
    look_at(&window, "invite");
    window.click("Copy");
    window.shows("Copied");
    window.state.update(Message::FieldEscaped);
    window.hides("abcdef123456");
}

#[test]
fn deleting_is_asked_about() {
    let mut window = Window::new("delete");
    window.state.update(Message::Conversation(conversation::Message::Line(message::Message::DeleteWanted(90))));
    window.shows("Delete message");
    look_at(&window, "delete");
    say(&mut window, Dialog::Confirm(confirm::Message::Closed));
    window.hides("Delete message");
}
