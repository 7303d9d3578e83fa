//! Why the tree refuses something. Which number the kernel gets for it is the mount's business, in `fuse/errno.rs`;
//! `doc/SEMANTICS.md` says which call is refused where.

use crate::catalog::Words;
use crate::store;

/// What is refused, and why. All but the last three are about what was asked, not about the machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing has this name or number; it may have gone a moment ago.
    #[error("no such file or folder")]
    NotFound,
    /// A file stands where a folder is wanted.
    #[error("not a folder")]
    NotAFolder,
    /// A folder stands where a file is wanted.
    #[error("is a folder")]
    IsAFolder,
    /// The name is taken, by a folder or a photo.
    #[error("is there already")]
    Exists,
    /// A folder still shows photos, or its new name is another one's.
    #[error("not empty")]
    NotEmpty,
    /// This kind of folder or attribute takes no such change, whoever asks.
    #[error("not permitted in the catalog")]
    NotPermitted,
    /// It would change bytes of the source.
    #[error("the contents of photos are read-only")]
    ReadOnly,
    /// The attribute has no value here, or `user.` has none of this name.
    #[error("no such attribute")]
    NoData,
    /// The attribute is outside of `user.`; no such one is ever there.
    #[error("attributes of this kind are not supported")]
    Unsupported,
    /// A name or value can't be understood: why, for people.
    #[error("invalid value: {0}")]
    Invalid(String),
    /// It will work when some of them are closed.
    #[error("too many files are being written")]
    TooMany,
    /// An attribute would be longer than 64 KiB.
    #[error("value too large")]
    TooLarge,
    /// Only the store can answer: what it says of these words must be read first, with [`super::Namespace::read`].
    #[error("the words are not read yet")]
    Unread(Words),
    /// The source, or the disk where copies are kept, fails.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
    /// The catalog can't be read or written.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSuchPhoto(_) => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// What the tree says, or why it refuses.
pub type Result<T> = std::result::Result<T, Error>;
