//! Animated WebP. Every frame is decoded once, to know that it can be; the file is written anew with the chunks of the
//! animation alone. The decoder's own limits do not bound what it allocates, so sizes are read from the chunks first.

use std::io::Cursor;

use image::{AnimationDecoder, codecs::webp::WebPDecoder};

use super::picture::{self, Limits, Moving, said};

/// VP8X: the flag of an animation, and of an alpha channel.
const ANIMATED: u8 = 0b10;
const ALPHA: u8 = 0b1_0000;

/// Whether a WebP file says that it moves.
pub(super) fn moves(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & ANIMATED != 0)
}

/// A chunk of a RIFF file.
struct Chunk<'bytes> {
    name: [u8; 4],
    content: &'bytes [u8],
}

/// The chunks of a part of a file; none if they do not fill it.
fn chunks(mut bytes: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(8)?;
        let name = head[..4].try_into().ok()?;
        let length = u32::from_le_bytes(head[4..].try_into().ok()?) as usize;
        found.push(Chunk { name, content: rest.get(..length)? });
        // Chunks have even lengths; the last one's filling may be missing.
        bytes = rest.get(length + length % 2..).unwrap_or_default();
    }
    Some(found)
}

fn write(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
}

/// A number of three bytes.
fn number(bytes: &[u8]) -> Option<u32> {
    let [a, b, c] = bytes.get(..3)?.try_into().ok()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// A frame's chunks written anew, and its size.
fn frame(content: &[u8]) -> Option<(Vec<u8>, u32, u32)> {
    let (head, rest) = content.split_at_checked(16)?;
    let (width, height) = (number(&head[6..])? + 1, number(&head[9..])? + 1);
    let mut out = head.to_vec();
    let mut images = 0;
    for Chunk { name, content } in chunks(rest)? {
        match &name {
            b"VP8 " | b"VP8L" => {
                images += 1;
                if coded_size(&name, content)? != (width, height) {
                    return None;
                }
            }
            b"ALPH" => {}
            _ => continue,
        }
        write(&mut out, &name, content);
    }
    (images == 1).then_some((out, width, height))
}

/// The size that an image's own data names, which the decoder goes by.
fn coded_size(name: &[u8; 4], content: &[u8]) -> Option<(u32, u32)> {
    if name == b"VP8L" {
        let bits = u32::from_le_bytes(content.get(1..5)?.try_into().ok()?);
        return Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
    }
    let side = |at: usize| Some(u32::from(u16::from_le_bytes(content.get(at..at + 2)?.try_into().ok()?) & 0x3fff));
    Some((side(6)?, side(8)?))
}

/// Decodes an animation and writes it anew; why not, for the log.
pub(super) fn rewrite(bytes: &[u8], limits: &Limits) -> Result<Moving, String> {
    let broken = || "the chunks are not those of an animation".to_owned();
    let length =
        bytes.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes).ok_or_else(broken)?;
    // What stands behind the end is no part of it.
    let body = bytes.get(12..(length as usize).saturating_add(8).min(bytes.len())).ok_or_else(broken)?;
    let (mut out, mut frames, mut canvas, mut anim) = (b"WEBP".to_vec(), 0, None, false);
    for Chunk { name, content } in chunks(body).ok_or_else(broken)? {
        match &name {
            b"VP8X" if canvas.is_none() => {
                let (Some(width), Some(height)) =
                    (content.get(4..).and_then(number), content.get(7..).and_then(number))
                else {
                    return Err(broken());
                };
                limits.check(width + 1, height + 1)?;
                canvas = Some((width + 1, height + 1));
                let mut head = [0; 10];
                head.copy_from_slice(content.get(..10).ok_or_else(broken)?);
                // No colour profile, EXIF or XMP any more.
                head[0] &= ANIMATED | ALPHA;
                write(&mut out, b"VP8X", &head);
            }
            b"ANIM" if !anim && content.len() == 6 => {
                anim = true;
                write(&mut out, b"ANIM", content);
            }
            b"ANMF" if anim => {
                let (width, height) = canvas.ok_or_else(broken)?;
                let (content, own_width, own_height) = frame(content).ok_or_else(broken)?;
                let (x, y) = (number(&content).unwrap_or(0) * 2, number(&content[3..]).unwrap_or(0) * 2);
                if x.saturating_add(own_width) > width || y.saturating_add(own_height) > height {
                    return Err(broken());
                }
                frames += 1;
                limits.check_frames(width, height, frames)?;
                write(&mut out, b"ANMF", &content);
            }
            b"VP8X" | b"ANIM" | b"ANMF" | b"VP8 " | b"VP8L" => return Err(broken()),
            _ => {}
        }
    }
    let mut bytes = Vec::with_capacity(out.len() + 8);
    write(&mut bytes, b"RIFF", &out);
    // What was written is what is looked at, so nothing that was left out can have mattered.
    let decoder = WebPDecoder::new(Cursor::new(&bytes)).map_err(said)?;
    let mut first = None;
    let mut decoded = 0;
    for frame in decoder.into_frames() {
        let frame = frame.map_err(said)?;
        decoded += 1;
        first.get_or_insert_with(|| picture::first(frame.into_buffer()));
    }
    match (first, canvas) {
        (Some(first), Some((width, height))) if decoded == frames => Ok(Moving { bytes, width, height, frames, first }),
        _ => Err(broken()),
    }
}
