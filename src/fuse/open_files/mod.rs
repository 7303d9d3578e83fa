//! Files held open: originals, what the tree writes itself, and what programs are writing.
//!
//! One table holds them all. How an original reaches its reader is decided in [`open_modes`], which of them have a descriptor
//! of this process in [`fd_cache`], which the kernel holds a moment longer in [`idle_backing`], and what is written goes through [`drafts`].

pub mod drafts;
pub mod fd_cache;
mod idle_backing;
mod open_modes;

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use fuser::{BackingId, FileHandle, FopenFlags, ReplyData, ReplyOpen};
use parking_lot::Mutex;
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::spawn_blocking;

use super::counters::Timed;
use super::errno;
use super::handles::Handles;
use super::spans::Runtime;
use crate::catalog::{FileStat, PhotoId, SourcePath};
use crate::source_files::SourceFiles;
use crate::vfs::{Caller, Content, Draft, Error, Inode, Result, Tree};
use fd_cache::{FdCache, FdLease};
use idle_backing::KEPT_FOR;
pub use open_modes::OpenModes;
use open_modes::{FileReplaced, OpenMode, PageCache, Reader};

/// How long who opens a photo waits for those who still read the file that was there before. Most are through at once;
/// EBUSY after that is better than a program that hangs.
const REPLACED_TIMEOUT: Duration = Duration::from_secs(5);

/// A file held open.
pub enum OpenFile {
    /// Read by the kernel itself, or through its lease.
    Original {
        lease: FdLease,
        /// The photo and who opened it, while nothing was read yet of a photo whose reads matter.
        unread: Mutex<Option<(PhotoId, Caller)>>,
    },
    /// As it was when it was opened.
    Generated(Vec<u8>),
    /// Being written.
    Draft(Arc<Draft>),
}

/// What is open of the files of one mount.
#[derive(Clone)]
pub struct Files {
    pub tree: Arc<Tree>,
    pub source_files: Arc<SourceFiles>,
    pub runtime: Runtime,
    pub open: Arc<Handles<OpenFile>>,
    pub fd_cache: Arc<FdCache>,
    pub open_modes: Arc<OpenModes<BackingId>>,
    /// Whether the kernel may read originals by itself.
    pub passthrough: bool,
}

/// An original that is to be opened.
struct OpenRequest {
    inode: Inode,
    path: SourcePath,
    /// As the catalog knows it.
    stat: FileStat,
    edition: u16,
    /// The photo and who opens it, if reads of it matter.
    unread: Option<(PhotoId, Caller)>,
}

impl Files {
    /// Opens a file for reading.
    pub fn open(&self, inode: Inode, caller: Caller, reply: Timed<ReplyOpen>) {
        match self.tree.open(inode) {
            Ok(Content::Generated(content)) => open_generated(&self.open, content, reply),
            Ok(Content::Text(photo)) => {
                let (tree, open) = (self.tree.clone(), self.open.clone());
                self.runtime.spawn_blocking(move || match tree.text(photo) {
                    Ok(text) => open_generated(&open, text, reply),
                    Err(e) => reply.now().error(errno::of(&e)),
                });
            }
            Ok(Content::Original {
                photo,
                path,
                stat,
                edition,
                reads_matter,
            }) => {
                let unread = reads_matter.then_some((photo, caller));
                let request = OpenRequest {
                    inode,
                    path,
                    stat,
                    edition,
                    unread,
                };
                self.find_original(request, reply);
            }
            Err(e) => reply.now().error(errno::of(&e)),
        }
    }

    /// Opens an original: at once where its name is in memory; else a thread of its own waits for the disk.
    fn find_original(&self, request: OpenRequest, reply: Timed<ReplyOpen>) {
        if let Some(found) = self.source_files.read_at_once(&request.path) {
            return self.open_original(request, found, reply);
        }
        let files = self.clone();
        self.runtime.spawn_at_source(&self.source_files, move || {
            let found = files.source_files.read(&request.path);
            files.open_original(request, found, reply);
        });
    }

    fn open_original(
        &self,
        request: OpenRequest,
        found: io::Result<(File, FileStat)>,
        reply: Timed<ReplyOpen>,
    ) {
        match found {
            Ok(original) => self.open_in_mode(request, original, Duration::ZERO, reply),
            Err(e) => reply.now().error(errno::of_disk(&e)),
        }
    }

    /// Where the kernel still reads the file that was there before, waits a while for its readers.
    fn open_in_mode(
        &self,
        request: OpenRequest,
        original: (File, FileStat),
        timeout: Duration,
        mut reply: Timed<ReplyOpen>,
    ) {
        let (file, now) = &original;
        let register = || reply.unsent().open_backing(file).ok();
        let reader = Reader {
            inode: request.inode,
            file: (now.dev, now.ino),
            edition: request.edition,
            is_known: now.is_as(&request.stat),
            // Reads that the kernel does by itself aren't seen.
            may_pass: self.passthrough && request.unread.is_none(),
        };
        match self.open_modes.open(reader, timeout, register) {
            Ok(mode) => self.reply_opened(request, original, mode, reply),
            Err(FileReplaced) if timeout.is_zero() => {
                let files = self.clone();
                self.runtime.spawn_at_source(&self.source_files, move || {
                    files.open_in_mode(request, original, REPLACED_TIMEOUT, reply)
                });
            }
            // Not the bytes of the one before under the name of this one.
            Err(FileReplaced) => reply.now().error(fuser::Errno::EBUSY),
        }
    }

    fn reply_opened(
        &self,
        request: OpenRequest,
        (file, now): (File, FileStat),
        mode: OpenMode<BackingId>,
        reply: Timed<ReplyOpen>,
    ) {
        // What the kernel reads by itself takes no descriptor here.
        let lease = match mode {
            OpenMode::Passthrough(_) => {
                let held = (now.dev, now.ino);
                Ok(self.fd_cache.lease_held(request.inode, held))
            }
            OpenMode::ReadRequests(_) => self.fd_cache.lease(request.inode, file),
        };
        let lease = match lease {
            Ok(lease) => lease,
            Err(e) => {
                self.close_original(request.inode);
                return reply.now().error(errno::of_disk(&e));
            }
        };
        // What is left in the page cache by a thumbnailer would be read unseen by whoever looks at the photo.
        let must_be_seen = request.unread.is_some();
        let unread = Mutex::new(request.unread);
        let handle = self.open.insert(OpenFile::Original { lease, unread });
        let mut flags = FopenFlags::FOPEN_NOFLUSH;
        let cache = match mode {
            OpenMode::Passthrough(backing) => {
                return reply.now().opened_passthrough(handle, flags, &backing);
            }
            OpenMode::ReadRequests(cache) => cache,
        };
        flags |= match cache {
            PageCache::Keep if !must_be_seen => FopenFlags::FOPEN_KEEP_CACHE,
            PageCache::Keep | PageCache::Drop => FopenFlags::empty(),
            PageCache::Bypass => FopenFlags::FOPEN_DIRECT_IO,
        };
        reply.now().opened(handle, flags);
    }

    /// Answers with bytes of an open file, fewer than asked for only at its end. What is in memory is sent at once;
    /// for the rest, a thread of its own waits for the disk.
    pub fn read(&self, handle: FileHandle, offset: u64, size: u32, reply: Timed<ReplyData>) {
        let size = size as usize;
        let Some(open) = self.open.get(handle) else {
            return reply.now().error(fuser::Errno::EBADF);
        };
        match &*open {
            OpenFile::Generated(content) => reply.now().data(part(content, offset, size)),
            OpenFile::Original { lease, unread } => {
                note_read(&self.tree, unread);
                let file = lease.cached();
                match file.and_then(|file| read_cached(&file, offset, size)) {
                    Some(data) => reply.now().data(&data),
                    None => self.read_original(open.clone(), offset, size, reply),
                }
            }
            OpenFile::Draft(draft) => {
                let draft = draft.clone();
                self.runtime
                    .spawn_blocking(move || send_data(draft.read(offset, size), reply));
            }
        }
    }

    fn read_original(
        &self,
        open: Arc<OpenFile>,
        offset: u64,
        size: usize,
        reply: Timed<ReplyData>,
    ) {
        self.runtime.spawn_at_source(&self.source_files, move || {
            let OpenFile::Original { lease, .. } = &*open else {
                return reply.now().error(fuser::Errno::EBADF);
            };
            let data = lease.file().and_then(|file| read_at(&file, offset, size));
            send_data(data.map_err(Error::from), reply);
        });
    }

    /// Nobody has the file open any more through this handle.
    pub fn close(&self, handle: FileHandle) {
        let Some(open) = self.open.remove(handle) else {
            return;
        };
        match &*open {
            OpenFile::Original { lease, .. } => {
                self.close_original(lease.inode);
                if self.source_files.closing_may_wait() {
                    self.runtime
                        .spawn_at_source(&self.source_files, move || drop(open));
                }
            }
            OpenFile::Draft(draft) => {
                self.tree.editor.close_draft(draft);
                // With the last who has it open its bytes go from the disk, which takes its time for a large file.
                self.runtime.spawn_blocking(move || drop(open));
            }
            OpenFile::Generated(_) => {}
        }
    }

    fn close_original(&self, inode: Inode) {
        if !self.open_modes.close(inode) {
            return;
        }
        let open_modes = Arc::downgrade(&self.open_modes);
        self.runtime.spawn(async move {
            loop {
                tokio::time::sleep(KEPT_FOR).await;
                // Without it the mount has ended.
                let Some(open_modes) = open_modes.upgrade() else {
                    return;
                };
                // A file that was deleted meanwhile goes from the disk now, which may take its time.
                let dropped = spawn_blocking(move || open_modes.drop_idle());
                // An error is the end of the runtime.
                if !matches!(dropped.await, Ok(true)) {
                    return;
                }
            }
        });
    }
}

/// Only the first read of a file counts.
pub fn note_read(tree: &Tree, unread: &Mutex<Option<(PhotoId, Caller)>>) {
    let first = unread.lock().take();
    if let Some((photo, caller)) = first {
        tree.read_by(photo, &caller);
    }
}

fn open_generated(open: &Handles<OpenFile>, content: Vec<u8>, reply: Timed<ReplyOpen>) {
    let handle = open.insert(OpenFile::Generated(content));
    // The size that the kernel knows may be that of an older content.
    let flags = FopenFlags::FOPEN_NOFLUSH | FopenFlags::FOPEN_DIRECT_IO;
    reply.now().opened(handle, flags);
}

fn send_data(data: Result<Vec<u8>>, reply: Timed<ReplyData>) {
    match data {
        Ok(data) => reply.now().data(&data),
        Err(e) => reply.now().error(errno::of(&e)),
    }
}

fn part(content: &[u8], offset: u64, size: usize) -> &[u8] {
    let start = usize::try_from(offset).map_or(content.len(), |o| o.min(content.len()));
    let end = content.len().min(start.saturating_add(size));
    &content[start..end]
}

/// What [`read_at`] gives, where all of it is in memory; `None` where it would wait for the disk, or can't tell: not
/// every file system knows RWF_NOWAIT, see preadv2(2).
fn read_cached(file: &File, offset: u64, size: usize) -> Option<Vec<u8>> {
    let mut data = vec![0; size];
    let mut filled = 0;
    while filled < size {
        let rest = &mut [IoSliceMut::new(&mut data[filled..])];
        match preadv2(file, rest, offset + filled as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(_) => return None,
        }
    }
    data.truncate(filled);
    Some(data)
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

    #[test]
    fn what_is_in_memory_reads_as_from_the_disk() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"abcdef").unwrap();
        let check = |offset, size, expected: &[u8]| {
            assert_eq!(read_at(&file, offset, size).unwrap(), expected);
            // A file system may not know how not to wait.
            assert!(read_cached(&file, offset, size).is_none_or(|data| data == expected));
        };
        check(0, 4, b"abcd");
        check(4, 4, b"ef");
        check(9, 4, b"");
    }
}
