//! Where a call comes from: the address of whoever made it, through proxies that are trusted and no others, and whether it
//! came by TLS.

use std::{fmt, net::IpAddr, str::FromStr};

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who calls, as an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The caller's own address, not a trusted proxy's. IPv4 is IPv4, also where the socket is of both kinds.
    pub address: IpAddr,
    /// Whether the caller speaks TLS, with us or with the proxy.
    pub tls: bool,
    /// Whether limits per address do not count: this machine itself, and a trusted proxy that calls for itself.
    pub exempt: bool,
}

impl Peer {
    /// What limits per address count by: an IPv4 address, or the /64 that one subscriber has of IPv6.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        }
    }
}

/// The proxies whose word counts on whom they call for.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Listed")]
pub struct Proxies(Vec<Network>);

impl Default for Proxies {
    /// This machine: it is exempt from all that an address decides anyway.
    fn default() -> Self {
        Self(vec!["127.0.0.1".parse().expect("an address"), "::1".parse().expect("an address")])
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl Proxies {
    /// Whether a connection from there is a trusted proxy's.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address.to_canonical()))
    }

    /// Whose call this is that came over a connection from there.
    pub fn peer(&self, socket: IpAddr, tls: bool, headers: &HeaderMap) -> Peer {
        let socket = socket.to_canonical();
        if !self.trusts(socket) {
            return Peer { address: socket, tls, exempt: socket.is_loopback() };
        }
        // Each proxy adds whom it speaks with at the end. What stands before the first that is not trusted anybody wrote.
        let lines = headers.get_all(FORWARDED_FOR).iter().rev().map(|line| line.to_str().unwrap_or_default());
        let hops = lines.flat_map(|line| line.rsplit(',')).map_while(hop);
        let mut address = socket;
        for hop in hops {
            address = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        let tls = match headers.get(FORWARDED_PROTO) {
            Some(scheme) => scheme.as_bytes().eq_ignore_ascii_case(b"https"),
            None => tls,
        };
        Peer { address, tls, exempt: address.is_loopback() || self.trusts(address) }
    }
}

/// An address of X-Forwarded-For, with or without a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.trim_matches(['[', ']']).parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// An address, or a network like 10.0.0.0/8.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    fn holds(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.length,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.length,
            _ => false,
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("trusted_proxies: {text:?} is no address and no network; it must be like 10.0.0.0/8");
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |length| length.parse().map_err(|_| wrong()))?;
        if length <= most { Ok(Self { address, length }) } else { Err(wrong()) }
    }
}

/// A list, or one text with commas, as variables have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Text(String),
    List(Vec<String>),
}

impl TryFrom<Listed> for Proxies {
    type Error = String;

    fn try_from(listed: Listed) -> Result<Self, String> {
        match listed {
            Listed::Text(text) => text.parse(),
            Listed::List(list) => list.iter().map(|part| part.parse()).collect::<Result<_, _>>().map(Self),
        }
    }
}

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(proxies: &Proxies, socket: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        proxies.peer(socket.parse().unwrap(), false, &headers).address.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_up_to_the_first_stranger() {
        let proxies: Proxies = "127.0.0.1, 10.0.0.0/8, fd00::/8".parse().unwrap();
        for (socket, lines, address) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("127.0.0.2", &["198.51.100.1"], "127.0.0.2"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["127.0.0.1, 6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6", "198.51.100.1", "10.1.2.3"], "198.51.100.1"),
            ("fd00::1", &["6.6.6.6, [2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1", &["198.51.100.1:80"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, who knows"], "127.0.0.1"),
            ("127.0.0.1", &["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
        ] {
            assert_eq!(address_of(&proxies, socket, lines), address, "{socket} {lines:?}");
        }
    }

    #[test]
    fn the_machine_itself_is_exempt_and_a_forged_line_makes_nobody_so() {
        let proxies: Proxies = "127.0.0.1".parse().unwrap();
        let exempt = |socket: &str, line: &str| {
            let headers = HeaderMap::from_iter([(FORWARDED_FOR, line.parse().unwrap())]);
            proxies.peer(socket.parse().unwrap(), false, &headers).exempt
        };
        assert!(exempt("127.0.0.1", ""));
        assert!(exempt("127.0.0.2", "198.51.100.1"));
        assert!(!exempt("127.0.0.1", "198.51.100.1"));
        assert!(!exempt("127.0.0.1", "127.0.0.1, 198.51.100.1"));
        assert!(!exempt("203.0.113.9", "127.0.0.1"));
    }

    #[test]
    fn tls_is_what_a_trusted_proxy_says_and_what_we_speak() {
        let headers = HeaderMap::from_iter([(FORWARDED_PROTO, "https".parse().unwrap())]);
        let tls = |socket: &str, own: bool, headers: &HeaderMap| {
            Proxies::default().peer(socket.parse().unwrap(), own, headers).tls
        };
        assert!(tls("127.0.0.1", false, &headers));
        assert!(!tls("203.0.113.9", false, &headers));
        assert!(tls("203.0.113.9", true, &HeaderMap::new()));
        assert!(!tls("127.0.0.1", false, &HeaderMap::new()));
    }

    #[test]
    fn limits_count_a_subscriber_of_ipv6_once() {
        let network = |address: &str| Peer { address: address.parse().unwrap(), tls: false, exempt: false }.network();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("203.0.113.9"), network("203.0.113.8"));
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        for wrong in ["10.0.0.0/33", "::1/129", "example.org", "10.0.0.0/", "10.0.0.0/-1"] {
            let refused = wrong.parse::<Proxies>().unwrap_err();
            assert!(refused.contains(wrong) && refused.contains("trusted_proxies"), "{refused}");
        }
        assert_eq!("".parse(), Ok(Proxies(Vec::new())));
    }
}
