//! A catalog copied: whole, under its name, or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, open, renameat_with};
use rustix::io::Errno;

use super::header::MAGIC;
use super::health::{findings, suspect, whole};
use super::holdings::stamp;
use super::opening::plain;
use super::{Error, Result, recovery, replace, salvage};

/// Copies the catalog at `path`, as it is at this moment, to a new file: whole, or not at all.
///
/// # Errors
/// When the new file is there already or can't be written.
pub fn backup(path: &Path, to: &Path) -> Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: to.into() });
    }
    let partial = Partial::begin(to)?;
    let catalog = whole(path)?;
    recovery::copy(&catalog, &partial.path)?;
    salvage::close(plain(&partial.path)?)?;
    partial.finish(to).map_err(|e| Error::of_new_file(to, e))
}

/// Copies it as [`backup`] does, and looks at all of the copy before it has its name: what is damaged is no backup. The
/// copy says when it was made, in seconds since 1970. Stops soon, with an error, when `stop` becomes true.
///
/// # Errors
/// [`Error::Damaged`] for a catalog that isn't sound, beside those of [`backup`].
pub fn sound_backup(path: &Path, to: &Path, made: i64, stop: &Arc<AtomicBool>) -> Result<()> {
    let partial = Partial::begin(to)?;
    let catalog = whole(path)?;
    stop_when(&catalog, stop)?;
    recovery::copy(&catalog, &partial.path)?;
    let copy = plain(&partial.path)?;
    stop_when(&copy, stop)?;
    stamp(&copy, made)?;
    let found = findings(&copy, path)?;
    if let Some(first) = found.first() {
        tracing::warn!("{}: {first}", path.display());
        suspect(path);
        return Err(Error::Damaged);
    }
    copy.close().map_err(|(_, error)| error)?;
    partial.finish(to).map_err(|e| Error::of_new_file(to, e))
}

/// Steps of SQLite's machine from one look to the next: some milliseconds.
const STEPS: i32 = 100_000;

fn stop_when(connection: &Connection, stop: &Arc<AtomicBool>) -> Result<()> {
    let stop = Arc::clone(stop);
    let is_over = move || stop.load(Ordering::Relaxed);
    Ok(connection.progress_handler(STEPS, Some(is_over))?)
}

/// A copy that isn't complete yet. One that a killed process left is written over.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn begin(to: &Path) -> Result<Self> {
        let path = to.with_added_extension("kbasefs-partial");
        let begun = Self::try_begin(&path).map_err(|e| Error::of_new_file(&path, e));
        begun.map(|file| Self { path, file })
    }

    fn try_begin(path: &Path) -> io::Result<File> {
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600);
        let file = match new.open(path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => left_behind(path)?,
            opened => opened?,
        };
        file.try_lock().map_err(io::Error::from)?;
        // What the killed process would have taken back of it is nothing to the next.
        remove_journal(path)?;
        file.set_len(0)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(file)
    }

    /// Calls it by its name, unless another file has come to be called like this.
    fn finish(self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let noreplace = RenameFlags::NOREPLACE;
        match renameat_with(CWD, &self.path, CWD, to, noreplace) {
            // Not every file system can: there a second name is as good.
            Err(Errno::INVAL | Errno::NOSYS) => std::fs::hard_link(&self.path, to)?,
            renamed => renamed?,
        }
        replace::sync_folder_of(to)
    }
}

/// The file that a killed process was copying to: nobody else's, and nothing but the beginning of a database.
fn left_behind(path: &Path) -> io::Result<File> {
    let how = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, how, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Err(error) => return Err(error.into()),
    };
    let there = file.metadata()?;
    let is_own = there.uid() == rustix::process::geteuid().as_raw();
    let mut start = [0; MAGIC.len()];
    let is_begun = there.len() == 0 || {
        let read = file.read_exact_at(&mut start, 0);
        read.is_ok() && (start == *MAGIC || start == [0; MAGIC.len()])
    };
    match there.is_file() && there.nlink() == 1 && is_own && is_begun {
        true => Ok(file),
        false => Err(ErrorKind::AlreadyExists.into()),
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is called otherwise when it is complete; else the next backup writes over it.
        let _ = remove_journal(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
}

fn remove_journal(copy: &Path) -> io::Result<()> {
    let journal = PathBuf::from([copy.as_os_str(), "-journal".as_ref()].join("".as_ref()));
    match std::fs::remove_file(journal) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
