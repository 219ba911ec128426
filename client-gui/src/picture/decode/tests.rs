use std::time::Instant;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, Rgba};

use super::*;

const CARD: Shape = Shape::Card { width: 400, height: 300 };

fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&RgbaImage::from_pixel(width, height, Rgba([10, 120, 200, 255])), ImageFormat::Png)
}

fn encoded(pixels: &RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn gif(width: u32, height: u32, frames: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for frame in 0..frames {
        let pixels = RgbaImage::from_pixel(width, height, Rgba([(frame * 7) as u8, 90, 10, 255]));
        let delay = Delay::from_saturating_duration(Duration::from_millis(50));
        encoder.encode_frame(Frame::from_parts(pixels, 0, 0, delay)).unwrap();
    }
    drop(encoder);
    bytes
}

/// A WebP's head that claims a size, with empty frames.
fn webp(side: u32, frames: u32) -> Vec<u8> {
    let mut parts = b"VP8X\x0a\0\0\0\x02\0\0\0".to_vec();
    parts.extend(&(side - 1).to_le_bytes()[..3]);
    parts.extend(&(side - 1).to_le_bytes()[..3]);
    parts.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    for _ in 0..frames {
        parts.extend(b"ANMF\x18\0\0\0");
        parts.extend([0; 24]);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((parts.len() as u32 + 4).to_le_bytes());
    bytes.extend(b"WEBP");
    bytes.extend(parts);
    bytes
}

#[test]
fn a_picture_is_scaled_into_its_box() {
    let picture = decode(&png(1_600, 900), CARD).unwrap();
    assert_eq!(picture.size(), (400, 225));
    assert!(!picture.moves());
    assert_eq!(decode(&png(30, 20), CARD).unwrap().size(), (30, 20));
    assert_eq!(decode(&png(300, 200), Shape::Circle(80)).unwrap().size(), (80, 80));
    let whole = decode(&png(3_000, 3_000), Shape::Whole).unwrap();
    assert!(whole.bytes() < 45 << 20 && whole.size() == (2_828, 2_828), "{}", whole.bytes());
}

#[test]
fn a_gif_moves_and_an_avatar_does_not() {
    let bytes = gif(40, 30, 5);
    let picture = decode(&bytes, CARD).unwrap();
    assert_eq!((picture.frames().len(), picture.frames()[3].delay), (5, Duration::from_millis(50)));
    assert!(!decode(&bytes, Shape::Circle(20)).unwrap().moves());
}

#[test]
fn the_first_frame_is_as_large_as_the_others() {
    let bytes = gif(40, 30, 5);
    assert_eq!(poster(&bytes, CARD).unwrap().size(), decode(&bytes, CARD).unwrap().size());
    assert!(poster(&gif(40, 30, 1), CARD).is_none(), "there is nothing to wait for");
    assert!(poster(&bytes[..9], CARD).is_none());
}

#[test]
fn a_long_one_is_thinned_out_and_then_smaller() {
    assert_eq!(plan(30, (400, 300)), Plan { step: 1, width: 400, height: 300 });
    assert_eq!(plan(60, (400, 300)), Plan { step: 2, width: 400, height: 300 });
    let Plan { step, width, height } = plan(200, (400, 300));
    assert_eq!(step, 2);
    assert!(100 * width * height * PIXEL <= MOVING && width > 220, "{width} x {height}");
}

#[test]
fn a_thinned_out_one_lasts_as_long_as_before() {
    let bytes = gif(200, 300, 71);
    let picture = moving(&bytes, inspect(&bytes).unwrap(), CARD).unwrap();
    assert_eq!(picture.frames().len(), 36);
    let length: Duration = picture.frames().iter().map(|frame| frame.delay).sum();
    assert_eq!(length, Duration::from_millis(50) * 71);
}

#[test]
fn what_would_take_too_long_is_refused_before_it_is_decoded() {
    let start = Instant::now();
    assert_eq!(decode(&gif(2, 2, 201), CARD).unwrap_err(), Unfit::TooLarge);
    assert_eq!(decode(&webp(64, 201), CARD).unwrap_err(), Unfit::TooLarge);
    assert_eq!(decode(&webp(5_000, 5), CARD).unwrap_err(), Unfit::TooLarge);
    assert_eq!(decode(&webp(8_193, 2), CARD).unwrap_err(), Unfit::TooLarge);
    // Its head alone is enough to say no.
    let mut wide = png(20, 1);
    wide[16..20].copy_from_slice(&9_000_u32.to_be_bytes());
    assert!(decode(&wide, CARD).is_err());
    // A small picture with a frame of four thousand million pixels.
    let mut frame = gif(2, 2, 1);
    let at = frame.iter().position(|byte| *byte == 0x2c).unwrap();
    frame[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(decode(&frame, CARD).unwrap_err(), Unfit::TooLarge);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"GIF89a", b"not a picture at all", &png(4, 4)[..20], &webp(9, 3)] {
        assert_eq!(decode(bytes, CARD).unwrap_err(), Unfit::Broken);
    }
    let half = gif(40, 30, 6);
    let picture = decode(&half[..half.len() * 2 / 3], CARD).unwrap();
    assert!(picture.frames().len() >= 2, "what can be read is shown");
}

#[test]
fn a_photo_stands_upright() {
    let mut jpeg = encoded(&RgbaImage::new(1, 1), ImageFormat::Png);
    assert!(decode(&jpeg, CARD).is_ok());
    let pixels = DynamicImage::from(RgbaImage::new(60, 20)).into_rgb8();
    let mut bytes = Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    jpeg = bytes.into_inner();
    // Turned to the right, as a camera says it.
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    assert_eq!(decode(&jpeg, CARD).unwrap().size(), (20, 60));
}

#[test]
fn nobody_asks_for_a_hundred_frames_a_second() {
    assert_eq!(delay(Duration::ZERO), USUAL_DELAY);
    assert_eq!(delay(Duration::from_millis(20)), Duration::from_millis(20));
}
