//! The naive meaning of a query, photo by photo: what the index, which answers faster, is held to. For tests alone.

use super::{Measure, Query, Searched, State, Words};
use crate::catalog::{Entry, Label, LabelKey};

/// A photo with everything that a query may ask of it.
pub struct Candidate<'a> {
    pub entry: &'a Entry,
    pub text: &'a Searched,
    /// Whether another photo has the same hash.
    pub is_duplicate: bool,
}

impl Query {
    /// Whether the photo is among those that the query means.
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
        let labels = Label::effective_by_key(&candidate.entry.labels);
        match self {
            Self::Duplicate => candidate.is_duplicate,
            Self::Edited => photo.edited,
            Self::Screenshot => photo.is_screenshot(labels.iter().map(|(key, _)| key)),
            _ => self.fits(photo.width, photo.height),
        }
    }
}

impl Searched {
    fn has(&self, words: &Words) -> bool {
        let texts = [&self.title, &self.description, &self.tags, &self.path];
        texts.into_iter().any(|text| words.are_in(text))
    }
}
