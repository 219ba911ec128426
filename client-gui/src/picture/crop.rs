//! Cuts a square out of a picture: which one, and how dragging and zooming change it. Pixels only, no window.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops;
use image::{DynamicImage, ImageFormat, ImageResult, RgbaImage};

use super::shape;

/// How wide an avatar is that is sent; larger ones are of no use to anybody.
pub const SIDE: u32 = 512;
/// A square of fewer pixels than this would be a blur.
const LEAST: f32 = 48.0;
/// JPEG's, for pictures without transparent parts.
const QUALITY: u8 = 90;

/// A square of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    width: f32,
    height: f32,
    // Its middle, in pixels of the picture.
    x: f32,
    y: f32,
    zoom: f32,
}

impl Crop {
    /// The largest square in the middle.
    #[must_use]
    pub fn new((width, height): (u32, u32)) -> Self {
        let (width, height) = (width.max(1) as f32, height.max(1) as f32);
        Self { width, height, x: width / 2.0, y: height / 2.0, zoom: 1.0 }
    }

    /// How wide it is, in pixels of the picture.
    #[must_use]
    pub fn side(self) -> f32 {
        self.width.min(self.height) / self.zoom
    }

    /// Its upper left corner, in pixels of the picture.
    #[must_use]
    pub fn corner(self) -> (f32, f32) {
        (self.x - self.side() / 2.0, self.y - self.side() / 2.0)
    }

    /// How much larger the picture is shown than it would be if all of it fitted.
    #[must_use]
    pub fn zoom(self) -> f32 {
        self.zoom
    }

    /// The largest zoom that leaves something to see.
    #[must_use]
    pub fn zoom_most(self) -> f32 {
        (self.width.min(self.height) / LEAST).clamp(1.0, 8.0)
    }

    /// The picture is dragged by so many squares to the right and down.
    #[must_use]
    pub fn dragged(self, (right, down): (f32, f32)) -> Self {
        let side = self.side();
        Self { x: self.x - right * side, y: self.y - down * side, ..self }.inside()
    }

    /// Another zoom; what is at `still` stays there (0 to 1 from the upper left corner of the square).
    #[must_use]
    pub fn zoomed(self, zoom: f32, still: (f32, f32)) -> Self {
        let zoom = zoom.clamp(1.0, self.zoom_most());
        let change = self.side() - self.width.min(self.height) / zoom;
        let (x, y) = (self.x + (still.0 - 0.5) * change, self.y + (still.1 - 0.5) * change);
        Self { x, y, zoom, ..self }.inside()
    }

    /// Never beyond the picture.
    fn inside(self) -> Self {
        let half = self.side() / 2.0;
        let x = self.x.clamp(half, (self.width - half).max(half));
        let y = self.y.clamp(half, (self.height - half).max(half));
        Self { x, y, ..self }
    }

    /// The same square of a copy of the picture that has another size.
    #[must_use]
    fn scaled(self, (width, height): (u32, u32)) -> Self {
        let (right, down) = (width as f32 / self.width, height as f32 / self.height);
        let (width, height) = (width as f32, height as f32);
        Self { width, height, x: self.x * right, y: self.y * down, zoom: self.zoom }.inside()
    }
}

/// The square, at most `most` pixels wide. `pixels` may be a smaller copy of the picture.
#[must_use]
pub fn cut(pixels: &RgbaImage, crop: Crop, most: u32) -> RgbaImage {
    let crop = crop.scaled(pixels.dimensions());
    let side = (crop.side().round() as u32).clamp(1, pixels.width().min(pixels.height()));
    let place = |corner: f32, length: u32| (corner.round().max(0.0) as u32).min(length - side);
    let (x, y) = (place(crop.corner().0, pixels.width()), place(crop.corner().1, pixels.height()));
    let square = imageops::crop_imm(pixels, x, y, side, side).to_image();
    let side = side.min(most);
    shape::scale(square, side, side)
}

/// The square as a circle of this diameter, to look at.
#[must_use]
pub fn circle(pixels: &RgbaImage, crop: Crop, diameter: u32) -> RgbaImage {
    shape::circle(&cut(pixels, crop, diameter), diameter)
}

/// The square as a file to send, and its name.
pub fn encode(pixels: &RgbaImage, crop: Crop) -> ImageResult<(&'static str, Vec<u8>)> {
    let square = cut(pixels, crop, SIDE);
    let mut bytes = Cursor::new(Vec::new());
    if square.pixels().any(|pixel| pixel[3] < u8::MAX) {
        square.write_to(&mut bytes, ImageFormat::Png)?;
        return Ok(("avatar.png", bytes.into_inner()));
    }
    let square = DynamicImage::ImageRgba8(square).into_rgb8();
    square.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(("avatar.jpg", bytes.into_inner()))
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn it_begins_with_the_middle_and_never_leaves_the_picture() {
        let crop = Crop::new((800, 400));
        assert_eq!((crop.corner(), crop.side()), ((200.0, 0.0), 400.0));
        assert_eq!(crop.dragged((0.25, 1.0)).corner(), (100.0, 0.0));
        assert_eq!(crop.dragged((9.0, 0.0)).corner(), (0.0, 0.0));
        assert_eq!(crop.dragged((-9.0, 0.0)).corner(), (400.0, 0.0));
        assert_eq!(Crop::new((1, 1)).zoomed(5.0, (0.5, 0.5)).side(), 1.0);
        assert_eq!(Crop::new((0, 0)).side(), 1.0);
    }

    #[test]
    fn what_is_under_the_pointer_stays_there_while_one_zooms() {
        let crop = Crop::new((800, 800)).zoomed(2.0, (0.5, 0.5));
        assert_eq!((crop.corner(), crop.side()), ((200.0, 200.0), 400.0));
        let corner = Crop::new((800, 800)).zoomed(2.0, (0.0, 0.0));
        assert_eq!(corner.corner(), (0.0, 0.0));
        let point = |crop: Crop| crop.corner().0 + 0.25 * crop.side();
        let closer = crop.zoomed(4.0, (0.25, 0.25));
        assert!((point(crop) - point(closer)).abs() < 0.01);
        assert_eq!(crop.zoomed(0.1, (0.5, 0.5)).side(), 800.0);
        assert_eq!(crop.zoomed(99.0, (0.5, 0.5)).zoom(), crop.zoom_most());
    }

    #[test]
    fn the_square_is_cut_where_it_was_seen_also_out_of_a_smaller_copy() {
        let half = RgbaImage::from_fn(200, 100, |x, _| Rgba(if x < 100 { [200, 0, 0, 255] } else { [0, 0, 200, 255] }));
        let left = Crop::new((800, 400)).dragged((9.0, 0.0));
        let red = cut(&half, left, SIDE);
        assert_eq!(red.dimensions(), (100, 100));
        assert!(red.pixels().all(|pixel| pixel[0] == 200));
        let large = RgbaImage::from_pixel(1_200, 600, Rgba([1, 2, 3, 255]));
        assert_eq!(cut(&large, Crop::new((800, 400)), SIDE).dimensions(), (SIDE, SIDE));
        assert_eq!(circle(&half, left, 88).dimensions(), (88, 88));
        assert_eq!(cut(&RgbaImage::new(1, 9), Crop::new((1, 9)), SIDE).dimensions(), (1, 1));
    }

    #[test]
    fn what_is_clear_stays_clear_and_the_file_is_small() {
        let noise = |alpha| {
            RgbaImage::from_fn(600, 520, |x, y| {
                let value = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)).wrapping_mul(x ^ y);
                Rgba([value as u8, (value >> 8) as u8, (value >> 16) as u8, alpha])
            })
        };
        let (name, bytes) = encode(&noise(255), Crop::new((600, 520))).unwrap();
        assert_eq!((name, image::guess_format(&bytes).unwrap()), ("avatar.jpg", ImageFormat::Jpeg));
        assert!(bytes.len() < 2 << 20, "{}", bytes.len());
        let (name, bytes) = encode(&noise(90), Crop::new((600, 520))).unwrap();
        assert_eq!((name, image::guess_format(&bytes).unwrap()), ("avatar.png", ImageFormat::Png));
        assert!(bytes.len() < 2 << 20, "{}", bytes.len());
        let back = image::load_from_memory(&bytes).unwrap().into_rgba8();
        assert_eq!(back.dimensions(), (SIDE, SIDE));
        assert_eq!(back.get_pixel(0, 0)[3], 90);
    }
}
