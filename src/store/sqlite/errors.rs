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
            Some(ConstraintViolation | TypeMismatch) => return Self::Refused(error.into()),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
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
