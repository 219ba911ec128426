//! The rules of single fields: lengths, characters, ids, pages. Each says in one sentence what it wants.

use std::time::Duration;

use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::{Error, Result, ctx::Limits};

/// A text of a message. With files it may be empty.
pub fn text(text: &str, files: bool, limits: &Limits) -> Result<()> {
    let characters = text.chars().count();
    if text.trim().is_empty() && !(files && text.is_empty()) {
        return Err(Error::field("text", "must not be empty or only blanks"));
    }
    if characters > limits.text_characters || text.len() > limits.text_bytes {
        let rule = format!("must have at most {} characters and {} bytes", limits.text_characters, limits.text_bytes);
        return Err(Error::field("text", rule));
    }
    no_nul("text", text)
}

/// The files of a message.
pub fn media_ids(ids: &[String], limits: &Limits) -> Result<()> {
    if ids.len() > limits.attachments {
        return Err(Error::field("media_ids", format!("must be at most {}", limits.attachments)));
    }
    let different = ids.iter().collect::<std::collections::HashSet<_>>().len();
    if different < ids.len() {
        return Err(Error::field("media_ids", "must not name a file twice"));
    }
    Ok(())
}

fn no_nul(field: &'static str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::field(field, "must not contain U+0000"));
    }
    Ok(())
}

/// A password, new or not. It counts exactly as it came: nothing is cut off, folded or composed.
pub fn password(field: &'static str, password: &str) -> Result<()> {
    // Bytes first: the cheap check keeps a megabyte of it from being counted.
    if password.len() > 128 * 4 || !(8..=128).contains(&password.chars().count()) {
        return Err(Error::field(field, "must have 8 to 128 characters"));
    }
    Ok(())
}

/// A password that somebody chooses.
pub fn new_password(field: &'static str, password: &str) -> Result<()> {
    self::password(field, password)?;
    if super::password::is_common(password) {
        return Err(Error::field(field, "is one of those that are guessed first; choose another"));
    }
    Ok(())
}

/// The marks that turn the direction of what follows, with which a name can pose as another.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What takes no place, or is blank although it counts as a letter or sign.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// How many marks stand on one letter at most: more of them reach into the lines above and below.
fn longest_pile(text: &str) -> usize {
    let mut pile = 0;
    let piles = text.chars().map(|c| {
        pile = if is_combining_mark(c) { pile + 1 } else { 0 };
        pile
    });
    piles.max().unwrap_or(0)
}

/// Something short that is shown in a line: names, devices.
pub fn line(field: &'static str, text: &str, min: usize, max: usize) -> Result<String> {
    let trimmed = text.trim();
    if !(min..=max).contains(&trimmed.chars().count()) {
        return Err(Error::field(field, format!("must have {min} to {max} characters")));
    }
    if trimmed.chars().any(|c| c.is_control() || is_turning(c) || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Error::field(field, "must not contain control characters"));
    }
    if min > 0 && trimmed.chars().all(|c| is_unseen(c) || is_combining_mark(c)) {
        return Err(Error::field(field, "must have something that can be seen"));
    }
    if longest_pile(trimmed) > 3 {
        return Err(Error::field(field, "must not have more than 3 marks on one letter"));
    }
    Ok(trimmed.to_owned())
}

/// What a file is called, as it may be shown and saved anywhere: no folders, nothing that steers what reads it.
pub fn file_name(given: &str) -> String {
    const LONGEST: usize = 200;
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let bad = |c: char| c.is_control() || is_turning(c) || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    let name: String = name.chars().map(|c| if bad(c) { '_' } else { c }).collect();
    // A dot before it hides a file; one behind it, or a blank, some systems drop.
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 16 => (stem, Some(ending)),
        _ => (name, None),
    };
    let room = LONGEST - ending.map_or(0, |ending| ending.len() + 1) - 1;
    let stem = &stem[..stem.floor_char_boundary(room)];
    // Names of devices, on Windows.
    let upper = stem.split('.').next().unwrap_or_default().to_uppercase();
    let numbered =
        |port: &str| upper.strip_prefix(port).is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
    let device = matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT");
    let mark = if device { "_" } else { "" };
    match (stem, ending) {
        ("", None) => "file".into(),
        (stem, None) => format!("{mark}{stem}"),
        (stem, Some(ending)) => format!("{mark}{stem}.{ending}"),
    }
}

/// A name of a file whose ending is one of those that suit its content; the first of them where it was another.
pub fn with_ending(name: &str, endings: &[&str]) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    if endings.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
        return name.to_owned();
    }
    let picture = ["png", "jpg", "jpeg", "jpe", "jfif", "gif", "webp"];
    let stem = if picture.iter().any(|known| known.eq_ignore_ascii_case(ending)) { stem } else { name };
    let ending = endings.first().copied().unwrap_or_default();
    let stem = &stem[..stem.floor_char_boundary(200 - ending.len() - 1)];
    format!("{stem}.{ending}")
}

/// A colour as #rrggbb; empty: none.
pub fn color(color: &str) -> Result<String> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6);
    if color.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        return Ok(color.to_ascii_lowercase());
    }
    Err(Error::field("color", "must be like #1f8fb3, or empty"))
}

/// A longer text about something.
pub fn about(text: &str) -> Result<()> {
    if text.chars().count() > 500 {
        return Err(Error::field("about", "must have at most 500 characters"));
    }
    no_nul("about", text)
}

/// The key that filters look in: each word folded, with a blank before it.
pub fn search_key(parts: &[&str]) -> String {
    let mut key = String::new();
    for word in parts.iter().flat_map(|part| part.split_whitespace()) {
        key.push(' ');
        key.push_str(&word.to_lowercase());
    }
    key
}

/// The LIKE pattern of a filter: words that begin with it. '' for an empty one.
pub fn filter(filter: &str) -> Result<String> {
    if filter.chars().count() > 64 {
        return Err(Error::field("filter", "must have at most 64 characters"));
    }
    no_nul("filter", filter)?;
    let folded = search_key(&[filter]);
    if folded.is_empty() {
        return Ok(folded);
    }
    let mut pattern = String::from("%");
    for c in folded.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Ok(pattern)
}

/// A client's request_id; an empty one is replaced by the server's own.
pub fn request_id(given: &str, make: impl FnOnce() -> Uuid) -> Result<String> {
    if given.is_empty() {
        return Ok(make().to_string());
    }
    match Uuid::try_parse(given) {
        Ok(id) if !id.is_nil() => Ok(id.hyphenated().to_string()),
        _ => Err(Error::field("request_id", "must be a UUID, or empty")),
    }
}

/// An emote of a reaction.
pub fn emote(emote: &str) -> Result<()> {
    let bad = |c: char| c.is_whitespace() || c.is_control();
    if emote.is_empty() || emote.len() > 32 || emote.chars().any(bad) {
        return Err(Error::field("emote", "must be one emoji: 1 to 32 bytes without blanks"));
    }
    Ok(())
}

/// A page's size: 0 means `usual`, more than `most` is `most`.
pub fn page_size(size: i32, usual: i64, most: i64) -> Result<i64> {
    match i64::from(size) {
        0 => Ok(usual),
        size if size < 0 => Err(Error::field("page_size", "must not be negative")),
        size => Ok(size.min(most)),
    }
}

/// Cuts a page that was read with one row more than was asked for; whether there was one more.
pub fn cut<T>(rows: &mut Vec<T>, size: i64) -> bool {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    more
}

/// The page token for two numbers.
pub fn pair_token(first: i64, second: i64) -> String {
    format!("{first}.{second}")
}

/// The two numbers of a page token; `start` for an empty one.
pub fn pair_of(token: &str, start: (i64, i64)) -> Result<(i64, i64)> {
    if token.is_empty() {
        return Ok(start);
    }
    let parse = || {
        let (first, second) = token.split_once('.')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    };
    parse().ok_or_else(page_token)
}

/// The number of a page token; `start` for an empty one.
pub fn number_of(token: &str, start: i64) -> Result<i64> {
    if token.is_empty() { Ok(start) } else { token.parse().map_err(|_| page_token()) }
}

/// What is said of a page token that is none of ours.
pub fn page_token() -> Error {
    Error::field("page_token", "must be the next_page_token of an earlier answer, or empty")
}

/// How long a script's token holds, in milliseconds; `None`: until it is revoked.
pub fn token_life(given: Option<(i64, i32)>) -> Result<Option<i64>> {
    const TEN_YEARS: i64 = 3653 * 86_400;
    match given {
        None => Ok(None),
        Some((seconds, nanos)) if (1..=TEN_YEARS).contains(&seconds) && (0..1_000_000_000).contains(&nanos) => {
            Ok(Some(seconds * 1000 + i64::from(nanos) / 1_000_000))
        }
        Some(_) => Err(Error::field("expires_in", "must be from 1 second to ten years")),
    }
}

/// How long something holds that is not for ever.
pub fn life(field: &'static str, (seconds, nanos): (i64, i32)) -> Result<Duration> {
    if (1..=365 * DAY).contains(&seconds) && (0..1_000_000_000).contains(&nanos) {
        return Ok(Duration::from_secs(seconds.unsigned_abs()));
    }
    Err(Error::field(field, "must be from 1 second to 365 days"))
}

/// How long an invite holds.
pub fn invite_life(given: Option<(i64, i32)>) -> Result<Duration> {
    given.map_or(Ok(Duration::from_secs(7 * DAY.unsigned_abs())), |given| life("expires_in", given))
}

/// How long a mute lasts, in milliseconds: 0 ends it, more than a year is for ever.
pub fn mute(given: Option<(i64, i32)>) -> Result<i64> {
    const YEAR: i64 = 365 * DAY;
    let (seconds, nanos) = given.unwrap_or_default();
    if seconds < 0 || !(0..1_000_000_000).contains(&nanos) {
        return Err(Error::field("mute_for", "must not be negative"));
    }
    if seconds > YEAR || (seconds == YEAR && nanos > 0) {
        return Ok(i64::MAX);
    }
    // What is not nothing mutes.
    Ok(seconds * 1000 + (i64::from(nanos) + 999_999) / 1_000_000)
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_finds_beginnings_of_words_and_takes_wildcards_as_they_are() {
        assert_eq!(filter("").unwrap(), "");
        assert_eq!(filter("Al").unwrap(), "% al%");
        assert_eq!(filter("50%_").unwrap(), "% 50\\%\\_%");
    }

    #[test]
    fn a_request_id_is_a_uuid_in_text_or_made_by_the_server() {
        let made = Uuid::from_u128(7);
        assert_eq!(request_id("", || made).unwrap(), made.to_string());
        assert_eq!(
            request_id("6F1C7E2A-0B60-4C6B-9B6D-0D1C32E7A001", || made).unwrap(),
            "6f1c7e2a-0b60-4c6b-9b6d-0d1c32e7a001"
        );
        for bad in ["x", "00000000-0000-0000-0000-000000000000", "6f1c7e2a"] {
            assert!(request_id(bad, || made).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_can_be_seen_and_stays_in_its_line() {
        let name = |text: &str| line("display_name", text, 1, 32);
        let pile = |marks: usize| format!("a{}", "\u{301}".repeat(marks));
        for good in ["Ada", " Ada ", "日本 語", "👩‍👩‍👧", "1\u{fe0f}\u{20e3}", "שרה", "सीता", "Admin", &pile(3)]
        {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "\u{200b}\u{200d}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{301}\u{302}",
            "\u{feff}",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\nb",
            "a\u{85}b",
            "a\u{2028}b",
            &pile(4),
            &pile(31),
            &pile(1000),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
