//! What a message's text looks like: marks, links, mentions and code as a tree to draw. Pure; never any HTML. Any text is a valid
//! one, whatever its marks: what makes no sense as a mark is text. Takes time in proportion to its length, and the tree is never
//! deeper than a handful of quotes and one of each mark. client-web/src/text does the same; tests/texts holds both to it, and the
//! server tells code from text by the same rules when it looks for mentions (server/src/domain/mention.rs).

mod block;
mod inline;
mod link;

use rookery_api::v1::Mention;

/// A part of a text with lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Lines as they were written; their breaks are in the text.
    Paragraph(Vec<Span>),
    /// Code, to be drawn letter by letter; in which language, if it was said.
    Code {
        /// As it was written; empty where it was not.
        language: String,
        /// The code.
        text: String,
    },
    /// What somebody else said.
    Quote(Vec<Block>),
    /// A list.
    List(Vec<Item>),
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// How far it is indented: 0 to 3, at most one more than the line before.
    pub level: u8,
    /// Its number; none: it has a dot.
    pub number: Option<u32>,
    /// What it says.
    pub spans: Vec<Span>,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// As it is, line breaks too.
    Text(String),
    /// `**bold**`
    Bold(Vec<Span>),
    /// `*italic*`
    Italic(Vec<Span>),
    /// `~~struck~~`
    Strike(Vec<Span>),
    /// `||hidden until it is asked for||`
    Spoiler(Vec<Span>),
    /// Code in a line.
    Code(String),
    /// Something to open.
    Link(Link),
    /// Somebody's name, to be drawn as she is called by now.
    Mention {
        /// Who; 0 for everyone.
        user_id: i64,
        /// As it was written, with its `@`.
        text: String,
    },
}

/// Something to open, outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it really leads, in full: http, https or mailto, ASCII alone.
    pub target: String,
    /// What to draw. No links and no mentions in it.
    pub spans: Vec<Span>,
    /// The host or the person that it really leads to, where `spans` look like another address: to be drawn behind them.
    pub reveal: Option<String>,
}

/// A text as a tree, with the mentions that the server found in it. One that does not fit the text is ignored.
pub fn parse(text: &str, mentions: &[Mention]) -> Vec<Block> {
    block::parse(&text.chars().collect::<Vec<_>>(), mentions)
}
