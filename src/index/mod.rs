//! The catalog in memory: answers every lookup, listing and intersection without the store.
//!
//! One bitmap a label, a compact record a photo, the source's folders as a tree. Filled from the store and kept in
//! step by [`crate::library::Library`]. Knows nothing of views, paths of the mount, SQL or files.

mod alike;
mod copies;
mod delta;
mod evaluate;
mod file_table;
mod files;
mod folders;
mod inner;
mod labels;
mod loading;
mod membership;
mod owners;
mod packed_names;
mod photos;
mod recent;
mod record_pages;
mod saved;
mod sort_keys;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;

pub(crate) use alike::is_same_picture;
pub(crate) use delta::{Delta, PhotoDelta, PhotoSnapshot, Traits};
pub(crate) use evaluate::FullText;
pub(crate) use folders::{FolderId, SourceFolder};
pub(crate) use labels::{LabelFolder, LabelId};
pub(crate) use membership::{Membership, PhotoFile};
pub(crate) use packed_names::PackedNames;
pub(crate) use saved::SavedQuery;
pub(crate) use sort_keys::SortKeys;

use crate::catalog::{
    ContentHash, Effect, Facet, LabelKey, Photo, PhotoId, Query, SourcePath, Status,
};
use crate::faults;
use evaluate::Candidate;
use inner::Inner;

/// Better no answer than one from an index that a panic left like this.
const HALF_CHANGED: &str =
    "a commit broke down in the middle, and the index is not loaded anew yet";

/// The index. Every call takes a lock for microseconds and never waits for anything else.
#[derive(Default)]
pub struct Index {
    inner: RwLock<Inner>,
}

impl Index {
    /// Shows what a commit did, and says how the catalog looks different now. Whoever calls it does so in the order of
    /// commits: see [`Library`](crate::library::Library).
    pub(crate) fn apply(&self, effects: Vec<Effect>) -> Delta {
        let mut inner = self.write();
        inner.is_half_changed = true;
        let mut delta = Delta::default();
        // First: numbers that the last change freed were kept until now for whoever was told of it.
        inner.sweep();
        for effect in effects {
            match effect {
                Effect::Upsert(entry) => inner.upsert(entry, &mut delta),
                Effect::Remove(id) => inner.remove(id, &mut delta),
                Effect::Made { tag, written } => inner.labels.make(tag, written, &mut delta),
                Effect::Saved { name, query } => {
                    inner.saved.put(&name, query);
                    delta.saved.push(name);
                }
                Effect::Unjoined { .. } | Effect::Acted { .. } => {}
            }
            faults::may_panic("index");
        }
        inner.settle_recent(&mut delta);
        let Inner { alike, photos, .. } = &mut *inner;
        delta.regrouped = alike.settle(photos);
        inner.is_half_changed = false;
        delta
    }

    /// Everything that is at hand of a photo; its path is put together for this.
    pub fn photo(&self, id: PhotoId) -> Option<Photo> {
        let inner = self.read();
        let record = inner.photos.get(id)?;
        Some(inner.photo_of(id, record))
    }

    /// Whether a folder has photos, or had some before the last change.
    pub(crate) fn has_folder(&self, folder: FolderId) -> bool {
        self.read().folders.has(folder)
    }

    /// The photo at a path of the source.
    pub fn by_path(&self, path: &SourcePath) -> Option<PhotoId> {
        let inner = self.read();
        let folder = inner.folders.find(path.folder())?;
        inner.photos.in_folder(folder, path.file_name())
    }

    /// How many records of photos were looked at so far, for tests: work for one photo must not grow with the catalog.
    #[cfg(debug_assertions)]
    pub fn visits(&self) -> u64 {
        self.read().photos.visits()
    }

    /// How much is in each table, for tests: what came and went leaves nothing behind.
    #[cfg(debug_assertions)]
    pub fn table_sizes(&self) -> Vec<(&'static str, usize)> {
        let mut inner = self.write();
        inner.sweep();
        let mut sizes = inner.photos.table_sizes();
        sizes.extend([
            ("folders", inner.folders.len()),
            ("labels", inner.labels.len()),
            ("photos that are alike", inner.alike.len()),
            ("saved queries", inner.saved.all().count()),
        ]);
        sizes
    }

    /// The hash of a photo's content, if it is known.
    pub(crate) fn hash(&self, id: PhotoId) -> Option<ContentHash> {
        self.read().photos.get(id)?.hash().copied()
    }

    /// How far a photo is.
    pub(crate) fn status(&self, id: PhotoId) -> Option<Status> {
        Some(self.read().photos.get(id)?.status)
    }

    /// The photo with this catalog name.
    pub fn by_name(&self, name: &[u8]) -> Option<PhotoId> {
        self.read().photos.by_name(name)
    }

    /// The photo with this name for its title.
    pub(crate) fn by_title(&self, name: &[u8]) -> Option<PhotoId> {
        self.read().photos.by_title(name)
    }

    /// The photos that have a title.
    pub(crate) fn titled(&self) -> RoaringBitmap {
        self.read().titled.clone()
    }

    /// The photo of this file name in a folder of the source.
    pub(crate) fn in_folder(&self, folder: FolderId, file_name: &[u8]) -> Option<PhotoId> {
        self.read().photos.in_folder(folder, file_name)
    }

    /// Calls `each` for every photo in order of id. Holds a read lock meanwhile.
    pub fn for_each_photo(&self, each: &mut dyn FnMut(&Photo)) {
        let inner = self.read();
        for id in &inner.all {
            let id = PhotoId(id);
            if let Some(record) = inner.photos.get(id) {
                each(&inner.photo_of(id, record));
            }
        }
    }

    /// Whether a query means a photo.
    pub fn admits(&self, query: &Query, id: PhotoId, words: FullText) -> bool {
        let inner = self.read();
        let candidate = inner.candidate(id);
        candidate.is_some_and(|candidate| inner.admits(query, &candidate, words))
    }

    /// Whether a query would mean a photo if it looked like this.
    pub(crate) fn admits_snapshot(
        &self,
        query: &Query,
        id: PhotoId,
        snapshot: &PhotoSnapshot,
        words: FullText,
    ) -> bool {
        self.read()
            .admits(query, &Candidate::snapshot(id, snapshot), words)
    }

    /// The photos that a query means. `words` is called while the index is locked.
    pub fn evaluate(&self, query: &Query, words: FullText) -> RoaringBitmap {
        self.read().evaluate(query, words)
    }

    /// The labels of a facet that some photo of `within` has.
    pub fn labels_within(&self, facet: Facet, within: &RoaringBitmap) -> Vec<LabelFolder> {
        self.read().labels.within(facet, within)
    }

    /// The labels of a facet that are there though no photo has them.
    pub(crate) fn empty_labels(&self, facet: Facet) -> Vec<LabelFolder> {
        self.read().labels.empty(facet)
    }

    /// Whether a person made a label, so that it is there even where no photo has it.
    pub(crate) fn is_made(&self, key: &LabelKey) -> bool {
        self.read().labels.is_made(key)
    }

    /// The query that is kept under a name.
    pub fn saved(&self, name: &str) -> Option<SavedQuery> {
        self.read().saved.get(name).cloned()
    }

    /// Every query that is kept, in order of name.
    pub(crate) fn all_saved(&self) -> Vec<SavedQuery> {
        self.read().saved.all().cloned().collect()
    }

    /// A label that some photo has, or that a person made.
    pub(crate) fn label(&self, key: &LabelKey) -> Option<LabelFolder> {
        self.read().labels.folder(key)
    }

    /// The number of a label that is there or was once.
    pub(crate) fn label_id(&self, key: &LabelKey) -> Option<LabelId> {
        self.read().labels.id(key)
    }

    /// How a label is shown, whether it is there or was once.
    pub(crate) fn spelling(&self, key: &LabelKey) -> Option<String> {
        let inner = self.read();
        let id = inner.labels.id(key)?;
        Some(inner.labels.shown(id).1)
    }

    /// The first label of a facet whose shown value satisfies `wanted`: a walk over the facet.
    pub(crate) fn find_label(
        &self,
        facet: Facet,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<LabelFolder> {
        self.read().labels.find(facet, wanted)
    }

    /// The labels that hold for a photo, with the values as they are shown.
    pub fn labels_of(&self, id: PhotoId) -> Vec<(Facet, String)> {
        let inner = self.read();
        let Some(record) = inner.photos.get(id) else {
            return Vec::new();
        };
        let shown = |label| inner.labels.shown(label);
        record.packed.labels().map(shown).collect()
    }

    /// A label, if it is of this facet, with the number of photos of `within` that have it: maybe none.
    pub(crate) fn label_in(
        &self,
        id: LabelId,
        facet: Facet,
        within: &RoaringBitmap,
    ) -> Option<LabelFolder> {
        self.read().labels.within_one(id, facet, within)
    }

    /// The names of a photo, and its labels.
    pub fn packed_names(&self, id: PhotoId) -> Option<PackedNames> {
        Some(self.read().photos.get(id)?.packed.clone())
    }

    /// A folder of the source that has photos in it or below it.
    pub(crate) fn folder(&self, path: &[u8]) -> Option<FolderId> {
        let inner = self.read();
        inner
            .folders
            .find(path)
            .filter(|&id| !inner.folders.is_empty(id))
    }

    /// The folders directly below one, those without any photo left out.
    pub(crate) fn subfolders(&self, folder: FolderId) -> Vec<SourceFolder> {
        self.read().folders.children(folder)
    }

    /// The folder of this name directly below one, unless it has no photo.
    pub(crate) fn subfolder(&self, folder: FolderId, name: &[u8]) -> Option<FolderId> {
        self.read().folders.child(folder, name)
    }

    /// The photos directly in a folder of the source.
    pub(crate) fn photos_in(&self, folder: FolderId) -> RoaringBitmap {
        self.read().folders.photos(folder)
    }

    /// The photos in a folder of the source and below it.
    pub fn photos_below(&self, path: &[u8]) -> RoaringBitmap {
        let inner = self.read();
        match inner.folders.find(path) {
            Some(FolderId::TOP) => inner.all.clone(),
            Some(folder) => inner.folders.photos_below(folder),
            None => RoaringBitmap::new(),
        }
    }

    /// The photos whose analysis is this far.
    pub fn photos_with(&self, status: Status) -> RoaringBitmap {
        self.read().status[status as usize].clone()
    }

    /// The photos taken last, at most a few hundred.
    pub(crate) fn recent(&self) -> RoaringBitmap {
        self.read().recent.clone()
    }

    /// Whether a photo is among those taken last.
    pub fn is_recent(&self, id: PhotoId) -> bool {
        self.read().recent.contains(id.0)
    }

    /// The groups of photos that are alike, each by its oldest photo, in order of it.
    pub(crate) fn groups(&self) -> Vec<PhotoId> {
        let mut groups: Vec<_> = self.read().alike.groups().collect();
        groups.sort_unstable();
        groups
    }

    /// The photos of a group; none when there is no such group.
    pub(crate) fn group(&self, oldest: PhotoId) -> RoaringBitmap {
        self.read().alike.group(oldest).cloned().unwrap_or_default()
    }

    /// The group that a photo is in, by its oldest photo.
    pub(crate) fn group_of(&self, id: PhotoId) -> Option<PhotoId> {
        self.read().alike.group_of(id)
    }

    /// How many photos are this far in their analysis.
    pub(crate) fn count_with(&self, status: Status) -> u64 {
        self.read().status[status as usize].len()
    }

    /// All photos.
    pub fn all(&self) -> RoaringBitmap {
        self.read().all.clone()
    }

    /// How many photos there are.
    pub fn len(&self) -> u64 {
        self.read().all.len()
    }

    /// Whether there is no photo.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many different labels some photo has.
    pub(crate) fn label_count(&self) -> usize {
        self.read().labels.count()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        let inner = self.inner.read();
        assert!(!inner.is_half_changed, "{HALF_CHANGED}");
        inner
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        let inner = self.inner.write();
        assert!(!inner.is_half_changed, "{HALF_CHANGED}");
        inner
    }
}
