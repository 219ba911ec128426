//! What names between colons and emoticons become while one writes. Knows a line and a cursor, not the editor.

use std::ops::Range;

use super::catalogue::{self, Emote};
use super::habit::Habits;
use super::search;

/// So many letters after the colon before anything is offered.
const LEAST: usize = 2;
/// So many are offered.
const MOST: usize = 8;

/// What is written with letters, and what it becomes.
const EMOTICONS: [(&str, &str); 31] = [
    (":)", "🙂"),
    (":-)", "🙂"),
    ("(:", "🙂"),
    (":(", "🙁"),
    (":-(", "🙁"),
    (";)", "😉"),
    (";-)", "😉"),
    (":D", "😄"),
    (":-D", "😄"),
    ("xD", "😆"),
    ("XD", "😆"),
    (":P", "😛"),
    (":p", "😛"),
    (":-P", "😛"),
    (":-p", "😛"),
    (";P", "😜"),
    (":o", "😮"),
    (":O", "😮"),
    (":-o", "😮"),
    (":-O", "😮"),
    (":|", "😐"),
    (":-|", "😐"),
    (":/", "😕"),
    (":-/", "😕"),
    (":'(", "😢"),
    (":*", "😘"),
    (":-*", "😘"),
    ("8-)", "😎"),
    ("<3", "❤️"),
    ("</3", "💔"),
    (">:(", "😠"),
];

/// A stretch of a line, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What.
    pub emote: &'static str,
}

/// What is offered while a name is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Where the name stands, its colon included.
    pub range: Range<usize>,
    /// What it may be, the best first; never empty.
    pub emotes: Vec<Emote>,
}

/// What to offer with the cursor at `column`.
#[must_use]
pub fn offer(line: &str, column: usize, habits: &Habits) -> Option<Offer> {
    let before = line.get(..column)?;
    let start = before.rfind(':')?;
    let name = &before[start + 1..];
    if name.len() < LEAST || !name.bytes().all(is_letter) || !may_begin(&before[..start]) {
        return None;
    }
    let mut emotes = search::search(name, habits);
    emotes.truncate(MOST);
    (!emotes.is_empty()).then_some(Offer { range: start..column, emotes })
}

/// The name that a colon before the cursor has just ended.
#[must_use]
pub fn finished(line: &str, column: usize, habits: &Habits) -> Option<Replacement> {
    let before = line.get(..column)?;
    let named = before.strip_suffix(':')?;
    let start = named.rfind(':')?;
    let name = &named[start + 1..];
    if name.is_empty() || !name.bytes().all(is_letter) || !may_begin(&before[..start]) {
        return None;
    }
    let emote = catalogue::by_code(name)?;
    Some(Replacement { range: start..column, emote: habits.tone.of(emote) })
}

/// The emoticon that ends at the cursor and stands by itself.
#[must_use]
pub fn emoticon(line: &str, column: usize, habits: &Habits) -> Option<Replacement> {
    if !habits.emoticons {
        return None;
    }
    let before = line.get(..column)?;
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + before[blank..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let (_, emote) = EMOTICONS.iter().find(|(letters, _)| *letters == word)?;
    Some(Replacement { range: start..column, emote })
}

/// What names are made of.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-')
}

/// Whether a name may begin here: not inside a word, an address ("http://") or a time ("12:30").
fn may_begin(before: &str) -> bool {
    before.chars().next_back().is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, ':' | '/' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> Vec<&'static str> {
        let offer = offer(line, line.len(), &Habits::default());
        offer.map(|offer| offer.emotes.into_iter().map(|emote| emote.as_str()).collect()).unwrap_or_default()
    }

    fn becomes(line: &str) -> Option<&'static str> {
        finished(line, line.len(), &Habits::default()).map(|replacement| replacement.emote)
    }

    #[test]
    fn two_letters_after_a_colon_are_enough_and_one_is_not() {
        assert_eq!(offered(":sm")[0], "😄");
        assert_eq!(offered("hello :smi").len(), MOST);
        assert!(offered(":ppl").contains(&"🍎"));
        assert!(offered("(:he").contains(&"❤️") && offered("🎉:he").contains(&"❤️"));
        assert!(offered(":").is_empty() && offered(":D").is_empty() && offered(":s").is_empty());
    }

    #[test]
    fn words_addresses_and_times_are_left_alone() {
        for line in ["http://", "https://he", "12:30", "note:he", "::he", "a:smile", ":sm ile", ":zzzz", "x:+1", "ä:he"]
        {
            assert!(offered(line).is_empty(), "{line}");
        }
        assert_eq!(offer("ä :he and", 6, &Habits::default()).unwrap().range, 3..6);
        assert_eq!(offer("ä", 1, &Habits::default()), None, "no letter ends here");
    }

    #[test]
    fn a_whole_name_is_replaced_at_once() {
        assert_eq!(becomes(":smile:"), Some("😄"));
        assert_eq!(becomes("hi :+1:"), Some("👍"));
        assert_eq!(becomes("🎉:heart:"), Some("❤️"));
        let replacement = finished("hi :smile: you", 10, &Habits::default()).unwrap();
        assert_eq!(replacement.range, 3..10);
        for line in ["::", "a:smile:", ":no such:", ":nothing_like_it:", "12:30:", "http://x:80:"] {
            assert_eq!(becomes(line), None, "{line}");
        }
    }

    #[test]
    fn the_skin_tone_is_the_users() {
        let habits = Habits { tone: super::super::Tone::Dark, ..Habits::default() };
        assert_eq!(finished(":+1:", 4, &habits).unwrap().emote, "👍🏿");
        assert_eq!(finished(":heart:", 7, &habits).unwrap().emote, "❤️");
    }

    #[test]
    fn emoticons_stand_by_themselves() {
        let habits = Habits::default();
        let becomes = |line: &str| emoticon(line, line.len(), &habits).map(|replacement| replacement.emote);
        assert_eq!(becomes(":)"), Some("🙂"));
        assert_eq!(becomes("hello :-D"), Some("😄"));
        assert_eq!(becomes("hello\u{3000}<3"), Some("❤️"));
        for line in ["f(x:)", "http:/", "10:00", "a:D", ":))"] {
            assert_eq!(becomes(line), None, "{line}");
        }
        assert_eq!(emoticon(":)", 2, &Habits { emoticons: false, ..Habits::default() }), None);
        for (_, emote) in EMOTICONS {
            assert!(catalogue::find(emote).is_some(), "{emote}");
        }
    }
}
