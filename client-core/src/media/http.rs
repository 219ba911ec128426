//! Plain HTTP to the one server: its own TLS rules, the token, time limits that a slow line does not break, errors.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue, RETRY_AFTER},
    redirect,
};
use rookery_api::v1;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{fs::File, io::AsyncReadExt, time::timeout};

use super::record;
use crate::api::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// So long nothing may move at all. The server takes its time over a large picture.
const STALL: Duration = Duration::from_secs(60);
/// Answers that are no files are short.
const LONGEST_ANSWER: u64 = 64 << 10;
const CHUNK: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    url: String,
    token: HeaderValue,
}

impl Http {
    pub fn new(url: &str, token: &str) -> Result<Self, Error> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Error::invalid("token", "This is not a token."))?;
        token.set_sensitive(true);
        let tls = tls(url.starts_with("https://"))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            // Whoever else it may be does not get the token.
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|error| Error::invalid("url", &error.to_string()))?;
        Ok(Self { client, url: url.to_owned(), token })
    }

    /// What is at a path, once the server has agreed to give it.
    pub async fn get(&self, path: &str) -> Result<Body, Error> {
        let request = self.client.get(format!("{}{path}", self.url)).header(AUTHORIZATION, self.token.clone());
        let response = timeout(STALL, request.send()).await.map_err(|_| Error::timeout())?.map_err(broken)?;
        checked(response).await
    }

    /// Puts a file there.
    pub async fn post(
        &self,
        name: &str,
        size: u64,
        content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<v1::Media, Error> {
        let moved = Arc::new(AtomicU64::new(0));
        let counter = moved.clone();
        let content = content.inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let request = self
            .client
            .post(format!("{}/media", self.url))
            .header(AUTHORIZATION, self.token.clone())
            .header("x-rookery-name", utf8_percent_encode(name, NON_ALPHANUMERIC).to_string())
            .header(CONTENT_LENGTH, size)
            .body(reqwest::Body::wrap_stream(content));
        let mut sending = pin!(request.send());
        let mut seen = 0;
        let response = loop {
            match timeout(STALL, &mut sending).await {
                Ok(response) => break response.map_err(broken)?,
                Err(_) => {
                    let now = moved.load(Ordering::Relaxed);
                    if std::mem::replace(&mut seen, now) == now {
                        return Err(Error::timeout());
                    }
                }
            }
        };
        let answer = checked(response).await?.collect(LONGEST_ANSWER).await?;
        record::read(&answer).ok_or_else(Error::incomplete)
    }
}

/// The same authorities as for the calls, and the one provider: the process need not have chosen it.
fn tls(secure: bool) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    if secure {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("url", &error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The content of an answer.
pub(super) struct Body(Response);

impl Body {
    /// The next part of it; none at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        timeout(STALL, self.0.chunk()).await.map_err(|_| Error::timeout())?.map_err(broken)
    }

    /// All of it. More than `most` is not what was asked for.
    pub async fn collect(mut self, most: u64) -> Result<Bytes, Error> {
        let told = self.0.content_length().unwrap_or(0).min(most);
        let mut all = BytesMut::with_capacity(usize::try_from(told).unwrap_or(0));
        while let Some(bytes) = self.next().await? {
            if (all.len() + bytes.len()) as u64 > most {
                return Err(Error::incomplete());
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }
}

async fn checked(response: Response) -> Result<Body, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(Body(response));
    }
    let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
    // Without its words the status has to do.
    let words = Body(response).collect(LONGEST_ANSWER).await.unwrap_or_default();
    Err(Error::from_http(status.as_u16(), after.map(Duration::from_secs), &words))
}

fn broken(_: reqwest::Error) -> Error {
    // Its own words mean nothing to people.
    Error::unreachable()
}

/// Bytes as content.
pub(super) fn whole(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter([Ok(bytes)])
}

/// A file as content.
pub(super) fn read(
    file: File,
    progress: impl FnMut(u64) + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold((file, 0, progress), |(mut file, sent, mut progress)| async move {
        let mut bytes = BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut bytes).await?;
        let sent = sent + read as u64;
        progress(sent);
        Ok((read > 0).then(|| (bytes.freeze(), (file, sent, progress))))
    })
}
