//! One process owns a catalog: a lock beside its index, which the kernel drops however the process ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::Error;

pub struct Lock(#[expect(dead_code, reason = "held open")] File);

impl Lock {
    pub fn take(index: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Lock {
            path: index.into(),
            source,
        };
        let file = open(index).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: index.into() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Whether a process owns the catalog of an index, as far as this user can tell.
pub fn is_taken(index: &Path) -> bool {
    let file = File::open(index.with_extension("lock"));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn open(index: &Path) -> std::io::Result<File> {
    if let Some(folder) = index.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(index.with_extension("lock"))
}
