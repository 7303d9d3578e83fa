//! Folders held open: their listings, entry by entry.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fuser::{
    Errno, FileHandle, FopenFlags, INodeNo, ReplyDirectory, ReplyDirectoryPlus, ReplyOpen,
};

use super::attributes::{AttrOverrides, GENERATION, file_type};
use super::counters::Timed;
use super::errno;
use super::handles::{Folder, Handles, PendingDentries};
use super::invalidate::InvalidationQueue;
use crate::vfs::{Inode, OpenDir, Result, Stale, Tree};

/// What is open of the folders of one mount.
pub struct Folders {
    tree: Arc<Tree>,
    invalidations: Arc<InvalidationQueue>,
    open: Arc<Handles<Folder>>,
    overrides: AttrOverrides,
}

impl Folders {
    pub fn new(
        tree: Arc<Tree>,
        invalidations: Arc<InvalidationQueue>,
        open: Arc<Handles<Folder>>,
        overrides: AttrOverrides,
    ) -> Self {
        Self {
            tree,
            invalidations,
            open,
            overrides,
        }
    }

    /// Hands out a folder opened for listing.
    pub fn open(&self, inode: Inode, listing: Result<OpenDir>, reply: Timed<ReplyOpen>) {
        match listing {
            Ok(listing) => {
                // Who has just changed something sees it, even before the kernel is told.
                let flags = match (
                    listing.is_steady(),
                    self.invalidations.is_listing_right(inode),
                ) {
                    (true, true) => FopenFlags::FOPEN_CACHE_DIR | FopenFlags::FOPEN_KEEP_CACHE,
                    (true, false) => FopenFlags::FOPEN_CACHE_DIR,
                    (false, _) => FopenFlags::empty(),
                };
                let handle = self.open.insert(Folder {
                    inode,
                    listing,
                    outdated: AtomicBool::new(false),
                    pending_dentries: PendingDentries::default(),
                });
                reply.now().opened(handle, flags);
            }
            Err(e) => reply.now().error(errno::of(&e)),
        }
    }

    /// Entries after a cookie, as many as fit.
    pub fn read(&self, handle: FileHandle, after: u64, mut reply: Timed<ReplyDirectory>) {
        let Some(folder) = self.open.get(handle) else {
            return reply.now().error(Errno::EBADF);
        };
        self.note_received(&folder);
        for entry in folder.listing.entries(&self.tree.namespace, after) {
            let name = OsStr::from_bytes(&entry.name);
            let inode = INodeNo(entry.inode.0);
            if reply
                .unsent()
                .add(inode, entry.cookie, file_type(entry.kind), name)
            {
                break;
            }
        }
        reply.now().ok();
    }

    /// Entries after a cookie with their attributes, as many as fit. Each counts as looked up, but for the dots.
    pub fn read_plus(&self, handle: FileHandle, after: u64, mut reply: Timed<ReplyDirectoryPlus>) {
        let Some(folder) = self.open.get(handle) else {
            return reply.now().error(Errno::EBADF);
        };
        self.note_received(&folder);
        let _held_back = self.invalidations.hold_notifications();
        folder.pending_dentries.begin();
        for entry in folder.listing.entries(&self.tree.namespace, after) {
            // What went away since the folder was opened isn't listed any more.
            let Ok(attr) = folder.listing.adopt(&self.tree.namespace, &entry) else {
                continue;
            };
            let (name, known) = (OsStr::from_bytes(&entry.name), self.overrides.apply(&attr));
            let is_dot = matches!(&entry.name[..], b"." | b"..");
            let ttl = self
                .invalidations
                .dentries
                .record(folder.inode, &entry.name);
            if reply
                .unsent()
                .add(known.ino, entry.cookie, name, &ttl, &known, GENERATION)
            {
                if !is_dot {
                    self.tree.namespace.forget(attr.inode, 1);
                }
                break;
            }
        }
        reply.now().ok();
    }

    /// Nobody lists through this handle any more. What the kernel cached of a listing that is outdated is dropped then.
    pub fn close(&self, handle: FileHandle) {
        let Some(folder) = self.open.remove(handle) else {
            return;
        };
        self.note_received(&folder);
        if folder.outdated.load(Ordering::Relaxed) {
            self.invalidations.push(vec![Stale::Listing(folder.inode)]);
        }
    }

    /// The kernel has what it was told of a folder before.
    fn note_received(&self, folder: &Folder) {
        if folder.pending_dentries.end() {
            self.invalidations.forget_names(folder.inode);
        }
    }
}
