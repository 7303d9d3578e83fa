//! Why a catalog can't be opened, or not shown.

use std::path::PathBuf;

use crate::analysis::providers::{embedded, remote};
use crate::{backups, fuse, source, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Source {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("no place for the catalog: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    #[error("no thread to watch the memory with: {0}")]
    Threads(std::io::Error),
    #[error("following the source: {0}")]
    Follow(std::io::Error),
    #[error(transparent)]
    Backups(#[from] backups::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    #[error("{0}")]
    Provider(String),
    #[error(transparent)]
    Remote(#[from] remote::Error),
    #[error(transparent)]
    Scan(#[from] source::Error),
    #[error(transparent)]
    Mount(#[from] fuse::Error),
}
