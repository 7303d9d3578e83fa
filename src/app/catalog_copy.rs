//! A copy of a catalog that can't be written, to be looked at: its disk is full or read-only, or it is somebody else's.
//!
//! SQLite writes beside a file also to read it, and an older version's is brought up to date first. So the copy is where
//! there is room, in memory at best, and goes with the process.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Error, env, is_in_use};
use crate::store::{self, sqlite};

/// Gone when it is dropped.
pub struct CatalogCopy {
    folder: TempDir,
}

/// What the folders are called.
const PREFIX: &str = "kbasefs-look-";
/// The name of the file in them.
const FILE: &str = "catalog.sqlite";
/// How often it is copied again because somebody wrote to it meanwhile.
const ATTEMPTS: usize = 5;

impl CatalogCopy {
    /// # Errors
    /// When it can't be read, or there is no room for it anywhere.
    pub fn of(catalog: &Path) -> Result<Self, Error> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for place in places() {
            sweep(&place);
            match Self::at(&place, catalog) {
                Ok(copy) => return Ok(copy),
                Err(e) => failed = e,
            }
        }
        Err(store::Error::of_file(catalog, failed).into())
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn at(place: &Path, catalog: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        let copy = Self { folder };
        let [file, log, _] = sqlite::files_of(catalog);
        let [to, to_log, _] = sqlite::files_of(&copy.file());
        for _ in 0..ATTEMPTS {
            let before = (stamp(&file)?, stamp(&log)?);
            std::fs::copy(&file, &to)?;
            match before.1 {
                Some(_) => drop(std::fs::copy(&log, &to_log)?),
                None => remove(&to_log)?,
            }
            if before == (stamp(&file)?, stamp(&log)?) {
                return Ok(copy);
            }
        }
        Err(io::Error::other("it is written to all the time"))
    }
}

/// Memory, where the system has folders in it.
fn places() -> Vec<PathBuf> {
    let runtime = env("XDG_RUNTIME_DIR").map(PathBuf::from);
    let shared = Some(PathBuf::from("/dev/shm"));
    let places = [runtime, shared, Some(std::env::temp_dir())];
    let places = places.into_iter().flatten();
    places.filter(|place| place.is_dir()).collect()
}

/// Removes what killed processes left.
fn sweep(place: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in place.read_dir().into_iter().flatten().flatten() {
        let is_copy = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_mine = || entry.metadata().is_ok_and(|there| there.uid() == me);
        let lock = entry.path().join(FILE).with_extension("lock");
        // One that is just being made has no lock yet.
        if is_copy && is_mine() && lock.exists() && !is_in_use(&entry.path().join(FILE)) {
            // Somebody else may have swept.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Changes with whatever is written.
fn stamp(file: &Path) -> io::Result<Option<(u64, i64, i64)>> {
    match file.metadata() {
        Ok(there) => Ok(Some((there.size(), there.mtime(), there.mtime_nsec()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_file_with_its_log_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = folder.path().join("some.sqlite");
        let [file, log, _] = sqlite::files_of(&catalog);
        std::fs::write(file, "pages").unwrap();
        std::fs::write(log, "frames").unwrap();
        let copy = CatalogCopy::of(&catalog).unwrap();
        let [file, log, _] = sqlite::files_of(&copy.file());
        assert_eq!(std::fs::read(&file).unwrap(), b"pages");
        assert_eq!(std::fs::read(log).unwrap(), b"frames");
        drop(copy);
        assert!(!file.exists());
        assert!(CatalogCopy::of(&folder.path().join("none")).is_err());
    }

    #[test]
    fn what_killed_processes_left_is_swept_and_what_lives_is_not() {
        let place = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let folder = place.path().join(format!("{PREFIX}{name}"));
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (left, new, living) = (made("left"), made("new"), made("living"));
        std::fs::write(left.join("catalog.lock"), "").unwrap();
        let lock = store::OwnerLock::take(&living.join(FILE)).unwrap();
        sweep(place.path());
        assert!(!left.exists() && new.exists() && living.exists());
        drop(lock);
        sweep(place.path());
        assert!(!living.exists());
    }
}
