//! Which pieces some words find: whole words before beginnings of words, names before what they are also found by.

use std::cmp::Reverse;

/// What a piece is found by, folded.
#[derive(Debug)]
pub(super) struct Words {
    /// Of its name and title.
    name: Vec<Word>,
    /// The others, the more fitting first.
    others: Vec<Word>,
    category: Vec<Word>,
}

/// A word, and the same without its ending.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    folded: String,
    stem: String,
}

impl Words {
    pub(super) fn new(name: &str, others: &str, category: &str) -> Self {
        Self { name: words(name), others: words(others), category: words(category) }
    }

    /// How well one word of a query fits; 0: not at all. `unfinished`: it may be the beginning of a word.
    fn fits(&self, wanted: &Word, unfinished: bool) -> usize {
        let best = |words: &[Word], whole: usize, stem: usize, beginning: usize| {
            let fit = |(place, word): (usize, &Word)| {
                // Of two words that both fit, the one that stands first says more.
                let fit = if word.folded == wanted.folded {
                    whole
                } else if word.stem == wanted.stem {
                    stem
                } else if unfinished && word.folded.starts_with(&wanted.folded) {
                    beginning
                } else {
                    return 0;
                };
                fit - place.min(9)
            };
            words.iter().enumerate().map(fit).max().unwrap_or(0)
        };
        let named = best(&self.name, 100, 90, 50);
        named.max(best(&self.others, 80, 70, 40)).max(best(&self.category, 30, 30, 20))
    }
}

/// The places of the pieces that a query finds, the best first. If no piece has all words of it, those with the most. Its
/// last word may still be typed.
pub(super) fn rank<'words>(query: &str, pieces: impl Iterator<Item = &'words Words>) -> Vec<usize> {
    let wanted = words(query);
    let mut found = Vec::new();
    for (place, piece) in pieces.enumerate() {
        let fits = wanted.iter().enumerate().map(|(at, word)| piece.fits(word, at + 1 == wanted.len()));
        let fits: Vec<usize> = fits.filter(|fit| *fit > 0).collect();
        if !fits.is_empty() {
            // Of two that fit alike, the one with the shorter name is meant.
            found.push((fits.len(), Reverse(fits.iter().sum::<usize>()), piece.name.len(), place));
        }
    }
    let most = found.iter().map(|(count, ..)| *count).max().unwrap_or(0);
    found.retain(|(count, ..)| *count == most);
    found.sort_unstable();
    found.into_iter().map(|(.., place)| place).collect()
}

/// The words of a text. What has no letters (an emoji, `:)`) is a word as it stands.
fn words(text: &str) -> Vec<Word> {
    let mut list = Vec::new();
    for part in text.split_whitespace() {
        let folded: String = part.to_lowercase().chars().filter(|c| !matches!(c, '\'' | '’' | '\u{fe0f}')).collect();
        if folded.contains(char::is_alphanumeric) {
            list.extend(folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(Word::new));
        } else if !folded.is_empty() {
            list.push(Word::new(&folded));
        }
    }
    list
}

impl Word {
    fn new(folded: &str) -> Self {
        Self { folded: folded.into(), stem: stem(folded) }
    }
}

/// A word without its English ending, as far as searching needs it: hearts, dancing, cried, hugs.
fn stem(word: &str) -> String {
    const ENDINGS: [(&str, &str); 9] = [
        ("ies", "y"),
        ("ied", "y"),
        ("ing", ""),
        ("ers", ""),
        ("es", ""),
        ("ed", ""),
        ("er", ""),
        ("s", ""),
        ("e", ""),
    ];
    for (ending, instead) in ENDINGS {
        let Some(rest) = word.strip_suffix(ending) else { continue };
        // "kiss" is no plural, and of "sing", "bed" and "yes" nothing would be left.
        if rest.len() + instead.len() < 3 || ending == "s" && rest.ends_with('s') {
            continue;
        }
        let mut stem = format!("{rest}{instead}");
        // hugging, running
        let mut last = stem.chars().rev();
        if last.next() == last.next() && ending != "s" && ending != "e" {
            stem.pop();
        }
        return stem;
    }
    word.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Words> {
        [
            ("party-popper Party popper", "🎉 celebrate", "Party"),
            ("dancing-man Man dancing", "🕺 dance party", "Party"),
            ("heart Red heart", "❤️ love", "Love"),
            ("cat-heart-eyes Cat with heart eyes", "😻 love", "Love"),
            ("cat Cat face", "🐱 kitty", "Animals"),
        ]
        .map(|(name, others, category)| Words::new(name, others, category))
        .into()
    }

    fn found(query: &str) -> Vec<usize> {
        rank(query, pieces().iter())
    }

    #[test]
    fn whole_words_come_before_beginnings_and_names_before_other_words() {
        assert_eq!(found("party"), [0, 1]);
        assert_eq!(found("cat"), [4, 3]);
        assert_eq!(found("CAT"), [4, 3]);
        assert_eq!(found("ca"), [4, 3]);
        assert_eq!(found("hea"), [2, 3]);
    }

    #[test]
    fn endings_do_not_matter() {
        assert_eq!(found("hearts"), [2, 3]);
        assert_eq!(found("dances"), [1]);
        assert_eq!(found("kitties"), [4]);
        for (one, other) in [("hugging", "hugs"), ("cried", "cries"), ("laughing", "laugh"), ("kisses", "kissing")] {
            assert_eq!(stem(one), stem(other));
        }
        for short in ["yes", "bed", "sing", "kiss", "bus"] {
            assert!(!stem(short).is_empty());
        }
    }

    #[test]
    fn several_words_narrow_and_what_nothing_has_does_not_empty() {
        assert_eq!(found("cat heart"), [3]);
        assert_eq!(found("a party, please"), [0, 1]);
        assert_eq!(found("❤"), [2]);
        assert!(found("").is_empty() && found("   ").is_empty() && found("qqq").is_empty());
    }
}
