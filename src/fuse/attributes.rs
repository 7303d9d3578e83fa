//! What the tree says of a file or folder, as the kernel wants it.

use std::time::{Duration, SystemTime};

use fuser::{FileAttr, FileType, Generation, INodeNo};

use crate::vfs::{Attr, Inode, Kind};

/// How long the kernel may remember what it was told, if it can be told what changes. Without it a warm `stat` takes 56
/// times as long.
pub const TTL: Duration = Duration::from_secs(3600);
/// Numbers are never used for something else.
pub const GENERATION: Generation = Generation(0);

/// What the kernel calls it.
pub fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Folder => FileType::Directory,
        Kind::File => FileType::RegularFile,
    }
}

/// What a mount shows in the place of owners and permissions, where its options say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttrOverrides {
    /// In place of every owner.
    pub uid: Option<u32>,
    /// In place of every group.
    pub gid: Option<u32>,
    /// What is taken from 777 in place of every mode.
    pub umask: Option<u32>,
}

impl AttrOverrides {
    /// What the kernel is told.
    pub fn apply(self, attr: &Attr) -> FileAttr {
        let attr = file_attr(attr);
        let mode = self.umask.map(|umask| (0o777 & !umask) as u16);
        FileAttr {
            uid: self.uid.unwrap_or(attr.uid),
            gid: self.gid.unwrap_or(attr.gid),
            perm: mode.unwrap_or(attr.perm),
            ..attr
        }
    }
}

fn file_attr(attr: &Attr) -> FileAttr {
    let time = time(attr.mtime_ns);
    FileAttr {
        ino: INodeNo(attr.inode.0),
        size: attr.size,
        // In units of 512 bytes, see stat(2); disks give room in pages.
        blocks: attr.bytes_on_disk.div_ceil(4096) * 8,
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind: file_type(attr.kind),
        perm: (attr.mode & 0o7777) as u16,
        nlink: attr.nlink,
        uid: attr.uid,
        gid: attr.gid,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

/// What stands for a name that isn't there, so that the kernel remembers that, too: an inode of 0 in an answer to a
/// lookup is a negative entry that lasts as long as its answer says.
pub fn absent() -> FileAttr {
    file_attr(&Attr {
        inode: Inode(0),
        kind: Kind::File,
        size: 0,
        bytes_on_disk: 0,
        mtime_ns: 0,
        mode: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
    })
}

fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 {
        SystemTime::UNIX_EPOCH - distance
    } else {
        SystemTime::UNIX_EPOCH + distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_are_kept() {
        let check = |nanoseconds, seconds: u64, before: bool| {
            let distance = Duration::from_secs(seconds);
            let expected = match before {
                true => SystemTime::UNIX_EPOCH - distance,
                false => SystemTime::UNIX_EPOCH + distance,
            };
            assert_eq!(time(nanoseconds), expected);
        };
        check(0, 0, false);
        check(5_000_000_000, 5, false);
        check(-5_000_000_000, 5, true);
    }
}
