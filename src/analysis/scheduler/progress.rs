//! How far the work is, and how those do that it is given to.

use std::sync::atomic::Ordering::Relaxed;

use super::state::{Counts, QueueId};
use super::{Provider, Scheduler, Server, Stages};

pub use super::priority_queue::Waiting;

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
    /// Requests that run now, and the most that run at the same time, as things are. Providers at the same place share
    /// them.
    pub requests: usize,
    pub limit: usize,
    /// Why it is of no use now.
    pub down: Option<String>,
}

/// How far the work is, since the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub queued: u64,
    /// The same, by how much they are wanted.
    pub waiting: Waiting,
    /// Taken by a worker, and not yet committed.
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    /// Photos that got the results of another one of the same content.
    pub copies: u64,
    pub stages: Stages,
}

impl From<Counts> for Progress {
    fn from(counts: Counts) -> Self {
        Self {
            queued: counts.waiting.total(),
            waiting: counts.waiting,
            running: counts.running,
            analyzed: counts.analyzed,
            failed: counts.failed,
            copies: counts.copies,
            stages: Stages::default(),
        }
    }
}

impl Scheduler {
    pub fn progress(&self) -> Progress {
        let queues = 0..=self.remote.as_ref().map_or(0, |r| r.servers.len());
        let mut sum = Progress {
            stages: self.state.stopwatch.stages(),
            ..Progress::default()
        };
        for counts in queues.map(|queue| Progress::from(self.state.counts(QueueId(queue)))) {
            sum.queued += counts.queued;
            sum.waiting += counts.waiting;
            sum.running += counts.running;
            sum.analyzed += counts.analyzed;
            sum.failed += counts.failed;
            sum.copies += counts.copies;
        }
        sum
    }

    /// How far the work inside the program is, by whom it is done, and how many photos at a time.
    pub fn progress_here(&self) -> (&[Provider], Progress, usize) {
        (
            &self.here,
            self.state.counts(QueueId::LOCAL).into(),
            self.workers,
        )
    }

    /// What went wrong since the start: name and count of each kind.
    pub fn errors(&self) -> Vec<(&'static str, u64)> {
        self.state.errors.read()
    }

    /// Why nothing can be kept, and so nothing is analysed now.
    pub fn why_unkept(&self) -> Option<String> {
        self.state.why_unkept()
    }

    /// Answers of servers that wait until they can be kept.
    pub fn unkept_answers(&self) -> u64 {
        self.state.unkept.load(Relaxed)
    }

    /// How each server is doing, in the order in which they are preferred.
    pub fn servers(&self) -> Vec<ProviderState> {
        let servers = self.remote.iter().flat_map(|r| &r.servers).enumerate();
        let state = |(n, (provider, _)): (usize, &(Provider, Server))| {
            let (queue, endpoint) = (QueueId::of_server(n), &self.endpoints[n]);
            let [answered, stale, declined] = self.state.known(queue);
            ProviderState {
                provider: provider.clone(),
                counts: self.state.counts(queue).into(),
                answered,
                stale,
                declined,
                requests: endpoint.running(),
                limit: endpoint.limit(),
                down: (self.state.why_unkept())
                    .or_else(|| self.state.why_down(queue))
                    .or_else(|| endpoint.trouble()),
            }
        };
        servers.map(state).collect()
    }

    /// Seconds that a server takes for a photo, as far as it was asked since the start.
    pub fn pace(&self, name: &str) -> Option<f64> {
        self.endpoints[self.queue(name)?.server()?].seconds_a_request()
    }
}
