//! Sentences about people: who types, what changed, how many.

use rookery_api::v1::{self, ConversationKind, PresenceState, StatusKind, SystemKind};
use rookery_client::{Connection, Conversation, State};
use unicode_segmentation::UnicodeSegmentation;

use crate::emote::catalogue;

/// What to call a person: her name, or "You".
#[must_use]
pub fn name(world: &State, id: i64) -> &str {
    if id == world.user_id() {
        return "You";
    }
    shown_name(world, id)
}

/// What a person is called by everybody.
#[must_use]
pub fn shown_name(world: &State, id: i64) -> &str {
    // What the command line announces is nobody's.
    world.user(id).map_or(if id == 0 { "The operator" } else { "Somebody" }, |user| &user.display_name)
}

/// Who is typing; none if nobody does.
#[must_use]
pub fn typing(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some(format!("{one} is typing…")),
        [one, two] => Some(format!("{one} and {two} are typing…")),
        [one, two, three] => Some(format!("{one}, {two} and {three} are typing…")),
        _ => Some("Several people are typing…".to_owned()),
    }
}

/// A system line as a sentence.
#[must_use]
pub fn system(world: &State, message: &v1::Message) -> String {
    let Some(line) = &message.system else {
        return String::new();
    };
    let who = name(world, message.author_id);
    let whom = people(world, &line.user_ids);
    let mut sentence = match line.kind() {
        SystemKind::Created if line.user_ids.is_empty() => format!("{who} made the group “{}”.", line.name),
        SystemKind::Created => format!("{who} made the group “{}” with {whom}.", line.name),
        SystemKind::Joined => format!("{who} joined."),
        SystemKind::Added => format!("{who} added {whom}."),
        SystemKind::Left | SystemKind::LeftSilently => format!("{who} left."),
        SystemKind::Removed => format!("{who} removed {whom}."),
        SystemKind::Renamed => format!("{who} named the group “{}”.", line.name),
        SystemKind::MadePublic => format!("{who} made the group public."),
        SystemKind::MadePrivate => format!("{who} made the group private."),
        SystemKind::OwnerChanged => format!("{who} handed the group over."),
        SystemKind::IconChanged => format!("{who} changed the group's picture."),
        SystemKind::HistoryOpened => format!("{who} lets those who join read everything."),
        SystemKind::HistoryClosed => format!("{who} lets those who join read only what comes after."),
        SystemKind::OwnerManages => format!("{who} keeps the group's name, picture and new members to the owner."),
        SystemKind::MembersManage => format!("{who} lets all members name the group and add people."),
        SystemKind::Announced => format!("{who} to everybody: {}", line.text),
        SystemKind::Unspecified => format!("{who} changed the group."),
    };
    match line.new_owner_id {
        0 => {}
        id if id == world.user_id() => sentence.push_str(" You own it now."),
        id => sentence.push_str(&format!(" {} owns it now.", name(world, id))),
    }
    sentence
}

/// A message's first line, for the chat list, replies and the composer.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// What a message says, in one line: its first one, or what was sent without words.
#[must_use]
pub fn gist(message: &v1::Message) -> &str {
    let line = first_line(&message.text);
    let pictures = message.attachments.iter().all(|media| media.kind() == v1::MediaKind::Picture);
    match message.attachments.as_slice() {
        _ if !line.is_empty() => line,
        [] => "",
        [gif] if gif.animated => "GIF",
        [_] if pictures => "Picture",
        [file] => &file.name,
        _ if pictures => "Pictures",
        _ => "Files",
    }
}

/// A file's name of at most so many letters; its end, which says what it is, stays.
#[must_use]
pub fn file_name(name: &str, most: usize) -> String {
    let letters: Vec<&str> = name.graphemes(true).collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let end = most / 3;
    let start = most - end - 1;
    format!("{}…{}", letters[..start].concat().trim_end(), letters[letters.len() - end..].concat())
}

/// How large a file is.
#[must_use]
pub fn size(bytes: u64) -> String {
    const STEP: f64 = 1024.0;
    let mut rest = bytes as f64;
    for unit in ["bytes", "KB", "MB", "GB"] {
        if rest < STEP - 0.5 || unit == "GB" {
            let exact = unit == "bytes" || rest >= 10.0;
            return if exact { format!("{rest:.0} {unit}") } else { format!("{rest:.1} {unit}") };
        }
        rest /= STEP;
    }
    String::new()
}

/// How much of a file is there.
#[must_use]
pub fn progress(sent: u64, total: u64) -> String {
    format!("{} of {}", size(sent), size(total))
}

/// A server's words as a sentence.
#[must_use]
pub fn sentence(words: &str) -> String {
    let mut letters = words.trim().chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if words.trim_end().ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// At most so many letters, with a sign that there is more.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    match text.grapheme_indices(true).nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The second line of a chat in the list.
#[must_use]
pub fn preview(world: &State, conversation: &Conversation) -> String {
    let Some(message) = conversation.last_message() else {
        return match conversation.kind() {
            ConversationKind::Global => "Everybody on this server".to_owned(),
            _ => "No messages yet".to_owned(),
        };
    };
    if message.system.is_some() {
        return system(world, message);
    }
    if message.deleted {
        return "Message deleted".to_owned();
    }
    let says = gist(message);
    let own = message.author_id == world.user_id();
    match conversation.kind() {
        ConversationKind::Direct if !own => says.to_owned(),
        _ => format!("{}: {says}", name(world, message.author_id)),
    }
}

/// A presence as a word.
#[must_use]
pub fn presence(state: PresenceState) -> &'static str {
    match state {
        PresenceState::Online => "Online",
        PresenceState::Idle => "Idle",
        PresenceState::DoNotDisturb => "Do not disturb",
        PresenceState::Offline | PresenceState::Unspecified => "Offline",
    }
}

/// How reachable somebody is.
#[must_use]
pub fn presence_of(world: &State, id: i64) -> PresenceState {
    if id == world.user_id() { own_presence(world) } else { world.presence(id) }
}

/// How others see the user: as she has chosen, while there is a connection.
#[must_use]
pub fn own_presence(world: &State) -> PresenceState {
    match (world.connection(), world.status().kind()) {
        (Connection::Online | Connection::CatchingUp, StatusKind::Idle) => PresenceState::Idle,
        (Connection::Online | Connection::CatchingUp, StatusKind::DoNotDisturb) => PresenceState::DoNotDisturb,
        (Connection::Online | Connection::CatchingUp, StatusKind::Online | StatusKind::Unspecified) => {
            PresenceState::Online
        }
        _ => PresenceState::Offline,
    }
}

/// What a chosen status is called, and what it means.
#[must_use]
pub fn status(kind: StatusKind) -> (&'static str, &'static str) {
    match kind {
        StatusKind::Online | StatusKind::Unspecified => ("Online", "Idle by itself while you are away"),
        StatusKind::Idle => ("Idle", "Shown as idle, whatever you do"),
        StatusKind::DoNotDisturb => ("Do not disturb", "No notifications on your devices"),
        StatusKind::Invisible => ("Invisible", "Shown as offline, typing hidden"),
    }
}

/// Who reacted, and with what.
#[must_use]
pub fn reaction(world: &State, reaction: &v1::Reaction) -> String {
    let code = catalogue::find(&reaction.emote).map(|entry| format!(" with :{}:", entry.code)).unwrap_or_default();
    let mut names: Vec<String> = reaction.user_ids.iter().map(|id| name(world, *id).to_owned()).collect();
    let others = i64::from(reaction.count) - i64::try_from(names.len()).unwrap_or_default();
    if others > 0 {
        names.push(count(others, "other", "others"));
    }
    match names.as_slice() {
        [] => code,
        [one] => format!("{one} reacted{code}"),
        [most @ .., last] => format!("{} and {last} reacted{code}", most.join(", ")),
    }
}

/// So many of something.
#[must_use]
pub fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn people(world: &State, ids: &[i64]) -> String {
    let lower = |id: &i64| if *id == world.user_id() { "you" } else { shown_name(world, *id) };
    let names: Vec<&str> = ids.iter().map(lower).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] if names.len() <= NAMES_MOST => format!("{} and {last}", most.join(", ")),
        [first, second, rest @ ..] => format!("{first}, {second} and {} others", rest.len()),
    }
}

/// More people than this are counted instead of named.
const NAMES_MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_three_who_type_are_named() {
        assert_eq!(typing(&[]), None);
        assert_eq!(typing(&["Ada"]).unwrap(), "Ada is typing…");
        assert_eq!(typing(&["Ada", "Bo"]).unwrap(), "Ada and Bo are typing…");
        assert_eq!(typing(&["Ada", "Bo", "Cy"]).unwrap(), "Ada, Bo and Cy are typing…");
        assert_eq!(typing(&["A", "B", "C", "D"]).unwrap(), "Several people are typing…");
    }

    #[test]
    fn a_preview_is_one_line() {
        assert_eq!(first_line("\n  \nhello\nthere"), "hello");
        assert_eq!(first_line("  "), "");
        assert_eq!(cut("four five", 5), "four…");
        assert_eq!(cut("four", 4), "four");
        assert_eq!(sentence("the name is taken"), "The name is taken.");
        assert_eq!(sentence("Slow down."), "Slow down.");
        assert_eq!(count(1, "member", "members"), "1 member");
        assert_eq!(count(2, "member", "members"), "2 members");
    }

    #[test]
    fn a_message_without_words_says_what_it_is() {
        let media = |kind: v1::MediaKind, animated| v1::Media {
            kind: kind.into(),
            name: "paper.pdf".into(),
            animated,
            ..v1::Media::default()
        };
        let (picture, file) = (media(v1::MediaKind::Picture, false), media(v1::MediaKind::File, false));
        let said = |text: &str, attachments: &[&v1::Media]| v1::Message {
            text: text.into(),
            attachments: attachments.iter().map(|media| (*media).clone()).collect(),
            ..v1::Message::default()
        };
        assert_eq!(gist(&said("Look", &[&picture])), "Look");
        assert_eq!(gist(&said("", &[&picture])), "Picture");
        assert_eq!(gist(&said("", &[&media(v1::MediaKind::Picture, true)])), "GIF");
        assert_eq!(gist(&said("", &[&file])), "paper.pdf");
        assert_eq!(gist(&said("", &[&picture, &picture])), "Pictures");
        assert_eq!(gist(&said("", &[&picture, &file])), "Files");
    }

    #[test]
    fn a_long_name_of_a_file_keeps_its_end() {
        assert_eq!(file_name("heron.flac", 20), "heron.flac");
        assert_eq!(file_name("The birds of the northern coast.pdf", 21), "The birds of…ast.pdf");
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 812, 3_500, 12_000, 1_048_575, 52_428_800, 5_368_709_120].map(size);
        assert_eq!(sizes, ["0 bytes", "812 bytes", "3.4 KB", "12 KB", "1.0 MB", "50 MB", "5.0 GB"]);
    }
}
