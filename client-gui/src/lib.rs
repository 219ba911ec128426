//! Rookery's desktop window. It knows nothing of the network: `rookery_client` does.

pub mod clock;
pub mod emoji;
pub mod fonts;
pub mod screen;
pub mod theme;
pub mod transcript;
pub mod widget;
pub mod pane;
pub mod speech;
pub mod dialog;
