//! GIFs to send: the collection that the server brings along, or an outside provider's. Knows no rule, no database and
//! nobody who asks.

mod builtin;
mod search;

use bytes::Bytes;

pub use builtin::Builtin;

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
}

impl Default for Gifs {
    fn default() -> Self {
        Self::new()
    }
}

impl Gifs {
    /// The collection that the server brings along.
    pub fn new() -> Self {
        Self { builtin: Builtin::new() }
    }

    /// GIFs for some words, the best first.
    pub async fn search(&self, query: &str, size: usize, token: &str) -> Result<Page> {
        self.builtin.search(query, size, token)
    }

    /// GIFs that are liked now.
    pub async fn trending(&self, size: usize, token: &str) -> Result<Page> {
        self.builtin.trending(size, token)
    }

    /// Where to begin without words.
    pub async fn shelf(&self) -> Result<Shelf> {
        Ok(self.builtin.shelf())
    }

    /// One GIF.
    pub async fn find(&self, id: &Id) -> Result<Gif> {
        self.builtin.find(id)
    }

    /// A small version of it, for a grid.
    pub async fn preview(&self, id: &Id) -> Result<Picture> {
        self.builtin.picture(id)
    }

    /// Its bytes, to be kept.
    pub async fn picture(&self, id: &Id) -> Result<Picture> {
        self.builtin.picture(id)
    }
}
