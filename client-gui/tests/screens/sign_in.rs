//! The first screen: fields, what is wrong with them, and what is asked for.

use iced_test::selector;
use rookery::screen::sign_in::{Action, Credentials, Message, Purpose, State};
use rookery::theme::Mode;
use rookery_client::{
    Code, Error,
    v1::{self, ErrorReason, RegistrationMode},
};

use crate::{look, picture, shows};

/// Types into a field: each key is a message of its own, and the view is drawn anew after it.
fn fill(state: &mut State, field: &'static str, text: &str) {
    for c in text.chars() {
        let mut ui = look(state.view());
        ui.click(selector::id(field)).unwrap();
        ui.typewrite(&c.to_string());
        let messages: Vec<Message> = ui.into_messages().collect();
        for message in messages {
            state.update(message);
        }
    }
}

fn press(state: &mut State, text: &str) -> Vec<Action> {
    let mut ui = look(state.view());
    ui.click(text).unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    messages.into_iter().map(|message| state.update(message)).collect()
}

fn error(code: Code, reason: Option<ErrorReason>, fields: &[(&str, &str)]) -> Error {
    Error {
        code,
        reason,
        message: "That name is taken.".into(),
        fields: fields.iter().map(|(field, why)| ((*field).to_owned(), (*why).to_owned())).collect(),
        retry_after: None,
    }
}

#[test]
fn what_is_typed_is_asked_for_with_enter() {
    let mut state = State::new(None, Purpose::SignIn);
    fill(&mut state, "sign-in-name", "ada");
    fill(&mut state, "sign-in-password", "secret word");
    let mut ui = look(state.view());
    picture(&mut ui, "sign-in", Mode::Dark);
    shows(&mut ui, "Rookery");
    ui.click(selector::id("sign-in-password")).unwrap();
    ui.tap_key(iced::keyboard::key::Named::Enter);
    let messages: Vec<Message> = ui.into_messages().collect();
    let asked: Vec<Action> = messages.into_iter().map(|message| state.update(message)).collect();
    let wanted = Credentials {
        purpose: Purpose::SignIn,
        server: "http://127.0.0.1:7878".into(),
        name: "ada".into(),
        password: "secret word".into(),
        invite: String::new(),
    };
    assert!(asked.iter().any(|action| matches!(action, Action::SignIn(asked) if *asked == wanted)), "{asked:?}");
    shows(&mut look(state.view()), "Signing in…");
}

#[test]
fn a_short_password_is_refused_at_its_field_before_anybody_is_asked() {
    let mut state = State::new(None, Purpose::SignIn);
    press(&mut state, "Create account");
    fill(&mut state, "sign-in-name", "ada");
    fill(&mut state, "sign-in-password", "short");
    let mut ui = look(state.view());
    ui.tap_key(iced::keyboard::key::Named::Enter);
    drop(ui);
    state.update(Message::Submitted);
    let mut ui = look(state.view());
    picture(&mut ui, "sign-in-wrong", Mode::Light);
    shows(&mut ui, "At least 8 characters.");
}

#[test]
fn the_servers_words_stand_at_the_field_they_belong_to() {
    let mut state = State::new(None, Purpose::Register);
    let _ = state.fail(&error(Code::InvalidArgument, None, &[("name", "Only letters."), ("password", "Too long.")]));
    let mut ui = look(state.view());
    shows(&mut ui, "Only letters.");
    shows(&mut ui, "Too long.");
    drop(ui);
    let _ = state.fail(&error(Code::AlreadyExists, Some(ErrorReason::NameTaken), &[]));
    let mut ui = look(state.view());
    shows(&mut ui, "That name is taken.");
    assert!(ui.find("Too long.").is_err());
}

fn told(state: &mut State, registration: RegistrationMode, unclaimed: bool) {
    let info = v1::GetServerInfoResponse { registration: registration.into(), unclaimed, ..Default::default() };
    state.update(Message::Told(Box::new(info)));
}

#[test]
fn a_new_account_takes_a_code_where_the_server_asks_for_one() {
    let mut state = State::new(Some("https://chat.example.org".into()), Purpose::SignIn);
    assert_eq!(state.question(), None);
    let asked = press(&mut state, "Create account");
    assert!(matches!(&asked[..], [Action::Inquire(server, _)] if server == "https://chat.example.org"), "{asked:?}");
    fill(&mut state, "sign-in-name", "ada");
    fill(&mut state, "sign-in-password", "secret word");
    assert!(look(state.view()).find("Invite code").is_err());
    told(&mut state, RegistrationMode::Invite, false);
    state.update(Message::Submitted);
    shows(&mut look(state.view()), "An invite code is needed.");
    fill(&mut state, "sign-in-invite", " abcd");
    let mut ui = look(state.view());
    picture(&mut ui, "sign-in-invite", Mode::Dark);
    drop(ui);
    let asked = state.update(Message::Submitted);
    assert!(matches!(&asked, Action::SignIn(asked) if asked.invite == "abcd"), "{asked:?}");
    let _ = state.fail(&error(Code::PermissionDenied, Some(ErrorReason::RegistrationClosed), &[]));
    shows(&mut look(state.view()), "Invite code");
    // Another server is another question.
    let asked = state.update(Message::ServerChanged("https://open.example.org".into()));
    assert!(matches!(&asked, Action::Inquire(server, _) if server == "https://open.example.org"), "{asked:?}");
    assert!(look(state.view()).find("Invite code").is_err());
    told(&mut state, RegistrationMode::Open, true);
    shows(&mut look(state.view()), "Invite code");
    fill(&mut state, "sign-in-invite", "");
    state.update(Message::InviteChanged(String::new()));
    let asked = state.update(Message::Submitted);
    assert!(matches!(&asked, Action::SignIn(asked) if asked.invite.is_empty()), "{asked:?}");
}
