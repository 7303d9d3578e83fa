//! Decides which photo is analysed next, and sees that none is analysed twice.
//!
//! ```text
//! accesses -> state (queues, single flight) -> workers (read, hash, decode, ask here) -> committer -> those who wait
//!                                                |                                         ^
//!                                                +-> dispatchers (one a server, async) -------+
//! ```
//!
//! Nothing starts by itself: only accesses do. Waiting can be given up, work that has begun is brought to its end and
//! recorded. What servers say joins what is found here; neither waits for the other. Knows nothing of what analyzers
//! do, of FUSE, or of SQL.

mod adopt;
mod committer;
mod content;
mod deadline;
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
mod remote;
mod remote_job;
mod request;
mod stages;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub use adopt::Adopted;
pub use outcome::AnalysisResult;
pub use progress::{Progress, ProviderState, Waiting};
pub use provider::{Provider, Server};
pub use request::Request;
pub use stages::Stages;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use roaring::RoaringBitmap;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Access;
use super::previews::Previews;
use crate::blocking::unblock;
use crate::catalog::{PhotoId, Status};
use crate::library::Library;
use crate::memory::Limit;
use crate::store::{self, provider_store::ProviderStore};
use deadline::DeadlineRunner;
use endpoint::Endpoint;
use remote::Remote;
use state::{JobRequest, QueueId, SchedulerState, Waiter};

/// What the user may set.
#[derive(Clone)]
pub struct Options {
    /// Photos analysed at the same time; at least one.
    pub workers: usize,
    /// Larger files fail unread.
    pub max_file_bytes: u64,
    /// A picture that takes longer to decode fails.
    pub decode_time: Duration,
    /// What servers need; without it, there are none.
    pub remote: Option<RemoteOptions>,
}

#[derive(Clone)]
pub struct RemoteOptions {
    /// For pictures that several servers may want.
    pub memory: Limit,
    pub previews: Arc<Previews>,
    pub provider_store: Arc<dyn ProviderStore>,
    /// How often a request that failed for the moment is repeated, and how long before the first repetition.
    pub max_retries: u32,
    pub retry_delay: Duration,
}

/// Runs the analyses.
pub struct Scheduler {
    library: Arc<Library>,
    here: Arc<[Provider]>,
    remote: Option<Arc<Remote>>,
    endpoints: Vec<Arc<Endpoint>>,
    state: Arc<SchedulerState>,
    /// With decoders.
    deadlines: Arc<DeadlineRunner>,
    workers: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Scheduler {
    /// Counts an access to a photo.
    pub fn accessed(&self, photo: PhotoId, access: Access) {
        self.ask_here(photo, access, None, Ok(false));
        self.ask_server(photo, access, None);
    }

    /// Counts an access to many photos.
    pub fn accessed_all(&self, photos: RoaringBitmap, access: Access) {
        if !self.wants(access) {
            return;
        }
        let index = self.library.index();
        if access > Access::Listed {
            let of_use = photos - index.photos_with(Status::Failed);
            return of_use
                .iter()
                .for_each(|photo| self.accessed(PhotoId(photo), access));
        }
        let pending = index.photos_with(Status::Pending);
        if self.here.iter().any(|p| p.on <= access) {
            self.state
                .ask_listing(QueueId::LOCAL, &photos & &pending, access);
        }
        if self.remote.is_some() {
            let of_use = photos & (pending | index.photos_with(Status::Analyzed));
            for (queue, share) in self.state.servers_for(of_use, access) {
                self.state.ask_listing(queue, share, access);
            }
        }
    }

    /// Whether some analyzer is started by such an access.
    pub fn wants(&self, access: Access) -> bool {
        self.providers().any(|p| p.on <= access)
    }

    /// Whether such an access to a photo would have somebody look at it.
    pub fn would_start(&self, photo: PhotoId, status: Status, access: Access) -> bool {
        match status {
            Status::Pending => self.wants(access),
            Status::Analyzed => self.state.server_for(photo, access).is_some(),
            Status::Failed | Status::Unsupported => false,
        }
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
        let (tell, mut told) = unbounded_channel();
        let here = self.ask_here(photo, Access::Asked, Some(tell.clone()), Ok(false));
        let there = self.ask_server(photo, Access::Asked, Some(tell));
        if !here && !there {
            return Some(AnalysisResult::Skipped);
        }
        let all = async {
            let mut end = AnalysisResult::Skipped;
            while let Some((_, ended)) = told.recv().await {
                end = end.or(ended);
            }
            end
        };
        timeout(deadline, all).await.ok()
    }

    /// Whether there is a provider of this name.
    pub fn has(&self, name: &str) -> bool {
        self.providers().any(|p| p.analyzer.name() == name)
    }

    /// From now on no analysis is begun, or from now on they are again. What is running goes on.
    pub fn pause(&self, paused: bool) {
        self.state.pause(paused);
    }

    pub fn is_paused(&self) -> bool {
        self.state.is_paused()
    }

    /// Brings running analyses to their end, commits them, and drops the others; decoders are not waited for. Blocks until
    /// that is done.
    pub fn stop(&self) {
        self.state.stop();
        self.deadlines.stop();
        self.stop.send_replace(true);
        let threads = std::mem::take(&mut *self.threads.lock().expect(UNBROKEN));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the scheduler broke down");
            }
        }
    }

    fn providers(&self) -> impl Iterator<Item = &Provider> {
        let servers = self
            .remote
            .iter()
            .flat_map(|r| r.servers.iter().map(|(p, _)| p));
        self.here.iter().chain(servers)
    }

    fn queue(&self, name: &str) -> Option<QueueId> {
        let servers = &self.remote.as_ref()?.servers;
        let at = servers
            .iter()
            .position(|(p, _)| p.analyzer.name() == name)?;
        Some(QueueId::of_server(at))
    }

    /// Whether the photo is being looked at inside the program now, or waits for it. `again`: also where it has an answer.
    fn ask_here(
        &self,
        photo: PhotoId,
        access: Access,
        waiter: Option<Waiter>,
        again: store::Result<bool>,
    ) -> bool {
        if !self.here.iter().any(|p| p.on <= access) {
            return false;
        }
        if let (Some(reason), Some(waiter)) = (self.state.why_given_up(), &waiter) {
            return tell_failed(photo, Some(waiter), reason);
        }
        let again = match again {
            Err(error) => return tell_failed(photo, waiter.as_ref(), error.to_string()),
            Ok(again) => again,
        };
        let request = JobRequest {
            photo,
            access,
            waiter,
            again,
        };
        let wanted = || {
            self.status(photo)
                .is_some_and(|s| s == Status::Pending || again && s == Status::Analyzed)
        };
        self.state.ask(QueueId::LOCAL, request, wanted)
    }

    /// Whether what the model inside the program said of a photo is of an earlier version of it.
    async fn is_stale_here(&self, photo: PhotoId) -> store::Result<bool> {
        let library = self.library.clone();
        let detail = unblock(move || library.detail(photo)).await?;
        let said = |p: &Provider| {
            let analyses = detail.iter().flat_map(|d| &d.analyses);
            let mut of_it = analyses.filter(|(name, ..)| name == p.analyzer.name());
            of_it.all(|(_, model, _)| model != p.analyzer.model())
        };
        Ok(detail.is_some() && self.here.iter().any(said))
    }

    /// Whether a server is looking at the photo now, or it waits for one.
    fn ask_server(&self, photo: PhotoId, access: Access, waiter: Option<Waiter>) -> bool {
        match self.state.server_for(photo, access) {
            Some(queue) => self.ask_of(queue, photo, access, waiter, false),
            None => false,
        }
    }

    /// The same, of one server or the first, also where it has an answer of an earlier version.
    fn ask_queue(
        &self,
        queue: Option<QueueId>,
        photo: PhotoId,
        waiter: Waiter,
        stale: bool,
    ) -> bool {
        let queue = queue.unwrap_or(QueueId::of_server(0));
        if !self.state.is_missing(queue, photo, stale) {
            return false;
        }
        self.ask_of(queue, photo, Access::Asked, Some(waiter), stale)
    }

    fn ask_of(
        &self,
        queue: QueueId,
        photo: PhotoId,
        access: Access,
        waiter: Option<Waiter>,
        again: bool,
    ) -> bool {
        let unkept = || self.state.why_given_up();
        let reason = self.state.why_down(queue).or_else(unkept);
        if let (Some(reason), Some(waiter)) = (reason, &waiter) {
            return tell_failed(photo, Some(waiter), reason);
        }
        let request = JobRequest {
            photo,
            access,
            waiter,
            again,
        };
        let of_use = || matches!(self.status(photo), Some(Status::Pending | Status::Analyzed));
        self.state.ask(queue, request, of_use)
    }

    fn status(&self, photo: PhotoId) -> Option<Status> {
        self.library.index().photo(photo).map(|p| p.status)
    }
}

/// Whoever waits for a photo learns at once that nothing comes of it. Whether somebody does.
fn tell_failed(photo: PhotoId, waiter: Option<&Waiter>, reason: String) -> bool {
    // An error says that nobody waits any more.
    waiter.is_some_and(|waiter| waiter.send((photo, AnalysisResult::Failed(reason))).is_ok())
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

const UNBROKEN: &str = "nothing panics while it holds the threads";
