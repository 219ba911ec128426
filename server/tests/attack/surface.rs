//! D16: what an address off loopback shows is what the configuration opened.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use rookery_client::{Api, Code, v1};
use tokio::net::TcpStream;

use crate::{
    harness::{Backend, Process, Store, tool},
    request::http,
    target::free_port,
};

/// What this machine is called by others; nothing is sent.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

/// Whether grpcurl is told the methods there, and what it prints.
async fn described(address: SocketAddr) -> (bool, String) {
    let mut grpcurl = tokio::process::Command::new(tool("ROOKERY_TEST_GRPCURL"));
    let output = grpcurl.args(["-plaintext", &address.to_string(), "list"]).output().await.unwrap();
    (output.status.success(), format!("{output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_others_reach_what_was_opened_and_nothing_else() {
    let Some(own) = own_address() else {
        println!("this machine has no address but loopback: looked at from there");
        return surface(Ipv4Addr::LOCALHOST.into()).await;
    };
    surface(own).await;
}

async fn surface(own: std::net::IpAddr) {
    for reflection in [true, false] {
        let metrics = free_port().await;
        let store = Store::new(Backend::Sqlite).await;
        let settings = format!("allow_plain_text = true\nreflection = {reflection}\nmetrics = \"{metrics}\"\n");
        std::fs::write(store.dir.join("rookery.toml"), settings).unwrap();
        let server = Process::under(&store, &[], "0.0.0.0:0");
        let there = SocketAddr::new(own, server.address.port());

        let api = Api::new(&format!("http://{there}"), None).unwrap();
        api.get_server_info(v1::GetServerInfoRequest::default()).await.unwrap();
        let refused = api.list_users(v1::ListUsersRequest::default()).await.unwrap_err();
        assert_eq!(refused.code, Code::Unauthenticated, "{refused:?}");
        let (told, said) = described(there).await;
        assert_eq!(told, reflection, "{said}");
        assert_eq!(said.contains("rookery.v1.MessageService"), reflection, "{said}");

        for path in ["/metrics", "/debug/pprof", "/debug", "/health", "/rookery.db", "/../rookery.db", "/media/"] {
            let answer = http(there, &format!("GET {path} HTTP/1.1"), b"").await;
            assert!(!answer.contains("rookery_") && !answer.contains("SQLite format"), "{path}: {answer}");
        }
        if !own.is_loopback() {
            let elsewhere = TcpStream::connect(SocketAddr::new(own, metrics.port())).await;
            assert!(elsewhere.is_err(), "metrics are told off loopback, where nobody asked for it");
        }
        let counted = http(metrics, "GET /metrics HTTP/1.1", b"").await;
        assert!(counted.contains("rookery_connections"), "{counted}");
    }
}
