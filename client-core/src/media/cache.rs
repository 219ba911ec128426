//! Files that were fetched, on the disk. Bounded; worth nothing that the server could not give again. A file's name ends
//! with its size, so that a broken one is known; when it was changed says when it was last used.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::part::Part;

/// What is there, and which of it goes first.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    limit: u64,
    entries: HashMap<String, Entry>,
    total: u64,
}

#[derive(Debug)]
struct Entry {
    size: u64,
    used_at: SystemTime,
}

/// A file in the cache.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub path: PathBuf,
    pub size: u64,
}

impl Cache {
    /// What the folder holds; whatever is not whole is removed.
    pub fn open(folder: PathBuf, limit: u64) -> Self {
        let mut cache = Self { folder, limit, entries: HashMap::new(), total: 0 };
        let files = fs::read_dir(&cache.folder).into_iter().flatten().flatten();
        for file in files {
            let path = file.path();
            match whole(&path) {
                Some((key, entry)) => {
                    cache.total += entry.size;
                    cache.entries.insert(key, entry);
                }
                // A folder is none of ours, and stays.
                None => drop(fs::remove_file(path)),
            }
        }
        cache.shrink(0);
        cache
    }

    /// A file, if it is there; it has been used now.
    pub fn find(&mut self, key: &str, now: SystemTime) -> Option<Found> {
        let entry = self.entries.get_mut(key)?;
        let (path, size) = (place(&self.folder, key, entry.size), entry.size);
        entry.used_at = now;
        if fs::metadata(&path).is_ok_and(|file| file.len() == size) {
            touch(&path, now);
            return Some(Found { path, size });
        }
        self.forget(key);
        None
    }

    /// Takes over a file that was written, if there is room for it at all.
    pub fn add(&mut self, key: &str, size: u64, part: Part, now: SystemTime) -> io::Result<()> {
        self.forget(key);
        if size > self.limit {
            return Ok(());
        }
        self.shrink(size);
        touch(&part.path, now);
        part.put(&place(&self.folder, key, size))?;
        self.entries.insert(key.to_owned(), Entry { size, used_at: now });
        self.total += size;
        Ok(())
    }

    pub fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.total -= entry.size;
            // One that is gone already needs no removing.
            let _ = fs::remove_file(place(&self.folder, key, entry.size));
        }
    }

    /// Lets the least recently used go until so many bytes more are within the limit.
    fn shrink(&mut self, room: u64) {
        if self.total + room <= self.limit {
            return;
        }
        let mut oldest: Vec<_> = self.entries.iter().map(|(key, entry)| (entry.used_at, key.clone())).collect();
        oldest.sort_unstable();
        for (_, key) in oldest {
            if self.total + room <= self.limit {
                return;
            }
            self.forget(&key);
        }
    }
}

fn place(folder: &Path, key: &str, size: u64) -> PathBuf {
    folder.join(format!("{key}.{size}"))
}

/// What a file is, if it is as long as its name says.
fn whole(path: &Path) -> Option<(String, Entry)> {
    let (key, size) = path.file_name()?.to_str()?.rsplit_once('.')?;
    let (size, file) = (size.parse().ok()?, fs::metadata(path).ok()?);
    let entry = Entry { size, used_at: file.modified().ok()? };
    (file.is_file() && file.len() == size).then(|| (key.to_owned(), entry))
}

fn touch(path: &Path, now: SystemTime) {
    // It only says what goes first.
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(now));
}

#[cfg(test)]
mod tests;
