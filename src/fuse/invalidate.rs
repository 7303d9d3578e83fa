//! Telling the kernel what it must forget after a change, from a thread of its own.
//!
//! Never from the session's threads: the kernel may answer a notification with a FORGET that only they can take.
//! What went stale is worked out where the change was committed, because it depends on the index as it was then.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fuser::{INodeNo, Notifier};

use super::handles::{Folder, Handles};
use super::pauses::{self, Pauses};
use crate::library::Library;
use crate::vfs::{Inode, Stale, Tree};

/// From here on one word to the kernel that all names may be wrong is cheaper.
const MANY: usize = 1000;
/// `FUSE_NOTIFY_INC_EPOCH` of Linux 6.16, as a whole message: length, code, and no request that it answers.
const NEW_EPOCH: [u8; 16] = [16, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Stale things of one commit.
pub struct Batch {
    stale: Vec<Stale>,
    /// How long listings may be wrong that were dropped just before.
    pause: Duration,
}

/// Where stale things are handed in. The thread ends when the last owner lets go.
pub struct Inbox {
    sender: Sender<Batch>,
    /// Held for reading while an answer that the kernel will remember is on its way.
    answering: RwLock<()>,
    waiting: Waiting,
}

/// Folders whose cached listing is wrong and not dropped yet.
type Waiting = Arc<Mutex<HashSet<Inode>>>;

impl Inbox {
    pub fn new() -> (Arc<Self>, Receiver<Batch>) {
        let (sender, receiver) = channel();
        let inbox = Self {
            sender,
            answering: RwLock::default(),
            waiting: Waiting::default(),
        };
        (Arc::new(inbox), receiver)
    }

    /// Holds notifications back until an answer is out, so that none overtakes an answer that it is about.
    pub fn answering(&self) -> RwLockReadGuard<'_, ()> {
        self.answering.read().expect("nothing panics holding it")
    }

    /// The kernel is told now.
    pub fn hand_in(&self, stale: Vec<Stale>) {
        self.put(Batch {
            stale,
            pause: pauses::SHORT,
        });
    }

    /// The kernel is told now, or soon where it was told just before.
    pub fn hand_in_results(&self, stale: Vec<Stale>) {
        self.put(Batch {
            stale,
            pause: pauses::LONG,
        });
    }

    fn put(&self, batch: Batch) {
        let mut waiting = lock(&self.waiting);
        waiting.extend(batch.stale.iter().filter_map(|stale| match stale {
            Stale::Listing(inode) => Some(inode),
            _ => None,
        }));
        drop(waiting);
        // Fails only while the mount ends, when the kernel forgets everything anyway.
        let _ = self.sender.send(batch);
    }

    /// Whether what the kernel keeps of a folder's listing is right, as far as is known.
    pub fn is_listing_right(&self, folder: Inode) -> bool {
        !lock(&self.waiting).contains(&folder)
    }

    /// Waits until answers worked out before now are out.
    fn let_answers_out(&self) {
        drop(self.answering.write().expect("nothing panics holding it"));
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashSet<Inode>> {
    waiting.lock().expect("nothing panics holding it")
}

/// Follows a library for as long as there is somebody to tell.
pub fn follow(library: &Library, tree: &Arc<Tree>, inbox: &Arc<Inbox>) {
    // Weak: the library outlives the mount, and the tree owns the library.
    let (tree, inbox) = (Arc::downgrade(tree), Arc::downgrade(inbox));
    library.listen(move |delta| {
        if let (Some(tree), Some(inbox)) = (tree.upgrade(), inbox.upgrade()) {
            let stale = tree.stale(delta);
            match delta.may_wait {
                true => inbox.hand_in_results(stale),
                false => inbox.hand_in(stale),
            }
        }
    });
}

/// Starts the thread that tells the kernel. `device` is the session's own.
pub fn start(
    notifier: Notifier,
    device: File,
    inbox: &Arc<Inbox>,
    stale: Receiver<Batch>,
    folders: Arc<Handles<Folder>>,
) -> io::Result<JoinHandle<()>> {
    let mut invalidator = Invalidator {
        notifier,
        device,
        folders,
        pauses: Pauses::default(),
        waiting: inbox.waiting.clone(),
    };
    let inbox = Arc::downgrade(inbox);
    let thread = std::thread::Builder::new().name("kbasefs-notify".into());
    thread.spawn(move || {
        while let Some(batches) = invalidator.next(&stale) {
            if let Some(inbox) = inbox.upgrade() {
                inbox.let_answers_out();
            }
            invalidator.tell(batches);
        }
    })
}

struct Invalidator {
    notifier: Notifier,
    device: File,
    folders: Arc<Handles<Folder>>,
    pauses: Pauses,
    waiting: Waiting,
}

impl Invalidator {
    /// Everything that was handed in meanwhile; nothing when a folder is due. `None` ends the thread.
    fn next(&self, stale: &Receiver<Batch>) -> Option<Vec<Batch>> {
        let first = match self.pauses.wait(Instant::now()) {
            None => Some(stale.recv().ok()?),
            Some(wait) => match stale.recv_timeout(wait) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        };
        Some(first.into_iter().chain(stale.try_iter()).collect())
    }

    fn tell(&mut self, batches: Vec<Batch>) {
        let mut others = HashSet::new();
        for Batch { stale, pause } in batches {
            for stale in stale {
                match stale {
                    Stale::Listing(folder) => self.pauses.want(folder, pause),
                    other => drop(others.insert(other)),
                }
            }
        }
        let all_names = others.len() > MANY && self.device.write_all(&NEW_EPOCH).is_ok();
        for stale in others {
            match stale {
                Stale::Attributes(inode) => self.forget_attributes(inode),
                Stale::Entry { parent, name } if !all_names => self.forget_name(parent, &name),
                Stale::Entry { .. } | Stale::Listing(_) => {}
            }
        }
        self.forget_listings();
    }

    fn forget_name(&self, parent: Inode, name: &[u8]) {
        let name = OsStr::from_bytes(name);
        report(self.notifier.inval_entry(INodeNo(parent.0), name));
    }

    /// A negative offset leaves the cached content; a new size or time makes the kernel drop that by itself.
    fn forget_attributes(&self, inode: Inode) {
        report(self.notifier.inval_inode(INodeNo(inode.0), -1, 0));
    }

    fn forget_listings(&mut self) {
        let now = self.pauses.take(Instant::now());
        self.folders.for_each(|folder| {
            if now.contains(&folder.inode) {
                folder.outdated.store(true, Ordering::Relaxed);
            }
        });
        for inode in now {
            lock(&self.waiting).remove(&inode);
            report(self.notifier.inval_inode(INodeNo(inode.0), 0, 0));
        }
    }
}

fn report(result: io::Result<()>) {
    if let Err(e) = result {
        tracing::debug!("notification of the kernel: {e}");
    }
}
