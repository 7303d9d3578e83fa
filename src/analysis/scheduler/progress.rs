//! How far the work is, and how those do that it is given to.

use std::sync::atomic::Ordering::Relaxed;

use super::state::{Counts, QueueId};
use super::{Provider, Scheduler, Stages};

pub use super::priority_queue::Waiting;

/// How a provider is doing.
#[derive(Clone)]
pub struct ProviderState {
    /// Whose state it is.
    pub provider: Provider,
    /// Of its own queue, without stages: those are of all together.
    pub counts: Progress,
    /// Photos of the catalog that it answered, in any version.
    pub answered: u64,
    /// Those that an earlier version dealt with.
    pub stale: u64,
    /// Those that it failed at or declined.
    pub declined: u64,
    /// Requests that run now; inside the program, photos that are worked on. Providers at the same place share them.
    pub requests: u64,
    /// The most that run at the same time, as the server is now.
    pub limit: usize,
    /// Why it is of no use now.
    pub down: Option<String>,
}

/// How far the work is, since the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Photos that wait, in all queues: one that two providers are to look at counts twice.
    pub queued: u64,
    /// The waiting ones by how much they are wanted.
    pub waiting: Waiting,
    /// Taken by a worker, and not yet committed.
    pub running: u64,
    /// Photos that got an answer of their own.
    pub analyzed: u64,
    /// Photos that can't be read or decoded, or that a provider failed at or declined.
    pub failed: u64,
    /// Photos that got the results of another one of the same content.
    pub copies: u64,
    /// Where the time went.
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
    /// The sum over all queues.
    pub fn progress(&self) -> Progress {
        let mut sum = Progress {
            stages: self.state.stopwatch.stages(),
            ..Progress::default()
        };
        for counts in self.queues().map(|(queue, _)| self.state.counts(queue)) {
            let counts = Progress::from(counts);
            sum.queued += counts.queued;
            sum.waiting += counts.waiting;
            sum.running += counts.running;
            sum.analyzed += counts.analyzed;
            sum.failed += counts.failed;
            sum.copies += counts.copies;
        }
        sum
    }

    /// How often single photos were asked for since the start, whoever asked and whatever came of it.
    pub fn questions(&self) -> u64 {
        self.state.questions()
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

    /// How each provider is doing, in the order in which they are configured.
    pub fn providers(&self) -> Vec<ProviderState> {
        let each = self.queues();
        each.map(|(queue, provider)| self.provider_state(queue, provider))
            .collect()
    }

    fn provider_state(&self, queue: QueueId, provider: &Provider) -> ProviderState {
        let [answered, stale, declined] = self.state.known(queue);
        let counts = Progress::from(self.state.counts(queue));
        let endpoint = self.endpoints[queue.0].as_ref();
        ProviderState {
            provider: provider.clone(),
            counts,
            answered,
            stale,
            declined,
            requests: endpoint.map_or(counts.running, |endpoint| endpoint.running() as u64),
            limit: endpoint.map_or(self.workers, |endpoint| endpoint.limit()),
            down: self.trouble(queue),
        }
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = (QueueId, &Provider)> {
        let providers = self.answers.providers.iter().enumerate();
        providers.map(|(n, provider)| (QueueId(n), provider))
    }

    /// Seconds that a server takes for a photo, as far as it was asked since the start.
    pub fn pace(&self, name: &str) -> Option<f64> {
        let endpoint = self.endpoints[self.queue(name)?.0].as_ref();
        endpoint?.seconds_a_request()
    }
}
