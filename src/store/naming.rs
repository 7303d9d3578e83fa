//! Catalog names: a photo's file name, made unique once and for good.

use super::Result;
use crate::catalog::PhotoId;

/// Linux's limit, in bytes.
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

fn with_suffix(file_name: &[u8], suffix: &[u8]) -> Vec<u8> {
    let dot = file_name.iter().rposition(|&b| b == b'.');
    // A dot in front hides a file; an extension longer than this is none.
    let dot = dot.filter(|&at| at > 0 && file_name.len() - at <= 16);
    let (stem, extension) = file_name.split_at(dot.unwrap_or(file_name.len()));
    let room = LONGEST.saturating_sub(suffix.len() + extension.len());
    [cut(stem, room), suffix, extension].concat()
}

/// At most `room` bytes, without half a UTF-8 character at the end.
fn cut(stem: &[u8], room: usize) -> &[u8] {
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
}
