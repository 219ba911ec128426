//! Mentions: `@` and a member's login name in a text, or `@everyone`. They are found when the text is stored and kept as who is
//! meant. Who may call everyone: in a small group any member, in a larger one its owner, in the global room admins.

use std::collections::{BTreeSet, HashMap};

use rookery_api::v1;

use super::{Result, ctx::Limits, name, writer::Work};
use crate::store::{
    self,
    conversation::{GLOBAL, GROUP},
    mention::{FoundRow, Sought},
};

/// What stands for everybody; no account is called so.
pub(super) const EVERYONE: &str = "everyone";
/// The longest login name, in characters.
const NAME: usize = 32;
/// How deep quotes go; what is deeper is text.
const QUOTES: usize = 4;

/// A mention as it is stored: who is meant (0: everyone), where it begins in the text and how long it is, in characters.
pub type Mentioned = (i64, i32, i32);

/// A text that is to be stored, and who wrote it where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    pub conversation_id: i64,
    pub author_id: i64,
    /// Whether its author acts as an admin, should she be one.
    pub as_admin: bool,
    pub text: &'a str,
}

/// Whom each of some texts mentions, in order of place. One statement for all of them, and none where no text has an `@`.
pub(super) async fn find(work: &mut Work, texts: &[Written<'_>], limits: &Limits) -> Result<Vec<Vec<Mentioned>>> {
    let most = limits.mentions;
    let places: Vec<Vec<Place>> = texts.iter().map(|written| places(written.text, most)).collect();
    let mut sought: Vec<Sought<'_>> = Vec::new();
    for (written, places) in texts.iter().zip(&places) {
        let names = places.iter().flat_map(|place| &place.names);
        sought.extend(names.map(|(name, _)| (written.conversation_id, written.author_id, name.as_str())));
    }
    sought.sort_unstable();
    sought.dedup();
    if sought.is_empty() {
        return Ok(vec![Vec::new(); texts.len()]);
    }
    let found = store::mention::find(work.tx.read(), &sought).await?;
    let found: HashMap<Sought<'_>, &FoundRow> =
        found.iter().map(|row| ((row.conversation_id, row.author_id, row.name.as_str()), row)).collect();
    let mentioned = texts.iter().zip(&places).map(|(written, places)| {
        let who = |name: &str| {
            let row = found.get(&(written.conversation_id, written.author_id, name))?;
            if name != EVERYONE {
                return row.user_id;
            }
            may_call_everyone(row, written.as_admin, limits.small_group).then_some(0)
        };
        let meant = places.iter().filter_map(|place| {
            let (user_id, length) = place.names.iter().find_map(|(name, length)| Some((who(name)?, *length)))?;
            Some((user_id, place.start, length))
        });
        meant.take(most).collect()
    });
    Ok(mentioned.collect())
}

/// Mentions as a message's row has them; '' for none.
pub(super) fn stored(mentioned: &[Mentioned]) -> String {
    if mentioned.is_empty() { String::new() } else { serde_json::json!(mentioned).to_string() }
}

/// Mentions out of a message's row.
pub(super) fn read(stored: &str) -> Vec<Mentioned> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// Mentions as readers get them.
pub(super) fn api(mentioned: &[Mentioned]) -> Vec<v1::Mention> {
    mentioned.iter().map(|&(user_id, start, length)| v1::Mention { user_id, start, length }).collect()
}

/// Whom some mentions mean, each once.
pub(super) fn users(mentioned: &[Mentioned]) -> BTreeSet<i64> {
    mentioned.iter().map(|(user, ..)| *user).collect()
}

/// The rows of a message's mentions, one for everybody who is meant: (conversation, user, message, author).
pub(super) fn rows(
    mentioned: &[Mentioned],
    conversation_id: i64,
    message_id: i64,
    author_id: i64,
) -> Vec<(i64, i64, i64, i64)> {
    users(mentioned).into_iter().map(|user| (conversation_id, user, message_id, author_id)).collect()
}

fn may_call_everyone(row: &FoundRow, as_admin: bool, small: i64) -> bool {
    match row.kind {
        GROUP => row.members <= small || row.owner_id == row.author_id,
        GLOBAL => row.admin && as_admin,
        _ => false,
    }
}

/// A place in a text where somebody may be mentioned.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Where its `@` stands, in characters.
    start: i32,
    /// The names that it may be, longest first, folded as accounts are, and how many characters each covers with the `@`.
    names: Vec<(String, i32)>,
}

/// The places where a text may mention somebody. Quotes, code and addresses are told apart as clients draw them
/// (client-core/src/text.rs). A text that is nothing but names of nobody must not cost the writer more than others: after four
/// times as many names as mentions are kept, no more are looked at.
fn places(text: &str, most: usize) -> Vec<Place> {
    let (mut places, mut room) = (Vec::new(), most * 4);
    if !text.contains('@') {
        return places;
    }
    // The depth of quotes in which a block of code is open.
    let mut fence: Option<usize> = None;
    let mut start = 0;
    for line in text.split('\n') {
        let line: Vec<char> = line.chars().collect();
        let depth = fence.filter(|depth| quotes(&line, *depth).0 == *depth);
        let (found, begin) = quotes(&line, depth.unwrap_or(QUOTES));
        let body = &line[begin..];
        fence = match depth {
            Some(depth) => (!ends_code(body)).then_some(depth),
            None if begins_code(body) => Some(found),
            None => {
                in_line(body, start + begin, &mut places, &mut room);
                None
            }
        };
        start += line.len() + 1;
    }
    places
}

/// How many marks of quotes a line begins with, up to `most`, and where what they quote begins.
fn quotes(line: &[char], most: usize) -> (usize, usize) {
    let (mut depth, mut at) = (0, 0);
    while depth < most && line.get(at) == Some(&'>') && line.get(at + 1).is_none_or(|c| c.is_whitespace()) {
        (depth, at) = (depth + 1, (at + 2).min(line.len()));
    }
    (depth, at)
}

/// Whether a line opens a block of code: three backticks or more, and none behind them.
fn begins_code(line: &[char]) -> bool {
    let begin = line.iter().take_while(|c| c.is_whitespace()).count();
    let ticks = run(line, begin);
    ticks >= 3 && !line[begin + ticks..].contains(&'`')
}

/// Whether a line closes it: it ends with three backticks.
fn ends_code(line: &[char]) -> bool {
    let end = line.len() - line.iter().rev().take_while(|c| c.is_whitespace()).count();
    line[..end].ends_with(&['`', '`', '`'])
}

/// How many backticks stand at a place.
fn run(line: &[char], at: usize) -> usize {
    line[at..].iter().take_while(|c| **c == '`').count()
}

/// The places in one line that is no code.
fn in_line(line: &[char], offset: usize, places: &mut Vec<Place>, room: &mut usize) {
    // Where runs of backticks begin, by their length.
    let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut at = 0;
    while at < line.len() {
        let ticks = run(line, at);
        if ticks > 0 {
            runs.entry(ticks).or_default().push(at);
        }
        at += ticks.max(1);
    }
    let mut at = 0;
    while at < line.len() && *room > 0 {
        at = match line[at] {
            '\\' if line.get(at + 1).is_some_and(|c| matches!(c, '`' | '@')) => at + 2,
            '`' => {
                let ticks = run(line, at);
                let same = runs.get(&ticks).and_then(|same| same.get(same.partition_point(|run| *run < at + ticks)));
                same.map_or(at, |close| *close) + ticks
            }
            '@' if begins_word(line, at) => {
                let place = place(line, at, offset);
                *room = room.saturating_sub(place.names.len());
                if !place.names.is_empty() {
                    places.push(place);
                }
                at + 1
            }
            'h' | 'H' | 'm' | 'M' if begins_word(line, at) && is_address(&line[at..]) => {
                at + line[at..].iter().take_while(|c| !c.is_whitespace()).count()
            }
            _ => at + 1,
        };
    }
}

fn is_address(rest: &[char]) -> bool {
    let starts = |scheme: &str| {
        rest.len() >= scheme.len() && scheme.chars().zip(rest).all(|(known, c)| known == c.to_ascii_lowercase())
    };
    ["https://", "http://", "mailto:"].into_iter().any(starts)
}

fn place(line: &[char], at: usize, offset: usize) -> Place {
    let of_name = |c: &&char| name::is_of_one(**c);
    let length = line[at + 1..].iter().take(NAME).take_while(of_name).count();
    let ends = |length: &usize| line.get(at + 1 + length).is_none_or(|next| !of_word(*next));
    let names = (2..=length).rev().filter(ends).map(|length| {
        let name: String = line[at + 1..=at + length].iter().collect();
        (name::key(&name), i32::try_from(length + 1).unwrap_or(0))
    });
    Place { start: i32::try_from(offset + at).unwrap_or(0), names: names.collect() }
}

fn begins_word(line: &[char], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| !of_word(line[before]) && !matches!(line[before], '/' | '@'))
}

/// Whether a character belongs to the same word as its neighbours. Scripts that are written without blanks have no words that
/// could be told apart.
fn of_word(c: char) -> bool {
    let unspaced = matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    c.is_alphanumeric() && !unspaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Vec<(i32, Vec<String>)> {
        let names = |place: Place| (place.start, place.names.into_iter().map(|(name, _)| name).collect());
        places(text, 50).into_iter().map(names).collect()
    }

    fn starts(text: &str) -> Vec<i32> {
        places(text, 50).into_iter().map(|place| place.start).collect()
    }

    #[test]
    fn a_name_is_looked_for_in_every_length_that_ends_a_word() {
        assert_eq!(first("@Ada"), [(0, vec!["ada".into()])]);
        assert_eq!(first("hé @ada."), [(3, vec!["ada.".into(), "ada".into()])]);
        assert_eq!(first("@ada.love-x"), [(0, vec!["ada.love-x".into(), "ada.love".into(), "ada".into()])]);
        assert_eq!(first("@adamant"), [(0, vec!["adamant".into()])], "no part of a word");
        assert_eq!(first("@田中さん"), [(0, vec!["田中さん".into(), "田中さ".into(), "田中".into()])]);
        assert_eq!(first("@a"), [], "too short for a name");
        assert_eq!(first(&format!("@{}", "x".repeat(33))), []);
    }

    #[test]
    fn only_the_beginning_of_a_word_counts() {
        assert_eq!(starts("mail a@ada.org, b/@ada, @@ada"), [] as [i32; 0]);
        assert_eq!(starts("(@ada) *@bob* _@cleo_ ||@dan||"), [1, 8, 15, 24]);
        assert_eq!(starts("こんにちは@ada"), [5]);
        assert_eq!(starts("\\@ada https://x.org/?q=@ada mailto:@ada @bob"), [40]);
    }

    #[test]
    fn code_mentions_nobody() {
        assert_eq!(starts("`@ada` @bob ``@ada ` @ada`` ```@ada``` @bob"), [7, 39]);
        assert_eq!(starts("` @ada"), [2], "one backtick is none");
        assert_eq!(starts("`\n@ada `"), [2], "code ends with its line");
        assert_eq!(starts("\\`@ada` @bob"), [2, 8]);
        assert_eq!(starts("```rust\n@ada\n```\n@bob"), [17]);
        assert_eq!(starts("```\n@ada"), [] as [i32; 0]);
        assert_eq!(starts("```\n@ada```\n@bob"), [12]);
    }

    #[test]
    fn quotes_may_hold_code_which_ends_with_them() {
        assert_eq!(starts("> @ada"), [2]);
        assert_eq!(starts("> ```\n> @ada\n@bob"), [13]);
        assert_eq!(starts("> > ```\n> > @ada\n> @bob"), [19]);
        assert_eq!(starts(">@ada"), [1], "no quote, but a word's beginning");
    }

    #[test]
    fn names_of_nobody_are_looked_for_only_so_often() {
        let text: String = (100..1000).map(|n| format!("@u{n} ")).collect();
        assert_eq!(places(&text, 50).len(), 200);
    }
}
