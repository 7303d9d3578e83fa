//! Photos of the same content.

use roaring::RoaringBitmap;

use super::photos::Photos;
use crate::catalog::{ContentHash, PhotoId};

/// Every photo of which there is a copy.
#[derive(Default)]
pub struct Copies(RoaringBitmap);

impl Copies {
    /// Every photo of which there is a copy.
    pub fn all(&self) -> &RoaringBitmap {
        &self.0
    }

    /// Adds a photo whose record is still to come. Gives the photo that was the only one of its content until now.
    pub fn insert(&mut self, id: PhotoId, hash: &ContentHash, photos: &Photos) -> Option<PhotoId> {
        let mut others = photos.with_content(hash);
        let first = others.next()?;
        self.0.insert(id.0);
        let is_flipped = others.next().is_none();
        is_flipped.then(|| self.0.insert(first.0));
        is_flipped.then_some(first)
    }

    /// Takes out a photo whose record is gone. Gives the photo that is the only one of its content from now on.
    pub fn remove(&mut self, id: PhotoId, hash: &ContentHash, photos: &Photos) -> Option<PhotoId> {
        self.0.remove(id.0);
        let mut left = photos.with_content(hash);
        let first = left.next()?;
        let is_flipped = left.next().is_none();
        is_flipped.then(|| self.0.remove(first.0));
        is_flipped.then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{FileStat, Format, Photo, SourcePath, Status};
    use crate::index::FolderId;
    use crate::index::photos::Record;

    fn record(photos: &mut Photos, id: PhotoId, hash: ContentHash) -> Record {
        let name = id.to_string().into_bytes();
        let photo = Photo {
            id,
            path: SourcePath::new(name.clone()),
            name: name.into(),
            title_name: None,
            text_bytes: 0,
            stat: FileStat::default(),
            format: Format::Jpeg,
            status: Status::Pending,
            date: None,
            hash: Some(hash),
            width: 4,
            height: 3,
            perceptual_hash: None,
            edited: false,
            edition: 0,
        };
        photos.record(photo, FolderId::TOP, Vec::new(), false)
    }

    #[test]
    fn copies_come_and_go() {
        let [a, b] = [ContentHash([1; 32]), ContentHash([2; 32])];
        let hashes = [a, b, a, a];
        let (mut photos, mut copies) = (Photos::default(), Copies::default());
        let mut check = |id: u32, comes: bool, flips: Option<u32>, all: &[u32]| {
            let (id, hash) = (PhotoId(id), hashes[id as usize]);
            let flipped = if comes {
                let flipped = copies.insert(id, &hash, &photos);
                let record = record(&mut photos, id, hash);
                photos.insert(id, record);
                flipped
            } else {
                photos.remove(id);
                copies.remove(id, &hash, &photos)
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
