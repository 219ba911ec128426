//! What texts look like: one table for every client, tests/texts/*.json (README.md says how to read it), and what holds for any
//! text at all.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, time::Instant};

use rookery_client::{
    text::{Block, Item, Link, Span, parse},
    v1::Mention,
};
use serde_json::{Value, json};

#[test]
fn every_text_looks_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    let (mut run, mut wrong) = (0, String::new());
    for file in files {
        let cases: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for case in cases {
            run += 1;
            let list = case["mentions"].as_array().cloned().unwrap_or_default();
            let mentions: Vec<Mention> = list.iter().map(mention).collect();
            let found: Value = parse(case["text"].as_str().unwrap(), &mentions).iter().map(block).collect();
            if found != case["blocks"] {
                let name = format!("{}: {}", file.file_stem().unwrap().to_string_lossy(), case["name"]);
                wrong += &format!("\n{name}\n   found {found}\nexpected {}\n", case["blocks"]);
            }
        }
    }
    assert!(run >= 70, "only {run} texts were found");
    assert!(wrong.is_empty(), "{wrong}");
}

fn mention(value: &Value) -> Mention {
    let part = |n: usize| value[n].as_i64().unwrap();
    Mention { user_id: part(0), start: part(1).try_into().unwrap(), length: part(2).try_into().unwrap() }
}

fn block(block: &Block) -> Value {
    match block {
        Block::Paragraph(spans) => json!({ "p": all(spans) }),
        Block::Code { language, text } => json!({ "code": text, "language": language }),
        Block::Quote(blocks) => json!({ "quote": blocks.iter().map(self::block).collect::<Value>() }),
        Block::List(items) => {
            let item = |Item { level, number, spans }: &Item| json!([level, number, all(spans)]);
            json!({ "list": items.iter().map(item).collect::<Value>() })
        }
    }
}

fn all(spans: &[Span]) -> Value {
    spans.iter().map(span).collect()
}

fn span(span: &Span) -> Value {
    match span {
        Span::Text(text) => json!(text),
        Span::Bold(spans) => json!({ "b": all(spans) }),
        Span::Italic(spans) => json!({ "i": all(spans) }),
        Span::Strike(spans) => json!({ "s": all(spans) }),
        Span::Spoiler(spans) => json!({ "spoiler": all(spans) }),
        Span::Code(text) => json!({ "code": text }),
        Span::Link(Link { target, spans, reveal: None }) => json!({ "link": target, "label": all(spans) }),
        Span::Link(Link { target, spans, reveal }) => json!({ "link": target, "label": all(spans), "reveal": reveal }),
        Span::Mention { user_id, text } => json!({ "mention": user_id, "text": text }),
    }
}

/// How deep a tree goes, and that its links lead where links may.
fn depth_of_blocks(blocks: &[Block]) -> usize {
    let depth = |block: &Block| match block {
        Block::Paragraph(spans) => 1 + depth_of_spans(spans),
        Block::Code { .. } => 1,
        Block::Quote(blocks) => 1 + depth_of_blocks(blocks),
        Block::List(items) => 1 + items.iter().map(|item| depth_of_spans(&item.spans)).max().unwrap_or(0),
    };
    blocks.iter().map(depth).max().unwrap_or(0)
}

fn depth_of_spans(spans: &[Span]) -> usize {
    let depth = |span: &Span| match span {
        Span::Text(text) => {
            assert!(!text.is_empty());
            1
        }
        Span::Code(_) | Span::Mention { .. } => 1,
        Span::Bold(spans) | Span::Italic(spans) | Span::Strike(spans) | Span::Spoiler(spans) => {
            assert!(!spans.is_empty());
            1 + depth_of_spans(spans)
        }
        Span::Link(link) => {
            assert!(link.target.is_ascii() && !link.spans.is_empty());
            assert!(["http://", "https://", "mailto:"].iter().any(|scheme| link.target.starts_with(scheme)));
            1 + depth_of_spans(&link.spans)
        }
    };
    assert!(!spans.windows(2).any(|pair| matches!(pair, [Span::Text(_), Span::Text(_)])), "two texts that are one");
    spans.iter().map(depth).max().unwrap_or(0)
}

/// The letters that are drawn, but for what the tree adds by itself: numbers of lists, addresses shown in full.
fn letters(blocks: &[Block], out: &mut Vec<char>) {
    fn of(spans: &[Span], out: &mut Vec<char>) {
        for span in spans {
            match span {
                Span::Text(text) | Span::Code(text) | Span::Mention { text, .. } => out.extend(text.chars()),
                Span::Bold(spans) | Span::Italic(spans) | Span::Strike(spans) | Span::Spoiler(spans) => of(spans, out),
                Span::Link(link) => of(&link.spans, out),
            }
        }
    }
    for block in blocks {
        match block {
            Block::Paragraph(spans) => of(spans, out),
            Block::Code { language, text } => out.extend(language.chars().chain(text.chars())),
            Block::Quote(blocks) => letters(blocks, out),
            Block::List(items) => items.iter().for_each(|item| of(&item.spans, out)),
        }
    }
}

/// A number that is another each time, and the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

const PARTS: [&str; 44] = [
    "*",
    "**",
    "_",
    "__",
    "~~",
    "||",
    "`",
    "``",
    "```",
    "[",
    "]",
    "(",
    ")",
    "](",
    "<",
    ">",
    "> ",
    "- ",
    "1. ",
    "\n",
    "\n\n",
    "\n> ",
    "\n```",
    "\r\n",
    " ",
    "  ",
    "a",
    "B",
    "é",
    "漢",
    "🙂",
    "\\",
    "@",
    "@ada",
    "https://x.org",
    "http://",
    "mailto:a@b",
    "https://аpple.com/",
    "!",
    ".",
    "\t",
    "\u{202e}",
    "\0",
    "www.bank.com",
];

#[test]
fn any_text_is_a_tree_of_bounded_depth_that_shows_what_was_written() {
    let mut chance = Chance(20_261_126);
    for _ in 0..10_000 {
        let text: String = (0..chance.below(40)).map(|_| PARTS[chance.below(PARTS.len())]).collect();
        let length = text.chars().count();
        let mentions: Vec<Mention> = (0..chance.below(4))
            .map(|_| Mention {
                user_id: 1,
                start: i32::try_from(chance.below(length + 2)).unwrap() - 1,
                length: i32::try_from(chance.below(6)).unwrap(),
            })
            .collect();
        let blocks = parse(&text, &mentions);
        assert!(depth_of_blocks(&blocks) <= 4 + 1 + 6 + 2, "{text:?}");
        let mut shown = Vec::new();
        letters(&blocks, &mut shown);
        // What is drawn stands in the text, in this order, but for addresses that are shown as what they are.
        let mut rest = text.chars();
        let in_order = shown.iter().all(|c| rest.any(|other| other == *c));
        assert!(in_order || text.contains("://") || text.contains("mailto:"), "{text:?}\n{blocks:?}");
    }
}

#[test]
fn the_worst_texts_take_no_longer_than_others() {
    let limit = 10 * if cfg!(debug_assertions) { 10 } else { 1 };
    let repeated = |part: &str| part.repeat(16 * 1024 / part.len());
    let mut worst: Vec<String> = PARTS.iter().map(|part| repeated(part)).collect();
    for first in ["**", "_", "||", "[", "`", "> ", "- ", "(", "<", "https://x.org/(", "\\"] {
        worst.extend(PARTS.iter().map(|second| repeated(&format!("{first}{second}"))));
        worst.extend(PARTS.iter().map(|second| repeated(&format!("{first}a {second}"))));
    }
    worst.push((1..180).map(|n| format!("{} ", "`".repeat(n))).collect());
    worst.push(format!("{}{}", "*a **b ".repeat(1200), "*".repeat(8000)));
    worst.push(repeated("[a](https://x.org"));
    worst.push(repeated("[a](https://x.org/(((("));
    worst.push(format!("https://{}", "é".repeat(8000)));
    worst.push(format!("https://x.org/{}", ")".repeat(16_000)));
    worst.push(repeated(&format!("https://{}.org ", "é".repeat(240))));
    worst.push(repeated(&format!("[{}](https://x.org) ", "é.aa ".repeat(30))));
    let mentions: Vec<Mention> = (0..50).map(|start| Mention { user_id: 1, start, length: 4 }).collect();
    for text in &worst {
        let took = || {
            let begin = Instant::now();
            let blocks = parse(text, &mentions);
            let took = begin.elapsed().as_millis();
            assert!(depth_of_blocks(&blocks) <= 13);
            took
        };
        // One of five: the machine has other things to do.
        let start: String = text.chars().take(40).collect();
        assert!((0..5).any(|_| took() <= limit), "{} ms for {start:?}…", took());
    }
}
