//! Finds emoji in text, so that they are drawn from the colour font whatever other fonts have.

use std::ops::Range;

use unicode_properties::emoji::{EmojiStatus, UnicodeEmoji};
use unicode_segmentation::UnicodeSegmentation;

/// A message of at most this many emoji and nothing else is drawn large.
const JUMBO_MOST: usize = 12;

/// What is offered for a reaction at once.
pub const QUICK: [&str; 6] = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

/// A stretch of text that is all emoji, or has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// Whether it is emoji.
    pub emoji: bool,
}

/// Cuts text into runs; blanks never belong to a run of emoji (they are very wide there).
#[must_use]
pub fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (start, cluster) in text.grapheme_indices(true) {
        let emoji = is_emoji(cluster);
        let end = start + cluster.len();
        match runs.last_mut() {
            Some(last) if last.emoji == emoji => last.range.end = end,
            _ => runs.push(Run { range: start..end, emoji }),
        }
    }
    runs
}

/// Whether there is any emoji in it. Cheap for plain text, which is nearly all of it.
#[must_use]
pub fn any(text: &str) -> bool {
    text.bytes().any(|byte| byte >= 0xa9) && text.graphemes(true).any(is_emoji)
}

/// Whether it is a few emoji and nothing else.
#[must_use]
pub fn jumbo(text: &str) -> bool {
    let mut count = 0;
    for cluster in text.graphemes(true).filter(|cluster| !cluster.trim().is_empty()) {
        count += 1;
        if count > JUMBO_MOST || !is_emoji(cluster) {
            return false;
        }
    }
    count > 0
}

/// A cluster is an emoji when it looks like one by itself, or when it asks to (U+FE0F).
fn is_emoji(cluster: &str) -> bool {
    let Some(first) = cluster.chars().next() else {
        return false;
    };
    if cluster.contains('\u{fe0e}') {
        return false;
    }
    let by_itself = matches!(
        first.emoji_status(),
        EmojiStatus::EmojiPresentation
            | EmojiStatus::EmojiPresentationAndModifierBase
            | EmojiStatus::EmojiPresentationAndEmojiComponent
            | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent
    );
    by_itself || (cluster.contains('\u{fe0f}') && first.is_emoji_char_or_emoji_component())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, bool)> {
        runs(text).into_iter().map(|run| (&text[run.range], run.emoji)).collect()
    }

    #[test]
    fn text_is_cut_at_emoji_and_blanks_stay_text() {
        assert_eq!(cut("hi 😀😀 there"), [("hi ", false), ("😀😀", true), (" there", false)]);
        assert_eq!(cut("a❤️b"), [("a", false), ("❤️", true), ("b", false)]);
        assert_eq!(cut("👩‍🚀🇩🇪"), [("👩‍🚀🇩🇪", true)]);
        assert_eq!(cut("room 1 # *"), [("room 1 # *", false)]);
        assert_eq!(cut("© 2026"), [("© 2026", false)]);
    }

    #[test]
    fn a_few_emoji_alone_are_large() {
        assert!(jumbo("😀"));
        assert!(jumbo("😀 ❤️\n🎉"));
        assert!(!jumbo("😀 ok"));
        assert!(!jumbo(""));
        assert!(jumbo("❤️✔️☺️☀️1️⃣🏴󠁧󠁢󠁥󠁮󠁧󠁿"), "in colour because they ask for it");
        assert!(!jumbo("❤✔"), "without a variation selector they are signs of the text");
        assert!(jumbo(&"😀".repeat(12)) && !jumbo(&"😀".repeat(13)));
        assert!(any("x 🎉") && !any("plain") && !any("für"));
    }
}
