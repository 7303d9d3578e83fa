//! Whether the disk of a catalog takes what is to be kept.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// A commit takes some pages, and what the users of a catalog share takes 32 KiB.
const LEAST: u64 = 256 << 10;

/// Why nothing can be kept beside a file, as far as its disk tells.
pub fn shortage(file: &Path) -> Option<&'static str> {
    // A folder that can't be looked at is told of by whoever opens the file.
    let disk = statvfs(file.parent()?).ok()?;
    let is_root = rustix::process::geteuid().is_root();
    let blocks = if is_root { disk.f_bfree } else { disk.f_bavail };
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some("the disk of the catalog is read-only");
    }
    (blocks.saturating_mul(disk.f_frsize) < LEAST).then_some("the disk of the catalog is full")
}
