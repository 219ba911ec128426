//! Whether somebody is at the device. Every movement of the pointer counts, and none of them wakes the program: the
//! listener only notes the time, unless the user had been away.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use iced::{Event, Subscription, event, keyboard, mouse, window};

/// Idle after this long while the server has not said its own time.
const USUAL: Duration = Duration::from_secs(600);

static LAST_INPUT: AtomicU64 = AtomicU64::new(0);
static AWAY: AtomicBool = AtomicBool::new(false);

/// Tells when the user comes back; produces nothing while she is there.
pub fn returns() -> Subscription<()> {
    event::listen_with(|event, _, _| {
        let input = matches!(
            event,
            Event::Keyboard(keyboard::Event::KeyPressed { .. })
                | Event::Mouse(mouse::Event::CursorMoved { .. } | mouse::Event::ButtonPressed(_))
                | Event::Mouse(mouse::Event::WheelScrolled { .. })
                | Event::Window(window::Event::Focused)
        );
        if !input {
            return None;
        }
        LAST_INPUT.store(seconds(), Ordering::Relaxed);
        AWAY.swap(false, Ordering::Relaxed).then_some(())
    })
}

/// Whether the user has just gone away; true once.
pub fn has_left(idle_after: Option<Duration>) -> bool {
    let silent = seconds().saturating_sub(LAST_INPUT.load(Ordering::Relaxed));
    let idle = silent >= idle_after.filter(|time| !time.is_zero()).unwrap_or(USUAL).as_secs();
    idle && !AWAY.swap(true, Ordering::Relaxed)
}

fn seconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs()
}
