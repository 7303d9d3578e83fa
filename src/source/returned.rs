//! Photos that are gone, of which people said something, looked for among those that are there.
//!
//! By the content where that is known of them, else by size, time and name where only one photo is like that. Reads no
//! file; knows nothing of how a photo comes to be gone.

use std::collections::{HashMap, HashSet};

use super::hashing::Due;
use super::{Error, Sync};
use crate::catalog::{Change, GonePhoto, Photo, PhotoId};
use crate::index::Index;

/// The photos of one size that have arrived since the last look for copies, by time. Whatever was there before beside one
/// that is gone now is another photo.
type Arrived = HashMap<i64, Vec<PhotoId>>;

impl Sync {
    /// Makes photos that are gone those that they turned up again as, at the sizes at which something happened; says how
    /// many.
    pub(super) fn find_returned(&self, due: &Due) -> Result<u64, Error> {
        let mut gone = self.library.store().gone_with_words()?;
        gone.retain(|photo| due.has(photo.stat.size) && photo.stat.size > 0);
        gone.sort_by_key(|photo| (photo.stat.size, photo.id));
        let mut returned = 0;
        for group in gone.chunk_by(|a, b| a.stat.size == b.stat.size) {
            let arrived = self.arrived(group[0].stat.size);
            returned += self.rejoin(group, &arrived)?;
        }
        Ok(returned)
    }

    /// Several may turn up as one photo, which was copied and which then holds what was said of each: one a commit.
    fn rejoin(&self, gone: &[GonePhoto], arrived: &Arrived) -> Result<u64, Error> {
        let index = self.library.index();
        let (mut changes, mut taken) = (Vec::new(), HashSet::new());
        let mut returned = 0;
        for photo in gone {
            let Some(mut now) = find(index, photo, arrived) else {
                continue;
            };
            if taken.contains(&now) {
                self.library.commit(&std::mem::take(&mut changes))?;
                taken.clear();
                now = match find(index, photo, arrived) {
                    Some(now) => now,
                    None => continue,
                };
            }
            returned += 1;
            taken.insert(now);
            changes.push(Change::Returned { id: photo.id, now });
        }
        self.library.commit(&changes)?;
        Ok(returned)
    }

    fn arrived(&self, size: u64) -> Arrived {
        let last = *self.last_seen.lock();
        let mut arrived = Arrived::new();
        let index = self.library.index();
        index.for_each_file_of_size(size, &mut |id, stat, _| {
            if Some(id) > last {
                arrived.entry(stat.mtime_ns).or_default().push(id);
            }
        });
        arrived
    }
}

/// The photo that one that is gone is now.
fn find(index: &Index, gone: &GonePhoto, arrived: &Arrived) -> Option<PhotoId> {
    match &gone.hash {
        // Of several copies the one that came last: it was made before the other went.
        Some(hash) => index.with_content(hash).into_iter().max(),
        None => like(index, gone, arrived.get(&gone.stat.mtime_ns)?),
    }
}

/// Of these photos of its size and time the one at its path, else the only one of its name that came later.
fn like(index: &Index, gone: &GonePhoto, same_file: &[PhotoId]) -> Option<PhotoId> {
    if let Some(id) = index
        .by_path(&gone.path)
        .filter(|id| same_file.contains(id))
    {
        return Some(id);
    }
    let photos = same_file.iter().filter_map(|&id| index.photo(id));
    let is_like = |photo: &Photo| photo.path.file_name() == gone.path.file_name();
    let mut of_name = photos.filter(|photo| photo.id > gone.id && is_like(photo));
    match (of_name.next(), of_name.next()) {
        (Some(only), None) => Some(only.id),
        _ => None,
    }
}
