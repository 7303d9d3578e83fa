//! Decides which photo is analysed next.

use std::time::Duration;

use roaring::RoaringBitmap;

use super::Access;
use crate::catalog::PhotoId;

/// Runs the analyses.
pub struct Scheduler;

impl Scheduler {
    /// Counts an access to a photo.
    pub fn accessed(&self, _photo: PhotoId, _access: Access) {}

    /// Counts an access to many photos.
    pub fn accessed_all(&self, _photos: RoaringBitmap, _access: Access) {}

    /// Whether some analyzer is started by such an access.
    pub fn wants(&self, _access: Access) -> bool {
        false
    }

    /// Waits for the first results, or until nothing is queued.
    pub async fn first_results(&self, _deadline: Duration) {}

    /// Asks for an analysis and waits for its end.
    pub async fn analyzed(&self, _photo: PhotoId, _deadline: Duration) {}
}
