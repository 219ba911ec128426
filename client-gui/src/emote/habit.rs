//! Which emotes and GIFs somebody uses, and how she likes them. Kept with the window's settings.

use serde::{Deserialize, Serialize};

use super::catalogue::{self, Emote};
use crate::gif;

/// So many are remembered.
const MOST: usize = 36;
/// What one use is worth when it happens.
const USE: u32 = 16_384;
/// What is left of it after each use of another: an emote of last week's habit gives way to this week's, and none needs a
/// clock for it.
const FADE: (u32, u32) = (19, 20);

/// The colour of hands and faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Yellow.
    #[default]
    Plain,
    /// 🏻
    Light,
    /// 🏼
    MediumLight,
    /// 🏽
    Medium,
    /// 🏾
    MediumDark,
    /// 🏿
    Dark,
}

impl Tone {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Plain, Self::Light, Self::MediumLight, Self::Medium, Self::MediumDark, Self::Dark];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "No skin tone",
            Self::Light => "Light skin",
            Self::MediumLight => "Medium-light skin",
            Self::Medium => "Medium skin",
            Self::MediumDark => "Medium-dark skin",
            Self::Dark => "Dark skin",
        }
    }

    /// An emote in this colour, if it has any.
    #[must_use]
    pub fn of(self, emote: Emote) -> &'static str {
        let tone = match self {
            Self::Plain => emojis::SkinTone::Default,
            Self::Light => emojis::SkinTone::Light,
            Self::MediumLight => emojis::SkinTone::MediumLight,
            Self::Medium => emojis::SkinTone::Medium,
            Self::MediumDark => emojis::SkinTone::MediumDark,
            Self::Dark => emojis::SkinTone::Dark,
        };
        emote.with_skin_tone(tone).filter(|toned| catalogue::is_drawn(toned)).unwrap_or(emote).as_str()
    }
}

/// How often and how lately an emote was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    emote: String,
    weight: u32,
}

/// The habits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Habits {
    // The most used first.
    pub(super) used: Vec<Used>,
    /// The colour of hands and faces.
    pub tone: Tone,
    /// Whether :) becomes 🙂 while one writes.
    pub emoticons: bool,
    /// The GIFs that were sent last.
    pub gifs: gif::Recent,
}

impl Default for Habits {
    fn default() -> Self {
        Self { used: Vec::new(), tone: Tone::Plain, emoticons: true, gifs: gif::Recent::default() }
    }
}

impl Habits {
    /// One was used.
    pub fn note(&mut self, emote: &str) {
        let Some(entry) = catalogue::find(emote) else {
            return;
        };
        for used in &mut self.used {
            used.weight = used.weight / FADE.1 * FADE.0;
        }
        let emote = entry.emote.as_str();
        match self.used.iter_mut().find(|used| used.emote == emote) {
            Some(used) => used.weight += USE,
            None => self.used.push(Used { emote: emote.to_owned(), weight: USE }),
        }
        self.used.sort_by_key(|used| std::cmp::Reverse(used.weight));
        if self.used.len() > MOST {
            // Not the newest one, which could not grow otherwise.
            let weakest = self.used.iter().rposition(|used| used.emote != emote);
            weakest.map(|place| self.used.remove(place));
        }
    }

    /// How much one is used; 0 for never.
    #[must_use]
    pub fn weight(&self, emote: Emote) -> u32 {
        self.used.iter().find(|used| used.emote == emote.as_str()).map_or(0, |used| used.weight)
    }

    /// Those in use, the most used first.
    pub fn frequent(&self) -> impl Iterator<Item = Emote> {
        self.used.iter().filter_map(|used| catalogue::find(&used.emote)).map(|entry| entry.emote)
    }

    /// What is offered at once: those in use, filled up with what most people use, in the user's skin tone.
    #[must_use]
    pub fn quick<const N: usize>(&self, usual: &[&'static str; N]) -> Vec<&'static str> {
        let usual = usual.iter().filter_map(|emote| catalogue::find(emote)).map(|entry| entry.emote);
        let mut quick = Vec::with_capacity(N);
        for emote in self.frequent().chain(usual) {
            let emote = self.tone.of(emote);
            if quick.len() < N && !quick.contains(&emote) {
                quick.push(emote);
            }
        }
        quick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequent(habits: &Habits) -> Vec<&str> {
        habits.frequent().map(|emote| emote.as_str()).collect()
    }

    #[test]
    fn often_counts_and_lately_counts_more_in_the_end() {
        let mut habits = Habits::default();
        for _ in 0..10 {
            habits.note("😀");
        }
        habits.note("🎉");
        assert_eq!(frequent(&habits), ["😀", "🎉"]);
        for _ in 0..30 {
            habits.note("🎉");
        }
        assert_eq!(frequent(&habits), ["🎉", "😀"]);
    }

    #[test]
    fn a_new_one_finds_room_among_many_and_skin_tones_are_one() {
        let mut habits = Habits::default();
        for entry in catalogue::all().iter().take(MOST + 5) {
            habits.note(entry.emote.as_str());
            habits.note(entry.emote.as_str());
        }
        habits.note("🦔");
        assert!(frequent(&habits).contains(&"🦔"));
        assert_eq!(habits.frequent().count(), MOST);
        let mut habits = Habits::default();
        habits.note("👍🏿");
        habits.note("👍");
        habits.note("not one");
        assert_eq!(frequent(&habits), ["👍"]);
    }

    #[test]
    fn the_quick_ones_are_ones_own_first_and_never_double() {
        let mut habits = Habits { tone: Tone::Medium, ..Habits::default() };
        habits.note("🦔");
        habits.note("👍");
        assert_eq!(habits.quick(&["👍", "❤️", "😂"]), ["👍🏽", "🦔", "❤️"]);
        assert_eq!(Habits::default().quick(&["👍", "❤️", "😂"]), ["👍", "❤️", "😂"]);
    }

    #[test]
    fn they_survive_the_disk_and_an_older_file() {
        let mut habits = Habits { tone: Tone::MediumDark, emoticons: false, ..Habits::default() };
        habits.note("🎉");
        let text = serde_json::to_string(&habits).unwrap();
        assert_eq!(serde_json::from_str::<Habits>(&text).unwrap(), habits);
        assert_eq!(serde_json::from_str::<Habits>("{}").unwrap(), Habits::default());
    }
}
