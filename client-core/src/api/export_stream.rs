//! The answer to ExportAccount.

use rookery_api::v1::ExportAccountResponse;
use tonic::Streaming;

use super::Error;

/// The pieces of an archive, in order. Dropped before its end, it stops the export.
#[derive(Debug)]
pub struct ExportStream(Streaming<ExportAccountResponse>);

impl ExportStream {
    pub(super) fn new(stream: Streaming<ExportAccountResponse>) -> Self {
        Self(stream)
    }

    /// The next piece; none at the end. Waits for ever: the caller sets the time limit.
    pub async fn next(&mut self) -> Result<Option<ExportAccountResponse>, Error> {
        self.0.message().await.map_err(Error::from)
    }
}
