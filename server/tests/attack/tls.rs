//! TLS by the server itself, and what it refuses to start with.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rookery_client::Code;
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    harness::{Backend, Store},
    request::Client,
    target::Target,
};

/// Who signs the certificates of a test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes a certificate for localhost and its key, as certbot does.
    pub fn sign(&self, folder: &Path) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let [chain, secret] = ["chain.pem", "key.pem"].map(|name| folder.join(name));
        fs::write(&chain, certificate.pem()).unwrap();
        fs::write(&secret, key.serialize_pem()).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        [chain, secret]
    }

    /// Shakes hands with whoever listens there.
    pub async fn connect(
        &self,
        socket: TcpStream,
        versions: &[&'static SupportedProtocolVersion],
        protocol: &[u8],
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
    }
}

/// A server that speaks TLS, and who vouches for it.
pub async fn target(settings: &str) -> (Target, Authority) {
    let authority = Authority::new();
    let folder = Store::new(Backend::Sqlite).await;
    let [chain, key] = authority.sign(&folder.dir);
    let settings = format!("tls_cert = {chain:?}\ntls_key = {key:?}\n{settings}");
    let target = Target::beside(folder, &settings, &[]);
    (target, authority)
}

fn certificate(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The versions of TLS.
pub const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_in_both_versions_of_both_protocols() {
    let (target, authority) = target("").await;
    let socket = async || TcpStream::connect(target.server.address).await.unwrap();
    for version in BOTH {
        let stream = authority.connect(socket().await, &[version], b"h2").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (code, ..) = Client::over(stream).await.call("ServerService/GetServerInfo", &[], &[0; 5]).await;
        assert_eq!(code, Code::Ok);
    }
    let mut stream = authority.connect(socket().await, BOTH, b"http/1.1").await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");

    // Who speaks no TLS gets no answer of ours.
    let mut plain = socket().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_and_no_connection_ends() {
    let (target, authority) = target("").await;
    let open = async || {
        let socket = TcpStream::connect(target.server.address).await.unwrap();
        authority.connect(socket, BOTH, b"h2").await
    };
    let stream = open().await;
    let first = certificate(&stream);
    let mut client = Client::over(stream).await;
    // What cannot be used changes nothing.
    target.server.may_say("the certificate was not renewed");
    fs::write(target.store.dir.join("chain.pem"), "no certificate").unwrap();
    target.server.signal("HUP");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(certificate(&open().await), first);
    authority.sign(&target.store.dir);
    target.server.signal("HUP");
    let begun = std::time::Instant::now();
    while certificate(&open().await) == first {
        assert!(begun.elapsed() < Duration::from_secs(100), "the old certificate is still shown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (code, ..) = client.call("ServerService/GetServerInfo", &[], &[0; 5]).await;
    assert_eq!(code, Code::Ok);
}

/// What the program says when it does not start.
fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rookery-server"));
    let output = program.arg("--data").arg(folder).args(arguments).output().unwrap();
    assert!(!output.status.success(), "it started with {arguments:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_start_where_others_could_listen() {
    let folder = Store::new(Backend::Sqlite).await;
    let said = refusal(&folder.dir, &["--listen", "0.0.0.0:0"]);
    for way in ["--tls-cert", "--tls-key", "proxy", "--allow-plain-text"] {
        assert!(said.contains(way), "{way} is not in {said}");
    }
    let [chain, key] = Authority::new().sign(&folder.dir);
    let (chain, secret) = (chain.to_str().unwrap(), key.to_str().unwrap());
    assert!(refusal(&folder.dir, &["--tls-cert", chain]).contains("--tls-key"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let said = refusal(&folder.dir, &["--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", secret]);
    assert!(said.contains("chmod 600") && said.contains("644"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let other = Store::new(Backend::Sqlite).await;
    let [others, _] = Authority::new().sign(&other.dir);
    let said =
        refusal(&folder.dir, &["--listen", "127.0.0.1:0", "--tls-cert", others.to_str().unwrap(), "--tls-key", secret]);
    assert!(said.contains("is not the certificate's"), "{said}");
}
