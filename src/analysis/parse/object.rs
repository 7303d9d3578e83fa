//! Finding the one JSON object that is meant in what a model wrote around it.

use serde_json::{Deserializer, Value};

/// Objects that are tried. Each try may read to the end of the text, so more would be quadratic work for whoever sends
/// a text of opening braces.
const MOST_TRIED: usize = 64;

/// What came of looking for an object.
#[derive(Debug, PartialEq)]
pub enum Found {
    Whole(Value),
    /// One begins and doesn't end.
    Cut,
    None,
}

/// What follows the thinking; nothing if it never ends.
pub fn without_thinking(text: &str) -> &str {
    const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];
    let text = text.trim_start_matches('\u{feff}');
    for (open, close) in TAGS {
        // Some servers cut the opening tag off. JSON before the closing one would be a quotation.
        if let Some(end) = text.rfind(close) {
            return &text[end + close.len()..];
        }
        if text.trim_start().starts_with(open) {
            return "";
        }
    }
    text
}

/// The first whole object that is `wanted`. One that nests another is looked at first.
pub fn find(text: &str, wanted: impl Fn(&Value) -> bool) -> Found {
    let mut from = 0;
    let mut cut = false;
    for _ in 0..MOST_TRIED {
        let Some(at) = text[from..].find('{') else {
            break;
        };
        let start = from + at;
        let mut values = Deserializer::from_str(&text[start..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) if wanted(&value) => return Found::Whole(value),
            Some(Ok(_)) => from = start + values.byte_offset(),
            Some(Err(error)) => {
                cut |= error.is_eof() || is_nested_too_deep(&error);
                from = start + 1;
            }
            None => break,
        }
    }
    match cut {
        true => Found::Cut,
        false => Found::None,
    }
}

/// Serde stops at 128 levels and has no other sign of it. Such a text is cut off or hostile, and no answer either way.
fn is_nested_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit")
}

/// The text without terminal control sequences: not only their first character.
pub fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                skip_past(&mut rest, |c| ('@'..='~').contains(&c))
            }
            '\u{9b}' => skip_past(&mut rest, |c| ('@'..='~').contains(&c)),
            '\u{1b}' if rest.next_if_eq(&']').is_some() => {
                skip_past(&mut rest, |c| matches!(c, '\u{7}' | '\u{9c}' | '\u{1b}'));
            }
            '\u{1b}' => {}
            c => plain.push(c),
        }
    }
    plain
}

/// At most as far as any sensible sequence goes.
fn skip_past(rest: &mut impl Iterator<Item = char>, is_end: impl Fn(char) -> bool) {
    let mut bounded = rest.take(256);
    bounded.any(is_end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_go_as_a_whole() {
        let check = |text: &str, plain: &str| assert_eq!(without_escapes(text), plain);
        check("a\u{1b}[1;31mb\u{1b}[0mc", "abc");
        check("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", "link");
        check("\u{1b}cplain \u{9b}2Jtext", "cplain text");
    }

    #[test]
    fn the_wanted_object_is_found_among_others() {
        let wanted = |v: &Value| v["x"] == 1;
        let found = find("{\"y\": {\"x\": 1}} {\"x\": 1}", wanted);
        assert_eq!(found, Found::Whole(serde_json::json!({"x": 1})));
        assert_eq!(find("{a} {b}", wanted), Found::None);
        assert_eq!(find("{\"x\": 1", wanted), Found::Cut);
    }
}
