//! A bad network: a TCP proxy that cuts its connections, both ways, after a number of bytes and a time by chance.

#![allow(dead_code, clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::traffic::branch;

/// How long a connection lasts: each gets a number of bytes (both ways together) and a time out of these.
#[derive(Clone, Copy, Debug)]
pub struct Cuts {
    pub bytes: (i64, i64),
    pub after: (Duration, Duration),
}

/// The proxy; gone when dropped.
#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    cut: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of a server.
    pub async fn start(server: SocketAddr, cuts: Cuts, chance: &mut StdRng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicUsize::new(0));
        let chance = Mutex::new(branch(chance));
        let counter = cut.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let chance = branch(&mut chance.lock().unwrap());
                let counter = counter.clone();
                connections.spawn(async move {
                    pass(client, server, cuts, chance).await;
                    counter.fetch_add(1, Ordering::Relaxed);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, cut, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have been cut.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes bytes until one side ends or the connection's time or bytes are used up; then both ends are gone at once.
async fn pass(client: TcpStream, server: SocketAddr, cuts: Cuts, mut chance: StdRng) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let budget = AtomicI64::new(chance.random_range(cuts.bytes.0..=cuts.bytes.1));
    let life = chance.random_range(cuts.after.0..=cuts.after.1);
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    tokio::select! {
        () = copy(client_in, server_out, &budget) => {}
        () = copy(server_in, client_out, &budget) => {}
        () = tokio::time::sleep(life) => {}
    }
}

async fn copy(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf, budget: &AtomicI64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let left = budget.fetch_sub(i64::try_from(count).unwrap(), Ordering::Relaxed);
        // What is over is not passed on: the cut falls in the middle of whatever was on its way.
        let allowed = count.min(usize::try_from(left).unwrap_or(0));
        if to.write_all(&buffer[..allowed]).await.is_err() || allowed < count {
            return;
        }
    }
}
