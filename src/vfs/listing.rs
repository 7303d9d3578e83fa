//! What a folder shows: which folders, which files of photos, and what may be edited there.
//!
//! A view plans a listing; the namespace lists it, finds names in it and says what of it is stale, all by the two traits
//! here. So whether a path exists follows from its parent's listing. Each kind of folders and of files is in the file of
//! the view that shows it.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::search::RecentSearches;
use super::{Inode, Step};
use crate::catalog::{Facet, LabelKey, PhotoId, Query, Words};
use crate::index::{Delta, Index, PackedNames, PhotoSnapshot};

/// What one folder shows.
#[derive(Debug)]
pub struct Listing {
    /// The folders in it.
    pub folders: Box<dyn Subfolders>,
    /// The files in it.
    pub photos: Box<dyn PhotoFiles>,
    /// Whether analyses decide what it shows: opening it is an access to every photo not analysed yet.
    pub needs_analyses: bool,
}

/// What ordinary commands change in a folder: `mkdir`, `rmdir`, `rm`, `ln`, `mv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Editable {
    /// Nothing.
    Nothing,
    /// Tags: a photo in it has all of these, and the last is what the folder is for. None in the folder of all tags.
    Tags(Vec<LabelKey>),
    /// Which queries are kept, and under which names.
    Saved,
}

/// What folders are looked up in.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub index: &'a Index,
    pub recent_searches: &'a RecentSearches,
}

/// A folder, or a file beside photos, as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Subfolder {
    /// Where a listing goes on after it: below [`PHOTOS`](cookies::PHOTOS) for what comes before photos.
    pub cookie: u64,
    pub name: Vec<u8>,
    pub step: Step,
}

/// Names in a folder.
pub type Names = HashSet<Vec<u8>>;

/// The places of entries in a listing. Photos come before most folders: who removes a folder of a tag with all that is
/// in it thus removes that tag, before anything in the folders below. Each entry's place follows from an id that lasts,
/// so that a listing goes on at the right entry whatever came and went.
pub mod cookies {
    /// Files that the tree writes itself.
    pub const GENERATED: u64 = 16;
    /// Folders beside which there are no photos.
    pub const FIRST: u64 = 256;
    pub const PHOTOS: u64 = 1 << 40;
    /// Folders that have a number of their own.
    pub const FOLDERS: u64 = 2 << 40;
}

/// The folders that a folder shows, of one kind.
pub trait Subfolders: Debug + Send + Sync {
    /// Those that are listed.
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder>;

    /// What a name is among them, listed or not.
    fn find(&self, name: &[u8], shown: Shown<'_>) -> Option<Step>;

    /// The names that a change makes stale.
    fn stale(&self, change: &mut Changed<'_>) -> Names;

    /// Whether a change that isn't told is no reason to list them anew.
    fn is_steady(&self) -> bool {
        true
    }

    /// The files that the tree writes beside them: numbers and names.
    fn generated(&self) -> Vec<(usize, &'static [u8])> {
        Vec::new()
    }
}

/// The photos that a folder shows, of one kind, and what each is called there.
pub trait PhotoFiles: Debug + Send + Sync {
    fn photos(&self, index: &Index) -> RoaringBitmap;

    /// What a photo among them is called.
    fn name(&self, photo: &PackedNames, index: &Index) -> Option<Vec<u8>>;

    /// The photo that a name means.
    fn find(&self, name: &[u8], index: &Index) -> Option<PhotoId>;

    /// The names that a change makes stale: of photos that entered or left, or have another name.
    fn stale(&self, change: &Changed<'_>) -> Names;

    /// The file of a photo among them.
    fn file(&self, photo: PhotoId) -> Inode {
        Inode::of_photo(photo)
    }

    /// Whether listing them is an access to them.
    fn is_access(&self) -> bool {
        true
    }

    /// The query of those of which only the store can say which they are.
    fn unread(&self) -> Option<&Query> {
        None
    }
}

/// A change of the catalog, and what several folders ask of it.
pub struct Changed<'a> {
    pub delta: &'a Delta,
    pub index: &'a Index,
    /// Folders of labels that may be called in another way, by facet and prefix.
    pub marked: HashMap<(Facet, String), Vec<String>>,
}

impl<'a> Changed<'a> {
    pub fn new(delta: &'a Delta, index: &'a Index) -> Self {
        Self {
            delta,
            index,
            marked: HashMap::new(),
        }
    }

    /// The names of photos that entered or left a folder, or have other names in it.
    pub fn moved(
        &self,
        is_shown: impl Fn(PhotoId, &PhotoSnapshot) -> bool,
        names_of: impl Fn(&PhotoSnapshot) -> Vec<Vec<u8>>,
    ) -> Names {
        let mut names = Names::new();
        for photo in &self.delta.photos {
            let snapshots = [photo.before.as_ref(), photo.after.as_ref()];
            let [before, after] =
                snapshots.map(|s| s.filter(|s| is_shown(photo.id, s)).map(&names_of));
            if before != after {
                names.extend(before.into_iter().chain(after).flatten());
            }
        }
        names
    }

    /// The names of photos of which the change tells that they are in another set, and of all that are called something else
    /// now, which stay in theirs: too much is named, never too little.
    pub fn moved_or_renamed(&self, photos: &RoaringBitmap) -> Names {
        let mut names = self.names_of(photos);
        names.extend(self.renamed());
        names
    }

    /// The catalog names that photos have or had.
    fn names_of(&self, photos: &RoaringBitmap) -> Names {
        let ids = photos.iter().map(PhotoId);
        let now = ids.filter_map(|id| self.index.packed_names(id));
        let changed = self.delta.photos.iter();
        let changed = changed.filter(|p| photos.contains(p.id.0));
        let before = changed.filter_map(|p| Some(p.before.as_ref()?.packed.clone()));
        let all = now.chain(before);
        all.map(|packed| packed.name().into()).collect()
    }

    /// The catalog names that photos had and have which are called something else now.
    fn renamed(&self) -> impl Iterator<Item = Vec<u8>> {
        let both = self.delta.photos.iter();
        let both = both.filter_map(|p| Some([p.before.as_ref()?, p.after.as_ref()?]));
        let names = both.map(|snapshots| snapshots.map(|snapshot| snapshot.packed.name()));
        let renamed = names.filter(|[before, after]| before != after);
        renamed.flatten().map(<[u8]>::to_vec)
    }
}

impl Listing {
    /// Folders and nothing else.
    pub fn folders(folders: impl Subfolders + 'static) -> Self {
        Self::of(folders, Nothing)
    }

    /// Photos and nothing else.
    pub fn photos(photos: impl PhotoFiles + 'static) -> Self {
        Self::of(Nothing, photos)
    }

    /// Folders and photos.
    pub fn of(folders: impl Subfolders + 'static, photos: impl PhotoFiles + 'static) -> Self {
        Self {
            folders: Box::new(folders),
            photos: Box::new(photos),
            needs_analyses: false,
        }
    }

    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::of(Nothing, Nothing)
    }

    /// Says that analyses decide what is shown.
    pub fn needing_analyses(self) -> Self {
        Self {
            needs_analyses: true,
            ..self
        }
    }
}

impl Editable {
    /// Whether tags that a person made are shown though no photo has them.
    pub fn shows_made(&self) -> bool {
        matches!(self, Self::Tags(path) if path.is_empty())
    }
}

/// No folders, or no photos.
#[derive(Debug)]
pub struct Nothing;

impl Subfolders for Nothing {
    fn list(&self, _: Shown<'_>) -> Vec<Subfolder> {
        Vec::new()
    }

    fn find(&self, _: &[u8], _: Shown<'_>) -> Option<Step> {
        None
    }

    fn stale(&self, _: &mut Changed<'_>) -> Names {
        Names::new()
    }
}

impl PhotoFiles for Nothing {
    fn photos(&self, _: &Index) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    fn name(&self, _: &PackedNames, _: &Index) -> Option<Vec<u8>> {
        None
    }

    fn find(&self, _: &[u8], _: &Index) -> Option<PhotoId> {
        None
    }

    fn stale(&self, _: &Changed<'_>) -> Names {
        Names::new()
    }
}

/// For queries without full-text parts; the others are answered by the store.
pub fn no_matches(_: &Words) -> Arc<RoaringBitmap> {
    Arc::default()
}
