//! F13: streams whose readers stop, and would take everything.

use std::time::{Duration, Instant};

use prost::Message;
use rookery_client::{Code, v1};

use crate::{
    frame::{DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, Wire, call},
    harness::{Person, in_full, patience},
    target::{Bystander, Target, counted, free_port},
};

#[tokio::test(flavor = "multi_thread")]
async fn f13_readers_that_stop_lose_their_streams_and_take_little() {
    let metrics = free_port().await;
    let target = Target::with(&format!("metrics = \"{metrics}\"\n"), &[]).await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let others = Bystander::start(&target).await;
    let before = target.memory();
    let (connections, streams) = if in_full() { (20, 50) } else { (2, 50) };
    let token = format!("Bearer {}", ada.token);
    let request = v1::SubscribeRequest::default().encode_to_vec();
    let body = [&[0, 0, 0, 0, u8::try_from(request.len()).unwrap()][..], &request].concat();
    let mut wires = Vec::new();
    for _ in 0..connections {
        let mut wire = Wire::open(target.server.address, &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]).await;
        // As much for the whole connection: WINDOW_UPDATE.
        wire.send(8, 0, 0, &0x7fff_0000_u32.to_be_bytes()).await.unwrap();
        for number in 0..streams {
            let head = call("EventService/Subscribe", &[("authorization", &token)]);
            wire.send(HEADERS, END_HEADERS, 2 * number + 1, &head).await.unwrap();
            wire.send(DATA, END_STREAM, 2 * number + 1, &body).await.unwrap();
        }
        wires.push(wire);
    }
    let all = connections * streams;
    let begun = Instant::now();
    while counted(metrics, "rookery_streams").await < f64::from(all) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the streams do not open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let text = "x".repeat(4000);
    let (mut ended, begun) = (0.0, Instant::now());
    while ended < f64::from(all) {
        for _ in 0..20 {
            ada.say(1, &text).await;
        }
        // By its own pace, or with its connection, whose pings are not answered either.
        ended = 0.0;
        for reason in ["slow_reader", "gone"] {
            ended += counted(metrics, &format!("rookery_streams_ended_total{{reason=\"{reason}\"}}")).await;
        }
        assert!(begun.elapsed() < patience(Duration::from_secs(60)), "{ended} of {all} streams have ended");
    }
    println!("F13: {all} streams ended after {:?}", begun.elapsed());
    while counted(metrics, "rookery_streams").await > 0.0 {
        assert!(begun.elapsed() < patience(Duration::from_secs(60)), "streams that ended are kept");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    target.grew_at_most(before, 300, "F13");
    others.was_served("F13").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_readers_that_stop_in_what_they_missed_take_little() {
    let target = Target::with("", &[]).await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let text = "x".repeat(4000);
    for _ in 0..250 {
        ada.say(1, &text).await;
    }
    let before = target.memory();
    let (connections, streams) = if in_full() { (20, 50) } else { (2, 50) };
    let request = v1::SubscribeRequest { cursors: [(1, 1)].into(), ..Default::default() }.encode_to_vec();
    let body = [&[0, 0, 0, 0, u8::try_from(request.len()).unwrap()][..], &request].concat();
    let head = call("EventService/Subscribe", &[("authorization", &format!("Bearer {}", ada.token))]);
    let mut wires = Vec::new();
    for _ in 0..connections {
        let mut wire = Wire::open(target.server.address, &[(INITIAL_WINDOW_SIZE, 100)]).await;
        for number in 0..streams {
            wire.send(HEADERS, END_HEADERS, 2 * number + 1, &head).await.unwrap();
            wire.send(DATA, END_STREAM, 2 * number + 1, &body).await.unwrap();
        }
        wires.push(wire);
    }
    tokio::time::sleep(Duration::from_secs(if in_full() { 10 } else { 2 })).await;
    // Each has a piece of the 800 KB of a page, and no page.
    target.grew_at_most(before, u64::from(if in_full() { 300 } else { 40_u32 }), "F13, missed");
    ada.say(1, "still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_lives_for_its_time_and_says_so_at_its_end() {
    let target = Target::with("[timings]\nstream = 1\n", &[]).await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let mut stream = ada.api.subscribe(v1::SubscribeRequest::default()).await.unwrap();
    let mut last = None;
    let end = loop {
        match stream.next().await {
            Ok(Some(response)) => last = response.event.and_then(|event| event.kind),
            end => break end,
        }
    };
    assert!(matches!(last, Some(v1::event::Kind::Reconnect(_))), "{last:?}");
    assert_eq!(end.unwrap_err().code, Code::Unavailable);
}
