//! Files that programs are writing, on their way to the tree. Everything here may wait for the disk, so it leaves the
//! threads that the kernel waits on.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    Errno, FileHandle, FopenFlags, ReplyAttr, ReplyCreate, ReplyEmpty, ReplyOpen, ReplyStatfs,
    ReplyWrite, TimeOrNow,
};
use rustix::fs::StatVfs;

use super::super::attributes::{AttrOverrides, GENERATION};
use super::super::counters::Timed;
use super::super::deferred::DeferredReply;
use super::super::errno;
use super::super::handles::Handles;
use super::super::xattrs::send_done;
use super::{OpenFile, note_read};
use crate::source_files::SourceFiles;
use crate::vfs::{Caller, Draft, Error, Inode, Result, SetAttr};

/// The kernel asks again: these files become photos, and then their names are those of photos.
const TTL: Duration = Duration::ZERO;
/// Bytes copied before a request is answered: a program that copies can be interrupted only between two.
const MAX_COPY_CHUNK: usize = 64 << 20;

/// What the kernel asks of files that are being written.
pub struct DraftRequests {
    pub deferred: DeferredReply,
    pub source_files: Arc<SourceFiles>,
    pub open: Arc<Handles<OpenFile>>,
    pub overrides: AttrOverrides,
}

/// How a file is to be made.
pub struct CreateRequest {
    pub parent: Inode,
    pub name: Vec<u8>,
    pub mode: u32,
    pub gid: u32,
    /// Only where nothing has this name.
    pub exclusive: bool,
    pub caller: Caller,
}

/// A position in an open file.
#[derive(Clone, Copy)]
pub struct FilePosition {
    pub handle: FileHandle,
    pub offset: u64,
}

impl DraftRequests {
    /// Answers creat(2).
    pub fn create(&self, new: CreateRequest, reply: Timed<ReplyCreate>) {
        let (tree, open, overrides) = (
            self.deferred.tree.clone(),
            self.open.clone(),
            self.overrides,
        );
        self.deferred.runtime.spawn_blocking(move || {
            let at = (new.parent, &new.name[..]);
            match tree
                .editor
                .create(at, new.mode, new.gid, new.exclusive, &new.caller)
            {
                Ok(draft) => {
                    let attr = overrides.apply(&draft.attr());
                    let handle = open.insert(OpenFile::Draft(draft));
                    reply.now().created(&TTL, &attr, GENERATION, handle, FLAGS);
                }
                Err(e) => reply.now().error(errno::of(&e)),
            }
        });
    }

    /// Opens a file again that is being written.
    pub fn open(&self, inode: Inode, reply: Timed<ReplyOpen>) {
        match self.deferred.tree.editor.open_draft(inode) {
            Some(draft) => reply
                .now()
                .opened(self.open.insert(OpenFile::Draft(draft)), FLAGS),
            None => reply.now().error(Errno::ENOENT),
        }
    }

    /// Answers write(2).
    pub fn write(&self, to: FilePosition, data: Vec<u8>, reply: Timed<ReplyWrite>) {
        let Some(draft) = self.draft(to.handle) else {
            return reply.now().error(Errno::EBADF);
        };
        self.deferred.runtime.spawn_blocking(move || {
            let written = draft.write(to.offset, &data).map(|()| data.len());
            send_written(written, reply);
        });
    }

    /// Copies from an open photo. From anything else the kernel does it itself when it is told so.
    pub fn copy(&self, from: FilePosition, to: FilePosition, most: u64, reply: Timed<ReplyWrite>) {
        let (Some(draft), Some(source)) = (self.draft(to.handle), self.open.get(from.handle))
        else {
            return reply.now().error(Errno::EBADF);
        };
        let tree = self.deferred.tree.clone();
        self.at_source(move || {
            let OpenFile::Original { lease, unread } = &*source else {
                return reply.now().error(Errno::EOPNOTSUPP);
            };
            note_read(&tree, unread);
            let most = usize::try_from(most)
                .unwrap_or(MAX_COPY_CHUNK)
                .min(MAX_COPY_CHUNK);
            let taken = lease.file().map_err(Error::from);
            let taken = taken.and_then(|file| draft.copy_from(to.offset, &file, from.offset, most));
            send_written(taken, reply);
        });
    }

    /// Somebody closes a file: the only moment at which it can still be refused.
    pub fn flush(&self, handle: FileHandle, reply: Timed<ReplyEmpty>) {
        let Some(draft) = self.draft(handle) else {
            return reply.now().ok();
        };
        let (tree, source_files) = (self.deferred.tree.clone(), self.source_files.clone());
        self.at_source(move || send_done(tree.editor.commit_draft(&draft, &source_files), reply));
    }

    /// Answers chmod(2), chown(2), truncate(2) and utimensat(2).
    pub fn set_attr(
        &self,
        inode: Inode,
        changes: SetAttr,
        caller: Caller,
        reply: Timed<ReplyAttr>,
    ) {
        let (deferred, overrides) = (self.deferred.clone(), self.overrides);
        self.deferred.runtime.spawn_blocking(move || {
            match deferred.tree.editor.set_attr(inode, &changes, &caller) {
                Ok(attr) => reply.now().attr(&TTL, &overrides.apply(&attr)),
                Err(e) => reply.now().error(errno::of(&e)),
            }
        });
    }

    /// How much can be written: what the disk has on which it is kept meanwhile. Programs look before they copy.
    pub fn statfs(&self, reply: Timed<ReplyStatfs>) {
        let tree = self.deferred.tree.clone();
        self.deferred
            .runtime
            .spawn_blocking(move || match statfs(tree.editor.spool()) {
                Ok(s) => reply.now().statfs(
                    s.f_blocks,
                    s.f_bfree,
                    s.f_bavail,
                    0,
                    0,
                    u32::try_from(s.f_frsize).unwrap_or(4096),
                    255,
                    u32::try_from(s.f_frsize).unwrap_or(4096),
                ),
                Err(e) => reply.now().error(Errno::from_i32(e.raw_os_error())),
            });
    }

    fn at_source(&self, work: impl FnOnce() + Send + 'static) {
        let runtime = &self.deferred.runtime;
        runtime.spawn_at_source(&self.source_files, work);
    }

    fn draft(&self, handle: FileHandle) -> Option<Arc<Draft>> {
        match &*self.open.get(handle)? {
            OpenFile::Draft(draft) => Some(draft.clone()),
            _ => None,
        }
    }
}

/// Nobody reads it but to compare, so no page of it is worth keeping.
const FLAGS: FopenFlags = FopenFlags::FOPEN_DIRECT_IO;

/// What the disk says on which a folder is, or will be.
fn statfs(folder: &Path) -> rustix::io::Result<StatVfs> {
    let mut there = folder.ancestors().map(rustix::fs::statvfs);
    let first = there.next().unwrap_or(Err(rustix::io::Errno::NOENT));
    match first {
        Err(rustix::io::Errno::NOENT) => there.find(|found| found.is_ok()).unwrap_or(first),
        first => first,
    }
}

/// Nanoseconds since 1970.
pub fn nanoseconds(time: TimeOrNow) -> i64 {
    let time = match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    };
    let nanos = |distance: Duration| i64::try_from(distance.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

fn send_written(written: Result<usize>, reply: Timed<ReplyWrite>) {
    match written {
        Ok(written) => reply
            .now()
            .written(u32::try_from(written).unwrap_or(u32::MAX)),
        Err(e) => reply.now().error(errno::of(&e)),
    }
}
