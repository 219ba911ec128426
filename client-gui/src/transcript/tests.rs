//! What is told of a run of messages: heads, days, and the line above what is new.

use rookery_api::v1::SystemLine;

use super::*;

const NOON: i64 = 1_772_625_600;
const ME: i64 = 1;
const ADA: i64 = 2;

fn said(id: i64, author_id: i64, seconds: i64) -> Arc<Message> {
    let created_at = Some(prost_types::Timestamp { seconds: NOON + seconds, nanos: 0 });
    Arc::new(Message { id, author_id, created_at, text: "x".into(), ..Message::default() })
}

fn draw(messages: &[Arc<Message>], read_position: i64) -> Vec<String> {
    let reader = Reader { user_id: ME, new_above: Some(read_position), zone: TimeZone::UTC };
    lines(messages.iter(), &[], false, &reader)
        .into_iter()
        .map(|line| match line.what {
            What::Beginning => "beginning".to_owned(),
            What::Day(day) => format!("day {}", day.day()),
            What::New => "new".to_owned(),
            What::System(message) => format!("system {}", message.id),
            What::Message { message, head, .. } => format!("{}{}", if head { "head " } else { "" }, message.id),
            What::Pending { .. } => "pending".to_owned(),
        })
        .collect()
}

#[test]
fn one_author_within_seven_minutes_is_one_group() {
    let messages = [said(1, ADA, 0), said(2, ADA, 420), said(3, ADA, 841), said(4, ME, 842), said(5, ME, 843)];
    assert_eq!(draw(&messages, 5), ["day 4", "head 1", "2", "head 3", "head 4", "5"]);
}

#[test]
fn a_reply_a_system_line_and_a_new_day_begin_a_group() {
    let reply = Arc::new(Message { reply_to: 1, ..(*said(2, ADA, 1)).clone() });
    let renamed = SystemLine { kind: SystemKind::Renamed.into(), ..SystemLine::default() };
    let system = Arc::new(Message { system: Some(renamed), ..(*said(3, ADA, 2)).clone() });
    let messages = [said(1, ADA, 0), reply, system, said(4, ADA, 3), said(5, ADA, 12 * 3600)];
    assert_eq!(draw(&messages, 9), ["day 4", "head 1", "head 2", "system 3", "head 4", "day 5", "head 5"]);
}

#[test]
fn the_new_line_stands_before_the_first_unread_message_of_somebody_else() {
    let messages = [said(1, ADA, 0), said(2, ME, 1), said(3, ADA, 2), said(4, ADA, 3)];
    assert_eq!(draw(&messages, 1), ["day 4", "head 1", "head 2", "new", "head 3", "4"]);
    assert_eq!(draw(&messages, 4).iter().filter(|line| *line == "new").count(), 0);
}

#[test]
fn who_left_silently_is_not_drawn() {
    let left = SystemLine { kind: SystemKind::LeftSilently.into(), ..SystemLine::default() };
    let silent = Arc::new(Message { system: Some(left), ..(*said(2, ADA, 1)).clone() });
    assert_eq!(draw(&[said(1, ADA, 0), silent, said(3, ADA, 2)], 9), ["day 4", "head 1", "3"]);
}
