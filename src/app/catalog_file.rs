//! A catalog looked after, whether a process owns it or not.

use std::path::Path;

use super::Error;
use crate::store::sqlite;

pub(crate) use sqlite::recovered_lately;

/// What is wrong with it; nothing when it is sound.
pub fn check(catalog: &Path) -> Result<Vec<String>, Error> {
    Ok(sqlite::check(catalog)?)
}

/// What it lost when it was made of a damaged one, if it was and that can be read.
pub fn recovered(catalog: &Path) -> Option<String> {
    sqlite::recovered(catalog).ok()?
}

/// Copies it to a new file.
pub fn backup(catalog: &Path, to: &Path) -> Result<(), Error> {
    Ok(sqlite::backup(catalog, to)?)
}

/// Gives back the space that it doesn't use: bytes before and after.
pub fn vacuum(catalog: &Path) -> Result<(u64, u64), Error> {
    let size = || catalog.metadata().map_or(0, |m| m.len());
    let before = size();
    sqlite::vacuum(catalog)?;
    Ok((before, size()))
}
