//! Requests that are wrong in themselves: F09 to F12, F18, and heads with too much in them.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use prost::Message;
use rookery_client::{Code, v1};
use sqlx::Connection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{Person, in_full},
    target::{Bystander, Target},
};

/// One connection, by the h2 library.
pub struct Client(h2::client::SendRequest<Bytes>);

impl Client {
    pub async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static>(socket: S) -> Self {
        let (client, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        Self(client)
    }

    async fn ask(&self, method: &str, fields: &[(&str, &str)], body: &[u8]) -> Response<h2::RecvStream> {
        let mut request = Request::builder().method(Method::POST).uri(format!("https://localhost/rookery.v1.{method}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        request.headers_mut().entry("content-type").or_insert(HeaderValue::from_static("application/grpc"));
        request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
        let (answer, mut sender) = self.0.clone().ready().await.unwrap().send_request(request, false).unwrap();
        // It may be refused before it is whole.
        let _ = sender.send_data(Bytes::copy_from_slice(body), true);
        answer.await.unwrap()
    }

    /// Calls a method that answers a stream.
    pub async fn stream(&self, method: &str, fields: &[(&str, &str)], body: &[u8]) -> h2::RecvStream {
        self.ask(method, fields, body).await.into_body()
    }

    /// Calls a method of rookery.v1 with bare bytes; answers the status, its message, and the body.
    pub async fn call(&mut self, method: &str, fields: &[(&str, &str)], body: &[u8]) -> (Code, String, Vec<u8>) {
        let answer = self.ask(method, fields, body).await;
        let head = answer.headers().clone();
        let mut stream = answer.into_body();
        let mut bytes = Vec::new();
        while let Some(Ok(data)) = stream.data().await {
            let _ = stream.flow_control().release_capacity(data.len());
            bytes.extend_from_slice(&data);
        }
        let trailers = stream.trailers().await.ok().flatten().unwrap_or_default();
        let text = |headers: &HeaderMap, name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let of = |name: &str| text(&head, name).or_else(|| text(&trailers, name));
        let code = of("grpc-status").unwrap_or_else(|| panic!("no status: {head:?} {trailers:?}"));
        (Code::from(code.parse::<i32>().unwrap()), of("grpc-message").unwrap_or_default(), bytes)
    }
}

/// Reads a stream until some bytes are in it.
pub async fn until(stream: &mut h2::RecvStream, wanted: &[u8]) {
    let mut all = Vec::new();
    let read = async {
        while !all.windows(wanted.len()).any(|window| window == wanted) {
            let data: Bytes = stream.data().await.expect("the stream goes on").unwrap();
            let _ = stream.flow_control().release_capacity(data.len());
            all.extend_from_slice(&data);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("it does not come");
}

/// A message behind its prefix.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    [&[0][..], &u32::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_what_is_too_large_is_refused_before_it_is_kept() {
    let target = Target::start().await;
    let mut client = Client::open(target.server.address).await;
    let (code, ..) = client.call("ServerService/GetServerInfo", &[], &[0; 5]).await;
    assert_eq!(code, Code::Ok);
    let before = target.memory();
    let mut large = vec![0, 0, 0x50, 0, 0];
    large.resize(5 << 20, 7);
    for body in [&large[..], &[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]] {
        let (code, message, _) = client.call("ServerService/GetServerInfo", &[], body).await;
        assert_eq!(code, Code::ResourceExhausted, "{message}");
    }
    let (code, ..) = client.call("ServerService/GetServerInfo", &[], &[0; 5]).await;
    assert_eq!(code, Code::Ok, "the connection goes on");
    target.grew_at_most(before, if in_full() { 1 } else { 8 }, "F09");
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_what_is_no_message_is_refused_and_the_connection_goes_on() {
    let target = Target::start().await;
    let mut client = Client::open(target.server.address).await;
    let get = "UserService/GetUsers";
    for (fields, body, expected) in [
        (&[][..], &[0, 0, 0, 0, 3, 0xff, 0xff, 0xff][..], Code::InvalidArgument),
        (&[], &[7, 0, 0, 0, 0], Code::InvalidArgument),
        (&[], &[1, 0, 0, 0, 0], Code::InvalidArgument),
        (&[], b"no message at all, and longer than its prefix", Code::InvalidArgument),
        (&[("grpc-encoding", "gzip")], &[1, 0, 0, 0, 2, 0x1f, 0x8b], Code::Unimplemented),
        (&[("grpc-encoding", "nonsense")], &[1, 0, 0, 0, 1, 1], Code::Unimplemented),
    ] {
        let (code, message, _) = client.call(get, fields, body).await;
        assert_eq!(code, expected, "{fields:?} {body:?}: {message}");
    }
    let (code, ..) = client.call(get, &[], &[0; 5]).await;
    assert_eq!(code, Code::Unauthenticated, "the connection goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_with_too_many_fields_is_refused_cleanly() {
    let target = Target::start().await;
    let mut client = Client::open(target.server.address).await;
    let names: Vec<String> = (0..80).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let (code, message, _) = client.call("ServerService/GetServerInfo", &many, &[0; 5]).await;
    assert_eq!(code, Code::ResourceExhausted, "{message}");
    let (code, ..) = client.call("ServerService/GetServerInfo", &many[..50], &[0; 5]).await;
    assert_eq!(code, Code::Ok);
    let large = "y".repeat(9000);
    for fields in [many.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect(), format!("x: {large}\r\n")]
    {
        let head = http(target.server.address, &format!("GET /healthz HTTP/1.1\r\n{fields}"), b"").await;
        assert!(head.starts_with("HTTP/1.1 431"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_write_whose_caller_has_no_more_time_is_there_wholly_and_once() {
    let target = Target::start().await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let mut client = Client::open(target.server.address).await;
    // Somebody else holds the database, so that the write takes longer than its caller waits.
    let file = format!("sqlite://{}", target.store.dir.join("rookery.db").display());
    let mut other = sqlx::SqliteConnection::connect(&file).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let request_id = "00000000-0000-4000-8000-000000000001";
    let send = v1::SendMessageRequest {
        conversation_id: 1,
        text: "late".into(),
        request_id: request_id.into(),
        ..Default::default()
    };
    let token = format!("Bearer {}", ada.token);
    let fields = [("authorization", token.as_str()), ("grpc-timeout", "300m")];
    let (code, message, _) = client.call("MessageService/SendMessage", &fields, &framed(&send)).await;
    assert_eq!(code, Code::DeadlineExceeded, "{message}");
    if !in_full() {
        // The server's own patience is a second here; with the settings as they are the database's ends before it.
        let (code, message, _) = client.call("MessageService/SendMessage", &fields[..1], &framed(&send)).await;
        assert_eq!(code, Code::Unavailable, "{message}");
    }
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    let again = ada.api.send_message(send).await.unwrap().message.unwrap();
    let texts: Vec<_> = ada.messages(1).await.into_iter().filter(|message| message.text == "late").collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(texts[0].id, again.id);
}

/// Says something over HTTP/1.1; answers all that comes.
pub async fn http(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{}\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n", head.trim_end());
    // It may be refused before it is whole.
    let _ = socket.write_all(&[head.as_bytes(), body].concat()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_grpc_web_that_is_none_is_refused() {
    let target = Target::start().await;
    let others = Bystander::start(&target).await;
    let path = "/rookery.v1.ServerService/GetServerInfo";
    let post = |kind: &str| format!("POST {path} HTTP/1.1\r\ncontent-type: {kind}");
    let web = "application/grpc-web+proto";
    let repeat = if in_full() { 100 } else { 3 };
    for _ in 0..repeat {
        for (head, body, wanted) in [
            (post("text/plain"), &[0; 5][..], "HTTP/1.1 4"),
            (post("application/json"), b"{}", "HTTP/1.1 4"),
            (post("application/grpc-websocket"), &[0; 5], "HTTP/1.1 4"),
            (format!("POST {path} HTTP/1.1"), &[0; 5], "HTTP/1.1 4"),
            (format!("GET {path} HTTP/1.1\r\ncontent-type: {web}"), b"", "HTTP/1.1"),
            (format!("OPTIONS {path} HTTP/1.1\r\norigin: https://evil.example"), b"", "HTTP/1.1 4"),
            (post("application/grpc-web-text"), b"no base64!!", "grpc-status"),
            (post("application/grpc-web-text"), b"AAAAA", "grpc-status"),
            (post(web), b"", "grpc-status"),
            (post(web), &[0, 0, 0, 0, 9, 1], "grpc-status"),
            // Trailers in a request.
            (post(web), &[0x80, 0, 0, 0, 3, b'a', b':', b'b'], "grpc-status"),
            (post(web), &[vec![0x80, 0, 4, 0, 0], vec![b'x'; 1 << 18]].concat(), "grpc-status"),
        ] {
            let answer = http(target.server.address, &head, body).await;
            assert!(answer.to_lowercase().contains(&wanted.to_lowercase()), "{head}: {answer}");
            assert!(!answer.contains("grpc-status: 0") && !answer.contains("grpc-status:0"), "{head}: {answer}");
            assert!(!answer.contains("grpc-status: 2\r") && !answer.contains("grpc-status: 13"), "{head}: {answer}");
            assert!(!answer.to_lowercase().contains("access-control"), "{head}: {answer}");
        }
    }
    others.was_served("F18").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_panic_is_one_calls_affair() {
    let metrics = crate::target::free_port().await;
    let services = ["Server", "Account", "User", "Admin", "Conversation", "Message", "Media", "Gif", "Event"];
    let methods = [
        "GetServerInfo",
        "SignIn",
        "GetUser",
        "Announce",
        "OpenDirect",
        "SendMessage",
        "GetMedia",
        "SearchGifs",
        "SetView",
    ];
    // Register, and the streams that go on.
    let fail = format!("call=3*off->{}*panic->off", services.len());
    let target = Target::failing(&format!("metrics = \"{metrics}\"\n"), &fail).await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let mut stream = ada.api.subscribe(v1::SubscribeRequest::default()).await.unwrap();
    let mut client = Client::open(target.server.address).await;
    let token = format!("Bearer {}", ada.token);
    let mut beside = client.stream("EventService/Subscribe", &[("authorization", &token)], &[0; 5]).await;
    for (service, method) in services.iter().zip(methods) {
        let (code, message, _) = client.call(&format!("{service}Service/{method}"), &[], &[0; 5]).await;
        assert_eq!(code, Code::Internal, "{service}: {message}");
        assert!(!message.contains("panic") && !message.contains(".rs"), "{message}");
    }
    ada.say(1, "still here").await;
    loop {
        let heard = stream.next().await.unwrap().expect("the stream goes on");
        if format!("{heard:?}").contains("still here") {
            break;
        }
    }
    // And the one on the very connection.
    until(&mut beside, b"still here").await;
    let counted = http(metrics, "GET /metrics HTTP/1.1", b"").await;
    assert!(counted.contains(&format!("rookery_panics_total {}\n", services.len())), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_panic_in_the_writer_is_one_changes_affair() {
    let target = Target::failing("", "inserted=1*off->1*panic->off").await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let send = v1::SendMessageRequest {
        conversation_id: 1,
        // Stored as one of a group, which a plain text alone is not.
        text: "for @ada".into(),
        request_id: "00000000-0000-4000-8000-000000000002".into(),
        ..Default::default()
    };
    let refused = ada.api.send_message(send.clone()).await.unwrap_err();
    assert_eq!(refused.code, Code::Internal, "{refused:?}");
    let sent = ada.api.send_message(send).await.unwrap().message.unwrap();
    let messages: Vec<_> = ada.messages(1).await.into_iter().filter(|message| message.text == "for @ada").collect();
    assert_eq!(messages.iter().map(|message| message.id).collect::<Vec<_>>(), [sent.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_told_on_their_own_port_alone() {
    let metrics = crate::target::free_port().await;
    let target = Target::with(&format!("metrics = \"{metrics}\"\n"), &[]).await;
    let ada = Person::register(&target.server.url(), "ada").await;
    let mut stream = ada.api.subscribe(v1::SubscribeRequest::default()).await.unwrap();
    ada.say(1, "counted").await;
    while !format!("{:?}", stream.next().await.unwrap()).contains("counted") {}
    let counted = http(metrics, "GET /metrics HTTP/1.1", b"").await;
    for line in [
        "rookery_connections 1",
        "rookery_streams 1",
        "rookery_people 1",
        "rookery_messages_total 1",
        "rookery_panics_total 0",
        "rookery_calls_total{method=\"AccountService/Register\",code=\"OK\"} 1",
        "rookery_write_seconds_count ",
        "rookery_commit_commands_bucket{le=\"1\"} ",
        "process_resident_memory_bytes ",
    ] {
        assert!(counted.contains(&format!("\n{line}")), "{line} is not in {counted}");
    }
    // What docs/metrics.md does not explain is not told, and what it explains is.
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).unwrap();
    for line in counted.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(docs.contains(&format!("`{name}`")), "docs/metrics.md does not explain {name}");
    }
    let page = http(target.server.address, "GET /metrics HTTP/1.1", b"").await;
    assert!(!page.contains("rookery_connections"), "{page}");
}
