//! What askers, workers, dispatchers and the committer share: what waits, what runs, who wants to know.
//!
//! Every provider has a queue, inside the program or on a server. Whether a photo goes into it depends on what that
//! provider has said, and for a server also on what those have said that stand in for it. No queue waits for another.
//! Holds the rules of single flight. Knows nothing of files, analyzers or the store.

mod dispatching;
mod knowledge;
mod provider_queue;
mod queues;
mod set_aside;
mod store_breaker;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};
use roaring::RoaringBitmap;
use tokio::sync::{Notify, mpsc, watch};

use super::errors::Errors;
use super::outcome::{AnalysisResult, JobOutcome};
use super::priority_queue::Waiting;
use super::reasons::Reasons;
use super::remote_job::RemoteJob;
use super::stages::Stopwatch;
use crate::analysis::Access;
use crate::analysis::scheduler::answers::Known;
use crate::catalog::{ContentHash, FileStat, PhotoId};
pub use provider_queue::{Place, ProviderQueue, Ready};
use queues::ProviderQueues;
pub use queues::answers_for;
use set_aside::SetAside;
use store_breaker::StoreBreaker;

/// Where someone who waits is told.
pub type Waiter = mpsc::UnboundedSender<(PhotoId, AnalysisResult)>;

/// Which provider's queue it is: its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub usize);

/// A photo that a worker has taken, and the queues that it has it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub photo: PhotoId,
    pub queues: Vec<QueueId>,
}

/// Who is asked for a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Every analyzer inside the program, and the first server that has no answer yet.
    Everybody,
    /// Every analyzer inside the program.
    Local,
    /// The first server that has no answer yet.
    Servers,
    One(QueueId),
}

/// A photo whose content another photo is just being analysed for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duplicate {
    pub photo: PhotoId,
    pub stat: FileStat,
}

/// How many photos wait, run and ended since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: Waiting,
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    pub copies: u64,
}

/// What somebody wants.
pub struct JobRequest {
    pub photo: PhotoId,
    pub access: Access,
    pub whom: Whom,
    /// Told once by each who is asked.
    pub waiter: Option<Waiter>,
    /// Also where there is an answer, of an earlier version.
    pub stale: bool,
}

/// One lock for all queues, held for no longer than it takes to look something up in memory. No other lock of this
/// program's is taken under it, so that it may be taken under any, as the listener to commits does; who waits for the
/// disk or a server doesn't hold it.
pub struct SchedulerState {
    state: Mutex<ProviderQueues>,
    /// Something was queued, or all is to stop.
    work: Condvar,
    /// All is to stop.
    stopping: Condvar,
    /// Changes whenever someone might have been told.
    told: watch::Sender<()>,
    /// Of each queue: something is ready for its dispatcher.
    ready: Vec<Notify>,
    /// How often a photo was asked for.
    questions: AtomicU64,
    pub stopwatch: Stopwatch,
    pub errors: Errors,
    /// Answers of servers that wait until they can be kept.
    pub unkept: AtomicU64,
}

impl SchedulerState {
    /// With these queues, in the order of their providers.
    pub fn new(queues: Vec<ProviderQueue>) -> Self {
        Self {
            ready: queues.iter().map(|_| Notify::new()).collect(),
            state: Mutex::new(ProviderQueues {
                queues,
                forgotten: Some(RoaringBitmap::new()),
                turned_away: Reasons::default(),
                set_aside: SetAside::default(),
                store_breaker: StoreBreaker::default(),
                stopped: false,
                paused: false,
            }),
            work: Condvar::new(),
            stopping: Condvar::new(),
            told: watch::Sender::default(),
            questions: AtomicU64::default(),
            stopwatch: Stopwatch::default(),
            errors: Errors::default(),
            unkept: AtomicU64::default(),
        }
    }

    /// Wants a photo looked at by those that such an access starts and that have not dealt with it. Whoever waits learns
    /// at once where nothing comes of it for now.
    pub fn ask(&self, request: JobRequest) {
        let JobRequest {
            photo,
            access,
            whom,
            waiter,
            stale,
        } = request;
        self.questions.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        let mut queues = state.wanted(photo, access, whom, stale);
        if state.stopped {
            // What runs comes to its end; nothing else is begun.
            queues.retain(|queue| state.queues[queue.0].running.contains_key(&photo));
        }
        for queue in queues {
            let reason = state.why_in_vain(queue);
            match (&waiter, reason) {
                (Some(waiter), Some(reason)) => {
                    // An error says that nobody waits any more.
                    let _ = waiter.send((photo, AnalysisResult::Failed(reason)));
                }
                _ => {
                    if whom == Whom::One(queue) {
                        state.queues[queue.0].named.insert(photo.0);
                    }
                    state.queues[queue.0].ask(photo, access, stale, waiter.clone());
                }
            }
        }
        self.work.notify_one();
    }

    /// How often a single photo was asked for since the start.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Wants the photos of a listing looked at when there is nothing better to do, each by those that have not dealt with
    /// it.
    pub fn ask_listing(&self, photos: &RoaringBitmap, access: Access) {
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        for (queue, share) in state.shares(photos, access) {
            state.queues[queue.0].ask_listing(share, access);
        }
        self.work.notify_all();
    }

    /// Whether such an access would have somebody look at a photo.
    pub fn would_start(&self, photo: PhotoId, access: Access) -> bool {
        let state = self.lock();
        !state
            .wanted(photo, access, Whom::Everybody, false)
            .is_empty()
    }

    /// How many of these photos each queue would look at when they are asked for.
    pub fn shares(&self, photos: &RoaringBitmap) -> Vec<(QueueId, RoaringBitmap)> {
        self.lock().shares(photos, Access::Asked)
    }

    /// Photos that a provider has not dealt with; with `stale`, as it is now.
    pub fn missing(&self, queue: QueueId, photos: &RoaringBitmap, stale: bool) -> RoaringBitmap {
        self.lock().queues[queue.0].missing(photos, stale)
    }

    /// Adds what is kept of the answers of all providers. It was read while photos could change: of those that did it
    /// says nothing.
    pub fn learn(&self, all: Vec<Known>) {
        let mut state = self.lock();
        let forgotten = state.forgotten.take().unwrap_or_default();
        for (queue, known) in state.queues.iter_mut().zip(all) {
            queue.learn(known, &forgotten);
        }
    }

    /// Takes the most wanted photo for all queues that wait for it, and waits until there is one. `None` once all is to stop.
    pub fn take(&self) -> Option<Taken> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(taken) = state.next() {
                return Some(taken);
            }
            self.work.wait(&mut state);
        }
    }

    /// A worker is done with a photo that it took for a queue.
    pub fn done(&self, queue: QueueId) {
        self.lock().queues[queue.0].preparing -= 1;
        self.work.notify_one();
    }

    /// Whether a running photo is wanted even where there is an answer of an earlier version.
    pub fn is_wanted_again(&self, queue: QueueId, photo: PhotoId) -> bool {
        self.lock().queues[queue.0].again.contains(photo.0)
    }

    /// Whether a running photo is wanted from just this provider.
    pub fn is_named(&self, queue: QueueId, photo: PhotoId) -> bool {
        self.lock().queues[queue.0].named.contains(photo.0)
    }

    /// The servers that will want to see a photo that is just decoded.
    pub fn servers_that_want(&self, photo: PhotoId) -> Vec<QueueId> {
        let state = self.lock();
        let queues = state.queues.iter().enumerate();
        let waits = queues.filter(|(_, q)| !q.is_local() && q.waiting.contains(photo));
        waits.map(|(n, _)| QueueId(n)).collect()
    }

    /// Whether this photo's worker is the one that analyses a content. If not, the photo ends with the one that is.
    pub fn claim(&self, queue: QueueId, content: ContentHash, photo: Duplicate) -> bool {
        self.lock().queues[queue.0].claim(content, photo)
    }

    /// Gives up a claimed content, after its end is committed; gives those who followed.
    pub fn release(&self, queue: QueueId, content: ContentHash) -> Vec<Duplicate> {
        let duplicates = self.lock().queues[queue.0].contents.remove(&content);
        duplicates.unwrap_or_default()
    }

    /// Forgets what was known of photos: they are other pictures now.
    pub fn forget(&self, photos: &RoaringBitmap) {
        let mut state = self.lock();
        let queues = state.queues.iter_mut();
        queues.for_each(|queue| queue.forget(photos));
        state.set_aside.forget(photos);
        if let Some(forgotten) = &mut state.forgotten {
            *forgotten |= photos;
        }
    }

    /// Forgets why photos had no answer: they wait for one anew.
    pub fn forget_reasons(&self, photos: &RoaringBitmap) {
        let mut state = self.lock();
        state.turned_away.forget(photos);
        let queues = state.queues.iter_mut();
        queues.for_each(|queue| queue.reasons.forget(photos));
    }

    /// Has nothing begun from now on, or lets it begin again.
    pub fn pause(&self, paused: bool) {
        self.lock().paused = paused;
        self.work.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
        self.told.send_replace(());
    }

    pub fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// Tells everyone who waits for a photo how it ended; where a server has no answer, the next one is asked instead.
    pub fn tell(&self, queue: QueueId, photo: PhotoId, outcome: JobOutcome) {
        let mut state = self.lock();
        let (whose, outcome) = match outcome {
            JobOutcome::AnsweredBy(other) => (other, JobOutcome::Copied),
            outcome => (queue, outcome),
        };
        state.queues[whose.0].count(photo, &outcome);
        let access = state.queues[queue.0].end(photo);
        if outcome == JobOutcome::SetAside {
            state.set_aside(queue, photo, access);
        }
        let passes_on = matches!(
            outcome,
            JobOutcome::Declined { .. } | JobOutcome::RetryLater(_)
        );
        if matches!(outcome, JobOutcome::Analyzed | JobOutcome::Copied) {
            state.withdraw(photo);
        }
        if !(passes_on && state.hand_over(queue, photo, access)) {
            state.queues[queue.0].tell(photo, &AnalysisResult::from(outcome));
        }
        state.queues[queue.0].named.remove(photo.0);
        self.work.notify_one();
        self.told.send_replace(());
    }

    /// Ends all waiting: running photos come to their end, the others never start.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.queues.iter_mut().for_each(ProviderQueue::stop);
        self.told.send_replace(());
        self.work.notify_all();
        self.stopping.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
    }

    /// Changes whenever someone might have been told.
    pub fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    pub fn counts(&self, queue: QueueId) -> Counts {
        self.lock().queues[queue.0].counts()
    }

    /// Whether results are on their way, and none came yet.
    pub fn awaits_first_results(&self) -> bool {
        let state = self.lock();
        let counts: Vec<_> = state.queues.iter().map(ProviderQueue::counts).collect();
        let has_work = counts.iter().any(|c| c.waiting.total() + c.running > 0);
        has_work && state.may_begin() && counts.iter().all(|c| c.analyzed + c.copies == 0)
    }

    fn lock(&self) -> MutexGuard<'_, ProviderQueues> {
        self.state.lock()
    }
}
