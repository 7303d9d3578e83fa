//! Content hashes of files that may be copies of each other, or photos that turned up again.
//!
//! Reads whole files, so only those that another photo equals in size and in a few places, and those of which people said
//! something: that is found again by the content wherever the file goes. Runs in the background; knows nothing of
//! analyses.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use parking_lot::MutexGuard;
use roaring::RoaringBitmap;

use super::batch::Batch;
use super::samples::SMALL;
use super::{Error, Sync};
use crate::catalog::{Change, ContentHash, FileStat, Photo, PhotoId};
use crate::source_files::{SourceFiles, is_unresponsive};

/// The sizes at which something happened since copies were looked for.
#[derive(Default)]
pub enum Due {
    /// Nobody has looked yet.
    #[default]
    All,
    /// Only these: whatever else there is was compared already.
    Sizes(HashSet<u64>),
}

impl Due {
    /// Photos of these sizes came, went or were written to.
    pub fn extend(&mut self, more: impl IntoIterator<Item = u64>) {
        if let Self::Sizes(sizes) = self {
            sizes.extend(more);
        }
    }

    /// Whether something happened at a size.
    pub fn has(&self, size: u64) -> bool {
        match self {
            Self::All => true,
            Self::Sizes(sizes) => sizes.contains(&size),
        }
    }

    /// Takes everything, so that nothing is due.
    fn take(&mut self) -> Self {
        mem::replace(self, Self::Sizes(HashSet::new()))
    }

    /// Gives back what could not be brought to its end, beside what came meanwhile.
    fn give_back(&mut self, due: Self) {
        match due {
            Self::All => *self = Self::All,
            Self::Sizes(sizes) => self.extend(sizes),
        }
    }
}

/// A photo that shares its size with another, or with one that is gone.
struct Candidate {
    id: PhotoId,
    stat: FileStat,
    is_hashed: bool,
    /// Whether nothing but the hash of the whole will do.
    is_certain: bool,
}

impl Sync {
    /// Hashes the photos that may be copies of another (the same size, the same bytes in a few places), or what one that
    /// is gone was (its size), or what they were before they were written to (their size), or of which people said
    /// something; says how many it did. Before that, the files that may have other bytes at the same size and time. Photos
    /// that are gone become those that they turned up again as. Blocks until it is through or `stop` is set; a file that
    /// can't be read or changes meanwhile is left for the next time.
    ///
    /// # Errors
    /// When the catalog can't be read or written.
    pub fn hash_candidates(&self, stop: &AtomicBool) -> Result<u64, Error> {
        Ok(self.verify_suspects(stop)? + self.hash_alike(stop)?)
    }

    fn hash_alike(&self, stop: &AtomicBool) -> Result<u64, Error> {
        // Locked before `due`, which is only held for moments: scans add to it meanwhile.
        let _one_at_a_time = self.hashing.lock();
        let due = self.due().take();
        let wanted = self.take_wanted(&due);
        let last = self.library.index().all().max().map(PhotoId);
        let hashed = self.hash_due(&due, &wanted, stop);
        let hashed = hashed.and_then(|hashed| {
            if !stop.load(Relaxed) {
                self.find_returned(&due)?;
                *self.last_seen.lock() = last;
            }
            Ok(hashed)
        });
        if hashed.is_err() || stop.load(Relaxed) {
            self.due().give_back(due);
        }
        let index = self.library.index();
        let is_unhashed = |id: u32| index.photo(PhotoId(id)).is_some_and(|p| p.hash.is_none());
        self.wanted()
            .extend(wanted.iter().filter(|id| is_unhashed(*id)));
        self.samples.sweep(|id| index.photo(id).is_some());
        hashed
    }

    /// Takes everything that is to be read whatever its size; at the first time with what people said earlier.
    fn take_wanted(&self, due: &Due) -> RoaringBitmap {
        self.collect_words();
        let mut wanted = mem::take(&mut *self.wanted());
        if matches!(due, Due::All) && self.reads_for_words {
            wanted |= self.library.index().unhashed_with_words();
        }
        wanted
    }

    /// Hashes photos of which people said something just now, for a process that ends soon: as many as there is time for,
    /// and none on a network. The next scan reads the others. Says how many it hashed. Blocks.
    ///
    /// # Errors
    /// When the catalog can't be written.
    pub fn hash_said(&self, until: Instant, stop: &AtomicBool) -> Result<u64, Error> {
        let _one_at_a_time = self.hashing.lock();
        self.collect_words();
        let wanted = mem::take(&mut *self.wanted());
        let go_on = || !stop.load(Relaxed) && Instant::now() < until;
        let index = self.library.index();
        let mut batch = Batch::new(&self.library, self.options.batch());
        let mut hashed = 0;
        let photos = wanted.iter().filter_map(|id| index.photo(PhotoId(id)));
        for photo in photos.take_while(|_| go_on()) {
            if let Some(hash) = content_hash(&self.source_files, &photo, &go_on) {
                let (id, stat) = (photo.id, photo.stat);
                hashed += 1;
                batch.add(Change::Hashed { id, stat, hash })?;
            }
        }
        batch.commit()?;
        let left = wanted
            .iter()
            .filter(|id| index.hash(PhotoId(*id)).is_none());
        self.wanted().extend(left);
        Ok(hashed)
    }

    /// Has the photos read of which people said something since; whether there are any.
    pub(super) fn collect_words(&self) -> bool {
        let said = mem::take(&mut *self.said.lock());
        let index = self.library.index();
        let unhashed = said.iter().filter(|id| index.hash(PhotoId(*id)).is_none());
        let unhashed: RoaringBitmap = unhashed.collect();
        *self.wanted() |= &unhashed;
        !unhashed.is_empty()
    }

    /// Says how many it hashed.
    fn hash_due(&self, due: &Due, wanted: &RoaringBitmap, stop: &AtomicBool) -> Result<u64, Error> {
        let mut batch = Batch::new(&self.library, self.options.batch());
        let mut hashed = 0;
        let mut last: Option<(FileStat, ContentHash)> = None;
        let candidates = self.candidates(due, wanted)?;
        let go_on = || !stop.load(Relaxed);
        let groups = candidates.chunk_by(|a, b| a.stat.size == b.stat.size);
        for group in groups.take_while(|_| go_on()) {
            let photos = self.worth_reading(group, stop).into_iter();
            for photo in photos.take_while(|_| go_on()) {
                // Hard links follow each other: read once.
                let known = last.filter(|(stat, _)| stat.same_content(&photo.stat));
                let hash = known.map(|(_, hash)| hash);
                let hash = hash.or_else(|| content_hash(&self.source_files, &photo, &go_on));
                let Some(hash) = hash else {
                    self.due().extend([photo.stat.size]);
                    continue;
                };
                let (id, stat) = (photo.id, photo.stat);
                last = Some((stat, hash));
                hashed += 1;
                batch.add(Change::Hashed { id, stat, hash })?;
            }
        }
        batch.commit()?;
        Ok(hashed)
    }

    fn wanted(&self) -> MutexGuard<'_, RoaringBitmap> {
        self.wanted.lock()
    }

    /// Locked for moments, by scans as well; after `hashing` where both are.
    pub(super) fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock()
    }

    /// By size, then in order of inode, which is close to the order on the disk. Empty files are no copies of anything.
    fn candidates(&self, due: &Due, wanted: &RoaringBitmap) -> Result<Vec<Candidate>, Error> {
        let gone: HashSet<u64> = self.library.store().gone_sizes()?.into_iter().collect();
        let mut candidates = Vec::new();
        let mut take = |id: PhotoId, stat: &FileStat, is_hashed| {
            candidates.push(Candidate {
                id,
                stat: *stat,
                is_hashed,
                is_certain: gone.contains(&stat.size) || wanted.contains(id.0),
            });
        };
        let index = self.library.index();
        match due {
            Due::All => index.for_each_file(&mut take),
            Due::Sizes(sizes) => sizes
                .iter()
                .for_each(|size| index.for_each_file_of_size(*size, &mut take)),
        }
        let wanted = wanted.iter().filter_map(|id| index.photo(PhotoId(id)));
        wanted.for_each(|photo| take(photo.id, &photo.stat, photo.hash.is_some()));
        candidates.retain(|c| c.stat.size > 0);
        candidates.sort_unstable_by_key(|c| (c.stat.size, c.stat.dev, c.stat.ino, c.id));
        candidates.dedup_by_key(|c| c.id);
        let groups = candidates.chunk_by(|a, b| a.stat.size == b.stat.size);
        let has_twin = groups.flat_map(|group| vec![group.len() > 1; group.len()]);
        let mut has_twin = Vec::from_iter(has_twin).into_iter();
        candidates.retain(|c| has_twin.next() == Some(true) || c.is_certain);
        Ok(candidates)
    }

    /// The photos of one size that are to be read as a whole.
    fn worth_reading(&self, group: &[Candidate], stop: &AtomicBool) -> Vec<Photo> {
        let waiting: Vec<_> = group.iter().filter(|c| !c.is_hashed).collect();
        let is_sampled = |c: &Candidate| !c.is_certain && c.stat.size > SMALL;
        let alike = match waiting.iter().any(|c| is_sampled(c)) {
            true => self.alike(group, stop),
            false => HashSet::new(),
        };
        let read = waiting.into_iter();
        let read = read.filter(|c| !is_sampled(c) || alike.contains(&c.id));
        read.filter_map(|c| self.library.index().photo(c.id))
            .collect()
    }

    /// The photos whose sample another one of the group has too.
    fn alike(&self, group: &[Candidate], stop: &AtomicBool) -> HashSet<PhotoId> {
        let mut same: HashMap<ContentHash, Vec<PhotoId>> = HashMap::new();
        for candidate in group.iter().take_while(|_| !stop.load(Relaxed)) {
            let photo = self.library.index().photo(candidate.id);
            if let Some(sample) = photo.and_then(|photo| self.sample(&photo, stop)) {
                same.entry(sample).or_default().push(candidate.id);
            }
        }
        let several = same.into_values().filter(|ids| ids.len() > 1);
        several.flatten().collect()
    }

    fn sample(&self, photo: &Photo, stop: &AtomicBool) -> Option<ContentHash> {
        let go_on = || !stop.load(Relaxed);
        let sample = self.samples.of(photo, &self.source_files, &go_on);
        sample.unwrap_or_else(|error| {
            // Those of its size are compared once more then.
            if is_unresponsive(&error) {
                self.due().extend([photo.stat.size]);
            }
            tracing::debug!(path = %photo.path, %error, "can't be sampled");
            None
        })
    }
}

/// `None` when there is no saying now.
fn content_hash(
    source_files: &SourceFiles,
    photo: &Photo,
    go_on: &dyn Fn() -> bool,
) -> Option<ContentHash> {
    match source_files.hash(&photo.path, &photo.stat, &go_on) {
        Ok(hash) => hash,
        Err(error) => {
            tracing::debug!(path = %photo.path, %error, "can't be hashed");
            None
        }
    }
}
