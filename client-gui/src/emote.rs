//! Emotes: those that the program's own font can draw, how one finds them, and which ones somebody uses.

pub mod catalogue;
pub mod completion;
pub mod habit;
pub mod search;

pub use catalogue::Emote;
pub use habit::{Habits, Tone};
