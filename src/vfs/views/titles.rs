//! `titles/`: photos under their titles, `Sunset over the bay.jpg`.

use roaring::RoaringBitmap;

use super::View;
use crate::catalog::PhotoId;
use crate::index::{Index, Membership, PackedNames};
use crate::vfs::listing::{Changed, Names, PhotoFiles};
use crate::vfs::{Listing, Step};

pub struct Titles;

impl View for Titles {
    fn name(&self) -> &'static str {
        "titles"
    }

    fn list(&self, _: &[Step], _: usize) -> Listing {
        Listing::photos(Titled).needing_analyses()
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.has_title)
    }
}

/// The photos that have a title, under it.
#[derive(Debug)]
struct Titled;

impl PhotoFiles for Titled {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.titled()
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        photo.title_name().map(Into::into)
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        index.by_title(name)
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        change.moved(
            |_, _| true,
            |snapshot| {
                let name = snapshot.packed.title_name();
                name.map(Into::into).into_iter().collect()
            },
        )
    }
}
