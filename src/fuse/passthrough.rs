//! How the content of an open photo reaches its reader: by the kernel straight from the original, or through READs.
//!
//! The kernel wants one way for all who have an inode open at a time (another one is EIO), so the way is decided when
//! the first opens it and kept until the last closes it. It wants one file, too: where another took its place meanwhile,
//! who comes later can't have that one yet. Knows nothing of the tree.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::vfs::Inode;

/// How an open inode is read. `B` is what the kernel calls a backing file.
#[derive(Debug, PartialEq, Eq)]
pub enum Way<B> {
    /// By the kernel, from a file registered with it.
    Passthrough(Arc<B>),
    /// By READ requests, through the page cache.
    Requests,
}

impl<B> Clone for Way<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Passthrough(backing) => Self::Passthrough(backing.clone()),
            Self::Requests => Self::Requests,
        }
    }
}

struct Open<B> {
    way: Way<B>,
    file: File,
    count: u64,
}

/// Device and inode on the disk.
pub type File = (u64, u64);

/// Another file is being read under this inode.
#[derive(Debug, PartialEq, Eq)]
pub struct Replaced;

/// The inodes that are open, and how each is read.
pub struct Ways<B> {
    open: Mutex<HashMap<Inode, Open<B>>>,
    /// The last closed some inode.
    closed: Condvar,
}

impl<B> Default for Ways<B> {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            closed: Condvar::new(),
        }
    }
}

impl<B> Ways<B> {
    /// Counts one more open of an inode. `register` is asked by the first only; without a backing it is requests.
    /// Blocks for as long as `patience` says while another file is read under the inode.
    ///
    /// # Errors
    /// When the kernel still reads another file by itself for those who have the inode open.
    pub fn enter(
        &self,
        inode: Inode,
        file: File,
        patience: Duration,
        register: impl FnOnce() -> Option<B>,
    ) -> Result<Way<B>, Replaced> {
        let is_other = |open: &mut HashMap<Inode, Open<B>>| {
            let known = open.get(&inode);
            known.is_some_and(|k| k.file != file && matches!(k.way, Way::Passthrough(_)))
        };
        let waited = self
            .closed
            .wait_timeout_while(self.lock(), patience, is_other);
        let (mut open, waited) = waited.expect(UNBROKEN);
        if waited.timed_out() {
            return Err(Replaced);
        }
        let known = open.entry(inode).or_insert_with(|| Open {
            way: register().map_or(Way::Requests, |b| Way::Passthrough(Arc::new(b))),
            file,
            count: 0,
        });
        known.count += 1;
        Ok(known.way.clone())
    }

    /// Counts one open less; the last closes the backing file.
    pub fn leave(&self, inode: Inode) {
        let mut open = self.lock();
        let Some(known) = open.get_mut(&inode) else {
            return;
        };
        known.count -= 1;
        if known.count == 0 {
            open.remove(&inode);
            self.closed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Inode, Open<B>>> {
        self.open.lock().expect(UNBROKEN)
    }
}

const UNBROKEN: &str = "the map is never half-changed";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_way_is_kept_until_the_last_closes() {
        let ways = Ways::default();
        let (inode, file) = (Inode(7), (1, 1));
        assert_eq!(
            ways.enter(inode, file, NOW, || None::<u8>),
            Ok(Way::Requests)
        );
        assert_eq!(ways.enter(inode, file, NOW, || Some(1)), Ok(Way::Requests));
        ways.leave(inode);
        assert_eq!(ways.enter(inode, file, NOW, || Some(1)), Ok(Way::Requests));
        ways.leave(inode);
        ways.leave(inode);
        let first = ways.enter(inode, file, NOW, || Some(1));
        assert_eq!(first, Ok(Way::Passthrough(Arc::new(1))));
        assert_eq!(ways.enter(inode, file, NOW, || Some(2)), first);
        assert_eq!(ways.enter(Inode(8), file, NOW, || None), Ok(Way::Requests));
    }

    #[test]
    fn another_file_is_read_when_nobody_reads_the_first_any_more() {
        let ways = Ways::default();
        let inode = Inode(7);
        let first = ways.enter(inode, (1, 1), NOW, || Some(1)).unwrap();
        assert_eq!(ways.enter(inode, (1, 2), NOW, || Some(2)), Err(Replaced));
        assert_eq!(ways.enter(inode, (1, 1), NOW, || Some(2)), Ok(first));
        ways.leave(inode);
        assert_eq!(ways.enter(inode, (1, 2), NOW, || Some(2)), Err(Replaced));
        ways.leave(inode);
        let second = ways.enter(inode, (1, 2), NOW, || Some(2));
        assert_eq!(second, Ok(Way::Passthrough(Arc::new(2))));
    }

    #[test]
    fn who_waits_for_another_file_gets_it_when_the_first_is_closed() {
        let ways = Ways::default();
        let inode = Inode(7);
        ways.enter(inode, (1, 1), NOW, || Some(1)).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| ways.enter(inode, (1, 2), LONG, || Some(2)));
            ways.leave(inode);
            let second = second.join().unwrap();
            assert_eq!(second, Ok(Way::Passthrough(Arc::new(2))));
        });
    }
}
