//! The browser client: the files that `client-web` builds, as part of this program. A debug build reads them from the disk
//! each time, so that building the client anew needs no new server.

use axum::{
    body::Bytes,
    response::{AppendHeaders, Html, IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rust_embed::{Embed, EmbeddedFile};

const PAGE: &str = "index.html";
/// What stands in the place of a client that was not built.
const ABSENT: &str = include_str!("absent.html");
/// The page may load what this server has, and nothing else from anywhere; it has no script or style in its text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
                      media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
                      require-trusted-types-for 'script'";
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// A year, for hosts that have once been reached over TLS.
const TLS_ONLY: &str = "max-age=31536000";
/// The builder puts a digest of the content into the names below assets/.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
/// First parts of paths that are never the client's, whatever follows.
const OTHERS: [&str; 4] = ["media", "gif", "healthz", "readyz"];

// build.rs sees to it that the folder is there, empty if need be.
#[derive(Embed)]
#[folder = "../client-web/dist"]
#[allow_missing = true]
struct Client;

/// Answers a GET with a file of the client. Paths that name no file are the page itself: what they mean is its affair.
pub(super) fn get(path: &str, headers: &HeaderMap, tls: bool) -> Response {
    answer::<Client>(path, headers, tls)
}

fn answer<Files: Embed>(path: &str, headers: &HeaderMap, tls: bool) -> Response {
    let Some(name) = name(path) else { return dress(super::nothing(), tls) };
    let answer = match Files::get(name) {
        Some(plain) => file::<Files>(name, plain, headers),
        None if name == PAGE => ([(header::CACHE_CONTROL, ASK_AGAIN)], Html(ABSENT)).into_response(),
        None => super::nothing(),
    };
    dress(answer, tls)
}

/// The file that a path asks for, if it can be one of ours.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let is_plain = |part: &str| {
        !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    if OTHERS.contains(&name.split('/').next()?) {
        return None;
    }
    if !name.contains('.') {
        return Some(PAGE);
    }
    name.split('/').all(|part| !part.is_empty() && is_plain(part)).then_some(name)
}

/// The file as it is or, to those who read that, as the builder has packed it beside.
fn file<Files: Embed>(name: &str, plain: EmbeddedFile, headers: &HeaderMap) -> Response {
    let charset = if plain.metadata.mimetype().starts_with("text/") { "; charset=utf-8" } else { "" };
    let kind = format!("{}{charset}", plain.metadata.mimetype());
    let packed = accepts_gzip(headers).then(|| Files::get(&format!("{name}.gz"))).flatten();
    let coding = packed.is_some().then_some((header::CONTENT_ENCODING, "gzip"));
    let EmbeddedFile { data, metadata } = packed.unwrap_or(plain);
    let digest: String = metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digest}\"");
    let cache = if name.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
    let answer = if knows(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (AppendHeaders(coding), [(header::CONTENT_TYPE, kind)], Bytes::from_owner(data)).into_response()
    };
    let fields = [(header::CACHE_CONTROL, cache), (header::ETAG, &tag), (header::VARY, "accept-encoding")];
    (fields, answer).into_response()
}

/// Whether the caller has this very content already.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    tags.flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Puts on what every answer to a browser has; over TLS, that it is to come by TLS alone.
fn dress(mut response: Response, tls: bool) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    /// A client as the builder would leave it.
    #[derive(Embed)]
    #[folder = "tests/site"]
    struct Built;

    #[derive(Embed)]
    #[folder = "tests/no-site"]
    #[allow_missing = true]
    struct Absent;

    async fn ask<Files: Embed>(path: &str, fields: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, String) {
        let headers = fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let response = answer::<Files>(path, &headers, false);
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1024).await.unwrap();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn names_with_a_digest_are_kept_for_ever_and_the_page_is_asked_for_again() {
        let (status, headers, body) = ask::<Built>("/assets/index-1a2b3c.js", &[]).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "document.title = \"Rookery\";\n"));
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");

        let (_, headers, page) = ask::<Built>("/", &[]).await;
        assert!(page.contains("/assets/index-1a2b3c.js"), "{page}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let tag = headers[header::ETAG].to_str().unwrap();
        for known in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
            let (status, headers, body) = ask::<Built>("/", &[(header::IF_NONE_MATCH, known)]).await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
            assert_eq!(headers[header::ETAG], tag);
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
        }
        assert_eq!(ask::<Built>("/", &[(header::IF_NONE_MATCH, "\"other\"")]).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_path_that_names_no_file_is_the_page_and_a_file_that_is_not_there_is_nothing() {
        let (_, _, page) = ask::<Built>("/", &[]).await;
        for path in ["/index.html", "/chat", "/chat/12", "/chat/%C3%A9t%C3%A9"] {
            assert_eq!(ask::<Built>(path, &[]).await.2, page, "{path}");
        }
        for path in [
            "/favicon.ico",
            "/assets/index-old.js",
            "/rookery.v1.UserService/GetUser",
            "/media",
            "/media/0123/more",
            "/gif/builtin",
            "/healthz/x",
            "/../Cargo.toml",
            "/assets/../index.html",
            "/assets/%2e%2e/index.html",
            "//etc/hosts.allow",
            "/.hidden",
            "/a\\..\\b",
            "*",
        ] {
            let (status, headers, body) = ask::<Built>(path, &[]).await;
            assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "there is nothing here\n"), "{path}");
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_packed_goes_packed_to_those_who_read_it() {
        let path = "/assets/index-1a2b3c.js";
        for (accepted, packed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let (_, headers, body) = ask::<Built>(path, &[(header::ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(headers.get(header::CONTENT_ENCODING).is_some(), packed, "{accepted}");
            assert_eq!(body.starts_with("document"), !packed, "{accepted}");
            assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(headers[header::VARY], "accept-encoding");
        }
        let (_, headers, _) = ask::<Built>("/favicon.svg", &[(header::ACCEPT_ENCODING, "gzip")]).await;
        assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn a_server_without_the_client_says_how_to_get_it() {
        let (status, headers, page) = ask::<Absent>("/", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("cargo xtask web"), "{page}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert!(!headers.contains_key(header::ETAG));
        assert_eq!(ask::<Absent>("/assets/index-1a2b3c.js", &[]).await.0, StatusCode::NOT_FOUND);
    }

    #[test]
    fn tls_is_insisted_on_where_it_was_spoken() {
        for tls in [true, false] {
            let response = answer::<Built>("/", &HeaderMap::new(), tls);
            assert_eq!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY), tls);
        }
    }
}
