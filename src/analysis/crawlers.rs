//! Programs that walk everything, and what tells them.

use crate::catalog::PhotoId;

/// Tells crawlers by their name and by how many photos they touch.
#[derive(Default)]
pub struct Crawlers;

impl Crawlers {
    /// Whether this access to a photo, by a thread of this id, is a crawler's.
    pub fn judge(&self, _pid: u32, _photo: PhotoId) -> bool {
        false
    }

    /// Whether the process that this thread belongs to is a crawler by its name.
    pub fn is_crawler(&self, _pid: u32) -> bool {
        false
    }
}
