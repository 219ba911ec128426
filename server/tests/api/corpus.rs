//! Pictures made for the tests, whole and broken ones.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// A picture whose corners tell how it lies: red, green, blue, white from the top left in the order of reading.
pub fn corners(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgb([250, 10, 10]),
        (false, true) => Rgb([10, 250, 10]),
        (true, false) => Rgb([10, 10, 250]),
        (false, false) => Rgb([250, 250, 250]),
    })
}

/// The same, seen through at its left half.
pub fn clear_corners(width: u32, height: u32) -> RgbaImage {
    let opaque = corners(width, height);
    RgbaImage::from_fn(width, height, |x, y| {
        let [r, g, b] = opaque.get_pixel(x, y).0;
        Rgba([r, g, b, if x < width / 2 { 0 } else { 255 }])
    })
}

pub fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(corners(width, height), ImageFormat::Png)
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(corners(width, height), ImageFormat::Jpeg)
}

/// A picture that cannot be made small.
pub fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    encoded(RgbImage::from_fn(width, height, |_, _| Rgb([next(), next(), next()])), ImageFormat::Png)
}

/// What must not be in anything that is served: where a picture was taken, and whatever else came along.
pub const SECRETS: [&[u8]; 5] = [b"GPS 52.5163N", b"xmp secret", b"iptc secret", b"comment secret", b"trailing secret"];

/// EXIF: how the picture lies, and where it was taken.
fn exif(orientation: u16) -> Vec<u8> {
    let text = SECRETS[0];
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend(b"\x01\x0e\0\x02");
    tiff.extend((text.len() as u32).to_be_bytes());
    tiff.extend(38_u32.to_be_bytes());
    tiff.extend(b"\x01\x12\0\x03\0\0\0\x01");
    tiff.extend(orientation.to_be_bytes());
    tiff.extend([0; 6]);
    tiff.extend(text);
    tiff
}

/// How the upright picture must lie in the file, so that the orientation turns it upright.
fn turned(image: RgbImage, orientation: u8) -> RgbImage {
    use image::metadata::Orientation;
    // Quarter turns undo each other; all others undo themselves.
    let inverse = [1, 2, 3, 4, 5, 8, 7, 6][usize::from(orientation) - 1];
    let mut image = DynamicImage::from(image);
    image.apply_orientation(Orientation::from_exif(inverse).unwrap());
    image.into_rgb8()
}

/// A JPEG that was taken with a turned camera, with all that cameras and programs write into it.
pub fn camera_jpeg(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let plain = encoded(turned(corners(width, height), orientation), ImageFormat::Jpeg);
    let mut bytes = plain[..2].to_vec();
    let mut segment = |kind: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        bytes.extend([0xff, kind]);
        bytes.extend((content.len() as u16 + 2).to_be_bytes());
        bytes.extend(content);
    };
    segment(0xe1, &[b"Exif\0\0", &exif(orientation.into())]);
    segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRETS[1]]);
    segment(0xed, &[b"Photoshop 3.0\0", SECRETS[2]]);
    segment(0xfe, &[SECRETS[3]]);
    bytes.extend(&plain[2..]);
    bytes.extend(SECRETS[4]);
    bytes
}

fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [name.as_slice(), content].concat();
    let mut sum = u32::MAX;
    for byte in &body {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    [(content.len() as u32).to_be_bytes().as_slice(), &body, &(!sum).to_be_bytes()].concat()
}

/// A PNG with notes of all kinds.
pub fn noted_png(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let plain = encoded(turned(corners(width, height), orientation), ImageFormat::Png);
    // The signature, and the head with its sum.
    let mut bytes = plain[..33].to_vec();
    bytes.extend(png_chunk(b"eXIf", &exif(orientation.into())));
    bytes.extend(png_chunk(b"tEXt", &[b"Comment\0", SECRETS[3]].concat()));
    bytes.extend(png_chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", SECRETS[1]].concat()));
    bytes.extend(&plain[33..]);
    bytes.extend(SECRETS[4]);
    bytes
}

/// A PNG that says how large it is, and has nothing more.
pub fn png_head(width: u32, height: u32) -> Vec<u8> {
    let head = [&width.to_be_bytes(), &height.to_be_bytes(), [8, 6, 0, 0].as_slice(), &[0]].concat();
    let parts = [png_chunk(b"IHDR", &head), png_chunk(b"IDAT", b"\x78\x9c\x03\0\0\0\0\x01"), png_chunk(b"IEND", b"")];
    [b"\x89PNG\r\n\x1a\n".as_slice(), &parts.concat()].concat()
}

/// A GIF whose frames are full of colour, each in another place; with comments, and words of an application.
pub fn gif(width: u16, height: u16, frames: u16) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255).flat_map(|n: u8| [n, 255 - n, n / 2]).collect();
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &palette).unwrap();
    encoder.set_repeat(gif::Repeat::Finite(3)).unwrap();
    encoder.write_raw_extension(gif::AnyExtension(0xfe), &[SECRETS[3]]).unwrap();
    encoder.write_raw_extension(gif::AnyExtension(0xff), &[b"XMP DataXMP", SECRETS[1]]).unwrap();
    for n in 0..frames {
        let inset = if n == 0 { 0 } else { (n % 3) + 1 };
        let (w, h) = (width - inset, height - inset);
        let buffer: Vec<u8> =
            (0..usize::from(w) * usize::from(h)).map(|at| (at * 7 + usize::from(n) * 31) as u8).collect();
        let own = (n % 2 == 1).then(|| (0..=255).flat_map(|c: u8| [c, c, n as u8]).collect());
        encoder
            .write_frame(&gif::Frame {
                delay: 5 + n,
                dispose: [gif::DisposalMethod::Keep, gif::DisposalMethod::Background][usize::from(n % 2)],
                transparent: (n % 2 == 1).then_some(7),
                left: inset,
                top: inset,
                width: w,
                height: h,
                palette: own,
                buffer: buffer.into(),
                ..gif::Frame::default()
            })
            .unwrap();
    }
    let mut bytes = encoder.into_inner().unwrap();
    bytes.extend(SECRETS[4]);
    bytes
}

/// A GIF of many dots on a large ground.
pub fn gif_bomb(side: u16, frames: usize) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), side, side, &[0, 0, 0, 255, 255, 255]).unwrap();
    for _ in 0..frames {
        let buffer = vec![1].into();
        encoder.write_frame(&gif::Frame { width: 1, height: 1, buffer, delay: 4, ..gif::Frame::default() }).unwrap();
    }
    encoder.into_inner().unwrap()
}

fn riff_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = [name.as_slice(), &(content.len() as u32).to_le_bytes(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(b"RIFF", &[b"WEBP".as_slice(), &chunks.concat()].concat())
}

/// The one chunk of a plain WebP.
fn webp_image(image: impl Into<DynamicImage>) -> Vec<u8> {
    encoded(image, ImageFormat::WebP)[12..].to_vec()
}

fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    riff_chunk(b"VP8X", &[vec![flags, 0, 0, 0], side(width), side(height)].concat())
}

/// A WebP that does not move, with notes.
pub fn noted_webp(image: impl Into<DynamicImage>, orientation: u8) -> Vec<u8> {
    let image = image.into();
    let flags = 0b1100 | if image.color().has_alpha() { 0b1_0000 } else { 0 };
    let head = vp8x(flags, image.width(), image.height());
    let notes = [riff_chunk(b"EXIF", &exif(orientation.into())), riff_chunk(b"XMP ", SECRETS[1])];
    let mut bytes = riff(&[head, webp_image(image), notes.concat()]);
    bytes.extend(SECRETS[4]);
    bytes
}

/// A WebP that moves: each frame a picture in some place of a ground, with notes.
pub fn moving_webp(width: u32, height: u32, frames: &[(u32, u32, RgbaImage)]) -> Vec<u8> {
    let mut chunks = vec![vp8x(0b1_1110, width, height), riff_chunk(b"ANIM", &[0, 0, 0, 0, 2, 0])];
    for (x, y, image) in frames {
        let three = |n: u32| n.to_le_bytes()[..3].to_vec();
        let place =
            [three(x / 2), three(y / 2), three(image.width() - 1), three(image.height() - 1), three(70), vec![0]];
        let odd = riff_chunk(b"odd ", SECRETS[3]);
        chunks.push(riff_chunk(b"ANMF", &[place.concat(), webp_image(image.clone()), odd].concat()));
    }
    chunks.push(riff_chunk(b"EXIF", &exif(1)));
    chunks.push(riff_chunk(b"XMP ", SECRETS[1]));
    let mut bytes = riff(&chunks);
    bytes.extend(SECRETS[4]);
    bytes
}

/// A few hundred bytes that a decoder turns into gigabytes.
pub fn webp_bomb(side: u32, frames: usize) -> Vec<u8> {
    moving_webp(side, side, &vec![(0, 0, RgbaImage::new(1, 1)); frames])
}
