//! C01: callers who hang up at every possible moment.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use rand::RngExt;
use rookery_client::v1;
use sqlx::{Connection, PgConnection};

use crate::{
    harness::{Backend, Person, Served, in_full, tool},
    ledger::Ledger,
    on_both,
    traffic::{Reader, Readers, branch, chance, people, repeat, request_id, stored, within},
};

const CALLERS: usize = 20;

on_both! {
    async fn a_send_cancelled_at_any_moment_is_there_whole_or_not_at_all(backend) {
        cancel_storm(backend).await;
    }
}

async fn cancel_storm(backend: Backend) {
    let each = if in_full() { 10_000 } else { 1_000 } / CALLERS;
    let mut chance = chance("cancel storm");
    let log_before = if backend == Backend::Postgres { log().len() } else { 0 };
    let server = Served::start(backend).await;
    let callers = people(&server.url(), "caller", CALLERS).await;
    let group = callers[0].group("group", &callers.iter().collect::<Vec<_>>(), false).await;
    let conversations = [1, group];
    let ledger = Arc::new(Ledger::default());
    let start = BTreeMap::from([(1, 0), (group, 0)]);
    let reading = Readers::start(vec![Reader::new(&callers[0].api, &ledger, "reader", start)]);
    let cancelled: usize = join_all(callers.iter().map(|caller| {
        let (ledger, mut chance) = (ledger.clone(), branch(&mut chance));
        async move {
            let mut cancelled = 0;
            for number in 0..each {
                let request = v1::SendMessageRequest {
                    conversation_id: conversations[number % 2],
                    text: format!("{} {number}", caller.name),
                    request_id: request_id(&mut chance),
                    ..Default::default()
                };
                let patience = Duration::from_micros(chance.random_range(0..20_000));
                if let Some(sent) = try_send(&ledger, caller, &request, patience).await {
                    cancelled += 1;
                    // Every other one is repeated until it is answered: it is there once all the same.
                    if number % 4 < 2 {
                        repeat(&ledger, sent, &caller.api, request, || false).await.unwrap();
                    }
                }
                // Reads are hung up on too.
                let patience = Duration::from_micros(chance.random_range(0..5_000));
                let page = v1::ListMessagesRequest { conversation_id: group, page_size: 20, at: None };
                let _ = tokio::time::timeout(patience, caller.api.list_messages(page)).await;
                let subscribe = caller.api.subscribe(v1::SubscribeRequest::default());
                let _ = tokio::time::timeout(patience, subscribe).await;
            }
            cancelled
        }
    }))
    .await
    .into_iter()
    .sum();
    let rows = stored(&callers[0].api, &conversations).await;
    reading.finish(&rows).await;
    println!("{backend:?}: {cancelled} of {} cancelled, {} acks", each * CALLERS, ledger.acks());
    ledger.verify(&rows, true);
    assert!(cancelled > each * CALLERS / 50, "only {cancelled} were cancelled: this shows nothing");
    if backend == Backend::Postgres {
        let name = server.store.database.rsplit('/').next().unwrap().to_owned();
        let mut conn = PgConnection::connect(&server.store.database).await.unwrap();
        within(Duration::from_secs(1), "no session is idle in a transaction", async || {
            let open: i64 = sqlx::query_scalar(OPEN).bind(&name).fetch_one(&mut conn).await.unwrap();
            open == 0
        })
        .await;
        conn.close().await.unwrap();
    }
    server.stop().await;
    if backend == Backend::Postgres {
        let news = log().split_off(log_before);
        assert!(!news.contains("already a transaction in progress"), "PostgreSQL's log says so:\n{news}");
    }
}

const OPEN: &str = "select count(*) from pg_stat_activity where datname = $1 and state like 'idle in transaction%' \
    and application_name = 'rookery'";

/// Sends, and hangs up when patience ends: the call's future is dropped, which resets its stream. Then gives its number in
/// the ledger.
async fn try_send(
    ledger: &Ledger,
    caller: &Person,
    request: &v1::SendMessageRequest,
    patience: Duration,
) -> Option<usize> {
    let number = ledger.begin(caller.id, request.conversation_id, &request.request_id, &request.text);
    let Ok(answer) = tokio::time::timeout(patience, caller.api.send_message(request.clone())).await else {
        return Some(number);
    };
    ledger.ack(number, &answer.unwrap().message.unwrap());
    None
}

fn log() -> String {
    let bytes = std::fs::read(tool("ROOKERY_TEST_POSTGRES_LOG")).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
