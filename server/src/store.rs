//! SQL: one file per noun with its row, its query texts and one function for each text. The only place that names sqlx.
//! Knows no rules, no hub and no protocol.

pub mod admin;
pub mod audit;
pub mod block;
pub mod conversation;
pub mod deletion;
pub mod doctor;
pub mod export;
pub mod gif;
pub mod history;
pub mod invite;
pub mod media;
pub mod membership;
pub mod mention;
pub mod message;
pub mod reaction;
pub mod registration;
pub mod search;
pub mod server;
pub mod session;
pub mod user;

mod conn;
mod migration;

pub(crate) use conn::on;
pub use conn::{Conn, Db, DbConfig, Error, Result, Tx};
