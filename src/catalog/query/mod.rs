//! A query: which photos are meant. Parsed once from what a person typed; its meaning is [`Query::admits`].

mod error;
mod fields;
mod measure;
mod parse;
mod pattern;
mod print;
mod words;

pub use error::QueryError;
pub use fields::{FIELDS, Field};
pub use measure::{Measure, Span, day, pixels};
pub use parse::parse;
pub use pattern::{FolderPattern, Pattern};
pub use words::{Searched, Words};

use super::{Entry, Facet, Label, LabelKey, Status};

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
    Status(Status),
    State(State),
    /// Words of the title, description, tags, file name or folder.
    Words(Words),
    /// In such a folder of the source, or below it.
    Folder(FolderPattern),
    /// By file name.
    Name(Pattern),
    Within(Measure, Span),
    And(Vec<Query>),
    Or(Vec<Query>),
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
    Landscape,
    Square,
    Screenshot,
}

/// A photo with everything that a query may ask of it.
pub struct Candidate<'a> {
    pub entry: &'a Entry,
    pub text: &'a Searched,
    /// Whether another photo has the same hash.
    pub is_duplicate: bool,
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

    /// The same in a source that has this one as a folder. `None` when that folder can't be written as a pattern.
    pub fn below(self, folder: &str) -> Option<Self> {
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
    pub fn words(&self) -> Vec<&Words> {
        match self {
            Self::Words(words) => vec![words],
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::words).collect(),
            Self::Not(query) => query.words(),
            _ => Vec::new(),
        }
    }

    /// Whether analyses decide which photos it means.
    pub fn needs_analyses(&self) -> bool {
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
    pub fn wanted_words(&self) -> Vec<&Words> {
        match self {
            Self::Words(words) => vec![words],
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().flat_map(Self::wanted_words).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The naive meaning, photo by photo.
    pub fn admits(&self, candidate: &Candidate) -> bool {
        let photo = &candidate.entry.photo;
        let has = |wanted: &dyn Fn(&LabelKey) -> bool| {
            let labels = Label::effective(&candidate.entry.labels).into_iter();
            labels.map(Label::key).any(|key| wanted(&key))
        };
        match self {
            Self::All => true,
            Self::Label(key) => has(&|k| k == key),
            Self::Named(facet, words) => has(&|k| k.facet == *facet && words.are_in(&k.folded)),
            Self::Facet(facet) => has(&|k| k.facet == *facet),
            Self::Status(status) => photo.status == *status,
            Self::State(state) => state.holds(candidate),
            Self::Words(words) => candidate.text.has(words),
            Self::Folder(pattern) => pattern.admits(photo.path.folder()),
            Self::Name(pattern) => pattern.is_in(photo.path.file_name()),
            Self::Within(Measure::Rating, span) => has(&|k| k.is_rating_in(span)),
            Self::Within(measure, span) => measure.of(photo).is_some_and(|n| span.holds(n)),
            Self::And(all) => all.iter().all(|q| q.admits(candidate)),
            Self::Or(any) => any.iter().any(|q| q.admits(candidate)),
            Self::Not(q) => !q.admits(candidate),
        }
    }
}

impl State {
    fn holds(self, candidate: &Candidate) -> bool {
        let photo = &candidate.entry.photo;
        match self {
            Self::Duplicate => candidate.is_duplicate,
            Self::Edited => photo.edited,
            Self::Screenshot => candidate.entry.is_screenshot(),
            _ => self.fits(photo.width, photo.height),
        }
    }

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
    pub fn is_rating_in(&self, span: &Span) -> bool {
        let stars = self.folded.parse().ok();
        self.facet == Facet::Rating && stars.is_some_and(|stars| span.holds(stars))
    }
}
