//! The first screen: fields, what is wrong with them, and what is asked for.

use iced_test::selector;
use rookery::screen::sign_in::{Action, Credentials, Message, Purpose, State};
use rookery::theme::Mode;
use rookery_client::{Code, Error, v1::ErrorReason};

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
