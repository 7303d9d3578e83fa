//! Content hashes of files that may be copies of each other, or photos that turned up again.
//!
//! Reads whole files, so only those whose size another photo has. Runs in the background; knows nothing of analyses.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::batch::Batch;
use super::{Error, Sync};
use crate::catalog::{Change, ContentHash, FileStat, Photo, PhotoId};
use crate::originals::{Originals, stat_of};

const BUFFER: usize = 256 << 10;

impl Sync {
    /// Hashes the photos whose size equals that of another, or of one that is gone, or of what they were before they
    /// were written to, and says how many it did. Blocks until it is through or `stop` is set; a file that can't be
    /// read or changes meanwhile is left for the next time.
    ///
    /// # Errors
    /// When the catalog can't be read or written.
    pub fn hash_candidates(&self, stop: &AtomicBool) -> Result<u64, Error> {
        let mut batch = Batch::new(&self.library);
        let mut hashed = 0;
        let mut last: Option<(FileStat, ContentHash)> = None;
        for id in self.candidates()? {
            let Some(photo) = self.library.index().photo(id) else {
                continue;
            };
            // Hard links follow each other: read once.
            let known = last.filter(|(stat, _)| stat.same_content(&photo.stat));
            let hash = match known {
                Some((_, hash)) => Some(hash),
                None => content_hash(&self.originals, &photo, stop),
            };
            if stop.load(Relaxed) {
                break;
            }
            if let Some(hash) = hash {
                last = Some((photo.stat, hash));
                hashed += 1;
                let stat = photo.stat;
                batch.add(Change::Hashed { id, stat, hash })?;
            }
        }
        batch.commit()?;
        Ok(hashed)
    }

    /// In order of inode, which is close to the order on the disk. Empty files are no copies of anything.
    fn candidates(&self) -> Result<Vec<PhotoId>, Error> {
        let mut sizes: HashMap<u64, u32> = HashMap::new();
        for size in self.library.store().gone_sizes()? {
            *sizes.entry(size).or_default() += 1;
        }
        let suspects = self
            .suspects
            .lock()
            .expect("nothing panics under this lock")
            .clone();
        let index = self.library.index();
        index.for_each_file(&mut |_, stat, _| *sizes.entry(stat.size).or_default() += 1);
        let mut candidates = Vec::new();
        index.for_each_file(&mut |id, stat, is_hashed| {
            let has_twin = sizes.get(&stat.size).is_some_and(|&n| n > 1);
            if !is_hashed && stat.size > 0 && (has_twin || suspects.contains(id.0)) {
                candidates.push((stat.dev, stat.ino, id));
            }
        });
        candidates.sort_unstable();
        Ok(candidates.into_iter().map(|(_, _, id)| id).collect())
    }
}

/// `None` when there is no saying now.
fn content_hash(originals: &Originals, photo: &Photo, stop: &AtomicBool) -> Option<ContentHash> {
    match try_content_hash(originals, photo, stop) {
        Ok(hash) => hash,
        Err(error) => {
            tracing::debug!(path = %photo.path, %error, "can't be hashed");
            None
        }
    }
}

fn try_content_hash(
    originals: &Originals,
    photo: &Photo,
    stop: &AtomicBool,
) -> io::Result<Option<ContentHash>> {
    let (mut file, before) = originals.read(&photo.path)?;
    if !before.same_content(&photo.stat) {
        return Ok(None);
    }
    let hash = read_whole(&mut file, stop)?;
    let after = stat_of(&file.metadata()?);
    Ok(hash.filter(|_| after.same_content(&before)))
}

/// `None` when stopped.
fn read_whole(file: &mut File, stop: &AtomicBool) -> io::Result<Option<ContentHash>> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    while !stop.load(Relaxed) {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(ContentHash(*hasher.finalize().as_bytes()))),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
    }
    Ok(None)
}
