//! Lines that belong together: code, quotes, lists, and paragraphs of what is left.

use rookery_api::v1::Mention;

use super::{Block, Item, Span, inline::Inline};

/// How deep quotes go; what is deeper is text.
const QUOTES: usize = 4;
/// How far a line of a list is indented at most.
const LEVELS: usize = 3;

/// Where a line begins and ends.
type Line = (usize, usize);

pub(super) fn parse(chars: &[char], mentions: &[Mention]) -> Vec<Block> {
    let mut lines = Vec::new();
    let mut begin = 0;
    for end in (0..=chars.len()).filter(|at| chars.get(*at).is_none_or(|c| *c == '\n')) {
        // What some systems end their lines with is not shown.
        let shown = if end > begin && chars[end - 1] == '\r' { end - 1 } else { end };
        lines.push((begin, shown));
        begin = end + 1;
    }
    Parser { chars, inline: Inline::new(chars, mentions) }.blocks(&lines, 0)
}

struct Parser<'a> {
    chars: &'a [char],
    inline: Inline<'a>,
}

impl Parser<'_> {
    fn blocks(&self, lines: &[Line], depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut paragraph: Vec<Line> = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let (block, taken) = if let Some(language) = self.opens_code(lines[at]) {
                self.code(&lines[at..], language)
            } else if depth < QUOTES && self.quoted(lines[at]).is_some() {
                let quoted: Vec<Line> = lines[at..].iter().map_while(|line| self.quoted(*line)).collect();
                let taken = quoted.len();
                (Block::Quote(self.blocks(&quoted, depth + 1)), taken)
            } else if self.item(lines[at], 0).is_some() {
                self.list(&lines[at..])
            } else {
                paragraph.push(lines[at]);
                at += 1;
                continue;
            };
            blocks.extend(self.paragraph(&mut paragraph));
            blocks.push(block);
            at += taken;
        }
        blocks.extend(self.paragraph(&mut paragraph));
        blocks
    }

    /// Lines without a form of their own; empty ones at their ends are only the distance to others.
    fn paragraph(&self, lines: &mut Vec<Line>) -> Option<Block> {
        let lines = std::mem::take(lines);
        let filled = |line: &Line| self.of(*line).iter().any(|c| !c.is_whitespace());
        let first = lines.iter().position(filled)?;
        let last = lines.iter().rposition(filled)?;
        Some(Block::Paragraph(self.inline.spans(&lines[first..=last])))
    }

    fn of(&self, line: Line) -> &[char] {
        &self.chars[line.0..line.1]
    }

    /// A line without the mark of a quote; none if it has none.
    fn quoted(&self, (begin, end): Line) -> Option<Line> {
        let line = self.of((begin, end));
        let marked = line.first() == Some(&'>') && line.get(1).is_none_or(|c| c.is_whitespace());
        marked.then(|| ((begin + 2).min(end), end))
    }

    /// Where what follows the backticks begins, if a line opens a block of code: three or more, and none behind them.
    fn opens_code(&self, line: Line) -> Option<usize> {
        let chars = self.of(line);
        let blank = chars.iter().take_while(|c| c.is_whitespace()).count();
        let ticks = chars[blank..].iter().take_while(|c| **c == '`').count();
        let rest = blank + ticks;
        (ticks >= 3 && !chars[rest..].contains(&'`')).then_some(line.0 + rest)
    }

    /// A block of code, up to the line that ends with three backticks or to the end, and how many lines it takes.
    fn code(&self, lines: &[Line], info: usize) -> (Block, usize) {
        let info = trim(&self.chars[info..lines[0].1]);
        let is_language = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '.' | '_' | '-');
        let named = info.len() <= 32 && info.iter().all(is_language);
        let mut text: Vec<String> = if named { Vec::new() } else { vec![info.iter().collect()] };
        let mut taken = 1;
        for line in &lines[1..] {
            taken += 1;
            let line = self.of(*line);
            let trimmed = &line[..line.len() - line.iter().rev().take_while(|c| c.is_whitespace()).count()];
            let ticks = trimmed.iter().rev().take_while(|c| **c == '`').count();
            if ticks < 3 {
                text.push(line.iter().collect());
                continue;
            }
            let before = &trimmed[..trimmed.len() - ticks];
            if before.iter().any(|c| !c.is_whitespace()) {
                text.push(before.iter().collect());
            }
            break;
        }
        let language = if named { info.iter().collect() } else { String::new() };
        (Block::Code { language, text: text.join("\n") }, taken)
    }

    fn list(&self, lines: &[Line]) -> (Block, usize) {
        let mut items: Vec<Item> = Vec::new();
        for line in lines {
            let deepest = items.last().map_or(0, |last| usize::from(last.level) + 1);
            let Some((level, number, line)) = self.item(*line, deepest) else { break };
            let spans: Vec<Span> = self.inline.spans(&[line]);
            items.push(Item { level: u8::try_from(level).unwrap_or(0), number, spans });
        }
        let taken = items.len();
        (Block::List(items), taken)
    }

    /// The level, the number and the rest of a line of a list: a dash, a star, a plus or a number, then a blank and something.
    fn item(&self, line: Line, deepest: usize) -> Option<(usize, Option<u32>, Line)> {
        let chars = self.of(line);
        let blank = chars.iter().take_while(|c| matches!(c, ' ' | '\t')).count();
        let rest = &chars[blank..];
        let digits = rest.iter().take(9).take_while(|c| c.is_ascii_digit()).count();
        let (number, mark) = match rest.first()? {
            '-' | '*' | '+' => (None, 1),
            _ if digits > 0 && matches!(rest.get(digits), Some('.' | ')')) => {
                (rest[..digits].iter().collect::<String>().parse().ok(), digits + 1)
            }
            _ => return None,
        };
        let says = rest.get(mark..)?;
        let filled = says.first()?.is_whitespace() && says.iter().any(|c| !c.is_whitespace());
        let level = (blank / 2).min(LEVELS).min(deepest);
        filled.then(|| (level, number, (line.0 + blank + mark + 1, line.1)))
    }
}

fn trim(mut chars: &[char]) -> &[char] {
    while let [first, rest @ ..] = chars
        && first.is_whitespace()
    {
        chars = rest;
    }
    while let [rest @ .., last] = chars
        && last.is_whitespace()
    {
        chars = rest;
    }
    chars
}
