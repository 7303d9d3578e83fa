//! Labels as folder names, and back.
//!
//! A label is outside data and may be anything; a folder name is at most 255 bytes, prints cleanly and stands for
//! exactly one label. `%` escapes, as in URLs, what can't stand for itself.

use std::fmt::Write as _;

use crate::catalog::{Facet, LabelKey};
use crate::index::{Index, LabelFolder};

/// The longest file name that Linux allows, in bytes.
const LONGEST: usize = 255;
/// Stands in the name of a label that is too long, before the hash of the whole.
const CUT: &str = "%~";
/// Hexadecimal digits of that hash.
const HASH: usize = 16;

/// The folder name of a label's value. Never empty, `.`, `..` or hidden, and never begins with `-`.
pub fn encode(value: &str) -> String {
    let mut name = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        let leading = at == 0 && matches!(c, '.' | '-' | ' ');
        let trailing = c == ' ' && at + 1 == value.len();
        if leading || trailing || is_escaped(c) {
            escape(c, &mut name);
        } else {
            name.push(c);
        }
    }
    match name.len() {
        0 => "%".into(),
        // One byte is left for the mark of `folder_name`.
        n if n < LONGEST => name,
        _ => shorten(&name, value),
    }
}

/// The value that a folder name stands for; `None` for one that [`encode`] doesn't make or had to cut.
pub fn decode(name: &str) -> Option<String> {
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
    let value = String::from_utf8(bytes).ok()?;
    (encode(&value) == name).then_some(value)
}

/// The folder name of a label, without `prefix`. One that a photo has for its name already is marked with a `%`.
pub fn folder_name(shown: &str, prefix: &str, index: &Index) -> String {
    let mut name = encode(shown.strip_prefix(prefix).unwrap_or(shown));
    if index.by_name(name.as_bytes()).is_some() {
        name.push('%');
    }
    name
}

/// The label of a facet that is shown as a folder of this name, where `prefix` is left out.
pub fn find(name: &[u8], facet: Facet, prefix: &str, index: &Index) -> Option<LabelFolder> {
    let name = std::str::from_utf8(name).ok()?;
    let plain = name.strip_suffix('%').filter(|n| !n.is_empty());
    let plain = plain.unwrap_or(name);
    let is_it =
        |shown: &str| shown.starts_with(prefix) && folder_name(shown, prefix, index) == name;
    match decode(plain) {
        Some(value) => {
            let key = LabelKey::new(facet, &format!("{prefix}{value}"));
            index.label(&key).filter(|l| is_it(&l.shown))
        }
        None if plain.contains(CUT) => {
            let is_cut = |shown: &str| encode(shown) == plain;
            index.find_label(facet, is_cut).filter(|l| is_it(&l.shown))
        }
        None => None,
    }
}

fn shorten(name: &str, value: &str) -> String {
    let mut end = LONGEST - CUT.len() - HASH - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // An escape must not be torn: `%E2` cut to `%E` would read as something else.
    let torn = name[..end].rfind('%').filter(|at| end - at < 3);
    let kept = &name[..torn.unwrap_or(end)];
    let hash = blake3::hash(value.as_bytes()).to_hex();
    format!("{kept}{CUT}{}", &hash[..HASH])
}

fn escape(c: char, name: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(name, "%{byte:02X}").expect("a String takes everything");
    }
}

/// What would break a path, or print as something else than itself.
fn is_escaped(c: char) -> bool {
    // The joiners stay: emoji and several scripts are written with them.
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
    fn labels_become_safe_names() {
        let check = |value: &str, name: &str| {
            assert_eq!(encode(value), name);
            assert_eq!(decode(name).as_deref(), Some(value));
        };
        check("beach", "beach");
        check("Canon EOS R6", "Canon EOS R6");
        check("", "%");
        check(".", "%2E");
        check("..", "%2E.");
        check("-rf", "%2Drf");
        check("a/b", "a%2Fb");
        check("100%", "100%25");
        check("x\n\u{1b}[31m", "x%0A%1B[31m");
        check("a\u{202e}b", "a%E2%80%AEb");
        check("end ", "end%20");
        check("👨‍👩‍👧", "👨‍👩‍👧");
    }

    #[test]
    fn long_labels_stay_apart() {
        let (a, b) = ("é".repeat(300), format!("{}x", "é".repeat(299)));
        assert!(encode(&a).len() <= LONGEST);
        assert_ne!(encode(&a), encode(&b));
        assert!(encode(&"/".repeat(300)).len() <= LONGEST);
    }

    #[test]
    fn only_the_canonical_name_decodes() {
        for name in ["%62each", "%2e", "%zz", "%2", "a%F0%28%8C%BC"] {
            assert_eq!(decode(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_label_comes_back(value in "\\PC{0,40}|[\\x00-\\x7f]{0,20}") {
            let name = encode(&value);
            prop_assert!(!name.contains(['/', '\0']) && name != "." && name != "..");
            prop_assert!((1..=LONGEST).contains(&name.len()));
            prop_assert_eq!(decode(&name), Some(value));
        }
    }
}
