//! Which frame of a moving picture is shown, and when the next one is due.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::picture::Frame;

/// Where a picture stands.
#[derive(Debug, Default)]
pub struct Reel {
    frame: usize,
    due: Option<Instant>,
}

impl Reel {
    /// The frame to draw.
    pub fn frame(&self) -> usize {
        self.frame
    }

    /// Goes on to the frame of this moment; tells when to come again. `frames` is not empty.
    pub fn advance(&mut self, frames: &[Frame], now: Instant) -> Instant {
        static START: OnceLock<Instant> = OnceLock::new();
        on_beat(self.go_on(frames, now), *START.get_or_init(|| now))
    }

    /// Stays where it is.
    pub fn stop(&mut self) {
        self.due = None;
    }

    /// The moment of the next frame.
    fn go_on(&mut self, frames: &[Frame], now: Instant) -> Instant {
        self.frame %= frames.len();
        let mut due = self.due.unwrap_or(now + delay(&frames[self.frame]));
        // What was missed for long is not made up for: a machine that is too slow shows it slower.
        if now.saturating_duration_since(due) > PATIENCE {
            due = now;
        }
        while due <= now {
            self.frame = (self.frame + 1) % frames.len();
            due += delay(&frames[self.frame]);
        }
        *self.due.insert(due)
    }
}

fn delay(frame: &Frame) -> Duration {
    frame.delay.max(SHORTEST)
}

/// The next beat of all pictures: many that move are drawn together, not each one in a redraw of its own.
fn on_beat(due: Instant, start: Instant) -> Instant {
    let past = due.saturating_duration_since(start).as_micros();
    let beats = past.div_ceil(BEAT.as_micros());
    start + BEAT * u32::try_from(beats).unwrap_or(u32::MAX)
}

/// The window is drawn anew at most so often for pictures.
const BEAT: Duration = Duration::from_millis(40);
/// No frame is shorter.
const SHORTEST: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;
    use crate::picture::Picture;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn frames_follow_each_other_in_their_time() {
        let frames = [100, 50, 0].map(|shown| (RgbaImage::new(1, 1), at(shown)));
        let picture = Picture::moving(frames.into()).unwrap();
        let mut reel = Reel::default();
        let start = Instant::now();
        let mut shown = Vec::new();
        for now in [0, 60, 100, 120, 155, 180, 200] {
            let due = reel.go_on(picture.frames(), start + at(now));
            shown.push((reel.frame(), (due - start).as_millis()));
        }
        assert_eq!(shown, [(0, 100), (0, 100), (1, 150), (1, 150), (2, 170), (0, 270), (0, 270)]);
        reel.stop();
        let due = reel.go_on(picture.frames(), start + at(5_000));
        assert_eq!((reel.frame(), (due - start).as_millis()), (0, 5_100), "it goes on from where it stood");
    }

    #[test]
    fn a_picture_keeps_its_pace_on_a_beat_of_another() {
        let frames = (0..30).map(|_| (RgbaImage::new(1, 1), at(33))).collect();
        let picture = Picture::moving(frames).unwrap();
        let (mut reel, start) = (Reel::default(), Instant::now());
        let (mut now, mut redraws) = (start, 0);
        while now < start + at(990) {
            now = on_beat(reel.go_on(picture.frames(), now), start);
            redraws += 1;
        }
        reel.go_on(picture.frames(), start + at(991));
        assert_eq!(reel.frame(), 0, "all frames have passed");
        assert!(redraws <= 26, "{redraws}");
        reel.go_on(picture.frames(), start + at(60_000));
        assert_eq!(reel.frame(), 1, "a minute of sleep is not made up for");
    }
}
