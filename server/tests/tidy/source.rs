//! One file of the repository as the rules see it: what is code in it, and which names that code says. No parser: a
//! list of words and paths is enough for them.

/// One file of the repository.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments, strings and characters blanked out: every place is the same in both.
    pub code: String,
}

impl File {
    /// A file and its text.
    pub fn new(path: String, text: String) -> Self {
        let code = if path.ends_with(".rs") { blank(&text) } else { text.clone() };
        File { path, text, code }
    }

    /// Whether it is the file `place` (without `.rs`), or below the folder of that name.
    pub fn is_in(&self, place: &str) -> bool {
        let rest = self.path.strip_prefix(place);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// Whether it is one of a package's own test programs.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
    }

    /// Every identifier and where it stands.
    pub fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut rest = 0;
        std::iter::from_fn(move || {
            let begin = rest + self.code[rest..].find(is_of_word)?;
            let length = self.code[begin..].find(|c| !is_of_word(c)).unwrap_or(self.code.len() - begin);
            rest = begin + length;
            Some((begin, &self.code[begin..rest]))
        })
    }

    /// The crate's top-level modules that this file names, by `crate::` or by enough `super::`.
    pub fn modules_of_the_crate(&self) -> impl Iterator<Item = (usize, &str)> {
        let (_, below) = self.path.split_once("/src/").unwrap_or_default();
        let depth = below.trim_end_matches(".rs").split('/').count();
        let climb = "super::".repeat(depth);
        let paths = ["crate::", climb.as_str()].map(|start| self.after(start));
        paths.into_iter().flatten().flat_map(|place| self.heads(place))
    }

    /// The places behind each whole occurrence of the start of a path.
    fn after(&self, start: &str) -> Vec<usize> {
        let whole = |place: usize| !self.code[..place].ends_with(is_of_word);
        self.code
            .match_indices(start)
            .filter(|(place, _)| whole(*place))
            .map(|(place, _)| place + start.len())
            .collect()
    }

    /// The first names of a path or of a group of paths in braces.
    fn heads(&self, place: usize) -> Vec<(usize, &str)> {
        let mut heads = Vec::new();
        let (mut depth, mut fresh) = (0, true);
        for (at, c) in self.code[place..].char_indices().map(|(at, c)| (place + at, c)) {
            match c {
                '{' => (depth, fresh) = (depth + 1, depth == 0),
                '}' => depth -= 1,
                ',' => fresh = depth == 1,
                c if is_of_word(c) && fresh => {
                    let length = self.code[at..].find(|c| !is_of_word(c)).unwrap_or(self.code.len() - at);
                    heads.push((at, &self.code[at..at + length]));
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 && !c.is_whitespace() {
                break;
            }
        }
        heads
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks out everything that is not code, byte by byte, line breaks kept.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    while let Some(c) = text[code.len()..].chars().next() {
        let rest = &text[code.len()..];
        let inside_word = code.ends_with(is_of_word);
        match length_of_text(rest, inside_word) {
            Some(length) => code.extend(rest[..length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' })),
            None if c.is_ascii() => code.push(c),
            None => code.extend(std::iter::repeat_n('_', c.len_utf8())),
        }
    }
    code
}

/// The length of the comment, string or character that begins here.
fn length_of_text(rest: &str, inside_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(length_of_comment(rest));
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !inside_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = raw[hashes + 1..].find(&end)? + end.len();
            return Some(1 + hashes + 1 + length);
        }
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return Some(1 + end_of_quote(inside, '"')?);
    }
    let inside = rest.strip_prefix('\'')?;
    // A lifetime has no second quote behind its first letter.
    let first = inside.chars().next()?;
    let is_character = first == '\\' || inside[first.len_utf8()..].starts_with('\'');
    if is_character { Some(1 + end_of_quote(inside, '\'')?) } else { None }
}

fn end_of_quote(inside: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    inside.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

fn length_of_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

#[test]
fn comments_and_texts_are_not_code() {
    let text = "//! sqlx\nuse a; /* sqlx /* sqlx */ sqlx */ fn f<'sqlx>() { g(\"sqlx \\\" sqlx\", r#\"sqlx\" \"#, '\"', b'\\'') }";
    let file = File::new("server/src/x.rs".into(), text.into());
    assert_eq!(file.code.len(), file.text.len());
    let words: Vec<_> = file.words().map(|(_, word)| word).collect();
    assert_eq!(words, ["use", "a", "fn", "f", "sqlx", "g", "b"]);
}

#[test]
fn a_named_module_is_seen_in_every_way_of_naming_it() {
    let named = |path: &str, text: &str| -> Vec<String> {
        File::new(path.into(), text.into()).modules_of_the_crate().map(|(_, name)| name.to_owned()).collect()
    };
    assert_eq!(named("server/src/store/message.rs", "use crate::hub::Hub;"), ["hub"]);
    assert_eq!(named("server/src/store/message.rs", "use crate::{a::{b, c}, hub, d as e};"), ["a", "hub", "d"]);
    assert_eq!(named("server/src/store/message.rs", "super::super::hub::go(); super::row()"), ["hub"]);
    assert_eq!(named("server/src/store.rs", "super::hub::go()"), ["hub"]);
    assert_eq!(named("server/src/store.rs", "pub(in crate::store) use list::A;"), ["store"]);
}
