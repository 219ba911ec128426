//! What goes with the next message: files, pictures, GIFs.

use std::sync::Arc;

use image::{Rgba, RgbaImage};
use rookery::gallery::{Bytes, Order, Source};
use rookery::pane::composer::tray::{self, Content, Found, Picked};
use rookery::pane::gif_picker::{self, Page, Shown};
use rookery::pane::{composer, conversation, sidebar};
use rookery::picture::{Picture, Shape};
use rookery::screen::chat::{Action, Message};
use rookery::theme::{self, Mode};
use rookery_client::{Code, Error, v1};

use crate::window::Window;
use crate::{look, picture};

fn compose(window: &mut Window, message: composer::Message) -> Action {
    window.state.update(Message::Conversation(conversation::Message::Composer(message)))
}

fn in_tray(window: &mut Window, message: tray::Message) -> Action {
    compose(window, composer::Message::Tray(message))
}

fn in_gifs(window: &mut Window, message: gif_picker::Message) -> Action {
    compose(window, composer::Message::Gifs(message))
}

fn file(name: &str, size: u64) -> Result<Found, String> {
    Ok(Found { name: name.into(), size, content: Content::File(format!("/nonexistent/{name}").into()) })
}

fn look_at(window: &Window, name: &str) {
    for (end, mode) in [("dark", Mode::Dark), ("light", Mode::Light)] {
        picture(&mut look(window.state.view(mode)), &format!("{name}-{end}"), mode);
    }
}

fn no(message: &str) -> Error {
    Error { code: Code::Unavailable, reason: None, message: message.into(), fields: Vec::new(), retry_after: None }
}

#[test]
fn files_wait_above_the_text_and_can_be_taken_out() {
    let mut window = Window::new("chips");
    let bytes = Bytes(Arc::new(vec![1]));
    let side = theme::CHIP_PICTURE as u16;
    let order = Order { source: Source::Bytes(bytes.clone()), shape: Shape::Card { width: side, height: side } };
    let sea = RgbaImage::from_fn(44, 33, |x, y| Rgba([40, 90 + y as u8, 120 + x as u8, 255]));
    window.state.gallery().put(&order, Picture::still(sea));
    let pasted = Found { name: "Pasted picture.png".into(), size: 234_000, content: Content::Bytes(bytes) };
    let film = file("film.mkv", 80 << 20);
    let files = vec![Ok(pasted), file("The birds of the northern coast.pdf", 4_321_000), film];
    in_tray(&mut window, tray::Message::Added(files));
    for text in ["Pasted picture.png", "229 KB", "4.1 MB", "“film.mkv” is larger than 50 MB."] {
        window.shows(text);
    }
    look_at(&window, "chips");
    in_tray(&mut window, tray::Message::Removed(1));
    window.hides("Pasted picture.png");
    window.hides("“film.mkv” is larger than 50 MB.");
    compose(&mut window, composer::Message::Submitted);
    window.hides("4.1 MB");
}

#[test]
fn where_there_is_no_dialog_a_path_can_be_written() {
    let mut window = Window::new("path");
    in_tray(&mut window, tray::Message::Picked(Picked::NoDialog));
    in_tray(&mut window, tray::Message::PathChanged("~/picture.png".into()));
    window.shows("Attach");
    look_at(&window, "attach-path");
    in_tray(&mut window, tray::Message::PathClosed);
    window.hides("Attach");
}

#[test]
fn files_that_are_held_over_the_window_are_expected() {
    let mut window = Window::new("drop");
    window.state.update(Message::FilesHovered(true));
    window.shows("Drop to attach for Everybody");
    look_at(&window, "drop");
    assert!(matches!(window.state.update(Message::FileDropped("/nonexistent/a.png".into())), Action::Run(_)));
    window.hides("Drop to attach for Everybody");
    window.state.update(Message::Sidebar(sidebar::Message::ProfileWanted));
    window.state.update(Message::FilesHovered(true));
    window.hides("Drop to attach for Everybody");
}

fn gifs(names: &[(&str, i32, i32)]) -> Vec<v1::Gif> {
    let gif = |(name, width, height): &(&str, i32, i32)| v1::Gif {
        id: format!("builtin/{name}"),
        title: (*name).to_owned(),
        width: *width,
        height: *height,
        preview: format!("/gif/builtin/{name}"),
    };
    names.iter().map(gif).collect()
}

fn with_gifs(name: &str) -> Window {
    let mut window = Window::new(name);
    compose(&mut window, composer::Message::GifsToggled);
    let category = |name: &str| v1::GifCategory {
        name: name.into(),
        query: name.to_lowercase(),
        gif: gifs(&[(name, 128, 128)]).pop(),
    };
    let home = v1::ListGifCategoriesResponse {
        categories: ["Joy", "Animals", "Food", "Sports"].map(category).into(),
        placeholder: "Search the collection".into(),
        attribution: "Fluent Emoji by Microsoft".into(),
    };
    in_gifs(&mut window, gif_picker::Message::Welcomed(Ok(home)));
    window
}

fn found(words: &str, gifs: Vec<v1::Gif>) -> gif_picker::Message {
    gif_picker::Message::Listed(Ok(Page { shown: Shown::Found(words.into()), gifs, next: String::new() }))
}

#[test]
fn gifs_begin_with_where_one_may_begin() {
    let mut window = with_gifs("gifs");
    for text in ["Trending", "Favourites", "Animals", "Fluent Emoji by Microsoft"] {
        window.shows(text);
    }
    look_at(&window, "gifs");
    window.click("Animals");
    window.shows("Loading…");
    in_gifs(&mut window, found("animals", Vec::new()));
    window.shows("No GIFs for “animals”.");
    in_gifs(&mut window, gif_picker::Message::Closed);
    window.hides("Fluent Emoji by Microsoft");
}

#[test]
fn what_was_found_is_sent_by_a_key_and_remembered() {
    let mut window = with_gifs("found");
    in_gifs(&mut window, gif_picker::Message::QueryChanged("dog".into()));
    let many =
        [("dog", 128, 128), ("poodle", 480, 270), ("guide dog", 128, 128), ("wolf", 200, 260), ("fox", 400, 200)];
    in_gifs(&mut window, found("cat", gifs(&[("cat", 128, 128)])));
    in_gifs(&mut window, found("dog", gifs(&many)));
    in_gifs(&mut window, gif_picker::Message::FavoritesKnown(Ok(gifs(&many[2..3]))));
    look_at(&window, "gifs-found");
    in_gifs(&mut window, gif_picker::Message::Starred(0));
    let refused = gif_picker::Message::StarKept("builtin/dog".into(), Err(no("there are too many")));
    in_gifs(&mut window, refused);
    window.shows("There are too many.");
    in_gifs(&mut window, gif_picker::Message::Moved(rookery::pane::emote_picker::grid::Step::Right));
    assert!(matches!(in_gifs(&mut window, gif_picker::Message::Submitted), Action::Run(_)));
    window.hides("Fluent Emoji by Microsoft");
    assert_eq!(window.state.habits().gifs.list(), gifs(&many[1..2]));
}

#[test]
fn gifs_that_cannot_be_had_say_why_and_can_be_asked_for_again() {
    let mut window = Window::new("no-gifs");
    compose(&mut window, composer::Message::GifsToggled);
    in_gifs(&mut window, gif_picker::Message::Welcomed(Err(no("the server cannot be reached"))));
    window.shows("The server cannot be reached.");
    look_at(&window, "gifs-failed");
    window.click("Try again");
    window.shows("Loading…");
}
