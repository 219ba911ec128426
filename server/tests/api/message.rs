//! Messages.

use crate::{harness::Served, on_both};

on_both! {
    async fn what_is_sent_is_listed(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let sent = ada.say(1, "hello").await;
        assert_eq!(ada.messages(1).await, [sent]);
        server.stop().await;
    }
}
