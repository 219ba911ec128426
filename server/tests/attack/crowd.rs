//! More connections than there is room for: F14 and F15.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use futures::future::join_all;
use rookery_client::Api;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    harness::{in_full, patience},
    target::Target,
};

/// How soon others are served when a crowd has gone.
const RECOVERY: Duration = Duration::from_secs(5);

/// An address of this machine that is not loopback, if it has one. No packet is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

/// Whether the server answers on this connection.
async fn is_served(socket: &mut TcpStream) -> bool {
    let mut answer = [0; 12];
    let ask = async {
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await?;
        socket.read_exact(&mut answer).await
    };
    timeout(Duration::from_secs(60), ask).await.is_ok_and(|read| read.is_ok()) && answer == *b"HTTP/1.1 200"
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_one_address_has_fifty_connections_and_others_are_unaffected() {
    let Some(own) = own_address() else {
        let reason = "F14: this machine has no address but loopback, which has as many connections as it likes";
        assert!(!in_full(), "{reason}");
        println!("{reason}; server/src/listener.rs counts without one");
        return;
    };
    let target = Target::off_loopback().await;
    let port = target.server.address.port();
    let address = SocketAddr::new(own, port);
    let mut held = join_all((0..500).map(|_| async { TcpStream::connect(address).await.unwrap() })).await;
    let served = join_all(held.iter_mut().map(is_served)).await;
    assert_eq!(served.iter().filter(|served| **served).count(), 50);
    let api = Api::new(&format!("http://127.0.0.1:{port}"), None).unwrap();
    api.get_server_info(Default::default()).await.unwrap();
    // A place that is given up is free again.
    held.clear();
    let begun = Instant::now();
    let again = async {
        while !is_served(&mut TcpStream::connect(address).await.unwrap()).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(patience(RECOVERY), again).await.expect("nobody gets in any more");
    println!("F14: served {:?} after they had gone", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_without_file_handles_the_server_waits_and_recovers() {
    let target = Target::with("", &["prlimit", "--nofile=256"]).await;
    let count = if in_full() { 1000 } else { 400 };
    let held = join_all((0..count).map(|_| TcpStream::connect(target.server.address))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(held);
    let begun = Instant::now();
    let api = Api::new(&target.server.url(), None).unwrap();
    let again = async {
        while api.get_server_info(Default::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(patience(RECOVERY), again).await.expect("nobody is served any more");
    println!("F15: served {:?} after they had gone", begun.elapsed());
}
