//! The folders of the source that photos are in, as a tree.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::Delta;
use crate::catalog::PhotoId;

/// A folder of the source, for as long as the program runs.
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

/// By number, the source itself first. One that lost its last photo is not listed but stays, so that numbers stay.
pub struct Folders(Vec<Folder>);

impl Default for Folders {
    fn default() -> Self {
        Self(vec![Folder::default()])
    }
}

impl Folders {
    /// The same folders under the same numbers, without any photo.
    pub fn emptied(self) -> Self {
        let mut folders = Self::default();
        for folder in self.0.into_iter().skip(1) {
            folders.add(folder.parent, &folder.name);
        }
        folders
    }

    /// The folder of this path, made where it isn't there yet.
    pub fn create(&mut self, path: &[u8]) -> FolderId {
        let mut at = FolderId::TOP;
        for name in components(path) {
            at = match self.get(at).children.get(name) {
                Some(&child) => child,
                None => self.add(at, name),
            };
        }
        at
    }

    fn add(&mut self, parent: FolderId, name: &[u8]) -> FolderId {
        let id = FolderId(u32::try_from(self.0.len()).expect("fewer folders than photo ids"));
        self.0[parent.0 as usize].children.insert(name.into(), id);
        self.0.push(Folder {
            parent,
            name: name.into(),
            ..Folder::default()
        });
        id
    }

    /// The folder of this path, with photos or without; `None` where no photo ever was in it.
    pub fn find(&self, path: &[u8]) -> Option<FolderId> {
        let step = |at: FolderId, name| self.get(at).children.get(name).copied();
        components(path).try_fold(FolderId::TOP, step)
    }

    /// The folder of this name directly below one, unless it has no photo.
    pub fn child(&self, folder: FolderId, name: &[u8]) -> Option<FolderId> {
        let child = *self.get(folder).children.get(name)?;
        (!self.is_empty(child)).then_some(child)
    }

    /// The folders directly below one in order of name, those without any photo left out.
    pub fn children(&self, folder: FolderId) -> Vec<SourceFolder> {
        let children = self.get(folder).children.iter();
        let full = children.filter(|(_, id)| !self.is_empty(**id));
        full.map(|(name, &id)| SourceFolder {
            id,
            name: name.clone(),
        })
        .collect()
    }

    /// The photos directly in a folder.
    pub fn photos(&self, folder: FolderId) -> RoaringBitmap {
        self.get(folder).photos.clone()
    }

    /// The photos in all folders whose path is `wanted`.
    pub fn photos_where(&self, wanted: impl Fn(&[u8]) -> bool) -> RoaringBitmap {
        let ids = (0..).map(FolderId).zip(&self.0);
        let full = ids.filter(|(_, folder)| !folder.photos.is_empty());
        let wanted = full.filter(|(id, _)| wanted(&self.path(*id)));
        wanted.fold(RoaringBitmap::new(), |all, (_, folder)| {
            all | &folder.photos
        })
    }

    /// The photos in a folder and below it.
    pub fn photos_below(&self, folder: FolderId) -> RoaringBitmap {
        let mut photos = RoaringBitmap::new();
        let mut folders = vec![folder];
        while let Some(id) = folders.pop() {
            let folder = self.get(id);
            photos |= &folder.photos;
            folders.extend(folder.children.values());
        }
        photos
    }

    /// Whether no photo is in it or below it.
    pub fn is_empty(&self, folder: FolderId) -> bool {
        self.get(folder).total == 0
    }

    /// The path relative to the source; empty for the source itself.
    pub fn path(&self, folder: FolderId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = folder;
        while at != FolderId::TOP {
            names.push(&*self.get(at).name);
            at = self.get(at).parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// Puts a photo into a folder, and notes in `delta` the folders that are listed from now on.
    pub fn insert(&mut self, folder: FolderId, photo: PhotoId, delta: &mut Delta) {
        self.0[folder.0 as usize].photos.insert(photo.0);
        self.climb(folder, delta, |total| *total += 1, |before, _| before == 0);
    }

    /// Takes a photo out of a folder, and notes in `delta` the folders that are listed no more.
    pub fn remove(&mut self, folder: FolderId, photo: PhotoId, delta: &mut Delta) {
        self.0[folder.0 as usize].photos.remove(photo.0);
        self.climb(folder, delta, |total| *total -= 1, |_, after| after == 0);
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
            let node = &mut self.0[at.0 as usize];
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
        &self.0[id.0 as usize]
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|name| !name.is_empty())
}
