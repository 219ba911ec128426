//! The view stays where it is, whatever comes in above and below.

use super::*;

const VIEW: f32 = 100.0;

fn state(rows: &[(i64, f32)]) -> State {
    let mut state = State::new(1);
    state.height = VIEW;
    fill(&mut state, rows);
    state
}

fn fill(state: &mut State, rows: &[(i64, f32)]) {
    state.keys = rows.iter().map(|(id, _)| Key(*id, 1)).collect();
    let mut edge = 0.0;
    state.edges = rows
        .iter()
        .map(|(_, height)| {
            edge += height;
            edge
        })
        .collect();
    state.settle();
}

fn rows(ids: std::ops::Range<i64>) -> Vec<(i64, f32)> {
    ids.map(|id| (id, 20.0)).collect()
}

/// Where the upper edge of a row is drawn.
fn top(state: &State, id: i64) -> f32 {
    let index = state.keys.iter().position(|key| key.0 == id).unwrap();
    state.edges[index] - 20.0 - state.offset
}

#[test]
fn at_the_end_it_stays_at_the_end() {
    let mut state = state(&rows(1..21));
    assert!(state.place().at_end);
    fill(&mut state, &rows(1..31));
    assert!(state.place().at_end);
    assert_eq!(top(&state, 30), 80.0);
}

#[test]
fn what_is_looked_at_does_not_move_when_rows_come_and_go_on_either_side() {
    let mut state = state(&rows(100..150));
    state.scroll_to(300.0, true);
    let before = top(&state, 117);
    fill(&mut state, &rows(50..150));
    assert_eq!(top(&state, 117), before, "older ones came");
    fill(&mut state, &rows(50..130));
    assert_eq!(top(&state, 117), before, "newer ones went");
    fill(&mut state, &rows(50..200));
    assert_eq!(top(&state, 117), before, "newer ones came");
    fill(&mut state, &rows(110..200));
    assert_eq!(top(&state, 117), before, "older ones went");
    assert!(!state.place().at_end);
}

#[test]
fn few_rows_stand_at_the_bottom() {
    let state = state(&rows(1..3));
    assert_eq!(top(&state, 2), 80.0);
    assert!(state.thumb(Rectangle::with_size(Size::new(10.0, VIEW))).is_none());
}

#[test]
fn the_end_of_an_incomplete_list_does_not_hold_on() {
    let mut state = state(&rows(1..21));
    state.scroll_to(f32::MAX, false);
    let before = top(&state, 20);
    fill(&mut state, &rows(1..41));
    assert_eq!(top(&state, 20), before);
}

#[test]
fn a_command_waits_for_its_row() {
    let mut state = state(&rows(50..70));
    let command = Some(Command { turn: 1, target: Target::Row(Key(10, 1)) });
    state.obey(command, true);
    assert_eq!(state.turn, 0);
    fill(&mut state, &rows(0..30));
    state.obey(command, false);
    assert_eq!(state.turn, 1);
    assert!((20.0..60.0).contains(&top(&state, 10)));
    state.obey(Some(Command { turn: 2, target: Target::End }), false);
    assert!(state.place().at_end);
}
