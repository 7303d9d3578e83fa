//! Labels as folder names, and back.
//!
//! A label is outside data and may be anything; a folder name is at most 255 bytes, prints cleanly and stands for
//! exactly one label: [`escape`] does it, and a hash tells those apart that are too long.

use crate::catalog::{Facet, LabelKey, cut, escape, unescape};
use crate::index::{Index, LabelFolder};

/// The longest file name that Linux allows, in bytes.
const NAME_MAX: usize = 255;
/// Stands in the name of a label that is too long, before the hash of the whole.
const CUT: &str = "%~";
/// Hexadecimal digits of that hash: with 64 bits, no two labels of a catalog share one by chance.
const HASH: usize = 16;
/// Stands behind the name of a label that a photo has for its name: no escape ends so.
const MARK: char = '%';
/// As often as needed, but no more than this: room for them is kept in every name, and eight photos that are called
/// after one label are an attack, not a collection.
const MARKS: usize = 8;

/// The folder name of a label's value. Never empty, `.`, `..` or hidden, and never begins with `-`.
pub fn encode(value: &str) -> String {
    let name = escape(value);
    let room = NAME_MAX - MARKS;
    if name.len() <= room {
        return name;
    }
    let kept = cut(&name, room - CUT.len() - HASH);
    let hash = blake3::hash(value.as_bytes()).to_hex();
    format!("{kept}{CUT}{}", &hash[..HASH])
}

/// The folder name of a label, without `prefix`. One that a photo has for its name already is marked.
pub fn folder_name(shown: &str, prefix: &str, index: &Index) -> String {
    let mut name = encode(shown.strip_prefix(prefix).unwrap_or(shown));
    for _ in 0..MARKS {
        if index.by_name(name.as_bytes()).is_none() {
            break;
        }
        name.push(MARK);
    }
    name
}

/// Every name that the folder of a label may get from marks.
pub fn with_marks(name: &str) -> impl Iterator<Item = String> {
    (0..=MARKS).map(move |marks| name.to_owned() + &MARK.to_string().repeat(marks))
}

/// A folder name without its marks.
pub fn unmarked(name: &str) -> &str {
    match name.trim_end_matches(MARK) {
        // The empty label is a mark itself.
        "" => &name[..name.len().min(1)],
        plain => plain,
    }
}

/// Whether a label that was ever seen may have this folder name, unmarked.
pub fn may_be_label(name: &str, facet: Facet, prefix: &str, index: &Index) -> bool {
    match unescape(name) {
        Some(value) => {
            let key = LabelKey::new(facet, &format!("{prefix}{value}"));
            index.spelling(&key).is_some()
        }
        None => name.contains(CUT),
    }
}

/// The label of a facet that is shown as a folder of this name, where `prefix` is left out.
pub fn find(name: &[u8], facet: Facet, prefix: &str, index: &Index) -> Option<LabelFolder> {
    let name = std::str::from_utf8(name).ok()?;
    let plain = unmarked(name);
    let is_it =
        |shown: &str| shown.starts_with(prefix) && folder_name(shown, prefix, index) == name;
    match unescape(plain) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_labels_stay_apart() {
        let (a, b) = ("é".repeat(300), format!("{}x", "é".repeat(299)));
        assert!(encode(&a).len() <= NAME_MAX);
        assert_ne!(encode(&a), encode(&b));
        assert!(encode(&"/".repeat(300)).len() <= NAME_MAX);
    }
}
