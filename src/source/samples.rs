//! What big files hold in three places: enough to tell most files of one size apart without reading them as a whole.
//!
//! Raw files, bitmaps and disk images come in one size and gigabytes. Knows nothing of the catalog's changes.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use parking_lot::Mutex;

use crate::catalog::{ContentHash, FileStat, Photo, PhotoId};
use crate::source_files::SourceFiles;

/// Bytes taken at the beginning, in the middle and at the end.
const PIECE: usize = 16 << 10;

/// Files up to this size are sooner read than sampled.
pub const SMALL: u64 = 4 * PIECE as u64;

/// The samples taken so far, and of which state of the file.
#[derive(Default)]
pub struct Samples(Mutex<HashMap<PhotoId, (FileStat, ContentHash)>>);

impl Samples {
    /// The hash of a photo's sample, read once as long as the file stays as it is. `None` when it is not as the
    /// catalog knows it.
    pub fn of(&self, photo: &Photo, source_files: &SourceFiles) -> io::Result<Option<ContentHash>> {
        let known = self.0.lock().get(&photo.id).copied();
        if let Some((stat, hash)) = known
            && stat.same_content(&photo.stat)
        {
            return Ok(Some(hash));
        }
        let (file, stat) = source_files.read(&photo.path)?;
        if !stat.same_content(&photo.stat) {
            return Ok(None);
        }
        let hash = sample(&file, stat.size)?;
        self.0.lock().insert(photo.id, (stat, hash));
        Ok(Some(hash))
    }
}

fn sample(file: &File, size: u64) -> io::Result<ContentHash> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = [0; PIECE];
    for offset in [0, size / 2, size.saturating_sub(PIECE as u64)] {
        let length = file.read_at(&mut piece, offset)?;
        hasher.update(&piece[..length]);
    }
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}
