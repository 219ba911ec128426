//! Fetches and decodes what a gallery asks for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use iced::futures::channel::mpsc;
use iced::futures::future::BoxFuture;
use iced::futures::{Stream, StreamExt, future, stream};
use rookery_client::MediaStore;

use super::shelf::Shelf;
use super::{Order, Source, lock};
use crate::picture::{Picture, Shape, Unfit, decode, poster};

/// Gets what is on the server: [`Source::Thumbnail`], [`Source::Media`], [`Source::Preview`]. None if it cannot be had.
pub type Fetch = Arc<dyn Fn(Source) -> BoxFuture<'static, Option<Vec<u8>>> + Send + Sync>;

/// Gets them from the server.
#[must_use]
pub fn from(store: MediaStore) -> Fetch {
    Arc::new(move |source| {
        let store = store.clone();
        Box::pin(async move {
            let bytes = match source {
                Source::Thumbnail(id) => store.thumbnail(&id).await,
                Source::Media(media) => store.fetch(&media).await,
                Source::Preview(gif) => store.preview(&gif).await,
                Source::File(_) | Source::Bytes(_) => return None,
            };
            let fetched = bytes.inspect_err(|error| tracing::debug!(%error, "a picture could not be had"));
            fetched.ok().map(Vec::from)
        })
    })
}

/// Bytes with a name of their own: comparing them all would take too long.
#[derive(Clone)]
pub struct Bytes(pub Arc<Vec<u8>>);

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Bytes {}

impl Hash for Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

pub fn run(orders: mpsc::UnboundedReceiver<Order>, shelf: Weak<Mutex<Shelf>>, fetch: Fetch) -> impl Stream<Item = ()> {
    let loaded = orders.map(move |order| Box::pin(load(order, fetch.clone()))).flatten_unordered(AT_ONCE);
    loaded.ready_chunks(CHUNK).map(move |loaded| {
        let Some(shelf) = shelf.upgrade() else { return };
        let (mut shelf, now) = (lock(&shelf), Instant::now());
        for (order, picture) in loaded {
            match picture {
                Ok(picture) => shelf.put(&order, picture, now),
                Err(why) => shelf.refuse(&order, why, now),
            }
        }
    })
}

/// What came of an order; without a reason where it could not be had.
type Loaded = (Order, Result<Picture, Option<Unfit>>);

/// The picture; of one that moves, its first frame comes before it.
fn load(order: Order, fetch: Fetch) -> impl Stream<Item = Loaded> {
    stream::once(get(order, fetch)).flat_map(|(order, bytes)| {
        let Some(bytes) = bytes else {
            return stream::once(async { (order, Err(None)) }).left_stream();
        };
        let first = run_apart(order.clone(), bytes.clone(), |bytes, shape| poster(bytes, shape).map(Ok));
        let all = run_apart(order, bytes, |bytes, shape| Some(decode(bytes, shape)));
        stream::once(first).chain(stream::once(all)).filter_map(future::ready).right_stream()
    })
}

/// Decodes on a thread where it keeps nobody waiting. A decoder that panics has met a broken picture.
async fn run_apart(
    order: Order,
    bytes: Arc<Vec<u8>>,
    decode: impl FnOnce(&[u8], Shape) -> Option<Result<Picture, Unfit>> + Send + 'static,
) -> Option<Loaded> {
    let shape = order.shape;
    let decoded = tokio::task::spawn_blocking(move || decode(&bytes, shape)).await;
    Some((order, decoded.unwrap_or(Some(Err(Unfit::Broken)))?.map_err(Some)))
}

async fn get(order: Order, fetch: Fetch) -> (Order, Option<Arc<Vec<u8>>>) {
    let bytes = match &order.source {
        Source::Bytes(bytes) => Some(bytes.0.clone()),
        Source::File(path) => read(path).await.map(Arc::new),
        source => fetch(source.clone()).await.map(Arc::new),
    };
    (order, bytes)
}

async fn read(path: &std::path::Path) -> Option<Vec<u8>> {
    let size = tokio::fs::metadata(path).await.ok()?.len();
    if size > LARGEST {
        return None;
    }
    tokio::fs::read(path).await.ok()
}

/// So many are fetched and decoded at once.
const AT_ONCE: usize = 4;
/// So many come into one view at most.
const CHUNK: usize = 16;
/// A larger file is not read to be shown.
const LARGEST: u64 = 50 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image::{ImageFormat, RgbaImage};

    use super::super::{Gallery, Look};
    use super::*;

    fn png() -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        RgbaImage::new(9, 9).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[tokio::test]
    async fn what_is_looked_at_comes_and_what_is_not_there_is_missing() {
        let (gallery, orders) = Gallery::new();
        let fetch: Fetch =
            Arc::new(|source| Box::pin(async move { (source == Source::Thumbnail("here".into())).then(png) }));
        let mut news = Box::pin(orders.run(fetch));
        let order = |source| Order { source, shape: Shape::Circle(8) };
        let here = order(Source::Thumbnail("here".into()));
        let pasted = order(Source::Bytes(Bytes(Arc::new(png()))));
        let gone = order(Source::File("/nonexistent/picture.png".into()));
        let wanted = [&here, &pasted, &gone];
        wanted.iter().for_each(|order| assert!(matches!(gallery.look(order), Look::Waiting)));
        while wanted.iter().any(|order| matches!(gallery.look(order), Look::Waiting)) {
            tokio::time::timeout(Duration::from_secs(20), news.next()).await.unwrap().unwrap();
        }
        assert!(matches!(gallery.look(&here), Look::There(_)));
        assert!(matches!(gallery.look(&pasted), Look::There(_)));
        assert!(matches!(gallery.look(&gone), Look::Missing));
        drop(gallery);
        assert!(news.next().await.is_none(), "it ends with the gallery");
    }
}
