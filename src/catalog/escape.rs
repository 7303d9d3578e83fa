//! Texts as file names: a reversible escape.
//!
//! A text is outside data and may be anything; a name prints cleanly, is never empty, `.`, `..` or hidden, and stands
//! for exactly one text. `%` escapes, as in URLs, what can't stand for itself. Whether a name is too long for a disk is
//! for the caller to see.

use std::fmt::Write as _;

/// The name of a text. Never empty, hidden, or begins with `-`.
pub fn escape(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let leading = at == 0 && matches!(c, '.' | '-' | ' ');
        let trailing = c == ' ' && at + 1 == text.len();
        if leading || trailing || is_escaped(c) {
            push_escaped(c, &mut name);
        } else {
            name.push(c);
        }
    }
    if name.is_empty() {
        name.push('%');
    }
    name
}

/// The text that a name stands for; `None` for one that [`escape`] doesn't make.
pub fn unescape(name: &str) -> Option<String> {
    if name == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == name).then_some(text)
}

/// The beginning of a name, of at most `room` bytes, without half a character or half an escape at its end.
pub fn cut(name: &str, room: usize) -> &str {
    let end = name.floor_char_boundary(room);
    if end == name.len() {
        return name;
    }
    let torn = name[..end].rfind('%').filter(|at| end - at < 3);
    &name[..torn.unwrap_or(end)]
}

fn push_escaped(c: char, name: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(name, "%{byte:02X}").expect("a String takes everything");
    }
}

/// What would break a path, or print as something else than itself.
fn is_escaped(c: char) -> bool {
    // The joiners stay: emoji and several scripts are written with them. The others are marks of direction, line breaks,
    // spaces without width, invisible operators, annotations and language tags.
    let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
    let is_invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    c == '/' || c == '%' || c.is_control() || (is_invisible && !is_joiner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_become_safe_names() {
        let check = |text: &str, name: &str| {
            assert_eq!(escape(text), name);
            assert_eq!(unescape(name).as_deref(), Some(text));
        };
        check("beach", "beach");
        check("Canon EOS R6", "Canon EOS R6");
        check("", "%");
        check(".", "%2E");
        check("..", "%2E.");
        check("-rf", "%2Drf");
        check("a/b", "a%2Fb");
        check("a\0b", "a%00b");
        check("100%", "100%25");
        check("x\n\u{1b}[31m", "x%0A%1B[31m");
        check("a\u{202e}b", "a%E2%80%AEb");
        check("end ", "end%20");
        check("👨‍👩‍👧", "👨‍👩‍👧");
    }

    #[test]
    fn only_the_canonical_name_is_understood() {
        for name in ["%62each", "%2e", "%zz", "%2", "a%F0%28%8C%BC"] {
            assert_eq!(unescape(name), None, "{name}");
        }
    }

    #[test]
    fn a_cut_tears_nothing() {
        let check = |name, room, expected| assert_eq!(cut(name, room), expected);
        check("abc", 9, "abc");
        check("a%2F", 4, "a%2F");
        check("a%2Fb", 4, "a%2F");
        check("a%2Fb", 3, "a");
        check("aé", 2, "a");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "\\PC{0,40}|[\\x00-\\x7f]{0,20}") {
            let name = escape(&text);
            prop_assert!(!name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..");
            prop_assert_eq!(unescape(&name), Some(text));
        }
    }
}
