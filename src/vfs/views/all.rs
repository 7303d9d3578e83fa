//! `all/`: the source tree as it is.

use roaring::RoaringBitmap;

use super::View;
use crate::catalog::PhotoId;
use crate::index::{FolderId, Index, Membership, PackedNames};
use crate::vfs::listing::{Changed, Names, PhotoFiles, Shown, Subfolder, Subfolders, cookies};
use crate::vfs::{Listing, Step};

pub struct All;

impl View for All {
    fn name(&self) -> &'static str {
        "all"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let folder = folder_at(steps);
        Listing::of(SourceFolders(folder), SourcePhotos(folder))
    }

    fn links(&self, _: &Membership) -> u32 {
        1
    }
}

/// The folder of the source that these steps lead to.
pub fn folder_at(steps: &[Step]) -> FolderId {
    match steps.last() {
        Some(Step::Source(folder)) => *folder,
        _ => FolderId::TOP,
    }
}

/// The folders of the source directly below one.
#[derive(Debug)]
pub struct SourceFolders(pub FolderId);

impl Subfolders for SourceFolders {
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder> {
        let below = shown.index.subfolders(self.0).into_iter();
        let folders = below.map(|folder| Subfolder {
            cookie: cookies::FOLDERS + u64::from(folder.id.0),
            name: folder.name.into(),
            step: Step::Source(folder.id),
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], shown: Shown<'_>) -> Option<Step> {
        shown.index.subfolder(self.0, name).map(Step::Source)
    }

    fn stale(&self, change: &mut Changed<'_>) -> Names {
        let folders = change.delta.folders.iter();
        let below = folders.filter(|(parent, _)| *parent == self.0);
        below.map(|(_, name)| name.to_vec()).collect()
    }
}

/// The photos directly in a folder of the source, under their own file names.
#[derive(Debug)]
struct SourcePhotos(FolderId);

impl PhotoFiles for SourcePhotos {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.photos_in(self.0)
    }

    fn name(&self, photo: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        Some(photo.file_name().into())
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        index.in_folder(self.0, name)
    }

    fn stale(&self, change: &Changed<'_>) -> Names {
        change.moved(
            |_, snapshot| snapshot.folder == self.0,
            |snapshot| vec![snapshot.packed.file_name().into()],
        )
    }
}
