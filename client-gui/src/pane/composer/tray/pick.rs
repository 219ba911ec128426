//! Where files to send come from: a dialog of the desktop, a path, the clipboard.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{ImageFormat, RgbaImage};

use super::Content;
use crate::gallery::Bytes;

/// A file that is there.
#[derive(Debug, Clone)]
pub struct Found {
    /// What to call it.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// The bytes.
    pub content: Content,
}

/// What came of the dialog.
#[derive(Debug, Clone)]
pub enum Picked {
    /// These.
    Files(Vec<PathBuf>),
    /// The user thought better of it.
    Nothing,
    /// This desktop has none.
    NoDialog,
}

/// Shows the desktop's dialog.
pub async fn ask() -> Picked {
    let asked = Instant::now();
    match rfd::AsyncFileDialog::new().set_title("Attach files").pick_files().await {
        Some(files) => Picked::Files(files.into_iter().map(|file| file.path().to_owned()).collect()),
        // Nobody closes a dialog so quickly.
        None if asked.elapsed() < INSTANT => Picked::NoDialog,
        None => Picked::Nothing,
    }
}

/// What was written as a path, as a shell or a file manager writes it.
pub fn written(path: &str) -> Option<PathBuf> {
    let path = path.trim().trim_matches(['"', '\'']);
    let path = path.strip_prefix("file://").unwrap_or(path);
    match path.strip_prefix("~/") {
        _ if path.is_empty() => None,
        Some(rest) => Some(std::env::home_dir()?.join(rest)),
        None => Some(PathBuf::from(path)),
    }
}

/// Finds out what there is at some paths.
pub async fn look_at(paths: Vec<PathBuf>) -> Vec<Result<Found, String>> {
    let mut found = Vec::new();
    for path in paths {
        let name = name(&path);
        found.push(match tokio::fs::metadata(&path).await {
            Ok(known) if known.is_dir() => Err(format!("“{name}” is a folder.")),
            Ok(known) => Ok(Found { name, size: known.len(), content: Content::File(path) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!("There is no file “{name}”.")),
            Err(error) => Err(format!("“{name}” cannot be read: {error}.")),
        });
    }
    found
}

/// The picture on the clipboard. Text has been pasted already, and often comes with a picture of itself.
pub async fn paste() -> Option<Result<Found, String>> {
    tokio::task::spawn_blocking(|| {
        let mut clipboard = arboard::Clipboard::new().ok()?;
        if clipboard.get_text().is_ok_and(|text| !text.is_empty()) {
            return None;
        }
        let picture = clipboard.get_image().ok()?;
        let (width, height) = (u32::try_from(picture.width).ok()?, u32::try_from(picture.height).ok()?);
        Some(encode(RgbaImage::from_raw(width, height, picture.bytes.into_owned())?))
    })
    .await
    .ok()
    .flatten()
}

fn encode(picture: RgbaImage) -> Result<Found, String> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| format!("The picture cannot be pasted: {error}."))?;
    let bytes = bytes.into_inner();
    let (name, size) = ("Pasted picture.png".to_owned(), bytes.len() as u64);
    Ok(Found { name, size, content: Content::Bytes(Bytes(Arc::new(bytes))) })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

const INSTANT: Duration = Duration::from_millis(1_500);
