//! What is mounted where, and how to take a mount away. Knows nothing of sessions.
//!
//! Nothing here asks a mount anything, by no system call that follows its path into it: a mount whose process is stuck
//! never answers, and who asks can't even be killed.

mod detach;

use std::io;
use std::path::{Path, PathBuf};

use super::mountinfo::MountTable;
pub use super::mountinfo::{Mount, MountId};
pub(crate) use detach::{AbortSwitch, abort};
pub use detach::{detach, take_away, take_away_and_tell};

/// The topmost mount at a path, as it is written.
///
/// # Errors
/// When the kernel's table can't be read.
pub fn at(path: &Path) -> io::Result<Option<Mount>> {
    let path = absolute(path);
    let table = MountTable::read()?;
    Ok(table.all().filter(|m| m.point == path).last().cloned())
}

/// The latest mount of this program at a path, whatever lies over it.
///
/// # Errors
/// When the kernel's table can't be read.
pub fn ours_at(path: &Path) -> io::Result<Option<Mount>> {
    let path = absolute(path);
    let table = MountTable::read()?;
    let there = table.all().filter(|m| m.point == path && m.is_ours());
    Ok(there.last().cloned())
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
