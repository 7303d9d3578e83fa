//! Originals that are open in the mount, of which only some are open in this process.
//!
//! Every open file takes a descriptor, and a system gives a process so and so many. Those that were read last keep
//! theirs; another one is opened again when it is read, if it is still the file that it was: its reader gets an error
//! rather than the bytes of another. Knows nothing of the tree.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use hashlink::LruCache;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::vfs::Inode;

/// So many are held however few the process may have.
const FEWEST: u64 = 16;

type Open = dyn Fn(Inode) -> io::Result<File> + Send + Sync;

/// The files that are at hand.
pub struct Held {
    most: usize,
    files: Mutex<LruCache<u64, Arc<File>>>,
    last: AtomicU64,
    open: Box<Open>,
}

/// Somebody's claim to a file, until it is dropped.
pub struct Hold {
    held: Arc<Held>,
    number: u64,
    pub inode: Inode,
    identity: Identity,
}

/// What tells a file from one that took its place. The number of a deleted one is given to others, so it isn't enough;
/// a file system that doesn't know when a file was made leaves it at that.
#[derive(PartialEq, Eq)]
struct Identity {
    dev: u64,
    ino: u64,
    made: Option<SystemTime>,
}

impl Held {
    /// Holds at most so many files, and opens with `open` what has to be opened again.
    pub fn new(
        most: usize,
        open: impl Fn(Inode) -> io::Result<File> + Send + Sync + 'static,
    ) -> Self {
        Self {
            most,
            files: Mutex::new(LruCache::new_unbounded()),
            last: AtomicU64::default(),
            open: Box::new(open),
        }
    }

    /// A claim to the file that `inode` is now.
    ///
    /// # Errors
    /// When the file can't be looked at.
    pub fn claim(self: &Arc<Self>, inode: Inode, file: &File) -> io::Result<Hold> {
        Ok(Hold {
            held: Arc::clone(self),
            number: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            inode,
            identity: Identity::of(file)?,
        })
    }

    /// Keeps a file at hand, and closes another one for it where they are too many.
    fn keep(&self, number: u64, file: Arc<File>) {
        let too_many = {
            let mut files = self.files();
            files.insert(number, file);
            (files.len() > self.most).then(|| files.remove_lru())
        };
        // Nobody waits for what closing may take.
        drop(too_many);
    }

    fn files(&self) -> MutexGuard<'_, LruCache<u64, Arc<File>>> {
        self.files.lock().expect("nothing panics holding it")
    }
}

impl Hold {
    /// Has the file at hand from now on, while there are not too many.
    pub fn keep(&self, file: File) {
        self.held.keep(self.number, Arc::new(file));
    }

    /// The file, if it is open.
    pub fn at_hand(&self) -> Option<Arc<File>> {
        self.held.files().get(&self.number).cloned()
    }

    /// The file, opened again if it has to be.
    ///
    /// # Errors
    /// When it can't be opened; ESTALE when another file is there now.
    pub fn file(&self) -> io::Result<Arc<File>> {
        if let Some(file) = self.at_hand() {
            return Ok(file);
        }
        let file = (self.held.open)(self.inode)?;
        if Identity::of(&file)? != self.identity {
            return Err(Errno::STALE.into());
        }
        let file = Arc::new(file);
        self.held.keep(self.number, Arc::clone(&file));
        Ok(file)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let file = self.held.files().remove(&self.number);
        drop(file);
    }
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            made: metadata.created().ok(),
        })
    }
}

/// Lets this process open as many files as the system allows it, and says how many of them originals may be.
pub fn most() -> usize {
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
    let share = limit.map_or(u64::from(u32::MAX), |limit| (limit / 4).max(FEWEST));
    usize::try_from(share).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        folder: tempfile::TempDir,
        held: Arc<Held>,
    }

    impl World {
        fn new(most: usize) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().to_path_buf();
            let held = Held::new(most, move |inode| {
                File::open(root.join(inode.0.to_string()))
            });
            let held = Arc::new(held);
            Self { folder, held }
        }

        fn write(&self, number: u64) {
            let path = self.folder.path().join(number.to_string());
            std::fs::write(path, number.to_string()).unwrap();
        }

        fn open(&self, number: u64) -> Hold {
            self.write(number);
            let file = (self.held.open)(Inode(number)).unwrap();
            let hold = self.held.claim(Inode(number), &file).unwrap();
            hold.keep(file);
            hold
        }

        fn is_open(&self) -> usize {
            self.held.files().len()
        }
    }

    #[test]
    fn only_so_many_are_open_and_the_others_are_opened_again() {
        let world = World::new(2);
        let holds: Vec<_> = (0..9).map(|number| world.open(number)).collect();
        assert_eq!(world.is_open(), 2);
        assert!(holds[0].at_hand().is_none() && holds[8].at_hand().is_some());
        for (number, hold) in holds.iter().enumerate() {
            let text = std::io::read_to_string(&*hold.file().unwrap()).unwrap();
            assert_eq!(text, number.to_string());
            assert!(hold.at_hand().is_some());
            assert_eq!(world.is_open(), 2);
        }
        drop(holds);
        assert_eq!(world.is_open(), 0);
    }

    #[test]
    fn another_file_in_its_place_is_not_read() {
        let world = World::new(1);
        let (first, _other) = (world.open(1), world.open(2));
        std::fs::remove_file(world.folder.path().join("1")).unwrap();
        assert!(first.file().is_err());
        world.write(1);
        let error = first.file().unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE));
    }

    #[test]
    fn a_share_is_left_for_others() {
        assert_eq!(share(Some(1024)), 256);
        assert_eq!(share(Some(8)), 16);
        assert!(share(None) > 1_000_000);
    }
}
