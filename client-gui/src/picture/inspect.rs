//! What a file says of itself, read before anything is decoded: a picture that would take too long, or too much memory,
//! is refused here. The server has looked at it too; a server may be wrong, or lie.

use std::io::Cursor;

use image::{ImageFormat, ImageReader};

/// A picture that is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It cannot be read.
    Broken,
    /// It has too many pixels or frames.
    TooLarge,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// How it is written.
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// At least one.
    pub frames: u32,
}

/// Reads the head of a picture, and passes over its frames.
pub fn inspect(bytes: &[u8]) -> Result<Content, Unfit> {
    let format = image::guess_format(bytes).map_err(|_| Unfit::Broken)?;
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];
    if !known.contains(&format) {
        return Err(Unfit::Broken);
    }
    let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
    let (width, height) = size.map_err(|_| Unfit::Broken)?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Unfit::Broken);
    }
    if width.max(height) > SIDE || pixels > PIXELS {
        return Err(Unfit::TooLarge);
    }
    let frames = match format {
        ImageFormat::Gif => gif_frames(bytes, width, height)?,
        ImageFormat::WebP => webp_frames(bytes),
        _ => 1,
    };
    if frames > FRAMES || pixels * u64::from(frames) > PIXELS_OF_ALL {
        return Err(Unfit::TooLarge);
    }
    Ok(Content { format, width, height, frames })
}

/// Counts the frames of a GIF without decoding them. One may claim to be larger than the whole picture.
fn gif_frames(bytes: &[u8], width: u32, height: u32) -> Result<u32, Unfit> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(|_| Unfit::Broken)?;
    let mut frames = 0;
    // What comes after a part that cannot be read is not drawn; what came before it is.
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        if u32::from(frame.width) > width || u32::from(frame.height) > height {
            return Err(Unfit::TooLarge);
        }
        frames += 1;
        if frames > FRAMES {
            break;
        }
    }
    Ok(frames.max(1))
}

/// Counts the frames of a WebP: its parts of the name ANMF.
fn webp_frames(bytes: &[u8]) -> u32 {
    const HEAD: usize = 12;
    const PART: usize = 8;
    let mut rest = bytes.get(HEAD..).unwrap_or_default();
    let mut frames = 0;
    while let Some((name, size)) = rest.first_chunk::<PART>().map(|head| (&head[..4], &head[4..])) {
        frames += u32::from(name == b"ANMF");
        let size = size.iter().rev().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        // Parts begin at even places.
        let next = size.saturating_add(size % 2).saturating_add(PART);
        rest = rest.get(next..).unwrap_or_default();
    }
    frames.max(1)
}

/// The longest side of a picture.
const SIDE: u32 = 8_192;
/// The most pixels of a picture.
const PIXELS: u64 = 25_000_000;
/// The most frames.
const FRAMES: u32 = 200;
/// The most pixels of all frames together.
const PIXELS_OF_ALL: u64 = 100_000_000;
