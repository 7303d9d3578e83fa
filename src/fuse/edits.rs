//! Edits on their way to the tree: they block on the disk, so they leave the threads that the kernel waits on.

use std::sync::Arc;

use fuser::{ReplyEmpty, ReplyEntry};
use tokio::runtime::Handle;

use super::attributes::{GENERATION, Shown, TTL};
use super::counters::Timed;
use super::errno;
use super::invalidate::Inbox;
use super::values::send_done;
use crate::vfs::{Attr, Inode, Result, Stale, Tree};

/// Where edits are carried out.
pub struct Edits {
    tree: Arc<Tree>,
    inbox: Arc<Inbox>,
    runtime: Handle,
    shown: Shown,
}

impl Edits {
    pub fn new(tree: Arc<Tree>, inbox: Arc<Inbox>, runtime: Handle, shown: Shown) -> Self {
        Self {
            tree,
            inbox,
            runtime,
            shown,
        }
    }

    /// An edit that makes a name.
    pub fn entry(
        &self,
        reply: Timed<ReplyEntry>,
        edit: impl FnOnce(&Tree) -> Result<Attr> + Send + 'static,
    ) {
        let (tree, shown) = (self.tree.clone(), self.shown);
        self.runtime.spawn_blocking(move || match edit(&tree) {
            Ok(attr) => reply.now().entry(&TTL, &shown.attr(&attr), GENERATION),
            Err(e) => reply.now().error(errno::of(&e)),
        });
    }

    /// An edit that makes none.
    pub fn done(
        &self,
        reply: Timed<ReplyEmpty>,
        edit: impl FnOnce(&Tree) -> Result<()> + Send + 'static,
    ) {
        let tree = self.tree.clone();
        self.runtime
            .spawn_blocking(move || send_done(edit(&tree), reply));
    }

    /// An edit that moves something to this name. The kernel moves what it knows of it along, which may be wrong there:
    /// names that were absent, for one.
    pub fn renamed(
        &self,
        reply: Timed<ReplyEmpty>,
        (parent, name): (Inode, Vec<u8>),
        edit: impl FnOnce(&Tree) -> Result<()> + Send + 'static,
    ) {
        let (tree, inbox) = (self.tree.clone(), self.inbox.clone());
        self.runtime.spawn_blocking(move || {
            send_done(edit(&tree), reply);
            inbox.hand_in(vec![Stale::Entry { parent, name }]);
        });
    }
}
