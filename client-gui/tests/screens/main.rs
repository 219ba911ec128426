//! The screens, drawn without a display: what they show, and what comes of clicks and keys.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see it of functions that tests share")]

mod attach;
mod chat;
mod dialog;
mod emote;
mod hostile;
mod media;
mod members;
mod profile;
mod sign_in;
mod window;
mod world;

use iced::{Element, Size};
use iced_test::Simulator;

/// A view of the window, with the program's own fonts alone.
fn look<'a, M: 'a>(view: impl Into<Element<'a, M>>) -> Simulator<'a, M> {
    static FONTS: std::sync::Once = std::sync::Once::new();
    FONTS.call_once(|| rookery::fonts::install(rookery::fonts::Source::Embedded));
    Simulator::with_size(rookery::settings(), Size::new(1100.0, 740.0), view)
}

/// Fails with the name of the text that is missing.
fn shows<M>(ui: &mut Simulator<'_, M>, text: &str) {
    assert!(ui.find(text).is_ok(), "the window does not show {text:?}");
}

/// Keeps a picture where `ROOKERY_PICTURES` names a folder, to be looked at.
fn picture<M>(ui: &mut Simulator<'_, M>, name: &str, mode: rookery::theme::Mode) {
    let Some(folder) = std::env::var_os("ROOKERY_PICTURES") else {
        return;
    };
    let path = std::path::Path::new(&folder).join(format!("{name}.png"));
    let written = path.with_file_name(format!("{name}-tiny-skia.png"));
    let _ = std::fs::remove_file(&written);
    ui.snapshot(&mode.theme()).unwrap().matches_image(path).unwrap();
}
