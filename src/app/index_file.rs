//! Where the index of a catalog is, and whose it is.

use std::path::{Path, PathBuf};

use super::Error;
use crate::config::{self, Config};
use crate::store::{self, OwnerLock, sqlite};

/// Where the index of a source is.
pub fn index_file(source: &Path, config: &Config) -> Result<PathBuf, Error> {
    match &config.catalog {
        Some(path) => Ok(followed(path).map_err(|source| store::Error::Lock {
            path: path.clone(),
            source,
        })?),
        None => config::index_file(source, &env)
            .or_else(|| system_index_file(source))
            .ok_or(Error::NoHome),
    }
}

/// The file of an index itself, where a link is named: what is made beside it is beside that.
pub fn followed(index: &Path) -> std::io::Result<PathBuf> {
    match index.is_symlink() && index.exists() {
        true => index.canonicalize(),
        false => std::path::absolute(index),
    }
}

/// Where it is for root at boot, who has no home then.
fn system_index_file(source: &Path) -> Option<PathBuf> {
    let data = |name: &str| (name == "XDG_DATA_HOME").then(|| "/var/lib".to_owned());
    let is_root = rustix::process::geteuid().is_root();
    is_root.then(|| config::index_file(source, &data)).flatten()
}

/// The source of the catalog that an index is of; nothing where there is no index.
pub fn owner(index: &Path) -> Result<Option<PathBuf>, Error> {
    match sqlite::owner(index) {
        Err(store::Error::Damaged) => {
            let _lock = OwnerLock::take(index)?;
            sqlite::mend(index)?;
            Ok(sqlite::owner(index)?)
        }
        owner => Ok(owner?),
    }
}

/// Whether a process owns the catalog of an index, as far as this user can tell.
pub fn is_in_use(index: &Path) -> bool {
    store::is_taken(index)
}

/// A variable of the environment, if it is text.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
