//! What was asked for: words, phrases and filters, as SearchMessagesRequest.query says. Whatever is typed is understood or told
//! to be wrong; nothing of it reaches a database but grams and numbers.

use jiff::{Unit, civil::Date};

use super::gram::{Mark, Term, has_link};
use crate::domain::{Error, Result};

const CHARACTERS: usize = 256;
const PIECES: usize = 16;

/// A search as it was asked for. Names are still names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub terms: Vec<Term>,
    /// Login names; `me` is the caller. Any of these authors.
    pub from: Vec<String>,
    /// All of these people.
    pub mentions: Vec<String>,
    /// Ids or names of groups. Any of these conversations.
    pub within: Vec<String>,
    /// All of these.
    pub has: Vec<Mark>,
    /// Before the beginning of this day, as days since 1970.
    pub before: Option<i64>,
    /// After the end of this one.
    pub after: Option<i64>,
}

/// One piece of a query: what stands between blanks or quotes.
struct Piece<'a> {
    key: Option<&'a str>,
    value: &'a str,
    quoted: bool,
    /// Whether the second quote has come.
    closed: bool,
}

fn no<T>(rule: impl Into<String>) -> Result<T> {
    Err(Error::field("query", rule))
}

impl Query {
    /// Understands a query.
    pub fn parse(text: &str) -> Result<Self> {
        // Bytes first: the cheap check keeps a megabyte of it from being counted.
        if text.len() > CHARACTERS * 4 || text.chars().count() > CHARACTERS {
            return no(format!("must have at most {CHARACTERS} characters"));
        }
        if text.contains('\0') {
            return no("must not contain U+0000");
        }
        let mut query = Self::default();
        let mut rest = text;
        let mut count = 0;
        while let Some((piece, behind)) = next(rest) {
            rest = behind;
            count += 1;
            if count > PIECES {
                return no(format!("must have at most {PIECES} words and filters"));
            }
            query.take(&piece)?;
        }
        if query == Self::default() {
            return no("must have a word or a filter");
        }
        Ok(query)
    }

    fn take(&mut self, piece: &Piece<'_>) -> Result<()> {
        let Piece { key, value, quoted, closed } = *piece;
        let key = key.map(str::to_ascii_lowercase);
        let key = key.as_deref().unwrap_or_default();
        if !key.is_empty() && value.trim().is_empty() {
            return no(format!("{key}: needs something behind the colon"));
        }
        let name = || value.trim().trim_start_matches('@').to_owned();
        match key {
            "from" => self.from.push(name()),
            "mentions" => self.mentions.push(name()),
            "in" => self.within.push(value.trim().to_owned()),
            "has" => self.has.push(match value.to_ascii_lowercase().as_str() {
                "file" => Mark::File,
                "picture" => Mark::Picture,
                "gif" => Mark::Gif,
                "link" => Mark::Link,
                _ => return no("has: takes file, picture, gif or link"),
            }),
            "before" => {
                let day = day(key, value)?;
                self.before = Some(self.before.map_or(day, |other| other.min(day)));
            }
            "after" => {
                let day = day(key, value)?;
                self.after = Some(self.after.map_or(day, |other| other.max(day)));
            }
            "" => self.terms.extend(if quoted { Term::phrase(value, closed) } else { Term::word(value) }),
            _ => return no(format!("-{key}: there is no filter that leaves out")),
        }
        Ok(())
    }

    /// Whether a message that the index answered has what was asked for, as it now is.
    pub fn is_met(&self, text: &str) -> bool {
        if self.has.contains(&Mark::Link) && !has_link(text) {
            return false;
        }
        let folded = super::gram::fold(text);
        self.terms.iter().all(|term| term.is_in(&folded))
    }
}

const KEYS: [&str; 6] = ["from", "mentions", "in", "has", "before", "after"];
const QUOTES: [char; 4] = ['"', '“', '”', '„'];

/// The first piece of a text, and what is behind it.
fn next(text: &str) -> Option<(Piece<'_>, &str)> {
    let text = text.trim_start();
    text.chars().next()?;
    let colon = text.find([':', ' ']).filter(|place| text[*place..].starts_with(':'));
    let key = colon.map(|place| &text[..place]).filter(|key| {
        let key = key.strip_prefix('-').unwrap_or(key);
        KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
    });
    let rest = key.map_or(text, |key| &text[key.len() + 1..]);
    if let Some(inside) = rest.strip_prefix(QUOTES) {
        let (value, behind) = inside.split_once(QUOTES).unwrap_or((inside, ""));
        let closed = value.len() < inside.len();
        return Some((Piece { key, value, quoted: true, closed }, behind));
    }
    let (value, behind) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    Some((Piece { key, value, quoted: false, closed: true }, behind))
}

/// A day as days since 1970.
fn day(key: &str, value: &str) -> Result<i64> {
    let plain = |value: &&str| value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = Some(value).filter(|value| value.len() == "2026-01-31".len()).filter(plain);
    let date = date.and_then(|value| Date::strptime("%Y-%m-%d", value).ok());
    let day = date.and_then(|date| date.since((Unit::Day, Date::new(1970, 1, 1).ok()?)).ok());
    day.map(|span| i64::from(span.get_days()))
        .ok_or_else(|| Error::field("query", format!("{key}: takes a day like 2026-01-31")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn words_phrases_and_filters_are_told_apart() {
        let query = parse(
            "hello \"good morning\" From:@Ada in:3 in:\"The Nest\" has:LINK before:2026-01-31 after:1970-01-02 12:30",
        );
        assert_eq!(query.terms.len(), 3);
        assert_eq!(query.terms[1], Term::phrase("good morning", true).unwrap());
        assert_eq!(query.terms[2], Term::word("12:30").unwrap());
        assert_eq!((query.from, query.within), (vec!["Ada".to_owned()], vec!["3".to_owned(), "The Nest".to_owned()]));
        assert_eq!((query.has, query.before, query.after), (vec![Mark::Link], Some(20484), Some(1)));
        assert_eq!(parse("“so it is” \"half").terms[1], Term::phrase("half", false).unwrap());
        assert_eq!(parse("before:2026-01-31 before:2025-01-31 after:2024-02-29").before, Some(20119));
        assert_eq!(parse("foo:bar http://x").terms.len(), 2);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for bad in [
            "",
            "  ",
            "\"\"",
            "has:house",
            "before:yesterday",
            "after:2026-1-1",
            "before:2026-02-30",
            "from:",
            "in: x",
            "from:\"\"",
            "-from:ada",
            "a\0b",
            &"x".repeat(257),
            &"x ".repeat(17),
            "before:+2026-01-1",
            "\u{200b}",
        ] {
            assert!(matches!(Query::parse(bad), Err(Error::Field { field: "query", .. })), "{bad:?}");
        }
        parse(&"x ".repeat(16));
        parse(&"漢".repeat(256));
    }
}
