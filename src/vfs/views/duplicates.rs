//! `duplicates/IMG_1.jpg/`: photos that are alike, a folder a group, called like the oldest of them.

use roaring::RoaringBitmap;

use super::View;
use crate::catalog::PhotoId;
use crate::index::{Index, Membership, PackedNames};
use crate::vfs::listing::{Changed, Names, PhotoFiles, Shown, Subfolder, Subfolders, cookies};
use crate::vfs::{Listing, Step};

pub struct Duplicates;

impl View for Duplicates {
    fn name(&self) -> &'static str {
        "duplicates"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let listing = match steps {
            [] => Listing::folders(Groups),
            [Step::Group(oldest)] => Listing::photos(Alike(*oldest)),
            _ => Listing::nothing(),
        };
        listing.needing_analyses()
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.has_duplicate)
    }
}

/// A folder for each group of photos that are alike.
#[derive(Debug)]
struct Groups;

impl Subfolders for Groups {
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder> {
        let groups = shown.index.groups().into_iter();
        let folders = groups.filter_map(|oldest| {
            Some(Subfolder {
                cookie: cookies::FOLDERS + u64::from(oldest.0),
                name: shown.index.packed_names(oldest)?.name().into(),
                step: Step::Group(oldest),
            })
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], shown: Shown<'_>) -> Option<Step> {
        let oldest = shown.index.by_name(name)?;
        let is_group = shown.index.group_of(oldest) == Some(oldest);
        is_group.then_some(Step::Group(oldest))
    }

    fn stale(&self, change: &mut Changed<'_>) -> Names {
        let groups = change.delta.regrouped.iter();
        let groups = groups.flat_map(|r| [r.before, r.after]).flatten();
        change.moved_or_renamed(&groups.map(|oldest| oldest.0).collect())
    }
}

/// The photos of a group, under their catalog names.
#[derive(Debug)]
struct Alike(PhotoId);

impl PhotoFiles for Alike {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.group(self.0)
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        Some(photo.name().into())
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        let named = index.by_name(name);
        named.filter(|&id| index.group_of(id) == Some(self.0))
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        let moved = change.delta.regrouped.iter();
        let moved = moved.filter(|r| [r.before, r.after].contains(&Some(self.0)));
        change.moved_or_renamed(&moved.map(|r| r.photo.0).collect())
    }
}
