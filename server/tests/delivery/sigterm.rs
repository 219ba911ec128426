//! A11: the program is asked to stop while it is busy.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use rookery_client::{Api, Code, v1};
use tokio::sync::{Barrier, oneshot};

use crate::{
    harness::{Process, Store, patience},
    ledger::Ledger,
    on_both,
    traffic::{branch, chance, people, request_id, stored},
};

const STREAMS: usize = 500;
/// A connection carries 64 streams at most.
const PER_CONNECTION: usize = 50;
const SENDERS: usize = 100;

on_both! {
    async fn sigterm_ends_streams_in_order_and_every_send_is_answered(backend) {
        let mut chance = chance("sigterm");
        let store = Store::new(backend).await;
        let mut server = Process::start(&store);
        let people = people(&server.url(), "person", 10).await;
        let ledger = Arc::new(Ledger::default());
        let fresh = |number: usize| Api::new(&server.url(), Some(&people[number % people.len()].token)).unwrap();

        let apis: Vec<Api> = (0..STREAMS / PER_CONNECTION).map(fresh).collect();
        let mut streams = Vec::new();
        for api in &apis {
            let (ready, some): (Vec<_>, Vec<_>) = (0..PER_CONNECTION)
                .map(|_| {
                    let (caught_up, ready) = oneshot::channel();
                    (ready, tokio::spawn(watch_to_the_end(api.clone(), caught_up)))
                })
                .unzip();
            join_all(ready).await.into_iter().for_each(|ready| ready.expect("a stream did not catch up"));
            streams.extend(some);
        }

        // A hundred sends at any moment, each over one of ten connections, until the server says that it stops.
        let apis: Vec<Api> = (0..10).map(fresh).collect();
        let busy = Arc::new(Barrier::new(SENDERS + 1));
        let sending: Vec<_> = (0..SENDERS)
            .map(|number| {
                let (api, author_id) = (apis[number % 10].clone(), people[number % 10].id);
                let (ledger, busy, mut chance) = (ledger.clone(), busy.clone(), branch(&mut chance));
                tokio::spawn(async move {
                    for count in 0.. {
                        let request = v1::SendMessageRequest {
                            conversation_id: 1,
                            text: format!("{number} says {count}"),
                            request_id: request_id(&mut chance),
                            ..Default::default()
                        };
                        let sent = ledger.begin(author_id, 1, &request.request_id, &request.text);
                        if count == 3 {
                            busy.wait().await;
                        }
                        match api.send_message(request).await {
                            Ok(answer) => ledger.ack(sent, &answer.message.unwrap()),
                            Err(error) => return error,
                        }
                    }
                    unreachable!("it sends until it cannot")
                })
            })
            .collect();
        busy.wait().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        server.signal("TERM");
        let ending = async { (join_all(streams).await, begun.elapsed()) };
        let (sending, (streams, streams_ended)) = tokio::join!(join_all(sending), ending);
        let left = patience(Duration::from_secs(10)).saturating_sub(begun.elapsed());
        let code = server.ended_within(left);
        println!("{backend:?}: {} acks, streams ended after {streams_ended:?}, all after {:?}", ledger.acks(), begun.elapsed());

        for error in sending {
            let error = error.unwrap();
            // Without a reason it is the client's own word, for a call that never came in: on a connection that was being
            // closed, or that waited to be accepted. That no call that came in ends so is asserted below.
            let never_came_in = error.reason.is_none() && error.is_maybe();
            assert!(error.code == Code::Unavailable || never_came_in, "a send in flight ended with {error:?}");
        }
        for stream in streams {
            let (reconnect, status) = stream.unwrap();
            assert!(reconnect, "a stream was not told to reconnect");
            assert_eq!(status, Some(Code::Unavailable));
        }
        assert_eq!(code, Some(Some(0)), "the program's exit code");
        assert!(streams_ended <= patience(Duration::from_secs(5)), "streams ended only after {streams_ended:?}");

        server.restart();
        let api = Api::new(&server.url(), Some(&people[0].token)).unwrap();
        let rows: BTreeMap<_, _> = stored(&api, &[1]).await;
        ledger.verify(&rows, true);
        assert_eq!(ledger.unanswered(&rows), 0, "what was stored while it stopped was not answered");
        assert!(ledger.acks() >= SENDERS * 3);
    }
}

/// Reads a stream to its end: whether its last event said `reconnect`, and its status.
async fn watch_to_the_end(api: Api, caught_up: oneshot::Sender<()>) -> (bool, Option<Code>) {
    use v1::event::Kind;
    let mut stream = api.subscribe(v1::SubscribeRequest::default()).await.unwrap();
    let mut caught_up = Some(caught_up);
    let mut reconnect = false;
    loop {
        match stream.next().await {
            Ok(Some(response)) => {
                let kind = response.event.and_then(|event| event.kind);
                reconnect = matches!(kind, Some(Kind::Reconnect(_)));
                if matches!(kind, Some(Kind::CaughtUp(_))) {
                    caught_up.take().map(|told| told.send(()));
                }
            }
            Ok(None) => return (reconnect, None),
            Err(error) => return (reconnect, Some(error.code)),
        }
    }
}
