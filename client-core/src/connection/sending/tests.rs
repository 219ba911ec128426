//! The rules of the outbox, with a clock of their own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{Sending, Verdict};
use crate::{
    api::{Code, Error},
    outbox::{Pending, PendingStatus},
};

fn pending(conversation_id: i64, request_id: &str) -> Arc<Pending> {
    Arc::new(Pending {
        request_id: request_id.to_owned(),
        conversation_id,
        text: String::new(),
        reply_to: 0,
        attachments: Vec::new(),
        written_at: SystemTime::UNIX_EPOCH,
        status: PendingStatus::Sending,
    })
}

fn error(code: Code, retry_after: Option<u64>) -> Error {
    let retry_after = retry_after.map(Duration::from_secs);
    Error { code, reason: None, message: String::new(), fields: Vec::new(), retry_after }
}

fn due(sending: &mut Sending, now: Instant) -> Vec<String> {
    let mut ids: Vec<_> = sending.due(now).iter().map(|pending| pending.request_id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn one_at_a_time_in_each_conversation_in_order() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    for (conversation_id, request_id) in [(1, "a"), (1, "b"), (2, "c")] {
        sending.push(pending(conversation_id, request_id));
    }
    assert_eq!(due(&mut sending, now), ["a", "c"]);
    assert!(due(&mut sending, now).is_empty());
    assert!(sending.remove("a"));
    assert_eq!(due(&mut sending, now), ["b"]);
}

#[test]
fn a_no_lets_the_next_one_go() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    let first = pending(1, "a");
    sending.push(first.clone());
    sending.push(pending(1, "b"));
    sending.due(now);
    let verdict = sending.failed(&first, &error(Code::PermissionDenied, None), now, 1.0);
    assert_eq!(verdict, Verdict::Refused(first));
    assert_eq!(due(&mut sending, now), ["b"]);
}

#[test]
fn a_maybe_repeats_the_same_one_after_a_growing_wait() {
    let (mut sending, mut now) = (Sending::default(), Instant::now());
    let first = pending(1, "a");
    sending.push(first.clone());
    sending.push(pending(1, "b"));
    for wait in [500, 1000, 2000] {
        assert_eq!(due(&mut sending, now), ["a"]);
        assert_eq!(sending.failed(&first, &error(Code::Unavailable, None), now, 1.0), Verdict::Again);
        assert_eq!(sending.next_due(), Some(now + Duration::from_millis(wait)));
        assert!(due(&mut sending, now).is_empty());
        now += Duration::from_millis(wait);
    }
}

#[test]
fn a_new_connection_ends_a_guessed_wait_and_keeps_a_told_one() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    for (id, retry_after) in [("guessed", None), ("told", Some(5))] {
        let waiting = pending(id.len() as i64, id);
        sending.push(waiting.clone());
        sending.due(now);
        sending.failed(
            &waiting,
            &error(if retry_after.is_some() { Code::ResourceExhausted } else { Code::Aborted }, retry_after),
            now,
            1.0,
        );
    }
    sending.hurry();
    assert_eq!(due(&mut sending, now), ["guessed"]);
    assert_eq!(due(&mut sending, now + Duration::from_secs(5)), ["told"]);
}

#[test]
fn a_session_that_ended_refuses_no_message() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    let first = pending(1, "a");
    sending.push(first.clone());
    sending.due(now);
    assert_eq!(sending.failed(&first, &error(Code::Unauthenticated, None), now, 1.0), Verdict::Again);
}

#[test]
fn an_answer_after_the_event_changes_nothing() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    let first = pending(1, "a");
    sending.push(first.clone());
    sending.push(pending(1, "b"));
    sending.due(now);
    assert!(sending.remove("a"));
    assert_eq!(due(&mut sending, now), ["b"]);
    assert_eq!(sending.failed(&first, &error(Code::Unavailable, None), now, 1.0), Verdict::Unknown);
    assert!(due(&mut sending, now).is_empty());
}

#[test]
fn a_step_further_is_due_at_once_and_changes_what_is_sent() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    let first = pending(1, "a");
    sending.push(first.clone());
    sending.push(pending(1, "b"));
    sending.due(now);
    assert!(sending.is_on_its_way(&first));
    sending.step(Arc::new(Pending { text: "with media".to_owned(), ..Pending::clone(&first) }));
    let due = sending.due(now);
    assert_eq!((due.len(), due[0].text.as_str()), (1, "with media"));
    // What is over is over.
    assert!(sending.remove("a"));
    sending.step(first.clone());
    assert!(!sending.is_on_its_way(&first));
    assert_eq!(sending.due(now)[0].request_id, "b");
}

#[test]
fn files_are_put_on_the_server_a_second_time_and_no_third() {
    let (mut sending, now) = (Sending::default(), Instant::now());
    let (first, second) = (pending(1, "a"), pending(1, "b"));
    sending.push(first.clone());
    sending.push(second.clone());
    sending.due(now);
    assert!(!sending.may_renew(&second), "it is not its turn");
    assert!(sending.may_renew(&first));
    assert!(!sending.may_renew(&first));
    sending.failed(&first, &error(Code::NotFound, None), now, 1.0);
    sending.due(now);
    assert!(sending.may_renew(&second));
}
