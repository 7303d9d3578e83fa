//! The photos that the catalog had when a scan began, found by inode.

use roaring::RoaringBitmap;

use super::scan_scope::ScanScope;
use crate::catalog::{FileStat, PhotoId};
use crate::index::Index;

pub struct Known {
    /// Those in the scope that is scanned.
    pub ids: RoaringBitmap,
    /// Device, inode, photo; ascending.
    inodes: Vec<(u64, u64, PhotoId)>,
}

impl Known {
    pub fn of(index: &Index, scope: &ScanScope) -> Self {
        let mut inodes = Vec::new();
        index.for_each_file(&mut |id, stat, _| inodes.push((stat.dev, stat.ino, id)));
        inodes.sort_unstable();
        Self {
            ids: scope.photos(index),
            inodes,
        }
    }

    /// Whether there was no photo at all.
    pub fn is_empty(&self) -> bool {
        self.inodes.is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_found_by_device_and_inode() {
        let inodes = [(1, 5, 1), (1, 7, 2), (1, 7, 3), (2, 5, 4)];
        let known = Known {
            ids: inodes.iter().map(|&(_, _, id)| id).collect(),
            inodes: inodes.map(|(d, i, id)| (d, i, PhotoId(id))).to_vec(),
        };
        let check = |dev, ino, ids: &[u32]| {
            let stat = FileStat {
                dev,
                ino,
                ..FileStat::default()
            };
            let found: Vec<_> = known
                .with_inode(&stat)
                .iter()
                .map(|(_, _, id)| id.0)
                .collect();
            assert_eq!(found, ids);
            assert_eq!(known.has_inode(&stat), !ids.is_empty());
        };
        check(1, 5, &[1]);
        check(1, 7, &[2, 3]);
        check(2, 5, &[4]);
        check(2, 7, &[]);
        check(0, 5, &[]);
        assert_eq!(
            [0, 1, 2, 3].map(|d| known.has_device(d)),
            [false, true, true, false]
        );
    }
}
