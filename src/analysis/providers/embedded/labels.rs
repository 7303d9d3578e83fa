//! The words for the classes and objects: `contrib/models/labels.tsv`, made by the script beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::detect::OBJECTS;

const TABLE: &str = include_str!("../../../../contrib/models/labels.tsv");
/// ImageNet's classes.
const CLASSES: usize = 1000;

/// A word by its number: words are many and compared often.
pub(super) type Word = usize;

/// One row: the word for a class or object and those above it, the nearest first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    word: Word,
    parents: Vec<Word>,
}

pub(super) struct Labels {
    names: Vec<&'static str>,
    classes: Vec<Entry>,
    objects: Vec<Entry>,
    /// For each word those that follow from it.
    above: Vec<Vec<Word>>,
}

impl Labels {
    pub(super) fn load() -> Result<Self, Error> {
        Self::parse(TABLE).ok_or(Error::Labels)
    }

    fn parse(table: &'static str) -> Option<Self> {
        let mut words = Words::default();
        let (mut classes, mut objects) = (Vec::new(), Vec::new());
        for line in table.lines().skip(1) {
            let mut cells = line.split('\t');
            let rows = match cells.next()? {
                "class" => &mut classes,
                "object" => &mut objects,
                _ => return None,
            };
            let in_order = cells.next()?.parse() == Ok(rows.len());
            let word = words.number(cells.next()?);
            let parents = cells.next()?.split(',').filter(|name| !name.is_empty());
            let parents = parents.map(|name| words.number(name)).collect();
            rows.push(in_order.then_some(Entry { word, parents })?);
        }
        let complete = classes.len() == CLASSES && objects.len() == OBJECTS;
        complete.then(|| Self {
            above: above(words.names.len(), classes.iter().chain(&objects)),
            names: words.names,
            classes,
            objects,
        })
    }

    pub(super) fn name(&self, word: Word) -> &'static str {
        self.names[word]
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The word for an object of COCO.
    pub(super) fn object(&self, object: usize) -> Word {
        self.objects[object].word
    }

    /// The words that hold for a class of ImageNet.
    pub(super) fn of_class(&self, class: usize) -> impl Iterator<Item = Word> {
        let entry = &self.classes[class];
        std::iter::once(entry.word).chain(entry.parents.iter().copied())
    }

    /// Whether a word is only ever above others: `animal`, `clothing`.
    pub(super) fn is_general(&self, word: Word) -> bool {
        let mut named = self.classes.iter().chain(&self.objects);
        !named.any(|entry| entry.word == word)
    }

    /// The words that follow from a word: `animal` from `dog`.
    pub(super) fn above(&self, word: Word) -> &[Word] {
        &self.above[word]
    }
}

#[derive(Default)]
struct Words {
    names: Vec<&'static str>,
    numbers: BTreeMap<&'static str, Word>,
}

impl Words {
    fn number(&mut self, name: &'static str) -> Word {
        *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

/// What follows from each word: what every row that has the word has after it.
fn above<'a>(words: usize, rows: impl Iterator<Item = &'a Entry>) -> Vec<Vec<Word>> {
    let mut above: Vec<Option<BTreeSet<Word>>> = vec![None; words];
    for row in rows {
        let line: Vec<Word> = std::iter::once(row.word)
            .chain(row.parents.iter().copied())
            .collect();
        for (n, word) in line.iter().enumerate() {
            let after: BTreeSet<Word> = line[n + 1..].iter().copied().collect();
            above[*word] = Some(match above[*word].take() {
                Some(before) => &before & &after,
                None => after,
            });
        }
    }
    let sets = above.into_iter().map(Option::unwrap_or_default);
    sets.map(|set| set.into_iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_to_the_words_above_them() {
        let labels = Labels::load().unwrap();
        let check = |name: &str, expected: &[&str]| {
            let word = labels.names.iter().position(|n| *n == name).unwrap();
            let mut above: Vec<_> = labels.above(word).iter().map(|w| labels.name(*w)).collect();
            above.sort_unstable();
            assert_eq!(above, expected, "{name}");
        };
        check("golden retriever", &["animal", "dog", "retriever"]);
        check("terrier", &["animal", "dog"]);
        check("cat", &["animal"]);
        check("animal", &[]);
        check("beach", &["coast", "landscape"]);
        check("taxi", &["car", "vehicle"]);
    }

    #[test]
    fn every_class_and_object_has_a_word_that_fits_a_tag() {
        let labels = Labels::load().unwrap();
        for name in &labels.names {
            let clean = crate::catalog::clean(name, 64);
            assert_eq!(clean.as_deref(), Some(*name));
            assert_eq!(name.to_lowercase(), *name);
        }
        assert_eq!(labels.name(labels.object(16)), "dog");
        assert_eq!(
            labels
                .of_class(285)
                .map(|w| labels.name(w))
                .collect::<Vec<_>>(),
            ["cat", "animal"]
        );
    }

    #[test]
    fn a_broken_table_is_refused() {
        assert!(Labels::parse("model\tindex\ttag\tparents\nclass\t1\tdog\tanimal\n").is_none());
        assert!(Labels::parse("").is_none());
    }
}
