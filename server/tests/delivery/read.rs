//! B12: what was acknowledged is there for whoever looks afterwards.

use std::sync::Arc;

use rookery_client::{Api, v1};

use crate::{
    harness::{Served, in_full},
    ledger::Ledger,
    on_both,
    traffic::{chance, request_id, send, stored},
};

on_both! {
    async fn what_was_acknowledged_is_there_on_a_new_connection(backend) {
        let count = if in_full() { 10_000 } else { 500 };
        let mut chance = chance("read your write");
        let server = Served::start(backend).await;
        let writer = server.user("writer").await;
        let reader = server.user("reader").await;
        let ledger = Arc::new(Ledger::default());
        for number in 0..count {
            let request = v1::SendMessageRequest {
                conversation_id: 1,
                text: format!("number {number}"),
                request_id: request_id(&mut chance),
                ..Default::default()
            };
            let sent = send(&ledger, (&writer.api, writer.id), request, || false).await.unwrap();
            let fresh = Api::new(&server.url(), Some(&reader.token)).unwrap();
            let newest = v1::ListMessagesRequest { conversation_id: 1, page_size: 1, at: None };
            let page = fresh.list_messages(newest).await.unwrap();
            assert_eq!(page.messages, std::slice::from_ref(&sent), "message {number}");
            let after = v1::ListChangesRequest { conversation_id: 1, after: sent.id - 1, page_size: 1 };
            let page = fresh.list_changes(after).await.unwrap();
            assert_eq!((page.messages, page.position), (vec![sent.clone()], sent.id), "message {number}");
        }
        ledger.verify(&stored(&reader.api, &[1]).await, true);
        server.stop().await;
    }
}
