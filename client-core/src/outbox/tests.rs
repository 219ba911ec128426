//! The outbox on a real disk.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rookery_api::v1;

use super::{Attachment, Folder, Outbox, Packing, Pending, PendingAttachment, PendingStatus, Source};
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

/// The outbox of a client that knew no files.
const VERSION_1: &str = "
create table pending (
    number integer primary key autoincrement,
    history_id text not null,
    user_id integer not null,
    request_id text not null unique,
    conversation_id integer not null,
    text text not null,
    reply_to integer not null,
    written_at integer not null,
    failed text
);
insert into pending (history_id, user_id, request_id, conversation_id, text, reply_to, written_at, failed)
values ('h', 1, 'b', 1, 'first', 7, 1700000000123, null), ('h', 1, 'a', 1, 'second', 0, 1700000000124, 'too long');
pragma user_version = 1;";

#[test]
fn messages_from_before_there_were_files_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("outbox.sqlite")).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    drop(old);
    for _ in 0..2 {
        let mut outbox = open(folder.path(), &session("h", 1));
        let waiting = list(&outbox);
        let seen: Vec<_> = waiting.iter().map(|pending| (pending.text.as_str(), pending.status.clone())).collect();
        let failed = PendingStatus::Failed("too long".to_owned());
        assert_eq!(seen, [("first", PendingStatus::Sending), ("second", failed)]);
        assert_eq!((waiting[0].reply_to, waiting[0].attachments.len()), (7, 0));
        outbox.put(&waiting[0]).unwrap();
    }
    let database = rusqlite::Connection::open(folder.path().join("outbox.sqlite")).unwrap();
    assert_eq!(database.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 2);
}

fn gif() -> v1::Gif {
    v1::Gif { id: "builtin/rook".to_owned(), title: "A rook".to_owned(), width: 4, height: 3, ..v1::Gif::default() }
}

fn limits(attachments: i32, file_bytes: i64) -> v1::ServerLimits {
    v1::ServerLimits { attachments, file_bytes, ..v1::ServerLimits::default() }
}

fn pack(profile: &Path, request_id: &str, new: Vec<Attachment>, limits: &v1::ServerLimits) -> Pending {
    let packing = Packing { pending: pending(request_id, PendingStatus::Sending), new, replaces: None };
    folder_of(profile).pack(packing, limits)
}

fn file(folder: &Path, name: &str, content: &str) -> Attachment {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    Attachment::File(path)
}

fn copies(profile: &Path) -> usize {
    std::fs::read_dir(profile.join("outbox")).map_or(0, Iterator::count)
}

fn content(attachment: &PendingAttachment) -> String {
    let Source::File(path) = &attachment.source else { panic!("{attachment:?} is no file") };
    std::fs::read_to_string(path).unwrap()
}

fn why(pending: &Pending) -> &str {
    let PendingStatus::Failed(why) = &pending.status else { panic!("{pending:?} has not failed") };
    why
}

#[test]
fn files_are_kept_with_their_message_and_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile");
    let mut outbox = open(&profile, &session("h", 1));
    assert!(outbox.put(&pending("a", PendingStatus::Sending)).is_err(), "there is no folder yet");
    std::fs::create_dir(&profile).unwrap();
    let mut outbox = open(&profile, &session("h", 1));
    let bytes = Attachment::Bytes { name: "paste.png".to_owned(), bytes: b"pasted".to_vec() };
    let new = vec![file(folder.path(), "a.txt", "hello"), bytes, Attachment::Gif(gif()), Attachment::Gif(gif())];
    let mut packed = pack(&profile, "a", new, &limits(10, 100));
    assert_eq!(packed.status, PendingStatus::Sending);
    std::fs::remove_file(folder.path().join("a.txt")).unwrap();
    outbox.put(&packed).unwrap();
    packed.attachments[0].media = Some(v1::Media { id: "m".to_owned(), size: 5, ..v1::Media::default() });
    outbox.put(&packed).unwrap();
    drop(outbox);

    // The profile may have been moved meanwhile.
    let moved = folder.path().join("moved");
    std::fs::rename(&profile, &moved).unwrap();
    let mut outbox = open(&moved, &session("h", 1));
    let kept = &list(&outbox)[0];
    let names: Vec<_> = kept.attachments.iter().map(|kept| (kept.name.as_str(), kept.size)).collect();
    assert_eq!(names, [("a.txt", 5), ("paste.png", 6), ("A rook", 0)]);
    assert_eq!((content(&kept.attachments[0]), content(&kept.attachments[1])), ("hello".into(), "pasted".into()));
    assert_eq!(kept.attachments[0].media, packed.attachments[0].media);
    assert_eq!((&kept.attachments[2].source, &kept.attachments[1].media), (&Source::Gif(gif()), &None));
    outbox.remove("a").unwrap();
    assert_eq!((list(&outbox).len(), copies(&moved)), (0, 0));
}

#[test]
fn a_message_that_takes_the_place_of_another_has_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path(), &session("h", 1));
    let old = pack(folder.path(), "old", vec![file(folder.path(), "a.txt", "hello")], &limits(0, 0));
    outbox.put(&old).unwrap();
    outbox.put(&Pending { request_id: "new".to_owned(), ..old }).unwrap();
    outbox.remove("old").unwrap();
    assert_eq!(content(&list(&outbox)[0].attachments[0]), "hello");
}

#[test]
fn what_cannot_be_sent_fails_at_once_and_touches_no_original() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path(), &session("h", 1));
    let three = || (0..3).map(|number| file(folder.path(), &format!("{number}.txt"), "hello")).collect::<Vec<_>>();
    let many = pack(folder.path(), "many", three(), &limits(2, 100));
    assert_eq!(why(&many), "A message can have at most 2 files.");
    let large = pack(folder.path(), "large", three(), &limits(10, 4));
    assert_eq!(why(&large), "0.txt is too large: a file can have at most 1 kB.");
    let empty = pack(folder.path(), "empty", vec![file(folder.path(), "x", "")], &limits(10, 100));
    assert_eq!(why(&empty), "x is empty.");
    let gone = pack(folder.path(), "gone", vec![Attachment::File(folder.path().join("gone"))], &limits(10, 100));
    assert!(why(&gone).starts_with("gone cannot be read"), "{gone:?}");
    let odd = pack(folder.path(), "odd", vec![Attachment::File(folder.path().to_owned())], &limits(10, 100));
    assert!(why(&odd).contains("is not a file"), "{odd:?}");
    // They are shown and can be tried again, also after a restart; to take them back removes nobody's files.
    outbox.put(&many).unwrap();
    assert_eq!(list(&outbox)[0], many);
    let packing = Packing { pending: many, new: Vec::new(), replaces: None };
    assert!(packing.has_work(&folder_of(folder.path())));
    let again = folder_of(folder.path()).pack(packing, &limits(10, 100));
    assert_eq!((content(&again.attachments[2]), copies(folder.path())), ("hello".into(), 4));
    outbox.remove("many").unwrap();
    assert!(folder.path().join("2.txt").exists());
}

#[test]
fn copies_without_a_message_are_swept_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(folder.path(), &session("h", 1));
    let kept = pack(folder.path(), "kept", vec![file(folder.path(), "a.txt", "hello")], &limits(0, 0));
    outbox.put(&kept).unwrap();
    drop(outbox);
    pack(folder.path(), "lost", vec![file(folder.path(), "b.txt", "bye")], &limits(0, 0));
    assert_eq!(copies(folder.path()), 2);
    // Whoever is signed in: what waits belongs to somebody.
    let mut outbox = open(folder.path(), &session("h", 2));
    assert_eq!(copies(folder.path()), 1);
    // And what was taken back before it was kept.
    let discarded = pack(folder.path(), "back", vec![file(folder.path(), "c.txt", "oh")], &limits(0, 0));
    outbox.discard(&discarded);
    outbox.discard(&kept);
    assert_eq!(copies(folder.path()), 1);
    outbox.begin("h", 1);
    assert_eq!(content(&list(&outbox)[0].attachments[0]), "hello");
}

#[test]
fn the_files_of_a_damaged_outbox_are_set_aside_with_it() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path(), "a", vec![file(folder.path(), "a.txt", "hello")], &limits(0, 0));
    std::fs::write(folder.path().join("outbox.sqlite"), vec![b'x'; 8192]).unwrap();
    assert!(open(folder.path(), &session("h", 1)).list().is_empty());
    assert_eq!(std::fs::read_dir(folder.path().join("outbox.aside-1")).unwrap().count(), 1);
}
