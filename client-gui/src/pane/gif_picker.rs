//! GIFs to send: what the server offers to begin from, what is looked for, one's favourites, and those sent last.

mod ask;
mod rows;
mod view;

use std::collections::{HashMap, HashSet};

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::widget::operation::AbsoluteOffset;
use iced::widget::{Id, operation, scrollable};
use iced::{Element, Task};
use rookery_client::{Api, Error, v1};

use super::emote_picker::grid::Step;
use crate::gallery::Gallery;
use crate::{speech, theme};

pub use ask::Page;
use rows::Rows;

/// The picker.
#[derive(Debug)]
pub struct State {
    api: Api,
    query: String,
    home: Option<v1::ListGifCategoriesResponse>,
    recent: Vec<v1::Gif>,
    // Whether it is one, by id. What she chose here stays, whatever the list says that was on its way meanwhile.
    favorites: HashMap<String, bool>,
    shown: Shown,
    gifs: Vec<v1::Gif>,
    rows: Rows,
    next: String,
    busy: bool,
    error: Option<String>,
    // Under the pointer, or chosen by the keys.
    at: Option<usize>,
    offset: f32,
    // Ends a call whose answer is not wanted any more.
    call: Option<iced::task::Handle>,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Where to begin.
    Home,
    /// What others like.
    Trending,
    /// What the user has marked.
    Favorites,
    /// What she sent last.
    Recent,
    /// What was looked for: by words, under a name.
    Found(String),
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// What there is to begin from.
    Welcomed(Result<v1::ListGifCategoriesResponse, Error>),
    /// All favourites.
    FavoritesKnown(Result<Vec<v1::Gif>, Error>),
    /// What is looked for was changed.
    QueryChanged(String),
    /// One of the tiles, or back to them.
    Wanted(Shown),
    /// A page of what is shown, the first or another one.
    Listed(Result<Page, Error>),
    /// The view moved.
    Scrolled(scrollable::Viewport),
    /// The pointer came over one.
    Pointed(usize),
    /// The pointer left it.
    Left(usize),
    /// It is a favourite, or no more.
    Starred(usize),
    /// The server keeps that, or not.
    StarKept(String, Result<(), Error>),
    /// An arrow.
    Moved(Step),
    /// One was chosen.
    Chosen(usize),
    /// Enter.
    Submitted,
    /// Ask again.
    RetryWanted,
    /// Escape, or a click beside it.
    Closed,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window or the server.
    Run(Task<Message>),
    /// Send this one.
    Choose(v1::Gif),
    /// Close it.
    Close,
}

impl State {
    /// Asks the server where to begin, and puts the cursor into the search.
    pub fn new(api: Api, recent: Vec<v1::Gif>) -> (Self, Task<Message>) {
        let task = Task::batch([ask::home(&api), ask::favorites(&api), operation::focus(SEARCH)]);
        let state = Self {
            api,
            query: String::new(),
            home: None,
            recent,
            favorites: HashMap::new(),
            shown: Shown::Home,
            gifs: Vec::new(),
            rows: Rows::default(),
            next: String::new(),
            busy: false,
            error: None,
            at: None,
            offset: 0.0,
            call: None,
        };
        (state, task)
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Welcomed(Ok(home)) => self.home = Some(home),
            Message::FavoritesKnown(Ok(gifs)) => {
                for gif in gifs {
                    self.favorites.entry(gif.id).or_insert(true);
                }
            }
            // Only the stars are missing then.
            Message::FavoritesKnown(Err(_)) => {}
            Message::Welcomed(Err(error)) => self.error = Some(speech::sentence(&error.message)),
            Message::QueryChanged(query) => {
                self.query = query;
                let words = self.query.trim().to_owned();
                return self.show(if words.is_empty() { Shown::Home } else { Shown::Found(words) }, true);
            }
            Message::Wanted(shown) => {
                self.query.clear();
                return self.show(shown, false);
            }
            Message::Listed(answer) => self.list(answer),
            Message::Scrolled(viewport) => return self.scrolled(viewport),
            Message::Pointed(cell) => self.at = Some(cell),
            Message::Left(cell) => self.at = self.at.filter(|at| *at != cell),
            Message::Starred(cell) => return self.star(cell),
            Message::StarKept(id, Err(error)) => {
                self.error = Some(speech::sentence(&error.message));
                self.toggle(&id);
            }
            Message::StarKept(_, Ok(())) => {}
            Message::Moved(step) => return self.step(step),
            Message::Chosen(cell) => return self.choose(cell),
            Message::Submitted => return self.choose(self.at.unwrap_or(0)),
            Message::RetryWanted => return self.retry(),
            Message::Closed => return Action::Close,
        }
        Action::None
    }

    fn show(&mut self, shown: Shown, typing: bool) -> Action {
        self.call = None;
        self.error = None;
        self.gifs.clear();
        self.next.clear();
        self.at = None;
        self.offset = 0.0;
        self.shown = shown;
        if self.shown == Shown::Recent {
            self.gifs.clone_from(&self.recent);
        }
        self.rows = Rows::of(&self.gifs);
        self.ask(typing)
    }

    /// The next page of what is shown.
    fn ask(&mut self, typing: bool) -> Action {
        let Some(task) = ask::page(&self.api, &self.shown, &self.next, typing) else {
            self.busy = false;
            return Action::None;
        };
        let (task, handle) = task.abortable();
        self.busy = true;
        self.call = Some(handle.abort_on_drop());
        Action::Run(task)
    }

    fn list(&mut self, answer: Result<Page, Error>) {
        self.busy = false;
        match answer {
            Ok(Page { shown, gifs, next }) if shown == self.shown => {
                // A page may repeat what moved meanwhile.
                let known: HashSet<String> = self.gifs.iter().map(|gif| gif.id.clone()).collect();
                self.gifs.extend(gifs.into_iter().filter(|gif| !known.contains(&gif.id)));
                self.next = next;
                self.rows = Rows::of(&self.gifs);
                if matches!(self.shown, Shown::Found(_)) && !self.gifs.is_empty() {
                    // Enter takes the best one.
                    self.at = self.at.or(Some(0));
                }
            }
            Ok(_) => {}
            Err(error) => self.error = Some(speech::sentence(&error.message)),
        }
    }

    fn scrolled(&mut self, viewport: scrollable::Viewport) -> Action {
        self.offset = viewport.absolute_offset().y;
        let below = viewport.content_bounds().height - self.offset - viewport.bounds().height;
        let more = below < theme::GIF_ANTICIPATION && !self.next.is_empty() && !self.busy && self.error.is_none();
        if more { self.ask(false) } else { Action::None }
    }

    fn star(&mut self, cell: usize) -> Action {
        let Some(gif) = self.gifs.get(cell).cloned() else {
            return Action::None;
        };
        let stands = self.toggle(&gif.id);
        Action::Run(ask::star(&self.api, gif.id, stands))
    }

    /// Whether it is a favourite now.
    fn toggle(&mut self, id: &str) -> bool {
        let stands = !self.is_favorite(id);
        self.favorites.insert(id.to_owned(), stands);
        stands
    }

    fn is_favorite(&self, id: &str) -> bool {
        self.favorites.get(id).copied().unwrap_or_default()
    }

    fn step(&mut self, step: Step) -> Action {
        let rows = if self.shown == Shown::Home { Rows::tiles(self.tiles().len()) } else { self.rows.clone() };
        self.at = rows.step(self.at, step);
        let Some((top, bottom)) = self.at.and_then(|cell| rows.edges(cell)) else {
            return Action::None;
        };
        let target = match self.offset {
            offset if offset > top => top,
            offset if offset + theme::GIF_GRID.1 < bottom => bottom - theme::GIF_GRID.1,
            _ => return Action::None,
        };
        self.offset = target;
        Action::Run(operation::scroll_to(GRID, AbsoluteOffset { x: 0.0, y: target }))
    }

    fn choose(&mut self, cell: usize) -> Action {
        if self.shown == Shown::Home {
            let tile = self.tiles().into_iter().nth(cell).map(|tile| tile.shown);
            return tile.map_or(Action::None, |shown| self.show(shown, false));
        }
        self.gifs.get(cell).cloned().map_or(Action::None, Action::Choose)
    }

    fn retry(&mut self) -> Action {
        self.error = None;
        match self.shown {
            Shown::Home => Action::Run(ask::home(&self.api)),
            _ => self.ask(false),
        }
    }

    /// Where one may begin.
    fn tiles(&self) -> Vec<Tile<'_>> {
        let categories = self.home.iter().flat_map(|home| &home.categories);
        let categories = categories.map(|category| Tile {
            name: &category.name,
            gif: category.gif.as_ref(),
            shown: Shown::Found(category.query.clone()),
        });
        let fixed = |name, shown, gif| Tile { name, gif, shown };
        let recent = (!self.recent.is_empty()).then(|| fixed("Sent last", Shown::Recent, self.recent.first()));
        [fixed("Trending", Shown::Trending, None), fixed("Favourites", Shown::Favorites, None)]
            .into_iter()
            .chain(recent)
            .chain(categories)
            .collect()
    }

    /// Draws it.
    pub fn view<'a>(&'a self, gallery: &'a Gallery) -> Element<'a, Message> {
        view::show(self, gallery)
    }
}

/// A place to begin from.
struct Tile<'a> {
    name: &'a str,
    gif: Option<&'a v1::Gif>,
    shown: Shown,
}

/// What a key means while the picker is open.
#[must_use]
pub fn key(key: &Key, modifiers: Modifiers) -> Option<Message> {
    if modifiers.command() || modifiers.alt() {
        return None;
    }
    Some(match key.as_ref() {
        Key::Named(Named::ArrowLeft) => Message::Moved(Step::Left),
        Key::Named(Named::ArrowRight) => Message::Moved(Step::Right),
        Key::Named(Named::ArrowUp) => Message::Moved(Step::Up),
        Key::Named(Named::ArrowDown) => Message::Moved(Step::Down),
        Key::Named(Named::Enter) => Message::Submitted,
        Key::Named(Named::Escape) => Message::Closed,
        _ => return None,
    })
}

const SEARCH: Id = Id::new("gif-search");
const GRID: Id = Id::new("gif-grid");

#[cfg(test)]
mod tests {
    use super::*;

    fn gif(id: &str) -> v1::Gif {
        v1::Gif { id: id.into(), width: 128, height: 128, ..v1::Gif::default() }
    }

    #[test]
    fn the_list_of_favourites_does_not_undo_what_was_chosen_meanwhile() {
        let api = Api::new("http://127.0.0.1:1", None).unwrap();
        let (mut state, _) = State::new(api, vec![gif("new"), gif("old")]);
        state.show(Shown::Recent, false);
        state.star(0);
        state.star(1);
        state.star(1);
        state.update(Message::FavoritesKnown(Ok(vec![gif("old"), gif("other")])));
        assert!(state.is_favorite("new"));
        assert!(!state.is_favorite("old"));
        assert!(state.is_favorite("other"));
        let code = rookery_client::Code::Unavailable;
        let refused = Error { code, reason: None, message: String::new(), fields: Vec::new(), retry_after: None };
        state.update(Message::StarKept("new".into(), Err(refused)));
        assert!(!state.is_favorite("new"));
    }
}
