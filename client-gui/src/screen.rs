//! What fills the window.

pub mod chat;
pub mod sign_in;
