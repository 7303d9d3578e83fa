//! From a query to the photos it means. What is right is said, photo by photo, in `catalog/query/meaning.rs`.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{FolderId, Inner, PackedNames, PhotoSnapshot, Traits};
use crate::catalog::{Measure, PhotoId, Query, Span, State, Words, pixels};

/// Who answers the full-text parts of a query.
pub type FullText<'a> = &'a dyn Fn(&Words) -> Arc<RoaringBitmap>;

/// One photo, as far as a query may ask.
pub struct Candidate<'a> {
    id: PhotoId,
    packed: &'a PackedNames,
    traits: Traits,
    folder: FolderId,
}

impl<'a> Candidate<'a> {
    /// A photo as it looked, or looks.
    pub fn snapshot(id: PhotoId, snapshot: &'a PhotoSnapshot) -> Self {
        Self {
            id,
            packed: &snapshot.packed,
            traits: snapshot.traits,
            folder: snapshot.folder,
        }
    }
}

impl Inner {
    /// The photos that a query means.
    pub fn evaluate(&self, query: &Query, words: FullText) -> RoaringBitmap {
        self.within(query, &self.all, words)
    }

    /// The photos of `among` that a query means.
    fn within(&self, query: &Query, among: &RoaringBitmap, words: FullText) -> RoaringBitmap {
        match query {
            Query::All => among.clone(),
            Query::Label(key) => self
                .labels
                .photos(key)
                .map_or_else(RoaringBitmap::new, |photos| photos & among),
            Query::Named(facet, words) => {
                self.labels
                    .photos_where(*facet, |key| words.are_in(&key.folded))
                    & among
            }
            Query::Facet(facet) => self.labels.photos_where(*facet, |_| true) & among,
            Query::Status(status) => &self.status[*status as usize] & among,
            Query::State(State::Duplicate) => self.copies.all() & among,
            Query::Words(text) => &*words(text) & among,
            Query::Folder(pattern) => {
                self.folders.photos_where(|path| pattern.admits(path)) & among
            }
            Query::Within(Measure::Rating, span) => self.rated(span) & among,
            Query::And(all) => self.intersection(all, among, words),
            Query::Or(any) => any.iter().fold(RoaringBitmap::new(), |sum, q| {
                sum | self.within(q, among, words)
            }),
            Query::Not(q) => among - self.within(q, among, words),
            Query::State(_) | Query::Name(_) | Query::Within(..) => self.walk(query, among, words),
        }
    }

    /// What takes a walk over the photos comes last: few are left then.
    fn intersection(&self, all: &[Query], among: &RoaringBitmap, words: FullText) -> RoaringBitmap {
        let (slow, fast): (Vec<_>, Vec<_>) = all.iter().partition(|q| takes_a_walk(q));
        let parts = fast.into_iter().chain(slow);
        parts.fold(among.clone(), |among, q| self.within(q, &among, words))
    }

    fn walk(&self, query: &Query, among: &RoaringBitmap, words: FullText) -> RoaringBitmap {
        let admitted = among.iter().filter(|&id| {
            let candidate = self.candidate(PhotoId(id));
            candidate.is_some_and(|candidate| self.admits(query, &candidate, words))
        });
        RoaringBitmap::from_sorted_iter(admitted).expect("a bitmap is sorted")
    }

    fn rated(&self, span: &Span) -> RoaringBitmap {
        let facet = crate::catalog::Facet::Rating;
        self.labels
            .photos_where(facet, |key| key.is_rating_in(span))
    }

    /// Whether a query means one photo: what [`Self::evaluate`] says of all.
    pub fn admits(&self, query: &Query, candidate: &Candidate, words: FullText) -> bool {
        let admits = |q: &Query| self.admits(q, candidate, words);
        let mut keys = candidate
            .packed
            .labels()
            .map(|label| self.labels.key(label));
        match query {
            Query::All => true,
            Query::Label(key) => {
                let id = self.labels.id(key);
                id.is_some_and(|id| candidate.packed.has(id))
            }
            Query::Named(facet, words) => {
                keys.any(|k| k.facet == *facet && words.are_in(&k.folded))
            }
            Query::Facet(facet) => keys.any(|k| k.facet == *facet),
            Query::Status(wanted) => *wanted == candidate.traits.status,
            Query::State(state) => candidate.traits.is(*state),
            Query::Words(text) => words(text).contains(candidate.id.0),
            Query::Folder(pattern) => pattern.admits(&self.folders.path(candidate.folder)),
            Query::Name(pattern) => pattern.is_in(candidate.packed.file_name()),
            Query::Within(Measure::Rating, span) => keys.any(|k| k.is_rating_in(span)),
            Query::Within(measure, span) => {
                let number = candidate.traits.measure(*measure);
                number.is_some_and(|n| span.holds(n))
            }
            Query::And(all) => all.iter().all(admits),
            Query::Or(any) => any.iter().any(admits),
            Query::Not(q) => !admits(q),
        }
    }

    /// A photo that is there.
    pub fn candidate(&self, id: PhotoId) -> Option<Candidate<'_>> {
        let record = self.photos.get(id)?;
        Some(Candidate {
            id,
            packed: &record.packed,
            traits: record.traits(self.copies.all().contains(id.0)),
            folder: record.folder,
        })
    }
}

/// Whether no bitmap has the answer, so that each photo's record is looked at.
fn takes_a_walk(query: &Query) -> bool {
    match query {
        Query::State(state) => *state != State::Duplicate,
        Query::Within(measure, _) => *measure != Measure::Rating,
        Query::Name(_) => true,
        Query::And(parts) | Query::Or(parts) => parts.iter().any(takes_a_walk),
        Query::Not(query) => takes_a_walk(query),
        _ => false,
    }
}

impl Traits {
    fn is(&self, state: State) -> bool {
        match state {
            State::Duplicate => self.duplicate,
            State::Edited => self.edited,
            State::Screenshot => self.screenshot,
            _ => state.fits(self.width, self.height),
        }
    }

    fn measure(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Date => self.day,
            Measure::Rating => None,
            Measure::Size => Some(self.size),
            Measure::Width => pixels(self.width),
            Measure::Height => pixels(self.height),
        }
    }
}

#[cfg(test)]
mod tests;
