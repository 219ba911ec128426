//! A provider outside: its answers made ours, its pictures handed on, both kept for a while.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use moka::sync::Cache;
use serde_json::Value;

use super::{
    Category, Choice, Error, Gif, Id, Page, Picture, Result, Settings, Shelf, fetch::Fetch, giphy::Giphy, klipy::Klipy,
};

/// How long it is known where a GIF's pictures are, of how many, and how many bytes of small pictures are kept.
const KNOWN: Duration = Duration::from_secs(60 * 60);
const MOST_KNOWN: u64 = 10_000;
const PICTURES: u64 = 48 << 20;

/// A GIF as a provider tells of it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Where it is for a grid, and to be sent; the first that can be had is taken.
    pub(super) small: Vec<String>,
    pub(super) large: Vec<String>,
}

/// A question to a provider.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) path: String,
    pub(super) parameters: Vec<(&'static str, String)>,
}

/// What is asked and how it is read.
#[derive(Debug)]
enum Api {
    Klipy(Klipy),
    Giphy(Giphy),
}

macro_rules! dispatch {
    ($self:expr, $api:ident => $call:expr) => {
        match $self {
            Api::Klipy($api) => $call,
            Api::Giphy($api) => $call,
        }
    };
}

/// The provider.
#[derive(Debug)]
pub(super) struct Outside {
    name: &'static str,
    api: Api,
    fetch: Fetch,
    known: Cache<String, Arc<Item>>,
    small: Cache<String, Picture>,
}

impl Outside {
    /// The provider of the settings; none: there is none outside.
    pub(super) fn open(settings: &Settings) -> std::result::Result<Option<Self>, String> {
        let (name, api, usual, parameter) = match settings.provider {
            Choice::Builtin => return Ok(None),
            Choice::Klipy => ("klipy", Api::Klipy(Klipy), "https://api.klipy.com", "key"),
            Choice::Giphy => ("giphy", Api::Giphy(Giphy), "https://api.giphy.com", "api_key"),
        };
        if settings.key.is_empty() {
            return Err(format!("gif.key is missing: {name} gives nothing without one"));
        }
        let fetch = Fetch::new(&settings.base_url, usual, (parameter, settings.key.clone()))?;
        let small = Cache::builder()
            .weigher(|_: &String, picture: &Picture| u32::try_from(picture.bytes.len()).unwrap_or(u32::MAX))
            .max_capacity(PICTURES)
            .time_to_live(KNOWN)
            .build();
        let known = Cache::builder().max_capacity(MOST_KNOWN).time_to_live(KNOWN).build();
        Ok(Some(Self { name, api, fetch, known, small }))
    }

    pub(super) fn has(&self, id: &Id) -> bool {
        id.provider == self.name
    }

    pub(super) fn knows(&self, id: &Id) -> bool {
        self.known.contains_key(&id.name) || self.small.contains_key(&id.name)
    }

    pub(super) async fn search(&self, query: &str, size: usize, token: &str) -> Result<Page> {
        self.page(dispatch!(&self.api, api => api.search(query, size, token))?).await
    }

    pub(super) async fn trending(&self, size: usize, token: &str) -> Result<Page> {
        self.page(dispatch!(&self.api, api => api.trending(size, token))?).await
    }

    async fn page(&self, question: Question) -> Result<Page> {
        let answer = self.ask(&question).await?;
        let (items, next) = dispatch!(&self.api, api => api.page(&answer));
        let next = if next.len() > 256 || next.chars().any(char::is_control) { String::new() } else { next };
        Ok(Page { gifs: items.into_iter().filter_map(|item| self.take(item)).collect(), next })
    }

    pub(super) async fn shelf(&self) -> Result<Shelf> {
        let answer = self.ask(&dispatch!(&self.api, api => api.categories())).await?;
        let (list, placeholder, attribution) = dispatch!(&self.api, api => api.shelf(&answer));
        let category = |(query, item): (String, Item)| {
            let query = line(&query, 100)?;
            Some(Category { name: query.clone(), query, gif: self.take(item)? })
        };
        let categories = list.into_iter().filter_map(category).collect();
        Ok(Shelf { categories, placeholder: placeholder.into(), attribution: attribution.into() })
    }

    pub(super) async fn find(&self, id: &Id) -> Result<Gif> {
        self.gif(&*self.item(id).await?).ok_or(Error::NotFound)
    }

    pub(super) async fn preview(&self, id: &Id) -> Result<Picture> {
        if let Some(picture) = self.small.get(&id.name) {
            return Ok(picture);
        }
        let picture = self.picture_of(&self.item(id).await?.small).await?;
        self.small.insert(id.name.clone(), picture.clone());
        Ok(picture)
    }

    pub(super) async fn picture(&self, id: &Id) -> Result<Picture> {
        self.picture_of(&self.item(id).await?.large).await
    }

    async fn ask(&self, question: &Question) -> Result<Value> {
        let parameters: Vec<(&str, &str)> = question.parameters.iter().map(|(name, value)| (*name, &**value)).collect();
        match self.fetch.json(&question.path, &parameters).await {
            Err(Error::NotFound) if parameters.iter().any(|(name, _)| *name == "pos") => Err(Error::Page),
            answer => answer,
        }
    }

    /// Where a GIF's pictures are, asked for if it is not known any more.
    async fn item(&self, id: &Id) -> Result<Arc<Item>> {
        if let Some(item) = self.known.get(&id.name) {
            return Ok(item);
        }
        let question = dispatch!(&self.api, api => api.by_id(&id.name));
        let answer = self.ask(&question).await?;
        let (items, _) = dispatch!(&self.api, api => api.page(&answer));
        for item in items {
            self.take(item);
        }
        self.known.get(&id.name).ok_or(Error::NotFound)
    }

    /// Notes where an item's pictures are; one that has none where they may be asked for is dropped.
    fn take(&self, mut item: Item) -> Option<Gif> {
        for places in [&mut item.small, &mut item.large] {
            places.retain(|url| self.fetch.may_ask(url));
            places.truncate(3);
        }
        if item.small.is_empty() || item.large.is_empty() {
            return None;
        }
        let gif = self.gif(&item)?;
        self.known.insert(item.name.clone(), Arc::new(item));
        Some(gif)
    }

    fn gif(&self, item: &Item) -> Option<Gif> {
        let sides = 1..=10_000;
        if !sides.contains(&item.width) || !sides.contains(&item.height) {
            return None;
        }
        let id = Id::new(self.name, &item.name)?;
        let title = line(&item.title, 100).unwrap_or_else(|| "GIF".into());
        Some(Gif { id, title, width: item.width, height: item.height })
    }

    /// The first of some places whose picture is not too large.
    async fn picture_of(&self, places: &[String]) -> Result<Picture> {
        for url in places {
            if let Some(bytes) = self.fetch.picture(url).await? {
                return Ok(Picture { content_type: content_type(&bytes).ok_or(Error::NotFound)?, bytes });
            }
        }
        Err(Error::NotFound)
    }
}

/// What it is by its content, if that is a picture.
fn content_type(bytes: &Bytes) -> Option<&'static str> {
    let known = ["image/gif", "image/webp", "image/png", "image/jpeg"];
    infer::get(bytes).map(|found| found.mime_type()).filter(|found| known.contains(found))
}

/// A text for people in one line; none if nothing is left.
fn line(text: &str, most: usize) -> Option<String> {
    let plain = |c: &char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let line: String = text.chars().filter(plain).take(most).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// A side in pixels, as a number or as text.
pub(super) fn side(value: &Value) -> u32 {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// The texts at some places of an answer, those that are there.
pub(super) fn texts(value: &Value, places: &[&str]) -> Vec<String> {
    places.iter().filter_map(|place| Some(value.pointer(place)?.as_str()?.to_owned())).collect()
}

/// A text of an answer; empty if it is not there.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A list of an answer; empty if it is not there.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
