//! How the content of an open photo reaches its reader: by the kernel straight from the original, or through READs.
//!
//! The kernel wants one mode for all who have an inode open at a time (another one is EIO, see
//! <https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/fs/fuse/iomode.c>), so the mode is decided
//! when the first opens it and kept until the last closes it. It wants one file, too: where another took its place
//! meanwhile, who comes later can't have that one yet. Knows nothing of the tree.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashlink::LruCache;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::idle_backing::IdleBacking;
use crate::vfs::Inode;

/// How an open inode is read. `B` is what the kernel calls a backing file.
#[derive(Debug, PartialEq, Eq)]
pub enum OpenMode<B> {
    /// By the kernel, from a file registered with it.
    Passthrough(Arc<B>),
    /// By READ requests.
    ReadRequests(PageCache),
}

/// What becomes of the bytes that the kernel keeps of an inode, which is one file after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageCache {
    /// They are of this file.
    Keep,
    /// They may be of another one.
    Drop,
    /// This reader neither gets them nor adds to them.
    Bypass,
}

struct Open<B> {
    /// None where it is by requests.
    backing: Option<Arc<B>>,
    file: File,
    /// What is read through the page cache.
    cached: Option<Edition>,
    count: u64,
}

/// Device and inode on the disk.
pub type File = (u64, u64);

/// A file, and which of the contents that it had at the same size and time: of other times the kernel learns by itself.
type Edition = (File, u16);

/// Who wants to read an inode.
#[derive(Clone, Copy)]
pub struct Reader {
    pub inode: Inode,
    pub file: File,
    pub edition: u16,
    /// Whether the kernel was told the size of this very content, and the edition is that: it cuts or fills what it caches
    /// to the one, and keeps it by the other.
    pub is_known: bool,
    /// Whether the kernel may read it by itself.
    pub may_pass: bool,
}

/// Another file is being read under this inode.
#[derive(Debug, PartialEq, Eq)]
pub struct FileReplaced;

/// The inodes that are open, and how each is read.
pub struct OpenModes<B> {
    open: Mutex<State<B>>,
    /// The last closed some inode.
    closed: Condvar,
}

struct State<B> {
    open: HashMap<Inode, Open<B>>,
    idle: IdleBacking<B>,
    /// Of which file the page cache may have bytes; nothing of those that were forgotten is relied on.
    cached: LruCache<Inode, Edition>,
}

/// Inodes whose bytes are kept from one open to the next; of one beyond them the kernel drops its bytes when it is
/// opened again.
const MAX_CACHED_INODES: usize = 1 << 16;

impl<B> Default for OpenModes<B> {
    fn default() -> Self {
        let state = State {
            open: HashMap::new(),
            idle: IdleBacking::default(),
            cached: LruCache::new(MAX_CACHED_INODES),
        };
        Self {
            open: Mutex::new(state),
            closed: Condvar::new(),
        }
    }
}

impl<B> OpenModes<B> {
    /// Counts one more open of an inode. `register` is asked by the first only, if no backing file is kept from before;
    /// without a backing it is requests.
    /// Blocks for at most `timeout` while another file is read under the inode.
    ///
    /// # Errors
    /// When the kernel still reads another file by itself for those who have the inode open.
    pub fn open(
        &self,
        reader: Reader,
        timeout: Duration,
        register: impl FnOnce() -> Option<B>,
    ) -> Result<OpenMode<B>, FileReplaced> {
        let is_other = |state: &mut State<B>| {
            let known = state.open.get(&reader.inode);
            known.is_some_and(|k| k.file != reader.file && k.backing.is_some())
        };
        let mut state = self.lock();
        self.closed.wait_while_for(&mut state, is_other, timeout);
        match is_other(&mut state) {
            true => Err(FileReplaced),
            false => Ok(state.open(reader, register)),
        }
    }

    /// Counts one open less; after the last the backing file is kept for a moment. True when somebody has to call
    /// [`Self::drop_idle`] from now on.
    pub fn close(&self, inode: Inode) -> bool {
        let mut state = self.lock();
        let Some(known) = state.open.get_mut(&inode) else {
            return false;
        };
        known.count -= 1;
        if known.count > 0 {
            return false;
        }
        let closed = state.open.remove(&inode);
        self.closed.notify_all();
        let backing = closed.and_then(|closed| Some((closed.file, closed.backing?)));
        backing.is_some_and(|(file, backing)| state.idle.keep(inode, file, backing, Instant::now()))
    }

    /// Drops the backing files that were kept long enough; false when there are none to come back for.
    pub fn drop_idle(&self) -> bool {
        let expired = self.lock().idle.take_expired(Instant::now());
        // Dropped here, when nobody waits for the lock any more.
        expired.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.open.lock()
    }
}

impl<B> State<B> {
    fn open(&mut self, reader: Reader, register: impl FnOnce() -> Option<B>) -> OpenMode<B> {
        let idle = &mut self.idle;
        let backing = || {
            let kept = idle.take(reader.inode, reader.file);
            kept.or_else(|| register().map(Arc::new))
        };
        let known = self.open.entry(reader.inode).or_insert_with(|| Open {
            backing: reader.may_pass.then(backing).flatten(),
            file: reader.file,
            cached: None,
            count: 0,
        });
        known.count += 1;
        if let Some(backing) = &known.backing {
            return OpenMode::Passthrough(Arc::clone(backing));
        }
        let content = (reader.file, reader.edition);
        if !reader.is_known || known.cached.is_some_and(|cached| cached != content) {
            return OpenMode::ReadRequests(PageCache::Bypass);
        }
        known.cached = Some(content);
        let before = self.cached.insert(reader.inode, content);
        OpenMode::ReadRequests(match before == Some(content) {
            true => PageCache::Keep,
            false => PageCache::Drop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(600);

    fn reader(inode: u64, file: u64) -> Reader {
        Reader {
            inode: Inode(inode),
            file: (1, file),
            edition: 0,
            is_known: true,
            may_pass: true,
        }
    }

    #[test]
    fn a_mode_is_kept_until_the_last_closes() {
        let open_modes = OpenModes::default();
        let open = |backing| open_modes.open(reader(7, 1), NOW, || backing).unwrap();
        assert_eq!(open(None::<u8>), OpenMode::ReadRequests(PageCache::Drop));
        assert_eq!(open(Some(1)), OpenMode::ReadRequests(PageCache::Keep));
        open_modes.close(Inode(7));
        assert_eq!(open(Some(1)), OpenMode::ReadRequests(PageCache::Keep));
        open_modes.close(Inode(7));
        open_modes.close(Inode(7));
        let first = open(Some(1));
        assert_eq!(first, OpenMode::Passthrough(Arc::new(1)));
        assert_eq!(open(Some(2)), first);
        let other = open_modes.open(reader(8, 1), NOW, || None).unwrap();
        assert_eq!(other, OpenMode::ReadRequests(PageCache::Drop));
    }

    #[test]
    fn bytes_of_a_file_are_kept_for_its_own_readers_only() {
        let open_modes = OpenModes::<u8>::default();
        let open = |reader, expected| {
            let mode = open_modes.open(reader, NOW, || None).unwrap();
            assert_eq!(mode, OpenMode::ReadRequests(expected));
        };
        open(reader(7, 1), PageCache::Drop);
        open(reader(7, 1), PageCache::Keep);
        // Another file takes the place, while the first is read on.
        open(reader(7, 2), PageCache::Bypass);
        open_modes.close(Inode(7));
        open_modes.close(Inode(7));
        open(reader(7, 2), PageCache::Bypass);
        open_modes.close(Inode(7));
        open_modes.close(Inode(7));
        open(reader(7, 2), PageCache::Drop);
        open(reader(7, 2), PageCache::Keep);
        open_modes.close(Inode(7));
        open_modes.close(Inode(7));
        // Other bytes in the same file.
        let edited = Reader {
            edition: 1,
            ..reader(7, 2)
        };
        open(edited, PageCache::Drop);
        open(edited, PageCache::Keep);
        open_modes.close(Inode(7));
        open_modes.close(Inode(7));
        // The catalog doesn't know the third yet, and what is kept is of the second.
        let unknown = Reader {
            is_known: false,
            ..reader(7, 3)
        };
        open(unknown, PageCache::Bypass);
        open(reader(7, 3), PageCache::Drop);
        open(unknown, PageCache::Bypass);
    }

    #[test]
    fn another_file_is_read_when_nobody_reads_the_first_any_more() {
        let open_modes = OpenModes::default();
        let open = |file, backing| open_modes.open(reader(7, file), NOW, || Some(backing));
        let first = open(1, 1).unwrap();
        assert_eq!(open(2, 2), Err(FileReplaced));
        assert_eq!(open(1, 2), Ok(first));
        open_modes.close(Inode(7));
        assert_eq!(open(2, 2), Err(FileReplaced));
        open_modes.close(Inode(7));
        assert_eq!(open(2, 2), Ok(OpenMode::Passthrough(Arc::new(2))));
    }

    #[test]
    fn who_waits_for_another_file_gets_it_when_the_first_is_closed() {
        let open_modes = OpenModes::default();
        open_modes.open(reader(7, 1), NOW, || Some(1)).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| open_modes.open(reader(7, 2), LONG, || Some(2)));
            open_modes.close(Inode(7));
            let second = second.join().unwrap();
            assert_eq!(second, Ok(OpenMode::Passthrough(Arc::new(2))));
        });
    }

    #[test]
    fn who_opens_a_file_again_gets_the_backing_that_is_kept_unless_reads_must_be_seen() {
        let open_modes = OpenModes::default();
        let open = |reader, backing| open_modes.open(reader, NOW, || backing).unwrap();
        let passes = |backing| OpenMode::Passthrough(Arc::new(backing));
        assert_eq!(open(reader(7, 1), Some(1)), passes(1));
        assert!(open_modes.close(Inode(7)), "it has to be dropped some time");
        assert_eq!(open(reader(7, 1), Some(2)), passes(1));
        open_modes.close(Inode(7));
        let seen = Reader {
            may_pass: false,
            ..reader(7, 1)
        };
        let requests = OpenMode::ReadRequests(PageCache::Drop);
        assert_eq!(open(seen, Some(3)), requests);
        open_modes.close(Inode(7));
        assert_eq!(open(reader(7, 2), Some(4)), passes(4));
    }
}
