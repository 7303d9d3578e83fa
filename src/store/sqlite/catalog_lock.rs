//! The file of a catalog, held by the one process that may change it.
//!
//! The lock is on the file itself, so that it holds whatever is removed beside it; on a byte far beyond those that SQLite
//! locks. Whoever closes a file loses all of SQLite's own locks on it: this one is closed after every connection.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::opening::files_of;
use crate::store::{Error, Result};

/// Held by the process that writes; ends with it.
pub struct CatalogLock {
    catalog: PathBuf,
    file: File,
    /// What stood at the places of the file, its log and what its users share. `None` while they aren't open.
    files: Option<[Option<FileId>; 3]>,
}

/// Which file it is: device and inode.
type FileId = (u64, u64);

/// The byte that is locked of the file: SQLite's own are at 1 GiB
/// (<https://www.sqlite.org/fileformat.html#the_lock_byte_page>), and nothing is ever written so far out.
const FAR_BEYOND: i64 = 1 << 46;

impl CatalogLock {
    /// Takes the lock, if nobody has it.
    ///
    /// # Errors
    /// [`Error::InUse`] where another process holds it.
    pub fn acquire(catalog: &Path) -> Result<Self> {
        let open = || OpenOptions::new().read(true).write(true).open(catalog);
        let file = open().map_err(|source| Error::of_file(catalog, source))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&lock(libc::F_WRLCK))) {
            Err(Errno::EAGAIN | Errno::EACCES) => Err(Error::InUse {
                path: catalog.into(),
            }),
            // Not every file system has locks: the one beside the catalog is left.
            Ok(_) | Err(_) => Ok(Self {
                catalog: catalog.into(),
                file,
                files: None,
            }),
        }
    }

    /// Lets another process have it, though it isn't closed yet.
    pub fn release(&self) {
        // Where it can't be, the end of this process does it.
        let _ = fcntl(&self.file, FcntlArg::F_OFD_SETLK(&lock(libc::F_UNLCK)));
    }

    /// Remembers what stands there, once all of it does.
    pub fn remember_files(&mut self) {
        let id = |file: &PathBuf| file.metadata().ok().map(|m| file_id(&m));
        self.files = Some(files_of(&self.catalog).each_ref().map(id));
    }

    /// They are closed.
    pub fn forget_files(&mut self) {
        self.files = None;
    }

    /// Whether the file itself, if nothing else, is where it was.
    pub fn is_there(&self) -> bool {
        let [there, own] = [self.catalog.metadata(), self.file.metadata()];
        matches!((there, own), (Ok(there), Ok(own)) if file_id(&there) == file_id(&own))
    }

    /// Whether the files that are written to are still those that everybody finds.
    pub fn is_in_place(&self) -> bool {
        let Some(files) = self.files else {
            return false;
        };
        let now = files_of(&self.catalog).map(|file| file.metadata().ok().map(|m| file_id(&m)));
        if now == files {
            return true;
        }
        let own = self.file.metadata();
        match (now, own) {
            ([Some(file), log, shared], Ok(own)) if file == file_id(&own) => {
                log == files[1] && shared == files[2]
            }
            // There are file systems that number the same file anew: one that has a name is where it was.
            ([Some(_), Some(_), Some(_)], Ok(own)) => own.nlink() > 0,
            _ => false,
        }
    }
}

impl Drop for CatalogLock {
    fn drop(&mut self) {
        // A program that is just being started has the file open for a moment longer.
        self.release();
    }
}

fn file_id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// Whether a process holds the catalog at a path, as far as this user can tell. For who has it not open.
pub fn is_locked(catalog: &Path) -> bool {
    let is_taken = || -> io::Result<bool> {
        // A pipe is waited for otherwise.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        let file = options.open(catalog)?;
        let mut found = lock(libc::F_WRLCK);
        fcntl(&file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok(found.l_type != libc::F_UNLCK as libc::c_short)
    };
    is_taken().unwrap_or(false)
}

fn lock(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: FAR_BEYOND,
        l_len: 1,
        l_pid: 0,
    }
}
