//! Texts from outside: metadata, models, people.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The text in NFC, without control characters, bidirectional overrides and invisible formatting, runs of white space
/// made one space, trimmed, cut at `longest` characters. `None` when nothing is left.
pub fn clean(text: &str, longest: usize) -> Option<String> {
    // What is bounded here is the input; composed characters may come from many.
    let bounded = text.chars().take(longest.saturating_mul(8));
    // Before what is left is composed: what stood around them may belong together.
    let fit = bounded.filter(|&c| c.is_whitespace() || !is_unfit(c));
    let mut clean = String::new();
    let mut characters = 0;
    let mut space = false;
    for c in fit.nfc() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if space && !clean.is_empty() {
            clean.push(' ');
            characters += 1;
        }
        space = false;
        if characters >= longest {
            break;
        }
        clean.push(c);
        characters += 1;
    }
    let end = clean.trim_end().len();
    clean.truncate(end);
    (!clean.is_empty()).then_some(clean)
}

/// The text without case and Unicode form: NFC of the lower-cased text. Most labels are written so, and nothing is copied.
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let lower = text.nfc().collect::<String>().to_lowercase();
        return lower.nfc().collect();
    }
    match text.contains(|c: char| c.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

/// Characters that print nothing, or change how others print: the soft hyphen, marks and overrides of direction
/// (<https://www.unicode.org/reports/tr9/>), spaces without width, invisible operators, byte order marks, annotations and
/// language tags. The joiners stay: emoji and several scripts are written with them.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_unicode_form_go_and_what_has_none_is_not_copied() {
        let check = |text, expected: &str| assert_eq!(fold(text), expected);
        check("Beach 2", "beach 2");
        check("CAFE\u{301}", "caf\u{e9}");
        assert!(matches!(fold("beach 2"), Cow::Borrowed("beach 2")));
    }

    #[test]
    fn what_does_not_print_or_misleads_goes() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(clean(text, 10).as_deref(), expected, "{text:?}");
        };
        check("  a \n\t b\0 ", Some("a b"));
        check("\u{202e}gpj.exe", Some("gpj.exe"));
        check("cafe\u{301}", Some("caf\u{e9}"));
        check("C\u{7f}\u{301}", Some("\u{106}"));
        check("\u{feff}\0 \n", None);
        check("0123456789abc", Some("0123456789"));
        check("012345678 abc", Some("012345678"));
        check(&"\u{301}".repeat(1000), Some(&"\u{301}".repeat(10)));
    }
}
