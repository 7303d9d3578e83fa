//! What the kernel asks, put to the tree: translate, spawn, reply.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, Errno, FileHandle, INodeNo, InitFlags, KernelConfig, LockOwner,
    OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr,
    TimeOrNow, WriteFlags,
};
use tokio::runtime::Handle;

use super::answers::Answers;
use super::attributes::{GENERATION, Shown, TTL, absent};
use super::counters::{Counters, Request};
use super::edits::Edits;
use super::errno;
use super::files::Files;
use super::folders::Folders;
use super::invalidate::Inbox;
use super::values::{allows, send_done, send_value};
use crate::vfs::{Caller, Error, Inode, Tree, xattr};

/// The answers to one mount's kernel.
pub struct Filesystem {
    pub tree: Arc<Tree>,
    pub runtime: Handle,
    pub counters: Arc<Counters>,
    pub inbox: Arc<Inbox>,
    pub answers: Answers,
    pub folders: Arc<Folders>,
    pub files: Files,
    pub edits: Edits,
    pub shown: Shown,
}

impl Filesystem {
    fn refuse(&self) -> Errno {
        self.counters.count(Request::Refused);
        errno::of(&Error::NotPermitted)
    }

    fn edit(
        &self,
        request: &fuser::Request,
        at: INodeNo,
        name: &OsStr,
    ) -> (Inode, Vec<u8>, Caller) {
        self.counters.count(Request::Edit);
        (Inode(at.0), name.as_bytes().to_vec(), caller(request))
    }

    fn refuse_content(&self) -> Errno {
        self.counters.count(Request::Refused);
        errno::of(&Error::ReadOnly)
    }
}

impl fuser::Filesystem for Filesystem {
    fn init(&mut self, _: &fuser::Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_AUTO_INVAL_DATA,
        ];
        for flag in wanted {
            if config.add_capabilities(flag).is_err() {
                tracing::debug!("the kernel has no {flag:?}");
            }
        }
        let is_root = rustix::process::geteuid().is_root();
        if !is_root {
            tracing::debug!("no passthrough: the kernel lets only root have files read by itself");
        }
        self.files.passthrough = self.files.passthrough
            && is_root
            && config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok()
            && config.set_max_stack_depth(1).is_ok();
        Ok(())
    }

    fn lookup(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.counters.count(Request::Lookup);
        let (parent, name, caller) = (Inode(parent.0), name.as_bytes().to_vec(), caller(request));
        let ask = move |tree: &Tree| tree.lookup_by(parent, &name, &caller);
        let shown = self.shown;
        self.answers.give(ask, move |found| match found {
            Ok((attr, true)) => reply.entry(&TTL, &shown.attr(&attr), GENERATION),
            Ok((attr, false)) => reply.entry(&Duration::ZERO, &shown.attr(&attr), GENERATION),
            Err(Error::NotFound) => reply.entry(&TTL, &absent(), GENERATION),
            Err(e) => reply.error(errno::of(&e)),
        });
    }

    fn forget(&self, _: &fuser::Request, inode: INodeNo, references: u64) {
        self.counters.count(Request::Forget);
        self.tree.forget(Inode(inode.0), references);
    }

    fn getattr(&self, _: &fuser::Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.counters.count(Request::GetAttr);
        let _answering = self.inbox.answering();
        match self.tree.attr(Inode(inode.0)) {
            Ok(attr) => reply.attr(&TTL, &self.shown.attr(&attr)),
            Err(e) => reply.error(errno::of(&e)),
        }
    }

    /// Asked only where the kernel doesn't check permissions itself: of the owner.
    fn access(&self, _: &fuser::Request, inode: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        self.counters.count(Request::Access);
        match self.tree.attr(Inode(inode.0)) {
            Ok(attr) if attr.mode & 0o200 == 0 && mask.contains(AccessFlags::W_OK) => {
                reply.error(Errno::EACCES);
            }
            Ok(_) => reply.ok(),
            Err(e) => reply.error(errno::of(&e)),
        }
    }

    fn opendir(&self, request: &fuser::Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.counters.count(Request::OpenDir);
        let (inode, caller) = (Inode(inode.0), caller(request));
        let (folders, answers) = (self.folders.clone(), self.answers.clone());
        let open = move |answers: Answers| {
            let ask = move |tree: &Tree| tree.open_dir(inode, &caller);
            answers.give(ask, move |listing| folders.open(inode, listing, reply));
        };
        if !self.tree.waits_for_first_results(inode) {
            return open(answers);
        }
        self.runtime.spawn(async move {
            answers.tree.first_results(inode, &caller).await;
            open(answers);
        });
    }

    fn readdir(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        self.counters.count(Request::ReadDir);
        self.folders.read(handle, offset, reply);
    }

    fn readdirplus(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        self.counters.count(Request::ReadDirPlus);
        self.folders.read_plus(handle, offset, reply);
    }

    fn releasedir(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.folders.close(handle);
        reply.ok();
    }

    fn open(&self, request: &fuser::Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.counters.count(Request::Open);
        if flags.acc_mode() != OpenAccMode::O_RDONLY {
            return reply.error(self.refuse_content());
        }
        self.files.open(Inode(inode.0), caller(request), reply);
    }

    fn read(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.counters.count(Request::Read);
        self.files.read(handle, offset, size, reply);
    }

    fn release(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.files.close(handle);
        reply.ok();
    }

    fn statfs(&self, _: &fuser::Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(0, 0, 0, 0, 0, 4096, 255, 4096);
    }

    fn getxattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        self.counters.count(Request::GetXattr);
        if !xattr::is_supported(name.as_bytes()) {
            return reply.error(errno::of(&Error::Unsupported));
        }
        let (tree, caller) = (self.tree.clone(), caller(request));
        let name = name.to_owned();
        self.runtime.spawn(async move {
            let value = tree.get_xattr(Inode(inode.0), name.as_bytes(), &caller);
            send_value(value.await, size, reply);
        });
    }

    fn listxattr(&self, _: &fuser::Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        self.counters.count(Request::ListXattr);
        let tree = self.tree.clone();
        self.runtime.spawn_blocking(move || {
            let names = tree.list_xattr(Inode(inode.0));
            let list = names.map(|n| n.iter().flat_map(|n| [n, "\0"]).collect::<String>());
            send_value(list.map(String::into_bytes), size, reply);
        });
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
        self.counters.count(Request::SetXattr);
        let (tree, inode) = (self.tree.clone(), Inode(inode.0));
        let (name, value, caller) = (name.to_owned(), value.to_vec(), caller(request));
        self.runtime.spawn_blocking(move || {
            if let Err(e) = allows(&tree, inode, name.as_bytes(), flags) {
                return reply.error(e);
            }
            send_done(
                tree.set_xattr(inode, name.as_bytes(), &value, &caller),
                reply,
            );
        });
    }

    fn removexattr(
        &self,
        request: &fuser::Request,
        inode: INodeNo,
        name: &OsStr,
        reply: ReplyEmpty,
    ) {
        self.counters.count(Request::SetXattr);
        let (tree, name, caller) = (self.tree.clone(), name.to_owned(), caller(request));
        self.runtime.spawn_blocking(move || {
            send_done(
                tree.remove_xattr(Inode(inode.0), name.as_bytes(), &caller),
                reply,
            );
        });
    }

    fn setattr(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        match size {
            Some(_) => reply.error(self.refuse_content()),
            None => reply.error(self.refuse()),
        }
    }

    fn create(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        _: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        reply.error(self.refuse_content());
    }

    fn write(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        reply.error(self.refuse_content());
    }

    fn mknod(
        &self,
        _: &fuser::Request,
        _: INodeNo,
        _: &OsStr,
        _: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
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
        let (parent, name, caller) = self.edit(request, parent, name);
        self.edits
            .entry(reply, move |tree| tree.make_folder(parent, &name, &caller));
    }

    fn symlink(&self, _: &fuser::Request, _: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
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
        let (parent, name, caller) = self.edit(request, parent, name);
        self.edits.entry(reply, move |tree| {
            tree.link(Inode(file.0), parent, &name, &caller)
        });
    }

    fn unlink(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (parent, name, caller) = self.edit(request, parent, name);
        self.edits
            .done(reply, move |tree| tree.remove_file(parent, &name, &caller));
    }

    fn rmdir(&self, request: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (parent, name, caller) = self.edit(request, parent, name);
        self.edits.done(reply, move |tree| {
            tree.remove_folder(parent, &name, &caller)
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
        let (parent, name, caller) = self.edit(request, parent, name);
        let new = (Inode(new_parent.0), new_name.as_bytes().to_vec());
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(self.refuse());
        }
        let (replace, replaced) = (flags.is_empty(), new.clone());
        self.edits.renamed(reply, replaced, move |tree| {
            tree.rename((parent, &name), (new.0, &new.1), replace, &caller)
        });
    }
}

fn caller(request: &fuser::Request) -> Caller {
    Caller {
        pid: request.pid(),
        uid: request.uid(),
    }
}
