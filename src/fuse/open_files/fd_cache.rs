//! Photos that are open in the mount, of which only some are open in this process.
//!
//! Every open file takes a descriptor, and a system gives a process so and so many. Those that were read last keep
//! theirs; another one is opened again when it is read, if it is still the file that it was: its reader gets an error
//! rather than the bytes of another. Knows nothing of the tree.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hashlink::LruCache;
use parking_lot::{Mutex, MutexGuard};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::vfs::Inode;

/// So many are kept however few the process may have: readers that take turns would open a file for every read else.
const MIN_CAPACITY: u64 = 16;

type Open = dyn Fn(Inode) -> io::Result<File> + Send + Sync;

/// The files that are open.
pub struct FdCache {
    capacity: usize,
    /// Never held while a file is opened or closed, which may wait for the disk.
    files: Mutex<LruCache<u64, Arc<File>>>,
    last_id: AtomicU64,
    open: Box<Open>,
}

/// A lease of a file, until it is dropped.
pub struct FdLease {
    fd_cache: Arc<FdCache>,
    id: u64,
    pub inode: Inode,
    identity: FileIdentity,
}

/// What tells a file from one that took its place. The number of a deleted one is given to others, so it isn't enough;
/// a file system that doesn't know when a file was created leaves it at that.
struct FileIdentity {
    dev: u64,
    ino: u64,
    created: Option<SystemTime>,
}

impl FdCache {
    /// Keeps at most so many files open, and opens with `open` what has to be opened again.
    pub fn new(
        capacity: usize,
        open: impl Fn(Inode) -> io::Result<File> + Send + Sync + 'static,
    ) -> Self {
        Self {
            capacity,
            files: Mutex::new(LruCache::new_unbounded()),
            last_id: AtomicU64::default(),
            open: Box::new(open),
        }
    }

    /// A lease of the file that `inode` is now, which is open from now on, while there are not too many.
    ///
    /// # Errors
    /// When the file can't be looked at.
    pub fn lease(self: &Arc<Self>, inode: Inode, file: File) -> io::Result<FdLease> {
        let lease = self.lease_of(inode, FileIdentity::of(&file)?);
        self.insert(lease.id, Arc::new(file));
        Ok(lease)
    }

    /// A lease of a file that the kernel holds open by itself, known by its device and inode: that inode isn't given to
    /// another file meanwhile.
    pub fn lease_held(self: &Arc<Self>, inode: Inode, (dev, ino): (u64, u64)) -> FdLease {
        let created = None;
        self.lease_of(inode, FileIdentity { dev, ino, created })
    }

    fn lease_of(self: &Arc<Self>, inode: Inode, identity: FileIdentity) -> FdLease {
        FdLease {
            fd_cache: Arc::clone(self),
            id: self.last_id.fetch_add(1, Ordering::Relaxed) + 1,
            inode,
            identity,
        }
    }

    /// Keeps a file open, and closes another one for it where they are too many.
    fn insert(&self, id: u64, file: Arc<File>) {
        let too_many = {
            let mut files = self.files();
            files.insert(id, file);
            (files.len() > self.capacity).then(|| files.remove_lru())
        };
        // Nobody waits for what closing may take.
        drop(too_many);
    }

    fn files(&self) -> MutexGuard<'_, LruCache<u64, Arc<File>>> {
        self.files.lock()
    }
}

impl FdLease {
    /// The file, if it is open.
    pub fn cached(&self) -> Option<Arc<File>> {
        self.fd_cache.files().get(&self.id).cloned()
    }

    /// The file, opened again if it has to be.
    ///
    /// # Errors
    /// When it can't be opened; ESTALE when another file is there now.
    pub fn file(&self) -> io::Result<Arc<File>> {
        if let Some(file) = self.cached() {
            return Ok(file);
        }
        let file = (self.fd_cache.open)(self.inode)?;
        if !self.identity.is_of(&FileIdentity::of(&file)?) {
            return Err(Errno::STALE.into());
        }
        let file = Arc::new(file);
        self.fd_cache.insert(self.id, Arc::clone(&file));
        Ok(file)
    }
}

impl Drop for FdLease {
    fn drop(&mut self) {
        let file = self.fd_cache.files().remove(&self.id);
        drop(file);
    }
}

impl FileIdentity {
    fn is_of(&self, now: &Self) -> bool {
        let is_as_old = self.created.is_none() || self.created == now.created;
        (self.dev, self.ino) == (now.dev, now.ino) && is_as_old
    }

    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            created: metadata.created().ok(),
        })
    }
}

/// Lets this process open as many files as the system allows it, and says how many of them originals may be.
pub fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(e) => {
            tracing::debug!("the limit of open files stays: {e}");
            current
        }
    };
    share(limit)
}

/// The rest is for the index, connections, the kernel's requests, and what is being opened and read meanwhile.
fn share(limit: Option<u64>) -> usize {
    let share = limit.map_or(u64::from(u32::MAX), |limit| (limit / 4).max(MIN_CAPACITY));
    usize::try_from(share).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        fd_cache: Arc<FdCache>,
    }

    impl Fixture {
        fn new(capacity: usize) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().to_path_buf();
            let fd_cache = FdCache::new(capacity, move |inode| {
                File::open(root.join(inode.0.to_string()))
            });
            let fd_cache = Arc::new(fd_cache);
            Self { folder, fd_cache }
        }

        fn write(&self, number: u64) {
            let path = self.folder.path().join(number.to_string());
            std::fs::write(path, number.to_string()).unwrap();
        }

        fn open(&self, number: u64) -> FdLease {
            self.write(number);
            let file = (self.fd_cache.open)(Inode(number)).unwrap();
            self.fd_cache.lease(Inode(number), file).unwrap()
        }

        fn is_open(&self) -> usize {
            self.fd_cache.files().len()
        }
    }

    #[test]
    fn only_so_many_are_open_and_the_others_are_opened_again() {
        let fixture = Fixture::new(2);
        let leases: Vec<_> = (0..9).map(|number| fixture.open(number)).collect();
        assert_eq!(fixture.is_open(), 2);
        assert!(leases[0].cached().is_none() && leases[8].cached().is_some());
        for (number, lease) in leases.iter().enumerate() {
            let text = std::io::read_to_string(&*lease.file().unwrap()).unwrap();
            assert_eq!(text, number.to_string());
            assert!(lease.cached().is_some());
            assert_eq!(fixture.is_open(), 2);
        }
        drop(leases);
        assert_eq!(fixture.is_open(), 0);
    }

    #[test]
    fn another_file_in_its_place_is_not_read() {
        let fixture = Fixture::new(1);
        let (first, _other) = (fixture.open(1), fixture.open(2));
        std::fs::remove_file(fixture.folder.path().join("1")).unwrap();
        assert!(first.file().is_err());
        fixture.write(1);
        let error = first.file().unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE));
    }

    #[test]
    fn a_file_that_the_kernel_holds_is_known_by_its_inode() {
        let fixture = Fixture::new(1);
        fixture.write(1);
        let file = (fixture.fd_cache.open)(Inode(1)).unwrap();
        let metadata = file.metadata().unwrap();
        let lease = |ino| fixture.fd_cache.lease_held(Inode(1), (metadata.dev(), ino));
        assert!(lease(metadata.ino()).file().is_ok());
        let error = lease(metadata.ino() + 1).file().unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE));
    }

    #[test]
    fn a_share_is_left_for_others() {
        assert_eq!(share(Some(1024)), 256);
        assert_eq!(share(Some(8)), 16);
        assert!(share(None) > 1_000_000);
    }
}
