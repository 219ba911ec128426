//! One's picture in the editor: chosen from the disk, cut to a square, or taken away. Files are read and decoded on other
//! threads, and only if they say of themselves that they are no larger than a picture may be.

mod load;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use iced::Task;
use iced::advanced::image::Handle;
use iced::widget::{Id, operation};
use image::RgbaImage;

use crate::picture::crop::{self, Crop};
use crate::theme;

/// What becomes of the picture.
#[derive(Debug, Clone, Default)]
pub enum Portrait {
    /// It stays as it is.
    #[default]
    Kept,
    /// It goes.
    Removed,
    /// This one comes.
    Chosen(Chosen),
}

/// A picture, and the square of it.
#[derive(Clone)]
pub struct Chosen {
    pixels: Arc<RgbaImage>,
    // Small enough to be cut anew with each movement.
    small: Arc<RgbaImage>,
    handle: Handle,
    crop: Crop,
    preview: Handle,
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen").field("crop", &self.crop).finish_non_exhaustive()
    }
}

impl Chosen {
    /// A picture, and a smaller copy of it.
    #[must_use]
    pub fn new(pixels: RgbaImage, small: RgbaImage) -> Self {
        let crop = Crop::new(pixels.dimensions());
        let handle = handle(small.clone());
        let preview = preview(&small, crop);
        Self { pixels: Arc::new(pixels), small: Arc::new(small), handle, crop, preview }
    }

    /// All of it.
    #[must_use]
    pub fn pixels(&self) -> Arc<RgbaImage> {
        self.pixels.clone()
    }

    /// Its size in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.pixels.dimensions()
    }

    /// All of it, to draw.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The square.
    #[must_use]
    pub fn crop(&self) -> Crop {
        self.crop
    }

    /// The square as others will see it.
    #[must_use]
    pub fn preview(&self) -> &Handle {
        &self.preview
    }

    fn take(&mut self, crop: Crop) {
        self.crop = crop;
        self.preview = preview(&self.small, crop);
    }
}

fn preview(pixels: &RgbaImage, crop: Crop) -> Handle {
    // Sharp on finer screens, too.
    handle(crop::circle(pixels, crop, theme::AVATAR_LARGE as u32 * 2))
}

fn handle(pixels: RgbaImage) -> Handle {
    let (width, height) = pixels.dimensions();
    Handle::from_rgba(width, height, pixels.into_raw())
}

/// The part of the editor.
#[derive(Debug, Default)]
pub struct State {
    portrait: Portrait,
    // Where the picture is, for those who know it, or have no dialog to find it with.
    path: Option<String>,
    error: Option<String>,
    loading: Option<iced::task::Handle>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// Choose a picture.
    ChooseWanted,
    /// The system's dialog was closed.
    Picked(Option<PathBuf>),
    /// The path was changed.
    PathChanged(String),
    /// Enter, or the button.
    PathSubmitted,
    /// A file was dropped on the window.
    Dropped(PathBuf),
    /// The picture is there, or it is none.
    Loaded(Result<Chosen, String>),
    /// Another square.
    Cropped(Crop),
    /// Closer, or farther away.
    Zoomed(f32),
    /// Without a picture.
    RemoveWanted,
    /// As it was.
    KeepWanted,
}

impl State {
    /// What becomes of the picture.
    #[must_use]
    pub fn portrait(&self) -> &Portrait {
        &self.portrait
    }

    /// The path that is being written.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether a picture is being read.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// The server does not take it.
    pub fn fail(&mut self, why: String) {
        self.error = Some(why);
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::ChooseWanted => {
                // There may be no dialog on this machine, and then nothing would happen.
                self.path.get_or_insert_default();
                return Task::perform(load::choose(), Message::Picked);
            }
            Message::Picked(None) => return operation::focus(PATH),
            Message::Picked(Some(path)) | Message::Dropped(path) => return self.load(path),
            Message::PathChanged(path) => {
                self.path = Some(path);
                self.error = None;
            }
            Message::PathSubmitted => {
                let path = self.path.as_deref().unwrap_or_default().trim();
                if !path.is_empty() {
                    return self.load(load::path_of(path));
                }
            }
            Message::Loaded(Ok(chosen)) => {
                *self = Self { portrait: Portrait::Chosen(chosen), ..Self::default() };
            }
            Message::Loaded(Err(why)) => {
                self.loading = None;
                self.error = Some(why);
            }
            Message::Cropped(crop) => self.crop(|_| crop),
            Message::Zoomed(zoom) => self.crop(|crop| crop.zoomed(zoom, MIDDLE)),
            Message::RemoveWanted => *self = Self { portrait: Portrait::Removed, ..Self::default() },
            Message::KeepWanted => *self = Self::default(),
        }
        Task::none()
    }

    fn crop(&mut self, change: impl FnOnce(Crop) -> Crop) {
        if let Portrait::Chosen(chosen) = &mut self.portrait {
            chosen.take(change(chosen.crop));
        }
    }

    fn load(&mut self, path: PathBuf) -> Task<Message> {
        self.error = None;
        let (task, handle) = Task::perform(load::load(path), Message::Loaded).abortable();
        // Another file before this one was read: this one is no longer wanted.
        self.loading = Some(handle.abort_on_drop());
        task
    }
}

/// The field of the path.
pub(super) const PATH: Id = Id::new("portrait-path");
/// Where the zoom's own control holds the picture.
const MIDDLE: (f32, f32) = (0.5, 0.5);
