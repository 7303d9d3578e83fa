//! What the index knows of files: which photo a file is, and which files are alike in what the disk says of them.

use roaring::RoaringBitmap;

use super::{Index, PhotoFile};
use crate::catalog::{ContentHash, FileStat, PhotoId, SourcePath};

impl Index {
    /// What `stat` says of a photo's file. Allocates nothing: a listing with attributes asks it of every entry.
    pub(crate) fn file(&self, id: PhotoId) -> Option<PhotoFile> {
        let inner = self.read();
        let record = inner.photos.get(id)?;
        Some(PhotoFile {
            stat: inner.photos.stat(record),
            text_bytes: record.text_bytes(),
            membership: inner.membership_of(id, record),
        })
    }

    /// The photo at a path of the source, and what the disk said of its file.
    pub(crate) fn file_at(&self, path: &SourcePath) -> Option<(PhotoId, FileStat)> {
        let inner = self.read();
        let folder = inner.folders.find(path.folder())?;
        let id = inner.photos.in_folder(folder, path.file_name())?;
        Some((id, inner.photos.stat(inner.photos.get(id)?)))
    }

    /// The photos whose file has this inode and this size; more than one where there are hard links.
    pub(crate) fn with_file(&self, stat: &FileStat) -> Vec<PhotoId> {
        let mut photos: Vec<_> = self.read().photos.with_file(stat).collect();
        photos.sort_unstable();
        photos
    }

    /// Whether the file of some photo has this inode and this size.
    pub(crate) fn has_file(&self, stat: &FileStat) -> bool {
        self.read().photos.with_file(stat).next().is_some()
    }

    /// Whether some photo is on this device.
    pub(crate) fn has_device(&self, dev: u64) -> bool {
        self.read().photos.has_device(dev)
    }

    /// The photos whose file has so many bytes, in order of id.
    pub(crate) fn of_size(&self, size: u64) -> Vec<PhotoId> {
        let mut photos: Vec<_> = self.read().photos.of_size(size).collect();
        photos.sort_unstable();
        photos
    }

    /// Whether the file of some photo has so many bytes.
    pub(crate) fn has_size(&self, size: u64) -> bool {
        self.read().photos.of_size(size).next().is_some()
    }

    /// The photos of this content, in order of id.
    pub(crate) fn with_content(&self, content: &ContentHash) -> Vec<PhotoId> {
        let mut photos: Vec<_> = self.read().photos.with_content(content).collect();
        photos.sort_unstable();
        photos
    }

    /// A size that no file exceeds, in bytes: that of the largest since the start.
    pub(crate) fn largest_size(&self) -> u64 {
        self.read().photos.largest()
    }

    /// Calls `each` for the file of every photo in order of id, with whether its hash is known. Holds a read lock
    /// meanwhile.
    pub fn for_each_file(&self, each: &mut dyn FnMut(PhotoId, &FileStat, bool)) {
        let inner = self.read();
        for id in inner.all.iter().map(PhotoId) {
            if let Some(record) = inner.photos.get(id) {
                each(id, &inner.photos.stat(record), record.hash().is_some());
            }
        }
    }

    /// Calls `each` for the files of one size, in no order. Holds a read lock meanwhile.
    pub(crate) fn for_each_file_of_size(
        &self,
        size: u64,
        each: &mut dyn FnMut(PhotoId, &FileStat, bool),
    ) {
        let inner = self.read();
        for id in inner.photos.of_size(size) {
            if let Some(record) = inner.photos.get(id) {
                each(id, &inner.photos.stat(record), record.hash().is_some());
            }
        }
    }

    /// The photos of which people said something, and whose content was never read as a whole.
    pub(crate) fn unhashed_with_words(&self) -> RoaringBitmap {
        let inner = self.read();
        let is_it = |id: &u32| {
            let record = inner.photos.get(PhotoId(*id));
            record.is_some_and(|r| r.is_edited() && r.hash().is_none())
        };
        inner.all.iter().filter(is_it).collect()
    }
}
