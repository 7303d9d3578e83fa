//! The photos that the catalog had when a scan began, found by inode.

use roaring::RoaringBitmap;

use crate::catalog::{FileStat, PhotoId};
use crate::index::Index;

pub struct Known {
    pub ids: RoaringBitmap,
    /// Device, inode, photo; ascending.
    inodes: Vec<(u64, u64, PhotoId)>,
}

impl Known {
    pub fn of(index: &Index) -> Self {
        let mut inodes = Vec::new();
        index.for_each_file(&mut |id, stat, _| inodes.push((stat.dev, stat.ino, id)));
        inodes.sort_unstable();
        Self {
            ids: inodes.iter().map(|(_, _, id)| id.0).collect(),
            inodes,
        }
    }

    pub fn has_inode(&self, stat: &FileStat) -> bool {
        !self.with_inode(stat).is_empty()
    }

    /// The photos whose file had this inode; more than one where there are hard links.
    pub fn with_inode(&self, stat: &FileStat) -> &[(u64, u64, PhotoId)] {
        let wanted = (stat.dev, stat.ino);
        let start = self.inodes.partition_point(|&(d, i, _)| (d, i) < wanted);
        let rest = &self.inodes[start..];
        &rest[..rest.partition_point(|&(d, i, _)| (d, i) == wanted)]
    }

    /// Whether some photo was on this device.
    pub fn has_device(&self, dev: u64) -> bool {
        let start = self.inodes.partition_point(|&(d, _, _)| d < dev);
        self.inodes.get(start).is_some_and(|&(d, _, _)| d == dev)
    }
}
