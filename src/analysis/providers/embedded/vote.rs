//! From what the two networks say to words that are likely right: they vote, and what is under a word adds up before
//! anything is decided, so that six breeds at 0.1 make one dog.

use std::collections::BTreeSet;

use super::detect::Found;
use super::labels::{Labels, Word};

/// How much the classes under an object add to its score.
const CLASS_VOTE: f32 = 0.5;
/// Least probability of everything under a word that the classes alone may say. Photos show much that is no class at
/// all, and then the best class is a guess.
const LEAST_CLASS: f32 = 0.45;
/// Least score of an object.
const LEAST_OBJECT: f32 = 0.55;
/// Boxes this sure count when things are counted.
const LEAST_COUNTED: f32 = 0.45;
/// As for the answers of servers.
const MOST_TAGS: usize = 32;

/// A word with how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vote {
    pub word: Word,
    /// 0 to 1.
    pub confidence: f32,
    /// How many of it were seen; 0 for what is not a countable object.
    pub count: usize,
    /// Whether no other word leads to this one: `dog`, and not `animal`.
    pub specific: bool,
}

/// The words, the surest first, the narrower before the wider.
pub(super) fn vote(labels: &Labels, classes: &[f32], found: &[Found]) -> Vec<Vote> {
    let mass = mass(labels, classes);
    let mut confidence: Vec<f32> = mass.iter().map(|m| accepted(*m, LEAST_CLASS)).collect();
    for one in found {
        let word = labels.object(one.object);
        let score = accepted(one.score + CLASS_VOTE * mass[word], LEAST_OBJECT);
        for word in labels.above(word).iter().copied().chain([word]) {
            confidence[word] = confidence[word].max(score);
        }
    }
    let chosen: Vec<Word> = (0..labels.len())
        .filter(|word| confidence[*word] > 0.0)
        .collect();
    let wider: BTreeSet<Word> = chosen
        .iter()
        .flat_map(|word| labels.above(*word))
        .copied()
        .collect();
    let counted = |word| {
        let alike = |one: &&Found| labels.object(one.object) == word && one.score >= LEAST_COUNTED;
        found.iter().filter(alike).count()
    };
    let mut votes: Vec<Vote> = chosen
        .into_iter()
        .map(|word| Vote {
            word,
            confidence: confidence[word].min(1.0),
            count: counted(word),
            specific: !wider.contains(&word),
        })
        .collect();
    let depth = |vote: &Vote| labels.above(vote.word).len();
    votes.sort_by(|a, b| {
        b.confidence
            .total_cmp(&a.confidence)
            .then(depth(b).cmp(&depth(a)))
    });
    votes.truncate(MOST_TAGS);
    votes
}

/// The probability of everything under each word.
fn mass(labels: &Labels, classes: &[f32]) -> Vec<f32> {
    let mut mass = vec![0.0; labels.len()];
    for (class, probability) in classes.iter().enumerate() {
        for word in labels.of_class(class) {
            mass[word] += probability;
        }
    }
    mass
}

/// The score, or 0 below what is needed.
fn accepted(score: f32, least: f32) -> f32 {
    if score >= least { score } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(classes: &[(usize, f32)], objects: &[(usize, f32)], expected: &str) {
        let labels = Labels::load().unwrap();
        let mut probabilities = vec![0.0; 1000];
        for (class, probability) in classes {
            probabilities[*class] = *probability;
        }
        let found: Vec<Found> = objects
            .iter()
            .map(|(object, score)| Found::anywhere(*object, *score))
            .collect();
        let votes = vote(&labels, &probabilities, &found);
        let shown: Vec<_> = votes
            .iter()
            .map(|v| format!("{} {:.2}", labels.name(v.word), v.confidence))
            .collect();
        assert_eq!(shown.join(", "), expected);
        assert!(votes.iter().all(|v| (0.0..=1.0).contains(&v.confidence)));
    }

    #[test]
    fn what_is_under_a_word_adds_up() {
        check(
            &[(207, 0.3), (208, 0.3)],
            &[],
            "retriever 0.60, dog 0.60, animal 0.60",
        );
        check(&[(207, 0.2), (281, 0.2)], &[], "");
    }

    #[test]
    fn the_networks_support_each_other() {
        check(&[], &[(16, 0.5)], "");
        check(&[(162, 0.4)], &[(16, 0.5)], "dog 0.70, animal 0.70");
        check(
            &[(162, 1.0)],
            &[(16, 0.9)],
            "beagle 1.00, dog 1.00, animal 1.00",
        );
    }
}
