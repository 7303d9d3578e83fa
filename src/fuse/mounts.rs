//! What is mounted where, and how to take a mount away. Knows nothing of sessions.
//!
//! Nothing here asks a mount anything, by no system call that follows its path into it: a mount whose process is stuck
//! never answers, and who asks can't even be killed.

mod away;

use std::path::{Path, PathBuf};

pub use super::table::Mount;
use super::table::Table;
pub use away::{abort, detach};

/// The topmost mount at a path, as it is written.
pub fn at(path: &Path) -> Option<Mount> {
    let path = absolute(path);
    Table::read()
        .all()
        .filter(|m| m.point == path)
        .last()
        .cloned()
}

/// Every mount of this program, with its mountpoint.
pub fn all() -> Vec<(PathBuf, Mount)> {
    let table = Table::read();
    let ours = table.all().filter(|mount| mount.is_ours());
    ours.map(|mount| (mount.point.clone(), mount.clone()))
        .collect()
}

/// The mount of this program that has this device number.
pub fn of_device(device: &str) -> Option<Mount> {
    let (_, mount) = all().into_iter().find(|(_, m)| m.device == device)?;
    Some(mount)
}

/// The working folder may be gone: then a path is what it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
