//! The delivery contract: nothing acknowledged is lost or doubled, one order for all, no hole and no repeat, whatever
//! dies on the way. On the real program or over the real wire, with numbers that `cargo xtask check` makes large.

#![allow(clippy::unwrap_used)]

#[path = "../harness/cluster.rs"]
mod cluster;
#[path = "../harness/exchange.rs"]
mod exchange;
#[path = "../harness/harness.rs"]
mod harness;
#[path = "../harness/ledger.rs"]
mod ledger;
#[path = "../harness/proxy.rs"]
mod proxy;
#[path = "../harness/traffic.rs"]
mod traffic;

mod absence;
mod backup;
mod cancel;
mod clock;
mod disk;
mod failpoint;
mod failure;
mod file;
mod guard;
mod kill;
mod network;
mod order;
mod outsider;
mod overload;
mod planted;
mod postgres;
mod power;
mod read;
mod removal;
mod request_id;
mod restore;
mod search;
mod sigterm;
mod slow;
mod subscribe;
#[path = "disk/trace.rs"]
mod trace;
