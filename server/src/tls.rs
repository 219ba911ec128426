//! TLS by rustls, with a certificate that may be renewed on the disk while the server runs.

use std::{
    fmt, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Speaks TLS with clients.
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

impl Tls {
    /// TLS with a certificate chain and its key, both as PEM.
    pub fn open(chain: &Path, key: &Path) -> Result<Self, String> {
        let certificate = Arc::new(Certificate::open(chain, key)?);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS could not be set up: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Shakes hands with a client.
    pub async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(socket).await
    }

    /// Reads the files again whenever they change, and on SIGHUP. New connections get the new certificate; what cannot be
    /// used is said, and the old one stays.
    pub async fn renew(self: Arc<Self>) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::error!(%error, "the certificate will not be read again"),
        };
        let mut timer = tokio::time::interval(LOOK);
        loop {
            let asked = tokio::select! {
                _ = timer.tick() => false,
                _ = hangup.recv() => true,
            };
            match self.certificate.refresh(asked) {
                Ok(true) => tracing::info!("the certificate was read again"),
                Ok(false) => {}
                Err(error) => tracing::error!(error, "the certificate was not renewed; the one before it stays"),
            }
        }
    }
}

/// A certificate with its files.
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// The files as they were when they were last read, well or not.
    seen: Mutex<[Option<Stamp>; 2]>,
}

/// What tells one state of a file from another: its number, size and time.
type Stamp = (u64, u64, i64, i64);

impl Certificate {
    fn open(chain: &Path, key: &Path) -> Result<Self, String> {
        let seen = Mutex::new([chain, key].map(stamp));
        let current = RwLock::new(Arc::new(read(chain, key)?));
        Ok(Self { chain: chain.into(), key: key.into(), current, seen })
    }

    /// Reads the files if they have changed, or at any rate. Whether they were read.
    fn refresh(&self, at_any_rate: bool) -> Result<bool, String> {
        let now = [&self.chain, &self.key].map(|path| stamp(path));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now && !at_any_rate {
            return Ok(false);
        }
        *seen = now;
        drop(seen);
        let renewed = Arc::new(read(&self.chain, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let says = |path: &Path, error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let certificates: Vec<CertificateDer> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| format!("the certificate cannot be read from {}", says(chain, &error)))?;
    if certificates.is_empty() {
        return Err(format!("there is no certificate in {}", chain.display()));
    }
    let mode = std::fs::metadata(key)
        .map_err(|error| format!("the certificate's key cannot be read from {}", says(key, &error)))?
        .mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "the key {} may be read by others than its owner (mode {:o}); run: chmod 600 {0}",
            key.display(),
            mode & 0o777
        ));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("the certificate's key cannot be read from {}", says(key, &error)))?;
    let secret = ring::sign::any_supported_type(&secret)
        .map_err(|error| format!("the key cannot be used: {}", says(key, &error)))?;
    let both = CertifiedKey::new(certificates, secret);
    both.keys_match()
        .map_err(|error| format!("the key {} is not the certificate's in {}", key.display(), says(chain, &error)))?;
    Ok(both)
}
