//! A picture ready to be drawn: its pixels, one handle for each frame, made once. iced keeps what it has made of a handle
//! for as long as it is drawn; a new handle in every view would be a new picture each time.

pub mod crop;
pub mod decode;
mod inspect;
mod shape;

use std::time::Duration;

use iced::advanced::image::Handle;
use image::RgbaImage;
use image::imageops::{self, FilterType};

pub use decode::{decode, poster};
pub use inspect::Unfit;
pub use shape::{Shape, blur, fit, scale};

/// The pixels of a picture, or of all frames of one that moves.
#[derive(Debug, Clone)]
pub struct Picture {
    frames: Vec<Frame>,
    // The same at half the size, at a quarter and so on: drawing a large picture small must not leave out pixels.
    smaller: Vec<Handle>,
    width: u32,
    height: u32,
}

/// One frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What to draw.
    pub handle: Handle,
    /// For how long; means nothing where there is only one.
    pub delay: Duration,
}

impl Picture {
    /// A picture that does not move.
    #[must_use]
    pub fn still(pixels: RgbaImage) -> Self {
        let (width, height) = pixels.dimensions();
        let frames = vec![Frame { handle: handle(pixels), delay: Duration::ZERO }];
        Self { frames, smaller: Vec::new(), width, height }
    }

    /// The same, to be drawn at many sizes.
    #[must_use]
    pub fn zoomable(pixels: RgbaImage) -> Self {
        let mut smaller = Vec::new();
        let (mut width, mut height) = pixels.dimensions();
        let mut last = None;
        while width.max(height) > SMALLEST {
            (width, height) = ((width / 2).max(1), (height / 2).max(1));
            let half = imageops::resize(last.as_ref().unwrap_or(&pixels), width, height, FilterType::Triangle);
            smaller.push(handle(half.clone()));
            last = Some(half);
        }
        Self { smaller, ..Self::still(pixels) }
    }

    /// A picture that moves; none without a frame.
    #[must_use]
    pub fn moving(frames: Vec<(RgbaImage, Duration)>) -> Option<Self> {
        let (width, height) = frames.first()?.0.dimensions();
        let frames = frames.into_iter().map(|(pixels, delay)| Frame { handle: handle(pixels), delay });
        Some(Self { frames: frames.collect(), smaller: Vec::new(), width, height })
    }

    /// Its first frame alone.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.frames.truncate(1);
        self
    }

    /// Its frames; there is at least one.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Whether it has more than one.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.frames.len() > 1
    }

    /// Its size in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The place that it takes where it is drawn as it is.
    #[must_use]
    pub fn size_drawn(&self) -> (f32, f32) {
        (self.width as f32, self.height as f32)
    }

    /// What to draw a frame with when it is drawn so wide.
    #[must_use]
    pub fn handle(&self, frame: usize, width: f32) -> &Handle {
        let halves = (self.width as f32 / width.max(1.0)).log2().floor();
        let level = if halves >= 1.0 { (halves as usize).min(self.smaller.len()) } else { 0 };
        match level.checked_sub(1).and_then(|level| self.smaller.get(level)) {
            Some(smaller) => smaller,
            None => &self.frames[frame % self.frames.len()].handle,
        }
    }

    /// How much memory its pixels take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let frames = self.frames.iter().map(|frame| &frame.handle);
        frames.chain(&self.smaller).map(pixel_bytes).sum()
    }
}

fn handle(pixels: RgbaImage) -> Handle {
    let (width, height) = pixels.dimensions();
    Handle::from_rgba(width, height, pixels.into_raw())
}

fn pixel_bytes(handle: &Handle) -> usize {
    match handle {
        Handle::Rgba { pixels, .. } => pixels.len(),
        Handle::Bytes(_, bytes) => bytes.len(),
        Handle::Path(..) => 0,
    }
}

/// Halving ends here.
const SMALLEST: u32 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_drawn_small_from_its_smaller_copies() {
        let picture = Picture::zoomable(RgbaImage::new(4_000, 2_000));
        let width = |drawn| match picture.handle(0, drawn) {
            Handle::Rgba { width, .. } => *width,
            _ => 0,
        };
        assert_eq!(
            (width(4_000.0), width(2_500.0), width(2_000.0), width(900.0), width(20.0)),
            (4_000, 4_000, 2_000, 1_000, 500)
        );
        assert_eq!(picture.size(), (4_000, 2_000));
        assert_eq!(Picture::still(RgbaImage::new(3, 2)).bytes(), 24);
    }
}
