//! What a file system of the tests says of a file that it shows a second time.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo};

pub fn attr(native: &Metadata) -> FileAttr {
    let kind = match native.file_type() {
        kind if kind.is_dir() => FileType::Directory,
        kind if kind.is_symlink() => FileType::Symlink,
        _ => FileType::RegularFile,
    };
    let at = |seconds: i64, nanos: i64| -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds.cast_unsigned(), nanos as u32)
    };
    let ctime = at(native.ctime(), native.ctime_nsec());
    FileAttr {
        ino: INodeNo(native.ino()),
        size: native.size(),
        blocks: native.blocks(),
        atime: at(native.atime(), native.atime_nsec()),
        mtime: at(native.mtime(), native.mtime_nsec()),
        ctime,
        crtime: ctime,
        kind,
        perm: (native.mode() & 0o7777) as u16,
        nlink: native.nlink() as u32,
        uid: native.uid(),
        gid: native.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}
