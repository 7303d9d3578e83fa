//! Decides which photo is analysed next, and sees that none is analysed twice.
//!
//! ```text
//! accesses -> desk (queues, single flight) -> workers (read, hash, decode, ask here) -> committer -> those who wait
//!                                                |                                         ^
//!                                                +-> couriers (one a server, async) -------+
//! ```
//!
//! Nothing starts by itself: only accesses do. Waiting can be given up, work that has begun is brought to its end and
//! recorded. What servers say joins what is found here; neither waits for the other. Knows nothing of what analyzers
//! do, of FUSE, or of SQL.

mod adopt;
mod committer;
mod content;
mod courier;
mod desk;
mod host;
mod parcel;
mod patience;
mod queue;
mod remote;
mod sight;
mod stages;
mod start;
#[cfg(test)]
mod tests;
mod verdict;
mod worker;

pub use adopt::Adopted;
pub use stages::Stages;
pub use verdict::Ended;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use roaring::RoaringBitmap;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::time::timeout;

use super::previews::{Looks, Previews};
use super::purse::Purse;
use super::{Access, Analyzer};
use crate::catalog::{Answer, Outcome, PhotoId, Status};
use crate::library::Library;
use crate::store::ledger::Ledger;
use content::Content;
use desk::{Desk, HERE, Waiter, Wish};
use host::Host;
use patience::Patience;
use remote::Remote;

/// An analyzer, and from what kind of access on it is started.
#[derive(Clone)]
pub struct Provider {
    pub analyzer: Arc<dyn Analyzer>,
    pub on: Access,
    /// `None` for one that computes on the thread that asks it.
    pub server: Option<Server>,
}

/// What the scheduler has to know of a server.
#[derive(Clone)]
pub struct Server {
    /// What providers on the same machine have in common.
    pub host: String,
    /// Requests at the same time, at most.
    pub parallel: usize,
    /// Longest side of the pictures that it is sent, in pixels.
    pub max_side: u32,
    pub purse: Arc<Purse>,
}

impl Provider {
    /// An analyzer inside the program.
    pub fn here(analyzer: Arc<dyn Analyzer>, on: Access) -> Self {
        let server = None;
        Self {
            analyzer,
            on,
            server,
        }
    }
}

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
    pub previews: Arc<Previews>,
    pub ledger: Arc<dyn Ledger>,
    /// How often a request that failed for the moment is repeated, and how long before the first repetition.
    pub max_retries: u32,
    pub retry_delay: Duration,
}

/// What somebody wants to have analysed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub photos: Vec<PhotoId>,
    /// By this provider only; else by the one inside the program, and the preferred server.
    pub provider: Option<String>,
    /// Also where there is an answer, if it is of an earlier version.
    pub stale: bool,
}

/// How a provider is doing.
#[derive(Clone)]
pub struct ProviderState {
    pub provider: Provider,
    pub counts: Progress,
    /// Photos of the catalog that it answered, in any version; those whose answer is of an earlier one; those that it
    /// has no answer for.
    pub answered: u64,
    pub stale: u64,
    pub declined: u64,
    /// Requests that run at the same time, at most, as things are.
    pub limit: usize,
    /// Why it is of no use now.
    pub down: Option<String>,
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
    here: Arc<[Provider]>,
    remote: Option<Arc<Remote>>,
    hosts: Vec<Arc<Host>>,
    desk: Arc<Desk>,
    /// With decoders; the idle scheduler has none to be patient with.
    patience: Option<Arc<Patience>>,
    workers: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Scheduler {
    /// Counts an access to a photo.
    pub fn accessed(&self, photo: PhotoId, access: Access) {
        self.ask_here(photo, access, None, false);
        self.ask_server(photo, access, None);
    }

    /// Counts an access to many photos.
    pub fn accessed_all(&self, photos: RoaringBitmap, access: Access) {
        let Some(library) = self.library.as_ref().filter(|_| self.wants(access)) else {
            return;
        };
        let index = library.index();
        if access > Access::Listed {
            let of_use = photos - index.photos_with(Status::Failed);
            return of_use
                .iter()
                .for_each(|photo| self.accessed(PhotoId(photo), access));
        }
        let pending = index.photos_with(Status::Pending);
        if self.here.iter().any(|p| p.on <= access) {
            self.desk.ask_listing(HERE, &photos & &pending, access);
        }
        if self.remote.is_some() {
            let of_use = photos & (pending | index.photos_with(Status::Analyzed));
            for (lane, share) in self.desk.servers_for(of_use, access) {
                self.desk.ask_listing(lane, share, access);
            }
        }
    }

    /// Whether some analyzer is started by such an access.
    pub fn wants(&self, access: Access) -> bool {
        self.providers().any(|p| p.on <= access)
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
        let here = self.ask_here(photo, Access::Asked, Some(tell.clone()), false);
        let there = self.ask_server(photo, Access::Asked, Some(tell));
        if !here && !there {
            return Some(Ended::Skipped);
        }
        let all = async {
            let mut end = Ended::Skipped;
            while let Some((_, ended)) = told.recv().await {
                end = end.or(ended);
            }
            end
        };
        timeout(deadline, all).await.ok()
    }

    /// Asks for the analyses of all these photos and says how each ended, as it does. Only as many wait in the queues as
    /// keep everybody busy, so that others who ask soon get their turn.
    pub async fn analyze_all(&self, request: Request, each: impl FnMut(PhotoId, &Ended) + Send) {
        let Request {
            photos,
            provider,
            stale,
        } = request;
        let chosen = provider.as_deref();
        let is_here = chosen.is_none_or(|name| self.here.iter().any(|p| p.analyzer.name() == name));
        let lane = chosen.and_then(|name| self.lane(name));
        let is_there = self.remote.is_some() && (chosen.is_none() || lane.is_some());
        let ends = Mutex::new(Ends {
            parts: usize::from(is_here) + usize::from(is_there),
            open: HashMap::new(),
            each,
        });
        let ended = |photo, ended| ends.lock().expect(UNBROKEN).add(photo, ended);
        let here = async {
            let window = ASKED_A_WORKER * self.workers;
            let ask = |photo, waiter| self.ask_here(photo, Access::Asked, Some(waiter), stale);
            if is_here {
                self.feed(&photos, window, ask, ended).await;
            }
        };
        let there = async {
            let ask = |photo, waiter| match (lane, stale) {
                (None, false) => self.ask_server(photo, Access::Asked, Some(waiter)),
                (lane, again) => self.ask_lane(lane, photo, waiter, again),
            };
            if is_there {
                self.feed(&photos, self.requests() * ASKED_A_REQUEST, ask, ended)
                    .await;
            }
        };
        tokio::join!(here, there);
    }

    async fn feed(
        &self,
        photos: &[PhotoId],
        window: usize,
        ask: impl Fn(PhotoId, Waiter) -> bool,
        ended: impl Fn(PhotoId, Ended),
    ) {
        let (tell, mut told) = unbounded_channel();
        let mut awaited = 0;
        for &photo in photos {
            if !ask(photo, tell.clone()) {
                ended(photo, Ended::Skipped);
                continue;
            }
            awaited += 1;
            if awaited >= window
                && let Some((photo, end)) = told.recv().await
            {
                awaited -= 1;
                ended(photo, end);
            }
        }
        drop(tell);
        while let Some((photo, end)) = told.recv().await {
            ended(photo, end);
        }
    }

    /// How many of these photos each provider would look at, the one inside the program first.
    pub fn estimate(&self, request: &Request) -> Vec<(Provider, u64)> {
        let Some(library) = &self.library else {
            return Vec::new();
        };
        let index = library.index();
        let photos: RoaringBitmap = request.photos.iter().map(|p| p.0).collect();
        let pending = &photos & index.photos_with(Status::Pending);
        let of_use = &pending | (photos & index.photos_with(Status::Analyzed));
        let is_meant = |provider: &Provider| {
            let name = provider.analyzer.name();
            request
                .provider
                .as_deref()
                .is_none_or(|wanted| wanted == name)
        };
        let here = self
            .here
            .iter()
            .filter(|p| is_meant(p))
            .map(|p| (p.clone(), pending.len()));
        let mut all: Vec<_> = here.collect();
        let Some(remote) = &self.remote else {
            return all;
        };
        let shares = match request.provider.is_some() || request.stale {
            false => self.desk.servers_for(of_use, Access::Asked),
            true => (1..=remote.servers.len())
                .map(|lane| (lane, self.missing(lane, &of_use, request.stale)))
                .collect(),
        };
        let there = shares
            .into_iter()
            .map(|(lane, share)| (remote.servers[lane - 1].0.clone(), share.len()));
        all.extend(there.filter(|(provider, _)| is_meant(provider)));
        all
    }

    fn missing(&self, lane: usize, photos: &RoaringBitmap, stale: bool) -> RoaringBitmap {
        let missing = photos - self.desk.answered(lane) - self.desk.declined(lane);
        match stale {
            true => missing | (photos & self.desk.stale(lane)),
            false => missing,
        }
    }

    pub fn progress(&self) -> Progress {
        let lanes = 0..=self.remote.as_ref().map_or(0, |r| r.servers.len());
        let mut sum = Progress {
            stages: self.desk.stopwatch.stages(),
            ..Progress::default()
        };
        for counts in lanes.map(|lane| self.desk.counts(lane)) {
            sum.queued += counts.queued;
            sum.running += counts.running;
            sum.analyzed += counts.analyzed;
            sum.failed += counts.failed;
            sum.copies += counts.copies;
        }
        sum
    }

    /// How each server is doing, in the order in which they are preferred.
    pub fn servers(&self) -> Vec<ProviderState> {
        let servers = self.remote.iter().flat_map(|r| &r.servers).enumerate();
        let state = |(n, (provider, _)): (usize, &(Provider, Server))| {
            let lane = n + 1;
            let counts = self.desk.counts(lane);
            ProviderState {
                provider: provider.clone(),
                counts: Progress {
                    queued: counts.queued,
                    running: counts.running,
                    analyzed: counts.analyzed,
                    failed: counts.failed,
                    copies: counts.copies,
                    stages: Stages::default(),
                },
                answered: self.desk.answered(lane).len(),
                stale: self.desk.stale(lane).len(),
                declined: self.desk.declined(lane).len(),
                limit: self.hosts[n].limit(),
                down: self.desk.why_down(lane).or_else(|| self.hosts[n].trouble()),
            }
        };
        servers.map(state).collect()
    }

    /// Seconds that a server takes for a photo, as far as it was asked since the start.
    pub fn pace(&self, name: &str) -> Option<f64> {
        self.hosts[self.lane(name)? - 1].seconds_a_request()
    }

    /// Whether there is a provider of this name.
    pub fn has(&self, name: &str) -> bool {
        self.providers().any(|p| p.analyzer.name() == name)
    }

    /// Brings running analyses to their end, commits them, and drops the others; decoders are not waited for. Blocks until
    /// that is done.
    pub fn stop(&self) {
        self.desk.stop();
        self.patience.iter().for_each(|patience| patience.stop());
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

    fn lane(&self, name: &str) -> Option<usize> {
        let servers = &self.remote.as_ref()?.servers;
        let at = servers
            .iter()
            .position(|(p, _)| p.analyzer.name() == name)?;
        Some(at + 1)
    }

    /// Requests that may run at the same time.
    fn requests(&self) -> usize {
        let servers = self.remote.iter().flat_map(|r| &r.servers);
        servers.map(|(_, server)| server.parallel).sum()
    }

    /// Whether the photo is being looked at inside the program now, or waits for it.
    fn ask_here(
        &self,
        photo: PhotoId,
        access: Access,
        waiter: Option<Waiter>,
        stale: bool,
    ) -> bool {
        if !self.here.iter().any(|p| p.on <= access) {
            return false;
        }
        let again = stale && self.is_stale_here(photo);
        let wish = Wish {
            photo,
            access,
            waiter,
            again,
        };
        let wanted = || {
            self.status(photo)
                .is_some_and(|s| s == Status::Pending || again && s == Status::Analyzed)
        };
        self.desk.ask(HERE, wish, wanted)
    }

    /// Whether what the model inside the program said of a photo is of an earlier version of it.
    fn is_stale_here(&self, photo: PhotoId) -> bool {
        let detail = self.library.as_ref().and_then(|l| l.detail(photo).ok()?);
        let said = |p: &Provider| {
            let analyses = detail.iter().flat_map(|d| &d.analyses);
            let mut of_it = analyses.filter(|(name, ..)| name == p.analyzer.name());
            of_it.all(|(_, model, _)| model != p.analyzer.model())
        };
        detail.is_some() && self.here.iter().any(said)
    }

    /// Whether a server is looking at the photo now, or it waits for one.
    fn ask_server(&self, photo: PhotoId, access: Access, waiter: Option<Waiter>) -> bool {
        match self.desk.server_for(photo, access) {
            Some(lane) => self.ask_of(lane, photo, access, waiter, false),
            None => false,
        }
    }

    /// The same, of one server or the first, also where it has an answer of an earlier version.
    fn ask_lane(&self, lane: Option<usize>, photo: PhotoId, waiter: Waiter, stale: bool) -> bool {
        let lane = lane.unwrap_or(1);
        if !self.desk.is_missing(lane, photo, stale) {
            return false;
        }
        self.ask_of(lane, photo, Access::Asked, Some(waiter), stale)
    }

    fn ask_of(
        &self,
        lane: usize,
        photo: PhotoId,
        access: Access,
        waiter: Option<Waiter>,
        again: bool,
    ) -> bool {
        if let (Some(reason), Some(waiter)) = (self.desk.why_down(lane), &waiter) {
            // An error says that nobody waits any more.
            let _ = waiter.send((photo, Ended::Failed(reason)));
            return true;
        }
        let wish = Wish {
            photo,
            access,
            waiter,
            again,
        };
        let of_use = || matches!(self.status(photo), Some(Status::Pending | Status::Analyzed));
        self.desk.ask(lane, wish, of_use)
    }

    fn status(&self, photo: PhotoId) -> Option<Status> {
        let library = self.library.as_ref();
        library
            .and_then(|l| l.index().photo(photo))
            .map(|p| p.status)
    }
}

/// How the photos of a request ended so far, each in one or two parts.
struct Ends<F> {
    parts: usize,
    open: HashMap<PhotoId, Ended>,
    each: F,
}

impl<F: FnMut(PhotoId, &Ended)> Ends<F> {
    fn add(&mut self, photo: PhotoId, ended: Ended) {
        match self.open.remove(&photo) {
            Some(before) => (self.each)(photo, &before.or(ended)),
            None if self.parts > 1 => {
                self.open.insert(photo, ended);
            }
            None => (self.each)(photo, &ended),
        }
    }
}

/// An answer with everything that is committed with it.
fn outcome_of(
    analyzer: &dyn Analyzer,
    content: &Content,
    looks: &Looks,
    answer: Answer,
) -> Outcome {
    Outcome {
        hash: content.hash,
        stat: content.stat,
        width: looks.width,
        height: looks.height,
        colors: looks.colors.clone(),
        perceptual_hash: looks.perceptual_hash,
        analyzer: analyzer.name().to_owned(),
        model: analyzer.model().to_owned(),
        version: analyzer.version().to_owned(),
        remote: analyzer.is_remote(),
        answer,
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Photos of one request that wait at a time, in parts of what is worked on at a time.
const ASKED_A_WORKER: usize = 4;
const ASKED_A_REQUEST: usize = 8;

const UNBROKEN: &str = "nothing panics while it holds the threads";
