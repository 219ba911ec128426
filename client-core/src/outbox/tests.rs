//! The outbox on a real disk.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Folder, Outbox, Pending, PendingStatus};
use crate::{ambient::Ambient, profile::Session};

fn folder_of(profile: &Path) -> Folder {
    Folder::new(profile, Ambient::real().request_id)
}

fn open(profile: &Path, session: &Session) -> Outbox {
    Outbox::open(profile, folder_of(profile), session)
}

fn session(history_id: &str, user_id: i64) -> Session {
    Session { server: String::new(), history_id: history_id.to_owned(), user_id, user_name: String::new() }
}

fn pending(request_id: &str, status: PendingStatus) -> Pending {
    Pending {
        request_id: request_id.to_owned(),
        conversation_id: 1,
        text: "hello\n\u{1f44b}".to_owned(),
        reply_to: 7,
        attachments: Vec::new(),
        written_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        status,
    }
}

fn list(outbox: &Outbox) -> Vec<Pending> {
    outbox.list().iter().map(|pending| Pending::clone(pending)).collect()
}

#[test]
fn what_was_put_is_there_after_a_restart_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let first = pending("z", PendingStatus::Sending);
    let second = pending("a", PendingStatus::Failed("no".to_owned()));
    let mut outbox = open(folder.path(), &session("h", 1));
    outbox.put(&first).unwrap();
    outbox.put(&pending("gone", PendingStatus::Sending)).unwrap();
    outbox.put(&pending("a", PendingStatus::Sending)).unwrap();
    outbox.put(&second).unwrap();
    outbox.remove("gone").unwrap();
    drop(outbox);
    let outbox = open(folder.path(), &session("h", 1));
    assert_eq!(list(&outbox), [first, second]);
}

#[test]
fn each_history_and_user_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path(), &session("h", 1));
    outbox.put(&pending("a", PendingStatus::Sending)).unwrap();
    assert!(open(folder.path(), &session("h", 2)).list().is_empty());
    outbox.begin("other", 1);
    assert!(outbox.list().is_empty());
    outbox.begin("h", 1);
    assert_eq!(outbox.list().len(), 1);
}

#[test]
fn a_damaged_file_is_set_aside_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outbox.sqlite"), vec![b'x'; 8192]).unwrap();
    let mut outbox = open(folder.path(), &session("h", 1));
    outbox.put(&pending("a", PendingStatus::Sending)).unwrap();
    assert_eq!(outbox.list().len(), 1);
    assert_eq!(std::fs::read(folder.path().join("outbox.sqlite.aside-1")).unwrap(), vec![b'x'; 8192]);
}

#[test]
fn a_message_that_cannot_be_kept_is_an_error_not_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder.path().join("missing"), &session("h", 1));
    let error = outbox.put(&pending("a", PendingStatus::Sending)).unwrap_err();
    assert!(error.to_string().starts_with("It could not be saved on this device"), "{error}");
    assert!(outbox.list().is_empty());
}
