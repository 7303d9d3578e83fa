//! A catalog replaced by another one: at every moment the old one or the whole new one stands in its place.
//!
//! The new one is made in the folder `CATALOG.mending`: whatever happens then, nothing has changed. Once it is complete and
//! on the disk, the folder becomes `CATALOG.mended`, which decides it: from there on, whoever opens the catalog next
//! brings to its end what a killed process began. The old one gets a second name first, and its log goes before the
//! new one comes: an old log would be written over a new catalog.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::opening::files_of;
use super::{Error, Result, health};

/// The new catalog in its folder.
const NEW: &str = "new.sqlite";
/// Holds the name under which the old one is kept.
const ASIDE: &str = "aside";
/// A copy of the damaged one whose schema is mended.
pub const COPY: &str = "recovered.sqlite";
/// A catalog that shows how a schema has to be.
pub const SCHEMA: &str = "schema.sqlite";

/// A new catalog that is being made.
pub struct Replacement {
    catalog: PathBuf,
    /// Where it is made, with all that is needed for it.
    pub folder: PathBuf,
}

impl Replacement {
    /// Makes the folder; brings to its end first what an earlier process began.
    pub fn begin(catalog: &Path) -> Result<Self> {
        finish_interrupted(catalog)?;
        let folder = catalog.with_added_extension("mending");
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|e| Error::of_new_file(&folder, e))?;
        let catalog = catalog.to_owned();
        Ok(Self { catalog, folder })
    }

    /// Where the new catalog is to be made.
    pub fn new_file(&self) -> PathBuf {
        self.folder.join(NEW)
    }

    /// Puts the new one in the place of the old one, which is called `CATALOG.WHY-1` from then on, or has the next number
    /// that is free. Both are closed. Whoever could read the old one can read the new one, and nobody else.
    pub fn finish(self, why: &str) -> io::Result<PathBuf> {
        let mode = self.catalog.metadata().map_or(0o600, |old| old.mode());
        fs::set_permissions(self.new_file(), Permissions::from_mode(mode & 0o777))?;
        let aside = free_name(&self.catalog, why);
        let name = aside
            .file_name()
            .expect("it is one of the catalog's folder");
        let note = self.folder.join(ASIDE);
        fs::write(&note, name.as_bytes())?;
        for file in [&self.new_file(), &note, &self.folder] {
            sync(file)?;
        }
        fs::rename(&self.folder, decided(&self.catalog))?;
        take_place(&self.catalog)?;
        Ok(aside)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // It isn't there any more when the new one has taken its place; else the next start tries again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Brings to its end, or takes back, what a process began that was killed. No other one may use the catalog.
///
/// # Errors
/// [`Error::Exists`] where something else is called like a folder of ours.
pub fn finish_interrupted(catalog: &Path) -> Result<()> {
    for left in ["mending", "mended"] {
        let folder = catalog.with_added_extension(left);
        let is_decided = folder.join(ASIDE).exists() && folder == decided(catalog);
        let finished = match is_decided {
            true => take_place(catalog),
            false => remove_own(&folder),
        };
        finished.map_err(|e| Error::of_new_file(&folder, e))?;
    }
    Ok(())
}

/// Removes a folder in which there is nothing but what is made here.
fn remove_own(folder: &Path) -> io::Result<()> {
    let there = match folder.symlink_metadata() {
        Err(e) => return absent_is_fine(Err(e)),
        Ok(there) => there,
    };
    let is_own = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let is_database = |own: &&str| name.as_bytes().starts_with(own.as_bytes());
        name == ASIDE || [NEW, COPY, SCHEMA].iter().any(is_database)
    };
    if !there.is_dir() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    for entry in fs::read_dir(folder)? {
        if !is_own(&entry?) {
            return Err(ErrorKind::AlreadyExists.into());
        }
    }
    fs::remove_dir_all(folder)
}

/// The folder of a new catalog that is complete.
fn decided(catalog: &Path) -> PathBuf {
    catalog.with_added_extension("mended")
}

/// What was decided is done; may begin anew after any of its steps.
fn take_place(catalog: &Path) -> io::Result<()> {
    let decided = decided(catalog);
    let new = decided.join(NEW);
    if new.exists() {
        sync_folder_of(catalog)?;
        let [file, log, shared] = files_of(catalog);
        let aside = files_of(&noted(catalog, fs::read(decided.join(ASIDE))?));
        for (from, to) in [&file, &log].into_iter().zip(&aside) {
            keep_as(from, to)?;
        }
        sync_folder_of(catalog)?;
        for old in [&log, &shared] {
            absent_is_fine(fs::remove_file(old))?;
        }
        fs::rename(&new, catalog)?;
        sync_folder_of(catalog)?;
    }
    health::is_trusted(catalog)?;
    fs::remove_dir_all(decided)
}

/// The name that was noted for the old one; another one where the note is torn.
fn noted(catalog: &Path, name: Vec<u8>) -> PathBuf {
    let own = catalog.file_name().unwrap_or_default().as_bytes();
    match name.starts_with(own) && name.len() > own.len() && !name.contains(&b'/') {
        true => catalog.with_file_name(std::ffi::OsString::from_vec(name)),
        false => free_name(catalog, "damaged"),
    }
}

/// Gives a file a second name. Where the file system has no second names, it loses the first one.
fn keep_as(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::StorageFull) => {
            absent_is_fine(Err(e))
        }
        Err(_) => absent_is_fine(fs::rename(file, name)),
        Ok(()) => Ok(()),
    }
}

/// The first name that is free.
fn free_name(catalog: &Path, why: &str) -> PathBuf {
    let names = (1..).map(|n| catalog.with_added_extension(format!("{why}-{n}")));
    let is_free = |name: &PathBuf| !files_of(name).iter().any(|file| file.exists());
    let mut free = names.filter(is_free);
    free.next().expect("there is always another number")
}

/// What there is not need not be removed.
pub fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Has the names in the folder of a file on the disk.
pub fn sync_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if folder != Path::new("") => sync(folder),
        _ => sync(Path::new(".")),
    }
}

/// Has a file, or the names in a folder, on the disk.
pub fn sync(file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()
}
