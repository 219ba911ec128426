//! Who people are: cards, one's own profile, and how one wants to be seen.

use std::sync::Arc;

use iced::keyboard::key::Named;
use iced_test::selector;
use image::{Rgba, RgbaImage};
use rookery::dialog::profile::portrait::{self, Chosen};
use rookery::dialog::{Message as Dialog, card, profile};
use rookery::gallery::Order;
use rookery::pane::{conversation, members, message, sidebar};
use rookery::picture::{Picture, Shape};
use rookery::screen::chat::{Action, Message};
use rookery::theme::{self, Mode};
use rookery_client::v1::{self, PresenceState, StatusKind, event::Kind};
use rookery_client::{Code, Error, Update};

use crate::window::Window;
use crate::world::{self, ADA, BO, ME, user};
use crate::{look, picture};

fn look_at(window: &Window, name: &str) {
    for (end, mode) in [("dark", Mode::Dark), ("light", Mode::Light)] {
        picture(&mut look(window.state.view(mode)), &format!("{name}-{end}"), mode);
    }
}

fn say(window: &mut Window, message: profile::Message) {
    window.state.update(Message::Dialog(Dialog::Profile(message)));
}

fn no(message: &str, fields: &[(&str, &str)]) -> Error {
    let fields = fields.iter().map(|(field, why)| ((*field).to_owned(), (*why).to_owned())).collect();
    Error { code: Code::InvalidArgument, reason: None, message: message.into(), fields, retry_after: None }
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

/// A landscape: a sun over a field.
fn landscape() -> RgbaImage {
    RgbaImage::from_fn(600, 400, |x, y| {
        let sun = (f64::from(x) - 380.0).hypot(f64::from(y) - 130.0) < 70.0;
        match (sun, y > 260) {
            (true, _) => Rgba([250, 205, 80, 255]),
            (false, true) => Rgba([70, 130, 80, 255]),
            (false, false) => Rgba([120, 170, 220, 255]),
        }
    })
}

/// Ada with everything that one can say of oneself.
fn ada() -> v1::User {
    v1::User {
        about: "First programmer. Ask me about engines, poetry ❤️ and the numbers of Bernoulli.".into(),
        color: "#26808f".into(),
        avatar: "a".repeat(32),
        created_at: Some(prost_types::Timestamp { seconds: world::NOON - 86_400 * 200, nanos: 0 }),
        ..user(ADA, "ada", "Ada Lovelace")
    }
}

fn changed(window: &mut Window, user: v1::User) {
    window.tell(vec![world::event(Kind::UserChanged(v1::UserChanged { user: Some(user) }))]);
}

/// The picture is there in all sizes.
fn with_picture(window: &Window) {
    for size in [theme::AVATAR_LARGE, theme::AVATAR, theme::AVATAR_SMALL, theme::AVATAR_TINY] {
        let order = Order::avatar(&"a".repeat(32), size);
        let Shape::Circle(side) = order.shape else {
            continue;
        };
        let picture =
            rookery::picture::crop::circle(&landscape(), rookery::picture::crop::Crop::new((600, 400)), side.into());
        window.state.gallery().put(&order, Picture::still(picture));
    }
}

#[test]
fn a_card_tells_who_somebody_is_and_leads_to_a_chat() {
    let mut window = Window::new("card");
    changed(&mut window, ada());
    with_picture(&window);
    window.state.update(Message::Sidebar(sidebar::Message::PersonWanted(ADA)));
    window.shows("@ada");
    window.shows("About");
    window.shows("August 2025");
    look_at(&window, "card");
    let asked = window.act(|ui| {
        ui.click("Message").unwrap();
    });
    assert!(asked.iter().any(|action| matches!(action, Action::Run(_))));
    window.state.update(Message::Card(card::Message::Opened(Err(no("the server is busy", &[])))));
    window.shows("The server is busy.");
    window.state.update(Message::Card(card::Message::Opened(Ok(world::DIRECT))));
    window.hides("@ada");
}

#[test]
fn a_card_of_a_stranger_shows_what_the_server_says_of_her() {
    let mut window = Window::new("card-stranger");
    window.state.update(Message::Sidebar(sidebar::Message::PersonWanted(77)));
    look_at(&window, "card-waiting");
    let presence = v1::Presence { user_id: 77, state: PresenceState::DoNotDisturb.into(), last_seen_at: None };
    let answer = v1::GetUsersResponse { users: vec![user(77, "cleo", "Cleo")], presences: vec![presence] };
    let as_of = window.state.world().told();
    window.tell(vec![Update::UsersLoaded { as_of, answer: Arc::new(answer) }]);
    window.state.update(Message::Card(card::Message::Loaded(Ok(()))));
    window.shows("@cleo");
    window.shows("Do not disturb");
    // A new start tells nothing of strangers: she is asked for again.
    let action = window.state.update(Message::Updated(world::updates()));
    assert!(matches!(action, Action::Run(task) if task.units() == 1));
    window.shows("Offline");
    window.state.update(Message::Escaped);
    window.hides("@cleo");
}

#[test]
fn pictures_and_names_lead_to_cards() {
    let mut window = Window::new("card-ways");
    let line = |message| Message::Conversation(conversation::Message::Line(message));
    window.state.update(line(message::Message::PersonWanted(BO)));
    window.shows("@bo");
    window.state.update(Message::Escaped);
    window.state.update(Message::Conversation(conversation::Message::MembersToggled));
    window.state.update(Message::Members(members::Message::Chosen(ADA)));
    window.shows("@ada");
    window.state.update(Message::Escaped);
    window.hides("@ada");
    window.state.update(Message::Sidebar(sidebar::Message::PersonWanted(ME)));
    window.click("Edit profile");
    window.shows("Preview");
}

#[test]
fn a_new_picture_shows_everywhere_at_once() {
    let mut window = Window::new("avatars");
    changed(&mut window, ada());
    with_picture(&window);
    window.hides("AL");
    window.shows("BD");
    changed(&mut window, user(ADA, "ada", "Ada King"));
    window.shows("AK");
}

#[test]
fn one_chooses_how_one_wants_to_be_seen() {
    let mut window = Window::new("status");
    window.click("Max Frisch");
    window.shows("Shown as offline, typing hidden");
    look_at(&window, "status-menu");
    let chosen = window.act(|ui| {
        ui.click("Do not disturb").unwrap();
    });
    assert!(chosen.iter().any(|action| matches!(action, Action::Run(_))));
    window.hides("Shown as offline, typing hidden");
    let status = v1::Status { kind: StatusKind::DoNotDisturb.into(), ..Default::default() };
    window.tell(vec![world::event(Kind::StatusChanged(v1::StatusChanged { status: Some(status) }))]);
    window.shows("Do not disturb");
    window.click("Max Frisch");
    look_at(&window, "status-chosen");
    window.act(|ui| {
        ui.tap_key(Named::Escape);
    });
    window.hides("View profile");
}

#[test]
fn each_presence_has_a_dot_of_its_own() {
    let mut window = Window::new("dots");
    let presence = |id, state: PresenceState| {
        let presence = v1::Presence { user_id: id, state: state.into(), last_seen_at: None };
        world::event(Kind::PresenceChanged(v1::PresenceChanged { presences: vec![presence] }))
    };
    window.tell(vec![presence(ADA, PresenceState::DoNotDisturb), presence(BO, PresenceState::Idle)]);
    window.state.update(Message::Conversation(conversation::Message::MembersToggled));
    let people = [(ME, "max", "Max Frisch"), (ADA, "ada", "Ada Lovelace"), (BO, "bo", "Bo Diddley"), (9, "cy", "Cy")];
    let members = people.map(|(id, name, shown)| v1::Member {
        user: Some(user(id, name, shown)),
        owner: id == BO,
        joined_at: None,
    });
    let page = v1::ListMembersResponse { members: members.to_vec(), total: 4, ..Default::default() };
    window.state.update(Message::Members(members::Message::Loaded(String::new(), Ok(page))));
    for word in ["Online", "Do not disturb", "Idle", "Offline"] {
        window.shows(word);
    }
    look_at(&window, "dots");
}

#[test]
fn a_profile_that_was_changed_is_not_thrown_away_unasked() {
    let mut window = Window::new("profile");
    window.state.update(Message::Sidebar(sidebar::Message::ProfileWanted));
    window.shows("Preview");
    window.state.update(Message::FieldEscaped);
    window.hides("Preview");
    window.state.update(Message::Sidebar(sidebar::Message::ProfileWanted));
    fill(&mut window, "about", "Birds");
    window.shows("5/500");
    look_at(&window, "profile");
    window.state.update(Message::Escaped);
    window.shows("Discard your changes?");
    look_at(&window, "profile-discard");
    window.click("Keep editing");
    window.hides("Discard your changes?");
    assert!(window.state.has_changes(), "the window is not closed unasked");
    window.state.update(Message::SwitcherWanted);
    window.shows("Discard your changes?");
    window.hides("New chat");
    window.click("Discard");
    window.hides("Preview");
}

#[test]
fn what_is_wrong_with_a_profile_stands_at_its_field() {
    let mut window = Window::new("profile-wrong");
    window.state.update(Message::Sidebar(sidebar::Message::ProfileWanted));
    say(&mut window, profile::Message::NameChanged("m".repeat(33)));
    say(&mut window, profile::Message::ColorChanged("#12345".into()));
    window.click("Save");
    window.shows("1 to 32 characters.");
    window.shows("Six digits of 0-9 and a-f, as in #4f6be4.");
    say(&mut window, profile::Message::NameChanged("Max".into()));
    say(&mut window, profile::Message::ColorChanged("8F55B0".into()));
    window.hides("1 to 32 characters.");
    window.click("Save");
    window.shows("Saving…");
    let fields = [("about", "has a character that is not allowed"), ("avatar", "is larger than 2 MiB")];
    say(&mut window, profile::Message::Saved(Err(no("", &fields))));
    window.shows("Has a character that is not allowed.");
    window.shows("Is larger than 2 MiB.");
    say(&mut window, profile::Message::Saved(Err(no("the server is busy", &[]))));
    window.shows("The server is busy.");
    look_at(&window, "profile-wrong");
    say(&mut window, profile::Message::Saved(Ok(())));
    window.hides("Preview");
}

#[test]
fn a_picture_is_chosen_cut_and_taken_back() {
    let mut window = Window::new("profile-picture");
    window.state.update(Message::Sidebar(sidebar::Message::ProfileWanted));
    let about = profile::Message::Portrait;
    say(&mut window, about(portrait::Message::ChooseWanted));
    window.shows("Path of a picture");
    say(&mut window, about(portrait::Message::Loaded(Err("This is not a picture.".into()))));
    window.shows("This is not a picture.");
    look_at(&window, "profile-path");
    let chosen = Chosen::new(landscape(), landscape());
    say(&mut window, about(portrait::Message::Loaded(Ok(chosen.clone()))));
    window.hides("This is not a picture.");
    window.shows("Drag the picture; zoom with the wheel.");
    say(&mut window, about(portrait::Message::Zoomed(1.8)));
    say(&mut window, about(portrait::Message::Cropped(chosen.crop().dragged((-0.2, 0.0)))));
    look_at(&window, "profile-crop");
    window.click("Remove");
    window.hides("Drag the picture; zoom with the wheel.");
    window.click("Undo");
    window.hides("Undo");
    window.state.update(Message::Escaped);
    window.hides("Preview");
}
