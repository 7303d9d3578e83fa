//! A query: which photos are meant. Parsed once from what a person typed; `meaning.rs` says what it means.

mod error;
mod fields;
#[cfg(test)]
mod meaning;
mod measure;
mod parse;
mod pattern;
mod print;
mod words;

pub use error::QueryError;
pub use fields::FIELDS;
#[cfg(test)]
pub use meaning::Candidate;
pub use measure::{Measure, Span, day, pixels};
pub use parse::parse;
pub use pattern::{FolderPattern, Pattern};
pub use words::{Searched, Words};

use super::{Facet, LabelKey, Status};

/// A set of photos, described. What [`parse`] gives prints as what means the same, and parses back to itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Every photo.
    All,
    /// Photos that have this label.
    Label(LabelKey),
    /// Photos that have a label of this facet with these words in its value.
    Named(Facet, Words),
    /// Photos that have any label of this facet.
    Facet(Facet),
    /// Photos whose analysis is this far.
    Status(Status),
    /// Photos of which this is so.
    State(State),
    /// Words of the title, description, tags, file name or folder.
    Words(Words),
    /// In such a folder of the source, or below it.
    Folder(FolderPattern),
    /// By file name.
    Name(Pattern),
    /// Photos of which this number is known and lies in the span.
    Within(Measure, Span),
    /// Photos that all of these mean.
    And(Vec<Query>),
    /// Photos that any of these means.
    Or(Vec<Query>),
    /// Photos that this doesn't mean.
    Not(Box<Query>),
}

/// What is so of a photo or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Another photo has the same bytes.
    Duplicate,
    /// A person said something of it.
    Edited,
    /// Higher than wide, upright.
    Portrait,
    /// Wider than high, upright.
    Landscape,
    /// As wide as high.
    Square,
    /// A picture of a screen: see [`Photo::is_screenshot`](crate::catalog::Photo::is_screenshot).
    Screenshot,
}

impl std::ops::Not for Query {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl Query {
    /// Photos that have the label with this value, however it is written.
    pub fn label(facet: Facet, value: &str) -> Self {
        Self::Label(LabelKey::new(facet, value))
    }

    /// `self` and `other`, flattened.
    pub fn and(self, other: Self) -> Self {
        let mut all = Vec::new();
        for part in [self, other] {
            match part {
                Self::All => {}
                Self::And(parts) => all.extend(parts),
                part => all.push(part),
            }
        }
        match all.len() {
            0 => Self::All,
            1 => all.remove(0),
            _ => Self::And(all),
        }
    }

    /// `self` or `other`, flattened.
    pub fn or(self, other: Self) -> Self {
        let mut any = Vec::new();
        for part in [self, other] {
            match part {
                Self::Or(parts) => any.extend(parts),
                part => any.push(part),
            }
        }
        Self::Or(any)
    }

    /// What means the same photos in a source that has this one as a folder. `None` when that folder can't be written
    /// as a pattern.
    pub(crate) fn below(self, folder: &str) -> Option<Self> {
        let top = FolderPattern::new(&format!("/{folder}"))?;
        Some(Self::Folder(top).and(self.moved(folder)?))
    }

    fn moved(self, folder: &str) -> Option<Self> {
        let each = |parts: Vec<Self>| {
            parts
                .into_iter()
                .map(|q| q.moved(folder))
                .collect::<Option<Vec<_>>>()
        };
        Some(match self {
            Self::Folder(pattern) => Self::Folder(pattern.below(folder)?),
            Self::And(parts) => Self::And(each(parts)?),
            Self::Or(parts) => Self::Or(each(parts)?),
            Self::Not(query) => !query.moved(folder)?,
            other => other,
        })
    }

    /// All words that are looked for, which only the store can answer.
    pub(crate) fn words(&self) -> Vec<&Words> {
        match self {
            Self::Words(words) => vec![words],
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::words).collect(),
            Self::Not(query) => query.words(),
            _ => Vec::new(),
        }
    }

    /// Whether analyses decide which photos it means.
    pub(crate) fn needs_analyses(&self) -> bool {
        let finds = |facet| matches!(facet, Facet::Tag | Facet::Color);
        match self {
            Self::Words(_) | Self::Status(Status::Analyzed) => true,
            Self::Label(key) => finds(key.facet),
            Self::Named(facet, _) | Self::Facet(facet) => finds(*facet),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::needs_analyses),
            Self::Not(query) => query.needs_analyses(),
            _ => false,
        }
    }

    /// The words that photos should have, for their order by relevance: those that aren't left out.
    pub(crate) fn wanted_words(&self) -> Vec<&Words> {
        match self {
            Self::Words(words) => vec![words],
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().flat_map(Self::wanted_words).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl State {
    /// Whether it is the state of pictures of this size; unknown sizes have none.
    pub fn fits(self, width: u32, height: u32) -> bool {
        let order = (width > 0 && height > 0).then(|| width.cmp(&height));
        let state = order.map(|order| match order {
            std::cmp::Ordering::Less => Self::Portrait,
            std::cmp::Ordering::Equal => Self::Square,
            std::cmp::Ordering::Greater => Self::Landscape,
        });
        state == Some(self)
    }
}

impl LabelKey {
    /// Whether it is a rating within a span.
    pub(crate) fn is_rating_in(&self, span: &Span) -> bool {
        let stars = self.folded.parse().ok();
        self.facet == Facet::Rating && stars.is_some_and(|stars| span.holds(stars))
    }
}
