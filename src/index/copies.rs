//! Photos of the same content.

use std::collections::HashMap;

use hashbrown::HashTable;
use roaring::RoaringBitmap;

use crate::catalog::{ContentHash, PhotoId};

/// Which photos have the same hash. The table holds ids only; their hashes stay in the records.
#[derive(Default)]
pub struct Copies {
    /// Photos whose content no other has.
    single: HashTable<PhotoId>,
    /// Two photos or more each.
    groups: HashMap<ContentHash, RoaringBitmap>,
    /// Every photo of a group.
    all: RoaringBitmap,
}

impl Copies {
    /// Makes room for so many photos, when none is there yet.
    pub fn expect(&mut self, photos: usize) {
        self.single = HashTable::with_capacity(photos);
    }

    /// Every photo of which there is a copy.
    pub fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// Adds a photo that isn't there. Gives the photo that was the only one of its content until now.
    pub fn insert<'a>(
        &mut self,
        id: PhotoId,
        hash: &ContentHash,
        hash_of: impl Fn(PhotoId) -> Option<&'a ContentHash>,
    ) -> Option<PhotoId> {
        if let Some(group) = self.groups.get_mut(hash) {
            group.insert(id.0);
            self.all.insert(id.0);
            return None;
        }
        let is_it = |other: &PhotoId| hash_of(*other) == Some(hash);
        let Ok(found) = self.single.find_entry(key(hash), is_it) else {
            let rehash = |other: &PhotoId| hash_of(*other).map_or(0, key);
            self.single.insert_unique(key(hash), id, rehash);
            return None;
        };
        let (other, _) = found.remove();
        self.groups
            .insert(*hash, [other.0, id.0].into_iter().collect());
        self.all.extend([other.0, id.0]);
        Some(other)
    }

    /// Takes a photo out. Gives the photo that is the only one of its content from now on.
    pub fn remove<'a>(
        &mut self,
        id: PhotoId,
        hash: &ContentHash,
        hash_of: impl Fn(PhotoId) -> Option<&'a ContentHash>,
    ) -> Option<PhotoId> {
        let Some(group) = self.groups.get_mut(hash) else {
            if let Ok(found) = self.single.find_entry(key(hash), |&other| other == id) {
                found.remove();
            }
            return None;
        };
        group.remove(id.0);
        self.all.remove(id.0);
        let left = group.min().filter(|_| group.len() == 1)?;
        self.groups.remove(hash);
        self.all.remove(left);
        self.insert(PhotoId(left), hash, hash_of);
        Some(PhotoId(left))
    }
}

/// Hashes are as good as random.
fn key(hash: &ContentHash) -> u64 {
    let (first, _) = hash.0.split_first_chunk().expect("a hash has 32 bytes");
    u64::from_le_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_come_and_go_in_groups() {
        let [a, b] = [ContentHash([1; 32]), ContentHash([2; 32])];
        let hashes = [a, b, a, a];
        let hash_of = |id: PhotoId| hashes.get(id.0 as usize);
        let mut copies = Copies::default();
        let mut check = |id: u32, comes: bool, flips: Option<u32>, all: &[u32]| {
            let hash = &hashes[id as usize];
            let flipped = match comes {
                true => copies.insert(PhotoId(id), hash, hash_of),
                false => copies.remove(PhotoId(id), hash, hash_of),
            };
            assert_eq!(flipped, flips.map(PhotoId), "{id}");
            assert_eq!(copies.all().iter().collect::<Vec<_>>(), all);
        };
        check(0, true, None, &[]);
        check(1, true, None, &[]);
        check(2, true, Some(0), &[0, 2]);
        check(3, true, None, &[0, 2, 3]);
        check(0, false, None, &[2, 3]);
        check(3, false, Some(2), &[]);
        check(0, true, Some(2), &[0, 2]);
        check(1, false, None, &[0, 2]);
    }
}
