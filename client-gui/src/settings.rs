//! What the window remembers between two starts; not secret, and no harm if it is lost.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::emote::Habits;
use crate::theme::Mode;

/// The file in the profile's folder.
const FILE: &str = "window.json";

/// The settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark or light.
    pub mode: Mode,
    /// The server that was used last.
    pub server: Option<String>,
    /// The note about the token in a file was read.
    pub note_read: bool,
    /// Which emotes the user uses.
    pub emotes: Habits,
}

impl Settings {
    /// As they were, or the usual ones.
    #[must_use]
    pub fn load(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps them. A disk that is full must not stop the chat.
    pub fn save(&self, folder: &Path) {
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(folder.join(FILE), text));
        if let Err(error) = written {
            tracing::warn!(%error, "the window's settings could not be kept");
        }
    }
}
