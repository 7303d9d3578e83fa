//! What the disks of the source can be relied on for, asked once a scan.

use std::collections::HashMap;

use parking_lot::RwLock;

use crate::catalog::{FileStat, SourcePath};
use crate::source_files::{SourceFiles, inodes};

/// The disks that files were seen on.
pub struct Disks<'a> {
    source_files: &'a SourceFiles,
    /// By device.
    known: RwLock<HashMap<u64, Disk>>,
}

#[derive(Clone, Copy)]
struct Disk {
    has_lasting_inodes: bool,
    keeps_changes: bool,
}

impl<'a> Disks<'a> {
    /// Nothing was asked yet.
    pub fn new(source_files: &'a SourceFiles) -> Self {
        Self {
            source_files,
            known: RwLock::default(),
        }
    }

    /// Whether a file's disk knows it by the same inode after the next mount.
    pub fn has_lasting_inodes(&self, path: &SourcePath, dev: u64) -> bool {
        self.of(path, dev).has_lasting_inodes
    }

    /// What the disk says of a file, without what says nothing on this disk.
    pub fn reliable(&self, path: &SourcePath, stat: FileStat) -> FileStat {
        match self.of(path, stat.dev).keeps_changes {
            true => stat,
            false => FileStat {
                ctime_ns: 0,
                ..stat
            },
        }
    }

    fn of(&self, path: &SourcePath, dev: u64) -> Disk {
        if let Some(disk) = self.known.read().get(&dev) {
            return *disk;
        }
        let folder = SourcePath::new(path.folder());
        let folder = self.source_files.absolute(&folder);
        let disk = Disk {
            has_lasting_inodes: inodes::are_lasting(&folder),
            keeps_changes: inodes::keep_changes(&folder),
        };
        *self.known.write().entry(dev).or_insert(disk)
    }
}
