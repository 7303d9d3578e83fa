//! Queries as folder names: `search/beach -people date:2024/`.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use crate::catalog::{FIELDS, Query, QueryError, clean, parse_query};

/// A query as someone wrote it into a path, understood or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    text: String,
    query: Result<Query, QueryError>,
}

impl Search {
    /// A query as it is written, understood or not.
    pub fn new(text: String) -> Self {
        let query = parse_query(&text);
        Self { text, query }
    }

    /// The search of a folder name. `None` for names that programs look for in every folder, and for what is no text.
    pub fn named(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        if is_looked_for_everywhere(name) {
            return None;
        }
        Some(Self::new(decode(name)?))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means, or what is wrong with it and where.
    pub fn query(&self) -> Result<&Query, &QueryError> {
        self.query.as_ref()
    }

    /// What is wrong with the query, for people.
    pub fn mistake(&self) -> String {
        let Err(error) = &self.query else {
            return String::new();
        };
        let plain = |text: &str| clean(text, usize::MAX / 8).unwrap_or_default();
        format!(
            "This is no query: {} at character {}.\n\n{}\n\nHint: {}\nHow to write queries: ../README.txt\n",
            plain(&error.message),
            error.at,
            error.pointed(&self.text),
            plain(&error.hint),
        )
    }
}

/// The file that says what is wrong with a query, in its folder.
pub const MISTAKE: &[u8] = b"ERROR.txt";

/// No query begins with a dot. The rest is what Windows and other systems leave in folders.
fn is_looked_for_everywhere(name: &str) -> bool {
    const NAMES: [&str; 4] = ["thumbs.db", "desktop.ini", "autorun.inf", "lost+found"];
    name.starts_with('.') || NAMES.contains(&name.to_lowercase().as_str())
}

/// The text that a name stands for: `%2F` is `/`, as labels are escaped; a `%` that escapes nothing is itself.
fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let digits = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|d| std::str::from_utf8(d).ok());
        match escaped.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// How to write queries: the README of `search/`.
pub fn readme() -> String {
    let fields = FIELDS.iter().map(|field| {
        let means = field.means;
        format!("{:<28}{means}\n", field.example)
    });
    format!(
        "Any query is a folder here. Nothing is stored by looking; the latest ones are listed.

ls 'search/dog -beach date:2024'

dogs                        the word in title, description, tags, file name or folder; also finds dog
\"red car\"                   words in a row
sun*                        a word that begins so
a b    a OR b    -a    ( )  both; either; without; a b OR c means (a b) OR c
{}
Case doesn't matter. A value with spaces goes in quotation marks: tag:\"golden retriever\".
A / in a query is written %2F: folder:trip%2Fday*
A mistake is a folder with ERROR.txt in it, which points at the place.
",
        fields.collect::<String>()
    )
}

/// The names of the searches opened last.
#[derive(Default)]
pub struct RecentSearches(Mutex<VecDeque<Vec<u8>>>);

impl RecentSearches {
    /// A screenful of names beside the README; more would be a history, which looking is not to leave behind.
    const CAPACITY: usize = 8;

    pub fn add(&self, name: &[u8]) {
        let mut names = self.lock();
        names.retain(|known| known != name);
        names.push_front(name.to_vec());
        names.truncate(Self::CAPACITY);
    }

    /// The latest first.
    pub fn names(&self) -> Vec<Vec<u8>> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_queries_with_a_slash_escaped() {
        let check = |name: &str, text: Option<&str>| {
            let search = Search::named(name.as_bytes());
            assert_eq!(search.as_ref().map(Search::text), text, "{name}");
        };
        check("dog -beach", Some("dog -beach"));
        check("folder:a%2Fb", Some("folder:a/b"));
        check("100% wool", Some("100% wool"));
        check("%2520", Some("%20"));
        check("%ff", None);
        check(".Trash-1000", None);
        check("Desktop.ini", None);
        assert_eq!(Search::named(b"\xff"), None);
    }

    #[test]
    fn a_mistake_is_explained() {
        let mistake = Search::new("a kind:\u{1b}x".into()).mistake();
        let expected =
            "This is no query: unknown field kind at character 3.\n\na kind: x\n  ^^^^\n\nHint: ";
        assert!(mistake.starts_with(expected), "{mistake}");
        assert!(!mistake.contains('\u{1b}'));
    }

    #[test]
    fn every_field_is_explained() {
        let readme = readme();
        for field in FIELDS {
            assert!(readme.contains(field.example), "{}", field.name);
        }
    }

    #[test]
    fn the_latest_searches_are_few_and_different() {
        let recent = RecentSearches::default();
        (0..20).for_each(|n| recent.add(n.to_string().as_bytes()));
        recent.add(b"15");
        let names = recent.names();
        assert_eq!(names.len(), RecentSearches::CAPACITY);
        assert_eq!(names[..3], [b"15".to_vec(), b"19".to_vec(), b"18".to_vec()]);
    }
}
