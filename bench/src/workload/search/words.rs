//! Messages as people write them, made of nothing but a number, so that each run has the same: common words often, rare ones
//! rarely (Zipf's law over 20,000 words), one message in twenty in Chinese characters, one in fifty with a link.

use crate::world::name_of as person;

/// A small generator: the same numbers for the same start, on any machine.
pub struct Chance(u64);

impl Chance {
    pub fn new(start: u64) -> Self {
        let mut chance = Self(start.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).unwrap_or(0)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A rank below `count`, by Zipf's law, flattened for the first `flat`.
    fn rank(&mut self, count: usize, flat: f64) -> usize {
        let rank = flat * ((count as f64 / flat + 1.0).powf(self.share()) - 1.0);
        (rank as usize).min(count - 1)
    }

    /// Where a message goes: one in eleven to the global room (the number behind the last group), the rest to groups, more to
    /// the first.
    pub fn room(&mut self, groups: usize) -> usize {
        if self.below(11) == 0 { groups } else { self.rank(groups, 30.0) }
    }
}

const EVERYDAY: &str = "the of and to a in is you that it he was for on are as with his they I at be this have from or one had \
    by word but not what all were we when your can said there use an each which she do how their if will up other about out many \
    then them these so some her would make like him into time has look two more write go see number no way could people my than \
    first water been call who oil its now find long down day did get come made may part";
const CONSONANTS: [&str; 20] =
    ["b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "ch", "pl"];
const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ou", "ee"];
const HAN: usize = 2500;

/// The words of all messages, the most common first.
pub struct Words {
    words: Vec<String>,
}

impl Words {
    pub fn new() -> Self {
        let mut words: Vec<String> = EVERYDAY.split_whitespace().map(str::to_owned).collect();
        let mut chance = Chance::new(7);
        while words.len() < 20_000 {
            let syllables = 1 + (words.len() > 200) as usize + chance.below(3);
            let mut word = String::new();
            for _ in 0..syllables {
                word.push_str(CONSONANTS[chance.below(CONSONANTS.len())]);
                word.push_str(VOWELS[chance.below(VOWELS.len())]);
            }
            word.push_str(["", "n", "r", "s", "ing", "ed"][chance.below(6)]);
            words.push(word);
        }
        Self { words }
    }

    fn is_han(number: usize) -> bool {
        Chance::new(number as u64 ^ 0xabcd).below(20) == 0
    }

    /// The text of a message.
    pub fn text(&self, number: usize) -> String {
        let mut chance = Chance::new(number as u64 ^ 0x0001_0000_0000);
        if Self::is_han(number) {
            let length = 8 + chance.below(30);
            let han = |_| char::from_u32(0x4e00 + chance.rank(HAN, 20.0) as u32).unwrap_or('一');
            return (0..length).map(han).collect();
        }
        let count = 3 + chance.rank(40, 8.0);
        let mut text = String::new();
        for place in 0..count {
            if place > 0 {
                text.push_str(if chance.below(12) == 0 { ", " } else { " " });
            }
            text.push_str(&self.words[chance.rank(self.words.len(), 3.0)]);
        }
        if chance.below(50) == 0 {
            text.push_str(" https://example.org/");
            text.push_str(&self.words[chance.below(self.words.len())]);
        }
        text
    }

    /// A query of a sort.
    pub fn query(&self, sort: &str, number: usize) -> String {
        let mut chance = Chance::new(number as u64 ^ 0x0002_0000_0000);
        let common = self.words[10 + chance.below(90)].clone();
        let part = |word: &str, from: usize, length: usize| word.chars().skip(from).take(length).collect::<String>();
        match sort {
            "rare word" => self.words[10_000 + chance.below(10_000)].clone(),
            "phrase" => {
                let texts = (number * 1000..).map(|number| self.text(number));
                let long = texts.map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>());
                let words = long.into_iter().find(|words| words.len() > 6).unwrap_or_default();
                format!("\"{}\"", words[2..5].join(" "))
            }
            "part of 3" => part(&self.words[200 + chance.below(2000)], 1, 3),
            "2 letters" => part(&self.words[200 + chance.below(2000)], 0, 2),
            "1 letter" => part(&self.words[200 + chance.below(2000)], 0, 1),
            "CJK" => {
                let text = (number * 777..).find(|number| Self::is_han(*number)).map(|number| self.text(number));
                part(&text.unwrap_or_default(), 3, 2)
            }
            "from: and a word" => format!("from:{} {common}", person(number % 16)),
            "days and a word" => format!("{common} after:2020-01-01 before:2100-01-01"),
            "has:link alone" => "has:link".into(),
            _ => common,
        }
    }
}
