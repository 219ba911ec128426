//! Asking a provider outside: over TLS, with limits of time and size, without redirects, and never an address inside. The
//! key goes to the provider and nowhere else.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use moka::sync::Cache;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Error, Result};

const CONNECT: Duration = Duration::from_secs(2);
/// For one question with its whole answer, waiting for its turn included.
const TOTAL: Duration = Duration::from_secs(5);
const LARGEST_JSON: usize = 1 << 20;
const LARGEST_PICTURE: usize = 10 << 20;
/// Questions that may be under way at a time.
const AT_ONCE: usize = 16;
/// How long an answer is taken as current, and how many bytes of answers are kept.
const CURRENT: Duration = Duration::from_secs(5 * 60);
const ANSWERS: u64 = 16 << 20;

/// A provider's key. It shows in no log: not even where settings are printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self(key.into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_empty() { "none" } else { "set" })
    }
}

/// The way to one provider.
#[derive(Debug)]
pub(super) struct Fetch {
    client: Client,
    base: Url,
    /// Whether the operator named the base: then it may be an address inside.
    chosen: bool,
    /// The parameter that carries the key.
    key: (&'static str, Key),
    turns: Semaphore,
    answers: Cache<String, Bytes>,
}

impl Fetch {
    /// `base_url`: where the provider is; empty: at `usual`.
    pub(super) fn new(base_url: &str, usual: &str, key: (&'static str, Key)) -> std::result::Result<Self, String> {
        let chosen = !base_url.is_empty();
        let base = Url::parse(if chosen { base_url } else { usual })
            .map_err(|error| format!("gif.base_url is no address: {error}"))?;
        if base.scheme() != "https" && !(base.scheme() == "http" && is_loopback(&base)) {
            return Err("gif.base_url must begin with https:// (or be http:// on this machine)".into());
        }
        let inside = chosen.then(|| base.host_str().unwrap_or_default().to_owned());
        let client = Client::builder()
            .user_agent("Rookery")
            .referer(false)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .https_only(base.scheme() == "https")
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .dns_resolver(Arc::new(Resolver { inside, lookup: Arc::new(system) }))
            .build()
            .map_err(|error| format!("the GIF provider cannot be asked: {error}"))?;
        let answers = Cache::builder()
            .weigher(|url: &String, body: &Bytes| u32::try_from(url.len() + body.len()).unwrap_or(u32::MAX))
            .max_capacity(ANSWERS)
            .time_to_live(CURRENT)
            .build();
        Ok(Self { client, base, chosen, key, turns: Semaphore::new(AT_ONCE), answers })
    }

    /// What the provider says to a question.
    pub(super) async fn json(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.query_pairs_mut().extend_pairs(parameters);
        let question = url.to_string();
        let body = match self.answers.get(&question) {
            Some(body) => body,
            None => {
                url.query_pairs_mut().append_pair(self.key.0, &self.key.1.0);
                let body = self.get(url, LARGEST_JSON).await?.ok_or_else(|| away("its answer is too long"))?;
                self.answers.insert(question, body.clone());
                body
            }
        };
        serde_json::from_slice(&body).map_err(|error| away(&format!("its answer cannot be read: {error}")))
    }

    /// The bytes of a picture; none if they are too many.
    pub(super) async fn picture(&self, url: &str) -> Result<Option<Bytes>> {
        let url = Url::parse(url).ok().filter(|url| self.allows(url)).ok_or(Error::NotFound)?;
        self.get(url, LARGEST_PICTURE).await
    }

    /// Whether an address is one that may be asked.
    pub(super) fn may_ask(&self, url: &str) -> bool {
        url.len() <= 2000 && Url::parse(url).is_ok_and(|url| self.allows(&url))
    }

    fn allows(&self, url: &Url) -> bool {
        if self.chosen && url.host_str() == self.base.host_str() {
            return url.scheme() == self.base.scheme()
                && url.port_or_known_default() == self.base.port_or_known_default();
        }
        // A name is looked up, and its addresses looked at, when it is asked; an address never is.
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        url.scheme() == "https" && !host.is_empty() && host.parse().ok().is_none_or(is_outside)
    }

    /// None: the answer is longer than `most`.
    async fn get(&self, url: Url, most: usize) -> Result<Option<Bytes>> {
        let answer = async {
            let _turn = self.turns.acquire().await.map_err(|error| away(&error.to_string()))?;
            // The address of an error has the key in it.
            let fault = |error: reqwest::Error| away(&format!("{:?}", error.without_url()));
            let mut response = self.client.get(url).send().await.map_err(fault)?;
            match response.status().as_u16() {
                200 => {}
                400 | 404 => return Err(Error::NotFound),
                status => return Err(away(&format!("it answers {status}"))),
            }
            if response.content_length().is_some_and(|length| length > most as u64) {
                return Ok(None);
            }
            let mut body = BytesMut::new();
            while let Some(piece) = response.chunk().await.map_err(fault)? {
                if body.len() + piece.len() > most {
                    return Ok(None);
                }
                body.extend_from_slice(&piece);
            }
            Ok(Some(body.freeze()))
        };
        tokio::time::timeout(TOTAL, answer).await.unwrap_or_else(|_| Err(away("it does not answer in time")))
    }
}

fn away(cause: &str) -> Error {
    Error::Away(format!("the GIF provider: {cause}"))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

type Lookup = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

fn system(name: String) -> Lookup {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Looks names up and passes on only addresses outside, which are then the ones that are asked: a name that points inside
/// the second time gains nothing.
struct Resolver {
    /// A name that the operator chose, wherever it is.
    inside: Option<String>,
    lookup: Arc<dyn Fn(String) -> Lookup + Send + Sync>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.inside.as_deref() == Some(name.as_str());
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let mut addresses = found.await?;
            addresses.retain(|address| trusted || is_outside(address.ip()));
            if addresses.is_empty() {
                return Err("it has no address outside".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is of the internet at large: not of this machine, its network, or anything special.
fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) => is_outside_v6(address),
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224
        || (a, b & 0xc0) == (100, 64)
        || (a, b & 0xfe) == (198, 18)
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99);
    !(special || address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation())
}

fn is_outside_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_outside_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // ::, ::1, and the two forms that carry an older address; NAT64; 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => parts[5] == 0xffff && embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and documentation are no places.
        [0x2001, 0 | 0xdb8, ..] => false,
        // What is handed out to the world.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use std::{str::FromStr, sync::Mutex};

    use super::*;

    #[test]
    fn an_address_inside_is_told_from_one_outside() {
        for inside in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_outside(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"] {
            assert!(is_outside(outside.parse().unwrap()), "{outside}");
        }
    }

    async fn resolved(resolver: &Resolver, name: &str) -> Option<usize> {
        resolver.resolve(Name::from_str(name).unwrap()).await.ok().map(Iterator::count)
    }

    #[tokio::test]
    async fn a_name_that_points_inside_leads_nowhere() {
        // First outside, then inside: what a name that is bound anew would say.
        let says = Mutex::new(vec!["0.0.0.0", "::ffff:127.0.0.1", "127.0.0.1", "1.1.1.1"]);
        let lookup = move |_: String| -> Lookup {
            let address: IpAddr = says.lock().unwrap().pop().unwrap_or("127.0.0.1").parse().unwrap();
            Box::pin(async move { Ok(vec![SocketAddr::new(address, 0)]) })
        };
        let resolver = Resolver { inside: Some("gifs.lan".into()), lookup: Arc::new(lookup) };
        assert_eq!(resolved(&resolver, "media.example").await, Some(1));
        for _ in 0..3 {
            assert_eq!(resolved(&resolver, "media.example").await, None);
        }
        assert_eq!(resolved(&resolver, "gifs.lan").await, Some(1), "the operator chose it");
    }

    #[test]
    fn only_tls_outside_and_the_operators_own_place_are_asked() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let usual = Fetch::new("", "https://api.example", ("key", "k".into())).unwrap();
        let own = Fetch::new("http://127.0.0.1:9", "https://api.example", ("key", "k".into())).unwrap();
        assert!(usual.may_ask("https://media.example/a.gif") && own.may_ask("https://media.example/a.gif"));
        assert!(own.may_ask("http://127.0.0.1:9/a.gif") && !usual.may_ask("http://127.0.0.1:9/a.gif"));
        for bad in [
            "http://media.example/a.gif",
            "file:///etc/passwd",
            "data:image/gif,x",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://169.254.169.254/latest",
            "http://127.0.0.1:10/a.gif",
            "https://127.0.0.1:9/",
            "https:///",
            "",
            "x",
        ] {
            assert!(!usual.may_ask(bad) && !own.may_ask(bad), "{bad}");
        }
        for bad in ["http://media.example", "ftp://x", "x"] {
            assert!(Fetch::new(bad, "https://api.example", ("key", "k".into())).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", Key::from("secret")).contains("secret"));
    }
}
