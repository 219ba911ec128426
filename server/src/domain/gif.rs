//! GIFs: finding, favourites, and keeping one to be sent.

use std::sync::Arc;

use rookery_api::v1;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Caller, Ctx, Error, Result, field, media,
    rate::Class,
    writer::{Command, Lane, Work},
};
use crate::{
    gif::{self, Gif, Id, Picture},
    store::{self, gif::FavoriteRow},
};

/// The usual page and the largest.
const PAGE: (i64, i64) = (24, 50);
/// More favourites than this nobody finds anything in.
const MOST_FAVORITES: i64 = 1000;

impl From<gif::Error> for Error {
    fn from(error: gif::Error) -> Self {
        match error {
            gif::Error::NotFound => Self::NotFound("GIF"),
            gif::Error::Page => field::page_token(),
            gif::Error::Away(cause) => Self::Unavailable(cause),
        }
    }
}

fn api(gif: Gif) -> v1::Gif {
    let side = |side: u32| i32::try_from(side).unwrap_or(0);
    v1::Gif {
        preview: format!("/gif/{}", gif.id),
        id: gif.id.to_string(),
        title: gif.title,
        width: side(gif.width),
        height: side(gif.height),
    }
}

/// A page of GIFs, and the token of the next.
pub type Page = (Vec<v1::Gif>, String);

fn page(page: gif::Page) -> Page {
    (page.gifs.into_iter().map(api).collect(), page.next)
}

fn page_of(size: i32, token: &str) -> Result<usize> {
    if token.len() > 256 || token.chars().any(char::is_control) {
        return Err(field::page_token());
    }
    Ok(usize::try_from(field::page_size(size, PAGE.0, PAGE.1)?).unwrap_or(1))
}

/// What cannot be the id of a GIF is none.
fn id(id: &str) -> Result<Id> {
    Id::parse(id).ok_or(Error::NotFound("GIF"))
}

/// GIFs for some words.
pub async fn search(ctx: &Ctx, request: &v1::SearchGifsRequest) -> Result<Page> {
    let query = field::line("query", &request.query, 1, 100)?;
    let size = page_of(request.page_size, &request.page_token)?;
    Ok(page(ctx.gifs.search(&query, size, &request.page_token).await?))
}

/// GIFs that are liked now.
pub async fn trending(ctx: &Ctx, request: &v1::ListTrendingGifsRequest) -> Result<Page> {
    let size = page_of(request.page_size, &request.page_token)?;
    Ok(page(ctx.gifs.trending(size, &request.page_token).await?))
}

/// Where to begin without words.
pub async fn categories(ctx: &Ctx) -> Result<v1::ListGifCategoriesResponse> {
    let shelf = ctx.gifs.shelf().await?;
    let category = |category: gif::Category| v1::GifCategory {
        name: category.name,
        query: category.query,
        gif: Some(api(category.gif)),
    };
    Ok(v1::ListGifCategoriesResponse {
        categories: shelf.categories.into_iter().map(category).collect(),
        placeholder: shelf.placeholder,
        attribution: shelf.attribution,
    })
}

/// The small version, for a grid. What nobody was told of lately is a question to the provider, and counts as one; but for the
/// caller's favourites, which a grid asks for all at once.
pub async fn preview(ctx: &Ctx, caller: &Caller, provider: &str, name: &str) -> Result<Picture> {
    let id = Id::new(provider, name).ok_or(Error::NotFound("GIF"))?;
    if !ctx.gifs.is_at_hand(&id)
        && !store::gif::exists(&mut ctx.db.reader().await?, caller.user_id, &id.to_string()).await?
    {
        ctx.rates.user(caller.user_id, Class::Gifs)?;
    }
    Ok(ctx.gifs.preview(&id).await?)
}

/// The id under which a GIF is kept as media, always the same one.
fn media_id(id: &Id) -> String {
    let hash = Sha256::digest(format!("gif:{id}").as_bytes());
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a GIF as media of the server.
pub async fn save(ctx: &Arc<Ctx>, gif_id: &str) -> Result<v1::Media> {
    let id = id(gif_id)?;
    let media_id = media_id(&id);
    if let Some(kept) = media::own(ctx, &media_id).await? {
        return Ok(kept);
    }
    let gif = ctx.gifs.find(&id).await?;
    let picture = ctx.gifs.picture(&id).await?;
    media::keep_own(ctx, &media_id, &gif.title, picture.bytes).await
}

/// What is stored of a favourite.
#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    title: String,
    width: u32,
    height: u32,
}

struct AddFavorite {
    user_id: i64,
    gif: Gif,
}

impl Command for AddFavorite {
    type Reply = ();

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        let Gif { id, title, width, height } = &self.gif;
        let gif_id = id.to_string();
        if store::gif::count_others(work.tx.read(), self.user_id, &gif_id).await? >= MOST_FAVORITES {
            return Err(Error::Limit(format!("you may have at most {MOST_FAVORITES} favourite GIFs")));
        }
        let shown = Shown { title: title.clone(), width: *width, height: *height };
        let shown = serde_json::to_string(&shown).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(store::gif::insert(&mut work.tx, self.user_id, &gif_id, &shown).await?)
    }
}

/// Marks a GIF as a favourite.
pub async fn add_favorite(ctx: &Ctx, caller: &Caller, gif_id: &str) -> Result<()> {
    let gif = ctx.gifs.find(&id(gif_id)?).await?;
    ctx.writer.run(AddFavorite { user_id: caller.user_id, gif }).await
}

struct RemoveFavorite {
    user_id: i64,
    id: Id,
}

impl Command for RemoveFavorite {
    type Reply = ();

    const NEEDS_ROOM: bool = false;

    fn lane(&self) -> Lane {
        Lane::User(self.user_id)
    }

    async fn run(&self, work: &mut Work) -> Result<()> {
        Ok(store::gif::delete(&mut work.tx, self.user_id, &self.id.to_string()).await?)
    }
}

/// Takes the mark away.
pub async fn remove_favorite(ctx: &Ctx, caller: &Caller, gif_id: &str) -> Result<()> {
    // What can be no GIF is no favourite.
    let Some(id) = Id::parse(gif_id) else { return Ok(()) };
    ctx.writer.run(RemoveFavorite { user_id: caller.user_id, id }).await
}

/// A page of the caller's favourites, the newest first.
pub async fn favorites(ctx: &Ctx, caller: &Caller, request: &v1::ListFavoriteGifsRequest) -> Result<Page> {
    let size = field::page_size(request.page_size, PAGE.0, PAGE.1)?;
    let before = match request.page_token.split_once('.') {
        None if request.page_token.is_empty() => (i64::MAX, ""),
        Some((at, gif_id)) if Id::parse(gif_id).is_some() => (at.parse().map_err(|_| field::page_token())?, gif_id),
        _ => return Err(field::page_token()),
    };
    let mut rows = store::gif::list(&mut ctx.db.reader().await?, caller.user_id, before, size + 1).await?;
    let more = field::cut(&mut rows, size);
    let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.added_at, row.gif_id)).unwrap_or_default();
    Ok((rows.into_iter().filter_map(favorite).collect(), next))
}

fn favorite(row: FavoriteRow) -> Option<v1::Gif> {
    let Shown { title, width, height } = serde_json::from_str(&row.gif).ok()?;
    Some(api(Gif { id: Id::parse(&row.gif_id)?, title, width, height }))
}
