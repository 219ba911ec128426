//! The collection that the server brings along: Microsoft's animated Fluent emoji, made small by `cargo xtask gifs`.
//! builtin/index.txt says what is in it.

use std::collections::HashMap;

use bytes::Bytes;
use rust_embed::Embed;

use super::{Category, Error, Gif, Id, Page, Picture, Result, Shelf, search::Words};

/// Names the collection in ids.
const PROVIDER: &str = "builtin";
/// All pieces are squares of this side.
const SIDE: u32 = 128;

const INDEX: &str = include_str!("builtin/index.txt");

// A debug build reads them from the disk each time.
#[derive(Embed)]
#[folder = "src/gif/builtin"]
struct Files;

/// One piece.
#[derive(Debug)]
struct Piece {
    gif: Gif,
    words: Words,
}

/// A category, and its first piece.
#[derive(Debug)]
struct Group {
    name: String,
    first: usize,
}

/// The collection.
#[derive(Debug)]
pub(super) struct Builtin {
    pieces: Vec<Piece>,
    by_name: HashMap<String, usize>,
    groups: Vec<Group>,
    /// All pieces, the most liked first.
    trending: Vec<usize>,
}

impl Builtin {
    /// Reads the index.
    pub(super) fn new() -> Self {
        let (mut pieces, mut groups, mut liked): (Vec<Piece>, Vec<Group>, Vec<&str>) = Default::default();
        for line in INDEX.lines() {
            if let Some(name) = line.strip_prefix("== ") {
                groups.push(Group { name: name.into(), first: pieces.len() });
            } else if let Some(names) = line.strip_prefix("trending: ") {
                liked.extend(names.split(' '));
            } else if let Some(piece) = groups.last().and_then(|group| Piece::parse(line, &group.name)) {
                pieces.push(piece);
            }
        }
        let by_name: HashMap<String, usize> =
            pieces.iter().enumerate().map(|(place, piece)| (piece.gif.id.name.clone(), place)).collect();
        let mut trending: Vec<usize> = liked.iter().filter_map(|name| by_name.get(*name).copied()).collect();
        trending.extend((0..pieces.len()).filter(|place| !liked.contains(&pieces[*place].gif.id.name.as_str())));
        Self { pieces, by_name, groups, trending }
    }

    pub(super) fn search(&self, query: &str, size: usize, token: &str) -> Result<Page> {
        let found = super::search::rank(query, self.pieces.iter().map(|piece| &piece.words));
        self.page(&found, size, token)
    }

    pub(super) fn trending(&self, size: usize, token: &str) -> Result<Page> {
        self.page(&self.trending, size, token)
    }

    fn page(&self, places: &[usize], size: usize, token: &str) -> Result<Page> {
        let start: usize = if token.is_empty() { 0 } else { token.parse().map_err(|_| Error::Page)? };
        let rest = places.get(start..).unwrap_or_default();
        let gifs: Vec<Gif> = rest.iter().take(size).map(|place| self.pieces[*place].gif.clone()).collect();
        let next = if rest.len() > gifs.len() { (start + gifs.len()).to_string() } else { String::new() };
        Ok(Page { gifs, next })
    }

    pub(super) fn shelf(&self) -> Shelf {
        let category = |group: &Group| Category {
            name: group.name.clone(),
            query: group.name.to_lowercase(),
            gif: self.pieces[group.first].gif.clone(),
        };
        let categories = self.groups.iter().map(category).collect();
        Shelf { categories, placeholder: "Search GIFs".into(), attribution: String::new() }
    }

    fn piece(&self, id: &Id) -> Result<&Piece> {
        let place = (id.provider == PROVIDER).then(|| self.by_name.get(&id.name)).flatten();
        Ok(&self.pieces[*place.ok_or(Error::NotFound)?])
    }

    pub(super) fn find(&self, id: &Id) -> Result<Gif> {
        Ok(self.piece(id)?.gif.clone())
    }

    pub(super) fn picture(&self, id: &Id) -> Result<Picture> {
        let name = &self.piece(id)?.gif.id.name;
        let file = Files::get(&format!("{name}.webp")).ok_or(Error::NotFound)?;
        Ok(Picture { content_type: "image/webp", bytes: Bytes::from_owner(file.data) })
    }
}

impl Piece {
    /// A line of the index: `CODE NAME | TITLE | WORDS`.
    fn parse(line: &str, category: &str) -> Option<Self> {
        let mut parts = line.split(" | ");
        let (head, title, words) = (parts.next()?, parts.next()?, parts.next()?);
        let (code, name) = head.split_once(' ')?;
        let emoji: String =
            code.split('-').filter_map(|point| char::from_u32(u32::from_str_radix(point, 16).ok()?)).collect();
        let gif = Gif { id: Id::new(PROVIDER, name)?, title: title.into(), width: SIDE, height: SIDE };
        Some(Self { gif, words: Words::new(&format!("{name} {title}"), &format!("{emoji} {words}"), category) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_and_the_pieces_are_the_same_set() {
        let builtin = Builtin::new();
        let lines = INDEX.lines().filter(|line| line.contains(" | ")).count();
        assert!(lines >= 150 && builtin.pieces.len() == lines, "{} of {lines} lines were read", builtin.pieces.len());
        assert_eq!(builtin.by_name.len(), lines, "a name stands twice");
        for piece in &builtin.pieces {
            let picture = builtin.picture(&piece.gif.id).expect("it is there");
            assert!(picture.bytes.starts_with(b"RIFF") && picture.bytes.len() < 100_000, "{}", piece.gif.id);
            assert!(picture.bytes.windows(4).any(|four| four == b"ANMF"), "{} does not move", piece.gif.id);
        }
        let pictures = Files::iter().filter(|file| file.ends_with(".webp")).count();
        assert_eq!(pictures, lines, "a picture is left over");
        assert!(Files::get("LICENSE.txt").is_some(), "the licence goes with them");
        let all: usize = builtin.pieces.iter().map(|p| builtin.picture(&p.gif.id).map_or(0, |p| p.bytes.len())).sum();
        assert!(all < 10_000_000, "{all} bytes");
    }

    #[test]
    fn what_trends_is_there_and_everything_trends_in_the_end() {
        let builtin = Builtin::new();
        let names = INDEX.lines().filter_map(|line| line.strip_prefix("trending: ")).flat_map(|names| names.split(' '));
        for name in names {
            assert!(builtin.by_name.contains_key(name), "{name} is no piece");
        }
        let mut all = builtin.trending.clone();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..builtin.pieces.len()));
    }
}
