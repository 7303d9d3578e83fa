//! Starting a scheduler: its threads, and what they share.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use roaring::RoaringBitmap;
use tokio::sync::{mpsc, watch};

use super::committer::{Committer, Report};
use super::deadline::DeadlineRunner;
use super::decoder::Decoder;
use super::dispatcher::Dispatcher;
use super::remote::Remote;
use super::state::{JobRequest, ProviderQueue, QueueId, SchedulerState};
use super::worker::Worker;
use super::{Options, Provider, Scheduler, Server, UNBROKEN};
use crate::analysis::Access;
use crate::catalog::{PhotoId, Status};
use crate::index::{Delta, PhotoDelta, PhotoSnapshot};
use crate::library::Library;
use crate::originals::Originals;

/// Reports that workers may be ahead of the committer, each.
const REPORTS_A_WORKER: usize = 16;

impl Scheduler {
    /// One that has no providers and no threads: no access starts anything.
    pub fn idle(library: Arc<Library>) -> Arc<Self> {
        Arc::new(Self {
            library,
            here: Arc::default(),
            remote: None,
            endpoints: Vec::new(),
            state: Arc::new(SchedulerState::new(queues(&[], None))),
            deadlines: DeadlineRunner::new(Duration::ZERO),
            workers: 0,
            threads: Mutex::default(),
            stop: watch::Sender::default(),
        })
    }

    /// Starts the threads, which wait for accesses. Providers are asked in this order.
    pub fn start(
        library: Arc<Library>,
        originals: Arc<Originals>,
        providers: Vec<Provider>,
        options: Options,
    ) -> Arc<Self> {
        let here: Arc<[Provider]> = providers
            .iter()
            .filter(|p| p.server.is_none())
            .cloned()
            .collect();
        let remote = options
            .remote
            .as_ref()
            .map(|o| Arc::new(Remote::of(&providers, o)));
        let remote = remote.filter(|remote| !remote.servers.is_empty());
        let (delay, probe_limit) = probes(&options);
        let workers = options.workers.max(1);
        let scheduler = Self {
            library: Arc::clone(&library),
            endpoints: remote
                .iter()
                .flat_map(|r| r.endpoints(delay, probe_limit))
                .collect(),
            state: Arc::new(SchedulerState::new(queues(&here, remote.as_deref()))),
            here,
            remote,
            deadlines: DeadlineRunner::new(options.decode_time),
            workers,
            threads: Mutex::default(),
            stop: watch::Sender::default(),
        };
        follow(&library, &scheduler.state);
        if scheduler.remote.is_some() {
            scheduler.state.must_prove();
        }
        let provider_store = options
            .remote
            .as_ref()
            .map(|of_remote| Arc::clone(&of_remote.provider_store));
        let (report, reports) = mpsc::channel(workers * REPORTS_A_WORKER);
        scheduler.start_dispatchers(&options, &report);
        scheduler.start_workers(&library, originals, &options, report);
        let state = Arc::clone(&scheduler.state);
        let committer = Committer {
            library,
            provider_store,
            state,
            reports,
            deadline: None,
        };
        scheduler.spawn("committer", move || committer.run());
        Arc::new(scheduler)
    }

    fn start_workers(
        &self,
        library: &Arc<Library>,
        originals: Arc<Originals>,
        options: &Options,
        reports: mpsc::Sender<Report>,
    ) {
        // The committer works until the last worker is gone; this one is none, and is dropped here.
        let worker = Worker {
            library: Arc::clone(library),
            originals,
            here: Arc::clone(&self.here),
            decoder: self.decoder(self.remote.as_deref()),
            remote: self.remote.clone(),
            max_file_bytes: options.max_file_bytes,
            state: Arc::clone(&self.state),
            reports,
        };
        for _ in 0..self.workers {
            let worker = worker.clone();
            self.spawn("analysis", move || worker.run());
        }
    }

    /// What decodes; for servers, if there are any.
    pub(super) fn decoder(&self, remote: Option<&Remote>) -> Decoder {
        let decoder = Decoder::new(Arc::clone(&self.deadlines));
        match remote {
            Some(remote) => decoder.shared(&remote.memory, &remote.sides()),
            None => decoder,
        }
    }

    /// One thread for all dispatchers: they only wait.
    fn start_dispatchers(&self, options: &Options, reports: &mpsc::Sender<Report>) {
        let (Some(remote), Some(of_remote)) = (&self.remote, &options.remote) else {
            return;
        };
        let dispatcher = |(n, (provider, server)): (usize, &(Provider, Server))| Dispatcher {
            queue: QueueId::of_server(n),
            analyzer: Arc::clone(&provider.analyzer),
            endpoint: Arc::clone(&self.endpoints[n]),
            state: Arc::clone(&self.state),
            reports: reports.clone(),
            budget: Arc::clone(&server.budget),
            max_retries: of_remote.max_retries,
            retry_delay: of_remote.retry_delay,
            denial: Mutex::default(),
        };
        let dispatchers: Vec<_> = remote.servers.iter().enumerate().map(dispatcher).collect();
        let stop = self.stop.subscribe();
        self.spawn("dispatchers", move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("the system has room for one more poll");
            runtime.block_on(async {
                let running = dispatchers
                    .into_iter()
                    .map(|c| Arc::new(c).run(stop.clone()));
                futures_util::future::join_all(running).await
            });
        });
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let thread = thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread.expect("the system has room for the few threads of a scheduler");
        self.threads.lock().expect(UNBROKEN).push(thread);
    }
}

fn probes(options: &Options) -> (Duration, u32) {
    let remote = options.remote.as_ref();
    remote.map_or((Duration::ZERO, 0), |r| (r.retry_delay, r.max_retries))
}

fn queues(here: &[Provider], remote: Option<&Remote>) -> Vec<ProviderQueue> {
    let first = ProviderQueue {
        on: here.iter().map(|p| p.on).min().unwrap_or(Access::Asked),
        ..ProviderQueue::default()
    };
    let servers = remote.map(Remote::queues).unwrap_or_default();
    std::iter::once(first).chain(servers).collect()
}

/// Photos that are other pictures now are unknown to servers; and where no access is needed, they are analysed at once.
fn follow(library: &Library, state: &Arc<SchedulerState>) {
    let state = Arc::clone(state);
    library.listen(move |delta: &Delta| {
        let pending = |snapshot: &PhotoSnapshot| snapshot.traits.status == Status::Pending;
        let changed = delta
            .photos
            .iter()
            .filter(|p| p.after.as_ref().is_none_or(pending));
        let changed: RoaringBitmap = changed.map(|p| p.id.0).collect();
        if changed.is_empty() {
            return;
        }
        state.forget(&changed);
        let was_pending = |photo: &&PhotoDelta| photo.before.as_ref().is_some_and(pending);
        let still = delta.photos.iter().filter(was_pending);
        let still: RoaringBitmap = still
            .filter(|p| p.after.is_some())
            .map(|p| p.id.0)
            .collect();
        state.forget_reasons(&(&changed - still));
        let there = delta
            .photos
            .iter()
            .filter(|p| p.after.as_ref().is_some_and(pending));
        for queue in state.queues_on(Access::Always) {
            there
                .clone()
                .for_each(|photo| want(&state, queue, photo.id));
        }
    });
}

fn want(state: &SchedulerState, queue: QueueId, photo: PhotoId) {
    let request = JobRequest {
        photo,
        access: Access::Always,
        waiter: None,
        again: false,
    };
    // Whether it runs already makes no difference.
    state.ask(queue, request, || true);
}
