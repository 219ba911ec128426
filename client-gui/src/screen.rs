//! What fills the window.


pub mod sign_in;
