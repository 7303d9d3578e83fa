//! Inode numbers, and the folders that the kernel refers to.
//!
//! All numbers are below 2^53 (programs keep them in doubles) and the same after a remount. A photo has one number
//! in every folder: its names are hard links. A folder's number follows from its path.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::Step;
use crate::catalog::PhotoId;

/// The number of a file or folder, as `stat` shows it. What it is of follows from its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inode(pub u64);

// Each range has room for 2^40 numbers, photos and texts for their ids of 32 bits. A folder's number has bit 52 and 48
// bits of a hash.
const PHOTO: u64 = 1 << 40;
const GENERATED: u64 = 3 << 40;
const TEXT: u64 = 4 << 40;
const DRAFT: u64 = 5 << 40;
const FOLDER: u64 = 1 << 52;
const LOW: u64 = (1 << 40) - 1;

impl Inode {
    /// The root of the tree: FUSE gives it this number (`FUSE_ROOT_ID`).
    pub const ROOT: Self = Self(1);

    /// A photo, in whatever folder.
    pub fn of_photo(id: PhotoId) -> Self {
        Self(PHOTO | u64::from(id.0))
    }

    /// A file that the tree writes itself, by its place in the list of such files.
    pub fn of_generated(number: usize) -> Self {
        Self(GENERATED | number as u64)
    }

    /// The text file of a photo.
    pub fn of_text(id: PhotoId) -> Self {
        Self(TEXT | u64::from(id.0))
    }

    /// A file that is being written.
    pub fn of_draft(number: u64) -> Self {
        Self(DRAFT | (number & LOW))
    }

    /// Whether it is of a file that is being written.
    pub(crate) fn is_draft(self) -> bool {
        self.0 & !LOW == DRAFT
    }

    /// The photo that it is of.
    pub fn photo(self) -> Option<PhotoId> {
        self.id_of(PHOTO)
    }

    /// The photo whose text file it is.
    pub fn text(self) -> Option<PhotoId> {
        self.id_of(TEXT)
    }

    fn id_of(self, kind: u64) -> Option<PhotoId> {
        let id = u32::try_from(self.0 & LOW).ok()?;
        (self.0 & !LOW == kind).then_some(PhotoId(id))
    }

    /// Whether it is of a file, whether that is there or not.
    pub(crate) fn is_file(self) -> bool {
        let is_shown = self.photo().is_some() || self.text().is_some();
        is_shown || self.generated().is_some() || self.is_draft()
    }

    /// The place in the list of files that the tree writes itself.
    pub(crate) fn generated(self) -> Option<usize> {
        let number = usize::try_from(self.0 & LOW).ok()?;
        (self.0 & !LOW == GENERATED).then_some(number)
    }

    /// The number of a folder called `name` in `parent`; `attempt` counts collisions.
    fn of_folder(parent: Self, name: &[u8], attempt: u8) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&parent.0.to_le_bytes())
            .update(&[attempt])
            .update(name);
        let mut word = [0; 8];
        word[..6].copy_from_slice(&hasher.finalize().as_bytes()[..6]);
        Self(FOLDER | u64::from_le_bytes(word))
    }
}

/// A folder that the kernel knows.
#[derive(Clone, Debug)]
pub struct Folder {
    pub parent: Inode,
    pub name: Vec<u8>,
    /// From the root; empty for the root itself.
    pub steps: Vec<Step>,
}

struct InodeEntry {
    /// Shared with who asks: every lookup does.
    folder: Arc<Folder>,
    references: u64,
    /// It was removed: the kernel has no more use for this number, even if such a folder comes again.
    removed: bool,
}

impl InodeEntry {
    fn is(&self, parent: Inode, name: &[u8]) -> bool {
        self.folder.parent == parent && self.folder.name == name && !self.removed
    }
}

/// The folders that the kernel may still ask about by number.
pub struct InodeTable(Mutex<HashMap<Inode, InodeEntry>>);

impl Default for InodeTable {
    fn default() -> Self {
        let folder = Folder {
            parent: Inode::ROOT,
            name: Vec::new(),
            steps: Vec::new(),
        };
        let root = InodeEntry {
            folder: Arc::new(folder),
            references: 1,
            removed: false,
        };
        Self(Mutex::new(HashMap::from([(Inode::ROOT, root)])))
    }
}

impl InodeTable {
    /// The number that a folder has or would have.
    pub fn number(&self, parent: Inode, name: &[u8]) -> Inode {
        free_number(&self.lock(), parent, name)
    }

    /// Counts one more reference of the kernel to a folder.
    pub fn add_reference(&self, folder: Folder) -> Inode {
        let mut entries = self.lock();
        let inode = free_number(&entries, folder.parent, &folder.name);
        let references = entries.get(&inode).map_or(0, |known| known.references);
        // Another folder may have come to be where the kernel knew one: what leads to it now counts.
        let known = InodeEntry {
            folder: Arc::new(folder),
            references: references + 1,
            removed: false,
        };
        entries.insert(inode, known);
        inode
    }

    /// The kernel drops references. Without any left, a folder is looked up anew when it is wanted; the root stays.
    pub fn forget(&self, inode: Inode, references: u64) {
        // The kernel forgets photos by the ten thousand, and lookups wait for the table.
        if inode.is_file() {
            return;
        }
        let mut entries = self.lock();
        let Entry::Occupied(mut known) = entries.entry(inode) else {
            return;
        };
        let left = known.get().references.saturating_sub(references);
        known.get_mut().references = left;
        if left == 0 && inode != Inode::ROOT {
            known.remove();
        }
    }

    /// A folder was removed. The kernel takes its number for that of something dead for as long as it refers to it.
    pub fn mark_removed(&self, parent: Inode, name: &[u8]) {
        let mut entries = self.lock();
        let removed = entries.values_mut().filter(|h| h.is(parent, name));
        removed.for_each(|h| h.removed = true);
    }

    /// A folder was moved: its number, and those of the folders in it, stand for the new place.
    pub fn rename(&self, old: &Folder, new: &Folder) {
        let mut entries = self.lock();
        for moved in entries.values_mut() {
            if moved.is(old.parent, &old.name) {
                moved.folder = Arc::new(new.clone());
            } else if moved.folder.steps.starts_with(&old.steps) {
                let steps = &mut Arc::make_mut(&mut moved.folder).steps;
                steps.splice(..old.steps.len(), new.steps.iter().cloned());
            }
        }
    }

    /// The folder of a number, if the kernel refers to it.
    pub fn get(&self, inode: Inode) -> Option<Arc<Folder>> {
        self.lock().get(&inode).map(|h| h.folder.clone())
    }

    /// A folder came again where the kernel knew one: its number stands for that now.
    pub fn replace(&self, inode: Inode, folder: &Arc<Folder>) {
        let mut entries = self.lock();
        let known = entries.get_mut(&inode);
        if let Some(known) = known.filter(|h| h.is(folder.parent, &folder.name)) {
            known.folder = Arc::clone(folder);
        }
    }

    /// How many folders the kernel may still ask about.
    #[cfg(debug_assertions)]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// All that the kernel refers to.
    pub fn all(&self) -> Vec<(Inode, Arc<Folder>)> {
        let entries = self.lock();
        entries
            .iter()
            .map(|(&inode, h)| (inode, h.folder.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Inode, InodeEntry>> {
        self.0.lock()
    }
}

fn free_number(entries: &HashMap<Inode, InodeEntry>, parent: Inode, name: &[u8]) -> Inode {
    let taken = |i: &Inode| entries.get(i).is_some_and(|h| !h.is(parent, name));
    let mut numbers = (0..=u8::MAX).map(|attempt| Inode::of_folder(parent, name, attempt));
    let number = numbers.find(|inode| !taken(inode));
    number.expect("256 hashes of 48 bits do not all collide")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        Folder {
            parent: Inode::ROOT,
            name: name.into(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_folder_is_kept_until_its_last_reference_is_forgotten() {
        let table = InodeTable::default();
        let inode = table.add_reference(folder("tags"));
        assert_eq!(table.add_reference(folder("tags")), inode);
        table.forget(inode, 1);
        assert!(table.get(inode).is_some());
        table.forget(inode, 1);
        assert!(table.get(inode).is_none());
        assert_eq!(table.number(Inode::ROOT, b"tags"), inode);
        table.forget(Inode::ROOT, 7);
        assert!(table.get(Inode::ROOT).is_some());
    }

    #[test]
    fn numbers_fit_a_double_and_say_what_they_are() {
        let photo = Inode::of_photo(PhotoId(u32::MAX));
        assert_eq!(photo.photo(), Some(PhotoId(u32::MAX)));
        assert_eq!(photo.generated(), None);
        assert_eq!(Inode::of_generated(2).generated(), Some(2));
        let text = Inode::of_text(PhotoId(7));
        assert_eq!((text.text(), text.photo()), (Some(PhotoId(7)), None));
        let folder = InodeTable::default().number(Inode::ROOT, b"x");
        assert!(folder.0 < 1 << 53);
        assert_eq!((folder.photo(), folder.generated()), (None, None));
    }
}
