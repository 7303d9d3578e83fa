//! Names of files and folders as people write them: with `*` and `?`, without case.

use crate::catalog::fold;

/// More than this in one pattern takes time and means nothing more.
pub const MOST_STARS: usize = 8;

/// A name with `*` for anything and `?` for any one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// `None` with more stars than `MOST_STARS`.
    pub fn new(text: &str) -> Option<Self> {
        let stars = text.matches('*').count();
        (stars <= MOST_STARS).then(|| Self(fold(text).into_owned()))
    }

    /// The pattern in lower case, as [`Self::new`] reads it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is the whole name.
    pub fn is_whole(&self, name: &[u8]) -> bool {
        let name: Vec<char> = fold(&String::from_utf8_lossy(name)).chars().collect();
        let pattern: Vec<char> = self.0.chars().collect();
        fits(&pattern, &name)
    }

    /// Whether it is the whole name, or without any `*` and `?` a part of it.
    pub fn is_in(&self, name: &[u8]) -> bool {
        match self.0.contains(['*', '?']) {
            true => self.is_whole(name),
            false => fold(&String::from_utf8_lossy(name)).contains(&self.0),
        }
    }
}

/// At a mismatch, only the last star takes one character more: no star before it could do better.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((star, from)) = retry else {
                    return false;
                };
                retry = Some((star, from + 1));
                (p, n) = (star, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Folders in a row: `2019`, `trip/day*`, from the top with a `/` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPattern {
    from_top: bool,
    /// Never empty.
    names: Vec<Pattern>,
}

impl FolderPattern {
    /// `None` when it names no folder, or has too many stars.
    pub fn new(text: &str) -> Option<Self> {
        let names = text.split('/').filter(|name| !name.is_empty());
        let names: Option<Vec<_>> = names.map(Pattern::new).collect();
        Some(Self {
            from_top: text.starts_with('/'),
            names: names.filter(|names| !names.is_empty())?,
        })
    }

    /// What means the same folders in a source that has this one as a folder. `None` when that folder can't be written
    /// as a pattern.
    pub(crate) fn below(&self, folder: &str) -> Option<Self> {
        match self.from_top {
            true => Self::new(&format!("/{folder}{}", self.text())),
            false => Some(self.clone()),
        }
    }

    /// The pattern in lower case, as [`Self::new`] reads it.
    pub fn text(&self) -> String {
        let names: Vec<_> = self.names.iter().map(Pattern::text).collect();
        let top = if self.from_top { "/" } else { "" };
        format!("{top}{}", names.join("/"))
    }

    /// Whether a folder of the source is one that is meant, or lies below one.
    pub fn admits(&self, folder: &[u8]) -> bool {
        let has: Vec<_> = folder.split(|&b| b == b'/').collect();
        let fit = |here: &[&[u8]]| {
            self.names
                .iter()
                .zip(here)
                .all(|(p, name)| p.is_whole(name))
        };
        let mut places = has.windows(self.names.len());
        match self.from_top {
            true => places.next().is_some_and(fit),
            false => places.any(fit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_from_the_top_is_another_one_in_a_larger_source() {
        let check = |pattern: &str, below: &str| {
            let moved = FolderPattern::new(pattern).unwrap().below("2019/x");
            assert_eq!(moved.unwrap().text(), below);
        };
        check("/trip/day*", "/2019/x/trip/day*");
        check("trip", "trip");
        let starry = "*".repeat(MOST_STARS + 1);
        assert_eq!(FolderPattern::new("/a").unwrap().below(&starry), None);
    }

    #[test]
    fn stars_and_question_marks_stand_for_characters() {
        let check = |pattern: &str, name: &str, fits: bool| {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.is_in(name.as_bytes()), fits, "{pattern:?} {name}");
        };
        check("img_1", "IMG_1234.jpg", true);
        check("img_?.jpg", "IMG_1.jpg", true);
        check("img_?.jpg", "IMG_12.jpg", false);
        check("*.jp*g", "a.b.jpeg", true);
        check("*ab", "aab", true);
        check("a*b*c", "aXbXbXc", true);
        check("a*b*c", "aXbXbX", false);
        check("*", "", true);
        check("?", "é", true);
        check("STRASSE", "strasse", true);
        assert_eq!(Pattern::new(&"*".repeat(9)), None);
    }

    #[test]
    fn a_folder_is_meant_with_what_lies_below_it() {
        let check = |pattern: &str, folder: &str, admitted: bool| {
            let pattern = FolderPattern::new(pattern).unwrap();
            assert_eq!(
                pattern.admits(folder.as_bytes()),
                admitted,
                "{pattern:?} {folder}"
            );
        };
        check("trip", "2019/Trip/day 1", true);
        check("trip", "2019/trips", false);
        check("trip/day*", "2019/trip/day 1/x", true);
        check("2019/day*", "2019/trip/day 1", false);
        check("/trip", "2019/trip", false);
        check("/2019/", "2019/trip", true);
        check("x", "", false);
        assert_eq!(FolderPattern::new("/"), None);
    }
}
