//! Why the tree refuses something. Which number the kernel gets for it is the mount's business.

use crate::catalog::Words;
use crate::store;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such file or folder")]
    NotFound,
    #[error("not a folder")]
    NotAFolder,
    #[error("is a folder")]
    IsAFolder,
    #[error("is there already")]
    Exists,
    #[error("not empty")]
    NotEmpty,
    #[error("not permitted in the catalog")]
    NotPermitted,
    #[error("the contents of photos are read-only")]
    ReadOnly,
    #[error("no such attribute")]
    NoData,
    #[error("attributes of this kind are not supported")]
    Unsupported,
    #[error("invalid value: {0}")]
    Invalid(String),
    #[error("too many files are being written")]
    TooMany,
    #[error("value too large")]
    TooLarge,
    /// Only the store can answer: what it says of these words must be read first, with [`super::Namespace::read`].
    #[error("the words are not read yet")]
    Unread(Words),
    #[error(transparent)]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

pub type Result<T> = std::result::Result<T, Error>;
