//! What somebody on the network may try against a real server, which is looked at from outside: its memory, its other
//! clients, its end. Short here; `cargo xtask check attacks` does all of it, with the limits as they are, in 512 MiB.

#![allow(clippy::unwrap_used)]

mod crowd;
mod flood;
mod frame;
#[path = "../harness/harness.rs"]
mod harness;
mod nginx;
mod request;
mod silence;
mod stall;
mod surface;
mod target;
mod tls;
