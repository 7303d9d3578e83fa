//! What photos are sorted by, many at a time: a photo as a whole takes its path to be put together.

use roaring::RoaringBitmap;

use super::Index;
use crate::catalog::{PhotoId, WallClock};

/// What decides where a photo stands among others.
pub struct SortKeys<'a> {
    /// When it was taken.
    pub date: Option<WallClock>,
    /// As on disk.
    pub file_name: &'a [u8],
}

impl Index {
    /// Calls `each` for these photos in order of id, as far as they are there. Holds a read lock meanwhile.
    pub(crate) fn for_each_sort_keys(
        &self,
        photos: &RoaringBitmap,
        each: &mut dyn FnMut(PhotoId, SortKeys<'_>),
    ) {
        let inner = self.read();
        for id in photos.iter().map(PhotoId) {
            if let Some(record) = inner.photos.get(id) {
                let file_name = record.packed.file_name();
                each(
                    id,
                    SortKeys {
                        date: record.date(),
                        file_name,
                    },
                );
            }
        }
    }
}
