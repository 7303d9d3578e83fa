//! Why a query can't be understood.

use unicode_width::UnicodeWidthChar;

/// What can't be understood of a query, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}\nhint: {hint}")]
pub struct QueryError {
    /// In lower case, without a full stop.
    pub message: String,
    /// Counted in characters, from 1.
    pub at: usize,
    /// How many characters are meant; 0 at the end of the query.
    pub length: usize,
    /// What to write instead.
    pub hint: String,
}

impl QueryError {
    /// Two lines: the query, and below it a mark at the place. Prints cleanly whatever the query holds.
    pub fn pointed(&self, query: &str) -> String {
        let columns = |chars: &mut dyn Iterator<Item = char>| -> usize {
            chars.map(|c| c.width().unwrap_or(1)).sum()
        };
        let shown = query
            .chars()
            .map(|c| match c.is_control() || is_override(c) {
                true => ' ',
                false => c,
            });
        let line: String = shown.collect();
        let before = columns(&mut line.chars().take(self.at - 1));
        let marked = columns(&mut line.chars().skip(self.at - 1).take(self.length));
        format!(
            "{line}\n{}{}",
            " ".repeat(before),
            "^".repeat(marked.max(1))
        )
    }
}

/// What is wrong with a value, and what to write instead: a [`QueryError`] that has no place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In lower case, without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Wrong {
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), hint.into());
        Self { message, hint }
    }
}

/// Changes the direction of what follows.
fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let check = |query: &str, at, length, expected: &str| {
            let (message, hint) = (String::new(), String::new());
            let error = QueryError {
                message,
                at,
                length,
                hint,
            };
            assert_eq!(error.pointed(query), expected);
        };
        check("x kind:y", 3, 4, "x kind:y\n  ^^^^");
        check("a -", 4, 0, "a -\n   ^");
        check("日本 kind:y", 4, 4, "日本 kind:y\n     ^^^^");
        check("a\n\u{1b}b", 4, 1, "a  b\n   ^");
    }
}
