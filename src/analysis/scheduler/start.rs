//! Starting a scheduler: its threads, and what they share.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::answers::{self, Answers};
use super::committer::{Committer, Report};
use super::decoder::Decoder;
use super::dispatcher::Dispatcher;
use super::endpoint;
use super::state::{JobRequest, QueueId, SchedulerState, Whom};
use super::worker::Worker;
use super::{Options, Provider, Scheduler, Server};
use crate::analysis::Access;
use crate::catalog::Status;
use crate::decoding::Decoders;
use crate::index::{Delta, PhotoDelta, PhotoSnapshot};
use crate::library::Library;
use crate::panics;
use crate::source_files::SourceFiles;
use crate::store::memory::Memory;

/// Reports that workers may be ahead of the committer, each: while a batch is synced they go on. More would only be
/// more to do again after a crash.
const REPORTS_A_WORKER: usize = 16;

impl Scheduler {
    /// One that has no providers and no threads: no access starts anything.
    pub fn idle(library: Arc<Library>) -> Arc<Self> {
        Arc::new(Self {
            library,
            answers: Answers {
                providers: Arc::default(),
                store: Arc::new(Memory::default()),
            },
            endpoints: Vec::new(),
            state: Arc::new(SchedulerState::new(Vec::new())),
            decoders: Decoders::in_process(Duration::ZERO),
            workers: 0,
            threads: Mutex::default(),
            stop: watch::Sender::default(),
        })
    }

    /// Starts the threads, which wait for accesses. Providers are asked in this order, those inside the program first.
    ///
    /// What they have answered is known if the index is loaded; else [`Self::learn`] is to be called.
    pub fn start(
        library: Arc<Library>,
        source_files: Arc<SourceFiles>,
        mut providers: Vec<Provider>,
        options: Options,
    ) -> Arc<Self> {
        providers.retain(|provider| provider.server.is_none() || options.remote.is_some());
        providers.sort_by_key(|provider| provider.server.is_some());
        let (delay, probe_limit) = probes(&options);
        let workers = options.workers.max(1);
        let queues = providers.iter().map(answers::queue_of).collect();
        let scheduler = Self {
            library: Arc::clone(&library),
            endpoints: endpoint::of_servers(&providers, delay, probe_limit),
            state: Arc::new(SchedulerState::new(queues)),
            answers: Answers {
                providers: providers.into(),
                store: Arc::clone(&options.provider_store),
            },
            decoders: options.decoders.clone(),
            workers,
            threads: Mutex::default(),
            stop: watch::Sender::default(),
        };
        follow(&library, &scheduler.answers, &scheduler.state);
        resume(&source_files, &library, &scheduler.state);
        if scheduler.servers().next().is_some() {
            scheduler.state.must_prove();
        }
        if library.is_loaded() {
            scheduler.learn();
        }
        let (report, reports) = mpsc::channel(workers * REPORTS_A_WORKER);
        scheduler.start_dispatchers(&options, &report);
        scheduler.start_workers(&library, source_files, &options, report);
        let state = Arc::clone(&scheduler.state);
        let committer = Committer {
            library,
            provider_store: options.provider_store,
            state,
            reports,
            deadline: None,
        };
        scheduler.spawn("committer", move || committer.run());
        Arc::new(scheduler)
    }

    /// Reads what the providers have answered so far; to be called once. Takes seconds where there are a million photos,
    /// so that nobody should wait for it: until then every photo seems to be missing everywhere, and a worker that takes one
    /// finds out that it isn't without reading the file.
    pub fn learn(&self) {
        self.state.learn(self.answers.all_known());
    }

    fn servers(&self) -> impl Iterator<Item = (QueueId, &Provider, &Server)> {
        self.queues()
            .filter_map(|(queue, provider)| Some((queue, provider, provider.server.as_ref()?)))
    }

    fn start_workers(
        &self,
        library: &Arc<Library>,
        source_files: Arc<SourceFiles>,
        options: &Options,
        reports: mpsc::Sender<Report>,
    ) {
        // The committer works until the last worker is gone; this one is none, and is dropped here.
        let worker = Worker {
            library: Arc::clone(library),
            source_files,
            answers: self.answers.clone(),
            decoder: self.decoder(options),
            previews: options.remote.as_ref().map(|r| Arc::clone(&r.previews)),
            max_file_bytes: options.max_file_bytes,
            state: Arc::clone(&self.state),
            reports,
        };
        for _ in 0..self.workers {
            let worker = worker.clone();
            self.spawn("analysis", move || worker.run());
        }
    }

    /// What decodes; where several may want a picture, for all of them.
    fn decoder(&self, options: &Options) -> Decoder {
        let decoder = Decoder::new(self.decoders.clone());
        let sides: Vec<_> = self.servers().map(|(.., server)| server.max_side).collect();
        match self.answers.providers.len() {
            0 | 1 => decoder.sized(&sides),
            _ => decoder.sized(&sides).shared(&options.memory),
        }
    }

    /// One thread for all dispatchers: they only wait.
    fn start_dispatchers(&self, options: &Options, reports: &mpsc::Sender<Report>) {
        let Some(of_remote) = &options.remote else {
            return;
        };
        let dispatcher = |(queue, provider, server): (QueueId, &Provider, &Server)| {
            Some(Dispatcher {
                queue,
                analyzer: Arc::clone(&provider.analyzer),
                endpoint: Arc::clone(self.endpoints[queue.0].as_ref()?),
                state: Arc::clone(&self.state),
                reports: reports.clone(),
                budget: Arc::clone(&server.budget),
                max_retries: of_remote.max_retries,
                retry_delay: of_remote.retry_delay,
                denial: Mutex::default(),
            })
        };
        let dispatchers: Vec<_> = self.servers().filter_map(dispatcher).collect();
        if dispatchers.is_empty() {
            return;
        }
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
        let thread = thread.expect(panics::NO_THREAD);
        self.threads.lock().push(thread);
    }
}

fn probes(options: &Options) -> (Duration, u32) {
    let remote = options.remote.as_ref();
    remote.map_or((Duration::ZERO, 0), |r| (r.retry_delay, r.max_retries))
}

/// Photos whose file didn't answer are looked at when it is tried again.
fn resume(source_files: &SourceFiles, library: &Arc<Library>, state: &Arc<SchedulerState>) {
    let (library, state) = (Arc::downgrade(library), Arc::clone(state));
    source_files.listen(move |paths| {
        let Some(library) = library.upgrade() else {
            return;
        };
        let index = library.index();
        state.resume(paths.iter().filter_map(|path| index.by_path(path)));
    });
}

/// Photos that are other pictures now are unknown to everybody; and where no access is needed, they are analysed at once.
fn follow(library: &Arc<Library>, answers: &Answers, state: &Arc<SchedulerState>) {
    let (state, store) = (Arc::clone(state), Arc::clone(&answers.store));
    // A provider may own the library as well, which owns this.
    let (library_of, providers) = (Arc::downgrade(library), Arc::downgrade(&answers.providers));
    library.listen(move |delta: &Delta| {
        let (Some(library), Some(providers)) = (library_of.upgrade(), providers.upgrade()) else {
            return;
        };
        if delta.anew {
            let store = Arc::clone(&store);
            return begin_anew(&library, &Answers { providers, store }, &state);
        }
        let is_pending = |snapshot: &PhotoSnapshot| snapshot.traits.status == Status::Pending;
        // Nobody has read the content since it came.
        let is_new = |photo: &&PhotoDelta| match &photo.after {
            Some(after) => is_pending(after) && library.index().hash(photo.id).is_none(),
            None => true,
        };
        let changed: Vec<_> = delta.photos.iter().filter(is_new).collect();
        if changed.is_empty() {
            return;
        }
        let ids = changed.iter().map(|photo| photo.id.0);
        state.forget(&ids.collect());
        let was_pending = |photo: &&&PhotoDelta| {
            photo.after.is_some() && photo.before.as_ref().is_some_and(is_pending)
        };
        let other = changed.iter().filter(|photo| !was_pending(photo));
        state.forget_reasons(&other.map(|photo| photo.id.0).collect());
        for photo in changed.iter().filter(|photo| photo.after.is_some()) {
            state.ask(JobRequest {
                photo: photo.id,
                access: Access::Always,
                whom: Whom::Everybody,
                waiter: None,
                stale: false,
            });
        }
    });
}

/// The index was loaded anew: nothing that is remembered of photos need be true.
pub fn begin_anew(library: &Library, answers: &Answers, state: &SchedulerState) {
    let index = library.index();
    let all = index.all();
    state.forget(&all);
    state.forget_reasons(&all);
    state.learn(answers.all_known());
    let of_use = index.photos_with(Status::Pending) | index.photos_with(Status::Analyzed);
    state.ask_listing(&of_use, Access::Always);
}
