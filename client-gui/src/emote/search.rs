//! Finds emotes by their names: several words, each the beginning or any part of one.

use super::catalogue::{self, Emote, Entry};
use super::habit::Habits;

/// How well a word fits; less is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the name between colons.
    Whole,
    /// The name between colons begins with it.
    Beginning,
    /// A word of a name begins with it.
    Word,
    /// A name has it inside.
    Inside,
}

/// What fits all words, the best first; among equals those that are used come first. Nothing is asked: nothing is found.
#[must_use]
pub fn search(query: &str, habits: &Habits) -> Vec<Emote> {
    let words: Vec<String> =
        query.to_lowercase().split([' ', '_', ':']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() {
        return Vec::new();
    }
    // One who writes underscores means the name as it is.
    let whole = query.trim().trim_matches(':').to_lowercase().replace(' ', "_");
    let mut found: Vec<_> = catalogue::all()
        .iter()
        .filter_map(|entry| {
            let fit = if entry.code == whole {
                Fit::Whole
            } else {
                words.iter().map(|word| fit(entry, word)).try_fold(Fit::Whole, |worst, fit| Some(worst.max(fit?)))?
            };
            // Of the names that begin with it, the shortest is the nearest.
            let rest = if fit == Fit::Beginning { entry.code.len() } else { 0 };
            Some((fit, std::cmp::Reverse(habits.weight(entry.emote)), rest, entry.emote))
        })
        .collect();
    // Stable: what else is equal stays in the order of the catalogue.
    found.sort_by_key(|(fit, used, rest, _)| (*fit, *used, *rest));
    found.into_iter().map(|(.., emote)| emote).collect()
}

fn fit(entry: &Entry, word: &str) -> Option<Fit> {
    if entry.code == word {
        return Some(Fit::Whole);
    }
    if entry.code.starts_with(word) {
        return Some(Fit::Beginning);
    }
    let begins = |name: &String| name.split([' ', '_', '-']).any(|part| part.starts_with(word));
    if entry.names.iter().any(begins) {
        return Some(Fit::Word);
    }
    entry.names.iter().any(|name| name.contains(word)).then_some(Fit::Inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Vec<&'static str> {
        search(query, &Habits::default()).into_iter().map(|emote| emote.as_str()).collect()
    }

    #[test]
    fn names_are_found_by_beginning_and_by_any_part() {
        assert_eq!(found("smile")[0], "😄");
        assert_eq!(found("heart")[0], "❤️");
        assert!(found("ppl").contains(&"🍎"), "inside a name");
        assert!(found("GRIN").contains(&"😀"));
        assert!(found("zzzzz").is_empty());
        assert!(found("").is_empty() && found(" : ").is_empty());
    }

    #[test]
    fn several_words_must_all_fit_in_any_order() {
        assert_eq!(found("red heart")[0], "❤️");
        assert!(found("face tears joy").contains(&"😂"));
        assert!(found("joy face").contains(&"😂"));
        assert!(!found("red heart").contains(&"💙"));
    }

    #[test]
    fn what_is_used_comes_first_among_equals() {
        let mut habits = Habits::default();
        habits.note("😼");
        let first = search("sm", &habits)[0];
        assert_eq!(first.as_str(), "😼", "smirk_cat begins with it, as others do");
    }
}
