//! The parts of the main window.

pub mod composer;
pub mod conversation;
pub mod emote_picker;
pub mod gif_picker;
pub mod members;
pub mod message;
pub mod sidebar;
pub mod viewer;
