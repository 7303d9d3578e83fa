//! The folders of the source that photos are in, as a tree.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::Delta;
use crate::catalog::PhotoId;

/// A folder of the source, for as long as photos are in it or below it. No other one has this number while the program
/// runs: the kernel may remember it for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(pub u32);

impl FolderId {
    /// The source folder itself.
    pub const TOP: Self = Self(0);
}

/// A folder as it is listed in its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFolder {
    /// The number that the index knows it by.
    pub id: FolderId,
    /// As on disk.
    pub name: Box<[u8]>,
}

#[derive(Default)]
struct Folder {
    parent: FolderId,
    name: Box<[u8]>,
    children: BTreeMap<Box<[u8]>, FolderId>,
    photos: RoaringBitmap,
    /// Photos here and below.
    total: u64,
}

impl Default for FolderId {
    fn default() -> Self {
        Self::TOP
    }
}

/// By number, the source itself first.
pub struct Folders {
    by_id: HashMap<FolderId, Folder>,
    /// The number of the next one that is made.
    next: u32,
    /// Folders that were lost by their last photo, and may have others since.
    emptied: Vec<FolderId>,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            by_id: HashMap::from_iter([(FolderId::TOP, Folder::default())]),
            next: 1,
            emptied: Vec::new(),
        }
    }
}

impl Folders {
    /// Takes all photos out; the folders keep their numbers.
    pub fn emptied(self) -> Self {
        let empty = |folder: Folder| Folder {
            photos: RoaringBitmap::new(),
            total: 0,
            ..folder
        };
        Self {
            emptied: self.by_id.keys().copied().collect(),
            by_id: self
                .by_id
                .into_iter()
                .map(|(id, f)| (id, empty(f)))
                .collect(),
            next: self.next,
        }
    }

    /// The folder of this path, made where it isn't there yet.
    pub fn create(&mut self, path: &[u8]) -> FolderId {
        let mut at = FolderId::TOP;
        for name in components(path) {
            at = match self.child_of(at, name) {
                Some(child) => child,
                None => self.add(at, name),
            };
        }
        at
    }

    fn add(&mut self, parent: FolderId, name: &[u8]) -> FolderId {
        let id = FolderId(self.next);
        self.next = self.next.checked_add(1).expect("fewer folders than 2^32");
        self.get_mut(parent).children.insert(name.into(), id);
        let folder = Folder {
            parent,
            name: name.into(),
            ..Folder::default()
        };
        self.by_id.insert(id, folder);
        id
    }

    /// Forgets the folders that have no photo any more. To be called before a change.
    pub fn sweep(&mut self) {
        for id in std::mem::take(&mut self.emptied) {
            let mut at = id;
            while let Some(parent) = self.remove_unused(at) {
                at = parent;
            }
        }
    }

    /// Removes a folder that has neither photos nor folders; gives the one that it was in. It may stand among the emptied
    /// ones twice, or have photos again.
    fn remove_unused(&mut self, id: FolderId) -> Option<FolderId> {
        let folder = self.by_id.get(&id)?;
        if id == FolderId::TOP || folder.total > 0 || !folder.children.is_empty() {
            return None;
        }
        let Folder { parent, name, .. } = self.by_id.remove(&id)?;
        self.get_mut(parent).children.remove(&name);
        Some(parent)
    }

    /// How many there are.
    #[cfg(any(test, debug_assertions))]
    pub fn len(&self) -> usize {
        self.by_id.len() + self.emptied.len()
    }

    /// The folder of this path; `None` where no photo is in it or was before the last change.
    pub fn find(&self, path: &[u8]) -> Option<FolderId> {
        let step = |at: FolderId, name| self.child_of(at, name);
        components(path).try_fold(FolderId::TOP, step)
    }

    /// The folder of this name directly below one, unless it has no photo.
    pub fn child(&self, folder: FolderId, name: &[u8]) -> Option<FolderId> {
        let child = self.child_of(folder, name)?;
        (!self.is_empty(child)).then_some(child)
    }

    fn child_of(&self, folder: FolderId, name: &[u8]) -> Option<FolderId> {
        self.by_id.get(&folder)?.children.get(name).copied()
    }

    /// The folders directly below one in order of name, those without any photo left out.
    pub fn children(&self, folder: FolderId) -> Vec<SourceFolder> {
        let children = self.by_id.get(&folder).into_iter();
        let children = children.flat_map(|folder| &folder.children);
        let full = children.filter(|(_, id)| !self.is_empty(**id));
        full.map(|(name, &id)| SourceFolder {
            id,
            name: name.clone(),
        })
        .collect()
    }

    /// The photos directly in a folder.
    pub fn photos(&self, folder: FolderId) -> RoaringBitmap {
        let folder = self.by_id.get(&folder);
        folder.map_or_else(RoaringBitmap::new, |folder| folder.photos.clone())
    }

    /// The photos in all folders whose path is `wanted`.
    pub fn photos_where(&self, wanted: impl Fn(&[u8]) -> bool) -> RoaringBitmap {
        let full = self.by_id.iter().filter(|(_, f)| !f.photos.is_empty());
        let wanted = full.filter(|(id, _)| wanted(&self.path(**id)));
        wanted.fold(RoaringBitmap::new(), |all, (_, folder)| {
            all | &folder.photos
        })
    }

    /// The photos in a folder and below it.
    pub fn photos_below(&self, folder: FolderId) -> RoaringBitmap {
        let mut photos = RoaringBitmap::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop().and_then(|id| self.by_id.get(&id)) {
            photos |= &folder.photos;
            folders.extend(folder.children.values());
        }
        photos
    }

    /// Whether this number stands for a folder.
    pub fn has(&self, folder: FolderId) -> bool {
        self.by_id.contains_key(&folder)
    }

    /// Whether no photo is in it or below it.
    pub fn is_empty(&self, folder: FolderId) -> bool {
        self.by_id
            .get(&folder)
            .is_none_or(|folder| folder.total == 0)
    }

    /// The path relative to the source, empty for the source itself, of a folder that has photos or had some before the
    /// last change.
    pub fn path(&self, folder: FolderId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = folder;
        while at != FolderId::TOP {
            let folder = self.get(at);
            names.push(&*folder.name);
            at = folder.parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// Puts a photo into a folder, and notes in `delta` the folders that are listed from now on.
    pub fn insert(&mut self, folder: FolderId, photo: PhotoId, delta: &mut Delta) {
        self.get_mut(folder).photos.insert(photo.0);
        self.climb(folder, delta, |total| *total += 1, |before, _| before == 0);
    }

    /// Takes a photo out of a folder, and notes in `delta` the folders that are listed no more.
    pub fn remove(&mut self, folder: FolderId, photo: PhotoId, delta: &mut Delta) {
        self.get_mut(folder).photos.remove(photo.0);
        self.climb(folder, delta, |total| *total -= 1, |_, after| after == 0);
        if self.is_empty(folder) {
            self.emptied.push(folder);
        }
    }

    /// Changes the totals from `folder` up to the top, noting each folder that appears or disappears by it.
    fn climb(
        &mut self,
        folder: FolderId,
        delta: &mut Delta,
        change: impl Fn(&mut u64),
        flips: impl Fn(u64, u64) -> bool,
    ) {
        let mut at = folder;
        loop {
            let node = self.get_mut(at);
            let before = node.total;
            change(&mut node.total);
            if at == FolderId::TOP {
                return;
            }
            if flips(before, node.total) {
                delta.folders.push((node.parent, node.name.clone()));
            }
            at = node.parent;
        }
    }

    fn get(&self, id: FolderId) -> &Folder {
        &self.by_id[&id]
    }

    fn get_mut(&mut self, id: FolderId) -> &mut Folder {
        self.by_id
            .get_mut(&id)
            .expect("photos are in folders that are kept")
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_come_and_go_leave_nothing_behind() {
        let (mut folders, delta) = (Folders::default(), &mut Delta::default());
        let photo = PhotoId(1);
        let stays = folders.create(b"2019/stays");
        folders.insert(stays, photo, delta);
        for n in 0..10_000 {
            folders.sweep();
            let deep = folders.create(format!("2019/{n}/deep").as_bytes());
            let above = folders.create(format!("2019/{n}").as_bytes());
            for folder in [deep, above] {
                folders.insert(folder, PhotoId(2), delta);
            }
            for folder in [deep, above] {
                folders.remove(folder, PhotoId(2), delta);
                assert!(folders.is_empty(deep));
            }
            let path = format!("2019/{n}/deep");
            assert_eq!(folders.path(deep), path.as_bytes(), "it is still told of");
            folders.sweep();
            assert_eq!(folders.find(path.as_bytes()), None);
        }
        assert_eq!(
            folders.len(),
            3,
            "the top, and what leads to the one that stays"
        );
        assert_eq!(folders.find(b"2019/stays"), Some(stays));
        folders.remove(stays, photo, delta);
        folders.sweep();
        assert_eq!(folders.len(), 1);
    }

    #[test]
    fn a_folder_that_has_photos_again_before_it_is_forgotten_stays_itself() {
        let (mut folders, delta) = (Folders::default(), &mut Delta::default());
        let folder = folders.create(b"a/b");
        folders.insert(folder, PhotoId(1), delta);
        folders.remove(folder, PhotoId(1), delta);
        folders.insert(folder, PhotoId(2), delta);
        folders.sweep();
        assert_eq!(folders.find(b"a/b"), Some(folder));
        assert_eq!(folders.photos_below(FolderId::TOP).len(), 1);
    }

    #[test]
    fn a_number_of_a_folder_that_was_forgotten_stands_for_nothing() {
        let (mut folders, delta) = (Folders::default(), &mut Delta::default());
        let before = folders.create(b"a");
        folders.insert(before, PhotoId(1), delta);
        folders.remove(before, PhotoId(1), delta);
        folders.sweep();
        let after = folders.create(b"a");
        folders.insert(after, PhotoId(1), delta);
        assert_ne!(before, after);
        assert!(folders.is_empty(before) && folders.photos(before).is_empty());
        assert!(folders.children(before).is_empty() && folders.child(before, b"x").is_none());
        assert!(folders.photos_below(before).is_empty());
    }
}
