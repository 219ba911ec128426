//! The desktop client as its users have it: two windows on a display without a screen, played by keys against the real
//! server, which dies in between. What they say is looked for from outside; pictures of them are kept in `.test/pictures`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "window/display.rs"]
mod display;
#[path = "harness/harness.rs"]
mod harness;

use std::time::Duration;

use display::{Display, Window};
use harness::{Backend, PASSWORD, Person, Process, Store};
use rookery_client::{
    Api,
    v1::{self, PresenceState},
};

const GLOBAL: i64 = 1;
/// Where the button of GIFs is, in a window of 1000 x 700.
const GIF_BUTTON: (u32, u32) = (878, 652);
/// How long anything may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until it is so.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("it never came to this: {what}"))
}

/// What somebody has said in a conversation, as a third person reads it.
async fn said(reader: &Person, conversation_id: i64, author: &Person) -> Vec<String> {
    let request = v1::ListMessagesRequest { conversation_id, page_size: 100, ..Default::default() };
    let messages = reader.api.list_messages(request).await.map(|answer| answer.messages).unwrap_or_default();
    messages.into_iter().filter(|message| message.author_id == author.id).map(|message| message.text).collect()
}

/// Makes an account by the keys, as a newcomer would: the first field has the focus.
async fn enter(window: &Window, reader: &Person, url: &str, name: &str) -> Person {
    window.type_text(name);
    window.press("Tab");
    window.type_line(PASSWORD);
    let there = async || {
        let request = v1::ListUsersRequest { filter: name.into(), ..Default::default() };
        reader.api.list_users(request).await.is_ok_and(|answer| !answer.users.is_empty()).then_some(())
    };
    until(&format!("{name} has an account"), there).await;
    let api = Api::new(url, None).unwrap();
    let request = v1::SignInRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() };
    let answer = api.sign_in(request).await.unwrap();
    let api = api.with_token(Some(&answer.token)).unwrap();
    let person = Person { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token };
    online(reader, &person).await;
    person
}

/// Opens the picker of GIFs, looks for one and sends it. As in `meet`, nothing outside tells when the window is so far.
async fn celebrate(window: &Window, person: &Person, reader: &Person) {
    let sent = async || {
        let request = v1::ListMessagesRequest { conversation_id: GLOBAL, ..Default::default() };
        let messages = reader.api.list_messages(request).await.map(|answer| answer.messages).unwrap_or_default();
        messages
            .iter()
            .any(|message| message.author_id == person.id && message.attachments.iter().any(|media| media.animated))
    };
    for moment in [1, 2, 4, 8].map(Duration::from_secs) {
        window.click(GIF_BUTTON.0, GIF_BUTTON.1);
        tokio::time::sleep(moment).await;
        window.type_text("party");
        tokio::time::sleep(moment).await;
        window.picture("window-gifs");
        window.press("Return");
        tokio::time::sleep(moment).await;
        if sent().await {
            return;
        }
        window.press("Escape");
        window.press("Escape");
    }
    panic!("no GIF was sent");
}

/// Finds somebody by the switcher and writes to her; the chat as she has it. Nothing outside tells when the window has opened
/// a dialog or found a name, so it is given a moment, and all of it is tried again.
async fn meet(window: &Window, other: &Person) -> i64 {
    let direct = async || {
        let answer = other.api.list_conversations(v1::ListConversationsRequest::default()).await.ok()?;
        let direct = |chat: &v1::Conversation| chat.kind() == v1::ConversationKind::Direct;
        answer.conversations.into_iter().find(direct).map(|chat| chat.id)
    };
    for moment in [1, 2, 4, 8].map(Duration::from_secs) {
        window.press("ctrl+k");
        tokio::time::sleep(moment).await;
        window.type_text("Bo");
        tokio::time::sleep(moment).await;
        window.press("Return");
        tokio::time::sleep(moment).await;
        window.type_line("Lunch at one?");
        tokio::time::sleep(moment).await;
        if let Some(id) = direct().await {
            return id;
        }
        window.press("Escape");
        window.press("Escape");
    }
    panic!("no chat of two has come to the other side");
}

/// Somebody types in a window, and others have it.
async fn say(window: &Window, person: &Person, reader: &Person, text: &str) {
    write(window, person, reader, text, text).await;
}

/// The same where what is sent is not what was typed. A window that is behind may take the first Enter for its list of
/// emotes; one in an empty field does nothing.
async fn write(window: &Window, person: &Person, reader: &Person, typed: &str, text: &str) {
    window.type_text(typed);
    let mut looks = 0;
    let heard = async || {
        if looks % 60 == 0 {
            window.press("Return");
        }
        looks += 1;
        said(reader, GLOBAL, person).await.last().is_some_and(|last| last == text).then_some(())
    };
    until(&format!("{} says: {text}", person.name), heard).await;
}

/// Somebody without a window sends a text, or a file, or both.
async fn show(person: &Person, text: &str, media: Option<v1::Media>) {
    let media_ids = media.into_iter().map(|media| media.id).collect();
    let (conversation_id, text) = (GLOBAL, text.to_owned());
    let request = v1::SendMessageRequest { conversation_id, text, media_ids, ..Default::default() };
    person.api.send_message(request).await.unwrap();
}

async fn online(reader: &Person, person: &Person) {
    let look = async || {
        let answer = reader.api.get_user(v1::GetUserRequest { user_id: person.id }).await.ok()?;
        (answer.presence?.state() == PresenceState::Online).then_some(())
    };
    until(&format!("{} is online", person.name), look).await;
}

/// A small picture that is none of a kind.
const PICTURE: &[u8] = include_bytes!("window/bridge.jpg");

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_talk_and_nothing_is_lost_when_the_server_dies() {
    let store = Store::new(Backend::Sqlite).await;
    let mut server = Process::with_rates(&store);
    let url = server.url();
    let cleo = Person::register(&url, "cleo").await;
    let display = Display::start();
    let dark = Window::open(&display, &store.dir, &url, "ada", "dark");
    let ada = enter(&dark, &cleo, &url, "ada").await;
    let light = Window::open(&display, &store.dir, &url, "bob", "light");
    let bob = enter(&light, &cleo, &url, "bob").await;
    for (person, display_name) in [(&ada, "Ada Lovelace"), (&bob, "Bo Diddley"), (&cleo, "Cleo Martins")] {
        let request = v1::UpdateProfileRequest { display_name: display_name.into(), ..Default::default() };
        person.api.update_profile(request).await.unwrap();
    }

    say(&dark, &ada, &cleo, "Good morning! Did anybody see the kingfisher?").await;
    say(&light, &bob, &cleo, "I did, right after sunrise, and without my camera.").await;

    // A GIF is found and sent; emotes come in; a name becomes one while it is written.
    celebrate(&light, &bob, &cleo).await;
    show(&cleo, "🎉🎂", None).await;
    write(&dark, &ada, &cleo, "Your birthday :tada:", "Your birthday 🎉").await;

    // A chat of two, found by keys; its first message makes it appear at the other side.
    let id = meet(&dark, &bob).await;
    let heard = async || (said(&bob, id, &ada).await == ["Lunch at one?"]).then_some(());
    until("the first message is there", heard).await;
    dark.picture("window-direct");
    dark.press("alt+Up");

    // The server dies; what is written meanwhile waits, and is there once, in order, when it is back.
    server.kill();
    for number in 1..=3 {
        dark.type_line(&format!("Written offline, {number}"));
    }
    dark.picture("window-offline");
    server.restart();
    let offline: Vec<String> = (1..=3).map(|number| format!("Written offline, {number}")).collect();
    let arrived = async || {
        let all = said(&cleo, GLOBAL, &ada).await;
        let late: Vec<String> = all.into_iter().filter(|text| text.starts_with("Written offline")).collect();
        assert!(late.len() <= offline.len(), "something is there twice: {late:?}");
        (late == offline).then_some(())
    };
    until("what was written offline is there", arrived).await;
    say(&light, &bob, &cleo, "And nothing is missing.").await;

    // A window that is killed comes back with its session and goes on.
    let upload = v1::UploadMediaRequest { name: "bridge.jpg".into(), content: PICTURE.into() };
    show(&cleo, "This morning at the old bridge:", cleo.api.upload_media(upload).await.unwrap().media).await;
    drop(dark);
    let dark = Window::open(&display, &store.dir, &url, "ada", "dark");
    online(&cleo, &ada).await;
    say(&dark, &ada, &cleo, "Back again.").await;
    say(&light, &bob, &cleo, "What a picture!").await;
    let all = said(&cleo, GLOBAL, &ada).await;
    let once = |text: &&str| all.iter().filter(|said| said == text).count() == 1;
    assert!(offline.iter().map(String::as_str).chain(["Back again."]).all(|text| once(&text)), "{all:?}");
    // Long enough for pictures to be decoded, whatever else the machine does.
    tokio::time::sleep(Duration::from_secs(3)).await;
    dark.picture("window-dark");
    light.picture("window-light");
}
