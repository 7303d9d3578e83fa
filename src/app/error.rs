//! Why a catalog can't be opened, or not shown.

use std::path::PathBuf;

use crate::analysis::providers::{embedded, remote};
use crate::{backups, fuse, source, store};

/// What failed, in the words of the part that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of photos can't be opened.
    #[error("{}: {source}", path.display())]
    Source {
        /// The folder, as it was named.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No catalog was named, and no environment variable says where catalogs are kept.
    #[error("no place for the catalog: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// The system starts no more threads.
    #[error("no thread to watch the memory with: {0}")]
    Threads(std::io::Error),
    /// The system doesn't tell of changes in the source.
    #[error("following the source: {0}")]
    Follow(std::io::Error),
    /// The folder of backups can't be read, or none was made.
    #[error(transparent)]
    Backups(#[from] backups::Error),
    /// The database can't be opened, read or written, or another process owns it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The model inside the program doesn't load.
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    /// The settings describe a provider that can't be asked; the text names it and says why.
    #[error("{0}")]
    Provider(String),
    /// No client can be made for a provider's server.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The source can't be scanned.
    #[error(transparent)]
    Scan(#[from] source::Error),
    /// The mountpoint, the options or the kernel are in the way.
    #[error(transparent)]
    Mount(#[from] fuse::Error),
}
