//! GIFs: each frame is read as it stands in the file and written anew, with its palette, its time and its place. Comments
//! and what applications add are left out.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Encoder, Frame, MemoryLimit};
use image::{Rgba, RgbaImage};

use super::picture::{self, Limits, Moving, said};

/// Decodes a GIF and writes it anew; why not, for the log.
pub(super) fn rewrite(bytes: &[u8], limits: &Limits) -> Result<Moving, String> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    // A byte for each pixel of a frame.
    options.set_memory_limit(NonZeroU64::new(limits.pixels).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let mut decoder = options.read_info(bytes).map_err(said)?;
    let (width, height) = (decoder.width(), decoder.height());
    limits.check(width.into(), height.into())?;
    let palette = decoder.global_palette().unwrap_or_default().to_vec();
    let mut encoder: Option<Encoder<Vec<u8>>> = None;
    let mut first = None;
    let mut frames = 0;
    while let Some(frame) = decoder.read_next_frame().map_err(said)? {
        frames += 1;
        limits.check_frames(width.into(), height.into(), frames)?;
        let frame = Frame { interlaced: false, needs_user_input: false, ..frame.clone() };
        first.get_or_insert_with(|| picture::first(shown(width, height, &frame, &palette)));
        // How often it plays stands before the first frame.
        let encoder = match &mut encoder {
            Some(encoder) => encoder,
            None => {
                let mut new = Encoder::new(Vec::new(), width, height, &palette).map_err(said)?;
                new.set_repeat(decoder.repeat()).map_err(said)?;
                encoder.insert(new)
            }
        };
        encoder.write_frame(&frame).map_err(said)?;
    }
    let (Some(encoder), Some(first)) = (encoder, first) else { return Err("no frame".into()) };
    let bytes = encoder.into_inner().map_err(said)?;
    Ok(Moving { bytes, width: width.into(), height: height.into(), frames, first })
}

/// A frame on the whole picture, which is clear where the frame is not.
fn shown(width: u16, height: u16, frame: &Frame<'_>, global: &[u8]) -> RgbaImage {
    let mut canvas = RgbaImage::new(width.into(), height.into());
    let palette = frame.palette.as_deref().unwrap_or(global);
    let rows = frame.buffer.chunks(usize::from(frame.width).max(1)).zip(u32::from(frame.top)..);
    for (row, y) in rows {
        for (index, x) in row.iter().zip(u32::from(frame.left)..) {
            let color = palette.get(usize::from(*index) * 3..usize::from(*index) * 3 + 3);
            if let (Some([r, g, b]), true) = (color, frame.transparent != Some(*index)) {
                canvas.put_pixel(x, y, Rgba([*r, *g, *b, u8::MAX]));
            }
        }
    }
    canvas
}
