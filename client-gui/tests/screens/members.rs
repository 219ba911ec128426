//! The members beside a conversation: what is said of them, and when they are asked for anew.

use std::sync::Arc;

use rookery::pane::{conversation, members};
use rookery::screen::chat::{Action, Message};
use rookery_client::v1::{self, PresenceState, event::Kind};
use rookery_client::{Changes, Update};

use crate::window::Window;
use crate::world::{self, ADA, GLOBAL, GROUP, ME, said, user};

const CLEO: i64 = 77;

/// With the members of the global room beside it, the first of two pages.
fn with_members(name: &str) -> Window {
    let mut window = Window::new(name);
    window.state.update(Message::Conversation(conversation::Message::MembersToggled));
    loaded(&mut window);
    window
}

fn loaded(window: &mut Window) {
    let member = |id, name, shown| v1::Member { user: Some(user(id, name, shown)), owner: false, joined_at: None };
    let page = v1::ListMembersResponse {
        members: vec![member(ME, "max", "Max Frisch"), member(CLEO, "cleo", "Cleo")],
        presences: vec![idle(ME), idle(CLEO)],
        total: 3,
        next_page_token: "next".into(),
    };
    window.state.update(Message::Members(members::Message::Loaded(String::new(), Ok(page))));
}

fn idle(user_id: i64) -> v1::Presence {
    v1::Presence { user_id, state: PresenceState::Idle.into(), last_seen_at: None }
}

/// How much the window asks for because of some news.
fn asked(window: &mut Window, updates: Vec<Update>) -> usize {
    units(&window.state.update(Message::Updated(updates)))
}

fn units(action: &Action) -> usize {
    match action {
        Action::Run(task) => task.units(),
        _ => 0,
    }
}

fn changed(conversation_id: i64, message: v1::Message) -> Update {
    let changed = Kind::MessageChanged(v1::MessageChanged { message: Some(message) });
    world::event_of(conversation_id, changed)
}

#[test]
fn how_reachable_a_stranger_was_is_not_said_after_a_new_start() {
    let mut window = with_members("members-stranger");
    let answer = v1::GetUsersResponse { users: vec![user(CLEO, "cleo", "Cleo")], presences: vec![idle(CLEO)] };
    let as_of = window.state.world().told();
    window.tell(vec![Update::UsersLoaded { as_of, answer: Arc::new(answer) }]);
    window.shows("Idle");
    window.tell(world::updates());
    window.hides("Idle");
}

#[test]
fn whoever_may_have_come_or_gone_is_asked_for() {
    let mut window = with_members("members-asked");
    let renamed = |id| world::renamed(GLOBAL, id, "All");
    let caught_up = |messages| {
        Update::ChangesLoaded(Arc::new(Changes { conversation_id: GLOBAL, position: 110, messages, users: Vec::new() }))
    };
    assert_eq!(asked(&mut window, vec![changed(GLOBAL, said(GLOBAL, 101, ADA, -1, "Hello"))]), 0);
    assert_eq!(asked(&mut window, vec![caught_up(vec![said(GLOBAL, 102, ADA, -1, "Hello")])]), 0);
    assert_eq!(asked(&mut window, vec![changed(GROUP, world::renamed(GROUP, 101, "Birds"))]), 0, "another one's");
    assert_eq!(asked(&mut window, vec![changed(GLOBAL, renamed(103))]), 1);
    assert_eq!(asked(&mut window, vec![caught_up(vec![renamed(104)])]), 1);
    let reset = Kind::ConversationReset(v1::ConversationReset { position: 120 });
    assert_eq!(asked(&mut window, vec![world::event_of(GLOBAL, reset)]), 1);
    assert_eq!(asked(&mut window, world::updates()), 1, "a new start");
}

#[test]
fn more_members_are_not_asked_for_while_the_first_are_on_their_way() {
    let mut window = with_members("members-more");
    let more = |window: &mut Window| units(&window.state.update(Message::Members(members::Message::MoreWanted)));
    assert_eq!(more(&mut window), 1);
    assert_eq!(more(&mut window), 0, "it is on its way");
    loaded(&mut window);
    window.tell(vec![changed(GLOBAL, world::renamed(GLOBAL, 101, "All"))]);
    assert_eq!(more(&mut window), 0, "the list begins anew");
    loaded(&mut window);
    assert_eq!(more(&mut window), 1);
}
