//! A file that is being written: gone again unless it was finished and put in its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(super) struct Part {
    pub path: PathBuf,
    placed: bool,
}

impl Part {
    /// In the folder of what it is to become, so that it can be put there at once; `name` is nobody else's.
    pub fn beside(to: &Path, name: &str) -> Self {
        Self { path: to.with_file_name(format!(".{name}.part")), placed: false }
    }

    /// Puts it in its place; what was there is replaced.
    pub fn put(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            // It may never have been begun.
            let _ = fs::remove_file(&self.path);
        }
    }
}
