//! The browser client at `/`, beside everything else that the port answers. Whether it was built before this test or not: the
//! rules are the same. (`http/web.rs` tests both on files of their own.)

use std::{fs, path::Path};

use crate::{
    harness::{Backend, Served},
    wire::http,
};

const HEADERS: [&str; 4] = [
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cache-control: no-cache",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_allows_nothing_from_elsewhere() {
    let server = Served::start(Backend::Sqlite).await;
    for path in ["/", "/chat/12"] {
        let (head, body) = http(server.address, &format!("GET {path} HTTP/1.1"), b"").await;
        assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"), "{head}");
        assert!(String::from_utf8_lossy(&body).contains("<title>Rookery</title>"));
        for header in HEADERS {
            assert!(head.contains(&format!("\r\n{header}")), "{path} has no {header}: {head}");
        }
        let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap();
        let rules: Vec<_> = policy.split("; ").collect();
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(rules.contains(&rule), "{rule} is not in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        assert!(!head.contains("strict-transport-security"), "there is no TLS here");
        let (head, body) = http(server.address, &format!("HEAD {path} HTTP/1.1"), b"").await;
        assert!(head.starts_with("http/1.1 200") && body.is_empty(), "{head}");
    }
    let (head, _) = http(server.address, "GET / HTTP/1.1\r\nx-forwarded-proto: https", b"").await;
    assert!(head.contains("\r\nstrict-transport-security: max-age=31536000"), "{head}");
    // Only a proxy that is trusted is believed.
    let server = Served::with(Backend::Sqlite, |config| {
        config.trusted_proxies = "203.0.113.1".parse().unwrap();
    });
    let (head, _) = http(server.await.address, "GET / HTTP/1.1\r\nx-forwarded-proto: https", b"").await;
    assert!(!head.contains("strict-transport-security"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_built_page_names_is_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-web/dist");
    let server = Served::start(Backend::Sqlite).await;
    let (_, page) = http(server.address, "GET / HTTP/1.1", b"").await;
    let page = String::from_utf8_lossy(&page);
    if !folder.join("index.html").exists() {
        assert!(page.contains("built without the browser client"), "{page}");
        return;
    }
    let names: Vec<_> = page.split('"').filter_map(|word| word.strip_prefix('/')).collect();
    assert!(
        names.iter().any(|name| name.ends_with(".js")) && names.iter().any(|name| name.ends_with(".css")),
        "{page}"
    );
    for name in names {
        let (head, body) = http(server.address, &format!("GET /{name} HTTP/1.1"), b"").await;
        assert_eq!(body, fs::read(folder.join(name)).unwrap(), "{name}: {head}");
        let kept = head.contains("cache-control: public, max-age=31536000, immutable");
        assert_eq!(kept, name.starts_with("assets/"), "{name}: {head}");
        for header in &HEADERS[..3] {
            assert!(head.contains(&format!("\r\n{header}")), "{name} has no {header}: {head}");
        }
        let packed = http(server.address, &format!("GET /{name} HTTP/1.1\r\naccept-encoding: gzip"), b"").await;
        assert_eq!(packed.0.contains("content-encoding: gzip"), folder.join(format!("{name}.gz")).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_get_is_answered_with_the_page() {
    let server = Served::start(Backend::Sqlite).await;
    for line in [
        "POST / HTTP/1.1",
        "POST /chat HTTP/1.1",
        "PUT /index.html HTTP/1.1",
        "GET /media HTTP/1.1",
        "GET /media/a/b/c HTTP/1.1",
        "GET /gif HTTP/1.1",
        "GET /rookery.v1.UserService/GetUser HTTP/1.1",
        "GET /assets/none.js HTTP/1.1",
    ] {
        let (head, body) = http(server.address, line, b"").await;
        assert!(head.starts_with("http/1.1 4"), "{line}: {head}");
        assert!(!String::from_utf8_lossy(&body).contains("<html"), "{line}");
    }
}
