//! Counts SQLite's commits from outside, in its write-ahead log: each commit ends with a frame that says how large the
//! database is. Nothing in the server has to count for it.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// A thread that reads the log while it is written. The log starts again now and then; what was written in the last
/// moment before that is not seen, so that the count is low by a few commits in a thousand.
pub struct Commits {
    count: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Commits {
    pub fn watch(log: PathBuf) -> Self {
        let (count, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, stopping) = (count.clone(), stop.clone());
        thread::spawn(move || {
            let mut place = Place::default();
            while !stopping.load(Ordering::Relaxed) {
                // There is none before the first write.
                let _ = place.read_on(&log, &counter);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { count, stop }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Place {
    log: Option<File>,
    /// Changed when the log starts again.
    salts: [u8; 8],
    frame: u64,
}

impl Place {
    fn read_on(&mut self, path: &Path, count: &AtomicU64) -> std::io::Result<()> {
        let log = match self.log.take() {
            Some(log) => log,
            None => File::open(path)?,
        };
        let mut header = [0; LOG_HEADER as usize];
        let read = log.read_exact_at(&mut header, 0);
        let log = self.log.insert(log);
        read?;
        let page = u64::from(u32::from_be_bytes([header[8], header[9], header[10], header[11]]));
        if header[16..24] != self.salts {
            self.salts.copy_from_slice(&header[16..24]);
            self.frame = 0;
        }
        loop {
            let mut frame = [0; FRAME_HEADER as usize];
            log.read_exact_at(&mut frame, LOG_HEADER + self.frame * (FRAME_HEADER + page))?;
            if frame[8..16] != self.salts {
                return Ok(());
            }
            if frame[4..8] != [0; 4] {
                count.fetch_add(1, Ordering::Relaxed);
            }
            self.frame += 1;
        }
    }
}
