//! What a catalog holds that nobody can find out again, told without opening it for work: of the one in use, and of copies.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::health::was_left_open;
use super::write_ahead_log::{connect_keeping_log, without_log};
use super::{Result, binding, rows};

/// How far a catalog has come. What two of them hold of a person's words and of paid answers is the same where this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last act of the journal.
    pub last_act: i64,
    /// Answers of servers.
    pub answers: i64,
    /// When the last of them came, in seconds since 1970.
    pub answered: i64,
    /// Requests that servers took.
    pub requests: i64,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// How far it has come.
    pub progress: Progress,
    /// The folder of photos.
    pub source: Option<PathBuf>,
    /// What tells its catalog from every other one.
    pub id: Option<Vec<u8>>,
    /// When it was copied as a backup, in seconds since 1970.
    pub copied: Option<i64>,
    /// What it lost, if it was made of a damaged one.
    pub recovered: Option<String>,
}

impl Holdings {
    /// Of a catalog that others may be changing.
    ///
    /// # Errors
    /// When the file is damaged, or can't be read.
    pub fn of(path: &Path) -> Result<Self> {
        Self::seen_by(&connect_keeping_log(path)?)
    }

    /// Of a copy that nobody changes.
    ///
    /// # Errors
    /// When the file is damaged, or can't be read.
    pub fn of_copy(path: &Path) -> Result<Self> {
        Self::seen_by(&settled(path)?)
    }

    fn seen_by(file: &Connection) -> Result<Self> {
        let meta = |key: &str| rows::one(file, "SELECT value FROM meta WHERE key = ?1", [key]);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let copied = meta(COPIED)?.map(text);
        let source = binding::source(file)?;
        Ok(Self {
            progress: progress(file)?,
            source: source.map(|bytes| PathBuf::from(OsString::from_vec(bytes))),
            id: meta("id")?,
            copied: copied.and_then(|seconds| seconds.parse().ok()),
            recovered: meta("recovered")?.map(text),
        })
    }
}

/// Photos that are gone and of which people said something, in a catalog that others may be changing.
///
/// # Errors
/// When the file can't be read, or a version made it that didn't tell.
pub fn gone_with_words(path: &Path) -> Result<u64> {
    let sql = "SELECT count(*) FROM photo WHERE gone = 1 AND edited = 1";
    let count: Option<i64> = rows::one(&connect_keeping_log(path)?, sql, [])?;
    Ok(count.unwrap_or(0).cast_unsigned())
}

/// When a backup was made.
const COPIED: &str = "copied";

/// Writes into a copy when it was made.
pub fn stamp(copy: &Connection, seconds: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    copy.execute(sql, (COPIED, seconds.to_string().as_bytes()))?;
    Ok(())
}

/// A connection to all that a file says that nobody changes. Nothing is written beside one that has no log: it may be on a disk for reading.
pub fn settled(path: &Path) -> rusqlite::Result<Connection> {
    match was_left_open(path) {
        true => connect_keeping_log(path),
        false => without_log(path),
    }
}

/// Tables that an older version didn't have say nothing.
fn progress(file: &Connection) -> rusqlite::Result<Progress> {
    let number = |table: &str, what: &str, of: &str| {
        let there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        match rows::one::<i64>(file, there, [table])? {
            Some(_) => {
                let sql = format!("SELECT ifnull({what}, 0) FROM {table} {of}");
                file.query_row(&sql, [], |row| row.get(0))
            }
            None => Ok(0),
        }
    };
    Ok(Progress {
        last_act: number("act", "max(id)", "")?,
        answers: number("analysis", "count(*)", "WHERE remote")?,
        answered: number("analysis", "max(at)", "WHERE remote")?,
        requests: number("spent", "sum(requests)", "")?,
    })
}
