//! What the kernel asks, put to the tree: translate, spawn, reply.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, INodeNo, IoctlFlags,
    KernelConfig, LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyOpen,
    ReplyStatfs, ReplyWrite, ReplyXattr, TimeOrNow, WriteFlags,
};
use rustix::fs::OFlags;

use super::attributes::{AttrOverrides, GENERATION, TTL, absent};
use super::capabilities;
use super::counters::{Counters, Request, Timed};
use super::deferred::DeferredReply;
use super::edits::EditRequests;
use super::errno;
use super::folders::Folders;
use super::invalidate::InvalidationQueue;
use super::open_files::Files;
use super::open_files::drafts::{self, DraftRequests};
use super::spans::{self, Runtime};
use super::xattrs::Xattrs;
use crate::faults;
use crate::vfs::{Caller, Error, Inode, SetAttr, Tree, xattr};

/// The answers to one mount's kernel.
pub struct Filesystem {
    pub tree: Arc<Tree>,
    pub runtime: Runtime,
    pub counters: Arc<Counters>,
    pub invalidations: Arc<InvalidationQueue>,
    pub deferred: DeferredReply,
    pub folders: Arc<Folders>,
    pub files: Files,
    pub edits: EditRequests,
    pub drafts: DraftRequests,
    pub xattrs: Xattrs,
    pub overrides: AttrOverrides,
}

impl Filesystem {
    fn refuse(&self) -> Errno {
        self.counters.begin(Request::Refused, ()).now();
        errno::of(&Error::NotPermitted)
    }

    fn edit<R>(
        &self,
        request: &fuser::Request,
        at: INodeNo,
        name: &OsStr,
        reply: R,
    ) -> (Inode, Vec<u8>, Caller, Timed<R>) {
        let reply = self.counters.begin(Request::Edit, reply);
        (
            Inode(at.0),
            name.as_bytes().to_vec(),
            caller(request),
            reply,
        )
    }

    fn refuse_content(&self) -> Errno {
        self.counters.begin(Request::Refused, ()).now();
        errno::of(&Error::ReadOnly)
    }
}

impl fuser::Filesystem for Filesystem {
    fn init(&mut self, _: &fuser::Request, config: &mut KernelConfig) -> io::Result<()> {
        capabilities::request(config);
        self.files.passthrough =
            self.files.passthrough && capabilities::request_passthrough(config);
        Ok(())
    }

    fn lookup(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let _span = spans::enter("lookup", request, parent);
        faults::may_panic("session");
        let reply = self.counters.begin(Request::Lookup, reply);
        let (parent, name, caller) = (Inode(parent.0), name.as_bytes().to_vec(), caller(request));
        let asked = name.clone();
        let ask = move |tree: &Tree| tree.namespace.lookup_by(parent, &name, &caller);
        let (overrides, invalidations) = (self.overrides, self.invalidations.clone());
        self.deferred
            .reply_now_or_later(ask, move |found| match found {
                Ok((attr, true)) => {
                    let name = invalidations.dentries.record(parent, &asked);
                    reply
                        .now()
                        .entry_with_ttls(&TTL, &name, &overrides.apply(&attr), GENERATION);
                }
                Ok((attr, false)) => {
                    reply
                        .now()
                        .entry(&Duration::ZERO, &overrides.apply(&attr), GENERATION)
                }
                Err(Error::NotFound) => {
                    let name = invalidations.dentries.record(parent, &asked);
                    reply.now().entry(&name, &absent(), GENERATION);
                }
                Err(e) => reply.now().error(errno::of(&e)),
            });
    }

    fn forget(&self, request: &fuser::Request, inode: INodeNo, references: u64) {
        let _span = spans::enter("forget", request, inode);
        let request = self.counters.begin(Request::Forget, ());
        self.tree.namespace.forget(Inode(inode.0), references);
        request.now();
    }

    fn getattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        _: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        let _span = spans::enter("getattr", request, inode);
        let reply = self.counters.begin(Request::GetAttr, reply);
        let _held_back = self.invalidations.hold_notifications();
        match self.tree.namespace.attr(Inode(inode.0)) {
            Ok(attr) if attr.inode.is_draft() => {
                reply
                    .now()
                    .attr(&Duration::ZERO, &self.overrides.apply(&attr));
            }
            Ok(attr) => reply.now().attr(&TTL, &self.overrides.apply(&attr)),
            Err(e) => reply.now().error(errno::of(&e)),
        }
    }

    /// Asked only where the kernel doesn't check permissions itself: of the owner.
    fn access(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        mask: AccessFlags,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("access", request, inode);
        let reply = self.counters.begin(Request::Access, reply);
        match self.tree.namespace.attr(Inode(inode.0)) {
            Ok(attr) if attr.mode & 0o200 == 0 && mask.contains(AccessFlags::W_OK) => {
                reply.now().error(Errno::EACCES);
            }
            Ok(_) => reply.now().ok(),
            Err(e) => reply.now().error(errno::of(&e)),
        }
    }

    fn opendir(&self, request: &fuser::Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let _span = spans::enter("opendir", request, inode);
        let reply = self.counters.begin(Request::OpenDir, reply);
        let (inode, caller) = (Inode(inode.0), caller(request));
        let (folders, deferred) = (self.folders.clone(), self.deferred.clone());
        let open = move |deferred: DeferredReply| {
            let ask = move |tree: &Tree| tree.open_dir(inode, &caller);
            deferred.reply_now_or_later(ask, move |listing| folders.open(inode, listing, reply));
        };
        if !self.tree.waits_for_first_results(inode) {
            return open(deferred);
        }
        self.runtime.spawn(async move {
            deferred.tree.first_results(inode, &caller).await;
            open(deferred);
        });
    }

    fn readdir(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        let _span = spans::enter("readdir", request, inode);
        let reply = self.counters.begin(Request::ReadDir, reply);
        self.folders.read(handle, offset, reply);
    }

    fn readdirplus(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        let _span = spans::enter("readdirplus", request, inode);
        let reply = self.counters.begin(Request::ReadDirPlus, reply);
        self.folders.read_plus(handle, offset, reply);
    }

    fn releasedir(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("releasedir", request, inode);
        self.folders.close(handle);
        reply.ok();
    }

    fn open(&self, request: &fuser::Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let _span = spans::enter("open", request, inode);
        let reply = self.counters.begin(Request::Open, reply);
        if Inode(inode.0).is_draft() {
            return self.drafts.open(Inode(inode.0), reply);
        }
        if flags.acc_mode() != OpenAccMode::O_RDONLY {
            return reply.now().error(self.refuse_content());
        }
        self.files.open(Inode(inode.0), caller(request), reply);
    }

    fn read(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let _span = spans::enter("read", request, inode);
        let reply = self.counters.begin(Request::Read, reply);
        self.files.read(handle, offset, size, reply);
    }

    fn release(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("release", request, inode);
        self.files.close(handle);
        reply.ok();
    }

    /// No file of a photo is a terminal, which is what most programs want to know.
    fn ioctl(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        _: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        let _span = spans::enter("ioctl", request, inode);
        reply.error(Errno::ENOTTY);
    }

    fn statfs(&self, request: &fuser::Request, inode: INodeNo, reply: ReplyStatfs) {
        let _span = spans::enter("statfs", request, inode);
        self.drafts
            .statfs(self.counters.begin(Request::StatFs, reply));
    }

    fn getxattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        let _span = spans::enter("getxattr", request, inode);
        let reply = self.counters.begin(Request::GetXattr, reply);
        if !xattr::is_supported(name.as_bytes()) {
            return reply.now().error(errno::of(&Error::Unsupported));
        }
        self.xattrs
            .get(Inode(inode.0), name, caller(request), size, reply);
    }

    fn listxattr(&self, request: &fuser::Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        let _span = spans::enter("listxattr", request, inode);
        let reply = self.counters.begin(Request::ListXattr, reply);
        self.xattrs.list(Inode(inode.0), size, reply);
    }

    fn setxattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("setxattr", request, inode);
        let reply = self.counters.begin(Request::SetXattr, reply);
        let attribute = (Inode(inode.0), name.to_owned());
        self.xattrs
            .set(attribute, value.to_vec(), flags, caller(request), reply);
    }

    fn removexattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        name: &OsStr,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("removexattr", request, inode);
        let reply = self.counters.begin(Request::SetXattr, reply);
        let attribute = (Inode(inode.0), name.to_owned());
        self.xattrs.remove(attribute, caller(request), reply);
    }

    fn setattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let _span = spans::enter("setattr", request, inode);
        let reply = self.counters.begin(Request::Edit, reply);
        let changes = SetAttr {
            mode: mode.map(|mode| mode & 0o7777),
            uid,
            gid,
            size,
            mtime_ns: mtime.map(drafts::nanoseconds),
        };
        self.drafts
            .set_attr(Inode(inode.0), changes, caller(request), reply);
    }

    fn create(
        &self,
        request: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let _span = spans::enter("create", request, parent);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        let new = drafts::CreateRequest {
            parent,
            name,
            mode: mode & !umask & 0o7777,
            gid: request.gid(),
            exclusive: is_exclusive(flags),
            caller,
        };
        self.drafts.create(new, reply);
    }

    fn write(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let _span = spans::enter("write", request, inode);
        let reply = self.counters.begin(Request::Write, reply);
        let to = drafts::FilePosition { handle, offset };
        self.drafts.write(to, data.to_vec(), reply);
    }

    fn copy_file_range(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        from: FileHandle,
        from_offset: u64,
        _: INodeNo,
        to: FileHandle,
        to_offset: u64,
        length: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let _span = spans::enter("copy_file_range", request, inode);
        let reply = self.counters.begin(Request::Write, reply);
        let part = |handle, offset| drafts::FilePosition { handle, offset };
        let (from, to) = (part(from, from_offset), part(to, to_offset));
        self.drafts.copy(from, to, length, reply);
    }

    fn flush(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        handle: FileHandle,
        _: LockOwner,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("flush", request, inode);
        self.drafts
            .flush(handle, self.counters.begin(Request::Flush, reply));
    }

    fn mknod(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        _: &OsStr,
        _: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let _span = spans::enter("mknod", request, inode);
        reply.error(self.refuse());
    }

    fn mkdir(
        &self,
        request: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let _span = spans::enter("mkdir", request, parent);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        self.edits
            .entry(reply, (parent, name), move |editor, name| {
                editor.make_folder(parent, name, &caller)
            });
    }

    fn symlink(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        _: &OsStr,
        _: &Path,
        reply: ReplyEntry,
    ) {
        let _span = spans::enter("symlink", request, inode);
        reply.error(self.refuse());
    }

    fn link(
        &self,
        request: &fuser::Request,
        file: INodeNo,
        parent: INodeNo,
        name: &OsStr,
        reply: ReplyEntry,
    ) {
        let _span = spans::enter("link", request, file);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        self.edits
            .entry(reply, (parent, name), move |editor, name| {
                editor.link(Inode(file.0), parent, name, &caller)
            });
    }

    fn unlink(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let _span = spans::enter("unlink", request, parent);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        self.edits
            .removed(reply, (parent, name), move |editor, name| {
                editor.remove_file(parent, name, &caller)
            });
    }

    fn rmdir(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let _span = spans::enter("rmdir", request, parent);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        self.edits
            .removed(reply, (parent, name), move |editor, name| {
                editor.remove_folder(parent, name, &caller)
            });
    }

    fn rename(
        &self,
        request: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let _span = spans::enter("rename", request, parent);
        let (parent, name, caller, reply) = self.edit(request, parent, name, reply);
        let new = (Inode(new_parent.0), new_name.as_bytes().to_vec());
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.now().error(self.refuse());
        }
        let (replace, replaced) = (flags.is_empty(), new.clone());
        self.edits.renamed(reply, replaced, move |editor| {
            editor.rename((parent, &name), (new.0, &new.1), replace, &caller)
        });
    }
}

fn caller(request: &fuser::Request) -> Caller {
    Caller {
        pid: request.pid(),
        uid: request.uid(),
    }
}

fn is_exclusive(flags: i32) -> bool {
    OFlags::from_bits_retain(flags.cast_unsigned()).contains(OFlags::EXCL)
}
