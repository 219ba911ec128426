use iced::keyboard::key::{Code, Named, Physical};
use iced::keyboard::{Key, Modifiers};
use iced::widget::text_editor::{KeyPress, Status};

use super::*;

fn act(state: &mut State, message: Message, limit: usize) -> Action {
    let limits = Limits { text: limit, files: 2, file_bytes: 1_000 };
    state.update(message, limits, &mut Habits::default())
}

fn key(state: &mut State, edit: Edit) -> Action {
    act(state, Message::Edited(text_editor::Action::Edit(edit)), 100)
}

fn typed(state: &mut State, text: &str) {
    for c in text.chars() {
        key(state, Edit::Insert(c));
    }
}

fn written(state: &State) -> String {
    state.content.text().trim_end_matches('\n').to_owned()
}

fn sent(state: &mut State, limit: usize) -> Option<(String, i64)> {
    match act(state, Message::Submitted, limit) {
        Action::Send { text, reply_to, .. } => Some((text, reply_to)),
        _ => None,
    }
}

#[test]
fn what_is_written_is_sent_once_and_exactly() {
    let mut state = State::default();
    typed(&mut state, "  it's \"ok\"");
    assert_eq!(sent(&mut state, 100), Some(("  it's \"ok\"".into(), 0)));
    assert_eq!(sent(&mut state, 100), None);
}

#[test]
fn blanks_and_too_much_are_not_sent() {
    let mut state = State::default();
    typed(&mut state, "   ");
    assert_eq!(sent(&mut state, 100), None);
    typed(&mut state, "abcdef");
    assert_eq!(sent(&mut state, 5), None);
    assert!(sent(&mut state, 9).is_some());
}

#[test]
fn a_draft_survives_an_edit() {
    let mut state = State::default();
    typed(&mut state, "draft");
    state.edit(7, "old text");
    let saved = act(&mut state, Message::Submitted, 100);
    assert!(matches!(saved, Action::Save { id: 7, text } if text == "old text"));
    assert_eq!(written(&state), "draft");
    state.edit(8, "other");
    assert!(matches!(act(&mut state, Message::Cancelled, 100), Action::Stay));
    assert_eq!(written(&state), "draft");
    assert!(matches!(act(&mut state, Message::Cancelled, 100), Action::Leave));
}

#[test]
fn what_could_not_be_sent_comes_back_after_the_draft() {
    let mut state = State::default();
    typed(&mut state, "draft");
    state.take_back("too long", 3);
    assert_eq!(sent(&mut state, 100), Some(("draft\ntoo long".into(), 3)));
}

#[test]
fn keys_are_typing_and_pasting_is_not() {
    let mut state = State::default();
    assert!(matches!(key(&mut state, Edit::Insert('x')), Action::Type { stopped: false }));
    assert!(matches!(key(&mut state, Edit::Backspace), Action::Type { stopped: true }));
    let paste = Edit::Paste(std::sync::Arc::new("pasted".to_owned()));
    assert!(matches!(key(&mut state, paste), Action::None));
}

#[test]
fn a_name_is_completed_where_the_cursor_is_and_a_blank_follows() {
    let mut state = State::default();
    typed(&mut state, "ab");
    act(&mut state, Message::Edited(text_editor::Action::Move(text_editor::Motion::Left)), 100);
    typed(&mut state, " :hea");
    assert_eq!(state.offered.as_ref().map(Offered::at), Some(0));
    act(&mut state, Message::OfferTaken(None), 100);
    assert!(state.offered.is_none());
    assert_eq!(written(&state), "a ❤️ b");
    typed(&mut state, "x");
    assert_eq!(written(&state), "a ❤️ xb", "the cursor stands behind the blank");
}

#[test]
fn the_offers_wrap_and_each_key_begins_at_the_first() {
    let mut state = State::default();
    typed(&mut state, ":sm");
    let count = state.offered.as_ref().unwrap().emotes().len();
    act(&mut state, Message::OfferMoved(-1), 100);
    assert_eq!(state.offered.as_ref().map(Offered::at), Some(count - 1));
    act(&mut state, Message::OfferMoved(1), 100);
    act(&mut state, Message::OfferMoved(1), 100);
    assert_eq!(state.offered.as_ref().map(Offered::at), Some(1));
    typed(&mut state, "i");
    assert_eq!(state.offered.as_ref().map(Offered::at), Some(0));
    let second = state.offered.as_ref().unwrap().emotes()[1].as_str();
    act(&mut state, Message::OfferTaken(Some(1)), 100);
    assert_eq!(written(&state), format!("{second} "));
}

#[test]
fn blanks_escape_and_another_place_close_the_offers() {
    let mut state = State::default();
    typed(&mut state, ":smi");
    assert!(state.offered.is_some());
    typed(&mut state, " ");
    assert!(state.offered.is_none());
    key(&mut state, Edit::Backspace);
    assert!(state.offered.is_some());
    act(&mut state, Message::Edited(text_editor::Action::Move(text_editor::Motion::Left)), 100);
    assert!(state.offered.is_none());
    act(&mut state, Message::Edited(text_editor::Action::Move(text_editor::Motion::End)), 100);
    typed(&mut state, "l");
    assert!(state.offered.is_some());
    act(&mut state, Message::OfferClosed, 100);
    assert!(state.offered.is_none());
}

#[test]
fn names_and_emoticons_are_replaced_as_they_are_finished() {
    let mut state = State::default();
    typed(&mut state, "hi :smile:!");
    assert_eq!(written(&state), "hi 😄!");
    typed(&mut state, " :) and <3");
    assert_eq!(written(&state), "hi 😄! 🙂 and <3");
    key(&mut state, Edit::Enter);
    typed(&mut state, "http://x :D");
    assert_eq!(sent(&mut state, 100), Some(("hi 😄! 🙂 and ❤️\nhttp://x 😄".into(), 0)));
}

#[test]
fn emoticons_stay_as_they_are_for_those_who_like_them() {
    let mut state = State::default();
    let mut habits = Habits::default();
    habits.emoticons = false;
    for letter in ":) ".chars() {
        let limits = Limits { text: 100, files: 2, file_bytes: 1_000 };
        state.update(Message::Edited(text_editor::Action::Edit(Edit::Insert(letter))), limits, &mut habits);
    }
    assert_eq!(written(&state), ":) ");
}

#[test]
fn an_emote_from_the_picker_stands_at_the_cursor() {
    let mut state = State::default();
    typed(&mut state, "ab");
    act(&mut state, Message::Edited(text_editor::Action::Move(text_editor::Motion::Left)), 100);
    assert!(matches!(act(&mut state, Message::EmotesToggled, 100), Action::Run(_)));
    act(&mut state, Message::Picker(emote_picker::Message::QueryChanged("party popper".into())), 100);
    assert!(matches!(act(&mut state, Message::Picker(emote_picker::Message::Submitted), 100), Action::Stay));
    assert_eq!(written(&state), "a🎉b");
    assert!(state.picker.is_none());
}

#[test]
fn keys_are_for_the_offers_while_there_are_any() {
    let press = |key: Named, modifiers| {
        let key = Key::Named(key);
        view::choose(&KeyPress {
            key: key.clone(),
            modified_key: key,
            physical_key: Physical::Code(Code::Tab),
            modifiers,
            text: None,
            status: Status::Focused { is_hovered: false },
        })
    };
    let plain = Modifiers::empty();
    assert!(matches!(press(Named::ArrowUp, plain), Some(Message::OfferMoved(-1))));
    assert!(matches!(press(Named::ArrowDown, plain), Some(Message::OfferMoved(1))));
    assert!(matches!(press(Named::Tab, Modifiers::SHIFT), Some(Message::OfferMoved(-1))));
    assert!(matches!(press(Named::Tab, plain), Some(Message::OfferTaken(None))));
    assert!(matches!(press(Named::Enter, plain), Some(Message::OfferTaken(None))));
    assert!(matches!(press(Named::Escape, plain), Some(Message::OfferClosed)));
    assert!(press(Named::Enter, Modifiers::SHIFT).is_none(), "a new line");
    assert!(press(Named::ArrowLeft, plain).is_none());
}

fn attach(state: &mut State, name: &str) {
    let found = tray::Found { name: name.into(), size: 9, content: tray::Content::File(name.into()) };
    act(state, Message::Tray(tray::Message::Added(vec![Ok(found)])), 100);
}

#[test]
fn files_go_with_words_and_without() {
    let mut state = State::default();
    attach(&mut state, "a.txt");
    let files = |action| match action {
        Action::Send { text, attachments, .. } => Some((text, attachments.len())),
        _ => None,
    };
    assert_eq!(files(act(&mut state, Message::Submitted, 100)), Some((String::new(), 1)));
    assert_eq!(files(act(&mut state, Message::Submitted, 100)), None, "there is nothing left to send");
    attach(&mut state, "b.txt");
    attach(&mut state, "c.txt");
    typed(&mut state, "look");
    assert_eq!(files(act(&mut state, Message::Submitted, 100)), Some(("look".into(), 2)));
}

#[test]
fn files_wait_while_an_old_message_is_changed() {
    let mut state = State::default();
    attach(&mut state, "a.txt");
    state.edit(7, "");
    assert!(matches!(act(&mut state, Message::Submitted, 100), Action::None));
    act(&mut state, Message::Cancelled, 100);
    assert!(!state.tray.is_empty());
}
