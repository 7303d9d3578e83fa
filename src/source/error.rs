//! Why the source can't be brought in step with the catalog as a whole. A single file that can't be read is counted.

use std::io;
use std::path::PathBuf;

use crate::store;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("source {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("source {}: another folder is in its place, hint: mount it again", path.display())]
    Replaced { path: PathBuf },
    #[error("source {}: empty, and its photos were on another disk, hint: mount that disk", path.display())]
    Unmounted { path: PathBuf },
    #[error("exclude pattern {glob:?}: {reason}")]
    Exclude { glob: String, reason: String },
    #[error(transparent)]
    Store(#[from] store::Error),
}
