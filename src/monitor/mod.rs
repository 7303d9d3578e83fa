//! What the process that has the catalog is doing: its counters, read from wherever something is counted, and the last
//! hour of them.
//!
//! Reads only. Knows nothing of how any of it is shown, nor of the kernel.

mod counters;
mod instance;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::analysis::Scheduler;
use crate::analysis::previews::Previews;
use crate::api::Snapshot;
use crate::decoding::Decoders;
use crate::library::Library;
use crate::metrics::{History, Requests, Traffic};
use crate::store::cached::Cached;
use crate::thumbnails::Thumbnails;

pub use instance::Instance;

/// From one sample to the next.
const BEAT: Duration = Duration::from_secs(1);

/// Says what the kernel asked of a mount.
pub type KernelRequests = dyn Fn() -> Vec<Requests> + Send + Sync;

/// What is counted, and by whom.
pub struct Sources {
    pub library: Arc<Library>,
    pub scheduler: Arc<Scheduler>,
    pub details: Arc<Cached>,
    pub previews: Arc<Previews>,
    pub thumbnails: Arc<Thumbnails>,
    pub decoders: Decoders,
    /// What the web page is asked.
    pub traffic: Arc<Traffic>,
    pub instance: Arc<Instance>,
    /// Bytes that the process may hold.
    pub memory_limit: u64,
}

pub struct Monitor {
    sources: Sources,
    kernel: OnceLock<Box<KernelRequests>>,
    history: Mutex<History>,
}

impl Monitor {
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            kernel: OnceLock::new(),
            history: Mutex::default(),
        }
    }

    /// Counts a mount's requests from now on. A process mounts once: the first holds.
    pub fn watch_mount(&self, requests: Box<KernelRequests>) {
        self.kernel.get_or_init(|| requests);
    }

    /// Takes a sample now and every second, until the other side of `end` is dropped. Blocks.
    pub fn observe(&self, end: &Receiver<()>) {
        loop {
            let counters = Arc::new(self.counters());
            self.history().add(counters);
            match end.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return,
            }
        }
    }

    /// What the last hour was like.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock()
    }

    /// What is going on now. May block on the disk.
    pub fn snapshot(&self) -> Snapshot {
        let counters = self.counters();
        Snapshot::of(&counters, &self.history())
    }
}
