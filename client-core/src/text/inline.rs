//! Marks within lines. One pass, left to right, that keeps at most one open mark of each kind: a mark that closes drops all that
//! were opened behind it and did not close, and one that opens again takes the place of the earlier one. So the tree is never deeper
//! than there are kinds, and the time is in proportion to the length, whatever the text.

use std::collections::HashMap;

use rookery_api::v1::Mention;

use super::{
    Link, Span,
    link::{self, begins_word},
};

/// A mark: its character, how many of it, and what it makes of what it encloses.
type Mark = (char, usize, fn(Vec<Span>) -> Span);

const MARKS: [Mark; 6] = [
    ('*', 2, Span::Bold),
    ('*', 1, Span::Italic),
    ('_', 2, Span::Bold),
    ('_', 1, Span::Italic),
    ('~', 2, Span::Strike),
    ('|', 2, Span::Spoiler),
];
/// The `[` of a link, among them.
const BRACKET: usize = MARKS.len();
/// What a backslash makes text of. Not all signs: a path of Windows stays what it is.
const ESCAPABLE: &str = "*_~|`[]@";

/// What is between the beginning and the end of a text, before it is a tree.
enum Piece {
    Span(Span),
    Open(usize),
    Close,
}

pub(super) struct Inline<'a> {
    chars: &'a [char],
    /// By where they begin: who, and how long.
    mentions: HashMap<usize, (i64, usize)>,
}

impl<'a> Inline<'a> {
    pub fn new(chars: &'a [char], mentions: &[Mention]) -> Self {
        let place = |mention: &Mention| {
            let (start, length) = (usize::try_from(mention.start).ok()?, usize::try_from(mention.length).ok()?);
            Some((start, (mention.user_id, length)))
        };
        Self { chars, mentions: mentions.iter().filter_map(place).collect() }
    }

    /// The spans of some lines, which are one text with breaks in between.
    pub fn spans(&self, lines: &[(usize, usize)]) -> Vec<Span> {
        let mut scan = Scan { inline: self, pieces: Vec::new(), text: String::new(), open: [None; BRACKET + 1] };
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                scan.text.push('\n');
            }
            scan.line(*line);
        }
        scan.flush();
        for piece in scan.open.into_iter().flatten() {
            scan.drop_mark(piece);
        }
        tree(scan.pieces)
    }
}

struct Scan<'a> {
    inline: &'a Inline<'a>,
    pieces: Vec<Piece>,
    /// The text behind the last piece.
    text: String,
    /// For each kind of mark, the piece that opened it.
    open: [Option<usize>; BRACKET + 1],
}

impl Scan<'_> {
    fn line(&mut self, (begin, end): (usize, usize)) {
        let line = &self.inline.chars[begin..end];
        let closing = closing_ticks(line);
        let mut at = 0;
        while at < line.len() {
            let c = line[at];
            let taken = match c {
                '\\' if line.get(at + 1).is_some_and(|c| ESCAPABLE.contains(*c)) => {
                    self.text.push(line[at + 1]);
                    2
                }
                '`' => self.ticks(line, at, &closing),
                '*' | '_' | '~' | '|' => self.marks(line, at),
                '[' => {
                    self.push_open(BRACKET);
                    1
                }
                ']' => self.close_bracket(line, at),
                '<' => self.bracketed(line, at),
                '@' => self.mention(line, at, begin),
                'h' | 'H' | 'm' | 'M' if begins_word(line, at) => self.address(line, at),
                _ => 0,
            };
            if taken == 0 {
                self.text.push(c);
            }
            at += taken.max(1);
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Span(Span::Text(std::mem::take(&mut self.text))));
        }
    }

    fn push(&mut self, span: Span) {
        self.flush();
        self.pieces.push(Piece::Span(span));
    }

    fn push_open(&mut self, mark: usize) {
        self.flush();
        if let Some(earlier) = self.open[mark].replace(self.pieces.len()) {
            self.drop_mark(earlier);
        }
        self.pieces.push(Piece::Open(mark));
    }

    /// An opened mark is none after all.
    fn drop_mark(&mut self, piece: usize) {
        if let Piece::Open(mark) = self.pieces[piece] {
            let text = MARKS.get(mark).map_or("[".to_owned(), |(c, count, _)| c.to_string().repeat(*count));
            self.pieces[piece] = Piece::Span(Span::Text(text));
        }
    }

    /// All that was opened behind a piece and has not closed.
    fn drop_behind(&mut self, piece: usize) {
        for mark in 0..self.open.len() {
            if let Some(opened) = self.open[mark].filter(|opened| *opened > piece) {
                self.open[mark] = None;
                self.drop_mark(opened);
            }
        }
    }

    /// A run of backticks: code up to the next run of as many in this line, else text.
    fn ticks(&mut self, line: &[char], at: usize, closing: &HashMap<usize, Vec<usize>>) -> usize {
        let ticks = line[at..].iter().take_while(|c| **c == '`').count();
        let begin = at + ticks;
        let same = closing.get(&ticks).and_then(|same| same.get(same.partition_point(|run| *run < begin)));
        let Some(end) = same.copied() else {
            self.text.extend(&line[at..begin]);
            return ticks;
        };
        let mut code = &line[begin..end];
        // One blank at each end is there to keep backticks apart.
        if let [' ', inner @ .., ' '] = code
            && inner.iter().any(|c| *c != ' ')
        {
            code = inner;
        }
        self.push(Span::Code(code.iter().collect()));
        end + ticks - at
    }

    /// A run of one character that marks are made of.
    fn marks(&mut self, line: &[char], at: usize) -> usize {
        let c = line[at];
        let run = line[at..].iter().take_while(|other| **other == c).count();
        let before = at.checked_sub(1).map_or('\n', |before| line[before]);
        let after = line.get(at + run).copied().unwrap_or('\n');
        let inside = |beside: char| c == '_' && beside.is_alphanumeric();
        let mut left = run;
        if !before.is_whitespace() && !inside(after) {
            while let Some(mark) = self.closes(c, left) {
                left -= MARKS[mark].1;
            }
        }
        if !after.is_whitespace() && !inside(before) {
            while let Some(mark) = (0..MARKS.len()).find(|mark| MARKS[*mark].0 == c && MARKS[*mark].1 <= left) {
                self.push_open(mark);
                left -= MARKS[mark].1;
            }
        }
        self.text.extend(std::iter::repeat_n(c, left));
        run
    }

    /// Closes the mark of a character that was opened last, if there is one of at most so many.
    fn closes(&mut self, c: char, most: usize) -> Option<usize> {
        let fits = |mark: &usize| MARKS[*mark].0 == c && MARKS[*mark].1 <= most;
        let mark = (0..MARKS.len()).filter(fits).max_by_key(|mark| self.open[*mark])?;
        let opened = self.open[mark]?;
        self.flush();
        if self.pieces.len() == opened + 1 {
            return None;
        }
        self.drop_behind(opened);
        self.open[mark] = None;
        self.pieces.push(Piece::Close);
        Some(mark)
    }

    /// The end of a label: a link, if an address in parentheses follows.
    fn close_bracket(&mut self, line: &[char], at: usize) -> usize {
        let Some(opened) = self.open[BRACKET].take() else { return 0 };
        self.flush();
        let found = link::in_parentheses(line, at + 1).filter(|_| self.pieces.len() > opened + 1);
        let Some((address, end)) = found else {
            self.drop_mark(opened);
            return 0;
        };
        self.drop_behind(opened);
        let label = inert(tree(self.pieces.split_off(opened + 1)));
        self.pieces.pop();
        let reveal = link::reveal(&plain(&label), &address);
        self.pieces.push(Piece::Span(Span::Link(Link { target: address.target, spans: label, reveal })));
        end - at
    }

    /// `<https://…>`
    fn bracketed(&mut self, line: &[char], at: usize) -> usize {
        let end = link::end(line, at + 1);
        if end == at + 1 || line.get(end) != Some(&'>') {
            return 0;
        }
        let typed: String = line[at + 1..end].iter().collect();
        let Some(address) = link::address(&typed) else { return 0 };
        self.push_address(typed, address);
        end + 1 - at
    }

    /// An address that stands as it is. What only begins like one is text, all of it.
    fn address(&mut self, line: &[char], at: usize) -> usize {
        let end = link::trimmed(line, at, link::end(line, at));
        let typed: String = line[at..end].iter().collect();
        match link::address(&typed) {
            Some(address) => self.push_address(typed, address),
            None => self.text.push_str(&typed),
        }
        end - at
    }

    fn push_address(&mut self, typed: String, address: link::Address) {
        let shown = if address.honest { typed } else { address.target.clone() };
        self.push(Span::Link(Link { target: address.target, spans: vec![Span::Text(shown)], reveal: None }));
    }

    fn mention(&mut self, line: &[char], at: usize, begin: usize) -> usize {
        let Some(&(user_id, length)) = self.inline.mentions.get(&(begin + at)) else { return 0 };
        let Some(text) = line.get(at..at + length).filter(|text| text.len() > 1) else { return 0 };
        self.push(Span::Mention { user_id, text: text.iter().collect() });
        length
    }
}

/// Where runs of backticks begin, by their length.
fn closing_ticks(line: &[char]) -> HashMap<usize, Vec<usize>> {
    let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut at = 0;
    while at < line.len() {
        let ticks = line[at..].iter().take_while(|c| **c == '`').count();
        if ticks > 0 {
            runs.entry(ticks).or_default().push(at);
        }
        at += ticks.max(1);
    }
    runs
}

/// Pieces as a tree. What opens closes: the others were dropped.
fn tree(pieces: Vec<Piece>) -> Vec<Span> {
    let mut outer: Vec<(usize, Vec<Span>)> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Span(span) => add(&mut spans, span),
            Piece::Open(mark) => outer.push((mark, std::mem::take(&mut spans))),
            Piece::Close => {
                if let Some((mark, before)) = outer.pop() {
                    let inside = std::mem::replace(&mut spans, before);
                    spans.push(MARKS[mark].2(inside));
                }
            }
        }
    }
    spans
}

/// Neighbouring texts are one.
fn add(spans: &mut Vec<Span>, span: Span) {
    match (spans.last_mut(), span) {
        (Some(Span::Text(last)), Span::Text(text)) => last.push_str(&text),
        (_, span) => spans.push(span),
    }
}

/// The spans of a label, in which nothing else can be opened.
fn inert(spans: Vec<Span>) -> Vec<Span> {
    let mut all = Vec::new();
    for span in spans {
        let span = match span {
            Span::Link(link) => Span::Text(plain(&link.spans)),
            Span::Mention { text, .. } => Span::Text(text),
            Span::Bold(spans) => Span::Bold(inert(spans)),
            Span::Italic(spans) => Span::Italic(inert(spans)),
            Span::Strike(spans) => Span::Strike(inert(spans)),
            Span::Spoiler(spans) => Span::Spoiler(inert(spans)),
            Span::Text(_) | Span::Code(_) => span,
        };
        add(&mut all, span);
    }
    all
}

/// The letters of some spans.
fn plain(spans: &[Span]) -> String {
    let text = |span: &Span| match span {
        Span::Text(text) | Span::Code(text) | Span::Mention { text, .. } => text.clone(),
        Span::Bold(spans) | Span::Italic(spans) | Span::Strike(spans) | Span::Spoiler(spans) => plain(spans),
        Span::Link(link) => plain(&link.spans),
    };
    spans.iter().map(text).collect()
}
