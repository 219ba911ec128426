//! Room on the disk. When it is nearly used up nothing new is kept, so that what is there can still be read, and what takes
//! something away still be written.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Error, Result};

/// How often the disk is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Whether there is room.
#[derive(Debug)]
pub struct Space {
    folder: PathBuf,
    /// In bytes; 0: it is not looked at.
    least: u64,
    full: AtomicBool,
}

impl Space {
    /// Looks at the disk that a folder is on.
    pub fn new(folder: &Path, least: u64) -> Arc<Self> {
        let space = Self { folder: folder.to_owned(), least, full: AtomicBool::new(false) };
        space.look();
        Arc::new(space)
    }

    /// Says no when there is no room for anything new.
    pub fn check(&self) -> Result<()> {
        if self.full.load(Relaxed) { Err(Error::StorageFull) } else { Ok(()) }
    }

    fn look(&self) {
        let disk = match rustix::fs::statvfs(&self.folder) {
            Ok(disk) => disk,
            Err(error) => return tracing::warn!(%error, "the disk's room cannot be looked at"),
        };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let full = free < self.least;
        if self.full.swap(full, Relaxed) != full {
            if full {
                tracing::warn!(free, "the disk is nearly full: nothing new is kept");
            } else {
                tracing::warn!(free, "there is room on the disk again");
            }
        }
    }

    /// Looks every few seconds, for ever.
    pub async fn watch(self: Arc<Self>) {
        if self.least > 0 {
            loop {
                tokio::time::sleep(EVERY).await;
                self.look();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_disk_with_less_than_the_least_is_full() {
        let full = |least| Space::new(Path::new("/"), least).check().is_err();
        assert_eq!([full(0), full(1), full(u64::MAX)], [false, false, true]);
        // What cannot be looked at is not in the way.
        assert!(Space::new(Path::new("/no such folder"), u64::MAX).check().is_ok());
    }
}
