//! Why the source can't be brought in step with the catalog as a whole. A single file that can't be read is counted.

use std::io;
use std::path::PathBuf;

use crate::store;

/// Why a scan did not come to its end. What it committed before stays, and no photo is taken for gone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder, or the rules in it, can't be read.
    #[error("source {}: {source}", path.display())]
    Unreadable {
        /// The source, or its `.ignore`.
        path: PathBuf,
        /// What the disk says.
        source: io::Error,
    },
    /// A single file that somebody asked for can't be looked at.
    #[error("{}: {source}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// What the disk says.
        source: io::Error,
    },
    /// Another folder has its path by now, with none of the photos that are known.
    #[error("source {}: another folder is in its place, hint: mount it again", path.display())]
    Replaced {
        /// The source.
        path: PathBuf,
    },
    /// It is empty, and photos were on another disk: a mount point without its disk looks like that.
    #[error("source {}: empty, and its photos were on another disk, hint: mount that disk", path.display())]
    Unmounted {
        /// The source.
        path: PathBuf,
    },
    /// The configuration has a pattern that is none.
    #[error("exclude pattern {glob:?}: {reason}")]
    Exclude {
        /// The pattern as it was configured.
        glob: String,
        /// What the parser of patterns says, for people.
        reason: String,
    },
    /// The catalog can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
}
