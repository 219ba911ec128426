//! The answer to Subscribe.

use rookery_api::v1::SubscribeResponse;
use tonic::Streaming;

use super::Error;

/// The events of one Subscribe call, in order.
#[derive(Debug)]
pub struct EventStream(Streaming<SubscribeResponse>);

impl EventStream {
    pub(super) fn new(stream: Streaming<SubscribeResponse>) -> Self {
        Self(stream)
    }

    /// The next event; none when the server ended the stream in order. Waits for ever: the caller sets the time limit.
    pub async fn next(&mut self) -> Result<Option<SubscribeResponse>, Error> {
        self.0.message().await.map_err(Error::from)
    }
}
