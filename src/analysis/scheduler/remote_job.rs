//! A photo on its way to a server: read, made small, and tried so and so often.

use std::sync::Arc;

use tokio::time::Instant;

use crate::analysis::previews::Preview;
use crate::catalog::{ContentHash, Facts, FileStat, PhotoId};

/// All that a request needs, so that no try reads the disk.
#[derive(Clone)]
pub struct RemoteJob {
    pub photo: PhotoId,
    pub hash: ContentHash,
    pub stat: FileStat,
    pub preview: Preview,
    pub facts: Arc<Facts>,
    /// Attempts that failed by the fault of the photo, the server or the way to it.
    pub failed_attempts: u32,
    /// Attempts that the server had no time for.
    pub busy_attempts: u32,
    /// A server was busy, or a try failed: not sent before.
    pub not_before: Instant,
}

impl RemoteJob {
    /// Whether it wasn't sent yet.
    pub fn is_fresh(&self) -> bool {
        self.failed_attempts + self.busy_attempts == 0
    }
}
