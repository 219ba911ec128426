//! Finds, reads and decodes a picture on this device, or says in a sentence why not.

use std::path::PathBuf;

use image::RgbaImage;

use super::Chosen;
use crate::picture::{self, Unfit, decode};

/// A file of more bytes is not even read.
const BYTES: u64 = 50 << 20;
/// More pixels than this are not needed for a square of 512, even from close by.
const LARGE: u32 = 2_048;
/// The copy that is drawn and cut while one drags.
const SMALL: u32 = 768;

/// Asks with the system's dialog; none if it was cancelled, or if there is none.
pub async fn choose() -> Option<PathBuf> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Choose a picture")
        .add_filter("Pictures", &["png", "jpg", "jpeg", "gif", "webp"]);
    dialog.pick_file().await.map(|file| file.path().to_owned())
}

/// A path as people write it, or as a file manager copies it.
#[must_use]
pub fn path_of(text: &str) -> PathBuf {
    let text = text.strip_prefix("file://").unwrap_or(text);
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// Reads a picture.
pub async fn load(path: PathBuf) -> Result<Chosen, String> {
    let unreadable = |error: std::io::Error| format!("This file cannot be read: {error}.");
    let size = tokio::fs::metadata(&path).await.map_err(unreadable)?;
    if !size.is_file() {
        return Err("This is not a file.".to_owned());
    }
    if size.len() > BYTES {
        return Err("This file is too large: at most 50 MB.".to_owned());
    }
    let bytes = tokio::fs::read(&path).await.map_err(unreadable)?;
    let made = tokio::task::spawn_blocking(move || make(&bytes)).await;
    made.unwrap_or(Err(Unfit::Broken)).map_err(|unfit| sentence(unfit).to_owned())
}

fn make(bytes: &[u8]) -> Result<Chosen, Unfit> {
    let pixels = within(decode::upright(bytes)?, LARGE);
    let small = within(pixels.clone(), SMALL);
    Ok(Chosen::new(pixels, small))
}

fn within(pixels: RgbaImage, side: u32) -> RgbaImage {
    let (width, height) = pixels.dimensions();
    let (wide, high) = picture::fit((width as f32, height as f32), (side as f32, side as f32));
    picture::scale(pixels, wide as u32, high as u32)
}

fn sentence(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Broken => "This is not a picture that can be read: PNG, JPEG, GIF or WebP.",
        Unfit::TooLarge => "This picture is too large: at most 8,192 pixels a side and 25 megapixels.",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgba};

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let pixels = RgbaImage::from_pixel(width, height, Rgba([1, 2, 3, 255]));
        pixels.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// A PNG whose head claims another size than it has.
    fn lying(width: u32) -> Vec<u8> {
        let mut bytes = png(4, 4);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes
    }

    #[tokio::test]
    async fn what_is_no_picture_is_refused_with_a_sentence() {
        let folder = std::env::temp_dir().join(format!("rookery-portrait-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let words = load(file("words.png", b"no picture at all")).await.unwrap_err();
        assert_eq!(words, sentence(Unfit::Broken));
        let half = load(file("half.png", &png(300, 300)[..60])).await.unwrap_err();
        assert_eq!(half, sentence(Unfit::Broken));
        let bomb = load(file("bomb.png", &lying(60_000))).await.unwrap_err();
        assert!(bomb == sentence(Unfit::TooLarge) || bomb == sentence(Unfit::Broken), "{bomb}");
        assert!(load(folder.clone()).await.unwrap_err().contains("not a file"));
        assert!(load(folder.join("nothing")).await.unwrap_err().starts_with("This file cannot be read"));
        let fine = load(file("fine.png", &png(3_000, 1_500))).await.unwrap();
        assert_eq!(fine.size(), (2_048, 1_024));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_path_may_begin_at_home_and_come_from_a_file_manager() {
        assert_eq!(path_of("/a/b c.png"), PathBuf::from("/a/b c.png"));
        assert_eq!(path_of("file:///a/b.png"), PathBuf::from("/a/b.png"));
        if let Some(home) = std::env::home_dir() {
            assert_eq!(path_of("~/b.png"), home.join("b.png"));
        }
    }
}
