//! Which frame of a moving picture is shown, and when the next one is due.

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

    /// Goes on to the frame of this moment; tells when the next one is due. `frames` is not empty.
    pub fn advance(&mut self, frames: &[Frame], now: Instant) -> Instant {
        self.frame %= frames.len();
        let due = self.due.unwrap_or(now + frames[self.frame].delay);
        let due = if now < due { due } else { self.step(frames, due, now) };
        *self.due.insert(due)
    }

    /// Stays where it is.
    pub fn stop(&mut self) {
        self.due = None;
    }

    fn step(&mut self, frames: &[Frame], due: Instant, now: Instant) -> Instant {
        self.frame = (self.frame + 1) % frames.len();
        let delay = frames[self.frame].delay.max(SHORTEST);
        // What was missed is not made up for: a machine that is too slow shows it slower.
        let next = due + delay;
        if next > now { next } else { now + delay }
    }
}

/// No picture makes the window draw more often than this.
const SHORTEST: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;
    use crate::picture::Picture;

    #[test]
    fn frames_follow_each_other_in_their_time() {
        let delay = |milliseconds| Duration::from_millis(milliseconds);
        let frames = [100, 50, 0].map(|shown| (RgbaImage::new(1, 1), delay(shown)));
        let picture = Picture::moving(frames.into()).unwrap();
        let mut reel = Reel::default();
        let start = Instant::now();
        let mut shown = Vec::new();
        for at in [0, 60, 100, 120, 155, 180, 200] {
            let due = reel.advance(picture.frames(), start + delay(at));
            shown.push((reel.frame(), (due - start).as_millis()));
        }
        assert_eq!(shown, [(0, 100), (0, 100), (1, 150), (1, 150), (2, 170), (0, 270), (0, 270)]);
        reel.stop();
        let due = reel.advance(picture.frames(), start + delay(5_000));
        assert_eq!((reel.frame(), (due - start).as_millis()), (0, 5_100), "it goes on from where it stood");
    }
}
