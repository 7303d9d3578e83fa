//! What photos are sorted by, many at a time: a photo as a whole takes its path to be put together.

use roaring::RoaringBitmap;

use super::Index;
use crate::catalog::{PhotoId, WallClock};

/// What decides where a photo stands among others.
pub struct Brief<'a> {
    pub date: Option<WallClock>,
    pub file_name: &'a [u8],
}

impl Index {
    /// Calls `each` for these photos in order of id, as far as they are there. Holds a read lock meanwhile.
    pub fn for_each_brief(&self, photos: &RoaringBitmap, each: &mut dyn FnMut(PhotoId, Brief<'_>)) {
        let inner = self.read();
        for id in photos.iter().map(PhotoId) {
            if let Some(record) = inner.photos.get(id) {
                let file_name = record.card.file_name();
                each(
                    id,
                    Brief {
                        date: record.date(),
                        file_name,
                    },
                );
            }
        }
    }
}
