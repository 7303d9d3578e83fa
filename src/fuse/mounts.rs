//! What is mounted where, and how to take a mount away. Knows nothing of sessions.
//!
//! Nothing here asks a mount anything, by no system call that follows its path into it: a mount whose process is stuck
//! never answers, and who asks can't even be killed.

mod detach;

use std::io;
use std::path::{Path, PathBuf};

pub use super::mountinfo::Mount;
use super::mountinfo::MountTable;
pub use detach::detach;
pub(crate) use detach::{AbortSwitch, abort};

/// The topmost mount at a path, as it is written.
///
/// # Errors
/// When the kernel's table can't be read.
pub fn at(path: &Path) -> io::Result<Option<Mount>> {
    let path = absolute(path);
    let table = MountTable::read()?;
    Ok(table.all().filter(|m| m.point == path).last().cloned())
}

/// The mount of this program that has this device number.
///
/// # Errors
/// When the kernel's table can't be read.
pub fn of_device(device: &str) -> io::Result<Option<Mount>> {
    let table = MountTable::read()?;
    let mut ours = table.all().filter(|mount| mount.is_ours());
    Ok(ours.find(|mount| mount.device == device).cloned())
}

/// The working folder may be gone: then a path is what it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
