//! What the picker asks of the server.

use std::time::Duration;

use iced::Task;
use rookery_client::{Api, Error, v1};

use super::{Message, Shown};

/// GIFs of what is shown.
#[derive(Debug, Clone)]
pub struct Page {
    /// What was asked for.
    pub shown: Shown,
    /// The GIFs.
    pub gifs: Vec<v1::Gif>,
    /// For the next page; empty at the end.
    pub next: String,
}

/// Where to begin.
pub fn home(api: &Api) -> Task<Message> {
    let api = api.clone();
    Task::perform(async move { api.list_gif_categories(v1::ListGifCategoriesRequest {}).await }, Message::Welcomed)
}

/// All favourites, to mark them.
pub fn favorites(api: &Api) -> Task<Message> {
    let api = api.clone();
    let call = async move {
        let (mut gifs, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let request = v1::ListFavoriteGifsRequest { page_size: LARGE_PAGE, page_token: token };
            let page = api.list_favorite_gifs(request).await?;
            gifs.extend(page.gifs);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(gifs)
    };
    Task::perform(call, Message::FavoritesKnown)
}

/// A page of what is shown; none where nothing has to be asked. While somebody types the call waits for the end of the word.
pub fn page(api: &Api, shown: &Shown, token: &str, typing: bool) -> Option<Task<Message>> {
    if matches!(shown, Shown::Home | Shown::Recent) {
        return None;
    }
    let (api, shown, token) = (api.clone(), shown.clone(), token.to_owned());
    let call = async move {
        if typing {
            tokio::time::sleep(PAUSE).await;
        }
        let (gifs, next) = fetch(&api, &shown, token).await?;
        Ok(Page { shown, gifs, next })
    };
    Some(Task::perform(call, Message::Listed))
}

async fn fetch(api: &Api, shown: &Shown, page_token: String) -> Result<(Vec<v1::Gif>, String), Error> {
    let page_size = 0;
    Ok(match shown {
        Shown::Home | Shown::Recent => (Vec::new(), String::new()),
        Shown::Trending => {
            let page = api.list_trending_gifs(v1::ListTrendingGifsRequest { page_size, page_token }).await?;
            (page.gifs, page.next_page_token)
        }
        Shown::Favorites => {
            let page = api.list_favorite_gifs(v1::ListFavoriteGifsRequest { page_size, page_token }).await?;
            (page.gifs, page.next_page_token)
        }
        Shown::Found(words) => {
            let query = words.chars().take(LONGEST_QUERY).collect();
            let page = api.search_gifs(v1::SearchGifsRequest { query, page_size, page_token }).await?;
            (page.gifs, page.next_page_token)
        }
    })
}

/// Marks a favourite, or takes the mark away.
pub fn star(api: &Api, gif_id: String, stands: bool) -> Task<Message> {
    let (api, id) = (api.clone(), gif_id.clone());
    let call = async move {
        match stands {
            true => api.add_favorite_gif(v1::AddFavoriteGifRequest { gif_id }).await.map(drop),
            false => api.remove_favorite_gif(v1::RemoveFavoriteGifRequest { gif_id }).await.map(drop),
        }
    };
    Task::perform(call, move |kept| Message::StarKept(id.clone(), kept))
}

/// How long nothing is typed before the server is asked.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest query that the server takes, in characters.
const LONGEST_QUERY: usize = 100;
const LARGE_PAGE: i32 = 50;
/// So many pages of favourites are marked.
const PAGES: usize = 40;
