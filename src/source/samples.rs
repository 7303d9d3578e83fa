//! What big files hold in three places: enough to tell most files of one size apart without reading them as a whole.
//!
//! Raw files, bitmaps and disk images come in one size and gigabytes. Knows nothing of the catalog's changes.

use std::collections::HashMap;
use std::io;

use parking_lot::{Mutex, MutexGuard};

use crate::catalog::{ContentHash, FileStat, Photo, PhotoId};
use crate::source_files::{SourceFile, SourceFiles};

/// Bytes taken at the beginning, in the middle and at the end.
const PIECE: usize = 16 << 10;

/// Files up to this size are sooner read than sampled.
pub const SMALL: u64 = 4 * PIECE as u64;

/// The samples taken so far.
#[derive(Default)]
pub struct Samples(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    /// Of which state of the file each is.
    by_photo: HashMap<PhotoId, (Key, ContentHash)>,
    /// How many there were when they were swept.
    live: usize,
}

/// The file, and the edition of what is in it.
type Key = (FileStat, u16);

/// So few samples that nobody has use for are in nobody's way.
const SLACK: usize = 1024;

impl Samples {
    /// The hash of a photo's sample, read once as long as the file stays as it is. `None` when it is not as the
    /// catalog knows it.
    pub fn of(
        &self,
        photo: &Photo,
        source_files: &SourceFiles,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Option<ContentHash>> {
        let known = self.lock().by_photo.get(&photo.id).copied();
        if let Some(((stat, edition), hash)) = known
            && stat.same_content(&photo.stat)
            && edition == photo.edition
        {
            return Ok(Some(hash));
        }
        let known = photo.stat;
        let taken = source_files.with_file(&photo.path, go_on, move |file| {
            let stat = *file.stat();
            match stat.same_content(&known) {
                true => Ok(Some((stat, sample(file, stat.size)?))),
                false => Ok(None),
            }
        })?;
        let Some((stat, hash)) = taken else {
            return Ok(None);
        };
        // One of bytes that no scan knows is of no edition.
        if stat.is_as(&photo.stat) {
            let key = (stat, photo.edition);
            self.lock().by_photo.insert(photo.id, (key, hash));
        }
        Ok(Some(hash))
    }

    /// Forgets those of photos that aren't there any more, when they may be half of all: so sweeping costs no more than
    /// sampling did.
    pub fn sweep(&self, is_there: impl Fn(PhotoId) -> bool) {
        let taken = &mut *self.lock();
        if taken.by_photo.len() > SLACK + 2 * taken.live {
            taken.by_photo.retain(|id, _| is_there(*id));
            taken.live = taken.by_photo.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock()
    }
}

fn sample(file: &SourceFile, size: u64) -> io::Result<ContentHash> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = [0; PIECE];
    for offset in [0, size / 2, size.saturating_sub(PIECE as u64)] {
        let length = file.read_at(&mut piece, offset)?;
        hasher.update(&piece[..length]);
    }
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_photos_that_came_and_went_leave_nothing_behind() {
        let samples = Samples::default();
        let sample = ((FileStat::default(), 0), ContentHash([0; 32]));
        for id in 0..100_000 {
            samples.lock().by_photo.insert(PhotoId(id), sample);
            samples.sweep(|photo| photo.0 < 100 || photo.0 == id);
            assert!(samples.lock().by_photo.len() <= 2 * SLACK + 3 * 100);
        }
        let kept = samples.lock();
        assert!((0..100).all(|id| kept.by_photo.contains_key(&PhotoId(id))));
    }
}
