//! All emotes by group and by name. Those that are newer than the embedded font are left out: it would draw boxes.

use std::collections::HashMap;
use std::sync::OnceLock;

pub use emojis::Group;
use emojis::UnicodeVersion;

/// One of them; without a skin tone of its own.
pub type Emote = &'static emojis::Emoji;

/// The newest that the embedded font draws. A test draws them all.
const NEWEST: UnicodeVersion = UnicodeVersion::new(15, 0);

/// An emote, and what it is found by.
#[derive(Debug)]
pub struct Entry {
    /// The emote.
    pub emote: Emote,
    /// Its name between colons: the usual one, or the one that its description makes.
    pub code: String,
    /// All its names in lower case: the codes, and the description.
    pub names: Vec<String>,
}

/// Every emote there is, in the order in which they are shown.
#[must_use]
pub fn all() -> &'static [Entry] {
    static ALL: OnceLock<Vec<Entry>> = OnceLock::new();
    ALL.get_or_init(|| emojis::iter().filter(|emote| is_drawn(emote)).map(entry).collect())
}

/// Whether the embedded font has it.
#[must_use]
pub fn is_drawn(emote: &emojis::Emoji) -> bool {
    emote.unicode_version() <= NEWEST
}

/// The entry of an emote that somebody used, whatever its skin tone.
#[must_use]
pub fn find(text: &str) -> Option<&'static Entry> {
    static PLACES: OnceLock<HashMap<&'static str, usize>> = OnceLock::new();
    let places =
        PLACES.get_or_init(|| all().iter().enumerate().map(|(place, entry)| (entry.emote.as_str(), place)).collect());
    let emote = emojis::get(text)?;
    let plain = emote.with_skin_tone(emojis::SkinTone::Default).unwrap_or(emote);
    places.get(plain.as_str()).map(|place| &all()[*place])
}

/// The emote with this name between colons.
#[must_use]
pub fn by_code(code: &str) -> Option<Emote> {
    static CODES: OnceLock<HashMap<&'static str, Emote>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let usual = all().iter().flat_map(|entry| entry.emote.shortcodes().map(move |code| (code, entry.emote)));
        let made = all().iter().map(|entry| (entry.code.as_str(), entry.emote));
        // The usual ones count where both are the same.
        made.chain(usual).collect()
    });
    codes.get(code.to_ascii_lowercase().as_str()).copied()
}

/// What a group is called.
#[must_use]
pub fn title(group: Group) -> &'static str {
    match group {
        Group::SmileysAndEmotion => "Smileys",
        Group::PeopleAndBody => "People",
        Group::AnimalsAndNature => "Animals and nature",
        Group::FoodAndDrink => "Food and drink",
        Group::TravelAndPlaces => "Travel and places",
        Group::Activities => "Activities",
        Group::Objects => "Objects",
        Group::Symbols => "Symbols",
        Group::Flags => "Flags",
    }
}

fn entry(emote: Emote) -> Entry {
    let made = code_of(emote.name());
    let code = emote.shortcode().map_or_else(|| made.clone(), str::to_owned);
    let mut names: Vec<String> = emote.shortcodes().map(str::to_owned).collect();
    names.push(emote.name().to_lowercase());
    if !names.contains(&made) {
        names.push(made);
    }
    Entry { emote, code, names }
}

/// A description as a name between colons.
fn code_of(name: &str) -> String {
    let mut code = String::with_capacity(name.len());
    for letter in name.to_lowercase().chars().filter(|letter| !matches!(letter, '\'' | '’' | '.' | '“' | '”')) {
        match letter {
            letter if letter.is_ascii_alphanumeric() => code.push(letter),
            _ if !code.is_empty() && !code.ends_with('_') => code.push('_'),
            _ => {}
        }
    }
    code.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests;
