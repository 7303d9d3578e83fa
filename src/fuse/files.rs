//! Files held open: how each is read, and the bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use fuser::{BackingId, FileHandle, FopenFlags, ReplyOpen};
use rustix::io::Errno;
use tokio::runtime::Handle;

use super::errno;
use super::handles::{Handles, OpenFile};
use super::passthrough::{Way, Ways};
use crate::catalog::PhotoId;
use crate::originals::Originals;
use crate::vfs::{Caller, Content, Inode, Tree};

/// What is open of the files of one mount.
pub struct Files {
    tree: Arc<Tree>,
    originals: Arc<Originals>,
    runtime: Handle,
    open: Arc<Handles<OpenFile>>,
    ways: Ways<BackingId>,
    /// Whether the kernel may read originals by itself.
    pub passthrough: bool,
}

impl Files {
    pub fn new(
        tree: Arc<Tree>,
        originals: Arc<Originals>,
        runtime: Handle,
        passthrough: bool,
    ) -> Self {
        Self {
            tree,
            originals,
            runtime,
            open: Arc::default(),
            ways: Ways::default(),
            passthrough,
        }
    }

    /// Opens a file for reading.
    pub fn open(&self, inode: Inode, caller: Caller, reply: ReplyOpen) {
        match self.tree.open(inode) {
            Ok(Content::Generated(content)) => open_generated(&self.open, content, reply),
            Ok(Content::Text(photo)) => {
                let (tree, open) = (self.tree.clone(), self.open.clone());
                self.runtime.spawn_blocking(move || match tree.text(photo) {
                    Ok(text) => open_generated(&open, text, reply),
                    Err(e) => reply.error(errno::of(&e)),
                });
            }
            Ok(Content::Original {
                photo,
                path,
                stat,
                reads_matter,
            }) => match self.originals.read(&path) {
                Ok((file, now)) => {
                    let unread = reads_matter.then_some((photo, caller));
                    self.open_original(inode, file, unread, now.same_content(&stat), reply);
                }
                Err(e) => reply.error(errno::of_disk(&e)),
            },
            Err(e) => reply.error(errno::of(&e)),
        }
    }

    /// `as_known`: whether the file is still the one that the catalog knows.
    fn open_original(
        &self,
        inode: Inode,
        file: File,
        unread: Option<(PhotoId, Caller)>,
        as_known: bool,
        reply: ReplyOpen,
    ) {
        // Reads that the kernel does by itself aren't seen.
        let may_pass = self.passthrough && unread.is_none();
        let register = || may_pass.then(|| reply.open_backing(&file).ok()).flatten();
        let way = self.ways.enter(inode, register);
        let handle = self.open.insert(OpenFile::Original {
            inode,
            file,
            unread: Mutex::new(unread),
        });
        let flags = FopenFlags::FOPEN_NOFLUSH;
        match way {
            Way::Passthrough(backing) => reply.opened_passthrough(handle, flags, &backing),
            Way::Requests if as_known => reply.opened(handle, flags | FopenFlags::FOPEN_KEEP_CACHE),
            // The kernel would cut or fill what it reads to the size that it was told.
            Way::Requests => reply.opened(handle, flags | FopenFlags::FOPEN_DIRECT_IO),
        }
    }

    /// Bytes of an open file, fewer than asked for only at its end.
    ///
    /// # Errors
    /// `EBADF` for a handle that isn't open, else what the disk says.
    pub fn read(&self, handle: FileHandle, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        let size = size as usize;
        match self.open.get(handle).as_deref() {
            Some(OpenFile::Generated(content)) => Ok(part(content, offset, size).to_vec()),
            Some(OpenFile::Original { file, unread, .. }) => {
                let first = unread.lock().expect("nothing panics holding it").take();
                if let Some((photo, caller)) = first {
                    self.tree.read_by(photo, &caller);
                }
                read_at(file, offset, size)
            }
            None => Err(Errno::BADF.into()),
        }
    }

    pub fn close(&self, handle: FileHandle) {
        if let Some(OpenFile::Original { inode, .. }) = self.open.remove(handle).as_deref() {
            self.ways.leave(*inode);
        }
    }
}

fn open_generated(open: &Handles<OpenFile>, content: Vec<u8>, reply: ReplyOpen) {
    let handle = open.insert(OpenFile::Generated(content));
    // The size that the kernel knows may be that of an older content.
    let flags = FopenFlags::FOPEN_NOFLUSH | FopenFlags::FOPEN_DIRECT_IO;
    reply.opened(handle, flags);
}

fn part(content: &[u8], offset: u64, size: usize) -> &[u8] {
    let start = usize::try_from(offset).map_or(content.len(), |o| o.min(content.len()));
    let end = content.len().min(start.saturating_add(size));
    &content[start..end]
}

/// Reads until `size` bytes are there or the file ends: the kernel takes less for the end.
fn read_at(file: &File, offset: u64, size: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match file.read_at(&mut data[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    data.truncate(filled);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_with_the_content() {
        let check =
            |offset, size, expected: &[u8]| assert_eq!(part(b"abc", offset, size), expected);
        check(0, 9, b"abc");
        check(1, 1, b"b");
        check(3, 1, b"");
        check(u64::MAX, usize::MAX, b"");
    }
}
