//! Reads what strace wrote, and says of a text that is stored and told to clients (a request_id) whether the log was synced
//! in between.
//!
//! Lines are in the order of what happened: strace lets a call begin only after it has written all that ended before. So a
//! call that ends on an earlier line than another begins was over when that one began.

use std::collections::HashMap;

/// One system call.
#[derive(Debug)]
pub struct Call {
    thread: u32,
    pub name: String,
    /// The file or socket that the first argument is; '' where the first argument is a name.
    pub file: String,
    /// Everything behind it, as strace prints it.
    pub arguments: String,
    pub result: i64,
    /// Of the 24 bytes before a page: whether that page ends a transaction.
    header: Option<bool>,
    /// The lines on which it began and ended.
    pub begin: usize,
    pub end: usize,
}

/// All calls of a trace of `strace -f -y`, in the order of their ends.
pub fn calls(text: &str) -> impl Iterator<Item = Call> {
    let mut begun: HashMap<u32, (usize, String)> = HashMap::new();
    text.lines().enumerate().filter_map(move |(number, line)| {
        let (thread, rest) = line.split_once(' ')?;
        let (thread, rest) = (thread.parse::<u32>().ok()?, rest.trim_start());
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (number, start.trim_end().to_owned()));
            return None;
        }
        let (begin, whole) = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (begin, start) = begun.remove(&thread)?;
                (begin, start + resumed.split_once(" resumed>")?.1)
            }
            None => (number, rest.to_owned()),
        };
        parse(thread, &whole, (begin, number))
    })
}

/// The calls that write to the log, sync it, or write to a socket.
#[derive(Debug, Default)]
pub struct Trace {
    /// Writes to the log and syncs of it.
    log: Vec<Call>,
    sockets: Vec<Call>,
    /// Syncs of anything else.
    syncs: Vec<Call>,
    /// What was given another name, or made: with the names.
    names: Vec<Call>,
}

impl Trace {
    /// Reads a trace of `strace -f -y`; the log is the file whose name ends so.
    pub fn read(text: &str, log: &str) -> Self {
        let mut trace = Self::default();
        for mut call in calls(text) {
            if call.file.ends_with(log) {
                call.header = frame_header(&call);
                trace.log.push(call);
            } else if call.file.starts_with("socket:") || call.file.starts_with("TCP") {
                trace.sockets.push(call);
            } else if call.name == "fsync" || call.name == "fdatasync" {
                trace.syncs.push(call);
            } else if call.file.is_empty() {
                trace.names.push(call);
            }
        }
        trace
    }

    fn tellings<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Call> {
        self.sockets.iter().filter(move |call| call.arguments.contains(id))
    }

    /// The line on which this was first told to anybody.
    pub fn first_told(&self, id: &str) -> Option<usize> {
        self.tellings(id).map(|call| call.begin).min()
    }

    /// How often this was written to a socket.
    pub fn told(&self, id: &str) -> usize {
        self.tellings(id).count()
    }

    /// Why this was not on the disk before it was told; none if it was.
    pub fn fault(&self, id: &str) -> Option<String> {
        let Some(first) = self.tellings(id).map(|call| call.begin).min() else {
            return Some(format!("{id} was told to nobody"));
        };
        // Pages are written again by later transactions; the first time is its own.
        let Some(stored) = self.log.iter().find(|call| is_write(call) && call.arguments.contains(id)) else {
            return Some(format!("{id} was never written to the log"));
        };
        // From there its transaction goes on to the frame that commits it.
        let mut commits = false;
        let mut commit = None;
        let by_the_same = self.log.iter().filter(|call| call.thread == stored.thread);
        for call in by_the_same.filter(|call| is_write(call)) {
            if let Some(header) = call.header {
                commits = header;
            } else if call.end >= stored.end && commits {
                commit = Some(call);
                break;
            }
        }
        let Some(commit) = commit else { return Some(format!("{id} was never committed")) };
        let sync = self.log.iter().find(|call| !is_write(call) && call.result == 0 && call.begin > commit.end);
        match sync {
            None => Some(format!("{id} was never synced")),
            Some(sync) if sync.end >= first => {
                Some(format!("{id} was told on line {first}, but synced only on line {}", sync.end))
            }
            Some(_) => None,
        }
    }
}

impl Trace {
    /// Why a file of this id was not on the disk, with its name, when something was known of it; none if it was.
    pub fn fault_of_file(&self, id: &str) -> Option<String> {
        let Some(stored) = self.log.iter().find(|call| is_write(call) && call.arguments.contains(id)) else {
            return Some(format!("nothing is known of {id}"));
        };
        let before = |call: &&Call| call.result == 0 && call.end < stored.begin;
        let folder = format!("/media/{}", &id[..2]);
        let mut renames = self.names.iter().filter(before).filter(|call| call.name == "rename");
        // A picture is written twice: as it came, and anew.
        let Some(rename) = renames.rfind(|call| call.arguments.contains(&format!("{folder}/{id}\""))) else {
            return Some(format!("{id} had no name yet"));
        };
        let synced = |name: &str, from: usize, to: usize| {
            self.syncs.iter().filter(before).any(|call| call.file.ends_with(name) && call.begin > from && call.end < to)
        };
        if !synced(&format!("{folder}/{id}#1"), 0, rename.begin) {
            return Some(format!("the bytes of {id} were not synced"));
        }
        if !synced(&folder, rename.end, stored.begin) {
            return Some(format!("the name of {id} was not synced"));
        }
        let made = self
            .names
            .iter()
            .filter(before)
            .find(|call| call.name == "mkdir" && call.arguments.contains(&format!("{folder}\"")));
        match made {
            Some(made) if !synced("/media", made.end, stored.begin) => {
                Some(format!("the folder of {id} was not synced"))
            }
            _ => None,
        }
    }
}

pub fn is_write(call: &Call) -> bool {
    call.name.starts_with("pwrite") || call.name.starts_with("write")
}

/// Of a call that writes the 24 bytes before a page: whether that page ends a transaction (the size of the database behind
/// it is not 0). None: it writes something else.
fn frame_header(call: &Call) -> Option<bool> {
    // A page is many times as long, and most of the trace.
    let bytes = bytes_of(call.arguments.get(..call.arguments.len().min(200))?)?;
    (is_write(call) && bytes.len() == 24).then(|| bytes[4..8].iter().any(|byte| *byte != 0))
}

/// `name(fd<file>, arguments) = result`; of calls by name: `name("file", arguments) = result`.
fn parse(thread: u32, text: &str, (begin, end): (usize, usize)) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    if name == "rename" || name == "mkdir" || name == "unlink" {
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let result = result.split_whitespace().next()?.parse().ok()?;
        let (name, file, arguments) = (name.into(), String::new(), arguments.into());
        return Some(Call { thread, name, file, arguments, result, header: None, begin, end });
    }
    let (_, rest) = rest.split_once('<')?;
    // A socket may be shown as TCP:[a->b].
    let length = rest.match_indices('>').find(|(at, _)| !rest[..*at].ends_with('-'))?.0;
    let (file, rest) = rest.split_at(length);
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let result = result.split_whitespace().next()?.parse().ok()?;
    let (name, file, arguments) = (name.into(), file.into(), arguments.into());
    Some(Call { thread, name, file, arguments, result, header: None, begin, end })
}

/// The first quoted string of a call's arguments, as bytes.
pub fn bytes_of(arguments: &str) -> Option<Vec<u8>> {
    let quoted = arguments.split_once('"')?.1.as_bytes();
    let mut bytes = Vec::new();
    let mut at = 0;
    loop {
        match *quoted.get(at)? {
            b'"' => return Some(bytes),
            b'\\' => {
                let next = *quoted.get(at + 1)?;
                let octal = quoted[at + 1..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                if octal > 0 {
                    let digits = &quoted[at + 1..at + 1 + octal];
                    bytes.push(digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0')) as u8);
                    at += 1 + octal;
                    continue;
                }
                bytes.push(match next {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    other => other,
                });
                at += 2;
            }
            byte => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        r#"10 pwrite64(9</d/rookery.db-wal>, "\0\0\0\2\0\0\0\0\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4", 24, 32) = 24"#;
    const PAGE: &str = r#"10 pwrite64(9</d/rookery.db-wal>, "\r\0 r-1 hello"..., 4096, 56) = 4096"#;
    const LAST: &str =
        r#"10 pwrite64(9</d/rookery.db-wal>, "\0\0\0\3\0\0\0\5\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4", 24, 4152) = 24"#;
    const OTHER: &str = r#"10 pwrite64(9</d/rookery.db-wal>, "\r\0 index", 4096, 4176) = 4096"#;
    const SYNC: &str = "10 fdatasync(9</d/rookery.db-wal>) = 0";
    const TOLD: &str = r#"12 writev(20<socket:[77]>, [{iov_base="\0\0 r-1 hello", iov_len=12}], 1) = 12"#;

    fn fault(lines: &[&str]) -> Option<String> {
        Trace::read(&lines.join("\n"), "/rookery.db-wal").fault("r-1")
    }

    fn assert_bad(lines: &[&str], part: &str) {
        let fault = fault(lines).unwrap_or_default();
        assert!(fault.contains(part), "{fault:?} does not say {part:?}");
    }

    #[test]
    fn a_sync_between_commit_and_answer_is_right() {
        assert_eq!(fault(&[HEADER, PAGE, LAST, OTHER, SYNC, TOLD]), None);
        let tcp = TOLD.replace("socket:[77]", "TCP:[127.0.0.1:1->127.0.0.1:2]");
        assert_eq!(fault(&[HEADER, PAGE, LAST, OTHER, SYNC, &tcp]), None);
    }

    #[test]
    fn a_sync_spread_over_two_lines_counts_when_it_ends() {
        let (begin, end) = ("10 fdatasync(9</d/rookery.db-wal> <unfinished ...>", "10 <... fdatasync resumed>) = 0");
        assert_eq!(fault(&[HEADER, PAGE, LAST, OTHER, begin, end, TOLD]), None);
        assert_bad(&[HEADER, PAGE, LAST, OTHER, begin, TOLD, end], "synced only on line");
        assert_bad(&[HEADER, PAGE, LAST, OTHER, begin, TOLD], "never synced");
    }

    #[test]
    fn no_sync_or_one_that_failed_is_found() {
        assert_bad(&[HEADER, PAGE, LAST, OTHER, TOLD], "never synced");
        assert_bad(
            &[HEADER, PAGE, LAST, OTHER, "10 fdatasync(9</d/rookery.db-wal>) = -1 EIO (error)", TOLD],
            "never synced",
        );
        assert_bad(&[HEADER, PAGE, LAST, OTHER, TOLD, SYNC], "synced only on line");
    }

    #[test]
    fn a_sync_of_something_else_or_before_the_commit_does_not_count() {
        let other = SYNC.replace("db-wal", "db");
        assert_bad(&[HEADER, PAGE, LAST, OTHER, &other, TOLD], "never synced");
        assert_bad(&[SYNC, HEADER, PAGE, LAST, OTHER, TOLD], "never synced");
        assert_bad(&[HEADER, PAGE, SYNC, LAST, OTHER, TOLD], "never synced");
        assert_bad(&[HEADER, PAGE, LAST, SYNC, OTHER, TOLD], "never synced");
    }

    #[test]
    fn a_sync_that_began_before_the_commit_does_not_count() {
        let (begin, end) = ("11 fdatasync(9</d/rookery.db-wal> <unfinished ...>", "11 <... fdatasync resumed>) = 0");
        assert_bad(&[HEADER, PAGE, LAST, begin, OTHER, end, TOLD], "never synced");
    }

    #[test]
    fn an_event_that_leaves_before_the_answer_is_found() {
        let early = TOLD.replace("12 writev(20", "13 writev(21");
        assert_bad(&[HEADER, PAGE, LAST, OTHER, &early, SYNC, TOLD], "told on line 4");
    }

    #[test]
    fn what_was_not_told_stored_or_committed_is_found() {
        assert_bad(&[HEADER, PAGE, LAST, OTHER, SYNC], "told to nobody");
        assert_bad(&[LAST, OTHER, SYNC, TOLD], "never written");
        assert_bad(&[HEADER, PAGE, SYNC, TOLD], "never committed");
    }

    #[test]
    fn strings_are_read_as_bytes() {
        assert_eq!(bytes_of(r#", "a\0\12\377\n\"\\", 1"#).unwrap(), [b'a', 0, 10, 255, b'\n', b'"', b'\\']);
    }
}
