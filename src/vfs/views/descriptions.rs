//! `descriptions/`: the source tree with a text file in the place of each photo, so that `grep -r "red car"` finds it.

use roaring::RoaringBitmap;

use super::View;
use super::all::{SourceFolders, folder_at};
use crate::catalog::PhotoId;
use crate::index::{FolderId, Index, Membership, PackedNames};
use crate::vfs::listing::{Changed, Names, PhotoFiles, Shown, Subfolder, Subfolders};
use crate::vfs::{Inode, Listing, Step, texts};

pub struct Descriptions;

impl View for Descriptions {
    fn name(&self) -> &'static str {
        "descriptions"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let folder = folder_at(steps);
        Listing::of(FoldersOfTexts(SourceFolders(folder)), Texts(folder))
    }

    /// The texts are files of their own.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}

/// The folders of the source, whose names texts make room for.
#[derive(Debug)]
struct FoldersOfTexts(SourceFolders);

impl Subfolders for FoldersOfTexts {
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder> {
        self.0.list(shown)
    }

    fn find(&self, name: &[u8], shown: Shown<'_>) -> Option<Step> {
        self.0.find(name, shown)
    }

    fn stale(&self, change: &mut Changed<'_>) -> Names {
        let folders = self.0.stale(change);
        folders
            .iter()
            .flat_map(|name| texts::beside(name))
            .collect()
    }
}

/// The texts of the photos directly in a folder of the source.
#[derive(Debug)]
struct Texts(FolderId);

impl PhotoFiles for Texts {
    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.photos_in(self.0)
    }

    fn name(&self, photo: &PackedNames, index: &Index) -> Option<Vec<u8>> {
        texts::name_in(self.0, photo.file_name(), index)
    }

    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId> {
        texts::find(self.0, name, index)
    }

    /// A text may have had another name while a folder was there that is gone now.
    fn stale(&self, change: &Changed<'_>) -> Names {
        change.moved(
            |_, snapshot| snapshot.folder == self.0,
            |snapshot| texts::names(snapshot.packed.file_name()).collect(),
        )
    }

    fn file(&self, photo: PhotoId) -> Inode {
        Inode::of_text(photo)
    }

    /// The texts of photos may be read without an analysis.
    fn is_access(&self) -> bool {
        false
    }
}
