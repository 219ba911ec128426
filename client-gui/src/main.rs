//! Rookery's desktop client.

fn main() {}
