//! Grams: the pieces of words that messages are found by. One place makes them for the index and for queries, and looks
//! whether what the index answered is really there: grams do not know their order.
//!
//! A text is folded first, so that people find what they mean: "cafe" finds "Café", "strasse" "Straße". Compatibility forms
//! are made plain (NFKD: ﬁ, ², full width), case and diacritics go (Hebrew points and Arabic vowels, too), and letters that
//! only look like a letter with a mark become what people type instead of them (ø is o, æ is ae). Marks that make another
//! letter in their script stay: those of Thai, of the Indic scripts, and the voicing of kana (が is not か).
//!
//! A word is a run of letters and digits. Its grams are its first one, its first two and each three characters. Scripts
//! without blanks between their words have no beginnings to go by: there each one and each two characters are grams.

use std::fmt::Write;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a character is to words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It stands between words.
    None,
    /// It belongs to a word.
    Word,
    /// It belongs to a script that puts no blanks between words, or as good as none.
    Dense,
}

/// One, two or three characters; the rest is U+0000.
pub type Gram = [char; 3];

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::None };
    }
    if !c.is_alphanumeric() && !is_combining_mark(c) {
        return Class::None;
    }
    match c {
        // Thai, Lao, Myanmar, Khmer; Hangul; kana, Han and what goes with them.
        '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1b000}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3ffff}' => Class::Dense,
        _ => Class::Word,
    }
}

/// Whether a character says nothing about what is meant.
fn is_dropped(c: char) -> bool {
    matches!(c,
        // Soft hyphen, tatweel, joiners, marks of direction, variants.
        '\u{00ad}' | '\u{0640}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}'
        // Diacritics.
        | '\u{0300}'..='\u{036f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
        || matches!(c, '\u{0591}'..='\u{05c7}' | '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0670}'
            | '\u{06d6}'..='\u{06ed}')
            && is_combining_mark(c)
}

/// What people type instead of a letter or mark that no decomposition makes plain.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        '‘' | '’' | 'ʼ' => "'",
        '“' | '”' | '„' => "\"",
        '‐' | '–' | '—' => "-",
        _ => return None,
    })
}

/// A text as it is compared: see above. Blanks of any sort and number are one blank.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut push = |c: char| {
        if !c.is_whitespace() {
            folded.push(c);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    };
    if text.is_ascii() {
        text.chars().for_each(|c| push(c.to_ascii_lowercase()));
        return folded;
    }
    for c in text.nfkd().filter(|c| !is_dropped(*c)).flat_map(char::to_lowercase) {
        match plain(c) {
            Some(instead) => instead.chars().for_each(&mut push),
            None => push(c),
        }
    }
    // Kana and Hangul are put together again.
    folded.nfc().collect()
}

/// The runs of a folded text: what is not between words.
fn runs(folded: &str) -> impl Iterator<Item = (Class, &str)> {
    let mut rest = folded;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| class(c) == Class::None);
        let kind = class(rest.chars().next()?);
        let end = rest.find(|c| class(c) != kind).unwrap_or(rest.len());
        let run = &rest[..end];
        rest = &rest[end..];
        Some((kind, run))
    })
}

/// All pieces of `size` characters.
fn pieces(run: &[char], size: usize, grams: &mut Vec<Gram>) {
    grams.extend(run.windows(size).map(gram));
}

fn gram(piece: &[char]) -> Gram {
    let mut gram = ['\0'; 3];
    gram[..piece.len()].copy_from_slice(piece);
    gram
}

fn is_first_letter(gram: &Gram) -> bool {
    gram[1] == '\0' && class(gram[0]) == Class::Word
}

/// The grams of a folded text, each once.
pub fn grams(folded: &str) -> Vec<Gram> {
    let mut grams = Vec::with_capacity(folded.len());
    let mut characters = Vec::new();
    for (kind, run) in runs(folded) {
        characters.clear();
        characters.extend(run.chars());
        if kind == Class::Dense {
            pieces(&characters, 1, &mut grams);
            pieces(&characters, 2, &mut grams);
        } else {
            grams.extend((1..=2).filter_map(|length| characters.get(..length)).map(gram));
            pieces(&characters, 3, &mut grams);
        }
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Appends a gram and a blank.
pub fn write(gram: &Gram, out: &mut String) {
    out.extend(gram.iter().take_while(|c| **c != '\0'));
    out.push(' ');
}

/// What may be said of a message beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It stands in this conversation.
    In(i64),
    /// This user wrote it.
    From(i64),
    /// It mentions this user.
    Mentions(i64),
    /// It shows a file that is no picture.
    File,
    /// It shows a picture, moving or not.
    Picture,
    /// It shows a GIF of the server's own, or another moving picture.
    Gif,
    /// There is a link in its text.
    Link,
}

impl std::fmt::Display for Mark {
    /// Longer than three characters, so that it is no gram.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::In(id) => write!(f, "conv{id}"),
            Self::From(id) => write!(f, "from{id}"),
            Self::Mentions(id) => write!(f, "mentions{id}"),
            Self::File => f.write_str("hasfile"),
            Self::Picture => f.write_str("haspicture"),
            Self::Gif => f.write_str("hasgif"),
            Self::Link => f.write_str("haslink"),
        }
    }
}

/// All that a message is found by, as the index keeps it: with blanks between.
pub fn tokens(text: &str, marks: &[Mark]) -> String {
    let mut tokens = String::new();
    for gram in grams(&fold(text)) {
        write(&gram, &mut tokens);
    }
    for mark in marks {
        let _ = write!(tokens, "{mark} ");
    }
    tokens.truncate(tokens.trim_end().len());
    tokens
}

/// Whether there is a link in a text.
pub fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let begins = |scheme: &str| {
        text.match_indices(scheme).any(|(place, _)| {
            let after = text[place + scheme.len()..].chars().next();
            !text[..place].ends_with(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
        })
    };
    begins("https://") || begins("http://")
}

/// A word or phrase to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    folded: String,
    /// Whether it stands only where a word begins, and where one ends.
    begins: bool,
    ends: bool,
}

impl Term {
    /// A word: its beginning, or any part of three letters and more. Commas and the like around it are not meant; a word with
    /// such a sign inside (`e-mail`, `don't`) begins where a word begins.
    pub fn word(text: &str) -> Option<Self> {
        let folded = fold(text);
        let signs = |c: char| class(c) == Class::None;
        let word = folded.trim_matches(signs);
        // What is nothing but signs, a smiley say, is meant as it is.
        let word = if word.is_empty() { folded.trim() } else { word };
        let part = runs(word).count() == 1 && word.chars().count() >= 3 && !word.contains(signs);
        (!word.is_empty()).then(|| Self { folded: word.to_owned(), begins: !part, ends: false })
    }

    /// A phrase, just so. One whose second quote is still to come may end within a word.
    pub fn phrase(text: &str, closed: bool) -> Option<Self> {
        let folded = fold(text).trim().to_owned();
        (!folded.is_empty()).then_some(Self { folded, begins: true, ends: closed })
    }

    /// Grams that a message must have: so many that each letter is in one, since each costs the index a look and `is_in`
    /// decides. None, if it has no letters.
    pub fn grams(&self) -> Vec<Gram> {
        let mut grams = Vec::new();
        for (kind, run) in runs(&self.folded) {
            let characters: Vec<char> = run.chars().collect();
            let most = if kind == Class::Dense { 2 } else { 3 };
            // A shorter one than three is a word's beginning: one that goes on to the left is never so short.
            let size = most.min(characters.len());
            let last = characters.len() - size;
            grams.extend((0..last).step_by(size).chain([last]).map(|at| gram(&characters[at..at + size])));
        }
        // With what words begin, half of all messages are found; any other gram says more.
        if grams.iter().any(|gram| !is_first_letter(gram)) {
            grams.retain(|gram| !is_first_letter(gram));
        }
        grams
    }

    /// Whether it really is in a folded text.
    pub fn is_in(&self, folded: &str) -> bool {
        let joined = |left: Option<char>, right: Option<char>| {
            let class = |c: Option<char>| c.map_or(Class::None, class);
            class(left) == Class::Word && class(right) == Class::Word
        };
        let mut from = 0;
        while let Some(found) = folded[from..].find(&self.folded) {
            let (begin, end) = (from + found, from + found + self.folded.len());
            let (before, after) = (folded[..begin].chars().next_back(), folded[end..].chars().next());
            let (first, last) = (self.folded.chars().next(), self.folded.chars().next_back());
            let inside = self.begins && joined(before, first) || self.ends && joined(last, after);
            if !inside {
                return true;
            }
            from = begin + first.map_or(1, char::len_utf8);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        tokens(text, &[])
    }

    /// Whether a text's grams answer a term, and whether the term is in it: the one never without the other's consent.
    fn finds(term: Option<Term>, text: &str) -> bool {
        let (term, folded) = (term.unwrap(), fold(text));
        let all = grams(&folded);
        let answered = term.grams().iter().all(|gram| all.contains(gram));
        assert!(answered || !term.is_in(&folded), "the index hides {text:?} from {term:?}");
        answered && term.is_in(&folded)
    }

    fn word(word: &str, text: &str) -> bool {
        finds(Term::word(word), text)
    }

    fn phrase(phrase: &str, text: &str) -> bool {
        finds(Term::phrase(phrase, true), text)
    }

    #[test]
    fn words_are_cut_into_beginnings_and_threes() {
        assert_eq!(of("Hello, hell"), "ell h he hel llo");
        assert_eq!(of("a ab"), "a ab");
        assert_eq!(of("東京都"), "京 京都 東 東京 都");
        assert_eq!(of("第2章 x"), "2 x 章 第");
        assert_eq!(of("?! :)"), "");
        assert_eq!(tokens("Hi", &[Mark::In(7), Mark::From(3), Mark::Link]), "h hi conv7 from3 haslink");
    }

    #[test]
    fn a_term_asks_for_no_more_grams_than_hold_it() {
        let of = |term: Option<Term>| {
            let mut text = String::new();
            term.unwrap().grams().iter().for_each(|gram| write(gram, &mut text));
            text
        };
        assert_eq!(of(Term::word("lighthouse")), "lig hth ous use ");
        assert_eq!(of(Term::word("lights")), "lig hts ");
        assert_eq!(of(Term::phrase("I see a ship", true)), "see shi hip ");
        assert_eq!(of(Term::word("a")), "a ");
        assert_eq!(of(Term::word("東京都")), "東京 京都 ");
        assert_eq!(of(Term::word("第")), "第 ");
    }

    #[test]
    fn what_people_mean_is_the_same() {
        for (one, other) in [
            ("Café", "cafe"),
            ("cafe\u{301}", "café"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδός"),
            ("İstanbul", "istanbul"),
            ("Smørrebrød", "smorrebrod"),
            ("Ёлка", "елка"),
            ("ＡＢＣ１２", "abc12"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("ﬁn", "fin"),
            ("한국", "한국"),
            ("שָׁלוֹם", "שלום"),
            ("don’t", "don't"),
            ("a \n\t b", "a b"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        for (one, other) in [("が", "か"), ("กา", "กี"), ("कि", "की")] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn a_word_finds_parts_of_three_letters_and_beginnings() {
        for part in ["Needle", "needle", "nee", "eedl", "dle", "n", "ne", "(needle)", "needle?"] {
            assert!(word(part, "the Needles here"), "{part}");
        }
        for other in ["e", "ee", "dl", "needless", "thene", "eh"] {
            assert!(!word(other, "the Needles here"), "{other}");
        }
        // Grams without their order.
        assert!(!word("abcabd", "abc bca cab abd"));
        assert!(word("e-mail", "her E-Mails") && !word("e-mail", "the-mail") && !word("e-mail", "email"));
        assert!(word("don't", "I don’t") && word("3.14", "3.1415") && !word("3.14", "13.14"));
        assert!(word(":)", "so :) it is") && word("🎉", "party 🎉!") && !word("🎉", "party"));
        assert!(Term::word(" ").is_none() && Term::word("\u{200b}").is_none());
    }

    #[test]
    fn scripts_without_blanks_are_found_anywhere() {
        for part in ["京", "東京", "京都", "東京都", "京都に", "に"] {
            assert!(word(part, "私は東京都に住む"), "{part}");
        }
        assert!(!word("都京", "私は東京都に住む") && !word("京東京", "東京 京東"));
        assert!(
            word("국어", "한국어를")
                && word("ไป", "ฉันไปบ้าน")
                && word("abc漢", "xy abc漢字")
                && !word("bc漢", "abc漢字")
        );
        assert!(word("हिन्दी", "मैं हिन्दी में"));
    }

    #[test]
    fn a_phrase_is_just_so() {
        assert!(phrase("to be or", "To be, or; to  be\nor not") && phrase("c++", "in C++ now"));
        assert!(!phrase("o be", "to be") && !phrase("cat", "concat cats") && phrase("cat", "concat cat"));
        let open = |text: &str| finds(Term::phrase("hello wor", false), text);
        assert!(open("hello world") && !open("othello world"));
    }

    #[test]
    fn links_have_a_scheme_and_a_place() {
        for text in ["https://a.b", "see (HTTP://x)", "a\nhttp://1.2.3.4/"] {
            assert!(has_link(text), "{text}");
        }
        for text in ["https://", "http:// x", "xhttp://a", "www.a.b", ""] {
            assert!(!has_link(text), "{text}");
        }
    }
}
