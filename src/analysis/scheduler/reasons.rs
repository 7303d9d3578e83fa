//! Why photos have no answer, for as long as they have none. Many photos have the same reason: a server that is gone.

use std::collections::VecDeque;

use roaring::RoaringBitmap;

use crate::catalog::PhotoId;

/// Different reasons that are remembered. Servers put numbers and times into theirs, so that each may be new; the
/// oldest goes, and its photos have none.
const MOST: usize = 256;

/// The reason of each photo, the latest last.
#[derive(Default)]
pub struct Reasons(VecDeque<(String, RoaringBitmap)>);

impl Reasons {
    /// Remembers why a photo has no answer, in place of what was the reason before.
    pub fn note(&mut self, photo: PhotoId, reason: &str) {
        self.forget(&RoaringBitmap::from_iter([photo.0]));
        match self.0.iter_mut().find(|(known, _)| known == reason) {
            Some((_, photos)) => {
                photos.insert(photo.0);
            }
            None => {
                let photos = RoaringBitmap::from_iter([photo.0]);
                self.0.push_back((reason.to_owned(), photos));
            }
        }
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// Photos have an answer now, or are other pictures.
    pub fn forget(&mut self, photos: &RoaringBitmap) {
        for (_, known) in &mut self.0 {
            *known -= photos;
        }
        self.0.retain(|(_, known)| !known.is_empty());
    }

    /// The reason of a photo.
    pub fn of(&self, photo: PhotoId) -> Option<&str> {
        let mut known = self.0.iter();
        let (reason, _) = known.find(|(_, photos)| photos.contains(photo.0))?;
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_has_the_last_reason_until_it_is_forgotten() {
        let mut reasons = Reasons::default();
        for photo in 0..1000 {
            reasons.note(PhotoId(photo), "gone");
        }
        reasons.note(PhotoId(7), "no money");
        assert_eq!(reasons.of(PhotoId(6)), Some("gone"));
        assert_eq!(reasons.of(PhotoId(7)), Some("no money"));
        reasons.forget(&RoaringBitmap::from_iter([7]));
        assert_eq!(reasons.of(PhotoId(7)), None);
        assert_eq!(reasons.0.len(), 1);
    }

    #[test]
    fn the_latest_reasons_are_kept_in_little_room() {
        let mut reasons = Reasons::default();
        for photo in 0..1000 {
            reasons.note(PhotoId(photo), &photo.to_string());
        }
        assert_eq!(reasons.0.len(), MOST);
        assert_eq!(reasons.of(PhotoId(999)), Some("999"));
        assert_eq!(reasons.of(PhotoId(1)), None);
    }
}
