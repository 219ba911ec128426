//! Emotes: the picker, what is offered while one writes, reactions, and messages of nothing else.

use iced::keyboard::key::Named;
use iced_test::selector;
use rookery::emote::Habits;
use rookery::pane::{composer, conversation, emote_picker, message};
use rookery::screen::chat::Message;
use rookery::theme::Mode;
use rookery_client::v1;

use crate::window::Window;
use crate::world::{self, ADA, BO, GLOBAL, ME, said};
use crate::{look, picture};

fn look_at(window: &Window, name: &str) {
    for (end, mode) in [("dark", Mode::Dark), ("light", Mode::Light)] {
        picture(&mut look(window.state.view(mode)), &format!("{name}-{end}"), mode);
    }
}

fn compose(message: composer::Message) -> Message {
    Message::Conversation(conversation::Message::Composer(message))
}

fn pick(message: emote_picker::Message) -> Message {
    compose(composer::Message::Picker(message))
}

fn line(message: message::Message) -> Message {
    Message::Conversation(conversation::Message::Line(message))
}

/// Types into the composer: each key is a message of its own, and the view is drawn anew after it.
fn write(window: &mut Window, text: &str) {
    for letter in text.chars() {
        window.act(|ui| {
            ui.click(selector::id("composer")).unwrap();
            ui.typewrite(&letter.to_string());
        });
    }
}

#[test]
fn the_picker_shows_what_is_in_view_names_it_and_finds_more() {
    let mut window = Window::new("picker");
    let mut habits = Habits::default();
    for emote in ["🦔", "🎉", "👍"] {
        habits.note(emote);
    }
    window.state = window.state.with_habits(habits);
    window.state.update(compose(composer::Message::EmotesToggled));
    window.shows("Used often");
    window.shows("🦔");
    window.hides("🇩🇪");
    window.state.update(pick(emote_picker::Message::Pointed(0)));
    look_at(&window, "picker");
    window.state.update(pick(emote_picker::Message::QueryChanged("germany".into())));
    window.shows("🇩🇪");
    window.shows("Flag: Germany");
    window.hides("🦔");
    window.state.update(pick(emote_picker::Message::QueryChanged("cat face".into())));
    look_at(&window, "picker-search");
    window.state.update(pick(emote_picker::Message::QueryChanged("xyzzy".into())));
    window.shows("No emote of that name");
    look_at(&window, "picker-nothing");
}

#[test]
fn the_keys_of_an_open_picker_are_for_the_picker() {
    let mut window = Window::new("picker-keys");
    window.state.update(compose(composer::Message::EmotesToggled));
    for key in [Named::ArrowDown, Named::ArrowRight, Named::Enter] {
        window.act(|ui| {
            ui.tap_key(key);
        });
    }
    window.hides("Find an emote");
    assert_eq!(window.state.habits().frequent().next().map(|emote| emote.as_str()), Some("😃"));
    window.state.update(compose(composer::Message::EmotesToggled));
    window.act(|ui| {
        ui.tap_key(Named::Escape);
    });
    window.hides("Find an emote");
}

#[test]
fn a_click_beside_the_picker_only_closes_it() {
    let mut window = Window::new("picker-beside");
    window.state.update(compose(composer::Message::EmotesToggled));
    window.act(|ui| {
        let _ = ui.click("Bird watching");
    });
    window.hides("Find an emote");
    window.shows("Not yet. Shall we go on Saturday?");
}

#[test]
fn a_skin_tone_is_chosen_once_for_all_hands() {
    let mut window = Window::new("picker-tone");
    window.state.update(compose(composer::Message::EmotesToggled));
    window.state.update(pick(emote_picker::Message::TonesToggled));
    window.shows("✋🏿");
    look_at(&window, "picker-tones");
    window.click("✋🏿");
    window.state.update(pick(emote_picker::Message::QueryChanged("waving hand".into())));
    window.shows("👋🏿");
}

#[test]
fn names_are_offered_while_one_writes_and_a_click_takes_one() {
    let mut window = Window::new("offers");
    write(&mut window, "nice :tad");
    window.shows(":tada:");
    look_at(&window, "offers");
    window.state.update(compose(composer::Message::OfferClosed));
    window.hides(":tada:");
    write(&mut window, "a");
    window.click(":tada:");
    window.hides(":tada:");
    assert!(window.state.habits().frequent().next().is_some(), "the emote was taken, the message not sent");
}

#[test]
fn any_emote_may_be_a_reaction() {
    let mut window = Window::new("reaction");
    window.state.update(line(message::Message::Entered(96)));
    window.state.update(line(message::Message::ReactWanted(96)));
    window.shows("😮");
    look_at(&window, "reaction-quick");
    window.state.update(line(message::Message::MoreWanted(96)));
    window.state.update(line(message::Message::Left(96)));
    window.shows("Find an emote");
    look_at(&window, "reaction-picker");
    window.state.update(line(message::Message::Picker(emote_picker::Message::QueryChanged("hedgehog".into()))));
    window.act(|ui| {
        ui.tap_key(Named::Enter);
    });
    window.hides("Find an emote");
    window.state.update(line(message::Message::Entered(97)));
    window.state.update(line(message::Message::ReactWanted(97)));
    window.shows("🦔");
}

#[test]
fn emotes_alone_are_large_and_in_colour() {
    let mut window = Window::new("jumbo");
    let mut reacted = said(GLOBAL, 102, BO, -1, "and ❤️ ✔️ ☺️ in the middle of words");
    reacted.reactions =
        vec![v1::Reaction { emote: "❤️".into(), count: 12, user_ids: vec![ADA, BO, ME], mine: true }];
    let talk = vec![
        said(GLOBAL, 99, ADA, -5, "😀😃😄😁😆😅🤣😂🙂🙃🫠😉"),
        said(GLOBAL, 100, BO, -4, "❤️ ✔️ ☺️ ☀️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👍🏽 👩‍💻"),
        said(GLOBAL, 101, ADA, -3, "😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊 are thirteen"),
        reacted,
    ];
    window.tell(world::opened(GLOBAL, talk));
    look_at(&window, "jumbo");
}
