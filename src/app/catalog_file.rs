//! An index looked after, whether a process owns it or not.

use std::path::Path;

use super::Error;
use crate::store::sqlite;

pub(crate) use sqlite::recovered_lately;

/// What is wrong with it; nothing when it is sound.
pub fn check(index: &Path) -> Result<Vec<String>, Error> {
    Ok(sqlite::check(index)?)
}

/// What it lost when it was made of a damaged one, if it was and that can be read.
pub fn recovered(index: &Path) -> Option<String> {
    sqlite::recovered(index).ok()?
}

/// Copies it to a new file.
pub fn backup(index: &Path, to: &Path) -> Result<(), Error> {
    Ok(sqlite::backup(index, to)?)
}

/// Gives back the space that it doesn't use: bytes before and after.
pub fn vacuum(index: &Path) -> Result<(u64, u64), Error> {
    let size = || index.metadata().map_or(0, |m| m.len());
    let before = size();
    sqlite::vacuum(index)?;
    Ok((before, size()))
}
