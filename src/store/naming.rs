//! Catalog names: a photo's file name, made unique once for as long as the file is called so; and the same of its title.

use super::Result;
use crate::catalog::{PhotoId, cut, escape};

/// Bytes of the longest name that Linux allows: `NAME_MAX`.
const LONGEST: usize = 255;

/// The file name, or where it is taken the file name with `~` and the photo's number before the extension.
pub fn unique(
    file_name: &[u8],
    id: PhotoId,
    mut is_taken: impl FnMut(&[u8]) -> Result<bool>,
) -> Result<Box<[u8]>> {
    if !is_taken(file_name)? {
        return Ok(file_name.into());
    }
    // Someone's file may be called like another's suffixed name: one more `~` then.
    let mut suffix = format!("~{}", base32(id.0));
    loop {
        let name = with_suffix(file_name, suffix.as_bytes());
        if !is_taken(&name)? {
            return Ok(name.into());
        }
        suffix.insert(0, '~');
    }
}

/// What a photo of this title is called, before anything makes it unique: with the extension of its file.
pub fn of_title(title: &str, file_name: &[u8]) -> Vec<u8> {
    let (_, extension) = split(file_name);
    let title = escape(title);
    [cut(&title, LONGEST - extension.len()).as_bytes(), extension].concat()
}

/// Whether `name` is what [`unique`] made of `file_name` for this photo, whatever was taken then.
pub fn is_of(name: &[u8], file_name: &[u8], id: PhotoId) -> bool {
    let mut suffix = format!("~{}", base32(id.0));
    while name != file_name && name != with_suffix(file_name, suffix.as_bytes()) {
        suffix.insert(0, '~');
        if suffix.len() > LONGEST / 2 {
            return false;
        }
    }
    true
}

fn with_suffix(file_name: &[u8], suffix: &[u8]) -> Vec<u8> {
    let (stem, extension) = split(file_name);
    let room = LONGEST.saturating_sub(suffix.len() + extension.len());
    [shortened(stem, room), suffix, extension].concat()
}

/// The stem of a file name, and its extension with the dot.
fn split(file_name: &[u8]) -> (&[u8], &[u8]) {
    let dot = file_name.iter().rposition(|&b| b == b'.');
    // A dot in front hides a file; an extension longer than this is none.
    let dot = dot.filter(|&at| at > 0 && file_name.len() - at <= 16);
    file_name.split_at(dot.unwrap_or(file_name.len()))
}

/// At most `room` bytes, without half a UTF-8 character at the end.
fn shortened(stem: &[u8], room: usize) -> &[u8] {
    let mut end = stem.len().min(room);
    while end < stem.len() && end > 0 && stem[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &stem[..end]
}

/// Crockford's digits, lower case: no letter that looks like another.
fn base32(mut number: u32) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[(number % 32) as usize]));
        number /= 32;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8], taken: &[&[u8]], expected: &[u8]) {
        let unique = unique(name, PhotoId(33), |n| Ok(taken.contains(&n))).unwrap();
        assert_eq!(
            unique.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    #[test]
    fn a_clash_gets_a_suffix_before_the_extension() {
        check(b"a.jpg", &[], b"a.jpg");
        check(b"a.jpg", &[b"a.jpg"], b"a~11.jpg");
        check(b"a.jpg", &[b"a.jpg", b"a~11.jpg"], b"a~~11.jpg");
        check(b".jpg", &[b".jpg"], b".jpg~11");
        check(b"plain", &[b"plain"], b"plain~11");
        check(b"\xff.jpg", &[b"\xff.jpg"], b"\xff~11.jpg");
    }

    #[test]
    fn a_long_name_stays_a_name() {
        let long = [&b"x".repeat(251)[..], b".jpg"].concat();
        let cut = [&b"x".repeat(248)[..], b"~11.jpg"].concat();
        check(&long, &[&long], &cut);
        let umlauts = ["\u{e4}".repeat(125).as_bytes(), b".jpeg"].concat();
        let cut = ["\u{e4}".repeat(123).as_bytes(), b"~11.jpeg"].concat();
        check(&umlauts, &[&umlauts], &cut);
    }

    #[test]
    fn a_title_takes_the_extension_of_the_file() {
        let check = |title: &str, file_name: &str, expected: &str| {
            let name = of_title(title, file_name.as_bytes());
            assert_eq!(String::from_utf8(name).unwrap(), expected);
        };
        check(
            "Sunset over the bay",
            "IMG_1.JPG",
            "Sunset over the bay.JPG",
        );
        check("Before/after", "a.jpg", "Before%2Fafter.jpg");
        check("...", "noextension", "%2E..");
        check(&"é".repeat(200), "a.jpeg", &("é".repeat(125) + ".jpeg"));
    }

    #[test]
    fn a_name_is_known_again_by_what_it_was_made_of() {
        for taken in [&[][..], &[&b"a.jpg"[..]], &[b"a.jpg", b"a~11.jpg"]] {
            let id = PhotoId(33);
            let name = unique(b"a.jpg", id, |n| Ok(taken.contains(&n))).unwrap();
            assert!(is_of(&name, b"a.jpg", id));
            assert!(!is_of(&name, b"b.jpg", id));
            assert_eq!(is_of(&name, b"a.jpg", PhotoId(34)), taken.is_empty());
        }
    }
}
