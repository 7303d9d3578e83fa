//! A photo on its way to a server: read, made small, and tried so and so often.

use std::sync::Arc;

use tokio::time::Instant;

use crate::analysis::previews::Preview;
use crate::catalog::{ContentHash, Facts, FileStat, PhotoId};

#[derive(Clone)]
pub struct Parcel {
    pub photo: PhotoId,
    pub hash: ContentHash,
    pub stat: FileStat,
    pub preview: Preview,
    pub facts: Arc<Facts>,
    /// Tries that failed by the fault of the photo, the server or the way to it.
    pub tries: u32,
    /// Tries that the server had no time for.
    pub waits: u32,
    pub not_before: Instant,
}

impl Parcel {
    /// Whether it wasn't carried yet.
    pub fn is_fresh(&self) -> bool {
        self.tries + self.waits == 0
    }
}
