//! What each call promises, over the real wire, on both databases.

#![allow(clippy::unwrap_used)]

#[path = "../harness/harness.rs"]
mod harness;
mod message;
