//! A file system with one folder, `below`, and a disk under it that can't list what it is told not to.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Generation, INodeNo,
    ReplyAttr, ReplyDirectory, ReplyEntry, Request,
};

const BELOW: INodeNo = INodeNo(2);

/// The inodes that can't be listed: 1 for the folder itself, 2 for the one below.
#[derive(Default)]
pub struct Unlisted(Arc<AtomicU64>);

impl Unlisted {
    /// Mounts it, until what is returned is dropped.
    pub fn mount(&self, on: &Path) -> BackgroundSession {
        let disk = Disk(Arc::clone(&self.0));
        let session = fuser::Session::new(disk, on, &Config::default()).unwrap();
        session.spawn().unwrap()
    }

    pub fn is(&self, inode: u64) {
        self.0.store(inode, Ordering::SeqCst);
    }
}

struct Disk(Arc<AtomicU64>);

impl fuser::Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match name == "below" {
            true => reply.entry(&Duration::ZERO, &folder(BELOW), Generation(0)),
            false => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&Duration::ZERO, &folder(inode));
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        if inode.0 == self.0.load(Ordering::SeqCst) {
            return reply.error(Errno::EIO);
        }
        if inode != BELOW && offset == 0 {
            let _full = reply.add(BELOW, 1, FileType::Directory, "below");
        }
        reply.ok();
    }
}

fn folder(ino: INodeNo) -> FileAttr {
    FileAttr {
        ino,
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::Directory,
        perm: 0o755,
        nlink: 2,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 512,
        flags: 0,
    }
}
