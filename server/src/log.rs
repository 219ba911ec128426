//! The log: lines of text or of JSON on standard error. It holds no bodies, no texts, no secrets; what others wrote can
//! neither begin a line in it nor colour one.

use std::{
    io::{self, Write},
    panic,
};

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::meter::METER;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// For programs: an object on each line.
    Json,
}

/// Begins to log. `level` is a level, or several for parts of the program (`warn,security=info`).
pub fn start(form: Form, level: &str) -> Result<(), String> {
    let filter: EnvFilter = level
        .parse()
        .map_err(|error| format!("log_level {level:?} is not right: {error}; it must be like \"warn\""))?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Escaped(io::stderr()));
    let started = match form {
        Form::Text => lines.try_init(),
        Form::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| format!("the log could not be started: {error}"))?;
    panic::set_hook(Box::new(|panic| {
        METER.panics.increment(1);
        // Not what it says: that may be anything, a message's text for one.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(place, thread, %backtrace, "a panic");
    }));
    Ok(())
}

/// Writes each line as one, whatever is in it.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    /// The subscriber writes an event by one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (text, end) = match line.strip_suffix(b"\n") {
            Some(text) => (text, "\n"),
            None => (line, ""),
        };
        let text = String::from_utf8_lossy(text);
        let mut escaped = String::with_capacity(line.len());
        for c in text.chars() {
            if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                escaped.extend(c.escape_default());
            } else {
                escaped.push(c);
            }
        }
        escaped.push_str(end);
        self.0.write_all(escaped.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_without_colours() {
        let mut out = Vec::new();
        let line = "name=a\r\nERROR forged \u{1b}[31mred\u{7} \u{202e}gnol é\n";
        assert_eq!(Escaped(&mut out).write(line.as_bytes()).unwrap(), line.len());
        assert_eq!(String::from_utf8(out).unwrap(), "name=a\\r\\nERROR forged \\u{1b}[31mred\\u{7} \\u{202e}gnol é\n");
    }
}
