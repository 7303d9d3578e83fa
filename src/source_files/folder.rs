//! The folder that is held open: whatever is opened or looked at below it goes through here.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{file_stat, is_absence};
use crate::blocking;
use crate::catalog::{FileStat, SourcePath};

/// Locked for moments: whoever waits for the disk has the descriptor, and no lock.
#[derive(Debug)]
pub struct Folder(RwLock<Arc<OwnedFd>>);

/// O_NONBLOCK: the open of a FIFO returns, and its type is refused then.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);
/// Neither out of the source nor through links: openat2(2), Linux 5.6.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

impl Folder {
    pub fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = rustix::fs::open(root, flags, Mode::empty())?;
        Ok(Self(RwLock::new(folder.into())))
    }

    /// Holds what another one holds.
    pub fn take_over(&self, other: &Self) {
        *self.0.write() = other.held();
    }

    /// Whether it is what is at this path: not replaced, not hidden by another mount.
    pub fn is_at(&self, root: &Path) -> io::Result<bool> {
        blocking::assert_allowed();
        let held = rustix::fs::fstat(self.held())?;
        let there = rustix::fs::stat(root)?;
        Ok((held.st_dev, held.st_ino) == (there.st_dev, there.st_ino))
    }

    /// As [`super::SourceFiles::read`].
    pub fn read(&self, path: &SourcePath) -> io::Result<(File, FileStat)> {
        regular(self.resolve(path, READ)?)
    }

    /// As [`super::SourceFiles::read_at_once`].
    pub fn read_at_once(&self, path: &SourcePath) -> Option<io::Result<(File, FileStat)>> {
        let inside = INSIDE | ResolveFlags::CACHED;
        let path = OsStr::from_bytes(path.as_bytes());
        match rustix::fs::openat2(self.held(), path, READ, Mode::empty(), inside) {
            // An old kernel doesn't know how not to wait (RESOLVE_CACHED, Linux 5.12).
            Err(Errno::AGAIN | Errno::INVAL) => None,
            opened => Some(opened.map_err(io::Error::from).and_then(regular)),
        }
    }

    /// As [`super::SourceFiles::stat`].
    pub fn stat(&self, path: &SourcePath) -> io::Result<Option<FileStat>> {
        let found = match self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC) {
            Ok(fd) => rustix::fs::fstat(&fd)?,
            Err(e) if is_absence(&e) => return Ok(None),
            Err(e) => return Err(e),
        };
        let is_file = FileType::from_raw_mode(found.st_mode).is_file();
        Ok(is_file.then(|| file_stat(&found)))
    }

    fn held(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.0.read())
    }

    fn resolve(&self, path: &SourcePath, flags: OFlags) -> io::Result<OwnedFd> {
        blocking::assert_allowed();
        let path = OsStr::from_bytes(path.as_bytes());
        let folder = self.held();
        // EAGAIN: a rename somewhere on the path raced with the check; the kernel asks to try again.
        let open = || rustix::fs::openat2(&folder, path, flags, Mode::empty(), INSIDE);
        let mut result = open();
        // A bound, because somebody may rename without end; more than one in a row is rare.
        for _ in 0..16 {
            if !matches!(result, Err(Errno::AGAIN)) {
                break;
            }
            result = open();
        }
        Ok(result?)
    }
}

fn regular(file: OwnedFd) -> io::Result<(File, FileStat)> {
    let stat = rustix::fs::fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(Errno::INVAL.into());
    }
    Ok((File::from(file), file_stat(&stat)))
}
