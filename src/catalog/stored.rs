//! What a store holds, in the form that an index is built of: a label once, however many photos have it.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Entry, Label, LabelKey, Photo};

/// A part of what a store holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// What came so far doesn't count: all comes once more.
    Anew,
    /// So many photos come, or fewer.
    AtMost(u32),
    /// A tag that a person made, and how it is written.
    Made {
        /// Of facet `tag`.
        tag: LabelKey,
        /// Outside data, as the person wrote it.
        written: String,
    },
    /// A query that is kept under a name.
    Saved {
        /// The name of its folder below `saved/`.
        name: String,
        /// The query as a person wrote it.
        query: String,
    },
    /// What some photo that comes later has: the first one has the number 0, each next one the next. How sure it is and
    /// which analyzer says it differs from photo to photo and isn't said, but whether it is a denial.
    Label(Label),
    /// A photo with the numbers of its labels.
    Photo(Photo, Vec<u32>),
}

/// Gives labels their numbers.
#[derive(Default)]
pub struct Numbering {
    labels: Vec<Label>,
    by_hash: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Numbering {
    /// Hands a photo over, and its labels before it.
    pub fn hand_over(&mut self, entry: Entry, each: &mut dyn FnMut(Stored)) {
        let numbers = entry.labels.iter().map(|label| self.number(label, each));
        let mut numbers: Vec<_> = numbers.collect();
        // What several analyzers say stands side by side.
        numbers.dedup();
        each(Stored::Photo(entry.photo, numbers));
    }

    /// The number of a label. A new one is handed over before.
    fn number(&mut self, label: &Label, each: &mut dyn FnMut(Stored)) -> u32 {
        let hash = self.hasher.hash_one(words_of(label));
        let known = |number: &u32| words_of(&self.labels[*number as usize]);
        if let Some(number) = self.by_hash.find(hash, |n| known(n) == words_of(label)) {
            return *number;
        }
        let number = u32::try_from(self.labels.len()).expect("fewer labels than 2^32");
        let rehash = |number: &u32| self.hasher.hash_one(known(number));
        self.by_hash.insert_unique(hash, number, rehash);
        let analyzer = None;
        let label = Label {
            analyzer,
            ..label.clone()
        };
        self.labels.push(label.clone());
        each(Stored::Label(label));
        number
    }
}

/// What labels of one number have in common: facet, value, origin, whether it is a denial.
fn words_of(label: &Label) -> (&str, &str, &str, bool) {
    let (facet, origin) = (label.facet.name(), label.origin.name());
    (facet, &label.value, origin, label.is_denial())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Facet, Origin};

    #[test]
    fn a_label_comes_once_and_before_the_first_that_has_it() {
        let mut numbering = Numbering::default();
        let mut check = |value: &str, origin, confidence, number, is_new: bool| {
            let label = Label::new(Facet::Tag, value, origin, confidence);
            let mut came = Vec::new();
            let each = &mut |stored| came.push(stored);
            assert_eq!(numbering.number(&label, each), number);
            let expected = is_new.then(|| Stored::Label(label.clone()));
            assert_eq!(came, Vec::from_iter(expected));
        };
        check("dog", Origin::Embedded, 0.5, 0, true);
        check("dog", Origin::Embedded, 0.0, 0, false);
        check("Dog", Origin::Embedded, 0.5, 1, true);
        check("dog", Origin::Human, 1.0, 2, true);
        check("dog", Origin::Human, 0.0, 3, true);
        check("dog", Origin::Embedded, 1.0, 0, false);
    }
}
