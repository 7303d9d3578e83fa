//! Names that programs gave photos when they brought them into a folder. A photo's own name is the same in every
//! folder and stays; but who links or copies it under another one finds it under that one, too, while the mount lasts.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use crate::catalog::PhotoId;
use crate::vfs::Inode;

/// The latest names are kept: each lookup of an absent name walks them, and a program looks its copies up at once.
const CAPACITY: usize = 1024;

/// By folder and name. Kept in memory only: after a remount a photo has its own name alone.
#[derive(Default)]
pub struct NameAliases(Mutex<VecDeque<NameAlias>>);

struct NameAlias {
    folder: Inode,
    name: Vec<u8>,
    photo: PhotoId,
}

impl NameAliases {
    /// A program brought a photo into a folder under this name.
    pub fn add(&self, folder: Inode, name: &[u8], photo: PhotoId) {
        let mut all = self.lock();
        all.retain(|a| (a.folder, &a.name[..]) != (folder, name));
        if all.len() == CAPACITY {
            all.pop_front();
        }
        all.push_back(NameAlias {
            folder,
            name: name.into(),
            photo,
        });
    }

    /// The photo that was brought into a folder under a name.
    pub fn find(&self, folder: Inode, name: &[u8]) -> Option<PhotoId> {
        let all = self.lock();
        let found = all.iter().find(|a| a.folder == folder && a.name == name);
        found.map(|a| a.photo)
    }

    /// Forgets a name; says whether it was there.
    pub fn remove(&self, folder: Inode, name: &[u8]) -> bool {
        let mut all = self.lock();
        let before = all.len();
        all.retain(|a| (a.folder, &a.name[..]) != (folder, name));
        all.len() < before
    }

    /// The names that a photo has in a folder.
    pub fn names(&self, folder: Inode, photo: PhotoId) -> Vec<Vec<u8>> {
        let all = self.lock();
        let of_it = all
            .iter()
            .filter(|a| (a.folder, a.photo) == (folder, photo));
        of_it.map(|a| a.name.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<NameAlias>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_names_are_kept() {
        let aliases = NameAliases::default();
        for n in 0..=CAPACITY {
            aliases.add(Inode::ROOT, n.to_string().as_bytes(), PhotoId(7));
        }
        assert_eq!(aliases.find(Inode::ROOT, b"0"), None);
        assert_eq!(aliases.find(Inode::ROOT, b"1"), Some(PhotoId(7)));
        assert_eq!(aliases.names(Inode::ROOT, PhotoId(7)).len(), CAPACITY);
        assert!(aliases.remove(Inode::ROOT, b"1") && !aliases.remove(Inode::ROOT, b"1"));
    }
}
