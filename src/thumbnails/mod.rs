//! Small pictures of photos: made once, kept in memory and where file managers keep and look for theirs.
//!
//! The folder follows freedesktop.org's specification, so that whatever the desktop made already is served, and what is
//! made here serves the desktop: <https://specifications.freedesktop.org/thumbnail-spec/latest/>. What is handed out is a
//! JPEG of pixels that were decoded here, never the bytes of somebody else's file. Knows nothing of who looks at it.

mod disk;
mod uri;

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::analysis::{Picture, preview};
use crate::catalog::{FileStat, Photo, PhotoId};
use crate::decoding::{self, Decoders};
use crate::memory::{Bounds, Cache, Limit};
use crate::source_files::{SourceFile, SourceFiles};
use disk::Folder;

/// How large, by the longest side in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// 256, as the specification names it.
    Large,
    /// 512, likewise.
    XLarge,
    /// For looking at one photo; kept in memory only.
    Screen,
}

impl Size {
    /// Every size, the smallest first.
    pub const ALL: [Self; 3] = [Self::Large, Self::XLarge, Self::Screen];

    /// The longest side.
    pub fn pixels(self) -> u32 {
        match self {
            Self::Large => 256,
            Self::XLarge => 512,
            Self::Screen => preview::LONGEST_SIDE,
        }
    }

    /// The size with this longest side; `None` where there is none.
    pub fn of_pixels(pixels: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.pixels() == pixels)
    }
}

/// Why there is no thumbnail.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The disk gives no content: the file is gone, closed to this process, or on a disk that fails.
    #[error("the file cannot be read: {0}")]
    Unread(Arc<io::Error>),
    /// It was written to, and no scan has seen it yet: the thumbnail would be kept under a state that it is not of.
    #[error("the file is not what the catalog knows")]
    Changed,
    /// The setting `max_file_size_mb` forbids to read it.
    #[error("the file is larger than max_file_size_mb")]
    TooLarge,
    /// Its content can't be decoded, or not in time.
    #[error("{0}")]
    NoPicture(decoding::Error),
}

/// A photo, its modification time in nanoseconds, its edition, and a size: a photo that is written to gets another key.
type Key = (PhotoId, i64, u16, Size);

/// What a photo that has no picture costs to be remembered, about.
const FAILURE_BYTES: usize = 128;
const MOST_FAILURES: u64 = 10_000;

/// The thumbnails of one catalog.
pub struct Thumbnails {
    memory: Cache<Key, Bytes>,
    /// Photos that have no picture as long as they stay as they are: a slow one would be slow again.
    failed: Cache<(PhotoId, i64, u16), decoding::Error>,
    decoders: Decoders,
    folder: Option<Folder>,
    hits: AtomicU64,
    misses: AtomicU64,
    /// Bytes of the largest original that is looked at.
    largest: u64,
}

impl Thumbnails {
    /// At most so many bytes in memory; on disk in `folder`, if there is one.
    pub fn new(
        memory: &Limit,
        bytes: u64,
        folder: Option<PathBuf>,
        largest: u64,
        decoders: Decoders,
    ) -> Self {
        let bounds = |bytes| Bounds {
            bytes,
            ..Bounds::default()
        };
        let failures = MOST_FAILURES * FAILURE_BYTES as u64;
        Self {
            memory: memory.cache(bounds(bytes), |_, jpeg: &Bytes| jpeg.len()),
            failed: memory.cache(bounds(failures), |_, _| FAILURE_BYTES),
            decoders,
            folder: folder.map(Folder::new),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
            largest,
        }
    }

    /// The thumbnail as a JPEG; made by one of those who want it at the same time. Blocks on the disk and decodes.
    pub fn get(
        &self,
        source_files: &SourceFiles,
        photo: &Photo,
        size: Size,
    ) -> Result<Bytes, Error> {
        let key = (photo.id, photo.stat.mtime_ns, photo.edition, size);
        if let Some(jpeg) = self.memory.get(&key) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(jpeg);
        }
        let make = || {
            let picture = self.picture(source_files, photo, size)?;
            Ok(preview::jpeg(&picture, size.pixels()).into())
        };
        let made = self.memory.try_get_with(key, make);
        made.map_err(|error: Arc<Error>| (*error).clone())
    }

    /// Thumbnails that were there, in memory or on disk.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Thumbnails that were made.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn picture(
        &self,
        source_files: &SourceFiles,
        photo: &Photo,
        size: Size,
    ) -> Result<Picture, Error> {
        let uri = uri::of_file(&source_files.absolute(&photo.path));
        let folder = self.folder.as_ref().filter(|_| size != Size::Screen);
        let kept = folder.and_then(|f| f.read(&self.decoders, &uri, photo, size));
        if let Some(kept) = kept {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(kept);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let picture = self.decode(source_files, photo)?;
        let Some(folder) = folder else {
            return Ok(picture);
        };
        // What was decoded for one size is there for the other.
        for size in [Size::Large, Size::XLarge] {
            folder.write(&uri, photo, size, &picture);
        }
        Ok(picture)
    }

    fn decode(&self, source_files: &SourceFiles, photo: &Photo) -> Result<Picture, Error> {
        let key = (photo.id, photo.stat.mtime_ns, photo.edition);
        if let Some(failed) = self.failed.get(&key) {
            return Err(Error::NoPicture(failed));
        }
        let mut bytes = self.read(source_files, photo)?;
        let decoded = self.decoders.decode(&mut bytes, preview::LONGEST_SIDE);
        let decoded = decoded.inspect_err(|failed| {
            if failed.is_lasting() {
                self.failed.insert(key, failed.clone());
            }
        });
        Ok(decoded.map_err(Error::NoPicture)?.picture)
    }

    fn read(&self, source_files: &SourceFiles, photo: &Photo) -> Result<Vec<u8>, Error> {
        let (known, largest) = (photo.stat, self.largest);
        let read = source_files.with_file(&photo.path, &|| true, move |file| {
            Ok(read_whole(file, &known, largest))
        });
        read.unwrap_or_else(|error| Err(error.into()))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Unread(Arc::new(error))
    }
}

fn read_whole(file: &SourceFile, known: &FileStat, largest: u64) -> Result<Vec<u8>, Error> {
    let stat = file.stat();
    if !stat.same_content(known) {
        return Err(Error::Changed);
    }
    if stat.size > largest {
        return Err(Error::TooLarge);
    }
    let mut bytes = Vec::new();
    let reserved = bytes.try_reserve_exact(usize::try_from(stat.size).unwrap_or(0));
    reserved.map_err(|error| Error::from(io::Error::from(error)))?;
    file.take(largest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
