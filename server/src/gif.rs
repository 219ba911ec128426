//! GIFs to send: the collection that the server brings along, or an outside provider's. Knows no rule, no database and
//! nobody who asks.

mod builtin;
mod fetch;
mod giphy;
mod klipy;
mod outside;
mod search;

use bytes::Bytes;
use serde::Deserialize;

use builtin::Builtin;
pub use fetch::Key;
use outside::Outside;

/// The `[gif]` table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub provider: Choice,
    /// What an outside provider knows this server by.
    pub key: Key,
    /// Where the provider is; empty: at its usual place.
    pub base_url: String,
}

/// Who is asked for GIFs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The collection that the server brings along.
    #[default]
    Builtin,
    /// KLIPY.
    Klipy,
    /// GIPHY.
    Giphy,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such GIF, or it cannot be shown.
    #[error("there is no such GIF")]
    NotFound,
    /// The page token is none of the provider's.
    #[error("no such page")]
    Page,
    /// The provider cannot be asked now; the cause is for the log.
    #[error("{0}")]
    Away(String),
}

/// An answer of this layer.
pub type Result<T> = std::result::Result<T, Error>;

/// Which GIF: a provider's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    provider: String,
    name: String,
}

impl Id {
    /// The form `provider/name`; none if it cannot be one.
    pub fn parse(id: &str) -> Option<Self> {
        let (provider, name) = id.split_once('/')?;
        Self::new(provider, name)
    }

    /// An id of its two parts, if they can be that.
    pub fn new(provider: &str, name: &str) -> Option<Self> {
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let right = (1..=20).contains(&provider.len()) && (1..=150).contains(&name.len());
        (right && plain(provider) && plain(name)).then(|| Self { provider: provider.into(), name: name.into() })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

/// A GIF, as far as is told without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gif {
    pub id: Id,
    pub title: String,
    pub width: u32,
    pub height: u32,
}

/// A page of GIFs.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub gifs: Vec<Gif>,
    /// The token of the next page; empty at the end.
    pub next: String,
}

/// Where to begin without words.
#[derive(Clone, Debug)]
pub struct Category {
    pub name: String,
    pub query: String,
    pub gif: Gif,
}

/// The categories, and what a provider wants to be said beside its pictures.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    pub categories: Vec<Category>,
    pub placeholder: String,
    pub attribution: String,
}

/// The bytes of a GIF.
#[derive(Clone, Debug)]
pub struct Picture {
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// Where GIFs come from.
#[derive(Debug)]
pub struct Gifs {
    /// Always there: what was once found in it can be shown whoever is asked now.
    builtin: Builtin,
    /// Asked instead, where there is one.
    outside: Option<Outside>,
}

impl Gifs {
    /// As the settings say.
    pub fn open(settings: &Settings) -> std::result::Result<Self, String> {
        Ok(Self { builtin: Builtin::new(), outside: Outside::open(settings)? })
    }

    /// GIFs for some words, the best first.
    pub async fn search(&self, query: &str, size: usize, token: &str) -> Result<Page> {
        match &self.outside {
            Some(outside) => outside.search(query, size, token).await,
            None => self.builtin.search(query, size, token),
        }
    }

    /// GIFs that are liked now.
    pub async fn trending(&self, size: usize, token: &str) -> Result<Page> {
        match &self.outside {
            Some(outside) => outside.trending(size, token).await,
            None => self.builtin.trending(size, token),
        }
    }

    /// Where to begin without words.
    pub async fn shelf(&self) -> Result<Shelf> {
        match &self.outside {
            Some(outside) => outside.shelf().await,
            None => Ok(self.builtin.shelf()),
        }
    }

    /// The outside provider, if it is the one that knows this GIF.
    fn outside_of(&self, id: &Id) -> Option<&Outside> {
        self.outside.as_ref().filter(|outside| outside.has(id))
    }

    /// Whether its small version can be had without asking a provider which GIF that is.
    pub fn is_at_hand(&self, id: &Id) -> bool {
        self.outside_of(id).is_none_or(|outside| outside.knows(id))
    }

    /// One GIF.
    pub async fn find(&self, id: &Id) -> Result<Gif> {
        match self.outside_of(id) {
            Some(outside) => outside.find(id).await,
            None => self.builtin.find(id),
        }
    }

    /// A small version of it, for a grid.
    pub async fn preview(&self, id: &Id) -> Result<Picture> {
        match self.outside_of(id) {
            Some(outside) => outside.preview(id).await,
            None => self.builtin.picture(id),
        }
    }

    /// Its bytes, to be kept.
    pub async fn picture(&self, id: &Id) -> Result<Picture> {
        match self.outside_of(id) {
            Some(outside) => outside.picture(id).await,
            None => self.builtin.picture(id),
        }
    }
}
