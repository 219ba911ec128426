//! The fonts inside the program. Text looks the same on every machine; system fonts only fill in scripts that these
//! do not have.

use std::sync::Arc;

use iced::advanced::graphics::text::cosmic_text::{Fallback, FontSystem, PlatformFallback, fontdb};
use iced::advanced::graphics::text::font_system;
use unicode_script::Script;

const EMBEDDED: [&[u8]; 6] = [
    include_bytes!("../fonts/Inter-Regular.ttf"),
    include_bytes!("../fonts/Inter-Italic.ttf"),
    include_bytes!("../fonts/Inter-SemiBold.ttf"),
    include_bytes!("../fonts/Inter-Bold.ttf"),
    include_bytes!("../fonts/Twemoji.ttf"),
    include_bytes!("../fonts/Lucide.ttf"),
];

/// Where glyphs may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The program's own fonts, then those of the system.
    System,
    /// The program's own fonts alone, so that a picture is the same everywhere.
    Embedded,
}

/// Makes iced draw with these fonts. Call it before the first text is laid out.
pub fn install(source: Source) {
    let Ok(mut system) = font_system().write() else {
        // Another thread panicked while it held the fonts: iced itself cannot go on then.
        return;
    };
    let raw = system.raw();
    // iced's own icons (check marks) are in the database already: keep what comes from memory.
    let mut database = raw.db().clone();
    if source == Source::Embedded {
        let files: Vec<_> = database
            .faces()
            .filter(|face| !matches!(face.source, fontdb::Source::Binary(_)))
            .map(|face| face.id)
            .collect();
        for file in files {
            database.remove_face(file);
        }
    }
    for font in EMBEDDED {
        database.load_font_source(fontdb::Source::Binary(Arc::new(font)));
    }
    database.set_sans_serif_family("Inter");
    let locale = raw.locale().to_owned();
    *raw = FontSystem::new_with_locale_and_db_and_fallback(locale, database, Order::new());
}

/// Our emoji come before any system font: by default a machine's own text font draws them, without colour.
struct Order {
    common: Vec<&'static str>,
}

impl Order {
    fn new() -> Self {
        let own = ["Inter", "Twemoji Mozilla"];
        let common = own.into_iter().chain(PlatformFallback.common_fallback().iter().copied());
        Self { common: common.collect() }
    }
}

impl Fallback for Order {
    fn common_fallback(&self) -> &[&'static str] {
        &self.common
    }

    fn forbidden_fallback(&self) -> &[&'static str] {
        PlatformFallback.forbidden_fallback()
    }

    fn script_fallback(&self, script: Script, locale: &str) -> &[&'static str] {
        PlatformFallback.script_fallback(script, locale)
    }
}
