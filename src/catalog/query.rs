//! A query: which photos are meant. Parsed once from what a person typed; its meaning is [`Query::admits`].

use super::{Entry, Facet, Label, LabelKey, Status};

/// A set of photos, described.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Every photo.
    All,
    /// Photos that have this label.
    Label(LabelKey),
    /// Photos that have any label of this facet.
    Facet(Facet),
    Status(Status),
    /// A word or phrase of the title, description, tags, file name or folder. Lower case.
    Words(String),
    And(Vec<Query>),
    Or(Vec<Query>),
    Not(Box<Query>),
}

/// Why a query can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}\nhint: {hint}")]
pub struct QueryError {
    pub message: String,
    /// Counted in characters, from 1.
    pub at: usize,
    pub hint: String,
}

impl std::ops::Not for Query {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl Query {
    pub fn label(facet: Facet, value: &str) -> Self {
        Self::Label(LabelKey::new(facet, value))
    }

    /// `self` and `other`, flattened.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, q) | (q, Self::All) => q,
            (Self::And(mut all), q) => {
                all.push(q);
                Self::And(all)
            }
            (p, q) => Self::And(vec![p, q]),
        }
    }

    /// The naive meaning, photo by photo; `text` is everything that words are looked for in, in lower case.
    pub fn admits(&self, entry: &Entry, text: &str) -> bool {
        let has = |wanted: &dyn Fn(&LabelKey) -> bool| {
            Label::effective(&entry.labels)
                .into_iter()
                .any(|l| wanted(&l.key()))
        };
        match self {
            Self::All => true,
            Self::Label(key) => has(&|k| k == key),
            Self::Facet(facet) => has(&|k| k.facet == *facet),
            Self::Status(status) => entry.photo.status == *status,
            Self::Words(words) => text.contains(words.as_str()),
            Self::And(all) => all.iter().all(|q| q.admits(entry, text)),
            Self::Or(any) => any.iter().any(|q| q.admits(entry, text)),
            Self::Not(q) => !q.admits(entry, text),
        }
    }
}
