//! What a photo belongs to: what decides in which folders it is.

use super::inner::Inner;
use super::photos::Record;
use crate::catalog::{Facet, FileStat, PhotoId, Status};

/// Everything that decides how many names a photo has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Membership {
    /// How many labels of each facet hold for it.
    labels: [u32; Facet::ALL.len()],
    /// It is in one folder by status.
    pub status: Status,
    /// 1 to 5; 0 for unrated.
    pub stars: u8,
    /// Whether it is among the photos taken last.
    pub is_recent: bool,
    /// Whether it is listed by a title.
    pub has_title: bool,
    /// Whether it is in a group with photos that are alike.
    pub has_duplicate: bool,
}

impl Membership {
    /// How many labels of a facet hold for it.
    pub fn labels(&self, facet: Facet) -> u32 {
        self.labels[facet as usize]
    }
}

/// What decides what `stat` says of a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoFile {
    /// Of the original.
    pub stat: FileStat,
    /// Bytes of its text file.
    pub text_bytes: u32,
    /// For how many names it has.
    pub membership: Membership,
}

impl Inner {
    /// Of the photo of a record.
    pub fn membership_of(&self, id: PhotoId, record: &Record) -> Membership {
        let mut membership = Membership {
            status: record.status,
            is_recent: self.recent.contains(id.0),
            has_title: self.titled.contains(id.0),
            has_duplicate: self.alike.grouped().contains(id.0),
            ..Membership::default()
        };
        for key in record.packed.labels().map(|label| self.labels.key(label)) {
            membership.labels[key.facet as usize] += 1;
            if key.facet == Facet::Rating {
                membership.stars = key.folded.parse().unwrap_or(0);
            }
        }
        membership
    }
}
