//! Where the file of a catalog is, and whose it is.

use std::path::{Path, PathBuf};

use super::Error;
use crate::config::{self, Config};
use crate::store::{self, OwnerLock, sqlite};

/// Where the catalog of a source is.
pub fn catalog_path(source: &Path, config: &Config) -> Result<PathBuf, Error> {
    match &config.catalog {
        Some(path) => Ok(followed(path).map_err(|source| store::Error::Lock {
            path: path.clone(),
            source,
        })?),
        None => config::catalog_path(source, &env)
            .or_else(|| system_catalog_path(source))
            .ok_or(Error::NoHome),
    }
}

/// The file of a catalog itself, where a link is named: what is made beside it is beside that.
pub fn followed(catalog: &Path) -> std::io::Result<PathBuf> {
    match catalog.is_symlink() && catalog.exists() {
        true => catalog.canonicalize(),
        false => std::path::absolute(catalog),
    }
}

/// Where it is for root at boot, who has no home then.
fn system_catalog_path(source: &Path) -> Option<PathBuf> {
    let data = |name: &str| (name == "XDG_DATA_HOME").then(|| "/var/lib".to_owned());
    let is_root = rustix::process::geteuid().is_root();
    is_root
        .then(|| config::catalog_path(source, &data))
        .flatten()
}

/// The source that a catalog is of; nothing where there is no catalog.
pub fn owner(catalog: &Path) -> Result<Option<PathBuf>, Error> {
    match sqlite::owner(catalog) {
        Err(store::Error::Damaged) => {
            let _lock = OwnerLock::take(catalog)?;
            sqlite::mend(catalog)?;
            Ok(sqlite::owner(catalog)?)
        }
        owner => Ok(owner?),
    }
}

/// Whether a process owns a catalog, as far as this user can tell.
pub fn is_in_use(catalog: &Path) -> bool {
    store::is_taken(catalog)
}

/// A variable of the environment, if it is text.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
