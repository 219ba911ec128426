//! Rookery's desktop window. It knows nothing of the network: `rookery_client` does.

pub mod activity;
pub mod app;
pub mod arguments;
pub mod clock;
pub mod dialog;
pub mod download;
pub mod emoji;
pub mod emote;
pub mod fonts;
pub mod gallery;
pub mod gif;
pub mod graphics;
pub mod pane;
pub mod picture;
pub mod screen;
pub mod settings;
pub mod speech;
pub mod theme;
pub mod token;
pub mod transcript;
pub mod widget;

use std::error::Error;

use iced::{Size, window};
use rookery_client::Profile;

use app::App;
use arguments::Arguments;

/// Opens the window; returns when it is closed.
pub fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let profile = Profile::open(&arguments.profile)?;
    fonts::install(fonts::Source::System);
    let server = arguments.server;
    iced::application(move || App::new(profile.clone(), server.clone()), App::update, App::view)
        .title(App::title)
        .theme(App::theme)
        .subscription(App::subscription)
        .settings(settings())
        .window(window::Settings {
            size: theme::WINDOW.into(),
            min_size: Some(Size::from(theme::WINDOW_MINIMUM)),
            // There may be something to lose: see `App::close`.
            exit_on_close_request: false,
            ..window::Settings::default()
        })
        .run()?;
    Ok(())
}

/// How text looks where nothing else is said.
#[must_use]
pub fn settings() -> iced::Settings {
    iced::Settings {
        id: Some("rookery".to_owned()),
        default_font: theme::REGULAR,
        default_text_size: theme::BODY.into(),
        ..iced::Settings::default()
    }
}
