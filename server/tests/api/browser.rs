//! A browser's session: a cookie that its page's scripts cannot read, for gRPC-web calls from the server's own pages alone.

use std::net::SocketAddr;

use prost::Message;
use rookery_api::v1::user_service_client::UserServiceClient;
use rookery_client::v1;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, transport::Endpoint};

use crate::{
    harness::{PASSWORD, Served},
    on_both,
    raw::reason,
};

/// What came back from a call in gRPC-web.
struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// The gRPC status, from the head or from the trailers in the body.
    fn code(&self) -> Code {
        let text = format!("{}\r\n{}", self.head, String::from_utf8_lossy(&self.body)).to_lowercase();
        let (_, rest) = text.split_once("grpc-status:").unwrap_or_else(|| panic!("no status in {text}"));
        Code::from_bytes(rest.trim_start().split("\r\n").next().unwrap().trim().as_bytes())
    }

    fn cookies(&self) -> Vec<&str> {
        let line = |line: &'_ str| line.to_lowercase().starts_with("set-cookie: ");
        self.head.lines().filter(|l| line(l)).map(|line| &line["set-cookie: ".len()..]).collect()
    }

    /// The one cookie that was set, with its rules.
    fn cookie(&self) -> (&str, &str) {
        let cookies = self.cookies();
        assert_eq!(cookies.len(), 1, "{}", self.head);
        cookies[0].split_once("; ").unwrap()
    }
}

/// Calls as a browser does: over HTTP/1.1, with some further headers.
async fn call(address: SocketAddr, method: &str, headers: &[(&str, &str)], request: &impl Message) -> Answer {
    let message = request.encode_to_vec();
    let mut head = format!("POST /rookery.v1.{method} HTTP/1.1\r\nconnection: close\r\n");
    head += "content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", message.len() + 5);
    let mut bytes = head.into_bytes();
    bytes.push(0);
    bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    bytes.extend(message);
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    Answer { head: String::from_utf8_lossy(&answer[..end]).into_owned(), body: answer[end + 4..].to_vec() }
}

fn newcomer(name: &str) -> v1::RegisterRequest {
    v1::RegisterRequest { name: name.into(), password: PASSWORD.into(), browser: true, ..Default::default() }
}

/// Who calls, asked with these headers.
async fn asks(address: SocketAddr, headers: &[(&str, &str)]) -> Code {
    call(address, "UserService/GetUser", headers, &v1::GetUserRequest::default()).await.code()
}

on_both! {
    async fn a_browser_gets_a_cookie_and_no_token(backend) {
        let server = Served::start(backend).await;
        let address = server.address;
        let answer = call(address, "AccountService/Register", &[], &newcomer("ada")).await;
        assert_eq!(answer.code(), Code::Ok);
        let (cookie, rules) = answer.cookie();
        assert!(cookie.starts_with("rookery=rk_"), "{cookie}");
        assert_eq!(rules, "Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000");
        assert!(!String::from_utf8_lossy(&answer.body).contains("rk_"), "the page's scripts see the secret");
        assert_eq!(asks(address, &[("cookie", cookie)]).await, Code::Ok);
        assert_eq!(asks(address, &[("cookie", &format!("other=1; {cookie}; more=2"))]).await, Code::Ok);

        let request = v1::SignInRequest { name: "ada".into(), password: PASSWORD.into(), browser: true, ..Default::default() };
        let again = call(address, "AccountService/SignIn", &[], &request).await;
        let (second, _) = again.cookie();
        assert_ne!(second, cookie, "each session has its own");

        // Out: the cookie is taken back and is worth nothing; the other session goes on.
        let out = call(address, "AccountService/SignOut", &[("cookie", cookie)], &v1::SignOutRequest {}).await;
        assert_eq!(out.code(), Code::Ok);
        assert_eq!(out.cookie(), ("rookery=", "Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
        assert_eq!(asks(address, &[("cookie", cookie)]).await, Code::Unauthenticated);
        assert_eq!(asks(address, &[("cookie", second)]).await, Code::Ok);
    }

    async fn a_cookie_counts_for_the_servers_own_pages_alone(backend) {
        let server = Served::start(backend).await;
        let address = server.address;
        let answer = call(address, "AccountService/Register", &[], &newcomer("ada")).await;
        let cookie = answer.cookie().0;
        let own = format!("http://{address}");
        assert_eq!(asks(address, &[("cookie", cookie), ("origin", &own)]).await, Code::Ok);
        for origin in ["https://evil.example", "null", "", "http://127.0.0.1:1"] {
            assert_eq!(asks(address, &[("cookie", cookie), ("origin", origin)]).await, Code::Unauthenticated, "{origin}");
        }
        // Of two nobody knows which is right; a wrong one is none; a token goes before it.
        for wrong in [format!("{cookie}; {cookie}"), "rookery=".into(), "rookery".into(), "rookery=rk_no\u{e9}".into()] {
            assert_eq!(asks(address, &[("cookie", &wrong)]).await, Code::Unauthenticated, "{wrong}");
        }
        let wrong = [("cookie", cookie), ("authorization", "Bearer rk_wrong")];
        assert_eq!(asks(address, &wrong).await, Code::Unauthenticated);

        // Native gRPC has tokens: a cookie is not looked at.
        let mut request = tonic::Request::new(v1::GetUserRequest::default());
        request.metadata_mut().insert("cookie", cookie.parse().unwrap());
        let channel = Endpoint::from_shared(server.url()).unwrap().connect_lazy();
        let refused = UserServiceClient::new(channel).get_user(request).await.unwrap_err();
        assert_eq!(reason(&refused), "UNAUTHENTICATED");
    }

    async fn away_from_loopback_the_cookie_travels_over_tls_alone(backend) {
        let server = Served::start(backend).await;
        let address = server.address;
        let public = ("host", "chat.example.org");
        let answer = call(address, "AccountService/Register", &[public], &newcomer("ada")).await;
        let (cookie, rules) = answer.cookie();
        assert!(cookie.starts_with("__Host-rookery=rk_"), "{cookie}");
        assert_eq!(rules, "Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000; Secure");
        assert_eq!(asks(address, &[public, ("cookie", cookie)]).await, Code::Ok);
        let origin = ("origin", "https://chat.example.org");
        assert_eq!(asks(address, &[public, ("cookie", cookie), origin]).await, Code::Ok);
        // Anybody on the way could have set the other one.
        let plain = cookie.replace("__Host-rookery", "rookery");
        assert_eq!(asks(address, &[public, ("cookie", &plain)]).await, Code::Unauthenticated);
        server.stop().await;

        // So it does on any host where it came by TLS, as a proxy says.
        let server = Served::start(backend).await;
        let by_tls = ("x-forwarded-proto", "https");
        let answer = call(server.address, "AccountService/Register", &[by_tls], &newcomer("ada")).await;
        assert!(answer.cookie().0.starts_with("__Host-rookery=rk_"), "{}", answer.head);

        let server = Served::with(backend, |config| config.plain_cookies = true).await;
        let answer = call(server.address, "AccountService/Register", &[public], &newcomer("ada")).await;
        let (cookie, rules) = answer.cookie();
        assert!(cookie.starts_with("rookery=rk_") && !rules.contains("Secure"), "{cookie}; {rules}");
        assert_eq!(asks(server.address, &[public, ("cookie", cookie)]).await, Code::Ok);
    }
}
