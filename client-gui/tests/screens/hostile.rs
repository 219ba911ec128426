//! Texts that were made to be hard to draw (G06).

use std::time::{Duration, Instant};

use rookery::theme::Mode;

use crate::window::Window;
use crate::world::{self, ADA, GROUP, said};
use crate::{look, picture};

/// What drawing a window with the text may take at most: ten times what is promised, since machines are shared.
const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn no_text_holds_the_window_up() {
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    let texts = [
        ("joined", family.repeat(8192 / family.len())),
        ("chain", "👩\u{200d}".repeat(8192 / 7)),
        ("marks", format!("a{}", "\u{301}".repeat(3999))),
        ("zalgo", "a\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(660)),
        ("word", "m".repeat(4000)),
        ("lines", "a\n".repeat(2000)),
        ("separators", "a\u{2028}b\u{2029}".repeat(1000)),
        ("overrides", "\u{202e}abc\u{202d}def\u{2066}".repeat(440)),
        ("arabic", "السلام عليكم ".repeat(300)),
        ("thai", "สวัสดีชาวโลก".repeat(330)),
        ("cjk", "漢字仮名交じり文".repeat(500)),
        ("flags", "🇩🇪🇫🇷".repeat(1000)),
        ("spaces", "a\u{3000}\u{200b}\t".repeat(1000)),
        ("markup", "**_~~`".repeat(660)),
        ("links", "https://a.example/b ".repeat(200)),
    ];
    for (name, text) in &texts {
        let mut window = Window::new("hostile");
        window.click("Bird watching");
        window.tell(world::opened(GROUP, vec![said(GROUP, 1, ADA, -5, text)]));
        let mut took = [Duration::ZERO; 2];
        for took in &mut took {
            let begun = Instant::now();
            let mut ui = look(window.state.view(Mode::Dark));
            ui.snapshot(&Mode::Dark.theme()).unwrap();
            *took = begun.elapsed();
        }
        println!("{name}: {took:?}");
        assert!(took.iter().all(|took| *took < LIMIT), "{name}: {took:?}");
        picture(&mut look(window.state.view(Mode::Dark)), &format!("hostile-{name}"), Mode::Dark);
    }
}
