//! The wire itself: other people's tools, gRPC-web, HTTP beside it, and the bytes of the event stream.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use prost::Message;
use rookery_client::v1;
use rookery_server::domain::ctx::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;

use crate::{
    harness::{Backend, PASSWORD, Person, Served, Store, tool},
    listener::Listener,
    on_both,
    raw::{Raw, reason},
};

/// Says something over HTTP/1.1; answers the head in lower case, and the body as it came.
pub async fn http(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end + 4..].to_vec())
}

/// A call in gRPC-web over HTTP/1.1.
async fn web(address: SocketAddr, method: &str, token: &str, request: &impl Message) -> (String, Vec<u8>) {
    let message = request.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let head =
        format!("POST /rookery.v1.{method} HTTP/1.1\r\ncontent-type: application/grpc-web+proto\r\nx-grpc-web: 1");
    let head = format!("{head}\r\nauthorization: Bearer {token}");
    http(address, &head, &body).await
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Runs a tool to its end: whether it was content, and all that it said.
async fn run(variable: &str, arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new(tool(variable)).args(arguments).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Waits for a line of a program that does not end by itself, then ends it.
fn line_of(mut command: Command, wanted: &str) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.map_while(Result::ok).find(|line| line.contains(wanted));
    child.kill().unwrap();
    child.wait().unwrap();
    found.unwrap_or_else(|| panic!("{wanted} did not come"))
}

/// Registers, sends and reads the stream with buf, which knows nothing of us but what the server or the files tell.
async fn speaks_with_buf(flags: &[&str]) {
    let server = Served::start(Backend::Sqlite).await;
    let call = |method: &str, data: String, token: &str| {
        let url = format!("{}/rookery.v1.{method}", server.url());
        let mut arguments: Vec<String> = vec!["curl".into()];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        arguments.extend(["-d".into(), data]);
        if !token.is_empty() {
            arguments.extend(["-H".into(), format!("authorization: Bearer {token}")]);
        }
        arguments.push(url);
        arguments
    };
    let answer = |arguments: Vec<String>| async move {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run("ROOKERY_TEST_BUF", &words).await
    };
    let register = format!(r#"{{"name": "ada", "password": "{PASSWORD}"}}"#);
    let (content, said) = answer(call("AccountService/Register", register.clone(), "")).await;
    assert!(content, "{said}");
    let token = said.split("\"token\":").nth(1).unwrap().split('"').nth(1).unwrap().to_owned();
    let send = r#"{"conversation_id": 1, "text": "héllo from buf"}"#;
    let (content, said) = answer(call("MessageService/SendMessage", send.into(), &token)).await;
    assert!(content && said.contains("héllo from buf"), "{said}");
    let (content, said) = answer(call("AccountService/Register", register, "")).await;
    assert!(!content && said.contains("already_exists") && said.contains("this name is taken"), "{said}");
    let mut subscribe = Command::new(tool("ROOKERY_TEST_BUF"));
    subscribe.args(call("EventService/Subscribe", r#"{"cursors": {"1": 0}}"#.into(), &token));
    let heard = tokio::task::spawn_blocking(move || line_of(subscribe, "héllo from buf")).await.unwrap();
    assert!(heard.contains("text"), "{heard}");
}

fn protos() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto").to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn buf_speaks_grpc_by_reflection() {
    speaks_with_buf(&["--protocol", "grpc", "--http2-prior-knowledge"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buf_speaks_grpc_web_by_reflection() {
    speaks_with_buf(&["--protocol", "grpcweb", "--http2-prior-knowledge"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buf_speaks_grpc_web_over_the_http_of_browsers() {
    speaks_with_buf(&["--protocol", "grpcweb", "--schema", &protos(), "--reflect=false"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_describes_itself_to_old_and_new_tools() {
    let server = Served::start(Backend::Sqlite).await;
    let (address, url) = (server.address.to_string(), server.url());
    // grpcurl asks for v1alpha, buf for v1.
    let (content, said) = run("ROOKERY_TEST_GRPCURL", &["-plaintext", &address, "list"]).await;
    assert!(content, "{said}");
    for service in ["rookery.v1.MessageService", "rookery.v1.EventService", "grpc.health.v1.Health"] {
        assert!(said.contains(service), "{said}");
    }
    let (content, said) =
        run("ROOKERY_TEST_GRPCURL", &["-plaintext", &address, "describe", "rookery.v1.SendMessageRequest"]).await;
    assert!(
        content && said.contains("string text = 2") && said.contains("stored and returned byte for byte"),
        "{said}"
    );
    let (content, said) =
        run("ROOKERY_TEST_BUF", &["curl", "--list-methods", "--protocol", "grpc", "--http2-prior-knowledge", &url])
            .await;
    assert!(content && said.contains("rookery.v1.MessageService/SendMessage"), "{said}");
    // Details of an error are told in words, by reflection too.
    let (content, said) = run(
        "ROOKERY_TEST_GRPCURL",
        &["-plaintext", "-d", r#"{"name": "a"}"#, &address, "rookery.v1.AccountService/Register"],
    )
    .await;
    assert!(!content && said.contains("Code: InvalidArgument"), "{said}");
    for part in ["google.rpc.ErrorInfo", r#""reason":"INVALID_FIELD""#, r#""domain":"rookery""#, r#""field":"name""#] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let (content, said) = run("ROOKERY_TEST_GRPCURL", &["-plaintext", &address, "grpc.health.v1.Health/Check"]).await;
    assert!(content && said.contains("SERVING"), "{said}");
    server.stop().await;
    let closed = Served::with(Backend::Sqlite, |config| config.reflection = false).await;
    let (content, said) = run("ROOKERY_TEST_GRPCURL", &["-plaintext", &closed.address.to_string(), "list"]).await;
    assert!(!content && said.contains("does not support the reflection API"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_web_works_over_http_1() {
    let server = Served::start(Backend::Sqlite).await;
    let ada = server.user("ada").await;
    let send = v1::SendMessageRequest { conversation_id: 1, text: "from a browser".into(), ..Default::default() };
    let (head, body) = web(server.address, "MessageService/SendMessage", &ada.token, &send).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/grpc-web+proto"), "{head}");
    assert!(contains(&body, b"from a browser") && contains(&body, b"grpc-status:0"), "{}", body.escape_ascii());
    assert_eq!(ada.messages(1).await[0].text, "from a browser");
    let (head, _) = web(server.address, "MessageService/SendMessage", "", &send).await;
    assert!(head.contains("grpc-status: 16") && head.contains("grpc-status-details-bin: "), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_is_unimplemented_in_every_protocol() {
    let server = Served::start(Backend::Sqlite).await;
    let raw = Raw::new(server.address);
    for method in ["MessageService/Shout", "NoService/Nothing"] {
        let status = raw.call(None, method, Vec::new()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "UNIMPLEMENTED"), "{method}");
        let (head, _) = web(server.address, method, "", &v1::GetServerInfoRequest {}).await;
        assert!(head.starts_with("http/1.1 200") && head.contains("grpc-status: 12"), "{method}: {head}");
        assert!(head.contains("content-type: application/grpc-web+proto"), "{method}: {head}");
        assert!(head.contains("grpc-status-details-bin: "), "{method}: {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_tells_of_health() {
    let server = Served::start(Backend::Sqlite).await;
    for (path, status, word) in
        [("/healthz", "200", "ok"), ("/readyz", "200", "ready"), ("/nothing.txt", "404", "nothing")]
    {
        let (head, body) = http(server.address, &format!("GET {path} HTTP/1.1"), b"").await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{path}: {head}");
        assert!(contains(&body, word.as_bytes()), "{path}: {}", body.escape_ascii());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bearer_token_counts_and_nothing_else() {
    let server = Served::start(Backend::Sqlite).await;
    let ada = server.user("ada").await;
    let request = v1::GetUserRequest::default();
    let call = async |headers: &str| {
        let message = request.encode_to_vec();
        let mut body = vec![0];
        body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        let head = format!(
            "POST /rookery.v1.UserService/GetUser HTTP/1.1\r\ncontent-type: application/grpc-web+proto{headers}"
        );
        http(server.address, &head, &body).await
    };
    let token = &ada.token;
    for good in [format!("\r\nauthorization: Bearer {token}"), format!("\r\nauthorization: bearer {token}")] {
        let (_, body) = call(&good).await;
        assert!(contains(&body, b"grpc-status:0"), "{good}");
    }
    for bad in [
        String::new(),
        format!("\r\nauthorization: Bearer {token}\r\nauthorization: Bearer {token}"),
        format!("\r\nauthorization: Bearer x\r\nauthorization: Bearer {token}"),
        format!("\r\nauthorization: Basic {token}"),
        format!("\r\nauthorization: {token}"),
        format!("\r\nauthorization: Bearer {token}, Bearer {token}"),
        format!("\r\ncookie: authorization={token}"),
        "\r\nauthorization: Bearer \u{e9}".into(),
    ] {
        let (head, _) = call(&bad).await;
        assert!(head.contains("grpc-status: 16"), "{bad}: {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_is_said_of_the_caller_the_token_says_who_it_is() {
    let server = Served::start(Backend::Sqlite).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let path = "/rookery.v1.UserService/GetUser";
    // Also to another host: what a call's target says of it goes before its field.
    for target in [path.to_owned(), format!("http://elsewhere.example{path}")] {
        for forged in [
            format!("x-user-id: {}\r\nx-forwarded-user: ada\r\nremote-user: ada", ada.id),
            format!("proxy-authorization: Bearer {0}\r\nx-authorization: Bearer {0}", ada.token),
            "x-forwarded-for: 192.0.2.7, 127.0.0.1\r\nx-real-ip: 127.0.0.1\r\nx-forwarded-proto: https".into(),
            "x-forwarded-host: elsewhere.example\r\nhost: elsewhere.example".into(),
            "forwarded: for=127.0.0.1;host=elsewhere.example;proto=https".into(),
        ] {
            let head = format!("POST {target} HTTP/1.1\r\ncontent-type: application/grpc-web+proto\r\n{forged}");
            let (answer, body) = http(server.address, &head, &[0; 5]).await;
            assert!(answer.contains("grpc-status: 16") && !contains(&body, b"ada"), "{forged}: {answer}");
            let (answer, body) =
                http(server.address, &format!("{head}\r\nauthorization: Bearer {}", bob.token), &[0; 5]).await;
            assert!(contains(&body, b"grpc-status:0") && contains(&body, b"bob"), "{forged}: {answer}");
            assert!(!contains(&body, b"ada"), "{forged}: {}", body.escape_ascii());
        }
    }
}

/// What one reader hears of a small story, but for what is random.
async fn story(backend: Backend, plain_streams: bool) -> (Vec<v1::SubscribeResponse>, rookery_client::Error) {
    let store = Store::new(backend).await;
    let config = rookery_server::config::Config { plain_streams, ..store.config() };
    let server = Served::serve(store, &config, Clock::new(|| 1_800_000_000_000)).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let say = async |person: &Person, conversation_id, n: u8| {
        let request_id = format!("00000000-0000-4000-8000-0000000000{n:02x}");
        let request =
            v1::SendMessageRequest { conversation_id, text: format!("message {n}"), request_id, ..Default::default() };
        person.api.send_message(request).await.unwrap();
    };
    for n in 0..50 {
        say(&ada, 1, n).await;
    }
    let mut ears = Listener::from(&bob, 1, 0).await;
    let mut heard = std::mem::take(&mut ears.replayed);
    let group = ada.group("g", &[&bob], false).await;
    for n in 50..60 {
        say(&ada, group, n).await;
    }
    crate::typing::types(&bob, group, false).await;
    bob.api.mark_read(v1::MarkReadRequest { conversation_id: group, id: 5 }).await.unwrap();
    // What a stream has not read yet when its user is removed, it is not sent any more.
    while !heard.iter().any(|response| response.conversation_id == group && response.position >= 11) {
        heard.push(ears.numbered().await);
    }
    ada.api.remove_member(v1::RemoveMemberRequest { conversation_id: group, user_id: bob.id }).await.unwrap();
    let told = |heard: &[v1::SubscribeResponse]| {
        heard
            .iter()
            .any(|r| matches!(&r.event, Some(v1::Event { kind: Some(v1::event::Kind::ConversationRemoved(_)) })))
    };
    while !told(&heard) {
        heard.push(ears.numbered().await);
    }
    bob.api.sign_out(v1::SignOutRequest {}).await.unwrap();
    // What is numbered is told for certain; hints, and what a live stream and a replay tell in their own moment, are not.
    // The user's own events and a conversation's come in no fixed order to each other.
    heard.retain(|response| response.position > 0);
    heard.sort_by_key(|response| (response.conversation_id, response.position));
    (heard, ears.end().await)
}

on_both! {
    async fn the_stream_is_the_same_however_it_is_encoded(backend) {
        let (own, own_end) = story(backend, false).await;
        let (plain, plain_end) = story(backend, true).await;
        assert!(own.len() > 60, "{}", own.len());
        assert_eq!(own, plain);
        assert_eq!(own_end, plain_end);
    }

    async fn a_plain_stream_refuses_as_the_other_does(backend) {
        let server = Served::with(backend, |config| config.plain_streams = true).await;
        let ada = server.user("ada").await;
        let raw = Raw::new(server.address);
        let status = raw.call(None, "EventService/Subscribe", Vec::new()).await.unwrap_err();
        assert_eq!(reason(&status), "UNAUTHENTICATED");
        let request = v1::SubscribeRequest { only: vec![9], ..Default::default() };
        let status = raw.send(Some(&ada.token), "EventService/Subscribe", &request).await.unwrap_err();
        assert_eq!(reason(&status), "INVALID_FIELD");
        let status = raw.call(Some(&ada.token), "EventService/Subscribe", vec![0xff; 9]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    }
}
