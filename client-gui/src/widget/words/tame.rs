//! People's text as it may be drawn: nothing of it leaves its own lines.

use std::borrow::Cow;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// As many marks as the languages of the world put on one letter. More are there to paint over what others wrote.
const MARKS_MOST: usize = 6;

/// The text without what would be drawn elsewhere. What is stored and copied stays as it is.
pub fn tame(content: Cow<'_, str>) -> Cow<'_, str> {
    // Nearly all text is plain.
    if content.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\n') {
        return content;
    }
    let mut marks = 0;
    let kept = |c: char| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        match c {
            // Ends of lines that are drawn as boxes.
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            // Whoever writes from right to left needs none of these: the letters say it, and isolates stay.
            '\u{202a}'..='\u{202e}' => None,
            _ => (marks <= MARKS_MOST).then_some(c),
        }
    };
    let tamed: String = content.chars().filter_map(kept).collect();
    if tamed == *content { content } else { Cow::Owned(tamed) }
}

fn is_mark(c: char) -> bool {
    c >= '\u{300}' && c.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_emoji_stay_as_they_are() {
        for text in [
            "plain, on\ntwo lines",
            "Tiếng Việt, e\u{302}\u{301}",
            "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
            "สวัสดี",
            "བོད་སྐད་",
            "👨\u{200d}👩\u{200d}👧 ❤️ 👍🏽 1️⃣",
            "\u{2068}isolated\u{2069}",
        ] {
            assert!(matches!(tame(text.into()), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn towers_of_marks_are_cut() {
        let tower = format!("a{}b{}", "\u{301}".repeat(4000), "\u{323}".repeat(7));
        assert_eq!(tame(tower.into()), format!("a{}b{}", "\u{301}".repeat(6), "\u{323}".repeat(6)));
    }

    #[test]
    fn lines_are_lines_and_nothing_turns_the_writing_around() {
        assert_eq!(tame("a\u{2028}b\u{2029}c\u{85}d\u{b}e".into()), "a\nb\nc\nd\ne");
        assert_eq!(tame("\u{202e}gpj.exe\u{202c}".into()), "gpj.exe");
    }
}
