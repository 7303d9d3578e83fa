//! The durable truth about a catalog. Narrow on purpose, so that another back end fits behind it.
//!
//! Knows nothing of views, FUSE, analyzers or the disk that the photos are on. All SQL is in [`sqlite`].

mod apply;
pub mod cached;
pub(crate) mod disk;
mod journal;
pub mod memory;
mod naming;
mod owner_lock;
pub mod provider_store;
mod record;
mod record_transaction;
mod renaming;
pub mod sqlite;

pub(crate) use owner_lock::{OwnerLock, is_taken};
pub use sqlite::Sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::catalog::{
    ActId, Analysis, Change, ContentHash, Detail, Done, Effect, GonePhoto, Measured, PhotoId,
    Stored, Trace, Words,
};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be made or read, is no index, or is a newer version's.
    #[error("catalog {}: {source}", path.display())]
    Open {
        /// The file of the catalog.
        path: PathBuf,
        /// What the disk or SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No lock can be had beside the index.
    #[error("catalog {}: {source}", path.display())]
    Lock {
        /// The file of the catalog.
        path: PathBuf,
        /// What the disk says.
        source: std::io::Error,
    },
    /// The file is a database that another program made.
    #[error("{}: a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// An index is of one folder for good, and this one is of another.
    #[error("catalog {} belongs to {}", path.display(), owner.display())]
    OtherSource {
        /// The file of the catalog.
        path: PathBuf,
        /// The folder that it is of.
        owner: PathBuf,
    },
    /// Another process has it open for writing.
    #[error("catalog {} is in use by another kbasefs", path.display())]
    InUse {
        /// The file of the catalog.
        path: PathBuf,
    },
    /// There is no room left on the disk, or none that this user may take.
    #[error("catalog: the disk is full")]
    Full,
    /// A page can't be read, or a value can't be what its column holds.
    #[error("catalog: damaged")]
    Damaged,
    /// Another program holds a lock of the file for longer than this may wait.
    #[error("catalog: another program uses it: the database is locked")]
    Busy,
    /// The disk or the file can't be used as things are, whatever is wanted of it.
    #[error("catalog: {0}")]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// Its tables don't allow a change: they are damaged, or the change is wrong.
    #[error("catalog: {0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// What can be read of it doesn't fit onto the disk beside it.
    #[error("catalog {}: damaged, and there is no room to make a sound one of it", path.display())]
    NoRoom {
        /// The file of the catalog.
        path: PathBuf,
        /// Room that is needed, at most.
        bytes: u64,
    },
    /// A file of somebody else stands where one was to be made.
    #[error("{}: is there already", path.display())]
    Exists {
        /// The file that stands there.
        path: PathBuf,
    },
    /// Whatever else SQLite refuses: a fault of ours, mostly.
    #[error("catalog: {0}")]
    Backend(Box<dyn std::error::Error + Send + Sync>),
    /// An act that was to be taken back is taken back already, or one that was to be done again holds already.
    #[error("catalog: act {0} is not what it was a moment ago")]
    Overtaken(ActId),
    /// There is no photo with this id any more.
    #[error("catalog: no photo {0}")]
    NoSuchPhoto(PhotoId),
}

impl Error {
    /// Whether more room on the disk would have helped.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full | Self::NoRoom { .. })
    }

    /// Whether another program would have had to let go of the file.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// This error, of a catalog that can't be opened.
    pub(crate) fn of_catalog(self, path: &Path) -> Self {
        let source = match self {
            Self::Backend(source) | Self::Refused(source) => source,
            Self::Damaged => self.into(),
            error => return error,
        };
        let path = path.into();
        Self::Open { path, source }
    }

    /// What a file system says of a catalog.
    pub(crate) fn of_file(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            _ => Self::Open {
                path: path.into(),
                source: source.into(),
            },
        }
    }

    /// What a file system says of a file that is to be made.
    pub(crate) fn of_new_file(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::AlreadyExists => Self::Exists { path: path.into() },
            _ => Self::of_file(path, source),
        }
    }

    /// Whether nothing can be kept, rather than this one change.
    pub(crate) fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::Backend(_) | Self::Refused(_) | Self::Overtaken(_) | Self::NoSuchPhoto(_)
        )
    }
}

/// What comes of a call to a store.
pub type Result<T> = std::result::Result<T, Error>;

/// What a catalog keeps. Calls may block on the disk; callers stay off latency-bound threads.
pub trait Store: Send + Sync {
    /// Hands over what there is: tags that people made, queries that they keep, how many photos there are at most, then
    /// every photo that is not gone, in order of id.
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()>;

    /// Makes the changes durable, all or none, in order, and says what each photo that they touched now is
    /// (a photo touched twice appears once, as it is at the end). An id that isn't there (any more) is skipped.
    ///
    /// The store assigns ids and catalog names. [`Change::Hashed`], [`Change::Measured`] and [`Change::Analyzed`] reach
    /// every copy, of very many those that [`Effect::Unjoined`] tells of with a later commit; a new photo whose hash equals that of one that is gone becomes that photo again, with its id, name
    /// and labels.
    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>>;

    /// Everything known of a photo that is not gone.
    fn detail(&self, id: PhotoId) -> Result<Option<Detail>>;

    /// Everything known of a photo, if it is in RAM: never blocks on the disk. `None` says nothing.
    fn detail_at_hand(&self, _: PhotoId) -> Option<Arc<Detail>> {
        None
    }

    /// What was measured in a content, if it was decoded.
    fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>>;

    /// What analyzers said of a content, and when (seconds since 1970), the latest last.
    fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>>;

    /// Photos whose facts an earlier version read from their files. Some may be gone.
    fn outdated(&self) -> Result<RoaringBitmap>;

    /// Photos that have the words in a row in the title, description, tags, file name or folder. A store may know
    /// that two words are forms of one, and then finds more than the very words.
    fn full_text(&self, words: &Words) -> Result<RoaringBitmap>;

    /// How well each photo that has any of the words fits them, above 0: titles and tags count more than
    /// descriptions, and these more than paths.
    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>>;

    /// What people did, the latest first: at most `most` acts, those before that one.
    fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>>;

    /// An act of the journal and what it changed, sorted by photo.
    fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>>;

    /// Sizes in bytes of the gone photos whose hash is known: a new file of such a size is worth hashing.
    fn gone_sizes(&self) -> Result<Vec<u64>>;

    /// The gone photos of which people said something, in order of id.
    fn gone_with_words(&self) -> Result<Vec<GonePhoto>>;

    /// Everything known of a photo that is gone.
    fn detail_of_gone(&self, id: PhotoId) -> Result<Option<Detail>>;

    /// Bytes that the store takes on disk.
    fn size_bytes(&self) -> Result<u64>;
}
