//! What a damaged catalog is read from: its file with the log beside it, or the file alone where the log isn't its own.
//!
//! A log knows nothing of the file that it is of. Beside one that was put in the place of a damaged one it hides what is
//! sound, so the file is read first by itself then. What the log adds to it is taken where it can be of this catalog.

use std::path::Path;

use rusqlite::{Connection, Row};

use super::Result;
use super::health::{is_whole, was_left_open};
use super::salvage::tables;
use super::schema_recovery::reading;
use super::write_ahead_log::{is_of_another, without_log};

/// What is read, and from what the rest is taken.
pub struct Sources {
    /// Read first: what it says holds.
    pub first: Connection,
    /// Sound rows of it are taken where the first has none.
    pub second: Option<Connection>,
}

/// A file by itself says more than with its log only if it has so many times its rows: people remove things too.
const CLEARLY_MORE: u64 = 2;

impl Sources {
    /// `mended` is a copy of the catalog whose schema can be read, where its own can't be; `new` has the tables of today.
    pub fn of(path: &Path, mended: Option<&Path>, new: &Connection) -> Result<Self> {
        let with_log = reading(mended.unwrap_or(path))?;
        let only = |first| {
            Ok(Self {
                first,
                second: None,
            })
        };
        if !was_left_open(path) {
            return only(with_log);
        }
        let file = without_log(path)?;
        // What can't be read with the log may well be this catalog.
        if is_of_another(&with_log, path).unwrap_or(false) {
            return only(file);
        }
        match is_better(&file, &with_log, new)? {
            true => Ok(Self {
                first: file,
                second: Some(with_log),
            }),
            false => only(with_log),
        }
    }
}

/// Whether a file says more by itself than with the log.
fn is_better(file: &Connection, with_log: &Connection, new: &Connection) -> Result<bool> {
    let is_sound = |catalog| is_whole(catalog).unwrap_or(false);
    if is_sound(with_log) {
        return Ok(false);
    }
    let alone = rows(file, new)?;
    Ok(alone > 0 && (is_sound(file) || alone > CLEARLY_MORE * rows(with_log, new)?))
}

/// Rows that can be read.
fn rows(catalog: &Connection, new: &Connection) -> Result<u64> {
    let mut rows = 0;
    let mut count = |_: &Row| {
        rows += 1;
        Ok(())
    };
    let tables = tables(new, catalog)?.into_iter();
    for table in tables.filter(|table| !table.columns.is_empty()) {
        table.read(catalog, &mut count)?;
    }
    Ok(rows)
}
