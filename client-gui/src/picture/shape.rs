//! The shapes that pictures are drawn in. iced's software renderer (0.14) draws no round corners around a picture and
//! scales it anew each time, so both are done once, to its pixels.

use image::RgbaImage;
use image::imageops::{self, FilterType};

use crate::theme;

/// How a picture is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// In a box of so many pixels, with round corners; it moves if it can. A smaller one stays as it is.
    Card {
        /// The widest.
        width: u16,
        /// The highest.
        height: u16,
    },
    /// A circle of this diameter, cut out of the middle; it does not move.
    Circle(u16),
    /// As it is, to be looked at closely.
    Whole,
}

/// The largest size of the same proportions that fits into a box; never larger than it is.
#[must_use]
pub fn fit((width, height): (f32, f32), room: (f32, f32)) -> (f32, f32) {
    let scale = (room.0 / width.max(1.0)).min(room.1 / height.max(1.0)).min(1.0);
    ((width * scale).round().max(1.0), (height * scale).round().max(1.0))
}

/// Scales down to this size.
#[must_use]
pub fn scale(mut pixels: RgbaImage, width: u32, height: u32) -> RgbaImage {
    if pixels.dimensions() == (width, height) {
        return pixels;
    }
    // The colour of what cannot be seen must not run into what can.
    let clear = pixels.pixels().any(|pixel| pixel[3] < u8::MAX);
    if !clear {
        return imageops::resize(&pixels, width, height, FilterType::Triangle);
    }
    pixels.pixels_mut().for_each(|pixel| each_color(pixel, |color, alpha| color * alpha / FULL));
    let mut scaled = imageops::resize(&pixels, width, height, FilterType::Triangle);
    scaled.pixels_mut().for_each(|pixel| each_color(pixel, |color, alpha| (color * FULL / alpha.max(1)).min(FULL)));
    scaled
}

/// Makes the corners round.
pub(super) fn round(pixels: &mut RgbaImage, radius: f32) {
    let (width, height) = pixels.dimensions();
    let radius = radius.min(width.min(height) as f32 / 2.0);
    let rows = radius.ceil() as u32;
    for y in (0..rows).chain(height.saturating_sub(rows)..height) {
        for x in (0..rows).chain(width.saturating_sub(rows)..width) {
            let over = |at: u32, length: u32| {
                let middle = at as f32 + 0.5;
                (radius - middle).max(middle - (length as f32 - radius)).max(0.0)
            };
            let covered = (radius + 0.5 - over(x, width).hypot(over(y, height))).clamp(0.0, 1.0);
            let pixel = pixels.get_pixel_mut(x, y);
            pixel[3] = (f32::from(pixel[3]) * covered).round() as u8;
        }
    }
}

/// A circle out of the middle.
pub(super) fn circle(pixels: &RgbaImage, diameter: u32) -> RgbaImage {
    let (width, height) = pixels.dimensions();
    let side = width.min(height);
    let square = imageops::crop_imm(pixels, (width - side) / 2, (height - side) / 2, side, side).to_image();
    let mut round = scale(square, diameter, diameter);
    self::round(&mut round, diameter as f32 / 2.0);
    round
}

/// A box's picture: scaled down, with round corners.
pub(super) fn card(pixels: RgbaImage, width: u32, height: u32) -> RgbaImage {
    let mut pixels = scale(pixels, width, height);
    round(&mut pixels, theme::ROUND);
    pixels
}

/// A blurred image of a picture, from its thumbhash; none if that cannot be read.
#[must_use]
pub fn blur(thumbhash: &[u8], width: u32, height: u32) -> Option<RgbaImage> {
    let (wide, high, pixels) = thumbhash::thumb_hash_to_rgba(thumbhash).ok()?;
    let small = RgbaImage::from_raw(wide.try_into().ok()?, high.try_into().ok()?, pixels)?;
    if small.is_empty() {
        return None;
    }
    let mut pixels = imageops::resize(&small, width, height, FilterType::Triangle);
    round(&mut pixels, theme::ROUND);
    Some(pixels)
}

fn each_color(pixel: &mut image::Rgba<u8>, change: impl Fn(u32, u32) -> u32) {
    let alpha = u32::from(pixel[3]);
    for color in &mut pixel.0[..3] {
        *color = change(u32::from(*color), alpha) as u8;
    }
}

const FULL: u32 = u8::MAX as u32;

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn a_picture_keeps_its_proportions_and_never_grows() {
        assert_eq!(fit((1_000.0, 500.0), (400.0, 300.0)), (400.0, 200.0));
        assert_eq!(fit((500.0, 1_000.0), (400.0, 300.0)), (150.0, 300.0));
        assert_eq!(fit((64.0, 32.0), (400.0, 300.0)), (64.0, 32.0));
        assert_eq!(fit((8_000.0, 1.0), (400.0, 300.0)), (400.0, 1.0));
    }

    #[test]
    fn a_circle_is_clear_outside_and_whole_inside() {
        let red = RgbaImage::from_pixel(90, 40, Rgba([200, 0, 0, 255]));
        let circle = circle(&red, 20);
        assert_eq!(circle.dimensions(), (20, 20));
        assert_eq!(circle.get_pixel(0, 0)[3], 0);
        assert_eq!(circle.get_pixel(19, 19)[3], 0);
        assert_eq!(*circle.get_pixel(10, 10), Rgba([200, 0, 0, 255]));
        assert!(circle.get_pixel(10, 0)[3] > 240);
    }

    #[test]
    fn a_thumbhash_that_says_nothing_is_no_picture() {
        let red = RgbaImage::from_pixel(40, 20, Rgba([200, 30, 30, 255]));
        let hash = thumbhash::rgba_to_thumb_hash(40, 20, &red);
        let blurred = blur(&hash, 30, 15).unwrap();
        assert_eq!(blurred.dimensions(), (30, 15));
        assert!(blurred.get_pixel(15, 7)[0] > 150);
        for length in 0..hash.len() {
            let _ = blur(&hash[..length], 30, 15);
        }
        for byte in 0..=u8::MAX {
            let _ = blur(&[byte; 25], 4, 4);
        }
        assert!(blur(&[], 30, 15).is_none());
    }

    #[test]
    fn what_cannot_be_seen_does_not_darken_what_can() {
        let half = RgbaImage::from_fn(8, 8, |x, _| if x < 3 { Rgba([0, 0, 0, 0]) } else { Rgba([240, 240, 240, 255]) });
        let small = scale(half, 4, 4);
        assert!(small.pixels().filter(|pixel| pixel[3] > 20).all(|pixel| pixel[0] >= 235), "{small:?}");
    }
}
