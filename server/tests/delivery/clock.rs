//! J05: the machine's clock jumps, far ahead and back, while a stream is open and between two. Numbers are the order; time says
//! nothing about it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rookery_client::{Api, Code, v1};
use rookery_server::domain::ctx::Clock;
use tokio::sync::Notify;

use crate::{
    harness::{PASSWORD, Person, Served, Store, patience},
    ledger::Ledger,
    on_both,
    traffic::{End, Reader, chance, request_id, send, stored},
};

const HOUR: i64 = 3_600_000;

on_both! {
    async fn a_clock_that_jumps_changes_neither_the_order_nor_what_a_stream_resumes_from(backend) {
        let mut chance = chance("clock");
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = {
            let (ahead, system) = (ahead.clone(), Clock::system());
            Clock::new(move || system.now() + ahead.load(Ordering::Relaxed))
        };
        let store = Store::new(backend).await;
        let config = store.config();
        let mut server = Served::serve(store, &config, clock.clone()).await;
        let mut ada = server.user("ada").await;
        let ledger = Arc::new(Ledger::default());
        let mut reader = Reader::new(&ada.api, &ledger, "ada", BTreeMap::from([(1, 0)]));
        // A script's token holds until it is revoked, so no jump ends its stream.
        let script = v1::CreateTokenRequest {
            name: "script".into(),
            scopes: vec![v1::TokenScope::Read.into()],
            ..Default::default()
        };
        let script = ada.api.create_token(script).await.unwrap().token;
        let mut watcher = Reader::new(&ada.api, &ledger, "who watches", BTreeMap::from([(1, 0)]));
        // Two hours back, 400 days ahead, and back to the present; in mid-run, and once more over a restart.
        for jump in [0, -2 * HOUR, 400 * 24 * HOUR, -2 * HOUR, 0] {
            for restart in [false, true] {
                if restart {
                    server = Served::serve(server.stop().await, &config, clock.clone()).await;
                }
                watcher.api = Api::new(&server.url(), Some(&script)).unwrap();
                let (open, goal) = (Notify::new(), RefCell::new(None));
                let watching = watcher.read(|watcher| {
                    if watcher.caught_up {
                        open.notify_one();
                    }
                    goal.borrow().as_ref().is_some_and(|goal| watcher.has(goal))
                });
                let writing = async {
                    open.notified().await;
                    ahead.store(jump, Ordering::Relaxed);
                    // Her session has ended of age where the clock is 400 days ahead of the last use of it.
                    ada = again(&server, ada.clone(), jump > 0 && !restart).await;
                    for number in 0..5 {
                        let request = v1::SendMessageRequest {
                            conversation_id: 1,
                            text: format!("{jump} {number}"),
                            request_id: request_id(&mut chance),
                            ..Default::default()
                        };
                        send(&ledger, (&ada.api, ada.id), request, || false).await.unwrap();
                    }
                    let rows = stored(&ada.api, &[1]).await;
                    let positions: BTreeMap<i64, i64> = rows.iter().map(|(id, stored)| (*id, stored.position)).collect();
                    *goal.borrow_mut() = Some(positions);
                };
                // All of it comes on the stream that was open when the clock jumped.
                let watched = async { tokio::join!(watching, writing).0 };
                let end = tokio::time::timeout(patience(Duration::from_secs(20)), watched).await;
                assert!(matches!(end, Ok(End::Enough)), "the open stream, after a jump to {jump}: {end:?}");
                // And to who resumes after the jump.
                reader.api = ada.api.clone();
                let goal = goal.into_inner().unwrap();
                let end = reader.read(|reader| reader.has(&goal)).await;
                assert!(matches!(end, End::Enough), "{end:?}");
            }
        }
        let rows = stored(&ada.api, &[1]).await;
        ledger.verify(&rows, true);
        let times: Vec<_> = rows[&1].messages.iter().map(|message| message.created_at.map(|at| (at.seconds, at.nanos))).collect();
        assert_eq!(times.len(), 50);
        assert!(times.is_sorted(), "a later message has an earlier time");
        server.stop().await;
    }
}

/// The same person on a server whose clock has jumped: signed in again, if her session has ended.
async fn again(server: &Served, person: Person, ended: bool) -> Person {
    let api = Api::new(&server.url(), Some(&person.token)).unwrap();
    let token = match api.get_user(v1::GetUserRequest { user_id: person.id }).await {
        Ok(_) => {
            assert!(!ended, "her session lives on");
            person.token
        }
        Err(error) => {
            assert_eq!((error.code, ended), (Code::Unauthenticated, true), "{error:?}");
            let request =
                v1::SignInRequest { name: person.name.clone(), password: PASSWORD.into(), ..Default::default() };
            server.anonymous().sign_in(request).await.unwrap().token
        }
    };
    Person { api: Api::new(&server.url(), Some(&token)).unwrap(), token, ..person }
}
