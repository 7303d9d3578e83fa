//! Folders and files that programs hold open, by the number that the kernel got for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use fuser::FileHandle;
use parking_lot::{Mutex, MutexGuard};

use crate::vfs::{Inode, OpenDir};

/// A folder held open.
pub struct Folder {
    pub inode: Inode,
    pub listing: OpenDir,
    /// Set when the folder changed since: what the kernel keeps of this listing is wrong then.
    pub outdated: AtomicBool,
    pub pending_dentries: PendingDentries,
}

/// How far the kernel is with names that came along with a listing. It takes them in when it has the answer, and into the
/// epoch that it is by then: only the next request through the same handle tells that it is done.
#[derive(Default)]
pub struct PendingDentries(AtomicU8);

// Relaxed is enough for all of it: notifications wait until answers are out, by a lock of their own.
const NONE: u8 = 0;
const IN_FLIGHT: u8 = 1;
/// An epoch may have begun before the kernel took them in.
const STALE: u8 = 2;

impl PendingDentries {
    /// An answer is about to go out.
    pub fn begin(&self) {
        self.0.store(IN_FLIGHT, Ordering::Relaxed);
    }

    /// An epoch is about to begin.
    pub fn mark_stale(&self) {
        // Nothing is under way, or it is known already.
        let _ = self
            .0
            .compare_exchange(IN_FLIGHT, STALE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The kernel has taken in the last answer: whether that needs another epoch.
    pub fn end(&self) -> bool {
        self.0.swap(NONE, Ordering::Relaxed) == STALE
    }
}

/// What is open, of one kind.
pub struct Handles<T> {
    open: Mutex<HashMap<u64, Arc<T>>>,
    last: AtomicU64,
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            last: AtomicU64::default(),
        }
    }
}

impl<T> Handles<T> {
    /// Holds something open under a number that was never used before.
    pub fn insert(&self, value: T) -> FileHandle {
        let handle = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().insert(handle, Arc::new(value));
        FileHandle(handle)
    }

    /// What is open; `None` where the kernel names a number that it has closed.
    pub fn get(&self, handle: FileHandle) -> Option<Arc<T>> {
        self.lock().get(&handle.0).cloned()
    }

    /// The kernel has closed it.
    pub fn remove(&self, handle: FileHandle) -> Option<Arc<T>> {
        self.lock().remove(&handle.0)
    }

    /// Looks at all that is open, under the lock of the table: `each` must be quick.
    pub fn for_each(&self, mut each: impl FnMut(&T)) {
        self.lock().values().for_each(|value| each(value));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<T>>> {
        self.open.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_an_epoch_overtook_need_another() {
        let dentries = PendingDentries::default();
        dentries.mark_stale();
        assert!(!dentries.end(), "nothing was under way");
        dentries.begin();
        assert!(!dentries.end(), "no epoch began");
        dentries.begin();
        dentries.mark_stale();
        assert!(dentries.end());
        assert!(!dentries.end(), "once");
    }

    #[test]
    fn numbers_are_not_used_again() {
        let handles = Handles::default();
        let first = handles.insert("a");
        assert_eq!(handles.remove(first).as_deref(), Some(&"a"));
        assert_eq!(handles.get(first), None);
        assert_ne!(handles.insert("b"), first);
        assert!(handles.remove(first).is_none());
    }
}
