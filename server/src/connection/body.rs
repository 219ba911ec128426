//! A request's body that must keep coming: whoever lets it dribble holds a call, a connection and memory for as long as she
//! likes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::call::Notes;

/// So much, or the end, comes within the time for a body: two kilobytes a second, where that is thirty.
const PIECE: usize = 64 * 1024;

/// The client let its request's body dribble.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the request's body came too slowly")]
pub struct TooSlow;

/// A body under a time limit.
pub struct Timed {
    body: Incoming,
    notes: Arc<Notes>,
    limit: Duration,
    /// What came since the clock was set, and the clock; there is none while nobody had to wait.
    came: usize,
    clock: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// A body of which a piece, or the end, must come within each `limit`.
    pub fn new(body: Incoming, notes: Arc<Notes>, limit: Duration) -> Self {
        if body.is_end_stream() {
            notes.body_ended();
        }
        Self { body, notes, limit, came: 0, clock: None }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let clock = this.clock.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.limit)));
            ready!(clock.as_mut().poll(cx));
            return Poll::Ready(Some(Err(TooSlow.into())));
        };
        match &frame {
            Some(Ok(frame)) => {
                this.came += frame.data_ref().map_or(0, Bytes::len);
                if this.came >= PIECE
                    && let Some(clock) = &mut this.clock
                {
                    this.came = 0;
                    clock.as_mut().reset(Instant::now() + this.limit);
                } else if this.clock.as_ref().is_some_and(|clock| clock.deadline() <= Instant::now()) {
                    return Poll::Ready(Some(Err(TooSlow.into())));
                }
                if this.body.is_end_stream() {
                    this.notes.body_ended();
                }
            }
            None | Some(Err(_)) => this.notes.body_ended(),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
