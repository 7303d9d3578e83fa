//! Edits on their way to the tree: they block on the disk, so they leave the threads that the kernel waits on.

use std::sync::Arc;

use fuser::{ReplyEmpty, ReplyEntry};

use super::attributes::{AttrOverrides, GENERATION, TTL};
use super::counters::Timed;
use super::errno;
use super::invalidate::InvalidationQueue;
use super::spans::Runtime;
use super::xattrs::send_done;
use crate::faults;
use crate::vfs::{Attr, Editor, Inode, Result, Stale};

/// Where edits are carried out.
pub struct EditRequests {
    editor: Arc<Editor>,
    invalidations: Arc<InvalidationQueue>,
    runtime: Runtime,
    overrides: AttrOverrides,
}

impl EditRequests {
    pub fn new(
        editor: Arc<Editor>,
        invalidations: Arc<InvalidationQueue>,
        runtime: Runtime,
        overrides: AttrOverrides,
    ) -> Self {
        Self {
            editor,
            invalidations,
            runtime,
            overrides,
        }
    }

    /// An edit that makes this name.
    pub fn entry(
        &self,
        reply: Timed<ReplyEntry>,
        (parent, name): (Inode, Vec<u8>),
        edit: impl FnOnce(&Editor, &[u8]) -> Result<Attr> + Send + 'static,
    ) {
        let (editor, invalidations, overrides) = (
            self.editor.clone(),
            self.invalidations.clone(),
            self.overrides,
        );
        self.runtime.spawn_blocking(move || {
            faults::may_panic("edit");
            // Before the answer: somebody else may take the name away again until the kernel has it.
            let ttl = invalidations.dentries.record(parent, &name);
            match invalidations.edit_for_kernel(parent, &name, || edit(&editor, &name)) {
                Ok(attr) => {
                    let attr = overrides.apply(&attr);
                    reply.now().entry_with_ttls(&TTL, &ttl, &attr, GENERATION);
                }
                Err(e) => reply.now().error(errno::of(&e)),
            }
        });
    }

    /// An edit that takes this name away.
    pub fn removed(
        &self,
        reply: Timed<ReplyEmpty>,
        (parent, name): (Inode, Vec<u8>),
        edit: impl FnOnce(&Editor, &[u8]) -> Result<()> + Send + 'static,
    ) {
        let (editor, invalidations) = (self.editor.clone(), self.invalidations.clone());
        self.runtime.spawn_blocking(move || {
            let done = invalidations.edit_for_kernel(parent, &name, || edit(&editor, &name));
            send_done(done, reply);
        });
    }

    /// An edit that moves something to this name. The kernel moves what it knows of it along, which may be wrong there:
    /// names that were absent, for one.
    pub fn renamed(
        &self,
        reply: Timed<ReplyEmpty>,
        (parent, name): (Inode, Vec<u8>),
        edit: impl FnOnce(&Editor) -> Result<()> + Send + 'static,
    ) {
        let (editor, invalidations) = (self.editor.clone(), self.invalidations.clone());
        self.runtime.spawn_blocking(move || {
            send_done(edit(&editor), reply);
            invalidations.dentries.record(parent, &name);
            invalidations.push(vec![Stale::Entry { parent, name }]);
        });
    }
}
