//! Telling the kernel what it must forget after a change, from a thread of its own.
//!
//! Never from the session's threads: the kernel may answer a notification with a FORGET that only they can take
//! (<https://libfuse.github.io/doxygen/fuse__lowlevel_8h.html>, at the notifications). What went stale is worked out
//! where the change was committed, because it depends on the index as it was then.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fuser::{INodeNo, Notifier};
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

use super::dentry_cache::DentryCache;
use super::handles::{Folder, Handles};
use super::invalidation_throttle::{self as throttle, Throttle};
use crate::faults;
use crate::library::Library;
use crate::vfs::{Inode, Stale, Tree};

/// Stale things of one commit.
pub struct Batch {
    stale: Vec<Stale>,
    intervals: Intervals,
    waiting: Option<Waiting>,
}

/// Somebody who waits until the kernel was told of all that was pushed before. Dropping it ends the wait, so that nobody
/// waits for a mount that is over.
struct Waiting {
    _until_dropped: SyncSender<()>,
}

/// How long an answer waits for the kernel at most: it takes what it is told within microseconds, but for a folder's cached
/// listing that somebody is reading just then.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long the kernel may be wrong where it was told to forget just before.
#[derive(Clone, Copy)]
struct Intervals {
    names: Duration,
    listings: Duration,
}

/// For what people and their files do: who looks after it sees it.
const AT_ONCE: Intervals = Intervals {
    names: Duration::ZERO,
    listings: throttle::SHORT_INTERVAL,
};
/// For what was told just before, and a moment too late.
const SHORTLY: Intervals = Intervals {
    names: throttle::SHORT_INTERVAL,
    listings: throttle::SHORT_INTERVAL,
};
/// For results of analyses.
const SOON: Intervals = Intervals {
    names: throttle::LONG_INTERVAL,
    listings: throttle::LONG_INTERVAL,
};

thread_local! {
    /// A name that this thread is changing for the kernel, which then knows by itself; and whether it was left out.
    static OWN_DENTRY: RefCell<Option<(Stale, bool)>> = const { RefCell::new(None) };
}

/// However an edit ends, its name is no longer one that this thread changes.
struct OwnDentryEnds;

impl Drop for OwnDentryEnds {
    fn drop(&mut self) {
        OWN_DENTRY.set(None);
    }
}

/// The queue of stale things. The thread ends when the last owner lets go.
pub struct InvalidationQueue {
    sender: Sender<Batch>,
    /// Held for reading while an answer that the kernel will remember is on its way. Nothing that waits for the disk or
    /// a commit may happen meanwhile: the notifying thread wants it for writing, and new readers wait behind that.
    replying: RwLock<()>,
    stale_listings: StaleListings,
    pub dentries: DentryCache,
}

/// Folders whose cached listing is wrong and not dropped yet.
type StaleListings = Arc<Mutex<HashSet<Inode>>>;

impl InvalidationQueue {
    /// A queue, and its end for [`start`].
    pub fn new() -> (Arc<Self>, Receiver<Batch>) {
        let (sender, receiver) = channel();
        let invalidations = Self {
            sender,
            replying: RwLock::default(),
            stale_listings: StaleListings::default(),
            dentries: DentryCache::new(),
        };
        (Arc::new(invalidations), receiver)
    }

    /// Holds notifications back until an answer is out, so that none overtakes an answer that it is about.
    pub fn hold_notifications(&self) -> RwLockReadGuard<'_, ()> {
        self.replying.read()
    }

    /// The kernel is told now.
    pub fn push(&self, stale: Vec<Stale>) {
        self.send(stale, AT_ONCE);
    }

    /// The kernel is told now, or soon where it was told just before.
    pub fn push_results(&self, stale: Vec<Stale>) {
        self.send(stale, SOON);
    }

    fn send(&self, mut stale: Vec<Stale>, intervals: Intervals) {
        skip_own_dentry(&mut stale);
        let mut stale_listings = lock(&self.stale_listings);
        stale_listings.extend(stale.iter().filter_map(|stale| match stale {
            Stale::Listing(inode) => Some(inode),
            _ => None,
        }));
        drop(stale_listings);
        // Fails only while the mount ends, when the kernel forgets everything anyway.
        let _ = self.sender.send(Batch {
            stale,
            intervals,
            waiting: None,
        });
    }

    /// Returns when the kernel was told of all that was pushed before, also of what could wait; or after a while. Not for
    /// the session's threads, nor for who answers a request of the kernel's.
    pub fn wait_until_told(&self) {
        let (_until_dropped, dropped) = sync_channel(0);
        let waits = Batch {
            stale: Vec::new(),
            intervals: AT_ONCE,
            waiting: Some(Waiting { _until_dropped }),
        };
        if self.sender.send(waits).is_ok()
            && dropped.recv_timeout(LONGEST_WAIT) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!("the kernel takes long to be told of a change");
        }
    }

    /// Some of a folder's names reached the kernel later than it was told to forget them.
    pub fn forget_names(&self, folder: Inode) {
        // One name stands for all.
        let (parent, name) = (folder, b".".to_vec());
        self.dentries.record(parent, &name);
        self.send(vec![Stale::Entry { parent, name }], SHORTLY);
    }

    /// Carries out what the kernel asks for of one name. It changes that by itself when it gets the answer, and isn't told
    /// by the commit; unless it gets another answer than the commit.
    pub fn edit_for_kernel<T, E>(
        &self,
        parent: Inode,
        name: &[u8],
        edit: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let name = name.to_vec();
        OWN_DENTRY.set(Some((Stale::Entry { parent, name }, false)));
        let _ends = OwnDentryEnds;
        let done = edit();
        if let Some((own, true)) = OWN_DENTRY.take()
            && done.is_err()
        {
            self.push(vec![own]);
        }
        done
    }

    /// Whether what the kernel keeps of a folder's listing is right, as far as is known.
    pub fn is_listing_right(&self, folder: Inode) -> bool {
        !lock(&self.stale_listings).contains(&folder)
    }

    /// Waits until answers worked out before now are out.
    fn wait_for_replies(&self) {
        drop(self.replying.write());
    }
}

fn skip_own_dentry(stale: &mut Vec<Stale>) {
    OWN_DENTRY.with_borrow_mut(|own| {
        if let Some((own, left_out)) = own {
            let before = stale.len();
            stale.retain(|stale| stale != own);
            *left_out |= stale.len() < before;
        }
    });
}

fn lock(stale_listings: &StaleListings) -> MutexGuard<'_, HashSet<Inode>> {
    stale_listings.lock()
}

/// Subscribes to a library for as long as there is somebody to tell.
pub fn subscribe(library: &Library, tree: &Arc<Tree>, invalidations: &Arc<InvalidationQueue>) {
    // Weak: the library outlives the mount, and the tree owns the library.
    let works_out = Arc::downgrade(&tree.invalidation);
    let invalidations = Arc::downgrade(invalidations);
    let passes_on = invalidations.clone();
    library.add_barrier(move || {
        if let Some(invalidations) = passes_on.upgrade() {
            invalidations.wait_until_told();
        }
    });
    library.listen(move |delta| {
        if let (Some(invalidation), Some(invalidations)) =
            (works_out.upgrade(), invalidations.upgrade())
        {
            let stale = invalidation.stale(delta);
            match delta.may_wait {
                true => invalidations.push_results(stale),
                false => invalidations.push(stale),
            }
        }
    });
}

/// Starts the thread that tells the kernel.
pub fn start(
    notifier: Notifier,
    invalidations: &Arc<InvalidationQueue>,
    stale: Receiver<Batch>,
    folders: Arc<Handles<Folder>>,
) -> io::Result<JoinHandle<()>> {
    let mut invalidator = Invalidator {
        notifier,
        folders,
        listings: Throttle::default(),
        epochs: Throttle::default(),
        changed: HashSet::new(),
    };
    let invalidations = Arc::downgrade(invalidations);
    let thread = std::thread::Builder::new().name("kbasefs-notify".into());
    thread.spawn(move || {
        while let Some(batches) = invalidator.next(&stale) {
            // Without it the mount ends, and the kernel forgets everything.
            if let Some(invalidations) = invalidations.upgrade() {
                invalidations.wait_for_replies();
                invalidator.tell(batches, &invalidations);
            }
        }
    })
}

struct Invalidator {
    notifier: Notifier,
    folders: Arc<Handles<Folder>>,
    listings: Throttle,
    /// Of the root, which stands for all names.
    epochs: Throttle,
    /// Folders with names that the next epoch is for.
    changed: HashSet<Inode>,
}

impl Invalidator {
    /// Everything that was pushed meanwhile; nothing when something is due. `None` ends the thread.
    fn next(&self, stale: &Receiver<Batch>) -> Option<Vec<Batch>> {
        let now = Instant::now();
        let waits = [self.listings.next_due_in(now), self.epochs.next_due_in(now)];
        let first = match waits.into_iter().flatten().min() {
            None => Some(stale.recv().ok()?),
            Some(wait) => match stale.recv_timeout(wait) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        };
        Some(first.into_iter().chain(stale.try_iter()).collect())
    }

    fn tell(&mut self, batches: Vec<Batch>, invalidations: &InvalidationQueue) {
        faults::may_panic("notify");
        let mut attributes = HashSet::new();
        let mut waiting = Vec::new();
        for Batch {
            stale,
            intervals,
            waiting: waits,
        } in batches
        {
            waiting.extend(waits);
            for stale in stale {
                match stale {
                    Stale::Listing(folder) => self.listings.schedule(folder, intervals.listings),
                    Stale::Attributes(inode) => drop(attributes.insert(inode)),
                    Stale::Entry { parent, name }
                        if invalidations.dentries.may_contain(parent, &name) =>
                    {
                        self.changed.insert(parent);
                        self.epochs.schedule(Inode::ROOT, intervals.names);
                    }
                    Stale::Entry { .. } => {}
                    Stale::AllNames => {
                        self.folders.for_each(|folder| {
                            self.changed.insert(folder.inode);
                        });
                        self.epochs.schedule(Inode::ROOT, intervals.names);
                    }
                }
            }
        }
        if !waiting.is_empty() && !self.changed.is_empty() {
            self.epochs.schedule(Inode::ROOT, Duration::ZERO);
        }
        if !self.epochs.take_due(Instant::now()).is_empty() {
            self.forget_names(&invalidations.dentries);
        }
        attributes
            .into_iter()
            .for_each(|inode| self.forget_attributes(inode));
        self.forget_listings(&invalidations.stale_listings);
        drop(waiting);
    }

    fn forget_names(&mut self, dentries: &DentryCache) {
        let changed = std::mem::take(&mut self.changed);
        self.folders.for_each(|folder| {
            if changed.contains(&folder.inode) {
                folder.pending_dentries.mark_stale();
            }
        });
        report(dentries.invalidate_all());
    }

    /// A negative offset leaves the cached content; a new size or time makes the kernel drop that by itself.
    fn forget_attributes(&self, inode: Inode) {
        report(self.notifier.inval_inode(INodeNo(inode.0), -1, 0));
    }

    fn forget_listings(&mut self, stale_listings: &StaleListings) {
        let now = self.listings.take_due(Instant::now());
        self.folders.for_each(|folder| {
            if now.contains(&folder.inode) {
                folder.outdated.store(true, Ordering::Relaxed);
            }
        });
        for inode in now {
            lock(stale_listings).remove(&inode);
            report(self.notifier.inval_inode(INodeNo(inode.0), 0, 0));
        }
    }
}

fn report(result: io::Result<()>) {
    if let Err(e) = result {
        tracing::debug!("notification of the kernel: {e}");
    }
}
