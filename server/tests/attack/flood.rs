//! Floods of frames on one connection: F01 to F04 and F22.

use std::time::{Duration, Instant};

use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    frame::{
        ACK, CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
        MAX_CONCURRENT_STREAMS, PING, REFUSED_STREAM, RST_STREAM, SETTINGS, Wire, call, encode, field, next,
    },
    harness::in_full,
    target::{Bystander, Target},
};

/// Writes pieces until the server has had enough, while its answers are read; answers the code of its goodbye.
async fn pour(wire: Wire, pieces: usize, piece: impl Fn(usize) -> Vec<u8> + Send + 'static) -> Option<u32> {
    let Wire { mut reader, mut writer } = wire;
    let writing = tokio::spawn(async move {
        for number in 0..pieces {
            if writer.write_all(&piece(number)).await.is_err() {
                return None;
            }
        }
        // An open end: it is for the server to close.
        Some(writer)
    });
    let goodbye = async {
        loop {
            match next(&mut reader).await {
                Some(frame) if frame.kind == GOAWAY => return Some(frame.code()),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let code = timeout(Duration::from_secs(100), goodbye).await.expect("the connection goes on");
    writing.abort();
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_rapid_reset_ends_the_connection() {
    let target = Target::start().await;
    let others = Bystander::start(&target).await;
    let before = target.memory();
    let wire = Wire::open(target.server.address, &[]).await;
    let head = call("ServerService/GetServerInfo", &[]);
    let count = if in_full() { 100_000 } else { 20_000 };
    let code = pour(wire, count, move |number| {
        let stream = 2 * u32::try_from(number).unwrap() + 1;
        let mut both = encode(HEADERS, END_HEADERS, stream, &head);
        both.extend(encode(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        both
    });
    assert_eq!(code.await, Some(ENHANCE_YOUR_CALM));
    target.grew_at_most(before, 10, "F01");
    others.was_served("F01").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_a_head_without_an_end_ends_the_connection() {
    let target = Target::start().await;
    let others = Bystander::start(&target).await;
    let before = target.memory();
    let mut wire = Wire::open(target.server.address, &[]).await;
    wire.send(HEADERS, 0, 1, &call("ServerService/GetServerInfo", &[])).await.unwrap();
    let more = encode(CONTINUATION, 0, 1, &field(0, "x", &"y".repeat(1000)));
    let code = pour(wire, 100_000, move |_| more.clone()).await;
    // Whether the word arrives before the end depends on what was still on its way.
    assert!(code.is_none() || code == Some(ENHANCE_YOUR_CALM), "{code:?}");
    target.grew_at_most(before, 10, "F02");
    others.was_served("F02").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f03_pings_and_settings_without_a_reader_take_no_memory() {
    let target = Target::start().await;
    let others = Bystander::start(&target).await;
    let before = target.memory();
    let frames = if in_full() { 600_000 } else { 60_000 };
    for piece in [encode(PING, 0, 0, &[0; 8]), encode(SETTINGS, 0, 0, &[])] {
        let Wire { reader: _unread, mut writer } = Wire::open(target.server.address, &[]).await;
        let pieces = piece.repeat(1000);
        let begun = Instant::now();
        let flood = async {
            for _ in 0..frames / 1000 {
                if writer.write_all(&pieces).await.is_err() {
                    return;
                }
            }
            // It has taken them all, or ended the connection when it could not get rid of its answers.
            if in_full() {
                while writer.write_all(&encode(PING, ACK, 0, &[0; 8])).await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        };
        let limit = Duration::from_secs(if in_full() { 60 } else { 3 });
        let ended = timeout(limit, flood).await.is_ok();
        println!("F03: {}, after {:?}", if ended { "taken, or ended" } else { "goes on" }, begun.elapsed());
        assert!(ended || !in_full(), "the connection goes on after a minute");
        target.grew_at_most(before, 10, "F03");
    }
    others.was_served("F03").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_a_connection_has_64_streams() {
    // With time for bodies: 64 calls go on to the end.
    let target = Target::with("", &[]).await;
    let before = target.memory();
    let mut wire = Wire::open(target.server.address, &[]).await;
    let settings = wire.until(|frame| frame.kind == SETTINGS && frame.flags & ACK == 0).await.unwrap();
    let announced = settings.payload.chunks(6).find(|one| one[..2] == MAX_CONCURRENT_STREAMS.to_be_bytes()).unwrap();
    assert_eq!(announced[2..], 64_u32.to_be_bytes());
    let head = call("ServerService/GetServerInfo", &[]);
    let streams = if in_full() { 5000 } else { 300 };
    let Wire { mut reader, mut writer } = wire;
    let writing = tokio::spawn(async move {
        for number in 0..streams {
            if writer.write_all(&encode(HEADERS, END_HEADERS, 2 * number + 1, &head)).await.is_err() {
                return None;
            }
        }
        Some(writer)
    });
    // Each of the others is refused by itself; whoever is refused a thousand times does not listen, and loses the connection.
    let (mut refused, mut goodbye) = (0, None);
    let refusals = async {
        while refused < streams - 64 && goodbye.is_none() {
            let frame = next(&mut reader).await.expect("the connection ended without a word");
            match frame.kind {
                RST_STREAM => {
                    assert_eq!((frame.code(), frame.stream), (REFUSED_STREAM, 2 * (64 + refused) + 1));
                    refused += 1;
                }
                GOAWAY => goodbye = Some(frame.code()),
                _ => {}
            }
        }
    };
    timeout(Duration::from_secs(20), refusals).await.expect("they are not refused");
    writing.abort();
    println!("F04: {refused} of {streams} were refused, goodbye {goodbye:?}");
    assert!(goodbye.is_none() || refused >= 1000 && goodbye == Some(ENHANCE_YOUR_CALM), "{refused}, {goodbye:?}");
    target.grew_at_most(before, 10, "F04");
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_small_frames_that_mean_large_heads_take_no_memory() {
    let target = Target::start().await;
    let others = Bystander::start(&target).await;
    let before = target.memory();
    let mut wires = Vec::new();
    for (value, references) in [(3000, 440), (1, 58), (100, 440)] {
        let mut wire = Wire::open(target.server.address, &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]).await;
        let mut seed = call("ServerService/GetServerInfo", &[]);
        seed.extend(field(0x40, "x", &"y".repeat(value)));
        wire.send(HEADERS, END_HEADERS | END_STREAM, 1, &seed).await.unwrap();
        let mut bomb = call("ServerService/GetServerInfo", &[]);
        // The newest entry of the table, by one byte each.
        bomb.extend(vec![0xbe; references]);
        for number in 1..5000 {
            if wire.send(HEADERS, END_HEADERS, 2 * number + 1, &bomb).await.is_err() {
                break;
            }
        }
        wires.push(wire);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    target.grew_at_most(before, 20, "F22");
    others.was_served("F22").await;
}
