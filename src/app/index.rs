//! The index of a source looked after, whether a process owns it or not.

use std::path::Path;

use super::{Error, index_file};
use crate::config::Config;
use crate::store::sqlite;

/// What is wrong with it; nothing when it is sound.
pub fn check(source: &Path, config: &Config) -> Result<Vec<String>, Error> {
    Ok(sqlite::check(&existing(source, config)?)?)
}

/// Copies it to a new file.
pub fn backup(source: &Path, config: &Config, to: &Path) -> Result<(), Error> {
    Ok(sqlite::backup(&existing(source, config)?, to)?)
}

/// Gives back the space that it doesn't use: bytes before and after.
pub fn vacuum(source: &Path, config: &Config) -> Result<(u64, u64), Error> {
    let file = existing(source, config)?;
    let size = || file.metadata().map_or(0, |m| m.len());
    let before = size();
    sqlite::vacuum(&file)?;
    Ok((before, size()))
}

fn existing(source: &Path, config: &Config) -> Result<std::path::PathBuf, Error> {
    let file = index_file(source, config)?;
    match file.metadata() {
        Ok(_) => Ok(file),
        Err(source) => Err(Error::Lock { path: file, source }),
    }
}
