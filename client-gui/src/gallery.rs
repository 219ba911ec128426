//! All pictures that the window shows. Whoever draws one asks for it here ([`Gallery::look`]); what is not there is
//! fetched and decoded on other threads, once, and drawn as soon as it is there. Its memory is bounded: what was not drawn
//! for the longest time goes.

mod load;
mod shelf;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use iced::advanced::image::Handle;
use iced::futures::Stream;
use iced::futures::channel::mpsc;
use rookery_client::v1;

use crate::picture::{Picture, Shape};

pub use load::{Bytes, Fetch, from};
use shelf::Shelf;

/// Where a picture comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// The still and small version of what has this `Media.id`.
    Thumbnail(String),
    /// All of it.
    Media(v1::Media),
    /// The small version of a GIF that was found.
    Preview(v1::Gif),
    /// A file on this device.
    File(PathBuf),
    /// Bytes that are in no file yet.
    Bytes(Bytes),
}

/// A picture, and how it is to be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    /// Where it comes from.
    pub source: Source,
    /// Its shape.
    pub shape: Shape,
}

/// What there is of a picture.
#[derive(Debug, Clone)]
pub enum Look {
    /// It is on its way.
    Waiting,
    /// Here it is.
    There(Arc<Picture>),
    /// It cannot be had, or not now.
    Missing,
}

impl Order {
    /// Somebody's picture by `User.avatar`, as a circle of this diameter in pixels.
    #[must_use]
    pub fn avatar(media_id: &str, diameter: f32) -> Self {
        // Sharp on finer screens, too; and half of it is scaled well.
        let pixels = (diameter * 2.0).round() as u16;
        Self { source: Source::Thumbnail(media_id.to_owned()), shape: Shape::Circle(pixels) }
    }
}

/// The pictures. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Gallery {
    shelf: Arc<Mutex<Shelf>>,
}

impl Gallery {
    /// An empty one, and what it asks for. Nothing comes until [`Orders::run`] is running.
    #[must_use]
    pub fn new() -> (Self, Orders) {
        let (wanted, orders) = mpsc::unbounded();
        let shelf = Arc::new(Mutex::new(Shelf::new(wanted)));
        let orders = Orders { orders, shelf: Arc::downgrade(&shelf) };
        (Self { shelf }, orders)
    }

    /// A picture that is being drawn; asks for it if nobody has.
    #[must_use]
    pub fn look(&self, order: &Order) -> Look {
        self.shelf().look(order, Instant::now())
    }

    /// The same without asking for it.
    #[must_use]
    pub fn peek(&self, order: &Order) -> Option<Arc<Picture>> {
        self.shelf().peek(order)
    }

    /// A blurred image of a picture that is not there yet, from its thumbhash; none if that says nothing.
    #[must_use]
    pub fn blur(&self, thumbhash: &[u8], size: (f32, f32)) -> Option<Handle> {
        self.shelf().blur(thumbhash, size)
    }

    /// Whether pictures move: not while nobody looks at the window.
    pub fn play(&self, plays: bool) {
        self.shelf().plays = plays;
    }

    /// See [`Gallery::play`].
    #[must_use]
    pub fn plays(&self) -> bool {
        self.shelf().plays
    }

    /// Puts a picture in its place, as if it had been fetched.
    pub fn put(&self, order: &Order, picture: Picture) {
        self.shelf().put(order, picture, Instant::now());
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        lock(&self.shelf)
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gallery")
    }
}

/// What a gallery asks for.
#[derive(Debug)]
pub struct Orders {
    orders: mpsc::UnboundedReceiver<Order>,
    shelf: std::sync::Weak<Mutex<Shelf>>,
}

impl Orders {
    /// Fetches and decodes what is asked for, as long as the gallery is there. Each item says that there is something new
    /// to draw.
    pub fn run(self, fetch: Fetch) -> impl Stream<Item = ()> {
        load::run(self.orders, self.shelf, fetch)
    }
}

/// Nothing is ever left half done under this lock, so a panic elsewhere does no harm to it.
fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
