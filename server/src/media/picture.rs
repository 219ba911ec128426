//! Pictures: decoded under limits and written anew, so that what others are shown is nothing but a picture.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbaImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::FilterType,
};

use super::{gif, webp};

/// A thumbnail's longest side.
const THUMBNAIL: u32 = 480;
/// The longest side that a thumbhash is made from.
const HASHED: u32 = 100;
const JPEG_QUALITY: u8 = 88;
const THUMBNAIL_QUALITY: u8 = 80;

/// What is decoded at all.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest side, in pixels.
    pub side: u32,
    /// Pixels of a picture.
    pub pixels: u64,
    pub frames: usize,
    /// Pixels of all frames, each as large as the picture: so many a client fills to play it.
    pub frame_pixels: u64,
    /// A decoded picture, in bytes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { side: 8192, pixels: 25_000_000, frames: 200, frame_pixels: 100_000_000, memory: 100_000_000 }
    }
}

impl Limits {
    /// Whether a picture of this size may be decoded.
    pub(super) fn check(&self, width: u32, height: u32) -> Result<(), String> {
        let pixels = u64::from(width) * u64::from(height);
        if width == 0 || height == 0 || width > self.side || height > self.side || pixels > self.pixels {
            return Err(format!("{width} x {height} pixels"));
        }
        Ok(())
    }

    /// Whether so many frames of this size may be decoded.
    pub(super) fn check_frames(&self, width: u32, height: u32, frames: usize) -> Result<(), String> {
        if frames > self.frames || u64::from(width) * u64::from(height) * frames as u64 > self.frame_pixels {
            return Err(format!("{frames} frames of {width} x {height} pixels"));
        }
        Ok(())
    }
}

/// What is told apart by content. Nothing else is ever decoded, whatever else the decoders were built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl Format {
    /// By the first bytes of a file.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// The endings of names that suit it, the usual one first.
    pub(super) fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Gif => &["gif"],
            Self::Webp => &["webp"],
        }
    }
}

/// A picture as it is kept.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub format: Format,
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub animated: bool,
    /// A small picture of the first frame, as JPEG or PNG.
    pub thumbnail: Vec<u8>,
    pub thumbhash: Vec<u8>,
}

/// A moving picture that was written anew.
#[derive(Debug)]
pub(super) struct Moving {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub frames: usize,
    /// The first frame, small: the whole is not kept while the others are looked at.
    pub first: DynamicImage,
}

/// A moving picture's first frame, as small as it is wanted.
pub(super) fn first(frame: RgbaImage) -> DynamicImage {
    fitted(frame.into(), THUMBNAIL)
}

/// Decodes a picture and writes it anew; why not, for the log.
pub(super) fn rewrite(format: Format, bytes: &[u8], limits: &Limits) -> Result<Rewritten, String> {
    match format {
        Format::Png => still(ImageFormat::Png, bytes, limits),
        Format::Jpeg => still(ImageFormat::Jpeg, bytes, limits),
        Format::Gif => moving(format, gif::rewrite(bytes, limits)?),
        Format::Webp if webp::moves(bytes) => moving(format, webp::rewrite(bytes, limits)?),
        Format::Webp => still(ImageFormat::WebP, bytes, limits),
    }
}

fn moving(format: Format, moving: Moving) -> Result<Rewritten, String> {
    let Moving { bytes, width, height, frames, first } = moving;
    let (thumbnail, thumbhash) = small(first)?;
    Ok(Rewritten { format, bytes, width, height, animated: frames > 1, thumbnail, thumbhash })
}

fn still(format: ImageFormat, bytes: &[u8], limits: &Limits) -> Result<Rewritten, String> {
    let image = decode(format, bytes, limits)?;
    // Only PNG and WebP can be seen through; a WebP that is not is a photograph, as a rule.
    let format = match format {
        ImageFormat::Png => Format::Png,
        ImageFormat::WebP if !is_opaque(&image) => Format::Png,
        _ => Format::Jpeg,
    };
    let image = if format == Format::Jpeg { opaque(image) } else { image };
    let bytes = match format {
        Format::Jpeg => jpeg(&image, JPEG_QUALITY)?,
        _ => png(&image)?,
    };
    let (width, height) = (image.width(), image.height());
    let (thumbnail, thumbhash) = small(image)?;
    Ok(Rewritten { format, bytes, width, height, animated: false, thumbnail, thumbhash })
}

/// Decodes a still picture, upright, with 8 bits for each colour.
fn decode(format: ImageFormat, bytes: &[u8], limits: &Limits) -> Result<DynamicImage, String> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = image::Limits::no_limits();
    bounds.max_image_width = Some(limits.side);
    bounds.max_image_height = Some(limits.side);
    bounds.max_alloc = Some(limits.memory * 2);
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    if decoder.total_bytes() > limits.memory {
        return Err(format!("{} bytes for {width} x {height} pixels", decoder.total_bytes()));
    }
    let orientation = decoder.orientation().map_err(said)?;
    let image = DynamicImage::from_decoder(decoder).map_err(said)?;
    let mut image = match image {
        DynamicImage::ImageLuma16(_) => image.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => image.into_luma_alpha8().into(),
        DynamicImage::ImageRgb16(_) => image.into_rgb8().into(),
        DynamicImage::ImageRgba16(_) => image.into_rgba8().into(),
        image => image,
    };
    image.apply_orientation(orientation);
    Ok(image)
}

pub(super) fn said(error: impl ToString) -> String {
    error.to_string()
}

fn is_opaque(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX),
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().all(|pixel| pixel.0[1] == u8::MAX),
        image => !image.color().has_alpha(),
    }
}

/// Without the alpha channel, which says nothing.
fn opaque(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) => image,
        DynamicImage::ImageLumaA8(_) => image.into_luma8().into(),
        image => image.into_rgb8().into(),
    }
}

fn jpeg(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).map_err(said)?;
    Ok(bytes)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, String> {
    use image::codecs::png::{CompressionType, FilterType};
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    image.write_with_encoder(encoder).map_err(said)?;
    Ok(bytes)
}

/// No larger than so many pixels a side.
fn fitted(image: DynamicImage, side: u32) -> DynamicImage {
    if image.width() <= side && image.height() <= side { image } else { image.thumbnail(side, side) }
}

fn encode_thumbnail(image: DynamicImage) -> Result<Vec<u8>, String> {
    if is_opaque(&image) { jpeg(&opaque(image), THUMBNAIL_QUALITY) } else { png(&image) }
}

/// A picture's thumbnail and thumbhash.
fn small(image: DynamicImage) -> Result<(Vec<u8>, Vec<u8>), String> {
    let thumbnail = fitted(image, THUMBNAIL);
    let hashed: RgbaImage = fitted(thumbnail.clone(), HASHED).into_rgba8();
    let (width, height) = (hashed.width() as usize, hashed.height() as usize);
    let hash = thumbhash::rgba_to_thumb_hash(width, height, hashed.as_raw());
    Ok((encode_thumbnail(thumbnail)?, hash))
}

/// The square in the middle of a thumbnail.
pub(super) fn square(thumbnail: &[u8]) -> Result<Vec<u8>, String> {
    let format = match Format::of(thumbnail) {
        Some(Format::Png) => ImageFormat::Png,
        _ => ImageFormat::Jpeg,
    };
    let image = decode(format, thumbnail, &Limits::default())?;
    let side = image.width().min(image.height());
    encode_thumbnail(image.resize_to_fill(side, side, FilterType::Triangle))
}
