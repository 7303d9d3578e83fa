//! Decides which photo is analysed next, and sees that none is analysed twice.
//!
//! ```text
//! accesses -> state (queues, single flight) -> workers (read, hash, decode, ask here) -> committer -> those who wait
//!                                                |                                         ^
//!                                                +-> dispatchers (one a server, async) -------+
//! ```
//!
//! Nothing starts by itself: only accesses do. Waiting can be given up, work that has begun is brought to its end and
//! recorded. Every analyzer has its own queue, and looks at what it has not dealt with, whatever the others said; none
//! waits for another. Knows nothing of what analyzers do, of FUSE, or of SQL.

mod adopt;
mod answers;
mod committer;
mod content;
mod decoder;
mod dispatcher;
mod endpoint;
mod errors;
mod outcome;
mod outlook;
mod priority_queue;
mod progress;
mod provider;
mod reasons;
mod remote_job;
mod request;
mod spans;
mod stages;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use adopt::Adopted;
pub use outcome::AnalysisResult;
pub use outlook::Outlook;
pub use progress::{Progress, ProviderState, Waiting};
pub use provider::{Provider, Server};
pub use request::Request;
pub use stages::Stages;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use roaring::RoaringBitmap;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Access;
use super::previews::Previews;
use crate::catalog::{PhotoId, Status};
use crate::decoding::Decoders;
use crate::library::Library;
use crate::memory::Limit;
use crate::store::provider_store::ProviderStore;
use answers::Answers;
use endpoint::Endpoint;
use state::{JobRequest, QueueId, SchedulerState, Waiter, Whom};

/// What the user may set.
#[derive(Clone)]
pub struct Options {
    /// Photos analysed at the same time; at least one.
    pub workers: usize,
    /// Larger files fail unread.
    pub max_file_bytes: u64,
    /// What decodes, within its limits.
    pub decoders: Decoders,
    /// What analyzers answered is read here; that they did is committed with what they said.
    pub provider_store: Arc<dyn ProviderStore>,
    /// For pictures that several analyzers may want.
    pub memory: Limit,
    /// What servers need; without it, there are none.
    pub remote: Option<RemoteOptions>,
}

/// What servers need beside their own settings.
#[derive(Clone)]
pub struct RemoteOptions {
    /// Pictures made ready, so that a retry or another server needs no decode.
    pub previews: Arc<Previews>,
    /// How often a request that failed for the moment is repeated.
    pub max_retries: u32,
    /// How long before the first repetition; doubles with each. A server that is gone is looked at after this time,
    /// too.
    pub retry_delay: Duration,
}

/// Runs the analyses.
pub struct Scheduler {
    library: Arc<Library>,
    answers: Answers,
    /// Of the providers that are servers, in the order of all.
    endpoints: Vec<Option<Arc<Endpoint>>>,
    state: Arc<SchedulerState>,
    decoders: Decoders,
    workers: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Scheduler {
    /// Counts an access to a photo.
    pub fn accessed(&self, photo: PhotoId, access: Access) {
        self.ask(photo, access, Whom::Everybody, None, false);
    }

    /// Counts an access to many photos.
    pub fn accessed_all(&self, photos: RoaringBitmap, access: Access) {
        if !self.wants(access) {
            return;
        }
        let index = self.library.index();
        let of_use = index.photos_with(Status::Pending) | index.photos_with(Status::Analyzed);
        let photos = photos & of_use;
        if access > Access::Listed {
            let each = photos.iter().map(PhotoId);
            return each.for_each(|photo| self.accessed(photo, access));
        }
        self.state.ask_listing(&photos, access);
    }

    /// Whether some analyzer is started by such an access.
    pub fn wants(&self, access: Access) -> bool {
        self.answers.providers.iter().any(|p| p.on <= access)
    }

    /// Whether such an access to a photo would have somebody look at it.
    pub fn would_start(&self, photo: PhotoId, status: Status, access: Access) -> bool {
        status.may_be_analyzed() && self.wants(access) && self.state.would_start(photo, access)
    }

    /// Waits for the first results, or until nothing is queued.
    pub async fn first_results(&self, deadline: Duration) {
        let mut told = self.state.told();
        let first =
            async { while self.state.awaits_first_results() && told.changed().await.is_ok() {} };
        // An error is the deadline, which is as good an end.
        let _ = timeout(deadline, first).await;
    }

    /// Asks for an analysis and waits for its end. `None` when the deadline comes first; the analysis goes on.
    pub async fn analyzed(&self, photo: PhotoId, deadline: Duration) -> Option<AnalysisResult> {
        self.state.welcome(photo);
        let ended = self.ended(photo, Whom::Everybody, false);
        timeout(deadline, ended).await.ok()
    }

    /// Asks, and waits until everybody who was asked is done.
    async fn ended(&self, photo: PhotoId, whom: Whom, stale: bool) -> AnalysisResult {
        let (tell, mut told) = unbounded_channel();
        self.ask(photo, Access::Asked, whom, Some(tell), stale);
        let mut end = AnalysisResult::Skipped;
        while let Some((_, ended)) = told.recv().await {
            end = end.or(ended);
        }
        end
    }

    /// Whether there is a provider of this name.
    pub fn has(&self, name: &str) -> bool {
        self.queue(name).is_some()
    }

    /// From now on no analysis is begun, or from now on they are again. What is running goes on.
    pub fn pause(&self, paused: bool) {
        self.state.pause(paused);
    }

    /// Whether [`Self::pause`] holds.
    pub(crate) fn is_paused(&self) -> bool {
        self.state.is_paused()
    }

    /// Brings running analyses to their end, commits them, and drops the others; decoders are not waited for. Blocks until
    /// that is done.
    pub fn stop(&self) {
        // First the queues, so that nothing is begun, then what workers and dispatchers may be waiting for.
        self.state.stop();
        self.decoders.stop();
        self.stop.send_replace(true);
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the scheduler broke down");
            }
        }
    }

    fn queue(&self, name: &str) -> Option<QueueId> {
        let mut providers = self.answers.providers.iter();
        let at = providers.position(|p| p.analyzer.name() == name)?;
        Some(QueueId(at))
    }

    fn ask(&self, photo: PhotoId, access: Access, whom: Whom, waiter: Option<Waiter>, stale: bool) {
        let status = || self.library.index().status(photo);
        if self.wants(access) && status().is_some_and(Status::may_be_analyzed) {
            self.state.ask(JobRequest {
                photo,
                access,
                whom,
                waiter,
                stale,
            });
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}
