//! The photos that a query means, under their catalog names.

use roaring::RoaringBitmap;

use crate::catalog::{PhotoId, Query, Words};
use crate::index::{Index, PackedNames};
use crate::vfs::full_text::WordMatches;
use crate::vfs::listing::{Changed, Names, PhotoFiles, no_matches};

/// The photos that a query means, as far as the index can tell.
#[derive(Debug)]
pub struct Matching(pub Query);

impl PhotoFiles for Matching {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.evaluate(&self.0, &no_matches)
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        Some(photo.name().into())
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        let named = index.by_name(name);
        named.filter(|&id| index.admits(&self.0, id, &no_matches))
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        if self.unread().is_some() {
            return of_any(change);
        }
        let index = change.index;
        change.moved(
            |id, snapshot| index.admits_snapshot(&self.0, id, snapshot, &no_matches),
            |snapshot| vec![snapshot.packed.name().into()],
        )
    }

    fn unread(&self) -> Option<&Query> {
        Some(&self.0).filter(|query| !query.words().is_empty())
    }
}

/// The photos that a query means, with what the store said of its words.
#[derive(Debug)]
pub struct Found(pub Query, pub WordMatches);

impl PhotoFiles for Found {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.evaluate(&self.0, &|words| self.1.of(words))
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        Some(photo.name().into())
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        let words = |words: &Words| self.1.of(words);
        let named = index.by_name(name);
        named.filter(|&id| index.admits(&self.0, id, &words))
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        of_any(change)
    }
}

/// A commit may have changed any text of its photos, and no snapshot tells. So each of them may have come into a folder of
/// words or left it: too much is named, never too little.
fn of_any(change: &Changed<'_>) -> Names {
    let photos = change.delta.photos.iter();
    let snapshots = photos.flat_map(|p| [&p.before, &p.after]).flatten();
    snapshots.map(|s| s.packed.name().into()).collect()
}
