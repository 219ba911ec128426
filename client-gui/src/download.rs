//! Files from the server, saved on this device and opened there.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rookery_client::{Error, MediaStore, v1};

use crate::speech;

/// What has come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now.
    Saved(PathBuf),
    /// Another program shows it.
    Opened,
    /// The user thought better of it.
    Dropped,
}

/// Saves a file where the user says; where she cannot be asked, in the folder of downloads.
pub async fn save(store: MediaStore, media: v1::Media) -> Result<Outcome, Error> {
    let name = safe_name(&media.name);
    let asked = Instant::now();
    let dialog = rfd::AsyncFileDialog::new().set_title("Save").set_file_name(&name).set_directory(folder());
    let path = match dialog.save_file().await {
        Some(chosen) => chosen.path().to_owned(),
        // Nobody says no so quickly: this desktop has no dialog to show.
        None if asked.elapsed() < INSTANT => free_path(&folder(), &name),
        None => return Ok(Outcome::Dropped),
    };
    keep(&store, &media, &path).await?;
    Ok(Outcome::Saved(path))
}

/// Saves a file in the folder of downloads and has the desktop open it.
pub async fn open(store: MediaStore, media: v1::Media) -> Result<Outcome, Error> {
    let name = safe_name(&media.name);
    let path = folder().join(&name);
    // From the last time.
    let there = tokio::fs::metadata(&path).await.is_ok_and(|known| known.len() == media.size.unsigned_abs());
    let path = if there { path } else { free_path(&folder(), &name) };
    if !there {
        keep(&store, &media, &path).await?;
    }
    let shown = path.clone();
    let opened = tokio::task::spawn_blocking(move || open::that_detached(shown)).await;
    if matches!(opened, Ok(Ok(()))) { Ok(Outcome::Opened) } else { Ok(Outcome::Saved(path)) }
}

/// Whether opening a file of this name runs nothing: what others send must not be started by one click.
#[must_use]
pub fn is_harmless(name: &str) -> bool {
    let end = Path::new(name).extension().map(|end| end.to_string_lossy().to_lowercase());
    end.is_some_and(|end| HARMLESS.contains(&end.as_str()))
}

/// A path as people read it.
fn shown(path: &Path) -> String {
    let home = std::env::home_dir().filter(|home| home.components().count() > 1);
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// What to tell the user about it, if anything.
#[must_use]
pub fn note(result: Result<Outcome, Error>) -> Option<String> {
    match result {
        Ok(Outcome::Saved(path)) => Some(format!("Saved as {}", shown(&path))),
        Ok(Outcome::Opened | Outcome::Dropped) => None,
        Err(error) => Some(speech::sentence(&error.message)),
    }
}

async fn keep(store: &MediaStore, media: &v1::Media, path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        // Whether it is there shows when the file is written.
        let _ = tokio::fs::create_dir_all(folder).await;
    }
    store.save(media, path).await
}

/// The name without what could lead out of a folder, or hide the file in it.
fn safe_name(name: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let name: String = name.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// A name that nothing has yet: "picture (2).png".
fn free_path(folder: &Path, name: &str) -> PathBuf {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let named = |number: u32| folder.join(if number < 2 { name.to_owned() } else { format!("{stem} ({number}){end}") });
    (1..TRIES).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(TRIES))
}

/// Where downloads go.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("XDG_DOWNLOAD_DIR").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let home = std::env::home_dir().unwrap_or_default();
    let settings = std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    std::fs::File::open(settings.join("user-dirs.dirs"))
        .ok()
        .and_then(|file| chosen_folder(std::io::BufReader::new(file), &home))
        .unwrap_or_else(|| home.join("Downloads"))
}

/// What the desktop's settings call the folder of downloads.
fn chosen_folder(settings: impl BufRead, home: &Path) -> Option<PathBuf> {
    let lines = settings.lines().map_while(Result::ok);
    let value =
        lines.filter_map(|line| Some(line.strip_prefix("XDG_DOWNLOAD_DIR=")?.trim_matches('"').to_owned())).last()?;
    match value.strip_prefix("$HOME") {
        Some(rest) => Some(home.join(rest.trim_start_matches('/'))),
        None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
    }
}

/// What a dialog that is shown cannot undercut.
const INSTANT: Duration = Duration::from_millis(700);
const TRIES: u32 = 1_000;
const HARMLESS: [&str; 36] = [
    "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "heic", "avif", "mp3", "ogg", "oga", "opus", "flac",
    "wav", "m4a", "aac", "mp4", "m4v", "webm", "mkv", "mov", "avi", "ogv", "txt", "md", "log", "csv", "pdf", "epub",
    "zip", "tar", "gz", "xz", "7z",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert_eq!(safe_name("holiday.png"), "holiday.png");
        assert_eq!(safe_name("../../.bashrc"), "_.._.bashrc");
        assert_eq!(safe_name("C:\\x.exe"), "C__x.exe");
        assert_eq!(safe_name(" .. "), "file");
        assert_eq!(safe_name("größe\n.txt"), "größe_.txt");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = std::env::temp_dir().join(format!("rookery-download-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(free_path(&folder, "a.tar.gz"), folder.join("a.tar.gz"));
        std::fs::write(folder.join("a.png"), "").unwrap();
        std::fs::write(folder.join("a (2).png"), "").unwrap();
        assert_eq!(free_path(&folder, "a.png"), folder.join("a (3).png"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn one_click_starts_nothing() {
        assert!(is_harmless("Holiday.PNG") && is_harmless("paper.pdf"));
        for name in ["run.sh", "x.desktop", "setup.exe", "page.html", "picture.png.AppImage", "noend", "a.svg"] {
            assert!(!is_harmless(name), "{name}");
        }
    }

    #[test]
    fn the_desktop_says_where_downloads_go() {
        let settings = "# comment\nXDG_DESKTOP_DIR=\"$HOME/Bureau\"\nXDG_DOWNLOAD_DIR=\"$HOME/Téléchargements\"\n";
        let home = Path::new("/somewhere/ada");
        assert_eq!(chosen_folder(settings.as_bytes(), home), Some(home.join("Téléchargements")));
        assert_eq!(chosen_folder(&b"XDG_DOWNLOAD_DIR=\"/big/in\""[..], home), Some("/big/in".into()));
        assert_eq!(chosen_folder(&b""[..], home), None);
    }
}
