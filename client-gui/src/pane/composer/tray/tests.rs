use super::*;

const LIMITS: Limits = Limits { text: 100, files: 2, file_bytes: 2_000 };

fn found(name: &str, size: u64) -> Result<Found, String> {
    Ok(Found { name: name.into(), size, content: Content::File(name.into()) })
}

fn add(state: &mut State, files: Vec<Result<Found, String>>) -> Option<String> {
    let _ = state.update(Message::Added(files), LIMITS);
    state.problem.clone()
}

#[test]
fn the_limits_are_told_before_anything_is_sent() {
    let mut state = State::default();
    assert_eq!(add(&mut state, vec![found("film.mkv", 2_001)]).unwrap(), "“film.mkv” is larger than 2.0 KB.");
    assert_eq!(add(&mut state, vec![found("nothing.txt", 0)]).unwrap(), "“nothing.txt” is empty.");
    assert!(state.is_empty());
    let three = vec![found("a", 1), found("b", 2_000), found("c", 1)];
    assert_eq!(add(&mut state, three).unwrap(), "At most 2 files go with one message.");
    assert_eq!(state.take(), [Attachment::File("a".into()), Attachment::File("b".into())]);
    assert!(state.is_empty() && state.problem.is_none());
}

#[test]
fn what_was_removed_does_not_go() {
    let mut state = State::default();
    add(&mut state, vec![found("a", 1), found("b", 1)]);
    let _ = state.update(Message::Removed(1), LIMITS);
    assert_eq!(state.take(), [Attachment::File("b".into())]);
}

#[tokio::test]
async fn a_path_is_looked_at_first() {
    let folder = std::env::temp_dir().join(format!("rookery-tray-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "hello").unwrap();
    let paths = vec![folder.join("a.txt"), folder.clone(), folder.join("gone.txt")];
    let mut state = State::default();
    let problem = add(&mut state, pick::look_at(paths).await);
    assert_eq!(problem.unwrap(), "There is no file “gone.txt”.");
    assert_eq!(state.take(), [Attachment::File(folder.join("a.txt"))]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(pick::written(" 'file:///a/b c.png' "), Some("/a/b c.png".into()));
    assert_eq!(pick::written("  "), None);
}
