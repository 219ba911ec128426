use iced::advanced::graphics::text::cosmic_text::{Attrs, Buffer, Family, Metrics, Shaping};
use iced::advanced::graphics::text::font_system;

use super::*;
use crate::emote::Tone;
use crate::fonts;

/// Whether the embedded font has one picture for it.
fn has_picture(emote: &str) -> bool {
    let mut system = font_system().write().unwrap();
    let system = system.raw();
    let mut buffer = Buffer::new(system, Metrics::new(20.0, 20.0));
    buffer.set_text(system, emote, &Attrs::new().family(Family::Name("Twemoji Mozilla")), Shaping::Advanced, None);
    buffer.shape_until_scroll(system, false);
    let glyphs: Vec<_> = buffer.layout_runs().flat_map(|run| run.glyphs.to_vec()).collect();
    let twemoji = |id| system.db().face(id).is_some_and(|face| face.families[0].0 == "Twemoji Mozilla");
    let visible: Vec<_> = glyphs.iter().filter(|glyph| glyph.w > 0.0).collect();
    visible.len() == 1 && visible[0].glyph_id != 0 && twemoji(visible[0].font_id)
}

#[test]
fn the_embedded_font_draws_each_of_them_in_every_skin_tone() {
    fonts::install(fonts::Source::Embedded);
    let offered = |entry: &Entry| Tone::ALL.map(|tone| tone.of(entry.emote));
    let missing: Vec<&str> = all().iter().flat_map(offered).filter(|emote| !has_picture(emote)).collect();
    assert!(missing.is_empty(), "{} are not drawn: {missing:?}", missing.len());
    assert!(all().len() > 1_800, "{} are left", all().len());
    assert!(!has_picture("🫩"), "a newer one: the font has it by now, so raise NEWEST");
}

#[test]
fn each_has_a_name_between_colons_and_is_found_by_it() {
    for entry in all() {
        assert!(!entry.code.is_empty() && by_code(&entry.code).is_some(), "{entry:?}");
    }
    assert_eq!(by_code("smile").map(|emote| emote.as_str()), Some("😄"));
    assert_eq!(by_code("Heart").map(|emote| emote.as_str()), Some("❤️"));
    assert_eq!(by_code("+1").map(|emote| emote.as_str()), Some("👍"));
    assert_eq!(by_code("no such emote"), None);
}

#[test]
fn a_skin_tone_does_not_hide_which_one_it_is() {
    assert_eq!(find("👍🏽").map(|entry| entry.emote.as_str()), Some("👍"));
    assert_eq!(find("❤").map(|entry| entry.emote.as_str()), Some("❤️"));
    assert!(find("a").is_none());
}
