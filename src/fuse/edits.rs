//! Edits on their way to the tree: they block on the disk, so they leave the threads that the kernel waits on.

use std::sync::Arc;

use fuser::{ReplyEmpty, ReplyEntry};
use tokio::runtime::Handle;

use super::attributes::{GENERATION, Shown, TTL};
use super::errno;
use super::values::send_done;
use crate::vfs::{Attr, Result, Tree};

/// Where edits are carried out.
pub struct Edits {
    tree: Arc<Tree>,
    runtime: Handle,
    shown: Shown,
}

impl Edits {
    pub fn new(tree: Arc<Tree>, runtime: Handle, shown: Shown) -> Self {
        Self {
            tree,
            runtime,
            shown,
        }
    }

    /// An edit that makes a name.
    pub fn entry(
        &self,
        reply: ReplyEntry,
        edit: impl FnOnce(&Tree) -> Result<Attr> + Send + 'static,
    ) {
        let (tree, shown) = (self.tree.clone(), self.shown);
        self.runtime.spawn_blocking(move || match edit(&tree) {
            Ok(attr) => reply.entry(&TTL, &shown.attr(&attr), GENERATION),
            Err(e) => reply.error(errno::of(&e)),
        });
    }

    /// An edit that makes none.
    pub fn done(&self, reply: ReplyEmpty, edit: impl FnOnce(&Tree) -> Result<()> + Send + 'static) {
        let tree = self.tree.clone();
        self.runtime
            .spawn_blocking(move || send_done(edit(&tree), reply));
    }
}
