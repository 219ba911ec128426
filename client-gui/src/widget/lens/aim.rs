//! Which part of a picture is looked at, and how large.

use iced::{Point, Rectangle, Size, Vector};

use super::Target;

/// Where a lens stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// All of it is seen.
    Fit,
    /// So large, with this point of the picture (of 0 to 1) in the middle.
    At(f32, Point),
}

impl Aim {
    /// How large a pixel is drawn.
    pub fn scale(self, size: Size, bounds: Rectangle) -> f32 {
        match self {
            Self::Fit => fit(size, bounds),
            Self::At(scale, _) => scale,
        }
    }

    /// Where the picture is drawn.
    pub fn place(self, size: Size, bounds: Rectangle) -> Rectangle {
        let scale = self.scale(size, bounds);
        let drawn = Size::new((size.width * scale).round(), (size.height * scale).round());
        let center = match self {
            Self::Fit => MIDDLE,
            Self::At(_, center) => center,
        };
        let corner = |middle: f32, length: f32, share: f32| (middle - length * share).round();
        Rectangle::new(
            Point::new(
                corner(bounds.center_x(), drawn.width, center.x),
                corner(bounds.center_y(), drawn.height, center.y),
            ),
            drawn,
        )
    }

    /// After a command; what is at `fixed` stays there.
    pub fn turned(self, target: Target, fixed: Point, size: Size, bounds: Rectangle) -> Self {
        let (now, fit) = (self.scale(size, bounds), fit(size, bounds));
        let wanted = match target {
            Target::Fit => return Self::Fit,
            Target::Actual => 1.0,
            Target::By(factor) => now * factor,
        };
        let scale = wanted.clamp(fit.min(1.0), MOST);
        let place = self.place(size, bounds);
        let share = |at: f32, start: f32, length: f32| (at - start) / length.max(1.0);
        let (x, y) = (share(fixed.x, place.x, place.width), share(fixed.y, place.y, place.height));
        let center = Point::new(
            x - (fixed.x - bounds.center_x()) / (size.width * scale),
            y - (fixed.y - bounds.center_y()) / (size.height * scale),
        );
        if (scale - fit).abs() < f32::EPSILON { Self::Fit } else { Self::At(scale, center).held(size, bounds) }
    }

    /// After it was dragged.
    pub fn moved(self, by: Vector, size: Size, bounds: Rectangle) -> Self {
        match self {
            Self::Fit => self,
            Self::At(scale, center) => {
                let center =
                    Point::new(center.x - by.x / (size.width * scale), center.y - by.y / (size.height * scale));
                Self::At(scale, center).held(size, bounds)
            }
        }
    }

    /// No empty room at one side while something is hidden at the other.
    fn held(self, size: Size, bounds: Rectangle) -> Self {
        let Self::At(scale, center) = self else { return self };
        let hold = |share: f32, length: f32, room: f32| {
            let half = room / (length * scale) / 2.0;
            if half >= 0.5 { 0.5 } else { share.clamp(half, 1.0 - half) }
        };
        let center = Point::new(hold(center.x, size.width, bounds.width), hold(center.y, size.height, bounds.height));
        Self::At(scale, center)
    }
}

/// As large as there is room, but no pixel larger than it is.
fn fit(size: Size, bounds: Rectangle) -> f32 {
    let scale = (bounds.width / size.width.max(1.0)).min(bounds.height / size.height.max(1.0));
    scale.clamp(f32::EPSILON, 1.0)
}

const MIDDLE: Point = Point::new(0.5, 0.5);
/// A pixel is never larger.
const MOST: f32 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(2_000.0, 1_000.0);

    fn bounds() -> Rectangle {
        Rectangle::new(Point::new(10.0, 10.0), Size::new(1_000.0, 600.0))
    }

    #[test]
    fn it_fits_and_a_small_one_is_not_made_larger() {
        assert_eq!(Aim::Fit.place(SIZE, bounds()), Rectangle::new(Point::new(10.0, 60.0), Size::new(1_000.0, 500.0)));
        let small = Size::new(100.0, 40.0);
        assert_eq!(Aim::Fit.place(small, bounds()), Rectangle::new(Point::new(460.0, 290.0), small));
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let at = Point::new(210.0, 310.0);
        let aim = Aim::Fit.turned(Target::By(2.0), at, SIZE, bounds());
        let place = aim.place(SIZE, bounds());
        assert_eq!(place.width, 2_000.0);
        assert!(((at.x - place.x) / place.width - 0.2).abs() < 0.01, "{place:?}");
        assert_eq!(aim.turned(Target::By(0.01), at, SIZE, bounds()), Aim::Fit);
        assert_eq!(aim.turned(Target::By(100.0), at, SIZE, bounds()).scale(SIZE, bounds()), MOST);
        assert_eq!(Aim::Fit.turned(Target::Actual, at, SIZE, bounds()).scale(SIZE, bounds()), 1.0);
    }

    #[test]
    fn it_cannot_be_dragged_out_of_sight() {
        let aim = Aim::Fit.turned(Target::Actual, bounds().center(), SIZE, bounds());
        let place = aim.moved(Vector::new(5_000.0, -5_000.0), SIZE, bounds()).place(SIZE, bounds());
        assert_eq!((place.x, place.y + place.height), (10.0, 610.0));
        assert_eq!(Aim::Fit.moved(Vector::new(50.0, 0.0), SIZE, bounds()), Aim::Fit);
    }
}
