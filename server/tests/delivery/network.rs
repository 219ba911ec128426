//! B08: a network that cuts every connection after a while, in the middle of whatever is on its way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rookery_client::Api;

use crate::{
    harness::{Person, Served, in_full},
    ledger::Ledger,
    on_both,
    proxy::{Cuts, Proxy},
    traffic::{Reader, Readers, Writers, chance, people, stored},
};

const CUTS: Cuts = Cuts { bytes: (1, 100_000), after: (Duration::from_millis(200), Duration::from_secs(3)) };

on_both! {
    async fn nothing_is_lost_or_doubled_by_a_network_that_cuts(backend) {
        let mut chance = chance("bad network");
        let server = Served::start(backend).await;
        let proxy = Proxy::start(server.address, CUTS, &mut chance).await;
        let through = |person: &Person| {
            let api = Api::new(&proxy.url(), Some(&person.token)).unwrap();
            Person { api, ..person.clone() }
        };
        let direct = people(&server.url(), "writer", 8).await;
        let readers = people(&server.url(), "reader", 3).await;
        let group = direct[0].group("group", &direct.iter().chain(&readers).collect::<Vec<_>>(), false).await;
        let ledger = Arc::new(Ledger::default());
        let writers: Vec<_> = direct.iter().map(through).collect();
        let reading = readers.iter().map(|person| {
            Reader::new(&through(person).api, &ledger, &person.name, BTreeMap::from([(1, 0), (group, 0)]))
        });
        let reading = Readers::start(reading.collect());
        let writing = Writers::start(&ledger, &writers, &[1, group], Duration::from_millis(20), &mut chance);
        tokio::time::sleep(Duration::from_secs(if in_full() { 600 } else { 8 })).await;
        writing.stop().await;
        let rows = stored(&direct[0].api, &[1, group]).await;
        reading.finish(&rows).await;
        println!("{backend:?}: {} cuts, {} acks", proxy.cut(), ledger.acks());
        ledger.verify(&rows, true);
        assert!(proxy.cut() > 10 && ledger.acks() > 100, "this shows nothing");
        server.stop().await;
    }
}
