//! Tags as they are kept: the words of models made the catalog's own.
//!
//! Pure: a word goes in, the tag comes out, or nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::singular::singular;
use crate::catalog::{Facet, LabelKey, Tag, clean};

/// Characters of a tag; a label's folder name takes at most 255 bytes.
const LONGEST: usize = 64;
/// Tags of one answer. Models asked for fifteen sometimes list whatever they know.
const MOST: usize = 32;

/// Whether the catalog has a tag already.
pub type Known = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which words are taken, and in what form. What the user said wins over what grammar says.
#[derive(Clone, Default)]
pub struct TagNormalizer {
    vocabulary: HashMap<String, String>,
    vocabulary_only: bool,
    aliases: HashMap<String, String>,
    blocked: HashSet<String>,
    english: bool,
    known: Option<Known>,
}

impl TagNormalizer {
    /// Takes every word; where they are English, in the singular.
    pub fn new(english: bool) -> Self {
        Self {
            english,
            ..Self::default()
        }
    }

    /// Words are taken in the form that they have here; others too, unless `only` these.
    pub fn vocabulary(mut self, words: &[String], only: bool) -> Self {
        let words = words.iter().filter_map(|word| clean(word, LONGEST));
        self.vocabulary = words.map(|word| (folded(&word), word)).collect();
        self.vocabulary_only = only && !self.vocabulary.is_empty();
        self
    }

    /// Words that stand for others: the word of a model, and what is taken in its place.
    pub fn aliases(mut self, aliases: &BTreeMap<String, String>) -> Self {
        let pairs = aliases
            .iter()
            .filter_map(|(from, to)| Some((folded(from), clean(to, LONGEST)?)));
        self.aliases = pairs.collect();
        self
    }

    /// Words that are never taken, not even as what an alias stands for.
    pub fn blocked(mut self, words: &[String]) -> Self {
        self.blocked = words.iter().map(|word| folded(word)).collect();
        self
    }

    /// A plural that the catalog has already is kept.
    pub fn known(mut self, known: Known) -> Self {
        self.known = Some(known);
        self
    }

    /// What these words and confidences become: no word twice, the surest first.
    pub fn tags(&self, words: Vec<(String, f32)>) -> Vec<Tag> {
        let mut tags = Vec::<Tag>::new();
        for (word, confidence) in words {
            let Some(name) = self.name(&word) else {
                continue;
            };
            let key = folded(&name);
            match tags.iter_mut().find(|tag| folded(&tag.name) == key) {
                Some(tag) => tag.confidence = tag.confidence.max(confidence),
                None => tags.push(Tag { name, confidence }),
            }
        }
        tags.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        tags.truncate(MOST);
        tags
    }

    fn name(&self, word: &str) -> Option<String> {
        let word = clean(word, LONGEST)?;
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
        let lower = folded(word);
        if !lower.chars().any(char::is_alphanumeric) {
            return None;
        }
        let is_known = || self.known.as_ref().is_some_and(|known| known(&lower));
        let base = match self.english && !self.vocabulary.contains_key(&lower) && !is_known() {
            true => singular(&lower),
            false => lower.clone(),
        };
        let forms = [lower.as_str(), base.as_str()];
        if let Some(alias) = forms.iter().find_map(|form| self.aliases.get(*form)) {
            return self.allowed(alias.clone());
        }
        self.allowed(base)
    }

    fn allowed(&self, name: String) -> Option<String> {
        let key = folded(&name);
        let preferred = self.vocabulary.get(&key);
        let refused = self.blocked.contains(&key) || (self.vocabulary_only && preferred.is_none());
        (!refused).then(|| preferred.cloned().unwrap_or(name))
    }
}

fn folded(word: &str) -> String {
    LabelKey::new(Facet::Tag, word.trim()).folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(normalizer: &TagNormalizer, words: &str, expected: &str) {
        let words = words.split(", ").map(|word| (word.to_owned(), 0.5));
        let tags = normalizer.tags(words.collect());
        let names: Vec<_> = tags.into_iter().map(|tag| tag.name).collect();
        assert_eq!(names.join(", "), expected);
    }

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn words_become_lower_case_singular_and_unique() {
        let plain = TagNormalizer::new(true);
        check(
            &plain,
            "Dogs, dog, BEACHES, #sunset, ...,  ",
            "dog, beach, sunset",
        );
        check(&TagNormalizer::new(false), "Hunde, Autos", "hunde, autos");
        check(&plain, "a\u{202e}b\u{7}, \u{1b}", "ab");
    }

    #[test]
    fn the_users_own_words_win() {
        let aliases = BTreeMap::from([("automobile".to_owned(), "car".to_owned())]);
        let normalizer = TagNormalizer::new(true)
            .vocabulary(&list(&["New York", "dogs"]), false)
            .aliases(&aliases)
            .blocked(&list(&["image"]));
        check(
            &normalizer,
            "Automobiles, new york, dogs, Image, images, tree",
            "car, New York, dogs, tree",
        );
        let only = TagNormalizer::new(true).vocabulary(&list(&["car"]), true);
        check(&only, "cars, tree", "car");
        let known = TagNormalizer::new(true).known(Arc::new(|word| word == "mountains"));
        check(&known, "Mountains, hills", "mountains, hill");
    }

    #[test]
    fn there_are_never_too_many() {
        let many = (0..100).map(|n| (format!("word {n}"), n as f32 / 100.0));
        let tags = TagNormalizer::new(true).tags(many.collect());
        assert_eq!((tags.len(), tags[0].name.as_str()), (32, "word 99"));
    }
}
