//! Connections that say too little, or too slowly: F05 to F08.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rookery_client::Api;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    frame::{DATA, END_HEADERS, HEADERS, RST_STREAM, Wire, call},
    harness::{in_full, patience},
    target::Target,
    tls,
};

/// What coming in and ending may take beside: two thousand connections do both at once.
const MARGIN: Duration = Duration::from_secs(2);

/// What a connection may take to come to the point.
fn greeting() -> Duration {
    Duration::from_secs(if in_full() { 10 } else { 1 })
}

/// What a body may take.
fn body() -> Duration {
    Duration::from_secs(if in_full() { 30 } else { 1 })
}

/// Opens connections, says the same on each, and waits until all are closed.
async fn are_closed(target: &Target, count: usize, words: &[u8]) {
    let before = target.memory();
    let limit = patience(greeting()) + MARGIN;
    let lived = join_all((0..count).map(|_| async {
        let mut socket = TcpStream::connect(target.server.address).await.unwrap();
        let connected = Instant::now();
        socket.write_all(words).await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(limit, socket.read_to_end(&mut rest)).await.expect("a silent connection goes on");
        connected.elapsed()
    }))
    .await;
    let (shortest, longest) = (lived.iter().min().unwrap(), lived.iter().max().unwrap());
    println!("{count} connections were closed after {shortest:?} to {longest:?}");
    assert!(*shortest > greeting() / 2, "they were not heard");
    target.grew_at_most(before, 64, "silence");
}

fn many() -> usize {
    if in_full() { 2000 } else { 200 }
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_silent_connections_are_closed_and_others_are_served_meanwhile() {
    let target = Target::start().await;
    let api = Api::new(&target.server.url(), None).unwrap();
    let served = async {
        tokio::time::sleep(greeting() / 4).await;
        api.get_server_info(Default::default()).await.unwrap();
    };
    tokio::join!(are_closed(&target, many(), b""), served);
    for begun in ["P", "PRI * HTTP/2.0\r\n\r\nSM\r\n", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        are_closed(&target, 5, begun.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f06_half_a_handshake_is_given_up() {
    let (target, _authority) = tls::target(if in_full() { "" } else { "[timings]\ngreeting = 1\n" }).await;
    // The beginning of a ClientHello that says it is longer.
    are_closed(&target, if in_full() { 500 } else { 100 }, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await;
    are_closed(&target, 5, b"").await;
}

/// How long a connection lives on which a byte is said every now and then.
async fn dribbles(target: &Target, head: &str, words: &str) -> Duration {
    let begun = Instant::now();
    let (mut reader, mut writer) = TcpStream::connect(target.server.address).await.unwrap().into_split();
    writer.write_all(head.as_bytes()).await.unwrap();
    let every = greeting() / 4;
    let dribble = async {
        for byte in words.as_bytes().iter().cycle() {
            tokio::time::sleep(every).await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = dribble => {}
        () = tokio::time::sleep(patience(body()) + MARGIN) => panic!("it dribbles on after {head}"),
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_slow_head_and_a_slow_body_are_given_up() {
    let target = Target::start().await;
    let head = dribbles(&target, "GET / HTTP/1.1\r\n", "x-a: 1\r\n").await;
    let call = "POST /rookery.v1.ServerService/GetServerInfo HTTP/1.1\r\nhost: a\r\ncontent-type: \
                application/grpc-web+proto\r\ncontent-length: 100000\r\n\r\n";
    let body = dribbles(&target, call, "\0").await;
    println!("F07: a head {head:?}, a body {body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h10_an_upload_that_dribbles_is_given_up() {
    let target = Target::start().await;
    let ada = crate::harness::Person::register(&target.server.url(), "ada").await;
    let head = format!(
        "POST /media HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nx-rookery-name: a\r\ncontent-length: 9999999\r\n\r\n",
        ada.token
    );
    println!("H10: {:?}", dribbles(&target, &head, "x").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_a_body_without_an_end_is_given_up_though_its_client_answers() {
    let target = Target::start().await;
    let mut wire = Wire::open(target.server.address, &[]).await;
    wire.send(HEADERS, END_HEADERS, 1, &call("ServerService/GetServerInfo", &[])).await.unwrap();
    wire.send(DATA, 0, 1, &[0, 0, 0]).await.unwrap();
    let begun = Instant::now();
    let answer = wire.until(|frame| frame.stream == 1 && matches!(frame.kind, HEADERS | RST_STREAM)).await.unwrap();
    println!("F08: {:?}, frame {}", begun.elapsed(), answer.kind);
    assert!(begun.elapsed() < patience(body()) + MARGIN, "{:?}", begun.elapsed());
    // The connection goes on: another call is answered.
    wire.send(HEADERS, END_HEADERS, 3, &call("ServerService/GetServerInfo", &[])).await.unwrap();
    wire.send(DATA, 1, 3, &[0; 5]).await.unwrap();
    wire.until(|frame| frame.stream == 3 && frame.kind == HEADERS).await.unwrap();
}
