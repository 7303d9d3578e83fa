//! Words that are looked for in a photo's texts.

use unicode_normalization::UnicodeNormalization;

use crate::catalog::{Detail, Facet, Label, TextField, fold};

/// A word, or several in a row: `car`, `red car`, `sun*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Words {
    /// In lower case, with their accents; never empty.
    words: Vec<String>,
    /// Whether the last one may go on.
    open: bool,
}

impl Words {
    /// The words of a text; a `*` at its end leaves the last one open. `None` for a text without letters and digits.
    pub fn new(text: &str) -> Option<Self> {
        let open = text.ends_with('*');
        let words: Vec<_> = split(&fold(text)).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self { words, open })
    }

    /// In lower case, with their accents; never empty.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the last word is a beginning.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether a text has them in a row. Word by word as they are: a store with stems finds more.
    pub fn are_in(&self, text: &str) -> bool {
        let wanted: Vec<_> = self.words.iter().map(|w| plain(w)).collect();
        let text = fold(text);
        let has: Vec<_> = split(&text).map(plain).collect();
        let (last, whole) = wanted.split_last().expect("words are never empty");
        has.windows(wanted.len()).any(|here| {
            let end = &here[whole.len()];
            here.starts_with(whole) && (end == last || self.open && end.starts_with(last))
        })
    }
}

/// Runs of letters and digits; an accent is part of its letter.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_accent(c));
    words.filter(|w| w.contains(char::is_alphanumeric))
}

fn plain(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    word.nfd().filter(|&c| !is_accent(c)).nfc().collect()
}

/// What the full-text index leaves out.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// The texts of a photo that words are looked for in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searched {
    /// The title that holds; empty where there is none.
    pub title: String,
    /// The description that holds; empty where there is none.
    pub description: String,
    /// The tags that hold, one a line.
    pub tags: String,
    /// Where its file is, below the source folder.
    pub path: String,
}

impl Searched {
    /// Takes of a photo what can be searched.
    pub fn of(detail: &Detail) -> Self {
        let text = |field| detail.text(field).map(|t| t.value.clone());
        let labels = Label::effective(&detail.entry.labels).into_iter();
        let tags = labels.filter(|l| l.facet == Facet::Tag);
        let tags: Vec<_> = tags.map(|l| l.value.as_str()).collect();
        Self {
            title: text(TextField::Title).unwrap_or_default(),
            description: text(TextField::Description).unwrap_or_default(),
            tags: tags.join("\n"),
            // Some systems write names decomposed.
            path: detail.entry.photo.path.to_string().nfc().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_in_a_row_and_without_case_and_accents() {
        let check = |words: &str, text: &str, found: bool| {
            let words = Words::new(words).unwrap();
            assert_eq!(words.are_in(text), found, "{words:?} in {text:?}");
        };
        check("red car", "A Red, car", true);
        check("red car", "a car, red", false);
        check("car", "carpet", false);
        check("car*", "carpet", true);
        check("red ca*", "red Carpet", true);
        check("re* car", "red car", false);
        check("zurich", "Z\u{fc}rich", true);
        check("Z\u{fc}rich", "zurich", true);
        check("cafe", "cafe\u{301}", true);
        check("img_12", "IMG 12.jpg", true);
        assert_eq!(Words::new(" & 🐶"), None);
    }
}
