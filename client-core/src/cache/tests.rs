//! The cache on a real disk.

use std::{path::Path, sync::Arc};

use rookery_api::v1::{Conversation, Message, Reaction, User};

use super::{Batch, Cache, CachedPage, Change, Kept};
use crate::{profile::Session, update::RestoredConversation};

fn open(folder: &Path) -> Cache {
    open_as(folder, "h", 1, 200, 10_000)
}

fn open_as(folder: &Path, history_id: &str, user_id: i64, per_conversation: usize, total: usize) -> Cache {
    let session =
        Session { server: String::new(), history_id: history_id.to_owned(), user_id, user_name: String::new() };
    Cache::open(folder, &session, per_conversation, total)
}

fn message(conversation_id: i64, id: i64, changed: i64) -> Arc<Message> {
    Arc::new(Message { conversation_id, id, changed, text: format!("{id}/{changed}"), ..Message::default() })
}

fn messages(ids: impl IntoIterator<Item = i64>) -> Vec<Arc<Message>> {
    ids.into_iter().map(|id| message(1, id, id)).collect()
}

fn conversation(id: i64, cursor: i64) -> RestoredConversation {
    let conversation = Conversation { id, name: format!("chat {id}"), position: cursor, ..Conversation::default() };
    RestoredConversation { conversation, cursor: Some(cursor) }
}

fn write(cache: &mut Cache, cursor: i64, changes: impl IntoIterator<Item = Change>) {
    let changes = changes.into_iter().collect();
    cache.write(&Batch { changes, conversations: vec![conversation(1, cursor)], ..Batch::default() });
}

fn newest(ids: impl IntoIterator<Item = i64>, from: i64, cursor: i64) -> Change {
    Change::Newest { conversation_id: 1, messages: messages(ids), from, cursor }
}

fn ids(page: Option<CachedPage>) -> Option<(Vec<i64>, bool)> {
    page.map(|page| (page.messages.iter().map(|message| message.id).collect(), page.more_before))
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let user = Arc::new(User { id: 4, name: "ada".to_owned(), ..User::default() });
    let changes = vec![newest([5, 6], 0, 6), Change::Message(message(1, 7, 7))];
    let conversations = vec![conversation(1, 7)];
    let batch =
        Batch { changes, conversations: conversations.clone(), users: vec![user.clone()], blocked: Some(vec![5, 9]) };
    open(folder.path()).write(&batch);
    let mut cache = open(folder.path());
    assert_eq!(cache.restore(), Kept { conversations, users: vec![User::clone(&user)], blocked: vec![5, 9] });
    cache.write(&Batch::default());
    assert_eq!(cache.restore().blocked, [5, 9]);
    cache.write(&Batch { blocked: Some(vec![9]), ..Batch::default() });
    assert_eq!(cache.restore().blocked, [9]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![5, 6, 7], false)));
    assert_eq!(ids(cache.newest(1, 2)), Some((vec![6, 7], true)));
    assert_eq!(ids(cache.before(1, 6, 50)), Some((vec![5], false)));
}

#[test]
fn a_conversation_without_messages_has_no_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 9, []);
    assert_eq!(cache.restore().conversations[0].cursor, None);
    assert_eq!(cache.newest(1, 50), None);
}

#[test]
fn an_empty_conversation_is_known_to_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 4, [newest([], 0, 4)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![], false)));
    assert_eq!(cache.restore().conversations[0].cursor, Some(4));
}

#[test]
fn an_answer_begins_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    // A send whose answer was lost is repeated after the next start: others have written since, before the cursor.
    write(&mut cache, 9, [Change::Answer(message(1, 7, 7))]);
    assert_eq!(cache.newest(1, 50), None);
    assert_eq!(cache.restore().conversations[0].cursor, None);
    write(&mut cache, 10, [newest([10], 0, 10), Change::Answer(message(1, 12, 12))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![10, 12], false)));
}

#[test]
fn a_change_of_a_message_that_is_not_here_is_none_of_its_business() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    // An edit of something old starts no run; a new message does.
    write(&mut cache, 9, [Change::Message(message(1, 3, 8)), Change::Message(message(1, 9, 9))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![9], true)));
    write(&mut cache, 10, [Change::Message(message(1, 4, 10))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![9], true)));
    assert_eq!(ids(cache.before(1, 9, 50)), None);
}

#[test]
fn the_higher_version_of_a_message_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 8, [newest([5], 0, 5), Change::Message(message(1, 5, 8)), newest([5], 0, 8)]);
    assert_eq!(cache.newest(1, 50).unwrap().messages[0].text, "5/8");
}

#[test]
fn a_page_behind_the_cursor_leaves_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 6, [newest([5, 6], 5, 6)]);
    write(&mut cache, 6, [newest([20, 21], 20, 6)]);
    // What comes by the stream between them is not wanted any more.
    write(&mut cache, 7, [Change::Message(message(1, 7, 7))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![20, 21], true)));
}

#[test]
fn older_pages_join_only_where_they_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 12, [newest([11, 12], 11, 12)]);
    let before =
        |ids: Vec<i64>, from, before| Change::Before { conversation_id: 1, messages: messages(ids), from, before };
    write(&mut cache, 12, [before(vec![3, 4], 3, 5)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![11, 12], true)));
    write(&mut cache, 12, [before(vec![8, 9], 8, 11), before(vec![1, 5], 0, 8)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![1, 5, 8, 9, 11, 12], false)));
}

#[test]
fn reset_and_removal_throw_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 6, [newest([5, 6], 0, 6)]);
    write(&mut cache, 90, [Change::Reset(1)]);
    assert_eq!((cache.newest(1, 50), cache.restore().conversations[0].cursor), (None, None));
    cache.write(&Batch { changes: vec![Change::Removed(1)], ..Batch::default() });
    assert!(cache.restore().conversations.is_empty());
}

#[test]
fn who_left_and_is_back_within_one_batch_has_it_as_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 2, [newest([1, 2], 0, 2)]);
    write(&mut cache, 4, [Change::Removed(1), Change::Message(message(1, 4, 4))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![4], true)));
    // What changes there since is not lost, nor does it stand beside what is newer.
    write(&mut cache, 6, [Change::Message(message(1, 4, 5)), Change::Message(message(1, 6, 6))]);
    let page = cache.newest(1, 50).unwrap();
    assert_eq!(page.messages.iter().map(|message| (message.id, message.changed)).collect::<Vec<_>>(), [(4, 5), (6, 6)]);
}

#[test]
fn a_conversation_keeps_only_its_newest() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open_as(folder.path(), "h", 1, 3, 10_000);
    write(&mut cache, 5, [newest(1..=5, 0, 5)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![3, 4, 5], true)));
}

#[test]
fn the_conversation_opened_longest_ago_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open_as(folder.path(), "h", 1, 10, 25);
    for id in 1..=3 {
        let messages = (1..=10).map(|number| message(id, number, number)).collect();
        let change = Change::Newest { conversation_id: id, messages, from: 0, cursor: 10 };
        cache.write(&Batch { changes: vec![change], conversations: vec![conversation(id, 10)], ..Batch::default() });
        if id == 1 {
            cache.newest(1, 50);
        }
    }
    cache.write(&Batch { changes: vec![Change::Reset(9), Change::Reset(9)], ..Batch::default() });
    assert!(cache.newest(1, 50).is_some());
    assert!(cache.newest(2, 50).is_none());
    assert!(cache.newest(3, 50).is_some());
}

#[test]
fn another_user_or_history_sees_nothing() {
    for (history_id, user_id) in [("h", 2), ("other", 1)] {
        let folder = tempfile::tempdir().unwrap();
        write(&mut open(folder.path()), 6, [newest([5, 6], 0, 6)]);
        let mut cache = open_as(folder.path(), history_id, user_id, 200, 10_000);
        assert!(cache.restore().conversations.is_empty());
        assert_eq!(cache.newest(1, 50), None);
    }
}

#[test]
fn a_damaged_or_newer_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cache.sqlite"), vec![b'x'; 8192]).unwrap();
    write(&mut open(folder.path()), 6, [newest([5, 6], 0, 6)]);
    assert!(folder.path().join("cache.sqlite.aside-1").exists());
    let newer = rusqlite::Connection::open(folder.path().join("cache.sqlite")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let mut cache = open(folder.path());
    assert!(cache.restore().conversations.is_empty());
    assert!(folder.path().join("cache.sqlite.aside-2").exists());
}

#[test]
fn damage_found_in_use_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 6, [newest([5, 6], 0, 6)]);
    cache.database.execute("update messages set content = x'ff'", []).unwrap();
    assert_eq!(cache.newest(1, 50), None);
    write(&mut cache, 6, [newest([5, 6], 0, 6)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![5, 6], false)));
}

#[test]
fn messages_that_could_not_be_written_leave_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    write(&mut cache, 6, [newest([5, 6], 0, 6)]);
    cache.database.pragma_update(None, "query_only", true).unwrap();
    write(&mut cache, 7, [Change::Message(message(1, 7, 7))]);
    assert_eq!(cache.newest(1, 50), None);
    cache.database.pragma_update(None, "query_only", false).unwrap();
    write(&mut cache, 8, [Change::Message(message(1, 8, 8))]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![8], true)));
}

#[test]
fn a_folder_that_cannot_be_written_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(&folder.path().join("missing"));
    write(&mut cache, 6, [newest([5, 6], 0, 6)]);
    assert_eq!(ids(cache.newest(1, 50)), Some((vec![5, 6], false)));
}

#[test]
fn what_is_open_about_ones_own_reaction_stays_as_it_was_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = open(folder.path());
    let reacted = |changed, mine| {
        let many = Reaction { emote: "x".to_owned(), count: 11, user_ids: (1..=10).collect(), mine };
        Arc::new(Message { reactions: vec![many], ..Message::clone(&message(1, 1, changed)) })
    };
    let mine = |cache: &mut Cache| cache.newest(1, 1).unwrap().messages[0].reactions[0].mine;
    write(&mut cache, 1, [newest([1], 0, 1)]);
    write(&mut cache, 2, [Change::Message(reacted(2, true))]);
    write(&mut cache, 3, [Change::OpenMessage(reacted(3, false))]);
    assert!(mine(&mut cache));
    write(&mut cache, 3, [Change::Mine { conversation_id: 1, message_id: 1, emote: "x".to_owned(), mine: false }]);
    write(&mut cache, 4, [Change::OpenMessage(reacted(4, false))]);
    assert!(!mine(&mut cache));
}
