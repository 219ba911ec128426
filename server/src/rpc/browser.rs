//! Pages in a browser: their session is a cookie that their scripts cannot read, so that nothing that runs in the page can
//! carry it away. It counts for what no other site can send: gRPC-web calls and uploads, whose headers a form cannot set and
//! a script only with leave that is never given; and for files to look at, which change nothing. SameSite keeps the cookie
//! at home besides.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header, uri::Authority};
use tonic::Response;

use crate::peer::Peer;

/// How long a browser keeps the cookie, in seconds: as long as they will (400 days).
const KEPT: u32 = 34_560_000;

/// Names an uploaded file. No page of another site may set it.
pub const UPLOAD_NAME: &str = "x-rookery-name";

/// A call from a browser, as far as its cookie goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Browser {
    /// Whether the cookie may travel without TLS.
    plain: bool,
}

impl Browser {
    /// Browsers take the longer name only over TLS, for this very host and all of its paths.
    fn name(self) -> &'static str {
        if self.plain { "rookery" } else { "__Host-rookery" }
    }

    /// For who asks for a cookie in another way than pages call: the stricter one.
    pub(super) const STRICT: Self = Self { plain: false };

    fn set<T>(self, response: &mut Response<T>, token: &str, seconds: u32) {
        let secure = if self.plain { "" } else { "; Secure" };
        let name = self.name();
        let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
        if let Ok(cookie) = cookie.parse() {
            response.metadata_mut().insert("set-cookie", cookie);
        }
    }

    /// Gives the browser a session's secret.
    pub(super) fn sign_in<T>(self, response: &mut Response<T>, token: &str) {
        self.set(response, token, KEPT);
    }

    /// Takes it back.
    pub(super) fn sign_out<T>(self, response: &mut Response<T>) {
        self.set(response, "", 0);
    }
}

/// The browser that calls.
pub(super) fn of<T>(request: &tonic::Request<T>) -> Option<Browser> {
    request.extensions().get().copied()
}

/// Marks calls from browsers, and puts their cookie where every call has its token. `plain_cookies`: also without TLS.
pub fn recognize<B>(mut request: Request<B>, plain_cookies: bool) -> Request<B> {
    let headers = request.headers();
    if !is_of_a_page(&request) {
        return request;
    }
    let host = request.uri().authority().cloned().or_else(|| text(headers, header::HOST)?.parse().ok());
    let tls = request.extensions().get().is_some_and(|peer: &Peer| peer.tls);
    let browser = Browser { plain: !tls && (plain_cookies || host.as_ref().is_some_and(is_loopback)) };
    if !headers.contains_key(header::AUTHORIZATION)
        && is_own(headers, host.as_ref())
        && let Some(token) = cookie(headers, browser.name())
        && let Ok(value) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    request.extensions_mut().insert(browser);
    request
}

/// Whether this is something that pages of ours ask for, in the way in which only they can.
fn is_of_a_page<B>(request: &Request<B>) -> bool {
    let (headers, path) = (request.headers(), request.uri().path());
    match *request.method() {
        Method::GET | Method::HEAD => path.starts_with("/media/") || path.starts_with("/gif/"),
        // Browsers tell the origin of every POST.
        Method::POST if path == "/media" => headers.contains_key(UPLOAD_NAME) && headers.contains_key(header::ORIGIN),
        _ => text(headers, header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/grpc-web")),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether what the browser says of the page that calls is the server itself. Where it says nothing, no page calls.
fn is_own(headers: &HeaderMap, host: Option<&Authority>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let site = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    site.is_some_and(|(_, site)| host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(site)))
}

fn is_loopback(host: &Authority) -> bool {
    let host = host.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// A cookie's value; none if there are several of the name: which of them is right is not known.
fn cookie<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let (value, None) = (values.next()?, values.next()) else { return None };
    Some(value)
}
