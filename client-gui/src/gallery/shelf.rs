//! The pictures that are there, those on their way, and which ones go when there are too many.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iced::advanced::image::Handle;
use iced::futures::channel::mpsc;
use image::RgbaImage;

use super::{Look, Order};
use crate::picture::{Picture, Unfit, blur};

#[derive(Debug)]
pub struct Shelf {
    pub plays: bool,
    places: HashMap<Order, Place>,
    bytes: usize,
    wanted: mpsc::UnboundedSender<Order>,
    blurs: HashMap<(Vec<u8>, u32, u32), Option<Handle>>,
}

#[derive(Debug)]
enum Place {
    Waiting,
    There {
        picture: Arc<Picture>,
        drawn: Instant,
    },
    /// Not to be had at that time; there may be another try.
    Failed(Instant),
    Unfit,
}

impl Shelf {
    pub fn new(wanted: mpsc::UnboundedSender<Order>) -> Self {
        Self { plays: true, places: HashMap::new(), bytes: 0, wanted, blurs: HashMap::new() }
    }

    pub fn look(&mut self, order: &Order, now: Instant) -> Look {
        match self.places.get_mut(order) {
            Some(Place::There { picture, drawn }) => {
                *drawn = now;
                return Look::There(picture.clone());
            }
            Some(Place::Waiting) => return Look::Waiting,
            Some(Place::Unfit) => return Look::Missing,
            Some(Place::Failed(since)) if now.saturating_duration_since(*since) < PATIENCE => return Look::Missing,
            Some(Place::Failed(_)) | None => {}
        }
        self.forget_refusals();
        self.places.insert(order.clone(), Place::Waiting);
        // Nobody fetches any more: the window is closing.
        let _ = self.wanted.unbounded_send(order.clone());
        Look::Waiting
    }

    pub fn peek(&self, order: &Order) -> Option<Arc<Picture>> {
        match self.places.get(order) {
            Some(Place::There { picture, .. }) => Some(picture.clone()),
            _ => None,
        }
    }

    pub fn put(&mut self, order: &Order, picture: Picture, now: Instant) {
        self.remove(order);
        let mut picture = picture;
        self.make_room(picture.bytes(), now);
        if picture.moves() && self.bytes + picture.bytes() > BUDGET {
            // Too much moves at once.
            picture = picture.stopped();
        }
        self.bytes += picture.bytes();
        self.places.insert(order.clone(), Place::There { picture: Arc::new(picture), drawn: now });
    }

    pub fn refuse(&mut self, order: &Order, why: Option<Unfit>, now: Instant) {
        self.remove(order);
        self.places.insert(order.clone(), why.map_or(Place::Failed(now), |_| Place::Unfit));
    }

    pub fn blur(&mut self, thumbhash: &[u8], (width, height): (f32, f32)) -> Option<Handle> {
        // As large as it is drawn: iced's software renderer (0.14) would put a small one some pixels beside its place.
        let key = (thumbhash.to_vec(), width as u32, height as u32);
        if self.blurs.len() >= BLURS {
            self.blurs.clear();
        }
        let (width, height) = (key.1, key.2);
        let blur = self.blurs.entry(key).or_insert_with(|| blur(thumbhash, width, height).map(handle));
        blur.clone()
    }

    /// Lets go what was not drawn for the longest time, but nothing that is on the screen now: all that is on it was drawn
    /// together with what was drawn last.
    fn make_room(&mut self, bytes: usize, now: Instant) {
        let drawn = |place: &Place| match place {
            Place::There { drawn, .. } => Some(*drawn),
            _ => None,
        };
        let last = self.places.values().filter_map(drawn).max().unwrap_or(now);
        while self.bytes + bytes > BUDGET {
            let seen = self.places.iter().filter_map(|(order, place)| Some((drawn(place)?, order)));
            let Some((drawn, order)) = seen.min_by_key(|(drawn, _)| *drawn) else { return };
            if last.saturating_duration_since(drawn) < TOGETHER {
                return;
            }
            let order = order.clone();
            self.remove(&order);
        }
    }

    fn remove(&mut self, order: &Order) {
        if let Some(Place::There { picture, .. }) = self.places.remove(order) {
            self.bytes -= picture.bytes();
        }
    }

    /// They are small, but there may be many in the course of a month.
    fn forget_refusals(&mut self) {
        if self.places.len() > PLACES {
            self.places.retain(|_, place| !matches!(place, Place::Failed(_) | Place::Unfit));
        }
    }
}

fn handle(pixels: RgbaImage) -> Handle {
    let (width, height) = pixels.dimensions();
    Handle::from_rgba(width, height, pixels.into_raw())
}

/// All pictures together take about so many bytes at most.
const BUDGET: usize = 64 << 20;
/// What could not be had is asked for again after this time, if it is still drawn.
const PATIENCE: Duration = Duration::from_secs(15);
/// What is on the screen is drawn within this time.
const TOGETHER: Duration = Duration::from_millis(200);
/// So many blurred images at most.
const BLURS: usize = 32;
const PLACES: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;
    use crate::picture::Shape;

    fn shelf() -> (Shelf, mpsc::UnboundedReceiver<Order>) {
        let (wanted, orders) = mpsc::unbounded();
        (Shelf::new(wanted), orders)
    }

    fn order(name: &str) -> Order {
        Order { source: Source::Thumbnail(name.into()), shape: Shape::Whole }
    }

    /// Ten megabytes.
    fn large() -> Picture {
        Picture::still(RgbaImage::new(2_560, 1_024))
    }

    #[test]
    fn a_picture_is_asked_for_once() {
        let (mut shelf, mut orders) = shelf();
        let now = Instant::now();
        for _ in 0..3 {
            assert!(matches!(shelf.look(&order("a"), now), Look::Waiting));
        }
        assert_eq!(orders.try_recv().unwrap(), order("a"));
        assert!(orders.try_recv().is_err());
        shelf.put(&order("a"), large(), now);
        assert!(matches!(shelf.look(&order("a"), now), Look::There(_)));
    }

    #[test]
    fn what_was_not_drawn_for_the_longest_time_goes() {
        let (mut shelf, _orders) = shelf();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (index, name) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
            shelf.put(&order(name), large(), at(index as u64));
        }
        let _ = shelf.look(&order("a"), at(10));
        shelf.put(&order("g"), large(), at(11));
        assert!(shelf.peek(&order("b")).is_none());
        assert!(shelf.peek(&order("a")).is_some());
        assert!(shelf.bytes <= BUDGET);
    }

    #[test]
    fn what_is_on_the_screen_stays_and_too_much_does_not_move() {
        let (mut shelf, _orders) = shelf();
        let now = Instant::now();
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            shelf.put(&order(name), large(), now);
        }
        assert!(shelf.peek(&order("a")).is_some(), "drawn with the others");
        let frames = (0..4).map(|_| (RgbaImage::new(100, 100), Duration::from_millis(50))).collect();
        shelf.put(&order("moving"), Picture::moving(frames).unwrap(), now);
        assert!(!shelf.peek(&order("moving")).unwrap().moves());
    }

    #[test]
    fn what_failed_is_tried_again_later_and_what_is_broken_is_not() {
        let (mut shelf, mut orders) = shelf();
        let start = Instant::now();
        shelf.refuse(&order("away"), None, start);
        shelf.refuse(&order("broken"), Some(Unfit::Broken), start);
        assert!(matches!(shelf.look(&order("away"), start), Look::Missing));
        let later = start + PATIENCE;
        assert!(matches!(shelf.look(&order("away"), later), Look::Waiting));
        assert!(matches!(shelf.look(&order("broken"), later), Look::Missing));
        assert_eq!(orders.try_recv().unwrap(), order("away"));
    }
}
