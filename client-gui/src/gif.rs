//! The GIFs that somebody sent last. Kept with the window's settings.

use rookery_client::v1;
use serde::{Deserialize, Serialize};

/// So many are remembered.
const MOST: usize = 24;

/// The newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recent(Vec<Known>);

/// As the server said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: String,
    title: String,
    width: i32,
    height: i32,
    preview: String,
}

impl Recent {
    /// One was sent.
    pub fn note(&mut self, gif: &v1::Gif) {
        self.0.retain(|known| known.id != gif.id);
        let v1::Gif { id, title, width, height, preview } = gif.clone();
        self.0.insert(0, Known { id, title, width, height, preview });
        self.0.truncate(MOST);
    }

    /// All of them.
    #[must_use]
    pub fn list(&self) -> Vec<v1::Gif> {
        let gif = |known: &Known| {
            let Known { id, title, width, height, preview } = known.clone();
            v1::Gif { id, title, width, height, preview }
        };
        self.0.iter().map(gif).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_comes_first_and_each_once() {
        let mut recent = Recent::default();
        let gif = |id: u32| v1::Gif { id: format!("builtin/{id}"), width: 128, height: 96, ..v1::Gif::default() };
        (0..30).for_each(|id| recent.note(&gif(id)));
        recent.note(&gif(20));
        let ids: Vec<String> = recent.list().into_iter().map(|gif| gif.id).collect();
        assert_eq!((ids.len(), ids[0].as_str(), ids[1].as_str()), (MOST, "builtin/20", "builtin/29"));
        let kept: Recent = serde_json::from_str(&serde_json::to_string(&recent).unwrap()).unwrap();
        assert_eq!(kept, recent);
    }
}
