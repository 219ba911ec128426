//! Makes a picture of a file's bytes, in the shape in which it will be drawn. Takes its time: never on the window's thread.

use std::io::Cursor;
use std::time::Duration;

use image::codecs::{gif::GifDecoder, webp::WebPDecoder};
use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits, RgbaImage,
};

use super::inspect::{Content, Unfit, inspect};
use super::{Picture, Shape, shape};

/// The first frame of one that moves, which is there much sooner than all of them; none of others.
#[must_use]
pub fn poster(bytes: &[u8], shape: Shape) -> Option<Picture> {
    let content = inspect(bytes).ok().filter(|content| content.frames > 1)?;
    let Shape::Card { .. } = shape else { return None };
    let pixels = frames(bytes, content.format).ok()?.next()?.ok()?.into_buffer();
    let Plan { width, height, .. } = plan(content.frames, drawn_size(pixels.dimensions(), shape));
    Some(Picture::still(shape::card(pixels, width, height)))
}

/// Decodes a picture.
pub fn decode(bytes: &[u8], shape: Shape) -> Result<Picture, Unfit> {
    let content = inspect(bytes)?;
    if content.frames > 1 && !matches!(shape, Shape::Circle(_)) {
        return moving(bytes, content, shape);
    }
    let pixels = still(bytes, content)?;
    let (width, height) = drawn_size(pixels.dimensions(), shape);
    Ok(match shape {
        Shape::Card { .. } => Picture::still(shape::card(pixels, width, height)),
        Shape::Circle(diameter) => Picture::still(shape::circle(&pixels, diameter.into())),
        Shape::Whole => Picture::zoomable(shape::scale(pixels, width, height)),
    })
}

/// The pixels of a picture, or of the first frame of one that moves, the right way up.
pub fn upright(bytes: &[u8]) -> Result<RgbaImage, Unfit> {
    still(bytes, inspect(bytes)?)
}

fn still(bytes: &[u8], content: Content) -> Result<RgbaImage, Unfit> {
    let read = || -> ImageResult<DynamicImage> {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), content.format);
        reader.limits(limits());
        let mut decoder = reader.into_decoder()?;
        let upright = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(upright);
        Ok(picture)
    };
    read().map(DynamicImage::into_rgba8).map_err(|_| Unfit::Broken)
}

/// The frames, scaled one by one as they come: all of them at their full size might not fit into memory.
fn moving(bytes: &[u8], content: Content, shape: Shape) -> Result<Picture, Unfit> {
    let size = drawn_size((content.width, content.height), shape);
    let Plan { step, width, height } = plan(content.frames, size);
    let mut kept: Vec<(RgbaImage, Duration)> = Vec::new();
    for (index, frame) in frames(bytes, content.format).map_err(|_| Unfit::Broken)?.enumerate() {
        // What can be read of a damaged one is shown.
        let Ok(frame) = frame else { break };
        let delay = delay(Duration::from(frame.delay()));
        match kept.last_mut() {
            Some((_, shown)) if index % step != 0 => *shown += delay,
            _ => {
                let pixels = frame.into_buffer();
                let pixels = match shape {
                    Shape::Whole => shape::scale(pixels, width, height),
                    Shape::Card { .. } | Shape::Circle(_) => shape::card(pixels, width, height),
                };
                kept.push((pixels, delay));
            }
        }
    }
    Picture::moving(kept).ok_or(Unfit::Broken)
}

fn frames(bytes: &[u8], format: ImageFormat) -> ImageResult<Frames<'_>> {
    let bytes = Cursor::new(bytes);
    if format == ImageFormat::Gif {
        let mut decoder = GifDecoder::new(bytes)?;
        decoder.set_limits(limits())?;
        return Ok(decoder.into_frames());
    }
    let mut decoder = WebPDecoder::new(bytes)?;
    decoder.set_limits(limits())?;
    Ok(decoder.into_frames())
}

/// How the frames are kept: every so many, at this size.
#[derive(Debug, PartialEq)]
struct Plan {
    step: usize,
    width: u32,
    height: u32,
}

/// A long one is drawn at half its pace and then smaller, before it takes all the memory there is for pictures.
fn plan(frames: u32, (width, height): (u32, u32)) -> Plan {
    let bytes = f64::from(frames) * f64::from(width) * f64::from(height) * f64::from(PIXEL);
    let step = if bytes > f64::from(MOVING) { 2 } else { 1 };
    let scale = (f64::from(MOVING) * step as f64 / bytes).sqrt().min(1.0);
    let shrunk = |side: u32| ((f64::from(side) * scale) as u32).max(1);
    Plan { step, width: shrunk(width), height: shrunk(height) }
}

/// The size at which a picture's pixels are kept.
fn drawn_size((width, height): (u32, u32), shape: Shape) -> (u32, u32) {
    let size = (width as f32, height as f32);
    let (width, height) = match shape {
        Shape::Card { width, height } => shape::fit(size, (width.into(), height.into())),
        Shape::Circle(diameter) => (diameter.into(), diameter.into()),
        Shape::Whole => {
            let scale = (WHOLE / (size.0 * size.1)).sqrt().min(1.0);
            ((size.0 * scale).floor().max(1.0), (size.1 * scale).floor().max(1.0))
        }
    };
    (width as u32, height as u32)
}

/// As browsers do: who asks for hardly any time means to be shown at the usual pace.
fn delay(wanted: Duration) -> Duration {
    if wanted <= TOO_SHORT { USUAL_DELAY } else { wanted }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    limits
}

const PIXEL: u32 = 4;
/// All frames of one picture take at most so many bytes.
const MOVING: u32 = 16 << 20;
/// A picture that is looked at closely has at most so many pixels.
const WHOLE: f32 = 8_000_000.0;
/// What a decoder may use.
const MEMORY: u64 = 400 << 20;
const TOO_SHORT: Duration = Duration::from_millis(10);
const USUAL_DELAY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
