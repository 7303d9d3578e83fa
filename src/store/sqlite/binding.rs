//! The folder of photos that a catalog is of, for good. It is kept a second time with a checksum: nothing else tells a path
//! from one that is misread.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::Connection;

use super::columns::differ_in_a_bit;
use super::rows;
use crate::store::{Error, Result};

/// The path.
const KEY: &str = "source";
/// Its checksum, and the path.
const AGAIN: &str = "source_again";
/// Bytes of the checksum, which stands before the path.
const CHECKSUM: usize = blake3::OUT_LEN;

/// Binds a new catalog to its folder.
///
/// # Errors
/// [`Error::OtherSource`] where it is of another one.
pub fn bind(catalog: &Connection, path: &Path, source: &Path) -> Result<()> {
    let mine = source.as_os_str().as_bytes();
    let (kept, again) = (value(catalog, KEY)?, again(catalog)?);
    let owner = right(kept.clone(), again.clone());
    // One that was kept only once is taken for this folder where it can hardly be of another.
    let is_mine = |owner: &[u8]| owner == mine || again.is_none() && differ_in_a_bit(owner, mine);
    if let Some(owner) = owner.filter(|owner| !is_mine(owner)) {
        return Err(Error::OtherSource {
            path: path.into(),
            owner: OsStr::from_bytes(&owner).into(),
        });
    }
    if kept.as_deref() != Some(mine) {
        put(catalog, KEY, mine)?;
    }
    if again.as_deref() != Some(mine) {
        put(
            catalog,
            AGAIN,
            &[blake3::hash(mine).as_bytes(), mine].concat(),
        )?;
    }
    Ok(())
}

/// The folder of a catalog, if it says one.
pub fn source(catalog: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    Ok(right(value(catalog, KEY)?, again(catalog)?))
}

/// What was written: where both say something else, somebody changed the first, unless it is plainly misread.
fn right(kept: Option<Vec<u8>>, again: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let is_path = |kept: &Vec<u8>| kept.starts_with(b"/");
    match (kept.filter(is_path), again) {
        (Some(kept), Some(again)) if differ_in_a_bit(&kept, &again) => Some(again),
        (kept, again) => kept.or(again),
    }
}

fn again(catalog: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    let both = value(catalog, AGAIN)?.unwrap_or_default();
    let sound = both
        .split_at_checked(CHECKSUM)
        .filter(|(sum, path)| blake3::hash(path).as_bytes() == sum);
    Ok(sound.map(|(_, path)| path.to_vec()))
}

fn value(catalog: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    rows::one(catalog, "SELECT value FROM meta WHERE key = ?1", [key])
}

fn put(catalog: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    catalog.execute(sql, (key, value)).map(|_| ())
}
