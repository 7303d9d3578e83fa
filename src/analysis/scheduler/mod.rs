//! Decides which photo is analysed next, and sees that none is analysed twice.
//!
//! ```text
//! accesses -> desk (queue, single flight) -> workers (read, hash, decode, ask) -> committer -> those who wait
//! ```
//!
//! Nothing starts by itself: only accesses do. Waiting can be given up, work that has begun is brought to its end and
//! recorded. Knows nothing of what analyzers do, of FUSE, or of SQL.

mod committer;
mod content;
mod desk;
mod queue;
mod stages;
#[cfg(test)]
mod tests;
mod verdict;
mod worker;

pub use stages::Stages;
pub use verdict::Ended;

use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use roaring::RoaringBitmap;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::{Access, Analyzer};
use crate::catalog::{PhotoId, Status};
use crate::library::Library;
use crate::originals::Originals;
use committer::Committer;
use desk::{Desk, Waiter};
use worker::Worker;

/// An analyzer, and from what kind of access on it is started.
#[derive(Clone)]
pub struct Provider {
    pub analyzer: Arc<dyn Analyzer>,
    pub on: Access,
}

/// What the user may set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Photos analysed at the same time; at least one.
    pub workers: usize,
    /// Larger files fail unread.
    pub max_file_bytes: u64,
}

/// How far the work is, since the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub queued: u64,
    /// Taken by a worker, and not yet committed.
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    /// Photos that got the results of another one of the same content.
    pub copies: u64,
    pub stages: Stages,
}

/// Runs the analyses. The default one is idle: no access starts anything.
#[derive(Default)]
pub struct Scheduler {
    library: Option<Arc<Library>>,
    providers: Arc<[Provider]>,
    desk: Arc<Desk>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Scheduler {
    /// Starts the threads, which wait for accesses. Providers are asked in this order.
    pub fn start(
        library: Arc<Library>,
        originals: Arc<Originals>,
        providers: Vec<Provider>,
        options: Options,
    ) -> Arc<Self> {
        let (report, reports) = mpsc::sync_channel(options.workers.max(1) * REPORTS_A_WORKER);
        let scheduler = Self {
            library: Some(library.clone()),
            providers: providers.into(),
            desk: Arc::default(),
            threads: Mutex::default(),
        };
        let worker = Worker {
            library: library.clone(),
            originals,
            providers: scheduler.providers.clone(),
            desk: scheduler.desk.clone(),
            reports: report,
            options: options.clone(),
        };
        for _ in 0..options.workers.max(1) {
            let worker = worker.clone();
            scheduler.spawn("analysis", move || worker.run());
        }
        // The committer works until the last worker is gone; this one is none.
        drop(worker);
        let desk = scheduler.desk.clone();
        let committer = Committer {
            library,
            desk,
            reports,
        };
        scheduler.spawn("committer", move || committer.run());
        Arc::new(scheduler)
    }

    /// Counts an access to a photo.
    pub fn accessed(&self, photo: PhotoId, access: Access) {
        self.ask(photo, access, None);
    }

    /// Counts an access to many photos.
    pub fn accessed_all(&self, photos: RoaringBitmap, access: Access) {
        let Some(library) = self.library.as_ref().filter(|_| self.wants(access)) else {
            return;
        };
        let pending = library.index().photos_with(Status::Pending) & photos;
        if access == Access::Listed {
            return self.desk.ask_listing(pending);
        }
        for photo in pending {
            self.accessed(PhotoId(photo), access);
        }
    }

    /// Whether some analyzer is started by such an access.
    pub fn wants(&self, access: Access) -> bool {
        self.providers.iter().any(|p| p.on <= access)
    }

    /// Waits for the first results, or until nothing is queued.
    pub async fn first_results(&self, deadline: Duration) {
        let mut told = self.desk.told();
        let first =
            async { while self.desk.awaits_first_results() && told.changed().await.is_ok() {} };
        // An error is the deadline, which is as good an end.
        let _ = timeout(deadline, first).await;
    }

    /// Asks for an analysis and waits for its end. `None` when the deadline comes first; the analysis goes on.
    pub async fn analyzed(&self, photo: PhotoId, deadline: Duration) -> Option<Ended> {
        let (tell, mut told) = unbounded_channel();
        if !self.ask(photo, Access::Asked, Some(tell)) {
            return Some(Ended::Skipped);
        }
        let (_, ended) = timeout(deadline, told.recv()).await.ok()??;
        Some(ended)
    }

    /// Asks for the analyses of all these photos and says how each ended, as it does. Only as many
    /// wait in the queue as keep the workers busy, so that others who ask soon get their turn.
    pub async fn analyze_all(&self, photos: Vec<PhotoId>, mut each: impl FnMut(PhotoId, &Ended)) {
        let (tell, mut told) = unbounded_channel();
        let at_a_time = ASKED_A_THREAD * self.threads.lock().expect(UNBROKEN).len();
        let mut awaited = 0;
        for photo in photos {
            if !self.ask(photo, Access::Asked, Some(tell.clone())) {
                each(photo, &Ended::Skipped);
                continue;
            }
            awaited += 1;
            if awaited >= at_a_time
                && let Some((photo, ended)) = told.recv().await
            {
                awaited -= 1;
                each(photo, &ended);
            }
        }
        drop(tell);
        while let Some((photo, ended)) = told.recv().await {
            each(photo, &ended);
        }
    }

    pub fn progress(&self) -> Progress {
        let counts = self.desk.counts();
        Progress {
            queued: counts.queued,
            running: counts.running,
            analyzed: counts.analyzed,
            failed: counts.failed,
            copies: counts.copies,
            stages: self.desk.stopwatch.stages(),
        }
    }

    /// Brings running analyses to their end, commits them, and drops the others. Blocks until that is done.
    pub fn stop(&self) {
        self.desk.stop();
        let threads = std::mem::take(&mut *self.threads.lock().expect(UNBROKEN));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the scheduler broke down");
            }
        }
    }

    /// Whether the photo is being analysed now, or waits for it.
    fn ask(&self, photo: PhotoId, access: Access, waiter: Option<Waiter>) -> bool {
        let is_pending = || self.is_pending(photo);
        self.wants(access) && self.desk.ask(photo, access, waiter, is_pending)
    }

    fn is_pending(&self, photo: PhotoId) -> bool {
        let library = self.library.as_ref();
        let photo = library.and_then(|l| l.index().photo(photo));
        photo.is_some_and(|p| p.status == Status::Pending)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let thread = thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread.expect("the system has room for the few threads of a scheduler");
        self.threads.lock().expect(UNBROKEN).push(thread);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reports that a worker may be ahead of the committer.
const REPORTS_A_WORKER: usize = 16;

/// Photos of one `analyze_all` that wait at a time.
const ASKED_A_THREAD: usize = 4;

const UNBROKEN: &str = "nothing panics while it holds the threads";
