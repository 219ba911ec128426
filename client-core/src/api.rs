//! The generated clients over one channel: the token, time limits and readable errors. Knows nothing of state.

mod call;
mod error;
mod event_stream;
mod export_stream;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tonic::{
    Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

pub use error::{Code, Error};
pub use event_stream::EventStream;
pub use export_stream::ExportStream;

/// How long a call may take before its outcome counts as unknown.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pings find a dead connection below an open event stream; the server answers them without waking anything.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Ready of somebody with thousands of conversations is larger than tonic's usual 4 MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// Every call of the protocol, to one server, as one user (or nobody). Cheap to clone; connects with the first call.
#[derive(Clone, Debug)]
pub struct Api {
    inner: Arc<Inner>,
    token: Option<MetadataValue<Ascii>>,
}

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    // Made by the first call and not before: a channel can be made only inside a runtime.
    channel: OnceLock<Channel>,
}

impl Api {
    /// Calls to the server at `url`: `http://` (HTTP/2 without TLS) or `https://`; without either, `http://` is meant
    /// for loopback addresses and `https://` for all others. The error's field is `url` or `token`.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, Error> {
        let url = complete_url(url);
        let invalid = |_| Error::invalid("url", "This is not the address of a server.");
        let mut endpoint = Endpoint::from_shared(url.clone()).map_err(invalid)?;
        if endpoint.uri().host().is_none_or(str::is_empty) {
            return Err(Error::invalid("url", "This is not the address of a server."));
        }
        if url.starts_with("https://") {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(invalid)?;
        }
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let inner = Arc::new(Inner { endpoint, channel: OnceLock::new() });
        Self { inner, token: None }.with_token(token)
    }

    /// The same server and channel, as somebody else.
    pub fn with_token(&self, token: Option<&str>) -> Result<Self, Error> {
        let token = token
            .map(|token| format!("Bearer {token}").parse())
            .transpose()
            .map_err(|_| Error::invalid("token", "This is not a token."))?;
        Ok(Self { inner: self.inner.clone(), token })
    }

    /// The address of the server, complete.
    pub fn url(&self) -> String {
        self.inner.endpoint.uri().to_string().trim_end_matches('/').to_owned()
    }

    fn channel(&self) -> Channel {
        self.inner.channel.get_or_init(|| self.inner.endpoint.connect_lazy()).clone()
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }

    async fn call<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Error> {
        match tokio::time::timeout(CALL_TIMEOUT, call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(status.into()),
            Err(_) => Err(Error::timeout()),
        }
    }
}

fn complete_url(url: &str) -> String {
    let url = url.trim();
    if url.contains("://") {
        return url.to_owned();
    }
    let url = url.trim_end_matches('/');
    let local = ["localhost", "127.", "[::1]"].iter().any(|start| url.starts_with(start));
    format!("{}://{url}", if local { "http" } else { "https" })
}

#[cfg(test)]
mod tests {
    use super::{Api, complete_url};

    #[test]
    fn an_address_without_a_scheme_gets_the_safe_one() {
        assert_eq!(complete_url(" chat.example.org/ "), "https://chat.example.org");
        assert_eq!(complete_url("127.0.0.1:7878"), "http://127.0.0.1:7878");
        assert_eq!(complete_url("http://10.0.0.1:7878"), "http://10.0.0.1:7878");
    }

    #[test]
    fn a_bad_address_is_a_field_error() {
        for url in ["", "a b", "http://", "ht tp://x"] {
            let error = Api::new(url, None).expect_err(url);
            assert_eq!(error.fields[0].0, "url", "{url}");
        }
    }
}
