//! The log beside a catalog: whose it is, and when it goes into the file.
//!
//! SQLite takes any sound log beside a file for that file's own, and puts it in when the last connection is closed. A log
//! that a killed process left may be another file's by now: of a catalog that a copy took the place of, or of another
//! database. Nothing is put in before somebody has looked at what comes of it.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::columns::differ_in_a_bit;
use super::header;
use super::health::was_left_open;
use super::opening::connect;
use super::rows;

/// A connection that leaves a log as it is that a killed process left: nobody knows yet whether it is sound.
///
/// # Errors
/// As damage, where it is the log of another catalog or of no catalog at all.
pub fn connect_keeping_log(path: &Path) -> rusqlite::Result<Connection> {
    let was_left_open = was_left_open(path);
    let is_empty = path.metadata().is_ok_and(|m| m.len() == 0);
    // Beside an empty file SQLite would remove the log.
    if is_empty && was_left_open || !is_empty && header::is_sound(path).is_ok_and(|sound| !sound) {
        return Err(damage());
    }
    let connection = connect(path)?;
    if was_left_open && is_of_another(&connection, path)? {
        return Err(damage());
    }
    keep_log(&connection, was_left_open)?;
    Ok(connection)
}

fn damage() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), None)
}

/// Says whether the log stays beside the file when the last connection is closed:
/// <https://www.sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfignockptonclose>.
pub fn keep_log(connection: &Connection, keeps: bool) -> rusqlite::Result<()> {
    let how = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(how, keeps).map(|_| ())
}

/// What is in the file, whatever stands in a log beside it: SQLite takes no look at one of a file that is said to be
/// immutable (<https://www.sqlite.org/uri.html#uriimmutable>). Changes of others may be seen in part.
pub fn without_log(path: &Path) -> rusqlite::Result<Connection> {
    let escaped = path.as_os_str().as_bytes().iter();
    let escaped: String = escaped.map(|byte| format!("%{byte:02x}")).collect();
    let how = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), how)
}

/// Whether a file is a catalog by itself, and another one or none with its log.
pub fn is_of_another(with_log: &Connection, path: &Path) -> rusqlite::Result<bool> {
    // A file that says nothing by itself may have all that it says in its log.
    match without_log(path).and_then(|alone| id(&alone)) {
        Ok(Some(own)) => {
            let same = |other: Vec<u8>| differ_in_a_bit(&own, &other);
            Ok(!id(with_log)?.is_some_and(same))
        }
        Ok(None) | Err(_) => Ok(false),
    }
}

/// The name of a catalog among all; nothing where it is none.
fn id(catalog: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    let tables = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    match rows::one::<i64>(catalog, tables, [])? {
        Some(_) => rows::one(catalog, "SELECT value FROM meta WHERE key = 'id'", []),
        None => Ok(None),
    }
}
