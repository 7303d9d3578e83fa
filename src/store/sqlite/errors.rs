//! What SQLite's errors mean to a store: no room, damage, an outage, or a change that the tables refuse.

use rusqlite::{ErrorCode, ffi};

use super::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{
            ConstraintViolation, DatabaseCorrupt, DiskFull, NotADatabase, TypeMismatch,
        };
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        // What the users of an index share needs room on the disk as well.
        if error.sqlite_error().map(|e| e.extended_code) == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(DiskFull) => return Self::Full,
            Some(DatabaseCorrupt | NotADatabase) => return Self::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return Self::Busy,
            Some(ConstraintViolation | TypeMismatch) => return Self::Refused(error.into()),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
                | ErrorCode::OutOfMemory,
            ) => return Self::Unavailable(error.into()),
            _ => {}
        }
        match error {
            FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..) => Self::Damaged,
            error => Self::Backend(error.into()),
        }
    }
}

impl Error {
    /// Whether a catalog is there and can't be written: its disk is full or read-only, or it is somebody else's. To be looked
    /// at it would have to be written, too.
    pub(crate) fn is_unwritable(&self) -> bool {
        use std::io::ErrorKind::{
            PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let is_of_disk = |source: &std::io::Error| {
            matches!(
                source.kind(),
                PermissionDenied | ReadOnlyFilesystem | StorageFull | QuotaExceeded
            )
        };
        match self {
            Self::Full => true,
            Self::Lock { source, .. } => is_of_disk(source),
            Self::Open { source, .. } => source.downcast_ref().is_some_and(is_of_disk),
            Self::Unavailable(source) => source
                .downcast_ref::<rusqlite::Error>()
                .and_then(rusqlite::Error::sqlite_error_code)
                .is_some_and(|code| {
                    use ErrorCode::{CannotOpen, PermissionDenied, ReadOnly, SystemIoFailure};
                    matches!(
                        code,
                        CannotOpen | PermissionDenied | ReadOnly | SystemIoFailure
                    )
                }),
            _ => false,
        }
    }
}
