//! The cache of files on a real disk.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Cache, Found};
use crate::media::part::Part;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn add(cache: &mut Cache, folder: &Path, key: &str, size: usize, seconds: u64) {
    let part = Part::beside(&folder.join(key), "part");
    fs::write(&part.path, vec![b'x'; size]).unwrap();
    cache.add(key, size as u64, part, at(seconds)).unwrap();
}

fn keys(cache: &Cache) -> Vec<&str> {
    let mut keys: Vec<_> = cache.entries.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn sum(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn the_least_recently_used_goes_first_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open(folder.path().to_owned(), 100);
    for (seconds, key) in ["a", "b", "c"].into_iter().enumerate() {
        add(&mut cache, folder.path(), key, 30, seconds as u64);
    }
    assert!(cache.find("a", at(10)).is_some());
    let mut cache = Cache::open(folder.path().to_owned(), 100);
    add(&mut cache, folder.path(), "d", 30, 11);
    assert_eq!(keys(&cache), ["a", "c", "d"]);
    add(&mut cache, folder.path(), "e", 70, 12);
    assert_eq!((keys(&cache), sum(folder.path())), (vec!["d", "e"], 100));
    // A smaller limit holds at once.
    let cache = Cache::open(folder.path().to_owned(), 80);
    assert_eq!((keys(&cache), cache.total, sum(folder.path())), (vec!["e"], 70, 70));
}

#[test]
fn what_is_larger_than_the_cache_is_not_kept_and_drives_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open(folder.path().to_owned(), 100);
    add(&mut cache, folder.path(), "a", 30, 1);
    add(&mut cache, folder.path(), "big", 101, 2);
    assert_eq!((keys(&cache), sum(folder.path())), (vec!["a"], 30));
}

#[test]
fn a_file_that_is_not_whole_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open(folder.path().to_owned(), 100);
    for key in ["a", "b", "c.thumbnail"] {
        add(&mut cache, folder.path(), key, 30, 1);
    }
    let path = folder.path().join("a.30");
    assert_eq!(cache.find("a", at(2)), Some(Found { path: path.clone(), size: 30 }));
    fs::write(&path, "short").unwrap();
    assert_eq!(cache.find("a", at(3)), None);
    assert_eq!((path.exists(), cache.total), (false, 60));
    // The same for what a crash left, found at the start.
    fs::write(folder.path().join("b.30"), "short").unwrap();
    fs::write(folder.path().join(".x.part"), "begun").unwrap();
    let cache = Cache::open(folder.path().to_owned(), 100);
    assert_eq!((keys(&cache), sum(folder.path())), (vec!["c.thumbnail"], 30));
}

#[test]
fn the_same_file_again_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open(folder.path().to_owned(), 100);
    add(&mut cache, folder.path(), "a", 30, 1);
    add(&mut cache, folder.path(), "a", 40, 2);
    assert_eq!((cache.total, sum(folder.path())), (40, 40));
    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(cache.find("a", at(3)), None);
}
