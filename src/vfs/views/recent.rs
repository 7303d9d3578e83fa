//! `recent/`: the photos taken last, a bounded number of them.

use roaring::RoaringBitmap;

use super::View;
use crate::catalog::PhotoId;
use crate::index::{Index, Membership, PackedNames};
use crate::vfs::listing::{Changed, Names, PhotoFiles};
use crate::vfs::{Listing, Step};

pub struct Recent;

impl View for Recent {
    fn name(&self) -> &'static str {
        "recent"
    }

    fn list(&self, _: &[Step], _: usize) -> Listing {
        Listing::photos(Latest)
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.is_recent)
    }
}

/// The photos taken last, under their catalog names.
#[derive(Debug)]
struct Latest;

impl PhotoFiles for Latest {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.recent()
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        Some(photo.name().into())
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        index.by_name(name).filter(|&id| index.is_recent(id))
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        change.moved_or_renamed(&change.delta.recent)
    }
}
