//! The door: connections are accepted, counted and served until the server stops, then drained.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

use crate::{
    config::Config,
    connection::{self, Failed, Settings},
    meter::METER,
    peer::Peer,
    tls::Tls,
};

/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// How many connections may wait to be let in, as far as the system allows it: after a restart everybody comes at once, and whom
/// the system turns away tries again after a second, then two.
const WAITING: u32 = 4096;

/// Listens at an address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// What the door knows.
pub struct Door {
    settings: Arc<Settings>,
    places: Arc<Places>,
    closing: watch::Sender<()>,
    next: u64,
}

impl Door {
    /// A door by the settings.
    pub fn new(config: &Config, tls: Option<Arc<Tls>>) -> Self {
        let settings = Settings {
            proxies: config.trusted_proxies.clone(),
            greeting: Duration::from_secs(config.timings.greeting),
            body: Duration::from_secs(config.timings.body),
            call: Duration::from_secs(config.timings.call),
            tls,
        };
        let places = Places::new(config.limits.connections, config.limits.connections_per_address);
        Self { settings: Arc::new(settings), places: Arc::new(places), closing: watch::channel(()).0, next: 0 }
    }

    /// Lets connections in until `shutdown`.
    pub async fn serve(&mut self, app: &axum::Router, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((socket, address)) => self.enter(app, socket, address.ip()),
                Err(error) => {
                    // Out of file handles, mostly: give connections time to end instead of spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn enter(&mut self, app: &axum::Router, socket: TcpStream, address: IpAddr) {
        let exempt = address.to_canonical().is_loopback() || self.settings.proxies.trusts(address);
        let peer = Peer { address: address.to_canonical(), tls: false, exempt };
        let place = match self.places.take(&peer) {
            Ok(place) => place,
            Err(Full::Server) => return METER.connections_refused_full.increment(1),
            Err(Full::Address) => return METER.connections_refused_address.increment(1),
        };
        self.next += 1;
        METER.connections_accepted.increment(1);
        let connection = connection::serve(
            app.clone(),
            self.settings.clone(),
            socket,
            peer.address,
            self.next,
            self.closing.subscribe(),
        );
        tokio::spawn(async move {
            let ended = connection.await;
            drop(place);
            match ended {
                Ok(()) | Err(Failed::Stopping) => {}
                Err(Failed::Silent) => METER.connections_silent.increment(1),
                Err(error) => tracing::debug!(%error, "a connection broke"),
            }
        });
    }

    /// How many connections there are.
    pub fn places(&self) -> Arc<Places> {
        self.places.clone()
    }

    /// Waits until all connections have ended, for as long as they may take.
    pub async fn drain(self) {
        self.closing.send_replace(());
        if tokio::time::timeout(DRAIN, self.closing.closed()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
    }
}

/// How many connections there are, in all and from each address.
pub struct Places {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    Server,
    Address,
}

/// One connection's place, free again when dropped.
struct Place {
    places: Arc<Places>,
    network: Option<IpAddr>,
}

impl Places {
    fn new(most: usize, most_per_address: usize) -> Self {
        Self { most, most_per_address, taken: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn take(self: &Arc<Self>, peer: &Peer) -> Result<Place, Full> {
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(Full::Server);
        }
        let network = (!peer.exempt).then(|| peer.network());
        if let Some(network) = network {
            let count = taken.by_network.entry(network).or_default();
            if *count >= self.most_per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Place { places: self.clone(), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        let Some(network) = self.network else { return };
        if let Some(count) = taken.by_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str, exempt: bool) -> Peer {
        Peer { address: address.parse().unwrap(), tls: false, exempt }
    }

    #[test]
    fn one_address_takes_its_share_and_leaves_nothing_behind() {
        let places = Arc::new(Places::new(8, 3));
        let mut held: Vec<_> =
            (0..3).map(|n| places.take(&peer(&format!("2001:db8::{n}"), false)).ok().unwrap()).collect();
        assert_eq!(places.take(&peer("2001:db8::9", false)).err(), Some(Full::Address));
        held.push(places.take(&peer("2001:db8:0:1::9", false)).ok().unwrap());
        held.extend((0..4).map(|_| places.take(&peer("127.0.0.1", true)).ok().unwrap()));
        assert_eq!(places.take(&peer("127.0.0.1", true)).err(), Some(Full::Server));
        assert_eq!(places.taken(), 8);
        drop(held);
        assert_eq!((places.taken(), places.lock().by_network.len()), (0, 0));
    }
}
