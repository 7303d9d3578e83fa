//! What may be written to a terminal: nothing that a file name or a model says moves the cursor.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// The text with control characters and direction marks escaped.
pub fn printable(text: &str) -> String {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match misleads(c) {
            true => clean.extend(c.escape_unicode()),
            false => clean.push(c),
        }
    }
    clean
}

/// Writes one line to standard output: text made printable on a terminal, bytes as they are into a pipe.
pub fn line(bytes: &[u8], end: u8) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        return writeln!(out, "{}", printable(&String::from_utf8_lossy(bytes)));
    }
    out.write_all(bytes)?;
    out.write_all(&[end])
}

/// Prints a line of the program's own words.
pub fn say(text: fmt::Arguments) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints a value as a line of JSON.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    say(format_args!("{}", serde_json::to_string(value)?))
}

/// Whether a reader that went away, like `head`, is all that is wrong.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
