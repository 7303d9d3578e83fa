//! A catalog looked after, whether a process owns it or not.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Error, env, is_in_use};
use crate::api::{KeptCatalog, Vacuumed};
use crate::config::{self, Config};
use crate::store::{self, OwnerLock, sqlite};

pub(crate) use sqlite::{put_back_lately, recovered_lately};

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

/// Brings back what a copy of it holds, and says what the file that was there is called from then on.
///
/// # Errors
/// When a process has the catalog, or the copy is no sound one of the photos in `source`. Nothing has changed then.
pub fn restore(catalog: &Path, copy: &Path, source: &Path) -> Result<PathBuf, Error> {
    let _lock = OwnerLock::take(catalog)?;
    Ok(sqlite::restore(catalog, copy, source)?)
}

/// What a catalog holds that can't be found out again.
pub fn holdings(catalog: &Path) -> Result<sqlite::Holdings, Error> {
    Ok(sqlite::Holdings::of(catalog)?)
}

/// What a copy that nobody changes holds that can't be found out again.
pub fn holdings_of_copy(copy: &Path) -> Result<sqlite::Holdings, Error> {
    Ok(sqlite::Holdings::of_copy(copy)?)
}

/// Photos that are gone and of which people said something.
pub fn gone_with_words(catalog: &Path) -> Result<u64, Error> {
    Ok(sqlite::gone_with_words(catalog)?)
}

/// Bytes that it takes.
pub fn size(catalog: &Path) -> u64 {
    sqlite::size(catalog)
}

/// All catalogs where they usually are, and the one that the settings name, by their source.
///
/// # Errors
/// When the folder can't be read.
pub fn all(config: &Config) -> Result<Vec<KeptCatalog>, Error> {
    let folder = config::catalogs_folder(&env);
    let usual = folder.as_deref().map(usual_files).transpose()?;
    let named = config.catalog.clone().filter(|file| file.exists());
    let files: BTreeSet<_> = usual.into_iter().flatten().chain(named).collect();
    let mut all: Vec<_> = files.iter().map(|file| kept(file)).collect();
    all.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(all)
}

fn usual_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| store::Error::Lock {
        path: folder.into(),
        source,
    };
    let entries = match folder.read_dir() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.path().join("catalog.sqlite");
        if file.exists() {
            files.push(file);
        }
    }
    Ok(files)
}

fn kept(file: &Path) -> KeptCatalog {
    let holdings = sqlite::Holdings::of(file);
    let source = holdings.ok().and_then(|holds| holds.source);
    KeptCatalog {
        catalog: file.to_string_lossy().into_owned(),
        catalog_bytes: size(file),
        source: source.map(|source| source.to_string_lossy().into_owned()),
        in_use: is_in_use(file),
    }
}

/// Gives back the space that it doesn't use, by making all of it anew.
///
/// # Errors
/// When a process has the catalog: whoever edits would wait until this is done.
pub fn vacuum(catalog: &Path) -> Result<Vacuumed, Error> {
    let _lock = OwnerLock::take(catalog)?;
    let bytes_before = size(catalog);
    sqlite::vacuum(catalog)?;
    Ok(Vacuumed {
        bytes_before,
        bytes_after: size(catalog),
    })
}
