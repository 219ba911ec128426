//! What each call promises, over the real wire, on both databases: one file for each noun. `listener` and `raw` are the
//! ears and hands of the others.

#![allow(clippy::unwrap_used)]

mod access;
mod account;
mod admin;
mod attachment;
mod avatar;
mod backend;
mod block;
mod browser;
mod change;
mod conversation;
mod corpus;
mod deletion;
mod docs;
mod doctor;
#[path = "../harness/exchange.rs"]
mod exchange;
mod export;
mod fuzz;
mod gif;
mod group;
#[path = "../harness/harness.rs"]
mod harness;
mod history;
mod hostile;
mod icon;
mod invite;
mod listener;
mod media;
mod member;
mod mention;
mod message;
mod name;
mod operator;
mod page;
mod password;
mod picture;
mod pin;
mod place;
mod presence;
mod provider;
mod rate;
mod raw;
mod reaction;
mod read;
mod refusal;
mod rights;
mod scope;
mod search;
mod secret;
mod send;
mod session;
mod status;
mod store;
mod typing;
mod unread;
mod user;
mod web;
mod wire;
