//! Rules: one file per noun. May they? Then do it, commit, publish. Knows the store and the hub, and no transport.

pub mod account;
pub mod admin;
pub mod audit;
pub mod block;
pub mod conversation;
pub mod ctx;
pub mod deletion;
pub mod error;
pub mod event;
pub mod export;
pub mod field;
pub mod gif;
pub mod group;
pub mod guess;
pub mod invite;
pub mod line;
pub mod media;
pub mod membership;
pub mod mention;
pub mod message;
pub mod name;
pub mod password;
pub mod pin;
pub mod rate;
pub mod reaction;
pub mod read;
pub mod registration;
pub mod search;
pub mod send;
pub mod session;
pub mod space;
pub mod user;
pub mod watch;
pub mod writer;

pub use ctx::{Caller, Ctx};
pub use error::{Error, Result};
